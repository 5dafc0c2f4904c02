-- Who a name in a transcript is, where a person said so. What attendance shows is worked out when it is looked at: it may
-- still change, and a statement of a person outweighs it. Confidence in thousandths.
CREATE TABLE speakers (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    source TEXT NOT NULL,
    confidence BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (instance_id, label)
);

-- What somebody is to do, across the meetings of a series (its account and number; without a number, one run alone).
-- Made anew from the statements of the series whenever one is analysed; state, and who set it, stay.
CREATE TABLE tracked_actions (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    series TEXT NOT NULL,
    text TEXT NOT NULL,
    owner TEXT,
    owner_email TEXT,
    due TEXT,
    due_text TEXT,
    confidence BIGINT NOT NULL,
    state TEXT NOT NULL,
    state_by TEXT,
    state_at BIGINT,
    meetings BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX tracked_actions_series ON tracked_actions (workspace_id, series);
CREATE INDEX tracked_actions_list ON tracked_actions (workspace_id, last_at, id);

-- Where an action was spoken of.
CREATE TABLE action_sightings (
    action_id TEXT NOT NULL REFERENCES tracked_actions (id) ON DELETE CASCADE,
    transcript_id TEXT NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    cue_from BIGINT NOT NULL,
    cue_to BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    text TEXT NOT NULL,
    quote TEXT NOT NULL,
    PRIMARY KEY (action_id, transcript_id, model, cue_from, cue_to)
);
CREATE INDEX action_sightings_transcript ON action_sightings (transcript_id);
CREATE INDEX action_sightings_instance ON action_sightings (instance_id);

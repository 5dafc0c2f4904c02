-- Meetings that are scheduled through us. The spec is the truth (JSON of the engine); the columns beside it are what is listed
-- and looked for by. meeting_id is the provider's; zones and local starts are in the spec.
CREATE TABLE schedules (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    account TEXT,
    meeting_id TEXT,
    join_url TEXT,
    title TEXT NOT NULL,
    tz TEXT NOT NULL,
    start_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    minutes BIGINT NOT NULL,
    rrule TEXT,
    ics_uid TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    state TEXT NOT NULL,
    note TEXT,
    spec TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (workspace_id, ics_uid)
);
CREATE INDEX schedules_start ON schedules (workspace_id, start_at, id);
CREATE INDEX schedules_meeting ON schedules (workspace_id, provider, meeting_id);
CREATE INDEX schedules_state ON schedules (workspace_id, state);

-- One run of making, changing or cancelling a schedule. Whoever holds the lease does the next step; a request key belongs to one
-- run for ever.
CREATE TABLE sagas (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    step TEXT NOT NULL,
    direction TEXT NOT NULL,
    data TEXT NOT NULL,
    error TEXT,
    tries BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    request_key TEXT,
    request_hash TEXT,
    lease_token TEXT,
    lease_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX sagas_request ON sagas (workspace_id, request_key) WHERE request_key IS NOT NULL;
-- Of a schedule one thing is done at a time.
CREATE UNIQUE INDEX sagas_running ON sagas (schedule_id) WHERE state = 'running';
CREATE INDEX sagas_schedule ON sagas (schedule_id, created_at);

-- What was done outside, written before it is tried, so that a repetition knows what may be there.
CREATE TABLE effects (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    saga_id TEXT NOT NULL REFERENCES sagas (id) ON DELETE CASCADE,
    schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    remote_id TEXT,
    result TEXT,
    error TEXT,
    tries BIGINT NOT NULL,
    first_tried_at BIGINT NOT NULL,
    last_tried_at BIGINT NOT NULL,
    UNIQUE (workspace_id, key)
);
CREATE INDEX effects_saga ON effects (saga_id);
CREATE INDEX effects_stuck ON effects (workspace_id, state, schedule_id);

-- Where a schedule stands in a calendar.
CREATE TABLE calendar_links (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    calendar TEXT NOT NULL,
    account TEXT,
    event_calendar TEXT NOT NULL,
    event_id TEXT NOT NULL,
    etag TEXT,
    link TEXT,
    our_hash TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (schedule_id, calendar)
);
CREATE INDEX calendar_links_event ON calendar_links (workspace_id, calendar, event_id);

-- Who is invited, what they were told last, and what they answered.
CREATE TABLE attendees (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    person_id TEXT,
    email TEXT NOT NULL,
    name TEXT,
    role TEXT NOT NULL,
    answer TEXT NOT NULL,
    told_sequence BIGINT,
    told_at BIGINT,
    trouble TEXT,
    UNIQUE (schedule_id, email)
);
CREATE INDEX attendees_email ON attendees (workspace_id, email);

-- The occurrences as the provider has them; original is the start that the rule gives, on the wall clock of the zone.
CREATE TABLE schedule_occurrences (
    schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    original TEXT NOT NULL,
    remote_id TEXT,
    start_at BIGINT NOT NULL,
    minutes BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (schedule_id, original)
);

-- When people are taken by what we scheduled, and one row for each person, by which bookings of a person take turns.
CREATE TABLE booked_people (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    person TEXT NOT NULL,
    turns BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, person)
);
CREATE TABLE bookings (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    person TEXT NOT NULL,
    start_at BIGINT NOT NULL,
    end_at BIGINT NOT NULL,
    schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    PRIMARY KEY (workspace_id, person, start_at, schedule_id)
);
CREATE INDEX bookings_schedule ON bookings (schedule_id);

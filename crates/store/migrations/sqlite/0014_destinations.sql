-- Systems that records go to. config says what and where, never secrets; those lie in the vault under the id.
-- from_at: what happened before is sent by a backfill only. failing_since, failures and retry_at tell of the system as a
-- whole; what is wrong with one record stands with its delivery.
CREATE TABLE destinations (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    advice TEXT,
    failing_since BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    retry_at BIGINT,
    last_ok BIGINT,
    from_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (workspace_id, name)
);

-- What a destination reads: `live` follows the domain events by their number, a backfill or a replay walks through what is kept.
CREATE TABLE streams (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    destination_id TEXT NOT NULL REFERENCES destinations (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    spec TEXT NOT NULL,
    position TEXT NOT NULL,
    state TEXT NOT NULL,
    seen BIGINT NOT NULL DEFAULT 0,
    queued BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX streams_live ON streams (destination_id) WHERE kind = 'live';
CREATE INDEX streams_of ON streams (destination_id, created_at, id);

-- One row for each thing that a destination has, or is to have. Within a lane lower (rank, ord) go first.
-- sent_hash is the hash of what the destination has; content_hash that of what it should have.
CREATE TABLE deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    destination_id TEXT NOT NULL REFERENCES destinations (id) ON DELETE CASCADE,
    record_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    lane TEXT NOT NULL,
    rank BIGINT NOT NULL,
    ord BIGINT NOT NULL,
    person_id TEXT,
    subject_id TEXT,
    body TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    sent_hash TEXT,
    rule TEXT,
    backfill BIGINT NOT NULL,
    state TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    first_failed BIGINT,
    progress TEXT,
    remote_id TEXT,
    said TEXT,
    reason TEXT,
    advice TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    done_at BIGINT,
    UNIQUE (destination_id, record_key)
);
CREATE INDEX deliveries_open ON deliveries (destination_id, rank, ord, id) WHERE state IN ('pending', 'sending', 'waiting');
CREATE INDEX deliveries_lane ON deliveries (destination_id, lane, rank, ord, id) WHERE state IN ('pending', 'sending', 'waiting', 'dead');
CREATE INDEX deliveries_state ON deliveries (destination_id, state, updated_at, id);
CREATE INDEX deliveries_newest ON deliveries (workspace_id, updated_at, id);
CREATE INDEX deliveries_person ON deliveries (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX deliveries_subject ON deliveries (workspace_id, subject_id) WHERE subject_id IS NOT NULL;

-- What was tried with a delivery, and what came back.
CREATE TABLE delivery_tries (
    delivery_id TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    at BIGINT NOT NULL,
    ended BIGINT,
    outcome TEXT NOT NULL,
    said TEXT,
    PRIMARY KEY (delivery_id, attempt)
);

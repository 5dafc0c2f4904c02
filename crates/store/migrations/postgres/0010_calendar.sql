-- Calendars that meetings are written to; what opens them lies in the vault, `sync_token` says how far their changes are read.
CREATE TABLE calendar_accounts (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    checked BIGINT,
    sync_token TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (workspace_id, name)
);

-- Events of the embedded feed.
CREATE TABLE feed_events (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    event_key TEXT NOT NULL,
    event TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, event_key)
);

-- What people changed in a calendar and nobody has decided about yet.
CREATE TABLE calendar_conflicts (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    calendar TEXT NOT NULL,
    what TEXT NOT NULL,
    theirs TEXT,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (schedule_id, calendar)
);

-- The Zoom App: who has it open, which contexts opened it, and what people noted in meetings.
CREATE TABLE zoomapp_sessions (
    hash TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    family TEXT NOT NULL,
    zoom_user TEXT,
    meeting_uuid TEXT,
    running TEXT,
    created_at BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX zoomapp_sessions_expires ON zoomapp_sessions (expires);

-- A context opens the app for one session and those that follow from it, and for no other.
CREATE TABLE zoomapp_contexts (
    hash TEXT NOT NULL PRIMARY KEY,
    family TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX zoomapp_contexts_expires ON zoomapp_contexts (expires);

CREATE TABLE meeting_notes (
    workspace_id TEXT NOT NULL,
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    zoom_user TEXT NOT NULL,
    body TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, instance_id, zoom_user)
);

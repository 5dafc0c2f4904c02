-- Actions: who may ask (keys, sessions), what was answered to a repeated request, and which capabilities are on.
-- Instants are UTC microseconds; ids of ours are UUIDv7 text; JSON is text; hashes are SHA-256 as hex.

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    role TEXT NOT NULL,
    connections TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires BIGINT,
    last_used BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (workspace_id, name) WHERE revoked_at IS NULL;

CREATE TABLE sessions (
    hash TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE idempotency (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    action TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    state TEXT NOT NULL,
    answer BLOB,
    lease_token TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, caller, key)
);
CREATE INDEX idempotency_expires ON idempotency (expires);

CREATE TABLE components (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT,
    settings TEXT NOT NULL DEFAULT '{}',
    config_v BIGINT NOT NULL DEFAULT 1,
    changed_by TEXT NOT NULL,
    checked BIGINT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

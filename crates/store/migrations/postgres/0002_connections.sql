-- Connections people can trust: clouds and families of apps, asks that stay unanswered, logins under way, links to send,
-- and what was changed by whom.

-- Where an app lives: `commercial`, `gov`, or `other` with addresses of its own.
ALTER TABLE apps ADD COLUMN cloud TEXT NOT NULL DEFAULT 'commercial';
ALTER TABLE apps ADD COLUMN oauth_url TEXT;
ALTER TABLE apps ADD COLUMN api_url TEXT;
-- The client id that stands for all clients of one marketplace app (a public client belongs to its confidential one).
ALTER TABLE apps ADD COLUMN family TEXT;

-- How often the refresh token of this generation was shown to the provider without an answer.
ALTER TABLE grants ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;
-- How often in a row a refresh was answered with a failure, and until when nobody asks again.
ALTER TABLE grants ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN refresh_after BIGINT;

-- A used login stays a while, so that a second use is told from a forged one.
ALTER TABLE oauth_states ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE oauth_states ADD COLUMN used_at BIGINT;
CREATE INDEX oauth_states_expires ON oauth_states (expires);

CREATE TABLE connect_links (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    token_hash TEXT NOT NULL UNIQUE,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name TEXT,
    scopes TEXT NOT NULL DEFAULT '',
    made_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT,
    connection_id TEXT
);
CREATE INDEX connect_links_order ON connect_links (workspace_id, created_at);

-- One row for each workspace: locking it puts the entries of the audit log into one order.
CREATE TABLE audit_heads (
    workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES workspaces (id),
    n BIGINT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE audit (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    n BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    surface TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (workspace_id, n)
);
CREATE INDEX audit_target ON audit (workspace_id, target, n);
CREATE INDEX audit_action ON audit (workspace_id, action, n);

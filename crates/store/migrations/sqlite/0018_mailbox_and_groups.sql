-- Mailboxes that answers are read from, and how far: the highest UID seen under a UIDVALIDITY.
CREATE TABLE mailboxes (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    uid_validity BIGINT NOT NULL,
    last_uid BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    checked_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

-- Letters with answers, each once, by their Message-ID: the same letter under another UID is not taken again.
CREATE TABLE received (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    key TEXT NOT NULL,
    sender TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, key)
);
CREATE INDEX received_newest ON received (workspace_id, received_at, key);

-- Sagas of which all pass the point of no return, or none: whoever decides first decides for all, go or back.
CREATE TABLE saga_groups (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    decision TEXT,
    created_at BIGINT NOT NULL
);
ALTER TABLE sagas ADD COLUMN group_id TEXT;
CREATE INDEX sagas_group ON sagas (group_id) WHERE group_id IS NOT NULL;

-- Consents to a calendar that were begun in a browser: what the answer has to match, once. Their secrets lie in the vault.
CREATE TABLE calendar_consents (
    hash TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    data TEXT NOT NULL,
    expires BIGINT NOT NULL,
    used_at BIGINT
);

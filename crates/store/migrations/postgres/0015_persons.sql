-- People across meetings. What identifies somebody (an address, the provider's id of a user or of a registration) is a claim of
-- its own; claims that meet in one statement of the provider belong to one person, a name alone never does.
-- Consent is what somebody said about being written to; a registration says nothing of it.
CREATE TABLE persons (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    merged_into TEXT,
    consent BIGINT,
    consent_source TEXT,
    consent_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE person_identities (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    person_id TEXT NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    claimed_id TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, kind, value)
);
CREATE INDEX person_identities_person ON person_identities (person_id);

CREATE INDEX participants_email ON participants (email) WHERE email IS NOT NULL;
CREATE INDEX participants_user ON participants (user_external_id) WHERE user_external_id IS NOT NULL;
CREATE INDEX participants_registrant ON participants (registrant_id) WHERE registrant_id IS NOT NULL;
CREATE INDEX registrants_email ON registrants (email) WHERE email IS NOT NULL;
CREATE INDEX registrants_external ON registrants (external_id);
CREATE INDEX tracked_actions_owner ON tracked_actions (owner_email) WHERE owner_email IS NOT NULL;

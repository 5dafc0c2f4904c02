-- Filters of the lists, found by an index; and every id an account goes by, each held by one account.

DROP INDEX instances_number;
CREATE INDEX instances_of_number ON instances (workspace_id, number, sort_at, id);
DROP INDEX meetings_number;
CREATE INDEX meetings_of_number ON meetings (workspace_id, number, first_seen);
CREATE INDEX instances_host ON instances (workspace_id, account_id, host_user_id, sort_at);
CREATE INDEX transcripts_instance ON transcripts (instance_id);

-- Zoom knows one account by more than one id; whoever connects it first under any of them makes the row.
CREATE TABLE account_names (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (workspace_id, provider, name)
);
CREATE INDEX account_names_account ON account_names (account_id);
INSERT INTO account_names (workspace_id, provider, name, account_id) SELECT workspace_id, provider, external_id, id FROM accounts;
INSERT INTO account_names (workspace_id, provider, name, account_id)
    SELECT a.workspace_id, a.provider, alias.value, a.id FROM accounts a
        CROSS JOIN LATERAL jsonb_array_elements_text(COALESCE(CAST(a.capabilities AS jsonb) -> 'aliases', CAST('[]' AS jsonb))) AS alias(value)
    ORDER BY a.created_at
    ON CONFLICT (workspace_id, provider, name) DO NOTHING;

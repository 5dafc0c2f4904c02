-- Filters of the lists, found without reading whole rows; and every id an account goes by, each held by one account.

-- A list that is restricted by words, a host, a state or days looks through this index alone and reads the rows of one page.
DROP INDEX instances_order;
CREATE INDEX instances_listed ON instances (workspace_id, sort_at, id, deleted_at, state, start_at, account_id, meeting_id,
    host_user_id, host_search, topic_search);
DROP INDEX instances_number;
CREATE INDEX instances_of_number ON instances (workspace_id, number, sort_at, id);
DROP INDEX meetings_number;
CREATE INDEX meetings_of_number ON meetings (workspace_id, number, first_seen);
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
    SELECT a.workspace_id, a.provider, alias.value, a.id FROM accounts a, json_each(a.capabilities, '$.aliases') AS alias
    WHERE json_valid(a.capabilities) ORDER BY a.created_at
    ON CONFLICT (workspace_id, provider, name) DO NOTHING;

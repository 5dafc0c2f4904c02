-- What people answered in polls and what they asked during a run, each under a key made of what the provider says of it.
CREATE TABLE interactions (
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    poll_id TEXT,
    email TEXT,
    name TEXT,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    said_at BIGINT,
    first_seen BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (instance_id, kind, external_id)
);
CREATE INDEX interactions_email ON interactions (email) WHERE email IS NOT NULL;

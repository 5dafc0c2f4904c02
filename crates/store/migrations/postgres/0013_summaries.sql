-- What the provider itself wrote of a meeting; what it removed there is removed here, and remembered as removed.
CREATE TABLE provider_summaries (
    instance_id TEXT NOT NULL PRIMARY KEY REFERENCES instances (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    title TEXT,
    body TEXT,
    url TEXT,
    written_at BIGINT,
    said_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Passages as vectors of a model: one for each text and model, whatever meetings it was said in.
CREATE TABLE embeddings (
    workspace_id TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    model TEXT NOT NULL,
    vector BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, text_sha256, model)
);
CREATE TABLE passages (
    transcript_id TEXT NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    ord BIGINT NOT NULL,
    workspace_id TEXT NOT NULL,
    cue_from BIGINT NOT NULL,
    cue_to BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    text_sha256 TEXT NOT NULL,
    PRIMARY KEY (transcript_id, ord)
);
CREATE INDEX passages_text ON passages (workspace_id, text_sha256);

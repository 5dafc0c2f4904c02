-- Which of several results of one content is shown: the one of the analyst that was used last.
ALTER TABLE analyses ADD COLUMN current BIGINT NOT NULL DEFAULT 1;

-- What language models have used, by UTC day (days since 1970-01-01) and server; costs in millionths.
CREATE TABLE model_days (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    utc_day BIGINT NOT NULL,
    server TEXT NOT NULL,
    calls BIGINT NOT NULL,
    tokens_in BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, utc_day, server)
);

-- Answers that were paid for while an analysis is not whole yet: a try after a failure does not ask for them again.
CREATE TABLE model_answers (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    request_sha256 TEXT NOT NULL,
    transcript_id TEXT NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    answer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, request_sha256)
);
CREATE INDEX model_answers_transcript ON model_answers (transcript_id);

-- The texts of the prompts that results were made with.
CREATE TABLE model_prompts (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL,
    prompt_v TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, kind, prompt_v)
);

-- Why a model has not analysed a content, the last time it was tried; goes when it has.
CREATE TABLE model_troubles (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    transcript_sha256 TEXT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    transcript_id TEXT NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, transcript_sha256, kind, model)
);
CREATE INDEX model_troubles_transcript ON model_troubles (transcript_id);

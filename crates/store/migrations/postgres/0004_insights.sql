-- What was understood of a transcript. A result belongs to the content, not to the row it was read from: the same words
-- are analysed once for each kind, model and version of rules or prompt. It goes when its transcript goes.
CREATE TABLE analyses (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    transcript_id TEXT NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    transcript_sha256 TEXT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_v TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    dropped BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (workspace_id, transcript_sha256, kind, model, prompt_v)
);
CREATE INDEX analyses_transcript ON analyses (transcript_id);

-- The statements of an analysis; due is a day (yyyy-mm-dd), confidence in thousandths.
CREATE TABLE insights (
    id TEXT NOT NULL PRIMARY KEY,
    analysis_id TEXT NOT NULL REFERENCES analyses (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    ord BIGINT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    speaker TEXT,
    owner TEXT,
    due TEXT,
    due_text TEXT,
    confidence BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    UNIQUE (analysis_id, ord)
);
CREATE INDEX insights_kind ON insights (workspace_id, kind, owner);

CREATE TABLE citations (
    insight_id TEXT NOT NULL REFERENCES insights (id) ON DELETE CASCADE,
    ord_from BIGINT NOT NULL,
    ord_to BIGINT NOT NULL,
    quote TEXT NOT NULL,
    PRIMARY KEY (insight_id, ord_from, ord_to)
);

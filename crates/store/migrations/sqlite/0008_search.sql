-- Search by meeting: a row each in the word index, and a leaf that says which word stands where in it (store::search).
CREATE TABLE search_docs (
    n INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    instance_id TEXT NOT NULL UNIQUE REFERENCES instances (id) ON DELETE CASCADE
);
CREATE TABLE search_leaves (
    n INTEGER PRIMARY KEY REFERENCES search_docs (n) ON DELETE CASCADE,
    body BLOB NOT NULL
);

-- The text in it is made of tokens already (formats::text), which the ascii tokenizer leaves as they are: each word once,
-- stems the more often the more they count, and the names of who speaks.
CREATE VIRTUAL TABLE search_index USING fts5 (
    words,
    stems,
    speaker,
    content = '',
    contentless_delete = 1,
    tokenize = 'ascii',
    prefix = '3 5'
);
CREATE VIRTUAL TABLE search_terms USING fts5vocab(search_index, 'row');

-- Meetings that were there before this index; they are indexed when the database is opened next.
CREATE TABLE search_pending (
    workspace_id TEXT NOT NULL,
    instance_id TEXT NOT NULL PRIMARY KEY
);
INSERT INTO search_pending (workspace_id, instance_id) SELECT workspace_id, id FROM instances;

-- The index of single utterances gives way to it.
DROP TABLE talk_index;

-- The meetings where a content was said, for what was found in it.
CREATE INDEX transcripts_content ON transcripts (workspace_id, sha256);

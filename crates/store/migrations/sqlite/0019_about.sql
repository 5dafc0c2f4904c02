-- Search by what meetings are about: their topic, host and number in the word index, and who was there in an index of its
-- own, so that a filter alone reads what it finds and nothing else (store::search).
DROP TABLE search_terms;
DROP TABLE search_index;
DROP TABLE search_leaves;
DROP TABLE search_docs;

CREATE TABLE search_docs (
    n INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    instance_id TEXT NOT NULL UNIQUE REFERENCES instances (id) ON DELETE CASCADE,
    sort_at BIGINT NOT NULL,
    number TEXT,
    host_user_id TEXT,
    host_email TEXT
);
CREATE INDEX search_docs_listed ON search_docs (workspace_id, sort_at, n);
CREATE TABLE search_leaves (
    n INTEGER PRIMARY KEY REFERENCES search_docs (n) ON DELETE CASCADE,
    body BLOB NOT NULL
);
-- Names and addresses of who was there: each from every word of it on, so that what begins at a word is a range.
CREATE TABLE search_people (
    n BIGINT NOT NULL REFERENCES search_docs (n) ON DELETE CASCADE,
    text TEXT NOT NULL,
    PRIMARY KEY (n, text)
) WITHOUT ROWID;
CREATE INDEX search_people_text ON search_people (text, n);

-- As before, and with the topic, the host's address, and the number and the host's id as one token each.
CREATE VIRTUAL TABLE search_index USING fts5 (
    words,
    stems,
    speaker,
    title,
    host,
    ids,
    content = '',
    contentless_delete = 1,
    tokenize = 'ascii',
    prefix = '3 5'
);
CREATE VIRTUAL TABLE search_terms USING fts5vocab(search_index, 'col');

-- All meetings are indexed anew when the database is opened next.
INSERT OR IGNORE INTO search_pending (workspace_id, instance_id) SELECT workspace_id, id FROM instances;

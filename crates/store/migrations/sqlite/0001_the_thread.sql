-- The thread: accounts, what they hold, what was said, the inbox and the jobs.
-- Instants are UTC microseconds; ids of ours are UUIDv7 text; JSON is text; flags are 0 and 1.

CREATE TABLE workspaces (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL DEFAULT '{}'
);

INSERT INTO workspaces (id, name) VALUES ('01900000-0000-7000-8000-000000000001', 'default');

CREATE TABLE apps (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret_ref TEXT,
    webhook_secrets TEXT NOT NULL DEFAULT '[]',
    public BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (workspace_id, provider, client_id)
);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    external_id TEXT NOT NULL,
    name TEXT,
    plan TEXT,
    region TEXT,
    limits_share DOUBLE PRECISION,
    capabilities TEXT NOT NULL DEFAULT '{}',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (workspace_id, provider, external_id)
);

CREATE TABLE connections (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    subject_id TEXT NOT NULL,
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    last_ok BIGINT,
    last_error TEXT,
    last_error_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (workspace_id, app_id, account_id, subject_id)
);

CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    provider TEXT NOT NULL,
    subject_external_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    api_url TEXT,
    access_exp BIGINT,
    generation BIGINT NOT NULL,
    lease_token TEXT,
    lease_until BIGINT,
    pending_refresh BIGINT,
    dead_reason TEXT,
    updated_at BIGINT NOT NULL,
    UNIQUE (workspace_id, app_id, subject_external_id)
);

CREATE TABLE secrets (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    purpose TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (workspace_id, purpose, owner_id)
);
CREATE INDEX secrets_key ON secrets (key_id, id);
CREATE INDEX secrets_owner ON secrets (workspace_id, owner_id);

CREATE TABLE oauth_states (
    hash TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    purpose TEXT NOT NULL,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    verifier_ref TEXT,
    data TEXT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    external_id TEXT NOT NULL,
    email TEXT,
    name TEXT,
    kind TEXT,
    status TEXT,
    tz TEXT,
    pmi TEXT,
    search TEXT NOT NULL DEFAULT '',
    raw TEXT NOT NULL,
    source_rank BIGINT NOT NULL,
    event_ts BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (workspace_id, account_id, external_id)
);

CREATE TABLE meetings (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    external_id TEXT NOT NULL,
    number TEXT NOT NULL,
    kind TEXT NOT NULL,
    provider_type BIGINT,
    host_user_id TEXT,
    topic TEXT,
    topic_search TEXT NOT NULL DEFAULT '',
    tz TEXT,
    start_at BIGINT,
    duration_min BIGINT,
    recurrence TEXT,
    settings TEXT,
    join_url TEXT,
    raw TEXT NOT NULL,
    source_rank BIGINT NOT NULL,
    event_ts BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (workspace_id, account_id, external_id)
);
CREATE INDEX meetings_number ON meetings (workspace_id, number);
CREATE INDEX meetings_seen ON meetings (workspace_id, first_seen, id);

CREATE TABLE occurrences (
    workspace_id TEXT NOT NULL,
    meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    occurrence_id TEXT NOT NULL,
    start_at BIGINT,
    duration_min BIGINT,
    status TEXT,
    PRIMARY KEY (meeting_id, occurrence_id)
);

CREATE TABLE registrants (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    external_id TEXT NOT NULL,
    meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    occurrence_id TEXT,
    email TEXT,
    name TEXT,
    status TEXT,
    raw TEXT NOT NULL,
    source_rank BIGINT NOT NULL,
    event_ts BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (workspace_id, meeting_id, external_id)
);

CREATE TABLE instances (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    external_id TEXT NOT NULL,
    meeting_id TEXT REFERENCES meetings (id) ON DELETE SET NULL,
    number TEXT,
    kind TEXT NOT NULL,
    provider_type BIGINT,
    topic TEXT,
    topic_search TEXT NOT NULL DEFAULT '',
    host_user_id TEXT,
    host_email TEXT,
    host_search TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,
    start_at BIGINT,
    end_at BIGINT,
    tz TEXT,
    participants_count BIGINT,
    raw TEXT NOT NULL,
    source_rank BIGINT NOT NULL,
    event_ts BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    sort_at BIGINT NOT NULL,
    UNIQUE (workspace_id, account_id, external_id)
);
CREATE INDEX instances_order ON instances (workspace_id, sort_at, id);
CREATE INDEX instances_number ON instances (workspace_id, number, sort_at);
CREATE INDEX instances_meeting ON instances (meeting_id);
CREATE INDEX instances_external ON instances (workspace_id, external_id);

CREATE TABLE instance_sources (
    workspace_id TEXT NOT NULL,
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (instance_id, connection_id)
);

CREATE TABLE participants (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    match_key TEXT NOT NULL,
    name TEXT,
    email TEXT,
    user_external_id TEXT,
    registrant_id TEXT,
    role TEXT,
    UNIQUE (instance_id, match_key)
);

CREATE TABLE attendance (
    n INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    participant_id TEXT NOT NULL REFERENCES participants (id) ON DELETE CASCADE,
    join_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    join_at BIGINT NOT NULL,
    leave_at BIGINT,
    raw TEXT NOT NULL,
    source_rank BIGINT NOT NULL,
    event_ts BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (participant_id, join_key)
);

CREATE TABLE blobs (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    key TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    refs BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    UNIQUE (workspace_id, key)
);
CREATE INDEX blobs_sha256 ON blobs (workspace_id, sha256);

CREATE TABLE recordings (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    external_id TEXT NOT NULL,
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    start_at BIGINT,
    share_url TEXT,
    passcode_ref TEXT,
    total_size BIGINT,
    raw TEXT NOT NULL,
    source_rank BIGINT NOT NULL,
    event_ts BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (workspace_id, account_id, external_id)
);
CREATE INDEX recordings_instance ON recordings (instance_id);
CREATE INDEX recordings_seen ON recordings (workspace_id, first_seen, id);

CREATE TABLE files (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    provider TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    external_id TEXT NOT NULL,
    recording_id TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    file_type TEXT NOT NULL,
    recording_type TEXT,
    extension TEXT,
    status TEXT,
    start_at BIGINT,
    end_at BIGINT,
    size BIGINT,
    download_url TEXT,
    blob_id TEXT REFERENCES blobs (id),
    raw TEXT NOT NULL,
    source_rank BIGINT NOT NULL,
    event_ts BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (workspace_id, account_id, external_id)
);
CREATE INDEX files_recording ON files (recording_id);
CREATE INDEX files_instance ON files (instance_id);
CREATE INDEX files_blob ON files (blob_id);

CREATE TABLE artefacts (
    workspace_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT,
    detail TEXT,
    expected_by BIGINT,
    checked_at BIGINT NOT NULL,
    PRIMARY KEY (owner_id, kind)
);
CREATE INDEX artefacts_due ON artefacts (workspace_id, expected_by) WHERE state = 'expected';

CREATE TABLE transcripts (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    file_id TEXT REFERENCES files (id) ON DELETE SET NULL,
    file_key TEXT NOT NULL,
    source TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    lang TEXT,
    current BIGINT NOT NULL,
    parser_v BIGINT NOT NULL,
    cue_count BIGINT NOT NULL,
    utterance_count BIGINT NOT NULL,
    warnings BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (workspace_id, instance_id, source, file_key, sha256)
);
CREATE INDEX transcripts_file ON transcripts (file_id);
CREATE UNIQUE INDEX transcripts_current ON transcripts (instance_id, source, file_key) WHERE current = 1;

CREATE TABLE cues (
    transcript_id TEXT NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    ord BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    speaker_raw TEXT,
    text TEXT NOT NULL,
    PRIMARY KEY (transcript_id, ord)
) WITHOUT ROWID;

CREATE TABLE utterances (
    n INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    transcript_id TEXT NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    instance_id TEXT NOT NULL,
    ord BIGINT NOT NULL,
    cue_from BIGINT NOT NULL,
    cue_to BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    speaker TEXT,
    text TEXT NOT NULL,
    UNIQUE (transcript_id, ord)
);

CREATE TABLE chat (
    n INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    file_key TEXT NOT NULL,
    ord BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    sender_raw TEXT NOT NULL,
    recipient_raw TEXT,
    text TEXT NOT NULL,
    UNIQUE (instance_id, file_key, ord)
);

-- Rows of the index: utterance n is row 2n, chat message n is row 2n + 1. The text in it is made of
-- tokens already (formats::text), which the ascii tokenizer leaves as they are. Beginnings of words are looked up
-- in an index of their own length or of one more: two indexes serve beginnings of two to five letters.
CREATE VIRTUAL TABLE talk_index USING fts5 (
    body,
    speaker,
    content = '',
    contentless_delete = 1,
    tokenize = 'ascii',
    prefix = '3 5'
);

CREATE TABLE domain_events (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    workspace_id TEXT NOT NULL,
    seq BIGINT,
    type TEXT NOT NULL,
    v BIGINT NOT NULL,
    subject_id TEXT NOT NULL,
    data TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE UNIQUE INDEX domain_events_seq ON domain_events (workspace_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX domain_events_new ON domain_events (workspace_id, n) WHERE seq IS NULL;
CREATE INDEX domain_events_subject ON domain_events (workspace_id, subject_id, n);

CREATE TABLE consumers (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    cursor_seq BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE cursors (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    overlap_us BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, owner, name)
);

CREATE TABLE backfills (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    spec TEXT NOT NULL,
    forecast TEXT,
    summary TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX backfills_order ON backfills (workspace_id, created_at);

CREATE TABLE slices (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    backfill_id TEXT NOT NULL REFERENCES backfills (id) ON DELETE CASCADE,
    resource TEXT NOT NULL,
    subject TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    checkpoint TEXT,
    state TEXT NOT NULL,
    items BIGINT NOT NULL DEFAULT 0,
    calls BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    updated_at BIGINT NOT NULL,
    UNIQUE (backfill_id, resource, subject, from_at, to_at)
);
CREATE INDEX slices_state ON slices (backfill_id, state);

CREATE TABLE singletons (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    until BIGINT NOT NULL
);

-- No foreign keys on the way in: one look-up less for each event.
CREATE TABLE inbox (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    workspace_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    connection_id TEXT,
    -- Begins with event_ts, which every repetition shares: the index grows at its end.
    dedupe_key TEXT NOT NULL,
    event TEXT NOT NULL,
    event_ts BIGINT NOT NULL,
    lane TEXT,
    body TEXT NOT NULL,
    download_token BLOB,
    received BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'received',
    note TEXT,
    repeats BIGINT NOT NULL DEFAULT 0,
    UNIQUE (app_id, dedupe_key)
);
CREATE INDEX inbox_open ON inbox (received) WHERE state = 'received';
CREATE INDEX inbox_failed ON inbox (n) WHERE state = 'failed';

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    v BIGINT NOT NULL,
    lane TEXT,
    priority BIGINT NOT NULL,
    dedupe_key TEXT,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    lease_token TEXT,
    lease_until BIGINT,
    started_at BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    again BIGINT NOT NULL DEFAULT 0,
    note TEXT,
    cause_id TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX jobs_open_key ON jobs (workspace_id, kind, dedupe_key)
    WHERE dedupe_key IS NOT NULL AND state IN ('waiting', 'ready', 'running');
CREATE INDEX jobs_ready ON jobs (kind, priority, run_at, id) WHERE state = 'ready';
CREATE INDEX jobs_waiting ON jobs (kind, run_at) WHERE state = 'waiting';
CREATE INDEX jobs_leases ON jobs (lease_until) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_running_lane ON jobs (lane) WHERE state = 'running' AND lane IS NOT NULL;
CREATE INDEX jobs_cause ON jobs (cause_id) WHERE cause_id IS NOT NULL AND state IN ('waiting', 'ready', 'running');
CREATE INDEX jobs_over ON jobs (state, updated_at) WHERE state IN ('done', 'dead', 'dropped');

CREATE TABLE attempts (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    no BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    request TEXT,
    status BIGINT,
    tracking_id TEXT,
    error TEXT,
    advice TEXT,
    PRIMARY KEY (job_id, no, ended)
);

-- Mails, each under a key: the same key is the same mail and leaves once. The message is kept whole, as it left or would have.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    key TEXT NOT NULL,
    schedule_id TEXT,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    message_id TEXT NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (workspace_id, key)
);
CREATE INDEX outbox_newest ON outbox (workspace_id, created_at, id);
CREATE INDEX outbox_schedule ON outbox (schedule_id);

-- What people answered; occurrence is the start that the rule gives, empty for the whole.
CREATE TABLE responses (
    attendee_id TEXT NOT NULL REFERENCES attendees (id) ON DELETE CASCADE,
    occurrence TEXT NOT NULL,
    answer TEXT NOT NULL,
    comment TEXT,
    source TEXT NOT NULL,
    verified BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    stamp BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (attendee_id, occurrence)
);

-- Who is to be reminded of what, and when; original is the start that the rule gives.
CREATE TABLE reminders (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    attendee_id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT,
    title TEXT NOT NULL,
    join_url TEXT,
    tz TEXT NOT NULL,
    original TEXT NOT NULL,
    method TEXT NOT NULL,
    minutes BIGINT NOT NULL,
    start_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    changed_at BIGINT NOT NULL,
    UNIQUE (schedule_id, original, attendee_id, method, minutes)
);
CREATE INDEX reminders_due ON reminders (workspace_id, state, due_at);

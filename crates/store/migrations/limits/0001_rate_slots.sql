-- What a provider's account may still be asked. Losing the last moments of it at a power failure is harmless.
CREATE TABLE rate_slots (
    account TEXT NOT NULL,
    label TEXT NOT NULL,
    slot BIGINT NOT NULL,
    free_at BIGINT NOT NULL,
    holder TEXT,
    PRIMARY KEY (account, label, slot)
);
CREATE INDEX rate_slots_free ON rate_slots (account, label, free_at);

CREATE TABLE rate_parked (
    account TEXT NOT NULL,
    label TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (account, label)
);

CREATE TABLE rate_days (
    account TEXT NOT NULL,
    label TEXT NOT NULL,
    utc_day BIGINT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (account, label, utc_day)
);

CREATE TABLE host_quota (
    account TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    utc_day BIGINT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (account, subject, kind, utc_day)
);

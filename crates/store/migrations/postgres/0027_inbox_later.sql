-- Events that were taken in faster than their jobs could be written beside them: from the first to the last id, waiting for
-- jobs of this priority. A row goes when its events have their jobs.
CREATE TABLE inbox_later (
    first_id TEXT NOT NULL PRIMARY KEY,
    last_id TEXT NOT NULL,
    events BIGINT NOT NULL,
    priority BIGINT NOT NULL
);

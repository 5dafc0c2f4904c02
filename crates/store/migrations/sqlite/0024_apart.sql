-- People whom somebody said to be two: what names both does not make one of them any more. person_id is the one that was split
-- off, other_id any of those that it was one with; both are ids of persons as they were made, whoever they are one with by now.
CREATE TABLE persons_apart (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    person_id TEXT NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    other_id TEXT NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, person_id, other_id)
);
CREATE INDEX persons_apart_other ON persons_apart (other_id);
CREATE INDEX persons_merged ON persons (merged_into) WHERE merged_into IS NOT NULL;

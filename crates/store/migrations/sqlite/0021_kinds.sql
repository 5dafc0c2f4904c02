-- What kinds of units a meeting has in the index, a bit each, so that a search for what was said passes over meetings without
-- talk. Of those indexed before, one with neither transcript nor chat has its title alone; the others may have anything.
ALTER TABLE search_docs ADD COLUMN kinds BIGINT NOT NULL DEFAULT -1;
UPDATE search_docs SET kinds = 8
WHERE NOT EXISTS (SELECT 1 FROM transcripts t WHERE t.instance_id = search_docs.instance_id)
    AND NOT EXISTS (SELECT 1 FROM chat c WHERE c.instance_id = search_docs.instance_id);

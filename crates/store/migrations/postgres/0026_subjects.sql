-- Whose connections are whose is asked with every call of a Zoom App's session: found by the person, not by reading an app's rows.
CREATE INDEX connections_subject ON connections (workspace_id, subject_id, app_id);

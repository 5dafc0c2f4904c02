//! What is in the store, in figures.

use crate::db::{args, one, statements};
use crate::error::Result;
use crate::model::Status;
use crate::store::{Scope, Store};

statements! {
    PING = one("SELECT 1");
    FIGURES = one("SELECT
        (SELECT COUNT(*) FROM users WHERE workspace_id = $1 AND deleted_at IS NULL),
        (SELECT COUNT(*) FROM users WHERE workspace_id = $1 AND deleted_at IS NULL AND status = 'inactive'),
        (SELECT COUNT(*) FROM users WHERE workspace_id = $1 AND deleted_at IS NULL AND status = 'pending'),
        (SELECT COUNT(*) FROM meetings WHERE workspace_id = $1 AND deleted_at IS NULL),
        (SELECT COUNT(*) FROM instances WHERE workspace_id = $1 AND deleted_at IS NULL),
        (SELECT COUNT(*) FROM instances WHERE workspace_id = $1 AND deleted_at IS NULL AND state = 'ended'),
        (SELECT COUNT(*) FROM participants WHERE workspace_id = $1),
        (SELECT COUNT(*) FROM attendance WHERE workspace_id = $1),
        (SELECT COUNT(*) FROM recordings WHERE workspace_id = $1 AND deleted_at IS NULL),
        (SELECT COUNT(*) FROM files WHERE workspace_id = $1 AND deleted_at IS NULL),
        (SELECT COUNT(*) FROM files WHERE workspace_id = $1 AND deleted_at IS NULL AND blob_id IS NOT NULL),
        (SELECT COUNT(*) FROM transcripts WHERE workspace_id = $1 AND current = 1),
        (SELECT CAST(COALESCE(SUM(cue_count), 0) AS BIGINT) FROM transcripts WHERE workspace_id = $1 AND current = 1),
        (SELECT CAST(COALESCE(SUM(utterance_count), 0) AS BIGINT) FROM transcripts WHERE workspace_id = $1 AND current = 1),
        (SELECT COUNT(*) FROM chat WHERE workspace_id = $1)");
}

impl Store {
    /// The figures of `parfocal status`.
    pub async fn status(&self, scope: Scope) -> Result<Status> {
        let engine = self.engine();
        let mut status = self
            .exactly(FIGURES, args![scope.workspace], |row| {
                Ok(Status {
                    engine,
                    users: row.count()?,
                    users_inactive: row.count()?,
                    users_pending: row.count()?,
                    meetings: row.count()?,
                    instances: row.count()?,
                    instances_ended: row.count()?,
                    participants: row.count()?,
                    attendance: row.count()?,
                    recordings: row.count()?,
                    files: row.count()?,
                    files_stored: row.count()?,
                    transcripts: row.count()?,
                    cues: row.count()?,
                    utterances: row.count()?,
                    chat_messages: row.count()?,
                    jobs: Vec::new(),
                    artefacts: Vec::new(),
                    inbox: crate::model::InboxStatus::default(),
                })
            })
            .await?;
        status.jobs = self.job_counts(scope).await?;
        status.artefacts = self.artefact_counts(scope).await?;
        status.inbox = self.inbox_status(scope).await?;
        Ok(status)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.exactly(PING, args![], |_| Ok(())).await
    }
}

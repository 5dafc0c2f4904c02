//! Ending a try, in the transaction of its result.

use jiff::Timestamp;

use crate::db::{Tx, args, one, statements};
use crate::error::Result;
use crate::model::{AttemptReport, JobLease};
use crate::store::{Scope, Store};

statements! {
    // A job that was enqueued again while it ran is not over: it becomes ready once more.
    OVER = one("UPDATE jobs SET
            state = CASE WHEN again = 1 THEN 'ready' ELSE $3 END,
            attempts = CASE WHEN again = 1 THEN 0 ELSE attempts END,
            run_at = CASE WHEN again = 1 THEN $4 ELSE run_at END,
            note = CASE WHEN again = 1 THEN NULL ELSE $5 END,
            again = 0, lease_token = NULL, lease_until = NULL, updated_at = $4
        WHERE id = $1 AND lease_token = $2 AND state = 'running'");
    LATER = one("UPDATE jobs SET
            state = 'waiting',
            run_at = CASE WHEN again = 1 THEN CAST($6 AS BIGINT) ELSE CAST($3 AS BIGINT) END,
            attempts = attempts - $4, note = $5,
            again = 0, lease_token = NULL, lease_until = NULL, updated_at = $6
        WHERE id = $1 AND lease_token = $2 AND state = 'running'");
    CHECK = one("SELECT 1 FROM jobs WHERE id = $1 AND lease_token = $2 AND state = 'running'");
    ATTEMPT = one("INSERT INTO attempts (job_id, no, started, ended, outcome, request, status, tracking_id, error, advice)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (job_id, no, ended) DO NOTHING");
    // A job that waits for months must not gather tries without end: the latest say enough.
    OLD_ATTEMPTS = one("DELETE FROM attempts WHERE job_id = $1 AND ended < (
        SELECT ended FROM attempts WHERE job_id = $1 ORDER BY ended DESC LIMIT 1 OFFSET $2)");
    LET_GO = one("UPDATE jobs SET state = 'ready', attempts = attempts - 1, note = $3,
            again = 0, lease_token = NULL, lease_until = NULL, updated_at = $4
        WHERE id = $1 AND lease_token = $2 AND state = 'running'");
}

/// How many tries of a job are remembered.
pub const ATTEMPTS_KEPT: u32 = 50;

pub(super) fn held(rows: u64, lease: &JobLease) -> Result<()> {
    if rows == 0 {
        return Err(super::claim::lost(lease));
    }
    Ok(())
}

impl Tx {
    /// Ends a job well. The try is only recorded when there is a report.
    ///
    /// # Errors
    /// `LeaseLost`, as with all verbs below: roll back, somebody else does or did this job.
    pub async fn complete_job(
        &mut self,
        lease: &JobLease,
        report: Option<&AttemptReport>,
        now: Timestamp,
    ) -> Result<()> {
        self.over(lease, "done", None, now).await?;
        match report {
            Some(report) => self.attempt(lease, "done", report, now).await,
            None => Ok(()),
        }
    }

    /// Puts a job back for another try at `run_at`, and records what this one said.
    pub async fn retry_job(
        &mut self,
        lease: &JobLease,
        run_at: Timestamp,
        report: &AttemptReport,
        now: Timestamp,
    ) -> Result<()> {
        let done = self
            .execute(
                LATER,
                args![
                    lease.id,
                    &lease.token,
                    run_at,
                    0_i64,
                    report.error.clone(),
                    now
                ],
            )
            .await?;
        held(done, lease)?;
        self.attempt(lease, "retry", report, now).await
    }

    /// Puts a job back until `run_at` because the time has not come; the try does not count, and
    /// is only recorded when there is a report.
    pub async fn snooze_job(
        &mut self,
        lease: &JobLease,
        run_at: Timestamp,
        reason: &str,
        report: Option<&AttemptReport>,
        now: Timestamp,
    ) -> Result<()> {
        let done = self
            .execute(
                LATER,
                args![lease.id, &lease.token, run_at, 1_i64, reason, now],
            )
            .await?;
        held(done, lease)?;
        match report {
            Some(report) => self.attempt(lease, "snooze", report, now).await,
            None => Ok(()),
        }
    }

    /// Gives a job up: a dead letter that a person may redrive.
    pub async fn bury_job(
        &mut self,
        lease: &JobLease,
        report: &AttemptReport,
        now: Timestamp,
    ) -> Result<()> {
        self.over(lease, "dead", report.error.as_deref(), now)
            .await?;
        self.attempt(lease, "dead", report, now).await
    }

    /// Makes sure that a lease is still held, in the middle of a transaction.
    pub async fn check_job(&mut self, lease: &JobLease) -> Result<()> {
        let here = self
            .one(CHECK, args![lease.id, &lease.token], |_| Ok(()))
            .await?;
        here.ok_or_else(|| super::claim::lost(lease))
    }

    async fn over(
        &mut self,
        lease: &JobLease,
        state: &str,
        note: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let done = self
            .execute(OVER, args![lease.id, &lease.token, state, now, note])
            .await?;
        // The lane is free now: whoever waits for it may run.
        self.new_jobs = true;
        held(done, lease)
    }

    async fn attempt(
        &mut self,
        lease: &JobLease,
        outcome: &str,
        report: &AttemptReport,
        now: Timestamp,
    ) -> Result<()> {
        self.execute(
            ATTEMPT,
            args![
                lease.id,
                lease.attempt,
                lease.started,
                now,
                outcome,
                report.request.clone(),
                report.status,
                report.tracking_id.clone(),
                report.error.clone(),
                report.advice.clone()
            ],
        )
        .await?;
        self.execute(OLD_ATTEMPTS, args![lease.id, ATTEMPTS_KEPT - 1])
            .await?;
        Ok(())
    }
}

impl Store {
    /// Gives up jobs in the middle, so that any worker may begin them anew at once; the tries do not count. What has
    /// ended meanwhile, or is another's, stays as it is. How many were given up.
    pub async fn let_go(&self, leases: &[JobLease], reason: &str, now: Timestamp) -> Result<u64> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let mut done = 0;
        for lease in leases {
            done += tx
                .execute(LET_GO, args![lease.id, &lease.token, reason, now])
                .await?;
        }
        tx.new_jobs = done > 0;
        tx.commit().await?;
        Ok(done)
    }
}

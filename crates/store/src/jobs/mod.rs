//! The queue: a table, filled in the transaction of the change that caused the work.
//!
//! A job is `waiting` until its time, `ready`, `running` under a lease, and then `done`, `dead` or
//! `dropped`; back to `waiting` on a retry or snooze. Jobs of one lane never run at the same time. A
//! worker whose lease was taken cannot finish: everything it wanted to write is rolled back.

mod claim;
mod clock;
mod finish;
mod read;

pub use finish::ATTEMPTS_KEPT;

#[cfg(test)]
pub(crate) use claim::STATEMENTS as CLAIM_STATEMENTS;
#[cfg(test)]
pub(crate) use clock::STATEMENTS as CLOCK_STATEMENTS;
#[cfg(test)]
pub(crate) use finish::STATEMENTS as FINISH_STATEMENTS;
#[cfg(test)]
pub(crate) use read::STATEMENTS as READ_STATEMENTS;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::JobId;
use crate::model::{Enqueued, Job, JobState, NewJob};

macro_rules! job_columns {
    () => {
        "id, workspace_id, kind, v, lane, priority, dedupe_key, payload, state, run_at, attempts, lease_until, note, cause_id, created_at, updated_at"
    };
}
use job_columns;

statements! {
    ENQUEUE = one("INSERT INTO jobs AS t (id, workspace_id, kind, v, lane, priority, dedupe_key, payload, state, run_at, cause_id, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
        ON CONFLICT (workspace_id, kind, dedupe_key) WHERE dedupe_key IS NOT NULL AND state IN ('waiting', 'ready', 'running')
        DO UPDATE SET
            priority = CASE WHEN t.priority > $6 THEN $6 ELSE t.priority END,
            run_at = CASE WHEN t.state = 'waiting' AND t.run_at > $10 THEN $10 ELSE t.run_at END,
            state = CASE WHEN t.state = 'waiting' AND $9 = 'ready' THEN 'ready' ELSE t.state END,
            again = CASE WHEN t.state = 'running' THEN 1 ELSE t.again END,
            updated_at = $12
        RETURNING id, v, payload");
    // Also of a running job: its worker has a copy of its own, and what is stored is for the run after this one.
    RESTATE = one("UPDATE jobs SET v = $2, payload = $3 WHERE id = $1");
}

fn read_job(row: &mut Cells) -> Result<Job> {
    Ok(Job {
        id: row.id()?,
        workspace: row.id()?,
        kind: row.text()?,
        v: row.int()?,
        lane: row.opt_text()?,
        priority: row.int()?,
        dedupe_key: row.opt_text()?,
        payload: row.json()?,
        state: row.parsed()?,
        run_at: row.instant()?,
        attempts: row.int()?,
        lease_until: row.opt_instant()?,
        note: row.opt_text()?,
        cause_id: row.opt_text()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
    })
}

impl Tx {
    /// Enqueues a job; it exists if and only if this transaction is committed. Of an open job with the
    /// same key the payload is replaced by this newer one, also while it runs: then it is what the run
    /// after this one gets.
    pub async fn enqueue(&mut self, new: &NewJob, now: Timestamp) -> Result<Enqueued> {
        self.enqueue_merged(new, now, |_, newer| newer.clone())
            .await
    }

    /// The same, but an open job with the same key gets what `merge` makes of its payload and the newer
    /// one. Payloads of different versions are not merged: the newer one stays.
    pub async fn enqueue_merged(
        &mut self,
        new: &NewJob,
        now: Timestamp,
        merge: impl FnOnce(&Json, &Json) -> Json,
    ) -> Result<Enqueued> {
        let id: JobId = self.new_id(now);
        let w = self.w();
        let state = if new.run_at <= now {
            JobState::Ready
        } else {
            JobState::Waiting
        };
        // The row is locked from here on, so nobody changes its payload between reading and writing it.
        let (kept, v, stored): (JobId, i64, Json) = self
            .exactly(
                ENQUEUE,
                args![
                    id,
                    w,
                    &new.kind,
                    new.v,
                    new.lane.clone(),
                    new.priority,
                    new.dedupe_key.clone(),
                    &new.payload,
                    state,
                    new.run_at,
                    new.cause_id.clone(),
                    now
                ],
                |row| Ok((row.id()?, row.int()?, row.json()?)),
            )
            .await?;
        self.new_jobs = true;
        if kept == id {
            return Ok(Enqueued::Inserted(id));
        }
        let payload = if v == new.v {
            merge(&stored, &new.payload)
        } else {
            new.payload.clone()
        };
        if v != new.v || payload != stored {
            self.execute(RESTATE, args![kept, new.v, &payload]).await?;
        }
        Ok(Enqueued::Duplicate(kept))
    }
}

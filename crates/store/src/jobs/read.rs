//! What people see of the queue, and the verbs they have.

use jiff::Timestamp;

use super::{job_columns, read_job};
use crate::db::{Args, Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::JobId;
use crate::model::{
    Attempt, AttemptReport, Job, JobCount, JobFilter, JobState, OpenJobs, Page, PageRequest,
};
use crate::page::like_contains;
use crate::store::{Scope, Store};

macro_rules! matching {
    () => {
        "workspace_id = $1
        AND (CAST($2 AS TEXT) IS NULL OR id = $2)
        AND (CAST($3 AS TEXT) IS NULL OR state = $3)
        AND (CAST($4 AS TEXT) IS NULL OR kind = $4)
        AND (CAST($5 AS TEXT) IS NULL OR lane = $5)
        AND (CAST($6 AS TEXT) IS NULL OR note LIKE $6 ESCAPE '\\')
        AND (CAST($7 AS TEXT) IS NULL OR cause_id = $7)"
    };
}

statements! {
    JOB = one(concat!("SELECT ", job_columns!(), " FROM jobs WHERE workspace_id = $1 AND id = $2"));
    JOBS = one(concat!("SELECT ", job_columns!(), " FROM jobs WHERE ", matching!(), " AND id < $8 ORDER BY id DESC LIMIT $9"));
    IDS = one(concat!("SELECT id FROM jobs WHERE ", matching!(), " ORDER BY id LIMIT $8"));
    ATTEMPTS = one("SELECT job_id, no, started, ended, outcome, request, status, tracking_id, error, advice FROM attempts
        WHERE job_id = (SELECT id FROM jobs WHERE workspace_id = $1 AND id = $2) ORDER BY no, ended");
    COUNTS = one("SELECT kind, state, COUNT(*) FROM jobs WHERE workspace_id = $1 GROUP BY kind, state ORDER BY kind, state");
    OF_CAUSE = one("SELECT kind, state, COUNT(*), MIN(run_at) FROM jobs WHERE cause_id = $1 AND state IN ('waiting', 'ready', 'running')
        GROUP BY kind, state ORDER BY kind, state");
    REDRIVE = one("UPDATE jobs SET state = 'ready', run_at = $2, attempts = 0, note = NULL, updated_at = $2
        WHERE id = $1 AND state IN ('dead', 'dropped', 'waiting') AND NOT EXISTS (
            SELECT 1 FROM jobs o WHERE o.workspace_id = jobs.workspace_id AND o.kind = jobs.kind AND o.dedupe_key = jobs.dedupe_key
            AND o.dedupe_key IS NOT NULL AND o.state IN ('waiting', 'ready', 'running') AND o.id <> jobs.id)");
    DROP = one("UPDATE jobs SET state = 'dropped', note = $3, updated_at = $2 WHERE id = $1 AND state IN ('waiting', 'ready', 'dead')");
    PRUNE = one("DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'dropped') AND updated_at < $1 LIMIT $2)");
}

/// The most jobs that one redrive or drop touches.
const VERB_LIMIT: u32 = 100_000;

fn matching(scope: Scope, filter: &JobFilter) -> Args {
    args![
        scope.workspace,
        filter.id,
        filter.state,
        filter.kind.clone(),
        filter.lane.clone(),
        filter.note_contains.as_deref().map(like_contains),
        filter.cause_id.clone()
    ]
}

fn attempt(row: &mut Cells) -> Result<Attempt> {
    Ok(Attempt {
        job_id: row.id()?,
        no: row.int()?,
        started: row.instant()?,
        ended: row.instant()?,
        outcome: row.text()?,
        report: AttemptReport {
            request: row.opt_text()?,
            status: row.opt_int()?,
            tracking_id: row.opt_text()?,
            error: row.opt_text()?,
            advice: row.opt_text()?,
        },
    })
}

impl Store {
    /// A job.
    pub async fn job(&self, scope: Scope, id: JobId) -> Result<Option<Job>> {
        self.one(JOB, args![scope.workspace, id], read_job).await
    }

    /// Jobs, the latest first.
    pub async fn jobs(
        &self,
        scope: Scope,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<Job>> {
        let limit = page.bounded();
        let mut args = matching(scope, filter);
        // No id sorts behind this one.
        args.push(page.after.clone().unwrap_or_else(|| "g".to_owned()).into());
        args.push((limit + 1).into());
        let mut items = self.all(JOBS, args, read_job).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|job| job.id.to_string());
        Ok(Page { items, next })
    }

    /// The recorded tries of a job, in order.
    pub async fn attempts(&self, scope: Scope, id: JobId) -> Result<Vec<Attempt>> {
        self.all(ATTEMPTS, args![scope.workspace, id], attempt)
            .await
    }

    /// Jobs by kind and state.
    pub async fn job_counts(&self, scope: Scope) -> Result<Vec<JobCount>> {
        self.all(COUNTS, args![scope.workspace], |row| {
            Ok(JobCount {
                kind: row.text()?,
                state: row.parsed()?,
                count: row.count()?,
            })
        })
        .await
    }

    /// What is still open of the jobs with this cause.
    pub async fn open_jobs_of(&self, cause_id: &str) -> Result<OpenJobs> {
        let rows = self
            .all(OF_CAUSE, args![cause_id], |row| {
                let count = JobCount {
                    kind: row.text()?,
                    state: row.parsed()?,
                    count: row.count()?,
                };
                Ok((count, row.opt_instant()?))
            })
            .await?;
        let next_at = rows.iter().filter_map(|(_, at)| *at).min();
        Ok(OpenJobs {
            counts: rows.into_iter().map(|(count, _)| count).collect(),
            next_at,
        })
    }

    /// Has dead (or dropped, or waiting) jobs that match run now, with all their tries again; how many.
    ///
    /// Without a state in the filter the dead ones are meant. One whose key another open job has stays
    /// as it is: its work is done by that one.
    pub async fn redrive_jobs(
        &self,
        scope: Scope,
        filter: &JobFilter,
        now: Timestamp,
    ) -> Result<u64> {
        let mut tx = self.begin(scope).await?;
        let done = tx.redrive_jobs(filter, now).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Gives up jobs that match and are not running; how many.
    pub async fn drop_jobs(
        &self,
        scope: Scope,
        filter: &JobFilter,
        reason: &str,
        now: Timestamp,
    ) -> Result<u64> {
        let mut tx = self.begin(scope).await?;
        let done = tx.drop_jobs(filter, reason, now).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Forgets jobs that were done or dropped before an instant, at most `limit`; how many. Dead ones stay.
    pub async fn prune_jobs(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let done = tx.execute(PRUNE, args![before, limit]).await?;
        tx.commit().await?;
        Ok(done)
    }
}

impl Tx {
    /// What [`Store::redrive_jobs`] does, as a part of a greater change.
    pub async fn redrive_jobs(&mut self, filter: &JobFilter, now: Timestamp) -> Result<u64> {
        let filter = JobFilter {
            state: filter.state.or(if filter.id.is_some() {
                None
            } else {
                Some(JobState::Dead)
            }),
            ..filter.clone()
        };
        let mut done = 0;
        for id in self.job_ids(&filter).await? {
            done += self.execute(REDRIVE, args![id, now]).await?;
        }
        self.new_jobs |= done > 0;
        Ok(done)
    }

    /// What [`Store::drop_jobs`] does, as a part of a greater change.
    pub async fn drop_jobs(
        &mut self,
        filter: &JobFilter,
        reason: &str,
        now: Timestamp,
    ) -> Result<u64> {
        let mut done = 0;
        for id in self.job_ids(filter).await? {
            done += self.execute(DROP, args![id, now, reason]).await?;
        }
        Ok(done)
    }

    async fn job_ids(&mut self, filter: &JobFilter) -> Result<Vec<JobId>> {
        let mut args = matching(self.scope, filter);
        args.push(VERB_LIMIT.into());
        self.all(IDS, args, Cells::id).await
    }
}

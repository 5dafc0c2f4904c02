//! What people see of jobs and can do with them.

use jiff::Timestamp;
use parfocal_store::{Attempt, Job, JobFilter, JobId, JobState, Page, PageRequest};
use serde::Serialize;
use serde_json::json;

use crate::App;
use crate::audit::{self, By, Change};
use crate::error::{Code, EngineError, Result};

/// A job with all its tries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobDetail {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// What the kind does.
    pub about: Option<&'static str>,
    /// Its tries, in order.
    pub attempts: Vec<Attempt>,
}

/// What is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Open {
    /// Jobs that can run now, or are running.
    pub busy: u64,
    /// Jobs that wait for their time.
    pub waiting: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// When the next waiting job is due.
    pub next_at: Option<Timestamp>,
}

/// Jobs, the latest first.
pub async fn list(app: &App, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>> {
    Ok(app.store().jobs(app.scope(), filter, page).await?)
}

/// One job with its tries.
pub async fn get(app: &App, id: JobId) -> Result<JobDetail> {
    let job = app
        .store()
        .job(app.scope(), id)
        .await?
        .ok_or_else(|| EngineError::not_found("job", id))?;
    let attempts = app.store().attempts(app.scope(), id).await?;
    let about = super::JobKind::parse(&job.kind).map(super::JobKind::about);
    Ok(JobDetail {
        job,
        about,
        attempts,
    })
}

/// Has one job run now, with all its tries again.
pub async fn retry(app: &App, id: JobId, by: &By) -> Result<JobDetail> {
    let before = get(app, id).await?;
    let filter = JobFilter {
        id: Some(id),
        ..JobFilter::default()
    };
    let done = redrive(app, &filter, by).await?;
    if done == 0 {
        return Err(EngineError::new(Code::Conflict, format!("job {id} is {}", before.job.state))
            .with_hint("Only a dead, dropped or waiting job can be retried, and only while no other does the same."));
    }
    get(app, id).await
}

/// Has all jobs that match run now; without a state, the dead ones. How many there were.
pub async fn redrive(app: &App, filter: &JobFilter, by: &By) -> Result<u64> {
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    let done = tx.redrive_jobs(filter, now).await?;
    if done > 0 {
        let change = Change {
            action: "jobs.retry",
            target: &target(filter),
            detail: json!({"jobs": done, "kind": filter.kind, "state": filter.state}),
        };
        audit::append(&mut tx, by, &change, now).await?;
    }
    tx.commit().await?;
    Ok(done)
}

/// Gives up jobs that match and are not running. How many there were.
pub async fn drop_jobs(app: &App, filter: &JobFilter, reason: &str, by: &By) -> Result<u64> {
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    let done = tx.drop_jobs(filter, reason, now).await?;
    if done > 0 {
        let change = Change {
            action: "jobs.drop",
            target: &target(filter),
            detail: json!({"jobs": done, "kind": filter.kind, "state": filter.state, "reason": reason}),
        };
        audit::append(&mut tx, by, &change, now).await?;
    }
    tx.commit().await?;
    Ok(done)
}

fn target(filter: &JobFilter) -> String {
    filter
        .id
        .map_or_else(|| "jobs".to_owned(), |id| format!("job/{id}"))
}

/// What is still to be done.
pub async fn open(app: &App) -> Result<Open> {
    let mut open = Open {
        busy: 0,
        waiting: 0,
        dead: 0,
        next_at: None,
    };
    for count in app.store().job_counts(app.scope()).await? {
        match count.state {
            JobState::Ready | JobState::Running => open.busy += count.count,
            JobState::Waiting => open.waiting += count.count,
            JobState::Dead => open.dead += count.count,
            _ => {}
        }
    }
    let kinds: Vec<&str> = super::JobKind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .collect();
    open.next_at = app.store().next_job_at(&kinds).await?;
    Ok(open)
}

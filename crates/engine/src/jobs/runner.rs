//! The runner: claims jobs in batches, does them side by side, keeps their leases alive, and records how each ended.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use parfocal_store::{AttemptReport, Claim, ClaimedJob, ErrorKind, Job, JobLease, Scope, Tx};
use tokio::task::{Id, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Failure, JobKind, Outcome, Pool, Verdict, perform};
use crate::App;
use crate::error::{Code, Result};

/// How often the table is looked at even if nobody said that something is in it: other processes write to it too.
const POLL: SignedDuration = SignedDuration::from_secs(1);
/// Pause after the store could not be read, and between two looks at leases while nothing new is taken.
const STORE_PAUSE: Duration = Duration::from_millis(500);
/// What is noted with a job that was given up because its process stopped.
const CUT_OFF: &str = "cut off when its process stopped";

/// How long giving up what did not end in time may take.
const LET_GO: Duration = Duration::from_secs(5);

/// Workers at work.
#[derive(Debug)]
pub struct Runner {
    stop: CancellationToken,
    cut: CancellationToken,
    task: JoinHandle<()>,
    tidying: JoinHandle<()>,
}

impl Runner {
    /// Starts the workers of this process.
    pub fn start(app: App) -> Self {
        let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
        let tidying = tokio::spawn(super::tidy::daily(app.clone(), stop.clone()));
        let task = tokio::spawn(Dispatcher::new(app, stop.clone(), cut.clone()).run());
        Self {
            stop,
            cut,
            task,
            tidying,
        }
    }

    /// Takes no new job from now on; those under way go on, and their leases are kept.
    pub fn drain(&self) {
        self.stop.cancel();
    }

    /// Takes no new job, waits for those under way up to `grace`, and then gives up the rest: another process may begin
    /// them anew at once.
    pub async fn shutdown(mut self, grace: Duration) {
        self.drain();
        if tokio::time::timeout(grace, &mut self.task).await.is_err() {
            self.cut.cancel();
            if tokio::time::timeout(LET_GO, &mut self.task).await.is_err() {
                tracing::warn!(
                    "jobs that did not end in time are begun anew when their leases end"
                );
            }
        }
    }

    /// Stops everything at once, as a crash would.
    pub fn abort(&self) {
        self.task.abort();
        self.tidying.abort();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.abort();
    }
}

struct Held {
    lease: JobLease,
    pool: Pool,
    kind: JobKind,
    job: Job,
    steps_back: u64,
}

struct Dispatcher {
    app: App,
    stop: CancellationToken,
    cut: CancellationToken,
    running: JoinSet<()>,
    held: HashMap<Id, Held>,
    extended: Timestamp,
    /// The clock's steps back after which waiting jobs were pulled in; none before the first look, and after a job
    /// that may have written times of the clock as it was before.
    pulled_in: Option<u64>,
}

impl Dispatcher {
    fn new(app: App, stop: CancellationToken, cut: CancellationToken) -> Self {
        let extended = app.clock().now();
        Self {
            app,
            stop,
            cut,
            running: JoinSet::new(),
            held: HashMap::new(),
            extended,
            pulled_in: None,
        }
    }

    async fn run(mut self) {
        while !self.stop.is_cancelled() {
            // Listened to before the table is read, so that what is enqueued meanwhile wakes us.
            let store = self.app.store().clone();
            let enqueued = store.jobs_enqueued();
            tokio::pin!(enqueued);
            let heard = futures_util::poll!(enqueued.as_mut()).is_ready();
            let next = match self.round().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(error = %error, "the jobs cannot be read");
                    self.app.clock().sleep(STORE_PAUSE).await;
                    continue;
                }
            };
            if heard {
                continue;
            }
            let stop = self.stop.clone();
            let clock = self.app.clock().clone();
            tokio::select! {
                () = stop.cancelled() => break,
                () = enqueued => {}
                () = clock.wait_until(next) => {}
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => self.ended(ended).await,
            }
        }
        self.drain().await;
    }

    /// Waits for what is under way and keeps its leases, until it is cut off.
    async fn drain(&mut self) {
        let (cut, clock) = (self.cut.clone(), self.app.clock().clone());
        while !self.running.is_empty() {
            tokio::select! {
                () = cut.cancelled() => return self.let_go().await,
                Some(ended) = self.running.join_next_with_id() => self.ended(ended).await,
                () = clock.sleep(STORE_PAUSE) => {
                    if let Err(error) = self.keep_leases(clock.now()).await {
                        tracing::error!(error = %error, "leases of jobs could not be prolonged");
                    }
                }
            }
        }
    }

    /// Ends what is under way in the middle, and its leases with it.
    async fn let_go(&mut self) {
        self.running.shutdown().await;
        // What ended at the last moment has no lease any more and is not touched.
        let leases: Vec<JobLease> = self.held.drain().map(|(_, held)| held.lease).collect();
        let now = self.app.clock().now();
        match self.app.store().let_go(&leases, CUT_OFF, now).await {
            Ok(jobs) => tracing::warn!(
                jobs,
                "jobs that did not end in time were given up; they are begun anew at the next start"
            ),
            Err(error) => {
                tracing::error!(%error, "jobs could not be given up; they are begun anew when their leases end");
            }
        }
    }

    /// Claims what can be claimed; when to look again.
    async fn round(&mut self) -> Result<Timestamp> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.ended(ended).await;
        }
        let now = self.app.clock().now();
        self.keep_leases(now).await?;
        self.notice_step_back(now).await?;
        let active = self.app.components().active().await?;
        let done: Vec<JobKind> = JobKind::ALL
            .iter()
            .copied()
            .filter(|kind| active.does(*kind))
            .collect();
        while !self.stop.is_cancelled() {
            let free = self.free();
            if free.is_empty() {
                break;
            }
            let kinds: Vec<(&str, i64)> = done
                .iter()
                .filter(|kind| free.contains_key(&kind.pool()))
                .map(|kind| (kind.as_str(), kind.version()))
                .collect();
            if kinds.is_empty() {
                break;
            }
            let limit = free.values().copied().min().unwrap_or(1);
            let claim = Claim {
                kinds: &kinds,
                limit: u32::try_from(limit).unwrap_or(1),
                lease_until: self.lease_end(now),
                now,
            };
            let claimed = self.app.store().claim_jobs(&claim).await?;
            if self.stop.is_cancelled() {
                // The stop came while the database was asked: nothing of it was begun.
                let leases: Vec<JobLease> = claimed.into_iter().map(|one| one.lease).collect();
                self.app.store().let_go(&leases, CUT_OFF, now).await?;
                break;
            }
            let full = claimed.len() >= limit;
            for job in claimed {
                self.spawn(job);
            }
            if !full {
                break;
            }
        }
        let soon = now.saturating_add(POLL).unwrap_or(now);
        if self.free().is_empty() {
            return Ok(soon);
        }
        let kinds: Vec<&str> = done.iter().map(|kind| kind.as_str()).collect();
        let due = self
            .app
            .store()
            .next_job_at(&kinds)
            .await?
            .filter(|due| *due > now);
        Ok(due.map_or(soon, |due| due.min(soon)))
    }

    /// What was put off by a clock that was ahead must not wait until that clock's time comes again.
    async fn notice_step_back(&mut self, now: Timestamp) -> Result<()> {
        let steps = self.app.clock().steps_back();
        if self.pulled_in != Some(steps) {
            let jobs = self.app.store().pull_in_jobs(now).await?;
            if jobs > 0 {
                tracing::warn!(
                    jobs,
                    "the clock was set back; what was put off waits from now on"
                );
            }
            self.pulled_in = Some(steps);
        }
        Ok(())
    }

    /// Free workers of each pool that has any.
    fn free(&self) -> HashMap<Pool, usize> {
        let config = self.app.config();
        Pool::ALL
            .into_iter()
            .filter_map(|pool| {
                let busy = self.held.values().filter(|held| held.pool == pool).count();
                let free = pool.size(config).saturating_sub(busy);
                (free > 0).then_some((pool, free))
            })
            .collect()
    }

    fn lease(&self) -> SignedDuration {
        let seconds = self.app.config().jobs.lease_seconds.max(5);
        SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(120))
    }

    fn lease_end(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.lease()).unwrap_or(now)
    }

    /// Prolongs the leases of what is under way, also after the clock was moved past their ends.
    async fn keep_leases(&mut self, now: Timestamp) -> Result<()> {
        let age = now.duration_since(self.extended);
        // Under a clock that was set back the leases seem to end so late that others take them for ended.
        if self.held.is_empty() || (!age.is_negative() && age < self.lease() / 3) {
            if self.held.is_empty() {
                self.extended = now;
            }
            return Ok(());
        }
        for held in self.held.values() {
            match self
                .app
                .store()
                .extend_job(&held.lease, self.lease_end(now))
                .await
            {
                Ok(()) => {}
                // It ended a moment ago, or another worker has it: its own end will find out.
                Err(error) if error.kind() == ErrorKind::LeaseLost => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.extended = now;
        Ok(())
    }

    fn spawn(&mut self, claimed: ClaimedJob) {
        let Some(kind) = JobKind::parse(&claimed.job.kind) else {
            return;
        };
        let held = Held {
            lease: claimed.lease.clone(),
            pool: kind.pool(),
            kind,
            job: claimed.job.clone(),
            steps_back: self.app.clock().steps_back(),
        };
        let app = self.app.clone();
        let handle = self
            .running
            .spawn(async move { execute(&app, kind, claimed).await });
        self.held.insert(handle.id(), held);
    }

    /// Books out a job that ended. Panics of handlers are caught earlier; one here is a fault of the runner itself.
    async fn ended(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let (id, panic) = match ended {
            Ok((id, ())) => (id, None),
            Err(error) => (error.id(), error.is_panic().then(|| error.to_string())),
        };
        let Some(held) = self.held.remove(&id) else {
            return;
        };
        if held.steps_back != self.app.clock().steps_back() {
            self.pulled_in = None;
        }
        if let Some(message) = panic {
            let failure = Failure::panic(&message);
            if let Err(error) = conclude(
                &self.app,
                held.kind,
                &held.job,
                &held.lease,
                failure,
                held.steps_back,
            )
            .await
            {
                tracing::error!(kind = held.kind.as_str(), error = %error, "a job's end could not be recorded");
            }
        }
    }
}

/// Does one job and records how it ended.
async fn execute(app: &App, kind: JobKind, claimed: ClaimedJob) {
    let ClaimedJob { job, lease } = claimed;
    let steps = app.clock().steps_back();
    let most = kind.policy(app.config()).max_attempts;
    let work = async {
        // A try whose end could be recorded would have been the last: this one is more than the policy has, because
        // tries ended with their processes. The job may be why.
        if lease.attempt > i64::from(most) {
            return Ok(Outcome::Bury(None, Failure::vanished(lease.attempt - 1)));
        }
        perform(app, kind, &job).await
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    let result = match tokio::time::timeout(kind.timeout(), work).await {
        Ok(Ok(Ok(outcome))) => Ok(outcome),
        Ok(Ok(Err(error))) => Err(Failure::of(&error, app.clock().now())),
        Ok(Err(panic)) => Err(Failure::panic(&panic_text(&*panic))),
        Err(_elapsed) => Err(Failure::timeout(kind.timeout().as_secs())),
    };
    let ended = match result {
        Ok(outcome) => match commit(app, kind, &job, &lease, outcome, steps).await {
            Err(error) if error.code() != Code::LeaseLost => {
                let failure = Failure::of(&error, app.clock().now());
                conclude(app, kind, &job, &lease, failure, steps).await
            }
            other => other,
        },
        Err(failure) => conclude(app, kind, &job, &lease, failure, steps).await,
    };
    match ended {
        Ok(()) => {}
        Err(error) if error.code() == Code::LeaseLost => {
            tracing::info!(job = %lease.id, kind = kind.as_str(), "another worker took the job over");
        }
        Err(error) => {
            tracing::error!(job = %lease.id, kind = kind.as_str(), error = %error, "a job's end could not be recorded");
        }
    }
}

/// Commits the results together with the end of the job.
async fn commit(
    app: &App,
    kind: JobKind,
    job: &Job,
    lease: &JobLease,
    outcome: Outcome,
    steps: u64,
) -> Result<()> {
    let now = app.clock().now();
    let word = match outcome {
        Outcome::Done(tx, report) => {
            let mut tx = open(app, job, tx).await?;
            let told = report != AttemptReport::default();
            tx.complete_job(lease, told.then_some(&report), now).await?;
            tx.commit().await?;
            if kind == JobKind::FileFetch {
                super::file_fetch::tidy(app, job).await;
            }
            "done"
        }
        Outcome::Snooze(tx, until, why) => {
            let until = unless_stepped_back(app, until, now, steps);
            let mut tx = open(app, job, tx).await?;
            tx.snooze_job(lease, until, &why, None, now).await?;
            tx.commit().await?;
            "snoozed"
        }
        Outcome::Wait(tx, until, why, report) => {
            let until = unless_stepped_back(app, until, now, steps);
            let mut tx = open(app, job, tx).await?;
            tx.snooze_job(lease, until, &why, Some(&report), now)
                .await?;
            tx.commit().await?;
            "snoozed"
        }
        Outcome::Bury(tx, failure) => {
            let tx = open(app, job, tx).await?;
            bury(tx, kind, job, lease, failure, now).await?;
            "dead"
        }
    };
    metrics::counter!("parfocal_jobs_total", "kind" => kind.as_str(), "outcome" => word)
        .increment(1);
    Ok(())
}

/// The instant until which a job waits; soon, when the clock was set back since the try began: the instant may have been
/// worked out before, and looking too early costs nothing.
fn unless_stepped_back(app: &App, until: Timestamp, now: Timestamp, steps: u64) -> Timestamp {
    if app.clock().steps_back() == steps {
        return until;
    }
    until.min(now.saturating_add(POLL).unwrap_or(now))
}

async fn open(app: &App, job: &Job, tx: Option<Tx>) -> Result<Tx> {
    match tx {
        Some(tx) => Ok(tx),
        None => Ok(app.store().begin(Scope::of(job.workspace)).await?),
    }
}

/// Records a failure and what follows from it.
async fn conclude(
    app: &App,
    kind: JobKind,
    job: &Job,
    lease: &JobLease,
    failure: Failure,
    steps: u64,
) -> Result<()> {
    let now = app.clock().now();
    let attempt = u32::try_from(lease.attempt).unwrap_or(u32::MAX);
    let again = match failure.verdict {
        Verdict::Retry => kind
            .policy(app.config())
            .next(attempt, now, app.chance().fraction()),
        Verdict::Wait(_) | Verdict::GiveUp => None,
    };
    let mut tx = open(app, job, None).await?;
    let error = failure.error.clone();
    let word = match (failure.verdict, again) {
        (Verdict::Wait(until), _) => {
            let until = unless_stepped_back(app, until, now, steps);
            tx.snooze_job(lease, until, &error, Some(&report(failure)), now)
                .await?;
            tx.commit().await?;
            "snoozed"
        }
        (_, Some(run_at)) => {
            tx.retry_job(lease, run_at, &report(failure), now).await?;
            tx.commit().await?;
            "retried"
        }
        _ => {
            bury(tx, kind, job, lease, failure, now).await?;
            "dead"
        }
    };
    tracing::debug!(job = %lease.id, kind = kind.as_str(), outcome = word, error, "a job did not end");
    metrics::counter!("parfocal_jobs_total", "kind" => kind.as_str(), "outcome" => word)
        .increment(1);
    Ok(())
}

/// Puts a job before a person, and says so where its result is missed.
async fn bury(
    mut tx: Tx,
    kind: JobKind,
    job: &Job,
    lease: &JobLease,
    failure: Failure,
    now: Timestamp,
) -> Result<()> {
    let error = failure.error.clone();
    tx.bury_job(lease, &report(failure), now).await?;
    super::buried(&mut tx, kind, job, &error, now).await?;
    tx.commit().await?;
    tracing::warn!(job = %lease.id, kind = kind.as_str(), error, "a job was put before a person");
    Ok(())
}

fn report(failure: Failure) -> AttemptReport {
    AttemptReport {
        request: failure.request,
        status: failure.status.map(i64::from),
        tracking_id: failure.tracking_id,
        error: Some(failure.error),
        advice: Some(failure.advice),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

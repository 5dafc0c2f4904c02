//! Forgetting what nobody needs any more, once a day and by one process.

use std::time::Duration;

use jiff::Timestamp;
use parfocal_store::{Lease, Store};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::clock::{earlier, later};
use crate::error::Result;

/// The role whose holder tidies up; it is kept until the next time is due.
const ROLE: &str = "tidy";
/// How often it is done.
const EVERY: Duration = Duration::from_hours(24);
/// How often a process looks whether it is due.
const LOOK: Duration = Duration::from_mins(10);
/// A process that has just begun has better things to do.
const FIRST: Duration = Duration::from_mins(1);
/// How long Zoom accepts a download token; files that are fetched later get one of their own.
const TOKEN_LIFE: Duration = Duration::from_hours(24);
/// Rows of one transaction, so that nobody waits long for the writer.
const PIECE: u32 = 500;

const DAY: Duration = Duration::from_hours(24);

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tidied {
    /// Download tokens of events.
    pub tokens: u64,
    /// Events that were routed.
    pub events: u64,
    /// Jobs that were done or dropped.
    pub jobs: u64,
    /// Roles that nobody plays any more.
    pub roles: u64,
    /// Messages to endpoints that arrived or were dropped.
    pub deliveries: u64,
    /// Answers of language models whose analysis was never finished.
    pub answers: u64,
}

/// Forgets download tokens after a day, and events, jobs and messages that are over after the configured days.
///
/// # Errors
/// The store cannot be written; what was forgotten until then stays forgotten.
pub async fn tidy(app: &App) -> Result<Tidied> {
    until_stopped(app, &CancellationToken::new()).await
}

async fn until_stopped(app: &App, stop: &CancellationToken) -> Result<Tidied> {
    let now = app.clock().now();
    let config = app.config();
    let ago = |days: u16| earlier(now, DAY.saturating_mul(u32::from(days)));
    let (events, jobs) = (ago(config.inbox.keep_days), ago(config.jobs.keep_days));
    Ok(Tidied {
        tokens: pieces(
            app,
            stop,
            earlier(now, TOKEN_LIFE),
            Store::clear_download_tokens,
        )
        .await?,
        events: pieces(app, stop, events, Store::prune_events).await?,
        jobs: pieces(app, stop, jobs, Store::prune_jobs).await?,
        roles: pieces(app, stop, jobs, Store::prune_roles).await?,
        deliveries: pieces(app, stop, jobs, Store::prune_deliveries).await?,
        answers: answers(app, jobs).await?,
    })
}

async fn answers(app: &App, before: Timestamp) -> Result<u64> {
    let mut tx = app.store().begin(app.scope()).await?;
    let forgotten = tx.tidy_model_answers(before).await?;
    tx.commit().await?;
    Ok(forgotten)
}

/// Deletes piece by piece until nothing is left, or until `stop`.
async fn pieces(
    app: &App,
    stop: &CancellationToken,
    before: Timestamp,
    forget: impl AsyncFn(&Store, Timestamp, u32) -> parfocal_store::Result<u64>,
) -> Result<u64> {
    let mut all = 0;
    while !stop.is_cancelled() {
        let done = forget(app.store(), before, PIECE).await?;
        all += done;
        if done < u64::from(PIECE) {
            break;
        }
        // Writers that wait go first.
        tokio::task::yield_now().await;
    }
    Ok(all)
}

/// Tidies up once a day, in whichever process comes first, until `stop`.
pub(super) async fn daily(app: App, stop: CancellationToken) {
    let holder = app.chance().uuid(app.clock().now()).to_string();
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = app.clock().sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        pause = LOOK;
        if let Err(error) = if_due(&app, &holder, &stop).await {
            tracing::warn!(error = %error, "old jobs and events could not be deleted");
        }
    }
}

/// Takes the role if it is due, and tidies up; a process that cannot gives the role to the next.
async fn if_due(app: &App, holder: &str, stop: &CancellationToken) -> Result<()> {
    let now = app.clock().now();
    // Each time is another holder: the one who had it last must not prolong it before it is due.
    let holder = format!("{holder}/{}", now.as_second());
    let until = later(now, EVERY);
    let Some(lease) = app.store().acquire_lease(ROLE, &holder, now, until).await? else {
        return Ok(());
    };
    let done = until_stopped(app, stop).await;
    if done.is_err() || stop.is_cancelled() {
        give_back(app.store(), &lease).await;
    }
    let done = done?;
    if done != Tidied::default() {
        tracing::info!(
            tokens = done.tokens,
            events = done.events,
            jobs = done.jobs,
            "old jobs and events were deleted"
        );
    }
    Ok(())
}

async fn give_back(store: &Store, lease: &Lease) {
    if let Err(error) = store.release_lease(lease).await {
        tracing::debug!(%error, "the role could not be given back; it ends by itself in a day");
    }
}

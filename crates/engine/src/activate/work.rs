//! One worker for each destination that is on, in whichever process holds its role.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parfocal_store::{DestinationId, DestinationState, Lease, Scope};
use tokio::task::{AbortHandle, JoinSet};

use super::sender::{self, LEASE, Round};
use super::{Destination, open, stream};
use crate::App;
use crate::clock::later;
use crate::components::{self, Task};
use crate::error::{EngineError, Result};

/// How often it is looked which destinations there are.
const LOOK: Duration = Duration::from_secs(1);
/// How often a worker looks for news when it has nothing to do.
const IDLE: Duration = Duration::from_millis(500);
/// Pause after something of ours failed.
const TROUBLE: Duration = Duration::from_secs(5);

/// Reads and sends while the component is on.
pub(crate) const TASK: Task = Task {
    name: "activation.work",
    run: |app| Box::pin(run(app)),
};

/// A destination as it was when a person last changed it: connections to it are kept.
type Opened = Option<(Timestamp, Arc<dyn Destination>)>;

async fn run(app: App) {
    let mut workers = JoinSet::new();
    let mut known: HashMap<DestinationId, AbortHandle> = HashMap::new();
    loop {
        while workers.try_join_next().is_some() {}
        let off = switched_off(&app).await;
        match app.store().destinations(app.scope()).await {
            Ok(rows) => {
                let on: Vec<DestinationId> = rows
                    .iter()
                    .filter(|row| row.enabled && row.state != DestinationState::Stopped)
                    .filter(|row| !off.contains(&row.kind.as_str()))
                    .map(|row| row.id)
                    .collect();
                known.retain(|id, worker| {
                    let keep = on.contains(id) && !worker.is_finished();
                    if !keep {
                        worker.abort();
                    }
                    keep
                });
                for id in on {
                    known
                        .entry(id)
                        .or_insert_with(|| workers.spawn(work(app.clone(), id)));
                }
            }
            Err(error) => tracing::debug!(%error, "destinations could not be looked up"),
        }
        app.clock().sleep(LOOK).await;
    }
}

/// Kinds of destination whose component is off.
async fn switched_off(app: &App) -> Vec<&'static str> {
    let mut off = Vec::new();
    for component in components::ALL {
        if let Some(kind) = component.delivers_to
            && !app.components().is_active(component).await.unwrap_or(true)
        {
            off.push(kind);
        }
    }
    off
}

/// Works for one destination, until it is stopped.
async fn work(app: App, id: DestinationId) {
    let holder = hex::encode(app.chance().bytes::<8>());
    let mut opened = None;
    loop {
        match turn(&app, id, &holder, &mut opened).await {
            Ok(true) => return,
            Ok(false) => app.clock().sleep(IDLE).await,
            Err(error) => {
                tracing::warn!(destination = %id, %error, "the work for a destination was interrupted");
                app.clock().sleep(TROUBLE).await;
            }
        }
    }
}

/// Reads and sends until nothing is left to do; whether the destination was stopped.
async fn turn(app: &App, id: DestinationId, holder: &str, opened: &mut Opened) -> Result<bool> {
    let scope = app.scope();
    let now = app.clock().now();
    let role = format!("destination/{id}");
    let Some(mut lease) = app
        .store()
        .acquire_lease(&role, holder, now, later(now, LEASE))
        .await?
    else {
        return Ok(false);
    };
    while let Some(stopped) = step(app, scope, id, &mut lease, opened).await? {
        if stopped {
            return Ok(true);
        }
        let now = app.clock().now();
        lease = app
            .store()
            .renew_lease(&lease, now, later(now, LEASE))
            .await?;
    }
    Ok(false)
}

/// Reads a piece and sends a batch; none when there was nothing to do, else whether the destination was stopped.
async fn step(
    app: &App,
    scope: Scope,
    id: DestinationId,
    lease: &mut Lease,
    opened: &mut Opened,
) -> Result<Option<bool>> {
    let Some(row) = app.store().destination(scope, id).await? else {
        return Ok(Some(true));
    };
    if !row.enabled || row.state == DestinationState::Stopped {
        return Ok(Some(true));
    }
    let destination = match opened {
        Some((at, destination)) if *at == row.updated_at => Arc::clone(destination),
        _ => match open(app, &row).await {
            Ok(destination) => {
                *opened = Some((row.updated_at, Arc::clone(&destination)));
                destination
            }
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => return unusable(app, scope, id, lease, &error).await.map(Some),
        },
    };
    let more = stream::advance(app, scope, &row, destination.as_ref(), lease).await?;
    Ok(
        match sender::round(app, scope, &row, destination.as_ref(), lease).await? {
            Round::Stopped => Some(true),
            Round::Sent => Some(false),
            Round::Idle => more.then_some(false),
        },
    )
}

/// A destination whose configuration cannot be used is stopped with the reason.
async fn unusable(
    app: &App,
    scope: Scope,
    id: DestinationId,
    lease: &Lease,
    error: &EngineError,
) -> Result<bool> {
    let now = app.clock().now();
    let health = parfocal_store::DestinationHealth {
        state: DestinationState::Stopped,
        reason: Some(error.message().to_owned()),
        advice: Some(error.hint().to_owned()),
        failing_since: None,
        failures: 1,
        retry_at: None,
        last_ok: None,
    };
    let mut tx = app.store().begin(scope).await?;
    tx.check_lease(lease, now).await?;
    tx.set_destination_health(id, &health).await?;
    tx.commit().await?;
    Ok(true)
}

/// Reads and sends everything that is due now for all destinations, in this process: what a command and a test do.
///
/// # Errors
/// The store cannot be read or written.
pub(super) async fn settle(app: &App) -> Result<()> {
    let holder = hex::encode(app.chance().bytes::<8>());
    let off = switched_off(app).await;
    for row in app.store().destinations(app.scope()).await? {
        let on = row.enabled && !off.contains(&row.kind.as_str());
        if on && row.state != DestinationState::Stopped {
            turn(app, row.id, &holder, &mut None).await?;
            let role = format!("destination/{}", row.id);
            let now = app.clock().now();
            if let Some(lease) = app
                .store()
                .acquire_lease(&role, &holder, now, later(now, LEASE))
                .await?
            {
                app.store().release_lease(&lease).await?;
            }
        }
    }
    Ok(())
}

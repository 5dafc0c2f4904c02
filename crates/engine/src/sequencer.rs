//! Numbers domain events once they are committed, so that whoever reads them in order misses none.
//!
//! One process at a time plays the role; the others look in vain and try again.

use std::time::Duration;

use parfocal_store::SEQUENCER;

use crate::App;
use crate::clock::later;
use crate::error::Result;

/// How often it is looked for events without a number.
const LOOK: Duration = Duration::from_millis(300);
/// How long the role is held without being renewed.
const LEASE: Duration = Duration::from_secs(10);
/// Most events that are numbered at once.
const PIECE: u32 = 1_000;

/// Numbers events until the task is ended.
pub(crate) async fn run(app: App) {
    let holder = hex::encode(app.chance().bytes::<8>());
    loop {
        match number(&app, &holder).await {
            Ok(PIECE_FULL) => {}
            Ok(_) => app.clock().sleep(LOOK).await,
            Err(error) => {
                tracing::debug!(%error, "domain events could not be numbered");
                app.clock().sleep(LEASE).await;
            }
        }
    }
}

/// As many as one piece holds: there may be more.
const PIECE_FULL: u64 = PIECE as u64;

async fn number(app: &App, holder: &str) -> Result<u64> {
    let store = app.store();
    if !store.has_unnumbered_events().await? {
        return Ok(0);
    }
    let now = app.clock().now();
    let Some(lease) = store
        .acquire_lease(SEQUENCER, holder, now, later(now, LEASE))
        .await?
    else {
        return Ok(0);
    };
    Ok(store.sequence_events(&lease, PIECE, now).await?)
}

//! How a piece ends: the backfill looks whether it was the last one, and a piece that was given up says so.

use jiff::Timestamp;
use parfocal_store::{Backfill, Job, SliceState, SliceUpdate, Tx};

use super::slice::SliceJob;
use crate::error::Result;
use crate::jobs::{BackfillFinish, Follow, JobKind, payload, priority};

/// Lets the backfill look whether that was the last piece.
pub(crate) async fn nudge(tx: &mut Tx, backfill: &Backfill, now: Timestamp) -> Result<()> {
    let payload = BackfillFinish {
        backfill: backfill.id,
    };
    let follow = Follow {
        lane: format!("backfill/{}", backfill.id),
        priority: priority::BACKFILL,
        cause: None,
        run_at: super::later(now, super::FINISH_LOOK),
    };
    follow
        .enqueue(
            tx,
            JobKind::BackfillFinish,
            backfill.id.to_string(),
            &payload,
            now,
        )
        .await?;
    Ok(())
}

/// Notes that a piece was given up, when its job was.
pub(crate) async fn buried(tx: &mut Tx, job: &Job, error: &str, now: Timestamp) -> Result<()> {
    let SliceJob { backfill, slice } = payload(job)?;
    let update = SliceUpdate {
        state: SliceState::Failed,
        checkpoint: None,
        items: 0,
        calls: 0,
        error: Some(error.chars().take(500).collect()),
    };
    tx.update_slice(slice, &update, now).await?;
    if let Some(backfill) = tx.backfill(backfill).await? {
        nudge(tx, &backfill, now).await?;
    }
    Ok(())
}

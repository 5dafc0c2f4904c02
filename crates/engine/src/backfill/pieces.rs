//! Pieces are added to a backfill, each with the job that works on it.

use parfocal_store::{Backfill, NewSlice, Tx};

use super::gate::Resource;
use super::slice::SliceJob;
use crate::error::Result;
use crate::ingest::Origin;
use crate::jobs::{Follow, JobKind, priority};

/// Adds pieces and the jobs that work on them; pieces that are there already are left as they are.
pub(super) async fn add(
    tx: &mut Tx,
    backfill: &Backfill,
    slices: &[NewSlice],
    origin: &Origin,
) -> Result<()> {
    for slice in slices {
        let added = tx
            .add_slices(backfill.id, std::slice::from_ref(slice), origin.now)
            .await?;
        let Some(id) = added.first() else { continue };
        let report = matches!(
            Resource::parse(&slice.resource),
            Some(Resource::History | Resource::Reports)
        );
        let kind = if report {
            JobKind::BackfillReport
        } else {
            JobKind::BackfillSlice
        };
        let follow = Follow {
            // Pieces do not wait for each other.
            lane: format!("{}/slice/{id}", origin.account_key),
            priority: priority::BACKFILL,
            cause: Some(backfill.id.to_string()),
            run_at: origin.now,
        };
        let payload = SliceJob {
            backfill: backfill.id,
            slice: *id,
        };
        follow
            .enqueue(tx, kind, id.to_string(), &payload, origin.now)
            .await?;
    }
    Ok(())
}

/// The piece that asks for the registrants of a series.
pub(crate) async fn add_registrants(
    tx: &mut Tx,
    backfill: &Backfill,
    number: &str,
    origin: &Origin,
) -> Result<()> {
    let subject = number.to_owned();
    let slice = NewSlice {
        resource: Resource::Registrants.as_str().into(),
        subject,
        from: None,
        to: None,
    };
    add(tx, backfill, &[slice], origin).await
}

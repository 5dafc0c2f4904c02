//! `backfill.finish`: looks whether a backfill has found everything, and settles what it could not find.

use parfocal_store::{BackfillId, Job, Scope};
use serde::{Deserialize, Serialize};

use super::{Outcome, payload};
use crate::App;
use crate::backfill::settle;
use crate::error::Result;

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackfillFinish {
    /// The backfill.
    pub backfill: BackfillId,
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let BackfillFinish { backfill } = payload(job)?;
    let scope = Scope::of(job.workspace);
    match app.store().backfill(scope, backfill).await? {
        Some(backfill) => settle::look(app, scope, &backfill).await,
        None => Ok(Outcome::nothing()),
    }
}

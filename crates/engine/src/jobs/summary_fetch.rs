//! `summary.fetch`: what Zoom's AI Companion wrote of one meeting.

use parfocal_store::{AccountId, BackfillId, Job, Scope};
use serde::{Deserialize, Serialize};

use super::{Outcome, payload};
use crate::App;
use crate::backfill;
use crate::backfill::gate::{self, Gate, Resource};
use crate::backfill::read::Reader;
use crate::error::Result;
use crate::ingest::{Rank, Stamp, summaries};

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SummaryFetch {
    /// The account.
    pub account: AccountId,
    /// The instance's UUID.
    pub uuid: String,
    /// The backfill that wants it.
    pub backfill: Option<BackfillId>,
}

impl SummaryFetch {
    /// What makes two of them the same.
    pub fn key(&self) -> String {
        format!("{}/{}", self.account, self.uuid)
    }
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let wanted: SummaryFetch = payload(job)?;
    let scope = Scope::of(job.workspace);
    let now = app.clock().now();
    if let Some(wait) = backfill::on_hold(app, scope, wanted.backfill, now).await? {
        return Ok(wait);
    }
    let Some(known) = app
        .store()
        .instance_by_external(scope, wanted.account, &wanted.uuid)
        .await?
    else {
        return Ok(Outcome::nothing());
    };
    let holder = job.id.to_string();
    let resource = Resource::Summary;
    match gate::ask(app.store(), scope, wanted.account, resource, &holder, now).await? {
        Gate::Open => {}
        Gate::Wait => {
            let later = backfill::later(now, gate::WAIT);
            return Ok(Outcome::Snooze(None, later, gate::WAITING.into()));
        }
        Gate::Closed(_) => return Ok(Outcome::nothing()),
    }
    let client = backfill::client(app, wanted.account, job.priority).await?;
    // A removal that is told of while Zoom answers is later than this.
    let asked = app.clock().now();
    let answer = Reader::new(client).summary(&wanted.uuid).await;
    let now = app.clock().now();
    let origin = backfill::answer_origin(
        app,
        scope,
        wanted.account,
        Stamp::of_answer(now, Rank::Detail),
        now,
        job.priority,
        job.cause_id.clone(),
    )
    .await?;
    let mut tx = app.store().begin(scope).await?;
    match answer {
        Ok(said) => {
            gate::learn(&mut tx, wanted.account, resource, None, now).await?;
            if let Some(summary) = summaries::read(&said) {
                let instance = (known.id, wanted.uuid.as_str());
                summaries::keep(&mut tx, &origin, instance, &summary, asked).await?;
            }
            Ok(Outcome::done(tx))
        }
        Err(error) => {
            let for_all = gate::refuses_resource(&error);
            if for_all.is_none() && gate::refuses_subject(&error).is_none() {
                return Err(error.into());
            }
            gate::learn(&mut tx, wanted.account, resource, for_all, now).await?;
            Ok(Outcome::Done(Some(tx), backfill::report(&error)))
        }
    }
}

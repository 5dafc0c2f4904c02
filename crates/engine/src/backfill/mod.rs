//! Taking in the past of an account: planned, cut into pieces, resumable, and careful with Zoom's limits.
//!
//! A backfill finds out what there is (users, series, held meetings, recordings) in pieces that run side by side on
//! all rate labels, and enqueues the same jobs that live events enqueue for what was found. What a list tells is not
//! asked again. What cannot be had is recorded with its reason. Doing it again does less.

mod control;
pub(crate) mod ending;
mod forecast;
pub(crate) mod gate;
pub(crate) mod pieces;
pub(crate) mod read;
pub(crate) mod settle;
pub(crate) mod slice;
pub mod window;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parfocal_store::{AccountId, AttemptReport, Backfill, BackfillId, BackfillState, Scope};
use parfocal_zoom::Client;
use parfocal_zoom::limit::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use control::{
    BackfillView, Request, SliceSummary, cancel, list, pause, resume, start, status,
};
pub use forecast::{Forecast, LabelForecast, plan};
pub use gate::{Capability, Refusal, Resource};
pub use window::Window;

use crate::App;
use crate::error::{EngineError, Result};
use crate::ingest::{Origin, Stamp};
use crate::jobs::{Outcome, priority};

/// How often a paused backfill's jobs look whether they may go on.
pub(crate) const PAUSE_LOOK: SignedDuration = SignedDuration::from_mins(1);
/// How soon after a piece a backfill looks whether it was the last.
pub(crate) const FINISH_LOOK: SignedDuration = SignedDuration::from_millis(500);

/// What a backfill was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// First day, UTC.
    pub since: Date,
    /// Last day, UTC.
    pub until: Date,
    /// Whether Zoom's own summaries are wanted too.
    #[serde(default)]
    pub summaries: bool,
}

impl Spec {
    /// Reads a stored one; a broken one covers nothing.
    pub fn read(stored: &Value) -> Self {
        serde_json::from_value(stored.clone()).unwrap_or(Self {
            since: Date::MAX,
            until: Date::MIN,
            summaries: false,
        })
    }

    /// Its windows, youngest first.
    pub fn windows(&self) -> Vec<Window> {
        window::cover(self.since, self.until)
    }

    /// Whether an instant lies on one of its days.
    pub fn contains(&self, at: Timestamp) -> bool {
        let day = window::day(at);
        self.since <= day && day <= self.until
    }
}

/// An instant a little later.
pub(crate) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(now)
}

/// Whether a backfill's job must wait, or need not be done any more.
pub(crate) async fn on_hold(
    app: &App,
    scope: Scope,
    backfill: Option<BackfillId>,
    now: Timestamp,
) -> Result<Option<Outcome>> {
    let Some(id) = backfill else { return Ok(None) };
    let backfill = app.store().backfill(scope, id).await?;
    Ok(match backfill.map(|backfill| backfill.state) {
        Some(BackfillState::Paused) => Some(Outcome::Snooze(
            None,
            later(now, PAUSE_LOOK),
            "the backfill is paused".into(),
        )),
        Some(BackfillState::Cancelled) | None => Some(Outcome::nothing()),
        _ => None,
    })
}

/// A client for an account, for work of a job's priority.
pub(crate) async fn client(app: &App, account: AccountId, job_priority: i64) -> Result<Client> {
    let (client, _) = app.connections().client_for(account).await?;
    let priority = if job_priority <= priority::INTERACTIVE {
        Priority::Interactive
    } else if job_priority < priority::BACKFILL {
        Priority::Live
    } else {
        Priority::Backfill
    };
    Ok(client.with_priority(priority))
}

/// Where the statements of a backfill's answers come from.
pub(crate) async fn origin(
    app: &App,
    scope: Scope,
    backfill: &Backfill,
    stamp: Stamp,
    now: Timestamp,
) -> Result<Origin> {
    let cause = Some(backfill.id.to_string());
    answer_origin(
        app,
        scope,
        backfill.account_id,
        stamp,
        now,
        priority::BACKFILL,
        cause,
    )
    .await
}

/// Where the statements of an answer come from.
pub(crate) async fn answer_origin(
    app: &App,
    scope: Scope,
    account: AccountId,
    stamp: Stamp,
    now: Timestamp,
    priority: i64,
    cause: Option<String>,
) -> Result<Origin> {
    let row = app
        .store()
        .account(scope, account)
        .await?
        .ok_or_else(|| EngineError::not_found("account", account))?;
    let connection = app
        .connections()
        .for_account(account)
        .await
        .ok()
        .map(|connection| connection.id);
    Ok(Origin {
        account,
        account_key: row.external_id,
        connection,
        stamp,
        now,
        priority,
        cause,
    })
}

/// What a refused question leaves in the record of a job that did its work all the same.
pub(crate) fn report(error: &parfocal_zoom::Error) -> AttemptReport {
    AttemptReport {
        request: error.operation().map(str::to_owned),
        status: error.status().map(i64::from),
        tracking_id: error.tracking_id().map(str::to_owned),
        error: Some(error.to_string()),
        advice: Some(error.advice().to_string()),
    }
}

//! `/schedule/{id}`: one meeting with its answers; moved and called off here.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::tz::TimeZone;
use parfocal_engine::EngineError;
use parfocal_engine::keys::Caller;
use parfocal_engine::schedule::{CancelRequest, ChangeRequest, How, ScheduledMeeting};
use parfocal_engine::store::{ScheduleId, ScheduleState};
use serde::{Deserialize, Serialize};

use super::week::spoken;
use super::{Fault, ROOM};
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// How long the browser waits for all of it to be done; the rest goes on by itself.
const WAIT: Duration = Duration::from_secs(20);
/// Occurrences that are listed.
const SHOWN: usize = 60;

/// What the page can be told; unknown parameters are ignored.
#[derive(Deserialize)]
pub(super) struct OneParams {
    did: Option<String>,
}

#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    meeting: ScheduledMeeting,
    when: String,
    times: Vec<Time>,
    more: usize,
    standing: bool,
    start_typed: String,
    did: Option<&'static str>,
    fault: Option<Fault>,
}

#[derive(Serialize)]
struct Time {
    occurrence: String,
    when: String,
}

/// What is to become different.
#[derive(Deserialize)]
pub(super) struct Move {
    #[serde(default)]
    occurrence: String,
    #[serde(default)]
    start: String,
    #[serde(default)]
    minutes: String,
    #[serde(default)]
    anyway: String,
}

/// What is to be called off.
#[derive(Deserialize)]
pub(super) struct CallOff {
    #[serde(default)]
    occurrence: String,
    /// `on` when it is meant.
    #[serde(default)]
    sure: String,
    /// `on` when those who are invited are told.
    #[serde(default)]
    tell: String,
}

fn key(id: &str) -> Result<ScheduleId, Problem> {
    id.parse()
        .map_err(|_| Problem::not_found(format!("there is no schedule {id}")))
}

fn some(text: &str) -> Option<String> {
    Some(text.trim())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// `GET /schedule/{id}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(params): Params<OneParams>,
) -> Result<Response, Problem> {
    show(&state, key(&id)?, params.did.as_deref(), None).await
}

async fn show(
    state: &AppState,
    id: ScheduleId,
    did: Option<&str>,
    error: Option<&EngineError>,
) -> Result<Response, Problem> {
    let app = state.app();
    app.components().require("scheduling").await?;
    let meeting = app.scheduling().get(id).await?;
    let tz = TimeZone::get(&meeting.timezone).unwrap_or(TimeZone::UTC);
    let now = app.clock().now();
    let times: Vec<Time> = meeting
        .occurrences
        .iter()
        .filter(|one| one.end > now)
        .map(|one| Time {
            occurrence: one.occurrence.clone(),
            when: spoken(one.start, one.end, &tz),
        })
        .collect();
    let when = meeting.occurrences.first().map_or_else(
        || meeting.start_local.clone(),
        |one| spoken(one.start, one.end, &tz),
    );
    let title = meeting.title.clone();
    let page = Page {
        when,
        standing: meeting.state == ScheduleState::Scheduled && !times.is_empty(),
        start_typed: meeting.start_local.chars().take(16).collect(),
        more: times.len().saturating_sub(SHOWN),
        times: times.into_iter().take(SHOWN).collect(),
        did: match did {
            Some("made") => Some("Scheduled: meeting, calendar event and invitations stand."),
            Some("begun") => Some("Under way; this page shows how far it is."),
            Some("moved") => Some("Moved. Those who are invited are told."),
            Some("cancelled") => Some("Called off."),
            Some("retried") => Some("Tried again."),
            _ => None,
        },
        fault: error.map(Fault::from),
        meeting,
    };
    state
        .pages()
        .render("schedule_one.html", ROOM, &title, &page)
}

fn how(caller: Caller) -> How {
    How {
        wait: WAIT,
        ..How::new(caller)
    }
}

async fn ended<T>(
    state: &AppState,
    id: ScheduleId,
    did: &str,
    outcome: Result<T, EngineError>,
) -> Result<Response, Problem> {
    match outcome {
        Ok(_) => Ok(Redirect::to(&format!("/schedule/{id}?did={did}")).into_response()),
        Err(error) => show(state, id, None, Some(&error)).await,
    }
}

/// `POST /schedule/{id}/move`.
pub(super) async fn reschedule(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Form(form): Form<Move>,
) -> Result<Response, Problem> {
    let id = key(&id)?;
    let Ok(minutes) = some(&form.minutes).map(|text| text.parse()).transpose() else {
        let error = EngineError::invalid("the length is no number of minutes");
        return show(&state, id, None, Some(&error)).await;
    };
    let request = ChangeRequest {
        occurrence: some(&form.occurrence),
        start: some(&form.start),
        minutes,
        allow_conflicts: !form.anyway.is_empty(),
        ..ChangeRequest::default()
    };
    let scheduling = state.app().scheduling();
    let outcome = scheduling.reschedule(id, &request, &how(caller)).await;
    ended(&state, id, "moved", outcome).await
}

/// `POST /schedule/{id}/cancel`.
pub(super) async fn cancel(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Form(form): Form<CallOff>,
) -> Result<Response, Problem> {
    let id = key(&id)?;
    if form.sure.is_empty() {
        let error = EngineError::invalid("nothing was called off: it was not confirmed")
            .with_hint("Tick the box, then call it off.");
        return show(&state, id, None, Some(&error)).await;
    }
    let request = CancelRequest {
        occurrence: some(&form.occurrence),
        tell: Some(!form.tell.is_empty()),
    };
    let scheduling = state.app().scheduling();
    let outcome = scheduling.cancel(id, &request, &how(caller)).await;
    ended(&state, id, "cancelled", outcome).await
}

/// `POST /schedule/{id}/retry`.
pub(super) async fn retry(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = key(&id)?;
    let outcome = state.app().scheduling().retry(id, &how(caller)).await;
    ended(&state, id, "retried", outcome).await
}

//! `/v1/schedules`: meetings with their calendar events, invitations and reminders.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use jiff::Timestamp;
use parfocal_engine::calendar::Reminder;
use parfocal_engine::keys::Caller;
use parfocal_engine::schedule::{
    CancelRequest, ChangeRequest, How, Preview, RegistrantReport, ScheduleRequest, Scheduled,
    ScheduledMeeting,
};
use parfocal_engine::store::{ScheduleFilter, ScheduleId, ScheduleState};
use schemars::JsonSchema;
use serde::Deserialize;

use super::actions::key;
use super::body::{Body, MayBody};
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::PageView;

/// Rows on a page when nothing is said.
const ROWS: u32 = 50;
/// Most rows on a page.
const MOST: u32 = 200;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// Only what stands so.
    state: Option<ScheduleState>,
    /// Only what has not ended before this instant.
    from: Option<Timestamp>,
    /// Only what begins before this instant.
    to: Option<Timestamp>,
    /// Only that to which this address is invited.
    person: Option<String>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// `GET /v1/schedules`: by their first starts.
pub(super) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<ScheduledMeeting>>, Problem> {
    let limit = params.limit.unwrap_or(ROWS);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad_request(
            "query",
            format!("limit {limit} is not between 1 and {MOST}"),
        ));
    }
    let after = params.after.as_deref().map(place).transpose()?;
    let filter = ScheduleFilter {
        state: params.state,
        from: params.from,
        to: params.to,
        person: params.person.as_deref(),
        after,
    };
    let mut items = state.app().scheduling().list(&filter, limit + 1).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| format!("{}.{}", last.start.as_microsecond(), last.id));
    Ok(Json(PageView { items, next }))
}

/// The place after which a list goes on.
fn place(text: &str) -> Result<(Timestamp, ScheduleId), Problem> {
    text.split_once('.')
        .and_then(|(at, id)| {
            let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
            Some((at, id.parse().ok()?))
        })
        .ok_or_else(|| Problem::bad_request("query", "after is not the `next` of this list"))
}

/// `GET /v1/schedules/{id}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<ScheduledMeeting>, Problem> {
    Ok(Json(state.app().scheduling().get(schedule(&id)?).await?))
}

/// `POST /v1/schedules/preview`: nothing is made.
pub(super) async fn preview(
    State(state): State<AppState>,
    Body(request): Body<ScheduleRequest>,
) -> Result<Json<Preview>, Problem> {
    Ok(Json(state.app().scheduling().preview(&request).await?))
}

/// `POST /v1/schedules`: 201 when all of it is done, 202 when it goes on by itself.
pub(super) async fn create(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<ScheduleRequest>,
) -> Result<(StatusCode, Json<Scheduled>), Problem> {
    let how = How::new(caller).with_key(key(&headers)?);
    let done = state.app().scheduling().schedule(&request, &how).await?;
    Ok((status(&done, StatusCode::CREATED), Json(done)))
}

/// `POST /v1/schedules/{id}/reschedule`.
pub(super) async fn reschedule(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(request): Body<ChangeRequest>,
) -> Result<(StatusCode, Json<Scheduled>), Problem> {
    let how = How::new(caller).with_key(key(&headers)?);
    let id = schedule(&id)?;
    let done = state
        .app()
        .scheduling()
        .reschedule(id, &request, &how)
        .await?;
    Ok((status(&done, StatusCode::OK), Json(done)))
}

/// `POST /v1/schedules/{id}/cancel`.
pub(super) async fn cancel(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    MayBody(request): MayBody<CancelRequest>,
) -> Result<(StatusCode, Json<Scheduled>), Problem> {
    let how = How::new(caller).with_key(key(&headers)?);
    let id = schedule(&id)?;
    let done = state.app().scheduling().cancel(id, &request, &how).await?;
    Ok((status(&done, StatusCode::OK), Json(done)))
}

/// `POST /v1/schedules/{id}/retry`.
pub(super) async fn retry(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Scheduled>), Problem> {
    let how = How::new(caller);
    let done = state.app().scheduling().retry(schedule(&id)?, &how).await?;
    Ok((status(&done, StatusCode::OK), Json(done)))
}

/// `POST /v1/schedules/{id}/registrants`.
pub(super) async fn registrants(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<RegistrantReport>, Problem> {
    let (id, how) = (schedule(&id)?, How::new(caller));
    let report = state.app().attendees().sync_registrants(id, &how).await?;
    Ok(Json(report))
}

/// `POST /v1/schedules/{id}/reminders`.
pub(super) async fn remind(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(reminder): Body<Reminder>,
) -> Result<(StatusCode, Json<Scheduled>), Problem> {
    let how = How::new(caller).with_key(key(&headers)?);
    let id = schedule(&id)?;
    let done = state
        .app()
        .scheduling()
        .schedule_reminder(id, reminder, &how)
        .await?;
    Ok((status(&done, StatusCode::OK), Json(done)))
}

fn status(done: &Scheduled, whole: StatusCode) -> StatusCode {
    if done.finished {
        whole
    } else {
        StatusCode::ACCEPTED
    }
}

fn schedule(id: &str) -> Result<ScheduleId, Problem> {
    id.parse()
        .map_err(|_| Problem::not_found(format!("there is no schedule {id}")))
}

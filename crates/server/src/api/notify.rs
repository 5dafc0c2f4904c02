//! `/v1/mail`, `/v1/responses` and `/v1/reminders`: what people were told, what they answered, what they are reminded of.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use parfocal_engine::EngineError;
use parfocal_engine::notify::answers::{self, TakenReply};
use parfocal_engine::notify::push;
use parfocal_engine::store::{ReminderState, ScheduleId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{MailView, PageView, ReceivedView, ReminderView, ResponseView};

/// Rows when nothing is said.
const DEFAULT_LIMIT: u32 = 100;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MailParams {
    /// Only of this schedule.
    schedule: Option<String>,
    /// Rows, 1 to 500. Default 100.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceivedParams {
    /// Rows, 1 to 500. Default 100.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResponseParams {
    /// The schedule.
    schedule: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReminderParams {
    /// Only of this schedule.
    schedule: Option<String>,
    /// Only what stands so.
    state: Option<ReminderState>,
    /// Rows, 1 to 500. Default 100.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
}

fn schedule(text: &str) -> Result<ScheduleId, Problem> {
    text.parse()
        .map_err(|_| EngineError::not_found("schedule", text).into())
}

fn limit(given: Option<u32>) -> Result<u32, Problem> {
    match given {
        None => Ok(DEFAULT_LIMIT),
        Some(limit @ 1..=500) => Ok(limit),
        Some(limit) => Err(Problem::bad_request(
            "query",
            format!("limit {limit} is not between 1 and 500"),
        )),
    }
}

/// `GET /v1/mail`: the latest first.
pub(super) async fn mails(
    State(state): State<AppState>,
    Params(params): Params<MailParams>,
) -> Result<Json<PageView<MailView>>, Problem> {
    let app = state.app();
    let of = params.schedule.as_deref().map(schedule).transpose()?;
    let found = app
        .store()
        .mails(app.scope(), of, limit(params.limit)?)
        .await
        .map_err(EngineError::from)?;
    Ok(Json(PageView {
        items: found.into_iter().map(MailView::from).collect(),
        next: None,
    }))
}

/// `GET /v1/mail/received`: the latest first.
pub(super) async fn received(
    State(state): State<AppState>,
    Params(params): Params<ReceivedParams>,
) -> Result<Json<PageView<ReceivedView>>, Problem> {
    let app = state.app();
    let found = app
        .store()
        .received(app.scope(), limit(params.limit)?)
        .await
        .map_err(EngineError::from)?;
    Ok(Json(PageView {
        items: found.into_iter().map(ReceivedView::from).collect(),
        next: None,
    }))
}

/// `POST /v1/mail/replies`: a mail (`message/rfc822`) or a calendar (`text/calendar`) with answers.
pub(super) async fn replies(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<PageView<TakenReply>>, Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let items = if kind.starts_with("message/rfc822") {
        answers::take_mail(state.app(), &body).await?
    } else if kind.starts_with("text/calendar") {
        answers::take_calendar(state.app(), &String::from_utf8_lossy(&body)).await?
    } else {
        return Err(Problem::bad_request(
            "content_type",
            "the body is a mail (message/rfc822) or a calendar (text/calendar), and its type has to say which",
        ));
    };
    Ok(Json(PageView { items, next: None }))
}

/// `GET /v1/responses`: who answered what; who has not is there too.
pub(super) async fn responses(
    State(state): State<AppState>,
    Params(params): Params<ResponseParams>,
) -> Result<Json<PageView<ResponseView>>, Problem> {
    let found = answers::attendee_responses(state.app(), schedule(&params.schedule)?).await?;
    Ok(Json(PageView {
        items: found.into_iter().map(ResponseView::from).collect(),
        next: None,
    }))
}

/// `GET /v1/reminders`: the first due first.
pub(super) async fn reminders(
    State(state): State<AppState>,
    Params(params): Params<ReminderParams>,
) -> Result<Json<PageView<ReminderView>>, Problem> {
    let app = state.app();
    let of = params.schedule.as_deref().map(schedule).transpose()?;
    let found = app
        .store()
        .reminders(app.scope(), of, params.state, limit(params.limit)?)
        .await
        .map_err(EngineError::from)?;
    Ok(Json(PageView {
        items: found.into_iter().map(ReminderView::from).collect(),
        next: None,
    }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushParams {
    /// Whose reminders.
    email: String,
}

/// Where a person subscribes to reminders by push.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PushAddress {
    /// The person.
    email: String,
    /// The address of their topic at the push server.
    address: String,
}

/// `GET /v1/reminders/push`.
pub(super) async fn push_address(
    State(state): State<AppState>,
    Params(params): Params<PushParams>,
) -> Result<Json<PushAddress>, Problem> {
    let address = push::address(state.app(), &params.email).await?;
    Ok(Json(PushAddress {
        email: params.email,
        address,
    }))
}

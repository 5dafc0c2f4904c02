//! `/v1/backfills`: taking in the past, and how far it is.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::civil::Date;
use parfocal_engine::backfill::{self, BackfillView, Forecast, Request};
use parfocal_engine::keys::Caller;
use parfocal_engine::store::BackfillId;
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::MayBody;
use crate::problem::Problem;
use crate::reach::Reach;
use crate::state::AppState;
use crate::views::PageView;

/// `GET /v1/backfills`: the latest first; there are few.
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<PageView<BackfillView>>, Problem> {
    let reach = Reach::of(state.app(), &caller).await?;
    let mut items = backfill::list(state.app()).await?;
    items.retain(|view| reach.allows(view.account_id).is_ok());
    Ok(Json(PageView { items, next: None }))
}

/// `GET /v1/backfills/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<BackfillView>, Problem> {
    Ok(Json(seen(&state, &caller, &id).await?))
}

/// Whose past, and how far back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    /// The connection whose account is meant, by name or id; only needed when there are several accounts.
    #[serde(default)]
    connection: Option<String>,
    /// First day (UTC), such as 2026-06-01; left out: as far back as configured.
    #[serde(default)]
    since: Option<Date>,
    /// Last day (UTC); left out: today.
    #[serde(default)]
    until: Option<Date>,
    /// Whether the summaries of Zoom's AI Companion are taken in too: one call to Zoom for each.
    #[serde(default)]
    summaries: bool,
}

impl Span {
    async fn request(self, state: &AppState, caller: &Caller) -> Result<Request, Problem> {
        let reach = Reach::of(state.app(), caller).await?;
        let account = match (&self.connection, reach.accounts()) {
            (Some(which), _) => {
                let account = state.app().connections().find(which).await?.account_id;
                reach.allows(account)?;
                Some(account)
            }
            (None, Some([only])) => Some(*only),
            (None, Some(_)) => {
                return Err(Problem::bad_request(
                    "invalid_input",
                    "which connection's past is meant is not said",
                )
                .hint("Give `connection`: this key may use several, or none any more."));
            }
            (None, None) => None,
        };
        Ok(Request {
            account,
            since: self.since,
            until: self.until,
            summaries: self.summaries,
        })
    }
}

/// `POST /v1/backfills/plan`: what a backfill would take; nothing is begun.
pub(super) async fn plan(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    MayBody(span): MayBody<Span>,
) -> Result<Json<Forecast>, Problem> {
    let request = span.request(&state, &caller).await?;
    Ok(Json(backfill::plan(state.app(), &request).await?))
}

/// `POST /v1/backfills`.
pub(super) async fn start(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    MayBody(span): MayBody<Span>,
) -> Result<(StatusCode, Json<BackfillView>), Problem> {
    let request = span.request(&state, &caller).await?;
    let view = backfill::start(state.app(), &request, &caller.by()).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// `POST /v1/backfills/{id}/pause`.
pub(super) async fn pause(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<BackfillView>, Problem> {
    seen(&state, &caller, &id).await?;
    Ok(Json(
        backfill::pause(state.app(), key(&id)?, &caller.by()).await?,
    ))
}

/// `POST /v1/backfills/{id}/resume`.
pub(super) async fn resume(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<BackfillView>, Problem> {
    seen(&state, &caller, &id).await?;
    Ok(Json(
        backfill::resume(state.app(), key(&id)?, &caller.by()).await?,
    ))
}

/// `POST /v1/backfills/{id}/cancel`.
pub(super) async fn cancel(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<BackfillView>, Problem> {
    seen(&state, &caller, &id).await?;
    Ok(Json(
        backfill::cancel(state.app(), key(&id)?, &caller.by()).await?,
    ))
}

/// A backfill that the caller may see.
async fn seen(state: &AppState, caller: &Caller, id: &str) -> Result<BackfillView, Problem> {
    let view = backfill::status(state.app(), key(id)?).await?;
    Reach::of(state.app(), caller)
        .await?
        .allows(view.account_id)?;
    Ok(view)
}

fn key(id: &str) -> Result<BackfillId, Problem> {
    id.parse()
        .map_err(|_| Problem::not_found(format!("there is no backfill {id}")))
}

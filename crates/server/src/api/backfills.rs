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
use crate::state::AppState;
use crate::views::PageView;

/// `GET /v1/backfills`: the latest first; there are few.
pub(crate) async fn list(
    State(state): State<AppState>,
) -> Result<Json<PageView<BackfillView>>, Problem> {
    Ok(Json(PageView {
        items: backfill::list(state.app()).await?,
        next: None,
    }))
}

/// `GET /v1/backfills/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<BackfillView>, Problem> {
    Ok(Json(backfill::status(state.app(), key(&id)?).await?))
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
    async fn request(self, state: &AppState) -> Result<Request, Problem> {
        let account = match &self.connection {
            Some(which) => Some(state.app().connections().find(which).await?.account_id),
            None => None,
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
    MayBody(span): MayBody<Span>,
) -> Result<Json<Forecast>, Problem> {
    let request = span.request(&state).await?;
    Ok(Json(backfill::plan(state.app(), &request).await?))
}

/// `POST /v1/backfills`.
pub(super) async fn start(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    MayBody(span): MayBody<Span>,
) -> Result<(StatusCode, Json<BackfillView>), Problem> {
    let request = span.request(&state).await?;
    let view = backfill::start(state.app(), &request, &caller.by()).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// `POST /v1/backfills/{id}/pause`.
pub(super) async fn pause(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<BackfillView>, Problem> {
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
    Ok(Json(
        backfill::cancel(state.app(), key(&id)?, &caller.by()).await?,
    ))
}

fn key(id: &str) -> Result<BackfillId, Problem> {
    id.parse()
        .map_err(|_| Problem::not_found(format!("there is no backfill {id}")))
}

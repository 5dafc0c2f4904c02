//! `/v1/calendars`: the calendars that meetings are written to, and what people changed in them.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use parfocal_engine::calendar::{CalendarAccountView, ConflictView, SyncReport};
use parfocal_engine::keys::Caller;
use parfocal_engine::schedule::{How, ScheduledMeeting, SettleRequest};

use super::body::Body;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::PageView;

/// `GET /v1/calendars`: by name, without secrets.
pub(super) async fn list(
    State(state): State<AppState>,
) -> Result<Json<PageView<CalendarAccountView>>, Problem> {
    let items = state.app().calendar_accounts().list().await?;
    Ok(Json(PageView { items, next: None }))
}

/// `POST /v1/calendars/{name}/check`.
pub(super) async fn check(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<CalendarAccountView>, Problem> {
    Ok(Json(state.app().calendar_accounts().check(&name).await?))
}

/// `POST /v1/calendars/{name}/sync`.
pub(super) async fn sync(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<SyncReport>, Problem> {
    Ok(Json(state.app().calendar_accounts().sync(&name).await?))
}

/// `GET /v1/calendars/conflicts`: the oldest first.
pub(super) async fn conflicts(
    State(state): State<AppState>,
) -> Result<Json<PageView<ConflictView>>, Problem> {
    let items = state.app().calendar_accounts().conflicts().await?;
    Ok(Json(PageView { items, next: None }))
}

/// `POST /v1/calendars/settle`.
pub(super) async fn settle(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Body(request): Body<SettleRequest>,
) -> Result<Json<ScheduledMeeting>, Problem> {
    let how = How::new(caller);
    Ok(Json(state.app().scheduling().settle(&request, &how).await?))
}

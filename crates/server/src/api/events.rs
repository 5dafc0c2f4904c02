//! `/v1/events`: the webhooks that were accepted.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{EventFilter, EventId, EventState};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{EventView, PageView};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only of this name; `recording.*` for all that begin so.
    event: Option<String>,
    /// Only in this state.
    state: Option<EventState>,
    /// Only those that arrived at or after this instant.
    from: Option<Timestamp>,
    /// Only those that arrived before this instant.
    before: Option<Timestamp>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// `GET /v1/events`: webhooks without bodies, the latest first.
pub(crate) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<EventView>>, Problem> {
    let filter = EventFilter {
        event: params.event,
        state: params.state,
        lane: None,
        from: params.from,
        before: params.before,
    };
    let page = paging::request(params.limit, params.after)?;
    let app = state.app();
    let page = app
        .store()
        .inbox_events(app.scope(), &filter, &page)
        .await?;
    Ok(Json(PageView::of(page, EventView::from)))
}

/// `GET /v1/events/{id}`: a webhook with its body.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<EventView>, Problem> {
    let app = state.app();
    let missing = || Problem::not_found(format!("there is no event {id}"));
    let key: EventId = id.parse().map_err(|_| missing())?;
    let event = app
        .store()
        .inbox_event(app.scope(), key)
        .await?
        .ok_or_else(missing)?;
    Ok(Json(event.into()))
}

/// `POST /v1/events/{id}/replay`: safe at any time, what is known already is recognised.
pub(crate) async fn replay(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<EventView>, Problem> {
    let missing = || Problem::not_found(format!("there is no event {id}"));
    let key: EventId = id.parse().map_err(|_| missing())?;
    parfocal_engine::ingest::events::replay(state.app(), key, &caller.by()).await?;
    get(State(state), Path(id)).await
}

//! `/v1/action-items`: what is to be done across the meetings of a series.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::civil::Date;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{ActionFilter, ActionState};
use parfocal_engine::talk::tracker::{self, Standing};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::lookup;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{ActionItemDetailView, ActionItemView, PageView};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// Only what stands so.
    state: Option<Standing>,
    /// Only what this person owes: the name or its beginning, or the address.
    owner: Option<String>,
    /// Only what was spoken of in this meeting: our id, Zoom's UUID, or a meeting number for the latest one.
    meeting: Option<String>,
    /// Only of the series of this meeting, named in the same ways.
    series: Option<String>,
    /// Only what was due before this day.
    due_before: Option<Date>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// `GET /v1/action-items`: those spoken of last first.
pub(super) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<ActionItemView>>, Problem> {
    let app = state.app();
    let mut filter = params
        .state
        .map_or_else(ActionFilter::default, Standing::filter);
    filter.owner = params.owner;
    filter.due_before = params.due_before.map(|day| day.to_string());
    if let Some(which) = &params.meeting {
        filter.instance = Some(lookup::instance(app, which).await?.id);
    }
    if let Some(which) = &params.series {
        let meeting = lookup::instance(app, which).await?.id;
        filter.series = app.store().series_of(app.scope(), meeting).await?;
    }
    let page = paging::request(params.limit, params.after)?;
    let page = tracker::list(app, &filter, &page).await?;
    Ok(Json(PageView::of(page, ActionItemView::from)))
}

/// `GET /v1/action-items/{id}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<ActionItemDetailView>, Problem> {
    Ok(Json(tracker::get(state.app(), &id).await?.into()))
}

/// `POST /v1/action-items/{id}/done`.
pub(super) async fn done(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ActionItemDetailView>, Problem> {
    let marked = tracker::mark(state.app(), &id, ActionState::Done, &caller.by()).await?;
    Ok(Json(marked.into()))
}

/// `POST /v1/action-items/{id}/reopen`.
pub(super) async fn reopen(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ActionItemDetailView>, Problem> {
    let marked = tracker::mark(state.app(), &id, ActionState::Open, &caller.by()).await?;
    Ok(Json(marked.into()))
}

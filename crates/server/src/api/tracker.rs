//! `/v1/action-items`: what is to be done across the meetings of a series.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::civil::Date;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{ActionFilter, ActionState};
use parfocal_engine::talk::tracker::{self, Standing, Tracked};
use parfocal_engine::{Code, EngineError};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::reach::Reach;
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
    Extension(caller): Extension<Caller>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<ActionItemView>>, Problem> {
    let app = state.app();
    let reach = Reach::of(app, &caller).await?;
    if !caller.sees_everything() && params.meeting.is_none() && params.series.is_none() {
        return Err(Problem::from(
            EngineError::new(
                Code::Forbidden,
                format!(
                    "{} may use some connections only, and this looks through all",
                    caller.actor
                ),
            )
            .with_hint("Name a meeting (meeting=) or a series (series=) of its connections."),
        ));
    }
    let mut filter = params
        .state
        .map_or_else(ActionFilter::default, Standing::filter);
    filter.owner = params.owner;
    filter.due_before = params.due_before.map(|day| day.to_string());
    if let Some(which) = &params.meeting {
        filter.instance = Some(reach.find(which).await?.id);
    }
    if let Some(which) = &params.series {
        let meeting = reach.find(which).await?.id;
        filter.series = app.store().series_of(app.scope(), meeting).await?;
    }
    let page = paging::request(params.limit, params.after)?;
    let page = tracker::list(app, &filter, &page).await?;
    Ok(Json(PageView::of(page, ActionItemView::from)))
}

/// `GET /v1/action-items/{id}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ActionItemDetailView>, Problem> {
    Ok(Json(seen(&state, &caller, &id).await?.into()))
}

/// `POST /v1/action-items/{id}/done`.
pub(super) async fn done(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ActionItemDetailView>, Problem> {
    seen(&state, &caller, &id).await?;
    let marked = tracker::mark(state.app(), &id, ActionState::Done, &caller.by()).await?;
    Ok(Json(marked.into()))
}

/// `POST /v1/action-items/{id}/reopen`.
pub(super) async fn reopen(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ActionItemDetailView>, Problem> {
    seen(&state, &caller, &id).await?;
    let marked = tracker::mark(state.app(), &id, ActionState::Open, &caller.by()).await?;
    Ok(Json(marked.into()))
}

/// What is to be done, as far as the caller may see a meeting where it was spoken of.
async fn seen(state: &AppState, caller: &Caller, id: &str) -> Result<Tracked, Problem> {
    let found = tracker::get(state.app(), id).await?;
    if !caller.sees_everything() {
        let reach = Reach::of(state.app(), caller).await?;
        for sighting in &found.sightings {
            reach.find(&sighting.instance_id.to_string()).await?;
        }
    }
    Ok(found)
}

//! `/v1/insights` and `/v1/meetings/{id}/insights`: what was understood.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use parfocal_engine::keys::Caller;
use parfocal_engine::store::InsightFilter;
use parfocal_engine::talk::beside;
use parfocal_engine::talk::minutes::{self, Form};
use parfocal_engine::understand;
use schemars::JsonSchema;
use serde::Deserialize;

use super::meetings::find;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::reach::Reach;
use crate::state::AppState;
use crate::views::{MeetingInsightsView, PageView, StatementView};

/// Rows when nothing is said.
const DEFAULT_LIMIT: u32 = 50;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// Only this kind: `summary`, `chapter`, `action_item`, `decision`, `question`, `follow_up`, `topic`, or one of the
    /// operator's own, by the name of its file (`risks`; with several lists `risks.open`).
    kind: Option<String>,
    /// Only what this person is to do: the name or its beginning.
    owner: Option<String>,
    /// Only of this meeting: our id, Zoom's UUID of the instance, or a meeting number for the latest one.
    meeting: Option<String>,
    /// Rows, 1 to 500. Default 50.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
}

/// `GET /v1/insights`.
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<StatementView>>, Problem> {
    let app = state.app();
    let reach = Reach::of(app, &caller).await?;
    let instance = match &params.meeting {
        Some(which) => Some(reach.find(which).await?.id),
        None => None,
    };
    let limit = match params.limit {
        None => DEFAULT_LIMIT,
        Some(limit @ 1..=understand::MOST_STATEMENTS) => limit,
        Some(limit) => return Err(paging::beyond(limit, understand::MOST_STATEMENTS)),
    };
    let kind = match &params.kind {
        Some(name) => Some(understand::statement_kind(app, name)?),
        None => None,
    };
    let filter = InsightFilter {
        kind: kind.as_deref(),
        owner: params.owner.as_deref(),
        instance,
    };
    let found = reach.insights(&filter, limit).await?;
    Ok(Json(PageView {
        items: found.into_iter().map(StatementView::from).collect(),
        next: None,
    }))
}

/// `GET /v1/meetings/{id}/insights`; what is not analysed yet is analysed now.
pub(super) async fn of_meeting(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<MeetingInsightsView>, Problem> {
    let instance = find(&state, &caller, &id).await?;
    let found = understand::of_instance(state.app(), instance.id).await?;
    let theirs = beside::kept(state.app(), instance.id).await?;
    if found.parts.is_empty() && theirs.is_none() {
        return Err(
            Problem::not_found(format!("the meeting {id} has no transcript")).hint(
                "The meeting's artefacts tell whether one is expected, or why there is none.",
            ),
        );
    }
    Ok(Json(MeetingInsightsView::from(found).beside(theirs)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MinutesParams {
    /// The form. Default: Markdown.
    format: Option<Form>,
}

/// `GET /v1/meetings/{id}/minutes`.
pub(super) async fn minutes(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Params(params): Params<MinutesParams>,
) -> Result<Response, Problem> {
    let instance = find(&state, &caller, &id).await?;
    let form = params.format.unwrap_or(Form::Markdown);
    let minutes = minutes::of_instance(state.app(), instance.id, form).await?;
    Ok(super::file(
        minutes.bytes,
        form.content_type(),
        &minutes.file_name,
    ))
}

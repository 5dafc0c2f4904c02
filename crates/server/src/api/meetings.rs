//! `/v1/meetings`: meetings that were held, what was said and written in them.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{Instance, InstanceFilter, InstanceState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lookup;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::reach::Reach;
use crate::state::AppState;
use crate::views::{ChatMessageView, InstanceDetailView, InstanceView, PageView};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only those whose topic contains these words.
    topic: Option<String>,
    /// Only those hosted by this e-mail address.
    host: Option<String>,
    /// Only those with this meeting number.
    number: Option<String>,
    /// Only those in this state.
    state: Option<InstanceState>,
    /// Only those that began at or after this instant.
    from: Option<Timestamp>,
    /// Only those that began before this instant.
    before: Option<Timestamp>,
    /// Only those with, or without, a transcript.
    has_transcript: Option<bool>,
    /// Only those with, or without, a recording.
    has_recording: Option<bool>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// `GET /v1/meetings`: the latest first.
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<InstanceView>>, Problem> {
    let filter = InstanceFilter {
        topic: params.topic,
        host: params.host,
        number: params.number,
        state: params.state,
        from: params.from,
        before: params.before,
        has_transcript: params.has_transcript,
        has_recording: params.has_recording,
        ..InstanceFilter::default()
    };
    let page = paging::request(params.limit, params.after)?;
    let reach = Reach::of(state.app(), &caller).await?;
    let (held, next) = reach
        .meetings(&filter, page.limit, page.after.as_deref())
        .await?;
    Ok(Json(PageView {
        items: held.into_iter().map(InstanceView::from).collect(),
        next,
    }))
}

/// `GET /v1/meetings/{id}`: by our id, Zoom's UUID or the meeting number.
pub(crate) async fn get(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<InstanceDetailView>, Problem> {
    let instance = find(&state, &caller, &id).await?;
    Ok(Json(lookup::detail(state.app(), instance).await?))
}

/// What was written in a meeting.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Chat {
    /// The messages, in order.
    messages: Vec<ChatMessageView>,
}

/// `GET /v1/meetings/{id}/chat`.
pub(crate) async fn chat(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Chat>, Problem> {
    let instance = find(&state, &caller, &id).await?;
    Ok(Json(Chat {
        messages: lookup::chat(state.app(), instance.id).await?,
    }))
}

/// A meeting that the caller may see.
pub(super) async fn find(state: &AppState, caller: &Caller, id: &str) -> Result<Instance, Problem> {
    Ok(Reach::of(state.app(), caller).await?.find(id).await?)
}

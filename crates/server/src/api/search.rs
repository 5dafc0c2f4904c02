//! `/v1/search`.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::lookup;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::SearchView;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParams {
    /// The query: words, "phrases", prefix*, -without, speaker:, host:, topic:, from:, before:.
    #[schemars(length(min = 1))]
    q: String,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// `GET /v1/search?q=`: what was said and written, best first.
pub(crate) async fn get(
    State(state): State<AppState>,
    Params(params): Params<SearchParams>,
) -> Result<Json<SearchView>, Problem> {
    let page = paging::request(params.limit, params.after)?;
    Ok(Json(lookup::search(state.app(), &params.q, &page).await?))
}

//! `/v1/search`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::lookup;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::SearchView;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParams {
    q: String,
    limit: Option<u32>,
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

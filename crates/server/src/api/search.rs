//! `/v1/search`.

use axum::extract::State;
use axum::{Extension, Json};
use parfocal_engine::keys::Caller;
use parfocal_engine::search::{Sort, Wanted};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::lookup;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::reach::Reach;
use crate::state::AppState;
use crate::views::SearchView;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParams {
    /// The query: words, "phrases", prefix*, nearly~, OR, -without, speaker:, participant:, host:, topic:, series:, kind:,
    /// from:, before:.
    #[schemars(length(min = 1))]
    q: String,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
    /// `relevance` (the default) or `date`: the latest meetings first.
    #[serde(default)]
    sort: Order,
    /// Hits of one meeting at most, so that a page shows many meetings.
    #[schemars(range(min = 1, max = 200))]
    per_meeting: Option<u32>,
    /// Whether to count meetings by host, series, month, speaker and kind.
    #[serde(default)]
    facets: bool,
}

/// The order of hits.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// The best first.
    #[default]
    Relevance,
    /// The latest meetings first.
    Date,
}

impl From<Order> for Sort {
    fn from(order: Order) -> Self {
        match order {
            Order::Relevance => Self::Relevance,
            Order::Date => Self::Date,
        }
    }
}

/// `GET /v1/search?q=`: what was said and written, best first.
pub(crate) async fn get(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<SearchParams>,
) -> Result<Json<SearchView>, Problem> {
    let page = paging::request(params.limit, params.after)?;
    let reach = Reach::of(state.app(), &caller).await?;
    let wanted = Wanted {
        limit: page.limit,
        after: page.after.as_deref(),
        sort: params.sort.into(),
        per_meeting: params.per_meeting,
        facets: params.facets,
        accounts: reach.accounts(),
        ..Wanted::new(&params.q)
    };
    Ok(Json(lookup::search_for(state.app(), &wanted).await?))
}

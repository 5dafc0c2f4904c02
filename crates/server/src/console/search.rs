//! Search over what was said.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::lookup;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::HitView;

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(crate) struct SearchParams {
    q: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Page {
    query: String,
    hits: Vec<Row>,
    trouble: Option<Problem>,
    /// How the query was taken, where a reader may have meant something else.
    advice: Vec<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    hit: HitView,
    /// The place on the meeting's page.
    anchor: String,
}

/// `GET /search`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Params(params): Params<SearchParams>,
) -> Result<Response, Problem> {
    let query: String = params
        .q
        .unwrap_or_default()
        .trim()
        .chars()
        .take(400)
        .collect();
    let mut page = Page {
        advice: parfocal_engine::search::advice(&query),
        query,
        hits: Vec::new(),
        trouble: None,
        next: None,
    };
    if !page.query.is_empty() {
        let request = paging::request(None, params.after)?;
        match lookup::search(state.app(), &page.query, &request).await {
            Ok(found) => {
                page.next = found.next.map(|next| {
                    super::link(
                        "/search",
                        &[("q", Some(&page.query)), ("after", Some(&next))],
                    )
                });
                page.hits = found.items.into_iter().map(Row::from).collect();
            }
            // A slip in the query is told above the results; it is no reason to leave the page.
            Err(error) if error.kind() == parfocal_engine::Kind::Invalid => {
                page.trouble = Some(error.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    let title = if page.query.is_empty() {
        "Search".to_owned()
    } else {
        format!("{} – Search", page.query)
    };
    state.pages().render("search.html", "search", &title, &page)
}

impl From<HitView> for Row {
    fn from(hit: HitView) -> Self {
        let anchor = match (&hit.transcript_id, hit.cues) {
            (Some(transcript), Some((first, _))) => format!("c-{transcript}-{first}"),
            _ => "chat".to_owned(),
        };
        Self { hit, anchor }
    }
}

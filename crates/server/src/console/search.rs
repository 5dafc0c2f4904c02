//! Search over what was said.

use axum::extract::State;
use axum::response::Response;
use parfocal_engine::search::{Sort, Wanted, with_filters};
use serde::{Deserialize, Serialize};

use crate::lookup;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{CountView, FacetsView, HitView, InsteadView};

/// Passages of one meeting on a page: its own page shows the others.
const PER_MEETING: u32 = 3;

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(crate) struct SearchParams {
    q: Option<String>,
    after: Option<String>,
    sort: Option<String>,
}

#[derive(Serialize)]
struct Page {
    /// Whether the latest come first.
    by_date: bool,
    other_order: String,
    relaxed: bool,
    instead: Vec<InsteadView>,
    facets: Option<Facets>,
    query: String,
    hits: Vec<Row>,
    trouble: Option<Problem>,
    /// How the query was taken, where a reader may have meant something else.
    advice: Vec<String>,
    next: Option<String>,
}

/// Counts, each with the search that keeps to it.
#[derive(Serialize)]
struct Facets {
    meetings: u64,
    groups: Vec<(&'static str, Vec<Narrower>)>,
}

#[derive(Serialize)]
struct Narrower {
    label: String,
    meetings: u64,
    link: String,
}

fn narrower(query: &str, facets: FacetsView) -> Facets {
    let group = |name: &'static str, counts: Vec<CountView>| -> Vec<Narrower> {
        let link = |count: CountView| {
            let text = with_filters(query, [(name, Some(count.value.as_str()))]);
            Narrower {
                link: super::link("/search", &[("q", Some(&text))]),
                label: count.label,
                meetings: count.meetings,
            }
        };
        counts.into_iter().map(link).collect()
    };
    let mut groups = vec![
        ("Kind", group("kind", facets.kinds)),
        ("Speaker", group("speaker", facets.speakers)),
        ("Series", group("series", facets.series)),
        ("Host", group("host", facets.hosts)),
    ];
    groups.retain(|(_, counts)| !counts.is_empty());
    Facets {
        meetings: facets.meetings,
        groups,
    }
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    hit: HitView,
    /// The place on the meeting's page; empty for the meeting itself, whose title it is.
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
        by_date: params.sort.as_deref() == Some("date"),
        other_order: String::new(),
        relaxed: false,
        instead: Vec::new(),
        facets: None,
        query,
        hits: Vec::new(),
        trouble: None,
        next: None,
    };
    if !page.query.is_empty() {
        let request = paging::request(None, params.after)?;
        let sort = page.by_date.then_some("date");
        let other = (!page.by_date).then_some("date");
        page.other_order = super::link("/search", &[("q", Some(&page.query)), ("sort", other)]);
        let wanted = Wanted {
            limit: request.limit,
            after: request.after.as_deref(),
            sort: if page.by_date {
                Sort::Date
            } else {
                Sort::Relevance
            },
            per_meeting: Some(PER_MEETING),
            facets: request.after.is_none(),
            ..Wanted::new(&page.query)
        };
        match lookup::search_for(state.app(), &wanted).await {
            Ok(found) => {
                page.relaxed = found.relaxed;
                page.instead = found.instead;
                page.facets = found.facets.map(|facets| narrower(&page.query, facets));
                page.next = found.next.map(|next| {
                    super::link(
                        "/search",
                        &[
                            ("q", Some(&page.query)),
                            ("sort", sort),
                            ("after", Some(&next)),
                        ],
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
            _ if hit.kind == "title" => String::new(),
            _ => "chat".to_owned(),
        };
        Self { hit, anchor }
    }
}

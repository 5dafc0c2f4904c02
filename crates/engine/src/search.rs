//! Searching what was said and written.
//!
//! The language of queries is `parfocal_formats::query`: words, `"phrases"`, `prefix*`, `-without`, and the filters
//! `speaker:`, `participant:`, `host:`, `topic:`, `series:`, `kind:`, `from:` and `before:`.

mod meaning;

use std::fmt::Write as _;

use jiff::tz::TimeZone;
pub use parfocal_formats::query::advice;

pub(crate) use meaning::embed;
pub use meaning::want_vectors;
use parfocal_formats::query;
use parfocal_store::{AccountId, HitKind, SearchPage, SearchRequest};
pub use parfocal_store::{Sort, Words};

use crate::App;
use crate::error::{EngineError, Result};

/// Searches; at most `limit` hits, after the place where the page before ended.
///
/// Days in `from:` and `before:` are days in `zone`, UTC if none is given.
///
/// # Errors
/// `invalid_input` for a query that cannot be read, with the place in it; for a page key of something else.
pub async fn search(
    app: &App,
    text: &str,
    zone: Option<&TimeZone>,
    limit: u32,
    after: Option<&str>,
) -> Result<SearchPage> {
    let wanted = Wanted {
        limit,
        after,
        ..Wanted::new(text)
    };
    search_for(app, &wanted, zone).await
}

/// What is searched, and what of it is wanted.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// The query.
    pub text: &'w str,
    /// How many hits, 1 to 200.
    pub limit: u32,
    /// The `next` of the page before.
    pub after: Option<&'w str>,
    /// In what order.
    pub sort: Sort,
    /// Which words have to occur.
    pub words: Words,
    /// Hits of one meeting at most.
    pub per_meeting: Option<u32>,
    /// Whether counts are wanted.
    pub facets: bool,
    /// In meetings of these accounts only ([`crate::keys::Sight::accounts`]); none: of all.
    pub accounts: Option<&'w [AccountId]>,
}

impl<'w> Wanted<'w> {
    /// What has all words, or some of them where nothing has all; the best twenty.
    pub fn new(text: &'w str) -> Self {
        Self {
            text,
            limit: 20,
            after: None,
            sort: Sort::Relevance,
            words: Words::AllOrAny,
            per_meeting: None,
            facets: false,
            accounts: None,
        }
    }
}

/// Searches as asked; days in the query are days in `zone`, UTC if none is given.
///
/// # Errors
/// `invalid_input` for a query that cannot be read or a kind that does not exist; for a page key of something else.
pub async fn search_for(
    app: &App,
    wanted: &Wanted<'_>,
    zone: Option<&TimeZone>,
) -> Result<SearchPage> {
    app.components().require("search").await?;
    let query = query::parse(wanted.text).map_err(|error| {
        EngineError::invalid(format!("the query cannot be read: {error}"))
            .with_hint("For example: budget \"next quarter\" speaker:ana from:2026-09-01")
    })?;
    for filter in &query.filters.kind {
        if HitKind::named(&filter.value).is_none() {
            let names: Vec<&str> = HitKind::names().collect();
            return Err(
                EngineError::invalid(format!("there is no kind {:?}", filter.value))
                    .with_hint(format!("Kinds are {}.", names.join(", "))),
            );
        }
    }
    let zone = zone.cloned().unwrap_or(TimeZone::UTC);
    let request = SearchRequest {
        after: wanted.after,
        sort: wanted.sort,
        words: wanted.words,
        per_meeting: wanted.per_meeting,
        facets: wanted.facets,
        accounts: wanted.accounts,
        ..SearchRequest::new(&query, &zone, wanted.limit)
    };
    meaning::search(app, wanted.text, &request).await
}

/// A query with filters behind it, as they are written in a query: `("speaker", "Ana")` is `speaker:"Ana"`.
pub fn with_filters<'f>(
    query: &str,
    filters: impl IntoIterator<Item = (&'static str, Option<&'f str>)>,
) -> String {
    let mut text = query.to_owned();
    for (name, value) in filters {
        if let Some(value) = value {
            let value: String = value.chars().filter(|c| *c != '"').collect();
            // Writing to a String cannot fail.
            let _ = write!(text, " {name}:\"{value}\"");
        }
    }
    text
}

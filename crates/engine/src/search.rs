//! Searching what was said and written.
//!
//! The language of queries is `parfocal_formats::query`: words, `"phrases"`, `prefix*`, `-without`, and the filters
//! `speaker:`, `host:`, `topic:`, `from:` and `before:`.

use jiff::tz::TimeZone;
pub use parfocal_formats::query::advice;

use parfocal_formats::query;
use parfocal_store::SearchPage;

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
    app.components().require("search").await?;
    let query = query::parse(text).map_err(|error| {
        EngineError::invalid(format!("the query cannot be read: {error}"))
            .with_hint("For example: budget \"next quarter\" speaker:ana from:2026-09-01")
    })?;
    let zone = zone.cloned().unwrap_or(TimeZone::UTC);
    Ok(app
        .store()
        .search(app.scope(), &query, &zone, limit, after)
        .await?)
}

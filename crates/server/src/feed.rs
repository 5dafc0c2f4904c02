//! The calendar feed: `GET /calendar/{secret}.ics`. The address is the key, since calendars can send no other.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use parfocal_engine::calendar::Feed;

use crate::problem::Problem;
use crate::state::AppState;

/// The feed, for whoever knows its address; nothing for anybody else.
pub(crate) async fn feed(
    State(state): State<AppState>,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let text = match file.strip_suffix(".ics") {
        Some(secret) => Feed::text_for(state.app(), secret).await?,
        None => None,
    };
    let Some(text) = text else {
        return Err(Problem::not_found("there is no such calendar"));
    };
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    Ok((headers, text).into_response())
}

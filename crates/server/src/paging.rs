//! Query parameters of lists, refused with words when they are wrong.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use parfocal_engine::store::PageRequest;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Rows on a page when nothing is said.
const DEFAULT_LIMIT: u32 = 50;
/// Most rows on a page.
const MAX_LIMIT: u32 = 200;

/// Query parameters; unknown and malformed ones are refused with a problem that names them.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(|error| {
                Problem::bad_request(
                    "query",
                    format!(
                        "the query of {} cannot be used: {}",
                        parts.uri.path(),
                        error.body_text()
                    ),
                )
            })
    }
}

/// A page of a list: 50 rows unless said otherwise, at most 200.
pub(crate) fn request(limit: Option<u32>, after: Option<String>) -> Result<PageRequest, Problem> {
    let limit = match limit {
        None => DEFAULT_LIMIT,
        Some(n @ 1..=MAX_LIMIT) => n,
        Some(n) => {
            return Err(Problem::bad_request(
                "query",
                format!("limit {n} is not between 1 and {MAX_LIMIT}"),
            ));
        }
    };
    Ok(PageRequest {
        limit,
        after: after.filter(|cursor| !cursor.is_empty()),
    })
}

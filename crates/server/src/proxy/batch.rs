//! `POST /zoom/api/batch`: up to twenty reads in one request.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::flight::Read;
use super::{BODY_TIME, PREFIX, Wanted, authorized};
use crate::problem::Problem;
use crate::state::AppState;
use crate::zoomapp::read_body;

/// Most reads in one request.
const MOST: usize = 20;
/// Reads that are under way at once.
const AT_ONCE: usize = 5;
/// Longest body, in bytes.
const MOST_BODY: usize = 64 * 1024;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    /// Comes back with the answer.
    id: Option<Value>,
    /// `/users/me?…`, with or without `/v2` or `/zoom/api/v2` in front.
    #[serde(alias = "url")]
    path: String,
    method: Option<String>,
}

/// Answers a batch: each read by itself, in the order they were asked.
pub(super) async fn answer(
    State(state): State<AppState>,
    parts: Parts,
    body: Body,
) -> Result<Response, Problem> {
    let session = authorized(&state, &parts.headers).await?;
    let bytes = read_body(&parts.headers, body, MOST_BODY, BODY_TIME).await?;
    let refuse = |why: String| Problem::bad_request("body", why).plainly("invalid_request", &[]);
    let batch: Batch = serde_json::from_slice(&bytes)
        .map_err(|error| refuse(format!("the body cannot be used: {error}")))?;
    if batch.requests.is_empty() || batch.requests.len() > MOST {
        return Err(refuse(format!("a batch has 1 to {MOST} requests")));
    }
    let (state, session) = (&state, &session);
    let answers: Vec<Value> = stream::iter(batch.requests)
        .map(|one| async move {
            let id = one.id.clone().unwrap_or(Value::Null);
            let outcome = async {
                if one.method.as_deref().is_some_and(|method| !method.eq_ignore_ascii_case("GET")) {
                    return Err(refuse("a batch holds reads only".to_owned()));
                }
                let path = one
                    .path
                    .strip_prefix(PREFIX)
                    .or_else(|| one.path.strip_prefix("/v2"))
                    .unwrap_or(&one.path);
                let (path, query) = path.split_once('?').unwrap_or((path, ""));
                let wanted = Wanted::of(state, session, &Method::GET, path, query).await?;
                match wanted.read(state, session).await? {
                    Read::Whole(whole) => {
                        let body: Value = serde_json::from_slice(&whole.body).unwrap_or(Value::Null);
                        Ok(json!({"id": id, "status": whole.status(), "etag": whole.etag, "body": body}))
                    }
                    Read::Arriving(..) => Err(refuse("the answer is too large for a batch".to_owned())),
                }
            }
            .await;
            outcome.unwrap_or_else(|problem: Problem| {
                let retry = problem.retry_after_text();
                json!({"id": id, "status": problem.status().as_u16(), "retry_after": retry, "body": problem})
            })
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    Ok(Json(json!({ "responses": answers })).into_response())
}

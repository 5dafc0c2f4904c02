//! `/push/{calendar}/{account}`: where Google and Microsoft tell that something changed in a calendar.
//!
//! A message proves itself by the secret that its channel was made with, so these doors stand outside the guard. Nothing in a message
//! is believed but that there is something to look at.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use parfocal_engine::components::Active;
use serde::Deserialize;

use crate::oauth;
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// Largest message, in bytes.
const MOST: usize = 256 * 1024;
/// Longest token of a validation.
const TOKEN: usize = 2_048;

/// The doors of calendars that are on.
pub(crate) fn routes(state: &AppState, active: &Active) -> Router<AppState> {
    let mut doors = Router::new();
    if active.has("calendar-google") {
        doors = doors.route("/push/google/{account}", post(google));
    }
    if active.has("calendar-microsoft") {
        doors = doors.route("/push/microsoft/{account}", post(microsoft));
    }
    doors
        .layer(DefaultBodyLimit::max(MOST))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            oauth::reachable,
        ))
}

/// `POST /push/google/{account}`: everything is in the headers.
async fn google(
    State(state): State<AppState>,
    Path(account): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // The first message of a channel comes while it is being made, and tells of no change.
    if word("x-goog-resource-state") == Some("sync") {
        return Ok(StatusCode::OK);
    }
    let token = word("x-goog-channel-token").unwrap_or_default();
    let accounts = state.app().calendar_accounts();
    accounts.told("google", &account, token).await?;
    Ok(StatusCode::OK)
}

#[derive(Deserialize)]
struct Handshake {
    #[serde(rename = "validationToken")]
    token: Option<String>,
}

#[derive(Deserialize)]
struct Messages {
    value: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "clientState")]
    state: Option<String>,
}

/// `POST /push/microsoft/{account}`: a handshake while a subscription is being made, then changes.
async fn microsoft(
    State(state): State<AppState>,
    Path(account): Path<String>,
    Params(handshake): Params<Handshake>,
    body: Bytes,
) -> Result<Response, Problem> {
    if let Some(token) = handshake.token {
        if token.len() > TOKEN {
            return Err(Problem::bad_request("query", "the token is too long"));
        }
        // Plain text, never sniffed: whatever it says is no page of ours.
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], token).into_response());
    }
    let messages: Messages = serde_json::from_slice(&body)
        .map_err(|_| Problem::bad_request("body", "the body is no change notification"))?;
    // All messages of one delivery are of one subscription, or none of ours.
    let mut secrets: Vec<String> = messages
        .value
        .into_iter()
        .map(|one| one.state.unwrap_or_default())
        .collect();
    secrets.dedup();
    let [secret] = secrets.as_slice() else {
        return Err(Problem::bad_request(
            "body",
            "the messages are not of one subscription",
        ));
    };
    let accounts = state.app().calendar_accounts();
    accounts.told("microsoft", &account, secret).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

//! `GET /connect/{token}`: the page of a link that was sent to somebody: who asks, for what, and the way to Zoom.
//!
//! Looking at it uses nothing up: mail programs look at links before people do.

use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use jiff::Timestamp;
use parfocal_engine::connections::{Feature, Level, LinkView, scopes};
use parfocal_engine::{Code, EngineError};
use serde::Serialize;

use super::INSTALL;
use super::ending::Ending;
use crate::state::AppState;

#[derive(Serialize)]
struct Page {
    asker: String,
    app: String,
    note: Option<String>,
    grants: Vec<Grant>,
    scopes: Vec<String>,
    start: String,
    expires: Timestamp,
}

/// Something that agreeing allows, or does not.
#[derive(Serialize)]
struct Grant {
    words: &'static str,
    may: bool,
}

/// Shows the page, or why the link does not work any more.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(token): Path<String>,
    request: Parts,
) -> Response {
    let ending = Ending::new(&state, &request);
    match show(&state, &token).await {
        Ok(response) => response,
        Err(error) => ending.failed(&error),
    }
}

async fn show(state: &AppState, token: &str) -> Result<Response, EngineError> {
    let link: LinkView = state.app().connections().open_link(token).await?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("link", token)
        .finish();
    let needed = scopes::needed(Feature::Ingest, Level::User);
    let page = Page {
        asker: asker(&link.made_by),
        app: link.app,
        note: link
            .name
            .map(|name| format!("This link was made for {name}.")),
        grants: GRANTS
            .iter()
            .map(|(words, may)| Grant { words, may: *may })
            .collect(),
        scopes: needed.granular.into_iter().map(|need| need.scope).collect(),
        start: format!("{INSTALL}?{query}"),
        expires: link.expires,
    };
    state
        .pages()
        .render("link.html", "", "Connect your Zoom account", &page)
        .map_err(|problem| EngineError::new(Code::Internal, problem.detail().to_owned()))
}

/// What agreeing allows; the last one is what people fear and it does not.
const GRANTS: [(&str, bool); 5] = [
    (
        "See your meetings, past and planned, and who attended",
        true,
    ),
    ("Read their cloud recordings, transcripts and chats", true),
    (
        "Schedule and change meetings where the app was given that permission",
        true,
    ),
    ("See your name and e-mail address at Zoom", true),
    (
        "Your password, your payment data and what is said outside of recordings stay out of reach",
        false,
    ),
];

/// Whoever made the link, as the person who reads it would say.
fn asker(made_by: &str) -> String {
    match made_by {
        "" | "operator" | "cli" | "console" => "The operator of this Parfocal".to_owned(),
        name => name.to_owned(),
    }
}

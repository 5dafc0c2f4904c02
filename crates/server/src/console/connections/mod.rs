//! Connections: the list, and the links that were sent to people.

mod add;
mod one;
mod remove;
mod words;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use jiff::Timestamp;
use parfocal_engine::connections::{LinkState, LinkView};
use parfocal_engine::keys::Caller;
use serde::{Deserialize, Serialize};

use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// The room's key in the navigation.
const ROOM: &str = "connections";
/// Links on the page; older ones are of no use any more.
const LINKS: usize = 12;

/// Routes of the connections' pages.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/connections", get(list))
        .route("/connections/new", get(add::get))
        .route("/connections/s2s", post(add::s2s))
        // Whoever loads the page of a new link again comes to the list.
        .route(
            "/connections/links",
            get(|| async { Redirect::to("/connections") }).post(add::link),
        )
        .route("/connections/links/revoke", post(revoke))
        .route("/connections/{id}", get(one::get))
        .route("/connections/{id}/check", post(one::check))
        .route(
            "/connections/{id}/remove",
            get(remove::get).post(remove::post),
        )
}

/// What the list can be asked; unknown parameters are ignored.
#[derive(Default, Deserialize)]
struct ListParams {
    /// What was just done.
    did: Option<String>,
    /// To which connection.
    name: Option<String>,
    /// How many records were erased.
    rows: Option<u64>,
}

#[derive(Serialize)]
struct Page {
    did: Option<String>,
    made: Option<Made>,
    rows: Vec<words::Row>,
    links: Vec<LinkRow>,
}

/// A link that was just made; shown once.
#[derive(Serialize)]
struct Made {
    url: String,
    for_whom: Option<String>,
    expires: Timestamp,
}

#[derive(Serialize)]
struct LinkRow {
    id: String,
    name: String,
    app: String,
    state: &'static str,
    tone: &'static str,
    open: bool,
    end: &'static str,
    created_at: Timestamp,
    expires: Timestamp,
}

impl From<LinkView> for LinkRow {
    fn from(link: LinkView) -> Self {
        let (state, tone, end) = match link.state {
            LinkState::Open => ("open", "busy", ""),
            LinkState::Used => ("used", "ok", "somebody connected through it"),
            LinkState::Expired => ("expired", "", "nobody used it in time"),
            LinkState::Revoked => ("withdrawn", "", "withdrawn before it was used"),
        };
        Self {
            id: link.id.to_string(),
            name: link.name.unwrap_or_else(|| "Somebody".to_owned()),
            app: link.app,
            open: link.state == LinkState::Open,
            state,
            tone,
            end,
            created_at: link.created_at,
            expires: link.expires,
        }
    }
}

/// `GET /connections`.
async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let name = params.name.unwrap_or_default();
    let did = match params.did.as_deref() {
        Some("removed") => Some(format!("{name} is removed; what it took in stays.")),
        Some("kept") => Some(format!(
            "{name} is removed. Another connection reaches the same account, so what was taken in stays."
        )),
        Some("erased") => Some(format!(
            "{name} is removed, and what it took in is erased: {} records.",
            super::filters::grouped(params.rows.unwrap_or_default())
        )),
        Some("revoked") => Some("The link is withdrawn; it does not work any more.".to_owned()),
        _ => None,
    };
    show(&state, did, None).await
}

async fn show(
    state: &AppState,
    did: Option<String>,
    made: Option<Made>,
) -> Result<Response, Problem> {
    let connections = state.app().connections();
    let mut links = connections.links().await?;
    links.sort_by_key(|link| std::cmp::Reverse(link.created_at));
    links.truncate(LINKS);
    let page = Page {
        did,
        made,
        rows: connections
            .list()
            .await?
            .iter()
            .map(words::Row::of)
            .collect(),
        links: links.into_iter().map(LinkRow::from).collect(),
    };
    state
        .pages()
        .render("connections.html", ROOM, "Connections", &page)
}

/// Which link a form is about.
#[derive(Deserialize)]
struct Which {
    id: String,
}

/// `POST /connections/links/revoke`.
async fn revoke(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    state
        .app()
        .connections()
        .revoke_link(&which.id, &caller.by())
        .await?;
    Ok(Redirect::to("/connections?did=revoked").into_response())
}

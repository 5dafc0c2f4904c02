//! Removing a connection: what goes, what stays, and a word to be sure.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use parfocal_engine::connections::{ConnectionView, Remove};
use parfocal_engine::keys::Caller;
use serde::{Deserialize, Serialize};

use super::{ROOM, words};
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Serialize)]
struct Page {
    id: String,
    name: String,
    account: String,
    others: bool,
    fault: Option<String>,
}

/// `GET /connections/{id}/remove`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = state.app().connections().show(&id).await?;
    ask(&state, &view, None).await
}

async fn ask(
    state: &AppState,
    view: &ConnectionView,
    fault: Option<String>,
) -> Result<Response, Problem> {
    let app = state.app();
    let all = app.connections().list().await?;
    let others = all
        .iter()
        .any(|other| other.account.id == view.account.id && other.id != view.id);
    let page = Page {
        id: view.id.to_string(),
        name: view.name.clone(),
        account: words::account(view),
        others,
        fault,
    };
    state
        .pages()
        .render("connection_remove.html", ROOM, "Remove a connection", &page)
}

/// What the form says.
#[derive(Deserialize)]
pub(super) struct Wish {
    /// `keep` or `erase`.
    data: String,
    /// The connection's name, written by hand.
    sure: String,
}

/// `POST /connections/{id}/remove`.
pub(super) async fn post(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Form(wish): Form<Wish>,
) -> Result<Response, Problem> {
    let connections = state.app().connections();
    let view = connections.show(&id).await?;
    if wish.sure.trim() != view.name {
        let fault = format!(
            "Nothing was removed: write {} into the field to confirm.",
            view.name
        );
        let mut response = ask(&state, &view, Some(fault)).await?;
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    }
    let erase_data = wish.data == "erase";
    let removed = connections
        .remove(&view.id.to_string(), Remove { erase_data }, &caller.by())
        .await?;
    let (did, rows) = match removed.erased {
        None => ("removed", None),
        Some(erased) if erased.kept.is_some() => ("kept", None),
        Some(erased) => ("erased", Some(erased.rows.to_string())),
    };
    Ok(Redirect::to(&crate::console::link(
        "/connections",
        &[
            ("did", Some(did)),
            ("name", Some(&view.name)),
            ("rows", rows.as_deref()),
        ],
    ))
    .into_response())
}

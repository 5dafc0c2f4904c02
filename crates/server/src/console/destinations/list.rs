//! `/destinations`: how each does, what is there, what waits, what is dead.

use axum::extract::State;
use axum::response::Response;
use parfocal_engine::activate::DestinationView;
use serde::Serialize;

use super::{ROOM, span, state as word};
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Serialize)]
struct Page {
    rows: Vec<Row>,
    /// Whether Brevo can be added.
    brevo: bool,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    view: DestinationView,
    word: &'static str,
    lag: String,
    open: u64,
}

/// `GET /destinations`.
pub(super) async fn get(State(state): State<AppState>) -> Result<Response, Problem> {
    let app = state.app();
    let rows = app.destinations().list().await?;
    let page = Page {
        rows: rows
            .into_iter()
            .map(|view| Row {
                word: word(&view),
                lag: span(i64::try_from(view.lag_seconds).unwrap_or(i64::MAX)),
                open: view.deliveries.pending + view.deliveries.waiting,
                view,
            })
            .collect(),
        brevo: app.components().active().await?.has("brevo"),
    };
    state
        .pages()
        .render("destinations.html", ROOM, "Destinations", &page)
}

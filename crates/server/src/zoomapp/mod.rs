//! The Zoom App's pages and its small API: everything that runs inside Zoom's client.
//!
//! Its cookie comes along when Zoom's page holds ours in a frame, so it is sent across sites by design. What keeps other sites from
//! using it is [`door::guard`]: only pages of our own may call, whatever the browser sends along.

mod api;
mod cookie;
mod door;
mod events;
mod page;
mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post, put};
use parfocal_engine::connections::Finished;
use url::Url;

use crate::oauth;
use crate::state::AppState;

pub(crate) use api::plain;
pub(crate) use cookie::of as cookie;
pub(crate) use door::{guard, no_store, read_body};

/// Longest body of the small API, in bytes.
const MOST: usize = 128 * 1024;
/// What the deep link after an installation hands to the app.
const INSTALLED: &str = "installed";

/// The routes.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let api = Router::new()
        .route("/api/zoomapp/authorize", get(api::authorize))
        .route("/api/zoomapp/onauthorized", post(api::on_authorized))
        .route("/api/zoomapp/context", post(api::context))
        .route("/api/zoomapp/session", get(api::session))
        .route("/api/zoomapp/signout", post(api::sign_out))
        .route("/api/zoomapp/note", put(api::note))
        .route("/api/zoomapp/events", get(events::stream))
        .layer(middleware::from_fn_with_state(state.clone(), guard));
    let pages = Router::new()
        .route("/zoomapp", get(page::get))
        .route("/zoomapp/install", get(page::install));
    api.merge(pages)
        .layer(DefaultBodyLimit::max(MOST))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            oauth::reachable,
        ))
}

/// Where a browser that has installed the app goes on: into Zoom's client. None when Zoom gives no such address; the
/// installation worked all the same.
pub(crate) async fn into_client(state: &AppState, finished: &Finished) -> Option<Url> {
    let app = state.app();
    let id = finished.connection.id.to_string();
    let connection = app.connections().find(&id).await.ok()?;
    match app.zoomapp().deep_link(&connection, INSTALLED).await {
        Ok(link) => Some(link),
        Err(error) => {
            tracing::warn!(%error, "Zoom gave no address that opens the app in its client");
            None
        }
    }
}

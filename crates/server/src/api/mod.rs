//! `/v1`: what there is, as JSON. Read-only until there is authentication; one file for each resource.

mod backfills;
mod connections;
mod events;
mod jobs;
mod meetings;
mod search;
mod status;

use axum::Router;
use axum::routing::get;

use crate::state::AppState;

/// Routes below `/v1`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/status", get(status::get))
        .route("/connections", get(connections::list))
        .route("/meetings", get(meetings::list))
        .route("/meetings/{id}", get(meetings::get))
        .route("/meetings/{id}/transcript", get(meetings::transcript))
        .route("/meetings/{id}/chat", get(meetings::chat))
        .route("/search", get(search::get))
        .route("/events", get(events::list))
        .route("/events/{id}", get(events::get))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::get))
        .route("/backfills", get(backfills::list))
        .route("/backfills/{id}", get(backfills::get))
}

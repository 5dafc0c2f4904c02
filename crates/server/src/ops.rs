//! Health, readiness and metrics: what operators' tools ask.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::problem::Problem;
use crate::state::AppState;

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> Response {
    (
        [(header::CACHE_CONTROL, "no-store")],
        Json(json!({"status": "ok"})),
    )
        .into_response()
}

/// `GET /readyz`: the store answers, so webhooks can be taken in.
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<Response, Problem> {
    state.app().ready().await?;
    Ok(Json(json!({"status": "ready"})).into_response())
}

/// `GET /metrics`: Prometheus's text format.
pub(crate) async fn metrics(State(state): State<AppState>) -> Result<Response, Problem> {
    let Some(metrics) = state.metrics() else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "this process collects no metrics",
        ));
    };
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        metrics.render(),
    )
        .into_response())
}

//! All routes, and which layers each passes.

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;

use crate::problem::Problem;
use crate::state::AppState;
use crate::{access, api, console, layers, mcp, oauth, ops, webhooks};

/// Builds the router. The webhook door stands outside the guard and CSRF: Zoom comes from elsewhere and proves itself by signature.
pub(crate) fn build(state: &AppState) -> Router {
    let door = Router::new()
        .route("/webhooks/zoom", post(webhooks::any_app))
        .route("/webhooks/zoom/{app}", post(webhooks::one_app))
        // The handler reads the body itself, under its own limit.
        .layer(DefaultBodyLimit::disable());

    let local = Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .nest("/v1", api::routes())
        .merge(access::routes())
        .merge(console::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(
            state.app().config().server.max_body_bytes,
        ))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(
            state.clone(),
            access::identify,
        ));

    door.method_not_allowed_fallback(wrong_method)
        .merge(oauth::routes(state))
        .merge(mcp::routes(state))
        .merge(local)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            access::switched_off,
        ))
        .layer(middleware::from_fn(layers::timeout))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(middleware::from_fn(layers::security_headers))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            layers::observe,
        ))
        .with_state(state.clone())
}

async fn unknown_path(uri: axum::http::Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

async fn wrong_method(method: axum::http::Method, uri: axum::http::Uri) -> Problem {
    Problem::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{} does not answer {method}", uri.path()),
    )
}

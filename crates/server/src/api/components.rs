//! `/v1/components`: which capabilities are on.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use parfocal_engine::components::{ComponentView, Finding};
use parfocal_engine::keys::Caller;

use crate::problem::Problem;
use crate::state::AppState;
use crate::views::PageView;

/// `GET /v1/components`.
pub(super) async fn list(
    State(state): State<AppState>,
) -> Result<Json<PageView<ComponentView>>, Problem> {
    Ok(Json(PageView {
        items: state.app().components().list().await?,
        next: None,
    }))
}

/// `GET /v1/components/{name}/check`.
pub(super) async fn check(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<PageView<Finding>>, Problem> {
    Ok(Json(PageView {
        items: state.app().components().check(&name).await?,
        next: None,
    }))
}

/// `POST /v1/components/{name}/activate`.
pub(super) async fn activate(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<ComponentView>, Problem> {
    let components = state.app().components();
    Ok(Json(components.activate(&name, false, &caller).await?))
}

/// `POST /v1/components/{name}/deactivate`.
pub(super) async fn deactivate(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<ComponentView>, Problem> {
    let components = state.app().components();
    Ok(Json(components.deactivate(&name, &caller).await?))
}

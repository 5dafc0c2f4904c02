//! `/v1/components`: which capabilities are on.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use parfocal_engine::components::{Activation, ComponentView, Finding};
use parfocal_engine::config::Secret;
use parfocal_engine::keys::Caller;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::MayBody;
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

/// How a component is to be activated.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activate {
    /// Its settings by their names; what is left out stays as it was.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// Even if something that it needs is missing.
    #[serde(default)]
    anyway: bool,
}

/// A component that was switched on.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Activated {
    /// The component.
    #[serde(flatten)]
    component: ComponentView,
    /// What limits it, without keeping it from working.
    limits: Vec<Finding>,
}

/// `POST /v1/components/{name}/activate`.
pub(super) async fn activate(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    MayBody(body): MayBody<Activate>,
) -> Result<Json<Activated>, Problem> {
    let components = state.app().components();
    let settings = body
        .settings
        .into_iter()
        .map(|(key, value)| (key, Secret::new(&value)))
        .collect();
    let how = Activation {
        anyway: body.anyway,
        settings,
    };
    let (component, limits) = components.activate(&name, &how, &caller).await?;
    Ok(Json(Activated { component, limits }))
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

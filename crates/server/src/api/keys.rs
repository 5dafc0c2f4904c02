//! `/v1/keys`: who may ask. For administrators.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use parfocal_engine::keys::{Caller, KeyView, NewKey, Role};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::body::Body;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::PageView;

/// A key to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    /// Its name.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// What it may do.
    role: Role,
    /// The connections it may use, by id or name; empty: all.
    #[serde(default)]
    connections: Vec<String>,
    /// When it ends.
    expires_at: Option<Timestamp>,
}

/// A key that was made: the only time that it can be read.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Made {
    /// The key itself.
    key: String,
    /// What is known of it from now on.
    #[serde(flatten)]
    view: KeyView,
}

/// `GET /v1/keys`.
pub(super) async fn list(
    State(state): State<AppState>,
) -> Result<Json<PageView<KeyView>>, Problem> {
    Ok(Json(PageView {
        items: state.app().keys().list().await?,
        next: None,
    }))
}

/// `POST /v1/keys`.
pub(super) async fn create(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<Create>,
) -> Result<(axum::http::StatusCode, Json<Made>), Problem> {
    let new = NewKey {
        name: new.name,
        role: new.role,
        connections: new.connections,
        expires: new.expires_at,
    };
    let made = state.app().keys().create(&new, &caller).await?;
    Ok((
        axum::http::StatusCode::CREATED,
        Json(Made {
            key: made.secret.expose_secret().to_owned(),
            view: made.view,
        }),
    ))
}

/// `DELETE /v1/keys/{key}`.
pub(super) async fn revoke(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(which): Path<String>,
) -> Result<Json<KeyView>, Problem> {
    Ok(Json(state.app().keys().revoke(&which, &caller).await?))
}

//! `/v1/connections`.

use axum::Json;
use axum::extract::{Path, State};

use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{ConnectionView, PageView};

/// `GET /v1/connections`: all of them; there are few.
pub(crate) async fn list(
    State(state): State<AppState>,
) -> Result<Json<PageView<ConnectionView>>, Problem> {
    Ok(Json(PageView {
        items: state.app().connections().list().await?,
        next: None,
    }))
}

/// `GET /v1/connections/{id}`: by id or name.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Json<ConnectionView>, Problem> {
    Ok(Json(state.app().connections().show(&which).await?))
}

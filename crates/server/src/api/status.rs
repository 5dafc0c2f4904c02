//! `/v1/status`.

use axum::Json;
use axum::extract::State;
use parfocal_engine::status::Status;

use crate::problem::Problem;
use crate::state::AppState;

/// `GET /v1/status`: how things stand, and what has been taken in.
pub(crate) async fn get(State(state): State<AppState>) -> Result<Json<Status>, Problem> {
    Ok(Json(state.app().status().await?))
}

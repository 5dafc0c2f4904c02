//! `/v1/ask` and `/v1/models`.

use axum::extract::State;
use axum::{Extension, Json};
use parfocal_engine::actions::Run;
use parfocal_engine::keys::Caller;
use parfocal_engine::models::{self, ModelsView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::Body;
use crate::problem::Problem;
use crate::state::AppState;

/// A question over all meetings.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The question, in whole words.
    #[schemars(length(min = 1, max = 1000))]
    question: String,
    /// Filters of a search that say where to look: speaker:, host:, topic:, from:, before:.
    within: Option<String>,
    /// In which zone the days of from: and before: are meant. Default: UTC.
    timezone: Option<String>,
    /// Passages, 1 to 20. Default 8.
    #[schemars(range(min = 1, max = 20))]
    passages: Option<u32>,
    /// Give the passages only, without asking a model. Default: no.
    #[serde(default)]
    passages_only: bool,
}

/// `POST /v1/ask`: the action `ask`, without its envelope.
pub(super) async fn ask(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Body(asked): Body<Asked>,
) -> Result<Json<Value>, Problem> {
    let input = serde_json::to_value(asked)
        .map_err(|error| Problem::bad_request("invalid_input", error.to_string()))?;
    let outcome = state
        .app()
        .actions()
        .run("ask", input, &Run::new(caller))
        .await?;
    Ok(Json(outcome.output().cloned().unwrap_or_default()))
}

/// `GET /v1/models`: which models are configured and what today has used.
pub(super) async fn list(State(state): State<AppState>) -> Result<Json<ModelsView>, Problem> {
    Ok(Json(models::view(state.app()).await?))
}

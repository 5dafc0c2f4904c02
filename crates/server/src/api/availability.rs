//! `/v1/availability`: when people can be met.

use axum::Json;
use axum::extract::State;
use parfocal_engine::schedule::availability::{AvailabilityRequest, Available, Suggestions};

use super::body::Body;
use crate::problem::Problem;
use crate::state::AppState;

/// `POST /v1/availability`: the slots that suit everybody who has to come.
pub(super) async fn slots(
    State(state): State<AppState>,
    Body(request): Body<AvailabilityRequest>,
) -> Result<Json<Available>, Problem> {
    let availability = state.app().availability();
    Ok(Json(availability.find_available_slots(&request).await?))
}

/// `POST /v1/availability/suggestions`: the times that suit best, with reasons.
pub(super) async fn suggestions(
    State(state): State<AppState>,
    Body(request): Body<AvailabilityRequest>,
) -> Result<Json<Suggestions>, Problem> {
    let availability = state.app().availability();
    Ok(Json(availability.suggest_meeting_times(&request).await?))
}

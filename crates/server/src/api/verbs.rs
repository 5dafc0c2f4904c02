//! What handlers of destinations, deliveries and people share: who asks, ids in addresses, answers.

use axum::Json;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use parfocal_engine::EngineError;
use parfocal_engine::activate::Destinations;
use parfocal_engine::audit::By;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{DeliveryId, StreamId};

use crate::problem::Problem;
use crate::state::AppState;

/// A handler's answer.
pub(super) type Answered<T> = Result<Json<T>, Problem>;

/// The answer of a verb.
pub(super) fn answer<T>(done: Result<T, EngineError>) -> Answered<T> {
    Ok(Json(done?))
}

/// The verbs, and who asks for them.
pub(super) struct Ask {
    state: AppState,
    pub(super) by: By,
}

impl Ask {
    pub(super) fn verbs(&self) -> Destinations<'_> {
        self.state.app().destinations()
    }
}

impl FromRequestParts<AppState> for Ask {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "it is not known who asks",
            )
        })?;
        Ok(Self {
            state: state.clone(),
            by: caller.by(),
        })
    }
}

/// An id of ours as it stands in an address.
pub(super) trait Known: std::str::FromStr {
    /// What it is the id of.
    const WHAT: &'static str;
}

impl Known for StreamId {
    const WHAT: &'static str = "stream";
}

impl Known for DeliveryId {
    const WHAT: &'static str = "delivery";
}

/// The `id` of a path; what is none is known to nobody.
pub(super) struct Id<T>(pub(super) T);

impl<T: Known, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::not_found(error.body_text()))?;
        id.parse()
            .map(Self)
            .map_err(|_| Problem::from(EngineError::not_found(T::WHAT, &id)))
    }
}

//! Scheduling: everyone's week, a form that says who is busy before anything is made, and each meeting with its answers.

mod calendars;
mod form;
mod grid;
mod one;
mod week;

use axum::Router;
use axum::routing::{get, post};
use parfocal_engine::EngineError;
use serde::Serialize;

pub(crate) use calendars::page as calendars_page;

use crate::state::AppState;

/// The room's key in the navigation.
const ROOM: &str = "schedule";

/// Routes of the room.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/schedule", get(week::get))
        .route("/schedule/new", get(form::get).post(form::post))
        .route("/schedule/settle", post(week::settle))
        .route(
            "/schedule/calendars",
            get(calendars::get).post(calendars::connect),
        )
        .route("/schedule/{id}", get(one::get))
        .route("/schedule/{id}/move", post(one::reschedule))
        .route("/schedule/{id}/cancel", post(one::cancel))
        .route("/schedule/{id}/retry", post(one::retry))
}

/// What was refused, in words.
#[derive(Serialize)]
struct Fault {
    what: String,
    hint: String,
}

impl From<&EngineError> for Fault {
    fn from(error: &EngineError) -> Self {
        Self {
            what: error.message().to_owned(),
            hint: error.hint().to_owned(),
        }
    }
}

/// The zone that pages show when none is asked for.
fn zone(state: &AppState, asked: Option<&str>) -> String {
    asked
        .map(str::trim)
        .filter(|zone| !zone.is_empty())
        .unwrap_or(&state.app().config().availability.timezone)
        .to_owned()
}

/// Addresses as people list them.
fn addresses(text: &str) -> Vec<String> {
    text.split([',', ';', ' ', '\n', '\r', '\t'])
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .map(str::to_owned)
        .collect()
}

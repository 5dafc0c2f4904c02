//! `GET /oauth/calendar/callback`: Google's or Microsoft's answer comes back, by the browser of whoever agreed or not.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::audit::{By, Surface};

use super::callback::Answer;
use super::door;
use crate::console;
use crate::state::AppState;

/// Where they lead people back to.
pub(crate) const CALLBACK: &str = "/oauth/calendar/callback";

/// Ends a consent on the page on which it began.
pub(super) async fn get(State(state): State<AppState>, request: Parts) -> Response {
    let answer = Answer::of(&request);
    let begun = answer.state.clone().unwrap_or_default();
    let kept = door::kept(&request.headers, &begun);
    let by = By::guest(Surface::Console);
    let returned = answer.returned(kept.map(|kept| kept.browser));
    match state
        .app()
        .calendar_accounts()
        .finish_consent(returned, &by)
        .await
    {
        Ok(_) => Redirect::to("/schedule/calendars?did=connected").into_response(),
        Err(error) => match console::calendars_page(&state, None, Some(&error)).await {
            Ok(page) => page,
            Err(problem) => problem.into_response(),
        },
    }
}

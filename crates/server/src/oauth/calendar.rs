//! `GET /oauth/calendar/callback`: Google's or Microsoft's answer comes back, by the browser of whoever agreed or not.

use axum::extract::{Path, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::audit::{By, Surface};
use secrecy::ExposeSecret as _;

use super::callback::Answer;
use super::door::{self, Kept};
use crate::console;
use crate::problem::Problem;
use crate::state::AppState;

/// Where they lead people back to.
pub(crate) const CALLBACK: &str = "/oauth/calendar/callback";

/// Where a consent goes on that was begun elsewhere, such as at the command line.
pub(super) const GO_ON: &str = "/oauth/calendar/begin/{word}";

/// `GET /oauth/calendar/begin/{word}`: this browser takes the consent up, and is led to the page on which a person agrees.
pub(super) async fn go_on(State(state): State<AppState>, Path(word): Path<String>) -> Response {
    let begun = match state.app().calendar_accounts().go_on(&word).await {
        Ok(begun) => begun,
        Err(error) => return Problem::from(error).into_response(),
    };
    let mut response = Redirect::to(begun.url.as_str()).into_response();
    let kept = Kept {
        browser: begun.browser.expose_secret().to_owned(),
        from_console: true,
        for_zoom_app: false,
    };
    let cookie = begun
        .redirect_uri
        .parse()
        .ok()
        .and_then(|back| door::keep_at(CALLBACK, begun.state.expose_secret(), &kept, &back));
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

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

//! `GET /oauth/zoom/callback`: Zoom's answer comes back, by the browser of whoever agreed or not.

use axum::extract::{Query, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::audit::{By, Surface};
use parfocal_engine::connections::{Finished, FinishedPurpose, Returned};
use serde::Deserialize;

use super::door::{self, Arrival};
use super::ending::Ending;
use crate::state::AppState;

/// What Zoom appends to the redirect address.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Answer {
    pub(super) state: Option<String>,
    pub(super) code: Option<String>,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
}

impl Answer {
    /// Reads the query; what cannot be read counts as nothing said.
    pub(super) fn of(request: &Parts) -> Self {
        Query::<Self>::try_from_uri(&request.uri)
            .map(|Query(answer)| answer)
            .unwrap_or_default()
    }

    /// The answer for the engine.
    pub(super) fn returned(self, browser: Option<String>) -> Returned {
        Returned {
            state: self.state,
            code: self.code,
            error: self.error,
            error_description: self.error_description,
            browser,
        }
    }
}

/// Ends a login: in the console for the operator on this machine, on a page of its own for everybody else.
pub(crate) async fn get(State(state): State<AppState>, request: Parts) -> Response {
    let answer = Answer::of(&request);
    let login = answer.state.clone().unwrap_or_default();
    let kept = door::kept(&request.headers, &login);
    let for_zoom_app = kept.as_ref().is_some_and(|kept| kept.for_zoom_app);
    let from_console = kept.as_ref().is_some_and(|kept| kept.from_console);
    let local =
        Arrival::of(&request.headers, &request.uri, state.app().config()) == Some(Arrival::Local);
    let mut ending = Ending::new(&state, &request);
    if from_console {
        ending = ending.for_operator();
    }
    let by = By::guest(Surface::Console);
    let returned = answer.returned(kept.map(|kept| kept.browser));
    // The cookie stays: whoever loads the last page again is told that the login is over, not that another browser began it.
    match state.app().connections().finish_user(returned, &by).await {
        Ok(finished) if local && from_console => to_console(&finished),
        Ok(finished) if for_zoom_app => {
            match crate::zoomapp::into_client(&state, &finished).await {
                Some(link) => Redirect::to(link.as_str()).into_response(),
                None => ending.done(&finished),
            }
        }
        Ok(finished) => ending.done(&finished),
        Err(error) => ending.failed(&error),
    }
}

fn to_console(finished: &Finished) -> Response {
    let did = match finished.purpose {
        FinishedPurpose::Installed | FinishedPurpose::Linked => "connected",
        FinishedPurpose::Relinked | FinishedPurpose::Reconnected => "reconnected",
    };
    Redirect::to(&format!(
        "/connections/{}?did={did}",
        finished.connection.id
    ))
    .into_response()
}

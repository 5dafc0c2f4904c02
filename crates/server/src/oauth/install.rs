//! `GET /oauth/zoom/install`: begins a login and leads to Zoom's consent page.

use axum::extract::{Query, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::connections::{BeginUser, Purpose};
use parfocal_engine::{Code, EngineError};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use url::Url;

use super::door::{self, Arrival, Kept};
use super::ending::Ending;
use super::{INSTALL, beside_callback, redirect_uri};
use crate::state::AppState;
use crate::{access, guard};

/// What a login can be told at its beginning; unknown parameters are ignored.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wish {
    /// Through which app; none: the one that fits.
    app: Option<String>,
    /// The link that was sent to somebody.
    link: Option<String>,
    /// The connection that shall work again.
    reconnect: Option<String>,
    /// `console` when the operator begins it, `zoomapp` when it ends in Zoom's client.
    from: Option<String>,
    /// Set once the browser was led to the name that Zoom leads back to.
    here: Option<String>,
}

/// Begins a login. The cookie has to be set under the name that Zoom leads back to, so a browser that came under another one is
/// led there first.
pub(crate) async fn get(State(state): State<AppState>, request: Parts) -> Response {
    let ending = Ending::new(&state, &request);
    let wish = Query::<Wish>::try_from_uri(&request.uri)
        .map(|Query(wish)| wish)
        .unwrap_or_default();
    let redirect = redirect_uri(&state);
    match redirect.parse::<Url>() {
        Ok(target) => {
            if let Some(there) = elsewhere(&request, &wish, &target) {
                return Redirect::to(there.as_str()).into_response();
            }
            match begin(&state, &request, &wish, redirect, &target).await {
                Ok(response) => response,
                Err(error) => ending.failed(&error),
            }
        }
        Err(error) => ending.failed(&EngineError::new(
            Code::ConfigInvalid,
            format!("zoom.redirect_uri is no address: {error}"),
        )),
    }
}

/// The same page under the name that Zoom leads back to, when the browser came under another one.
fn elsewhere(request: &Parts, wish: &Wish, target: &Url) -> Option<Url> {
    let here = guard::host(&request.headers, &request.uri)?;
    let there = door::authority(target)?;
    // What was forwarded may have lost the name under which it was asked for.
    if wish.here.is_some()
        || here.eq_ignore_ascii_case(&there)
        || guard::is_forwarded(&request.headers)
    {
        return None;
    }
    let mut url = beside_callback(target, INSTALL)?;
    url.set_query(request.uri.query());
    url.query_pairs_mut().append_pair("here", "1");
    Some(url)
}

async fn begin(
    state: &AppState,
    request: &Parts,
    wish: &Wish,
    redirect: String,
    target: &Url,
) -> Result<Response, EngineError> {
    let connections = state.app().connections();
    let purpose = match (&wish.link, &wish.reconnect) {
        (Some(token), _) => Purpose::Link {
            token: token.as_str().into(),
        },
        (None, Some(which)) => Purpose::Reconnect {
            connection: connections.find(which).await?.id,
        },
        (None, None) => Purpose::Install,
    };
    let consent = connections
        .begin_user(BeginUser {
            app: wish.app.clone().filter(|app| !app.is_empty()),
            redirect_uri: Some(redirect),
            purpose,
            scopes: Vec::new(),
            begun_by: access::who(state, request).await,
        })
        .await?;
    let local =
        Arrival::of(&request.headers, &request.uri, state.app().config()) == Some(Arrival::Local);
    let kept = Kept {
        browser: consent.browser.expose_secret().to_owned(),
        from_console: wish.from.as_deref() == Some("console") && (local || wish.here.is_some()),
        for_zoom_app: wish.from.as_deref() == Some("zoomapp"),
    };
    let mut response = Redirect::to(consent.url.as_str()).into_response();
    if let Some(cookie) = door::keep(consent.state.expose_secret(), &kept, target) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

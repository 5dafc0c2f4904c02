//! The cookie of the Zoom App.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use secrecy::{ExposeSecret as _, SecretString};

use crate::state::AppState;

/// Name over https: browsers take a cookie of such a name from this host itself only, over https, for all paths, so that no
/// neighbour can plant one.
const HOST_BOUND: &str = "__Host-parfocal_zoomapp";
/// Name on this machine without https.
const PLAIN: &str = "parfocal_zoomapp";
/// Seconds that a browser keeps it; the session ends no later.
const LIFE: u32 = 12 * 3600;
/// Letters of a cookie: 32 random bytes.
const LETTERS: usize = 43;

fn name(state: &AppState) -> &'static str {
    let url = state.app().config().server.public_url.as_ref();
    if url.is_some_and(|url| url.scheme() == "https") {
        HOST_BOUND
    } else {
        PLAIN
    }
}

/// The cookie of a request; none when there is none, or several of which one must be somebody else's.
pub(crate) fn of<'r>(state: &AppState, headers: &'r HeaderMap) -> Option<&'r str> {
    let wanted = name(state);
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted)
        .map(|(_, value)| value);
    let first = found.next()?;
    let written = first.len() == LETTERS
        && first
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (written && found.next().is_none()).then_some(first)
}

/// Sets the cookie of a new session.
pub(crate) fn set(state: &AppState, response: &mut Response, cookie: Option<&SecretString>) {
    if let Some(cookie) = cookie {
        put(state, response, cookie.expose_secret(), LIFE);
    }
}

/// Takes the cookie away.
pub(crate) fn clear(state: &AppState, response: &mut Response) {
    put(state, response, "", 0);
}

fn put(state: &AppState, response: &mut Response, value: &str, life: u32) {
    let name = name(state);
    let text = format!(
        "{name}={value}; Path=/; Max-Age={life}; Secure; HttpOnly; SameSite=None; Partitioned"
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

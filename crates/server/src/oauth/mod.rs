//! Logins with Zoom: where they begin, where Zoom leads back to, and the page of a link that was sent.
//!
//! These are the only pages for people who are not the operator. They stand outside the console: reachable under the public name
//! ([`door`]), without its navigation, and readable whatever goes wrong ([`ending`]).

mod calendar;
mod callback;
mod door;
mod ending;
mod install;
mod link;
pub(crate) mod loopback;

pub(crate) use calendar::CALLBACK as CALENDAR_CALLBACK;
pub(crate) use door::{Arrival, Kept, authority, keep_at, reachable};

use axum::Router;
use axum::middleware;
use axum::routing::get;
use url::Url;

use crate::assets;
use crate::state::AppState;

/// Where Zoom leads people back to.
pub(crate) const CALLBACK: &str = "/oauth/zoom/callback";
/// Where a login begins.
pub(crate) const INSTALL: &str = "/oauth/zoom/install";

/// Routes of logins, and the style they share with the console.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    Router::new()
        .route(INSTALL, get(install::get))
        .route(CALLBACK, get(callback::get))
        .route(CALENDAR_CALLBACK, get(calendar::get))
        .route(calendar::GO_ON, get(calendar::go_on))
        .route("/connect/{token}", get(link::get))
        .route("/assets/{fingerprint}/{name}", get(assets::get))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            door::reachable,
        ))
}

/// The address to which Zoom shall lead people back: as configured, else this server on this machine.
pub(crate) fn redirect_uri(state: &AppState) -> String {
    let config = state.app().config();
    if config.zoom.redirect_uri.is_some() || config.server.public_url.is_some() {
        return state.app().connections().redirect_uri();
    }
    // Zoom takes 127.0.0.1 and refuses `localhost`.
    format!("http://127.0.0.1:{}{CALLBACK}", state.address().port())
}

/// The address of a page of logins under the name that Zoom leads back to; none when that name leads elsewhere.
pub(crate) fn beside_callback(redirect: &Url, path: &str) -> Option<Url> {
    let base = redirect.path().strip_suffix(CALLBACK)?;
    let mut url = redirect.clone();
    url.set_path(&format!("{base}{path}"));
    url.set_query(None);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_logins_stand_beside_the_callback() {
        let beside = |redirect: &str| {
            beside_callback(&redirect.parse().unwrap(), INSTALL).map(|url| url.to_string())
        };
        assert_eq!(
            beside("https://a.example/oauth/zoom/callback?x=1").unwrap(),
            "https://a.example/oauth/zoom/install"
        );
        assert_eq!(
            beside("https://a.example/zoom/oauth/zoom/callback").unwrap(),
            "https://a.example/zoom/oauth/zoom/install"
        );
        assert_eq!(beside("https://a.example/elsewhere"), None);
    }
}

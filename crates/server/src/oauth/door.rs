//! Who reaches the pages of a login, and how a login is tied to the browser that began it.
//!
//! Zoom sends people's browsers back to the redirect address, which is often the name of a tunnel or proxy. So these pages answer
//! under that name too, besides this machine's own; under no other, and nothing else of the console does.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use parfocal_engine::config::Config;
use url::Url;

use crate::guard;
use crate::problem::Problem;
use crate::state::AppState;

/// Begins the name of the cookie that ties a login to the browser that began it; the login's own letters follow.
const COOKIE: &str = "parfocal_login_";
/// How long the cookie is kept, in seconds; longer than any login lives.
const COOKIE_LIFE: u32 = 3600;
/// Letters of a login's `state` that name its cookie, so that several tabs can log in side by side.
const COOKIE_LETTERS: usize = 12;
/// Marks the value of a login that began in the console.
const FROM_CONSOLE: &str = ".console";
/// Marks the value of a login that installs the Zoom App.
const FOR_ZOOM_APP: &str = ".zoomapp";

/// Lets requests through that were made under this machine's names or a configured public one.
pub(crate) async fn reachable(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if Arrival::of(request.headers(), request.uri(), state.app().config()).is_some() {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "not_local",
        "this address is not one under which this server is known",
    )
    .hint("Set server.public_url to the address under which browsers reach it, then open it there.")
    .into_response()
}

/// Under which name a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// On this machine, by a browser that runs on it.
    Local,
    /// Under a public name, or through something that forwards.
    Public,
}

impl Arrival {
    /// Tells how a request came; none when its name is neither this machine's nor a configured one.
    pub(crate) fn of(headers: &HeaderMap, uri: &Uri, config: &Config) -> Option<Self> {
        let host = guard::host(headers, uri);
        let forwarded = guard::is_forwarded(headers);
        let publicly = public_names(config);
        match host {
            // Some tunnels rewrite the name to the local one, and say so; that is in order only where a tunnel was set up.
            host if host.is_none_or(guard::is_local) => match (forwarded, publicly.is_empty()) {
                (false, _) => Some(Self::Local),
                (true, false) => Some(Self::Public),
                (true, true) => None,
            },
            Some(host) => publicly
                .iter()
                .any(|name| name.eq_ignore_ascii_case(host))
                .then_some(Self::Public),
            None => None,
        }
    }
}

/// The names, with port where one is written, under which browsers elsewhere reach this server.
fn public_names(config: &Config) -> Vec<String> {
    [&config.server.public_url, &config.zoom.redirect_uri]
        .into_iter()
        .flatten()
        .filter_map(authority)
        .filter(|name| !guard::is_local(name))
        .collect()
}

/// Host and port of an address as browsers write them in `Host`.
pub(crate) fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// What a browser keeps of a login while the person is on Zoom's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The engine's word for this browser.
    pub(crate) browser: String,
    /// Whether the login began in the console.
    pub(crate) from_console: bool,
    /// Whether it ends in Zoom's client, where the Zoom App opens.
    pub(crate) for_zoom_app: bool,
}

/// What this browser kept of the login with this `state`.
pub(crate) fn kept(headers: &HeaderMap, state: &str) -> Option<Kept> {
    let wanted = cookie_name(state)?;
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| Kept {
            browser: value.split('.').next().unwrap_or_default().to_owned(),
            from_console: value.ends_with(FROM_CONSOLE),
            for_zoom_app: value.ends_with(FOR_ZOOM_APP),
        })
}

/// The header that lets a browser keep a login. Lax, because it has to come along when Zoom leads back here.
pub(crate) fn keep(state: &str, kept: &Kept, redirect: &Url) -> Option<HeaderValue> {
    keep_at("/oauth/zoom", state, kept, redirect)
}

/// The same for a login whose answers come in below another path.
pub(crate) fn keep_at(path: &str, state: &str, kept: &Kept, redirect: &Url) -> Option<HeaderValue> {
    let name = cookie_name(state)?;
    let mark = match (kept.from_console, kept.for_zoom_app) {
        (true, _) => FROM_CONSOLE,
        (false, true) => FOR_ZOOM_APP,
        (false, false) => "",
    };
    let secure = if redirect.scheme() == "https" {
        "; Secure"
    } else {
        ""
    };
    let text = format!(
        "{name}={}{mark}; Path={path}; Max-Age={COOKIE_LIFE}; HttpOnly; SameSite=Lax{secure}",
        kept.browser
    );
    HeaderValue::from_str(&text).ok()
}

/// The cookie's name; none for what is no `state` of ours.
fn cookie_name(state: &str) -> Option<String> {
    let letters = state.get(..COOKIE_LETTERS)?;
    letters
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        .then(|| format!("{COOKIE}{letters}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(pairs: &[(&str, &str)], public: Option<&str>) -> Option<Arrival> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(
                header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let mut config = Config::default();
        config.server.public_url = public.map(|url| url.parse().unwrap());
        Arrival::of(&headers, &Uri::from_static("/oauth/zoom/install"), &config)
    }

    #[test]
    fn only_this_machine_and_the_configured_name_reach_a_login() {
        let site = Some("https://parfocal.example.org");
        for (headers, public, expected) in [
            (
                &[("host", "127.0.0.1:8080")][..],
                None,
                Some(Arrival::Local),
            ),
            (&[("host", "localhost")][..], site, Some(Arrival::Local)),
            (&[("host", "parfocal.example.org")][..], None, None),
            (
                &[("host", "parfocal.example.org")][..],
                site,
                Some(Arrival::Public),
            ),
            (
                &[("host", "PARFOCAL.example.org")][..],
                site,
                Some(Arrival::Public),
            ),
            (&[("host", "evil.example.org")][..], site, None),
            (&[("host", "parfocal.example.org:444")][..], site, None),
            // A tunnel that rewrites the name.
            (
                &[
                    ("host", "127.0.0.1:8080"),
                    ("x-forwarded-host", "parfocal.example.org"),
                ][..],
                site,
                Some(Arrival::Public),
            ),
            (
                &[
                    ("host", "127.0.0.1:8080"),
                    ("x-forwarded-for", "203.0.113.9"),
                ][..],
                None,
                None,
            ),
        ] {
            assert_eq!(arrival(headers, public), expected, "{headers:?} {public:?}");
        }
    }

    #[test]
    fn each_login_has_a_cookie_of_its_own() {
        let redirect = "https://a.example/oauth/zoom/callback".parse().unwrap();
        let mut headers = HeaderMap::new();
        let mut line = String::from("other=1");
        for (state, from_console) in [
            ("first-state-of-ours", true),
            ("other_state-of-ours", false),
        ] {
            let kept = Kept {
                browser: format!("word-of-{state}"),
                from_console,
                for_zoom_app: false,
            };
            let header = keep(state, &kept, &redirect).unwrap();
            let text = header.to_str().unwrap();
            assert!(text.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{text}");
            line.push_str("; ");
            line.push_str(text.split(';').next().unwrap());
        }
        headers.insert(header::COOKIE, HeaderValue::from_str(&line).unwrap());
        let first = kept(&headers, "first-state-of-ours").unwrap();
        assert_eq!(
            (first.browser.as_str(), first.from_console),
            ("word-of-first-state-of-ours", true)
        );
        let other = kept(&headers, "other_state-of-ours").unwrap();
        assert_eq!(
            (other.browser.as_str(), other.from_console),
            ("word-of-other_state-of-ours", false)
        );
        assert_eq!(kept(&headers, "a state that was forged"), None);
        assert_eq!(kept(&headers, "short"), None);
        assert_eq!(keep("a\r\nSet-Cookie: x=y", &first, &redirect), None);
    }
}

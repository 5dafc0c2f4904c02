//! `/login` and `/logout`: a browser signs in with a key and gets a session.

use axum::Form;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use minijinja::{Environment, Value, context};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::COOKIE;
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

const PAGES: [(&str, &str); 2] = [
    ("login.html", include_str!("login.html")),
    ("signed_in.html", include_str!("signed_in.html")),
];

/// The routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/login", get(show).post(sign_in))
        .route("/logout", post(sign_out))
}

/// A path of this server to go on to after signing in; whatever leads elsewhere leads to the overview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct To(String);

impl Default for To {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl To {
    /// Reads where somebody wants to go.
    pub(super) fn of(wish: Option<&str>) -> Self {
        let here = |wish: &&str| {
            // Browsers read `//` and `/\\` as another host, and leave tabs and newlines out before they look.
            wish.len() <= 1_024
                && wish.starts_with('/')
                && !wish[1..].starts_with(['/', '\\'])
                && !wish.chars().any(|c| c.is_control() || c == '\\')
                && !wish.starts_with("/login")
                && !wish.starts_with("/logout")
        };
        wish.filter(here)
            .map_or_else(Self::default, |wish| Self(wish.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
struct Wish {
    to: Option<String>,
}

#[derive(Deserialize)]
struct SignIn {
    key: SecretString,
    to: Option<String>,
}

async fn show(
    State(state): State<AppState>,
    Params(wish): Params<Wish>,
) -> Result<Html<String>, Problem> {
    rendered(&state, &To::of(wish.to.as_deref()), None, None)
}

async fn sign_in(
    State(state): State<AppState>,
    Form(form): Form<SignIn>,
) -> Result<Response, Problem> {
    let to = To::of(form.to.as_deref());
    let key = form.key.expose_secret().trim();
    let (cookie, expires) = match state.app().keys().sign_in(key).await {
        Ok(opened) => opened,
        Err(error) if error.code() == parfocal_engine::Code::Unauthenticated => {
            let page = rendered(&state, &to, Some(error.message()), None)?;
            return Ok((axum::http::StatusCode::UNAUTHORIZED, page).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let text = session_cookie(&state, &cookie, expires);
    Ok((set_cookie(&text)?, Redirect::to(to.as_str())).into_response())
}

/// The cookie of a session, as it is set.
pub(super) fn session_cookie(
    state: &AppState,
    cookie: &SecretString,
    expires: jiff::Timestamp,
) -> String {
    let ends = expires.strftime("%a, %d %b %Y %H:%M:%S GMT");
    format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Expires={ends}{}",
        cookie.expose_secret(),
        secure(state)
    )
}

async fn sign_out(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(cookie) = super::cookie(&headers) {
        state.app().keys().sign_out(cookie).await?;
    }
    let text = format!(
        "{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{}",
        secure(&state)
    );
    Ok((set_cookie(&text)?, Redirect::to("/login")).into_response())
}

/// Over https the cookie never travels in the clear.
pub(super) fn secure(state: &AppState) -> &'static str {
    let https = state
        .app()
        .config()
        .server
        .public_url
        .as_ref()
        .is_some_and(|url| url.scheme() == "https");
    if https { "; Secure" } else { "" }
}

pub(super) fn set_cookie(text: &str) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(text).map_err(|_| {
        Problem::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "a session could not be written",
        )
    })?;
    headers.insert(header::SET_COOKIE, value);
    Ok(headers)
}

/// The sign-in page.
pub(super) fn rendered(
    state: &AppState,
    to: &To,
    complaint: Option<&str>,
    hint: Option<&str>,
) -> Result<Html<String>, Problem> {
    let provider = state.app().sign_in();
    let shown = context! { complaint, hint, provider => provider.name(), to => to.as_str() };
    page("login.html", shown)
}

/// A page of those that answer anybody.
pub(super) fn page(name: &str, shown: Value) -> Result<Html<String>, Problem> {
    let mut pages = Environment::new();
    let failed = |_| {
        Problem::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the page could not be made",
        )
    };
    let text = PAGES
        .iter()
        .find(|(known, _)| *known == name)
        .map_or("", |(_, text)| text);
    pages.add_template(name, text).map_err(failed)?;
    let assets = crate::assets::fingerprint();
    pages
        .get_template(name)
        .and_then(|page| page.render(context! { assets, ..shown }))
        .map(Html)
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere_after_signing_in() {
        for wish in [
            "/",
            "/meetings?host=a&day=1",
            "/a//b",
            "/search?q=https://a.example",
        ] {
            assert_eq!(To::of(Some(wish)).as_str(), wish);
        }
        for wish in [
            "//evil.test",
            "/\\evil.test",
            "/\t/evil.test",
            "/\n/evil.test",
            "https://evil.test",
            "javascript:alert(1)",
            "evil.test",
            "",
            "/login",
            "/logout",
            &format!("/{}", "a".repeat(2_000)),
        ] {
            assert_eq!(To::of(Some(wish)), To::default(), "{wish:?}");
        }
        assert_eq!(To::of(None), To::default());
    }
}

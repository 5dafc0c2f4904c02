//! `/login` and `/logout`: a browser signs in with a key and gets a session.

use axum::Form;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use minijinja::{Environment, context};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::COOKIE;
use crate::problem::Problem;
use crate::state::AppState;

const PAGE: &str = include_str!("login.html");

/// The routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/login", get(page).post(sign_in))
        .route("/logout", post(sign_out))
}

#[derive(Deserialize)]
struct SignIn {
    key: SecretString,
}

async fn page() -> Result<Response, Problem> {
    Ok(rendered(None)?.into_response())
}

async fn sign_in(
    State(state): State<AppState>,
    Form(form): Form<SignIn>,
) -> Result<Response, Problem> {
    let key = form.key.expose_secret().trim();
    let (cookie, expires) = match state.app().keys().sign_in(key).await {
        Ok(opened) => opened,
        Err(error) if error.code() == parfocal_engine::Code::Unauthenticated => {
            let page = rendered(Some(error.message()))?;
            return Ok((axum::http::StatusCode::UNAUTHORIZED, page).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let ends = expires.strftime("%a, %d %b %Y %H:%M:%S GMT");
    let text = format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Expires={ends}{}",
        cookie.expose_secret(),
        secure(&state)
    );
    Ok((set_cookie(&text)?, Redirect::to("/")).into_response())
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
fn secure(state: &AppState) -> &'static str {
    let https = state
        .app()
        .config()
        .server
        .public_url
        .as_ref()
        .is_some_and(|url| url.scheme() == "https");
    if https { "; Secure" } else { "" }
}

fn set_cookie(text: &str) -> Result<HeaderMap, Problem> {
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

fn rendered(complaint: Option<&str>) -> Result<Html<String>, Problem> {
    let mut pages = Environment::new();
    let failed = |_| {
        Problem::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the page could not be made",
        )
    };
    pages.add_template("login.html", PAGE).map_err(failed)?;
    let assets = crate::assets::fingerprint();
    pages
        .get_template("login.html")
        .and_then(|page| page.render(context! { complaint, assets }))
        .map(Html)
        .map_err(failed)
}

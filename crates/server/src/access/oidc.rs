//! `/login/oidc`: signing in at the identity provider, and coming back from it.

use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use minijinja::context;
use parfocal_engine::signin::{Back, Finished};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::login::{self, To, secure, session_cookie, set_cookie};
use crate::guard;
use crate::paging::Params;
use crate::problem::{Problem, status_of};
use crate::state::AppState;

/// Where the provider sends browsers back to.
const BACK: &str = "/login/oidc/callback";
/// Name of the cookie of a sign-in that has begun. It has to come along when the provider sends the browser back, so it is `Lax`.
const BEGUN: &str = "parfocal_signin";

/// The routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/login/oidc", get(begin))
        .route("/login/oidc/callback", get(finish))
}

#[derive(Deserialize)]
struct Wish {
    to: Option<String>,
}

async fn begin(
    State(state): State<AppState>,
    Params(wish): Params<Wish>,
    request: Parts,
) -> Result<Response, Problem> {
    let to = To::of(wish.to.as_deref());
    let begun = state
        .app()
        .sign_in()
        .begin(&redirect_uri(&state, &request), to.as_str())
        .await;
    let begun = match begun {
        Ok(begun) => begun,
        Err(error) => return refused(&state, &to, &error),
    };
    let cookie = cookie(&state, begun.cookie.expose_secret(), begun.life.as_secs());
    let mut response = Redirect::to(begun.address.as_str()).into_response();
    response.headers_mut().extend(set_cookie(&cookie)?);
    Ok(response)
}

async fn finish(
    State(state): State<AppState>,
    Params(back): Params<Back>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = super::cookie_named(&headers, BEGUN);
    let finished = state.app().sign_in().finish(known, &back).await;
    let mut response = match &finished {
        Ok(Finished {
            cookie,
            expires,
            to,
        }) => {
            // A browser does not send a strict cookie on a way that began at another site; a page of ours begins a new one.
            let to = To::of(Some(to));
            let page = login::page("signed_in.html", context! { to => to.as_str() })?;
            let cookie = session_cookie(&state, cookie, *expires);
            (set_cookie(&cookie)?, page).into_response()
        }
        Err(error) => refused(&state, &To::default(), error)?,
    };
    for value in set_cookie(&cookie(&state, "", 0))?.values().cloned() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

/// The sign-in page with what went wrong and what to do.
fn refused(
    state: &AppState,
    to: &To,
    error: &parfocal_engine::EngineError,
) -> Result<Response, Problem> {
    let status = status_of(error.kind());
    let complaint = format!("{}.", error.message().trim_end_matches('.'));
    let page: Html<String> = login::rendered(state, to, Some(&complaint), Some(error.hint()))?;
    Ok((status, page).into_response())
}

/// The address to come back to: the public one, else the one under which this browser came.
fn redirect_uri(state: &AppState, request: &Parts) -> String {
    let config = state.app().config();
    if let Some(public) = &config.server.public_url {
        return format!("{}{BACK}", public.as_str().trim_end_matches('/'));
    }
    let here = guard::host(&request.headers, &request.uri)
        .filter(|host| guard::is_local(host))
        .map_or_else(|| state.address().to_string(), str::to_owned);
    format!("http://{here}{BACK}")
}

fn cookie(state: &AppState, value: &str, life: u64) -> String {
    format!(
        "{BEGUN}={value}; Path=/login; HttpOnly; SameSite=Lax; Max-Age={life}{}",
        secure(state)
    )
}

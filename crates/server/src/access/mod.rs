//! Who comes in, and what they may do.
//!
//! Every request that reaches a handler behind [`identify`] carries a [`Caller`]: that of the key in `Authorization`, that of
//! the session a browser signed in with, or, on this machine and while `server.auth` says so, the local administrator.
//! Routes of the API name the role they need; for pages it follows from what the request does.

mod login;
mod oidc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use parfocal_engine::components::{self, Active};
use parfocal_engine::config::Auth;
use parfocal_engine::keys::{Caller, Role, Surface};
use parfocal_engine::{Code, EngineError};

use crate::guard;
use crate::layers::RequestId;
use crate::problem::Problem;
use crate::state::AppState;

/// The routes of signing in and out.
pub(crate) fn routes() -> axum::Router<AppState> {
    login::routes().merge(oidc::routes())
}

/// Name of the cookie that a signed-in browser sends.
const COOKIE: &str = "parfocal_session";
/// Paths that answer anybody: they tell nothing.
const OPEN: [&str; 5] = ["/healthz", "/readyz", "/login", "/login/", "/assets/"];

/// Finds out who asks, and refuses strangers.
pub(crate) async fn identify(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match find(&state, &parts).await {
        Ok(Some(caller)) => caller,
        Ok(None) if is_open(parts.uri.path()) && keys_needed(&state) => {
            return next.run(Request::from_parts(parts, body)).await;
        }
        Ok(None) => return challenged(&state, &parts, stranger(&state, &parts)),
        Err(problem) => return challenged(&state, &parts, problem.into_response()),
    };
    let caller = match parts.extensions.get::<RequestId>() {
        Some(id) => caller.in_request(&id.0),
        None => caller,
    };
    if let Err(error) = caller.may(needed(&parts.method, parts.uri.path())) {
        return Problem::from(error).into_response();
    }
    if !caller.sees_everything() && !keeps_to_connections(parts.uri.path()) {
        let refused = EngineError::new(
            Code::Forbidden,
            format!(
                "{} may use some connections only, and this page tells of all",
                caller.actor
            ),
        )
        .with_hint(
            "The API (/v1) and MCP (/mcp) show what belongs to its connections; the console needs a key without limits to \
             connections.",
        );
        return Problem::from(refused).into_response();
    }
    parts.extensions.insert(caller);
    next.run(Request::from_parts(parts, body)).await
}

/// Who asks at a door that is open to everybody, where a key, a session or this machine tells: their name for the audit log.
pub(crate) async fn who(state: &AppState, request: &Parts) -> Option<String> {
    let caller = find(state, request).await.ok().flatten()?;
    Some(caller.actor)
}

async fn find(state: &AppState, request: &Parts) -> Result<Option<Caller>, Problem> {
    let surface = surface(request.uri.path());
    if let Some(value) = request.headers.get(header::AUTHORIZATION) {
        let key = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key.trim());
        let Some(key) = key else {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "the Authorization header is not `Bearer KEY`",
            ));
        };
        return Ok(Some(state.app().keys().authenticate(key, surface).await?));
    }
    if let Some(cookie) = cookie(&request.headers)
        && let Some(mut caller) = state.app().keys().of_session(cookie).await?
    {
        caller.surface = surface;
        return Ok(Some(caller));
    }
    let here = guard::host(&request.headers, &request.uri).is_none_or(guard::is_local)
        && !guard::is_forwarded(&request.headers);
    Ok((here && !keys_needed(state)).then(|| Caller::local(surface)))
}

/// Tells clients of MCP where they learn how to come in.
fn challenged(state: &AppState, request: &Parts, mut response: Response) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED && surface(request.uri.path()) == Surface::Mcp
    {
        let challenge = crate::mcp::challenge(state, request);
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The answer to whoever is not known.
fn stranger(state: &AppState, request: &Parts) -> Response {
    if !keys_needed(state) && surface(request.uri.path()) != Surface::Mcp {
        return guard::not_local().into_response();
    }
    let accepts_pages = request
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let path = request.uri.path();
    if accepts_pages && request.method == Method::GET && surface(path) == Surface::Console {
        let wish = request
            .uri
            .path_and_query()
            .map_or("/", axum::http::uri::PathAndQuery::as_str);
        // A visit from the start needs no reminder.
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("to", wish)
            .finish();
        let address = if wish == "/" {
            "/login".to_owned()
        } else {
            format!("/login?{query}")
        };
        return Redirect::to(&address).into_response();
    }
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
        "this server answers nobody without a key",
    )
    .hint("Send `Authorization: Bearer KEY`; `parfocal keys create NAME --role read` makes one.")
    .into_response()
}

/// Whether a key is needed even on this machine.
fn keys_needed(state: &AppState) -> bool {
    state.app().config().server.auth == Auth::Keys
}

/// Whether what a path tells is kept to the connections that a key may use, or tells nothing of any. Routes of the API say so
/// themselves ([`crate::api`]).
fn keeps_to_connections(path: &str) -> bool {
    ["/v1", "/logout", "/mcp"].iter().any(|kept| {
        path.strip_prefix(kept)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }) || is_open(path)
}

fn is_open(path: &str) -> bool {
    OPEN.iter().any(|open| match open.strip_suffix('/') {
        Some(_) => path.starts_with(open),
        None => path == *open,
    })
}

fn surface(path: &str) -> Surface {
    if path.starts_with("/v1") || path == "/metrics" {
        Surface::Api
    } else if path.starts_with("/mcp") {
        Surface::Mcp
    } else {
        Surface::Console
    }
}

/// Answers for what is not mounted because its component is off: it is not there, and here is how to get it.
pub(crate) async fn switched_off(
    State(active): State<Active>,
    request: Request,
    next: Next,
) -> Response {
    match components::of_path(request.uri().path()) {
        Some(component) if !active.has(component.name) => {
            Problem::from(components::off(component.name)).into_response()
        }
        _ => next.run(request).await,
    }
}

/// The least role for a request; routes of the API and tools name their own besides.
fn needed(method: &Method, path: &str) -> Role {
    let reads = method == Method::GET || method == Method::HEAD || method == Method::OPTIONS;
    match surface(path) {
        Surface::Api | Surface::Mcp => Role::Read,
        _ if reads || path == "/logout" || path == "/login" || path == "/search" => Role::Read,
        _ if path.starts_with("/connect") || path.starts_with("/components") => Role::Admin,
        _ => Role::Operate,
    }
}

/// The session cookie of a request.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    cookie_named(headers, COOKIE)
}

/// The cookie of this name of a request.
fn cookie_named<'r>(headers: &'r HeaderMap, wanted: &str) -> Option<&'r str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_need_more_to_change_than_to_look() {
        assert_eq!(needed(&Method::GET, "/connections"), Role::Read);
        assert_eq!(needed(&Method::POST, "/connections/x/remove"), Role::Admin);
        assert_eq!(needed(&Method::POST, "/jobs/x/retry"), Role::Operate);
        assert_eq!(needed(&Method::POST, "/v1/actions/search"), Role::Read);
        assert!(
            is_open("/assets/1/x.css")
                && is_open("/healthz")
                && !is_open("/healthz/x")
                && !is_open("/")
        );
    }
}

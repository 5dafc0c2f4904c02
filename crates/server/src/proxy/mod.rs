//! `/zoom/api/v2/…`: calls to Zoom's REST API on behalf of whoever has the Zoom App open.
//!
//! A page says which call; who is meant, the token, the budget and every header come from here. Nothing of the page's own request
//! but a checked path, its query and a JSON body goes to Zoom, and nothing of Zoom's answer but its status, body and tracking id comes
//! back. `docs/src/guide/zoom-app.md` describes the refusals; [`answer`] makes them.

mod answer;
mod batch;
mod flight;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use parfocal_engine::zoom::{Call, Streamed};
use parfocal_engine::zoomapp::{COMPONENT, Route, Session, paths};
use parfocal_engine::{Code, EngineError};

use crate::layers::stopwatch;
use crate::oauth;
use crate::problem::Problem;
use crate::state::AppState;
use crate::zoomapp::{cookie, guard, no_store, read_body};

pub(crate) use flight::Flights;

/// Where Zoom's paths begin.
const PREFIX: &str = "/zoom/api/v2";
/// Longest body that goes to Zoom, in bytes; it is read whole, so that a call can be repeated with a renewed token.
const MOST_SENT: usize = 256 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(8);
/// How long Zoom may take, waiting for the shared budget included.
const PATIENCE: Duration = Duration::from_secs(25);
/// Longest query, in bytes, and most parameters.
const MOST_QUERY: (usize, usize) = (4_096, 40);

/// The routes.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/zoom/api/batch", post(batch::answer))
        .route(
            "/zoom/api/v2/{*path}",
            get(pass).post(pass).put(pass).patch(pass).delete(pass),
        )
        .layer(middleware::from_fn_with_state(state.clone(), guard))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            oauth::reachable,
        ))
}

/// One call of a page.
async fn pass(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let started = stopwatch();
    let raw = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let mut operation = None;
    let outcome = async {
        let session = authorized(&state, &parts.headers).await?;
        let wanted = Wanted::of(&state, &session, &parts.method, raw, query).await?;
        operation = Some(wanted.route.endpoint.operation());
        if parts.method == Method::GET {
            let asked = parts.headers.get(header::IF_NONE_MATCH);
            let read = wanted.read(&state, &session).await?;
            return Ok(read.into_response(asked));
        }
        let body = read_body(&parts.headers, body, MOST_SENT, BODY_TIME).await?;
        if !body.is_empty() && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
            return Err(Problem::bad_request("body", "the body is not JSON")
                .plainly("invalid_request", &[]));
        }
        let streamed = wanted.send(&state, &session, body).await?;
        Ok(streaming(streamed))
    }
    .await;
    let response = outcome.unwrap_or_else(Problem::into_response);
    // Who, which meeting and what was said stand in no log: only which call it was and how it ended.
    tracing::info!(
        method = %parts.method,
        call = operation.as_deref().unwrap_or("refused"),
        status = response.status().as_u16(),
        elapsed_ms = started.elapsed().as_millis(),
        "proxied"
    );
    no_store(response)
}

/// The session of a request, whose person has allowed the app to act for them.
async fn authorized(state: &AppState, headers: &HeaderMap) -> Result<Session, Problem> {
    let found = match cookie(state, headers) {
        Some(known) => state.app().zoomapp().resume(known).await?,
        None => None,
    };
    match found {
        Some(session) if session.connection().is_some() => Ok(session),
        Some(session) if session.has_lapsed() => Err(answer::session_expired()),
        _ => Err(answer::unauthorized()),
    }
}

/// A call that may be made.
struct Wanted {
    route: Route,
    query: Vec<(String, String)>,
}

impl Wanted {
    /// Checks what a page asks for: list, path, scopes, whose meeting.
    async fn of(
        state: &AppState,
        session: &Session,
        method: &Method,
        raw: &str,
        query: &str,
    ) -> Result<Self, Problem> {
        let app = state.app();
        let active = app.components().active().await?;
        let further = active.setting(COMPONENT, "allow").unwrap_or_default();
        // What is written wrongly there was told when it was set; it allows nothing.
        let further = paths::further(&further).unwrap_or_default();
        let person: Vec<&str> = session.user().into_iter().chain(session.name()).collect();
        let route = paths::resolve(method, raw, &further, &person)
            .map_err(|why| answer::not_passed(why, method, raw))?;
        let scopes = route.endpoint.scopes();
        let held = session.scopes();
        if !scopes.is_empty() && !scopes.iter().any(|scope| held.contains(scope)) {
            return Err(answer::missing_scope(&scopes, None));
        }
        if let Some(meeting) = &route.meeting
            && !app
                .zoomapp()
                .hosts(session, meeting)
                .await
                .map_err(answer::of_engine)?
        {
            return Err(answer::not_found());
        }
        Ok(Self {
            route,
            query: pairs(query)?,
        })
    }

    async fn call(&self, state: &AppState, session: &Session) -> Result<Call, Problem> {
        let client = state
            .app()
            .zoomapp()
            .client(session)
            .await
            .map_err(answer::of_engine)?;
        let method = self.route.endpoint.method.clone();
        let mut call = client.call(method.clone(), self.route.path.clone());
        for (name, value) in &self.query {
            call = call.query(name, value);
        }
        // A host may be written to a hundred times a day, whoever does it.
        if method != Method::GET
            && let Some(user) = session.user()
        {
            call = call.host(&parfocal_engine::zoom::id::UserId::new(user));
        }
        Ok(call)
    }

    async fn send(
        &self,
        state: &AppState,
        session: &Session,
        body: Bytes,
    ) -> Result<Streamed, Problem> {
        let mut call = self.call(state, session).await?;
        if !body.is_empty() {
            call = call.json_bytes(body);
        }
        let now = || state.app().clock().now();
        match tokio::time::timeout(PATIENCE, call.stream()).await {
            Ok(Ok(streamed)) => Ok(streamed),
            Ok(Err(error)) => Err(answer::of_zoom(&error, now())),
            Err(_) => Err(answer::too_slow(&self.route.endpoint.method)),
        }
    }

    /// A read; several of the same at once are one call.
    async fn read(&self, state: &AppState, session: &Session) -> Result<flight::Read, Problem> {
        let who = session
            .connection()
            .ok_or_else(answer::unauthorized)?
            .to_string();
        let key = format!("{who} {} {:?}", self.route.path, self.query);
        state
            .flights()
            .fly(key, || self.send(state, session, Bytes::new()))
            .await
    }
}

/// The parameters of a query, to be written anew.
fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let refuse =
        |why: &str| Problem::bad_request("query", why.to_owned()).plainly("invalid_request", &[]);
    if query.len() > MOST_QUERY.0 {
        return Err(refuse("the query is too long"));
    }
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    if pairs.len() > MOST_QUERY.1 {
        return Err(refuse("the query has too many parameters"));
    }
    let odd = |text: &str| text.chars().any(char::is_control);
    if pairs.iter().any(|(name, value)| odd(name) || odd(value)) {
        return Err(refuse("the query holds control characters"));
    }
    if pairs
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("access_token"))
    {
        return Err(refuse("no token belongs into a query"));
    }
    Ok(pairs)
}

/// Hands an answer of Zoom's on as it arrives.
fn streaming(streamed: Streamed) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(streamed.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    dress(response.headers_mut(), streamed.tracking_id());
    if streamed.length() == Some(0) {
        response.headers_mut().remove(header::CONTENT_TYPE);
        return response;
    }
    let pieces = futures_util::stream::unfold(Some(streamed), |streamed| async move {
        let mut streamed = streamed?;
        match streamed.chunk().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(streamed))),
            Ok(None) => None,
            // Breaking the connection is the only way left to tell.
            Err(error) => Some((Err(std::io::Error::other(error.message().to_owned())), None)),
        }
    });
    *response.body_mut() = Body::from_stream(pieces);
    response
}

/// The few headers that an answer has.
fn dress(headers: &mut HeaderMap, tracking_id: Option<&str>) {
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(id) = tracking_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert("x-zm-trackingid", id);
    }
}

/// Whether an engine's failure means that the person has to sign in.
fn is_unauthorized(error: &EngineError) -> bool {
    error.code() == Code::NotAuthorized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_and_written_anew() {
        let found = pairs("type=live&next_page_token=a%2Bb&x=%C3%A4").unwrap();
        assert_eq!(found[1], ("next_page_token".to_owned(), "a+b".to_owned()));
        for bad in [
            "access_token=x".to_owned(),
            "x=%0d%0aX-Header:%20y".to_owned(),
            "x=%00".to_owned(),
            "a=b&".repeat(50),
            format!("x={}", "y".repeat(5_000)),
        ] {
            assert_eq!(pairs(&bad).unwrap_err().status(), 400, "{bad}");
        }
    }
}

//! What every request passes, outermost first: request id and trace, panic, headers, timeout.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use crate::problem::Problem;
use crate::state::AppState;
use crate::webhooks::{self, Delivery};

/// How long a request may take before it is answered with 503.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest id that is taken over from whoever asks, in characters.
const LONGEST_ID: usize = 128;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The policy of every page: nothing from elsewhere, no inline script, no frames.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; \
     connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A content policy of a page's own, in the extensions of its response; such pages may stand in frames that it names.
#[derive(Debug, Clone)]
pub(crate) struct OwnPolicy(pub(crate) HeaderValue);

/// The id of a request, in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// Gives out request ids: a part that differs between runs and a number.
#[derive(Debug)]
pub(crate) struct RequestIds {
    run: String,
    next: AtomicU64,
}

impl RequestIds {
    /// Starts counting; `seed` tells runs apart.
    pub(crate) fn new(seed: i64) -> Self {
        Self {
            run: format!("{:x}", seed.unsigned_abs() / 1000),
            next: AtomicU64::new(1),
        }
    }

    /// The id that a request brings; a new one where it brings none, or one that cannot stand in a log.
    fn of(&self, headers: &HeaderMap) -> RequestId {
        let brought = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_sane(id));
        if let Some(id) = brought {
            return RequestId(id.into());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{}-{number}", self.run).into())
    }
}

/// Whether an id from outside may stand in logs, headers and the audit log: as UUIDs, ULIDs, trace ids and the like are written.
fn is_sane(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:+/=".contains(c);
    (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(allowed)
}

/// Gives the request its id and span, measures it, and writes the body of a problem.
pub(crate) async fn observe(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = state.request_ids().of(request.headers());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let wants_page = wants_page(&request);
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", id = %id.0, %method, route);
    let started = stopwatch();
    let mut response = next.run(request).instrument(span.clone()).await;
    let elapsed = started.elapsed();

    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let problem = problem.for_request(&id.0);
        let headers = std::mem::take(response.headers_mut());
        response = if wants_page {
            crate::console::problem_page(&state, &problem)
        } else {
            problem.to_json_response()
        };
        for (name, value) in &headers {
            // A layer before may have said more exactly how to come in.
            let exact = name == header::WWW_AUTHENTICATE;
            if exact || (!response.headers().contains_key(name) && name != header::CONTENT_LENGTH) {
                response.headers_mut().insert(name.clone(), value.clone());
            }
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let status = response.status();
    let _entered = span.enter();
    tell(status, elapsed);
    count(&route, &method, status, elapsed);
    response
}

/// What a delivery at the webhook door passes in place of the router's layers: the same time limit, net for panics, id
/// and figures, without the headers that only browsers read.
pub(crate) async fn door(state: &AppState, delivery: Delivery, request: Request) -> Response {
    let id = state.request_ids().of(request.headers());
    let route = delivery.route();
    let started = stopwatch();
    let work = AssertUnwindSafe(webhooks::deliver(state, delivery, request)).catch_unwind();
    let answer = match tokio::time::timeout(REQUEST_TIMEOUT, work).await {
        Ok(Ok(answer)) => answer.unwrap_or_else(Problem::into_response),
        Ok(Err(panic)) => panicked(panic),
        Err(_) => too_slow(),
    };
    let elapsed = started.elapsed();
    let mut response = answer;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.for_request(&id.0).to_json_response();
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let status = response.status();
    if !status.is_success() {
        let span = tracing::info_span!("request", id = %id.0, method = "POST", route);
        let _entered = span.enter();
        tell(status, elapsed);
    }
    count(route, &Method::POST, status, elapsed);
    response
}

/// Writes down how a request ended.
fn tell(status: StatusCode, elapsed: Duration) {
    if status.is_server_error() {
        tracing::warn!(
            status = status.as_u16(),
            elapsed_ms = elapsed.as_millis(),
            "request failed"
        );
    } else {
        tracing::debug!(
            status = status.as_u16(),
            elapsed_ms = elapsed.as_millis(),
            "request answered"
        );
    }
}

/// Counts a request.
fn count(route: &str, method: &Method, status: StatusCode, elapsed: Duration) {
    ::metrics::counter!(
        "parfocal_http_requests_total",
        "route" => route.to_owned(), "method" => method_label(method), "status" => status.as_str().to_owned()
    )
    .increment(1);
    ::metrics::histogram!("parfocal_http_request_seconds", "route" => route.to_owned())
        .record(elapsed.as_secs_f64());
}

/// Latency is real time, whatever clock the application follows.
#[expect(
    clippy::disallowed_methods,
    reason = "the latency of a request is measured on the machine's clock, also under a simulator's"
)]
pub(crate) fn stopwatch() -> std::time::Instant {
    std::time::Instant::now()
}

/// Unknown methods share a label, so that nobody outside decides how many there are.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// A browser that asks for a page gets its problem as one.
fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    let program = [
        "/v1",
        "/webhooks",
        "/healthz",
        "/readyz",
        "/metrics",
        "/assets",
        "/mcp",
        "/.well-known",
        "/zoom/api",
        "/api/zoomapp",
    ]
    .iter()
    .any(|start| path.starts_with(start));
    let accepts = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    !program && accepts.contains("text/html")
}

/// Ends a request that takes too long. Tools of MCP have a time of their own: they may wait for Zoom's limits.
pub(crate) async fn timeout(request: Request, next: Next) -> Response {
    if request.uri().path() == "/mcp" {
        return next.run(request).await;
    }
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => too_slow(),
    }
}

fn too_slow() -> Response {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "timeout",
        "the request took longer than 30 seconds",
    )
    .hint("Try again; `parfocal doctor` looks at the database if it happens again.")
    .retry_after(5)
    .into_response()
}

/// Answers a panic in a handler with a problem; the panic's text goes to the log only.
#[expect(clippy::needless_pass_by_value, reason = "tower-http's signature")]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = text, "a handler panicked");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "the request failed inside the server",
    )
    .hint("This is a fault in Parfocal; the log has the request id.")
    .into_response()
}

/// Adds the headers that keep browsers from doing what pages never ask for.
pub(crate) async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let own = response.extensions_mut().remove::<OwnPolicy>();
    let headers = response.headers_mut();
    // A page inside Zoom's client stands in a frame of Zoom's and loads Zoom's script.
    if let Some(own) = own {
        headers.insert(header::CONTENT_SECURITY_POLICY, own.0);
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    } else {
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_FRAME_OPTIONS, "DENY"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_outside_are_taken_over_when_they_can_stand_in_a_log() {
        let ids = RequestIds::new(1_000_000);
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                X_REQUEST_ID,
                HeaderValue::from_bytes(text.as_bytes()).unwrap(),
            );
            ids.of(&headers).0.to_string()
        };
        for good in [
            "a",
            "0190b1c2-7e5f-7000-8000-000000000000",
            "Root=1-67891233-abcdef",
            &"x".repeat(128),
        ] {
            assert_eq!(of(good), good);
        }
        for bad in [
            "",
            "two words",
            "a\tb",
            "ä",
            "\"><script>",
            "{}",
            &"x".repeat(129),
        ] {
            let given = of(bad);
            assert!(given.starts_with("3e8-"), "{bad}: {given}");
        }
    }
}

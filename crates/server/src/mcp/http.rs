//! `/mcp` by streamable HTTP, and the document that tells clients how to come in (RFC 9728).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Json, Router, middleware};
use parfocal_engine::config::Config;
use parfocal_engine::keys::Role;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::handler::Handler;
use crate::problem::Problem;
use crate::state::AppState;
use crate::{access, guard};

type Service = StreamableHttpService<Handler, NeverSessionManager>;

/// Where the document of RFC 9728 lies for a resource at `/mcp`.
const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";

/// The routes: `/mcp` behind the access layer, its metadata before it.
///
/// They stand outside of the CSRF layer: pages of the configured origins may ask, and the SDK refuses all others.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let config = state.app().config();
    let service = service(state, config);
    let mut endpoint = Router::new()
        .route(
            "/mcp",
            any(move |request: Request| {
                let service = service.clone();
                async move { answer(&service, request).await }
            }),
        )
        .layer(middleware::from_fn_with_state(
            state.clone(),
            access::identify,
        ));
    // A name or an origin that may not ask is refused before anybody is asked for a key.
    let doors = Arc::new(Doors {
        hosts: hosts(config),
        origins: origins(state, config),
    });
    endpoint = endpoint.layer(middleware::from_fn(move |request: Request, next: Next| {
        let refused = doors.refuse(&request);
        async move {
            match refused {
                Some(problem) => problem.into_response(),
                None => next.run(request).await,
            }
        }
    }));
    if !config.mcp.allowed_origins.is_empty() {
        // A preflight carries no key: it is answered before anybody is asked for one.
        endpoint = endpoint.layer(cors(config.mcp.allowed_origins.clone()));
    }
    endpoint.merge(
        Router::new()
            .route("/.well-known/oauth-protected-resource", get(metadata))
            .route(METADATA, get(metadata)),
    )
}

/// Under which names, and from pages of which origins, `/mcp` may be asked.
struct Doors {
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Doors {
    fn refuse(&self, request: &Request) -> Option<Problem> {
        let host = guard::host(request.headers(), request.uri());
        // Without a readable name the SDK says what is missing.
        let host = host.and_then(|host| host.parse::<Authority>().ok());
        if host.is_some_and(|host| !self.answers(&host)) {
            return Some(host_refused());
        }
        let origin = request.headers().get(header::ORIGIN)?;
        let known = origin
            .to_str()
            .is_ok_and(|origin| self.origins.iter().any(|allowed| fits(allowed, origin)));
        (!known).then(origin_refused)
    }

    /// Whether a name is one of ours; an entry without a port stands for all of them.
    fn answers(&self, host: &Authority) -> bool {
        let bare = |name: &str| name.trim_matches(['[', ']']).to_ascii_lowercase();
        let name = bare(host.host());
        self.hosts.iter().any(|allowed| {
            bare(allowed) == name
                || allowed.parse::<Authority>().is_ok_and(|allowed| {
                    bare(allowed.host()) == name
                        && allowed
                            .port_u16()
                            .is_none_or(|port| host.port_u16() == Some(port))
                })
        })
    }
}

fn origin_refused() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "origin_refused",
        "pages of this origin may not ask /mcp",
    )
    .hint("Add the origin to mcp.allowed_origins if it is meant, and start the server again.")
}

fn host_refused() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "host_refused",
        "/mcp is not asked under this name",
    )
    .hint(
        "Set server.public_url, or add the name to mcp.allowed_hosts, and start the server again.",
    )
}

fn service(state: &AppState, config: &Config) -> Service {
    let app = state.app().clone();
    let settings = StreamableHttpServerConfig::default()
        // No session in any revision: every instance can answer every request.
        .with_legacy_session_mode(false)
        .with_max_request_body_bytes(config.server.max_body_bytes)
        .with_allowed_hosts(hosts(config))
        .with_allowed_origins(origins(state, config))
        .enforce_origin_validation();
    StreamableHttpService::new(
        move || Ok(Handler::behind_http(app.clone())),
        Arc::new(NeverSessionManager::default()),
        settings,
    )
}

/// Names under which we may be asked: a page that makes a browser call us under another one is refused.
fn hosts(config: &Config) -> Vec<String> {
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let public = config
        .server
        .public_url
        .as_ref()
        .and_then(url::Url::host_str);
    hosts.extend(public.map(str::to_owned));
    hosts.extend(config.mcp.allowed_hosts.iter().cloned());
    hosts
}

/// Origins of pages that may ask: our own, and those of the configuration.
fn origins(state: &AppState, config: &Config) -> Vec<String> {
    let port = state.address().port();
    let mut origins: Vec<String> = ["localhost", "127.0.0.1", "[::1]"]
        .map(|host| format!("http://{host}:{port}"))
        .into();
    if let Some(url) = &config.server.public_url
        && let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default())
    {
        origins.push(format!("{}://{host}:{port}", url.scheme()));
    }
    origins.extend(config.mcp.allowed_origins.iter().cloned());
    origins
}

/// What browsers want to hear before pages of the configured origins may ask.
fn cors(allowed: Vec<String>) -> CorsLayer {
    let header = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| {
            origin
                .to_str()
                .is_ok_and(|origin| allowed.iter().any(|allowed| fits(allowed, origin)))
        }))
        .allow_methods([Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            header("mcp-protocol-version"),
            header("mcp-method"),
            header("mcp-name"),
        ])
        .expose_headers([header::WWW_AUTHENTICATE, header("x-request-id")])
}

/// Whether an origin is one of the configuration: `:*` stands for any port, and none for the scheme's own.
fn fits(allowed: &str, origin: &str) -> bool {
    let (Ok(origin), Ok(plain)) = (
        url::Url::parse(origin),
        url::Url::parse(allowed.strip_suffix(":*").unwrap_or(allowed)),
    ) else {
        return false;
    };
    let port =
        allowed.ends_with(":*") || origin.port_or_known_default() == plain.port_or_known_default();
    origin.scheme() == plain.scheme() && origin.host() == plain.host() && port
}

async fn answer(service: &Service, request: Request) -> Response {
    let answered = service.handle(request).await.map(Body::new);
    let status = answered.status();
    let problem = match status {
        StatusCode::FORBIDDEN => refused(answered).await,
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            status,
            "method_not_allowed",
            "/mcp answers POST only: there are no sessions and no streams of its own",
        )
        .hint("Add this address to an MCP client; `parfocal mcp` speaks the protocol on standard input and output."),
        StatusCode::NOT_ACCEPTABLE => Problem::new(
            status,
            "not_acceptable",
            "the client does not accept both application/json and text/event-stream",
        )
        .hint("Send `Accept: application/json, text/event-stream`."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
            status,
            "unsupported_media_type",
            "the body is not application/json",
        )
        .hint("Send `Content-Type: application/json`."),
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(status, "too_large", "the body is larger than is accepted")
                .hint("server.max_body_bytes says how large it may be.")
        }
        _ => return answered,
    };
    let mut response = problem.into_response();
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// The refusal of a name or an origin, with what to do about it.
async fn refused(answered: Response) -> Problem {
    const WORDS: usize = 4096;
    let said = axum::body::to_bytes(answered.into_body(), WORDS)
        .await
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    if said.contains("Origin") {
        origin_refused()
    } else {
        host_refused()
    }
}

/// The challenge of a 401: where a client learns how to come in.
pub(crate) fn challenge(state: &AppState, request: &Parts) -> HeaderValue {
    let base = base(state, &request.headers, &request.uri);
    let wrong = if request.headers.contains_key(header::AUTHORIZATION) {
        "error=\"invalid_token\", "
    } else {
        ""
    };
    HeaderValue::from_str(&format!(
        "Bearer {wrong}resource_metadata=\"{base}{METADATA}\", scope=\"{}\"",
        Role::Read
    ))
    .unwrap_or(HeaderValue::from_static("Bearer"))
}

/// `/.well-known/oauth-protected-resource`: keys come from `parfocal keys create`, so no authorisation server is named.
async fn metadata(State(state): State<AppState>, headers: HeaderMap, uri: Uri) -> Json<Value> {
    let base = base(&state, &headers, &uri);
    Json(json!({
        "resource": format!("{base}/mcp"),
        "resource_name": "Parfocal",
        "bearer_methods_supported": ["header"],
        "scopes_supported": Role::ALL,
    }))
}

/// The address under which the client reaches us, as far as it can be believed.
fn base(state: &AppState, headers: &HeaderMap, uri: &Uri) -> String {
    let here = guard::host(headers, uri)
        .filter(|host| guard::is_local(host) && !guard::is_forwarded(headers))
        .and_then(|host| host.parse::<Authority>().ok());
    match here {
        Some(host) => format!("http://{host}"),
        None => state.app().config().public_url(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_a_port_unless_one_is_named() {
        let doors = Doors {
            hosts: ["localhost", "::1", "a.example", "b.example:8443"]
                .map(str::to_owned)
                .into(),
            origins: Vec::new(),
        };
        for (host, known) in [
            ("localhost:8080", true),
            ("[::1]:8080", true),
            ("A.example", true),
            ("a.example:9", true),
            ("b.example:8443", true),
            ("b.example", false),
            ("b.example:1", false),
            ("localhost.a.example.evil", false),
        ] {
            assert_eq!(doors.answers(&host.parse().unwrap()), known, "{host}");
        }
    }

    #[test]
    fn origins_are_compared_by_scheme_host_and_port() {
        assert!(fits("http://localhost:*", "http://localhost:6274"));
        assert!(fits("https://a.example", "https://a.example"));
        assert!(fits("https://a.example:443", "https://a.example"));
        for (allowed, origin) in [
            ("http://localhost:*", "https://localhost:6274"),
            ("http://localhost:*", "http://localhost.evil.example"),
            ("https://a.example", "https://b.example"),
            ("https://a.example:444", "https://a.example"),
            ("https://a.example", "null"),
        ] {
            assert!(!fits(allowed, origin), "{allowed} {origin}");
        }
    }
}

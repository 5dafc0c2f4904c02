//! All routes, and which layers each passes.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use futures_util::future::BoxFuture;
use parfocal_engine::EngineError;
use parfocal_engine::components::Active;
use tower::{Service, ServiceExt as _};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;

use crate::problem::Problem;
use crate::state::AppState;
use crate::{
    access, api, console, feed, guard, layers, mcp, oauth, ops, proxy, push, rsvp, webhooks,
    zoomapp,
};

/// Builds what answers requests: a router over the routes of what is on, made anew when something is switched.
pub(crate) async fn build(state: &AppState) -> Result<Entry, EngineError> {
    Ok(Entry(Arc::new(Mounted {
        state: state.clone(),
        current: RwLock::new(mount(state, state.app().components().active().await?)),
    })))
}

/// Where requests come in. Deliveries of webhooks, which may come by the ten thousand a second, go straight to their door;
/// everything else goes to the router and its layers.
#[derive(Clone)]
pub(crate) struct Entry(Arc<Mounted>);

impl Service<Request> for Entry {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mounted = Arc::clone(&self.0);
        Box::pin(async move {
            let active = mounted.state.app().components().active().await;
            let delivery = webhooks::delivery(&request)
                .filter(|_| active.as_ref().is_ok_and(|active| active.has("webhooks")));
            Ok(match delivery {
                Some(app) => layers::door(&mounted.state, app, request).await,
                None => mounted.answer(active, request).await,
            })
        })
    }
}

/// The routes that are there now.
struct Mounted {
    state: AppState,
    current: RwLock<(Active, Router)>,
}

impl Mounted {
    async fn answer(&self, active: Result<Active, EngineError>, request: Request) -> Response {
        let router = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            match &active {
                Ok(active) if *active != current.0 => None,
                _ => Some(current.1.clone()),
            }
        };
        let router = match (router, active) {
            (None, Ok(active)) => {
                let fresh = mount(&self.state, active);
                let router = fresh.1.clone();
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
                router
            }
            (Some(router), _) => router,
            (None, Err(error)) => return Problem::from(error).into_response(),
        };
        // A router never fails.
        router
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {})
    }
}

fn mount(state: &AppState, active: Active) -> (Active, Router) {
    state.pages().furnish(&active);
    let gate = middleware::from_fn_with_state(active.clone(), access::switched_off);
    let router = routes(state, &active)
        .layer(gate)
        .layer(middleware::from_fn(layers::timeout))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(middleware::from_fn(layers::security_headers))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            layers::observe,
        ))
        .with_state(state.clone());
    (active, router)
}

/// The routes of what is on, and of what always is. The webhook door stands outside the guard and CSRF: Zoom comes from
/// elsewhere and proves itself by signature.
fn routes(state: &AppState, active: &Active) -> Router<AppState> {
    let mut local = Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .nest("/v1", api::routes(active))
        .merge(access::routes());
    if active.has("console") {
        local = local.merge(console::routes(active));
    }
    let local =
        local
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method)
            .layer(DefaultBodyLimit::max(
                state.app().config().server.max_body_bytes,
            ))
            .layer(CsrfLayer::new().with_rejection_response(
                |_: tower_http::csrf::ProtectionError| guard::cross_site().into_response(),
            ))
            .layer(middleware::from_fn_with_state(
                state.clone(),
                access::identify,
            ));
    let mut all = Router::new();
    if active.has("webhooks") {
        // What is no plain delivery: another method, a name with escapes.
        all = all
            .route("/webhooks/zoom", post(webhooks::any_app))
            .route("/webhooks/zoom/{app}", post(webhooks::one_app))
            // The handler reads the body itself, under its own limit.
            .layer(DefaultBodyLimit::disable());
    }
    if active.has("mail") {
        all = all.merge(rsvp::routes(state));
    }
    all = all.merge(push::routes(state, active));
    if active.has("calendar-feed") {
        all = all.route("/calendar/{file}", get(feed::feed));
    }
    if active.has("zoomapp") {
        all = all
            .merge(zoomapp::routes(state))
            .merge(proxy::routes(state));
    }
    if active.has("mcp") {
        all = all.merge(mcp::routes(state));
    }
    all.method_not_allowed_fallback(wrong_method)
        .merge(oauth::routes(state))
        .merge(local)
}

async fn unknown_path(uri: axum::http::Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

async fn wrong_method(method: axum::http::Method, uri: axum::http::Uri) -> Problem {
    Problem::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{} does not answer {method}", uri.path()),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use axum::body::Body;
    use parfocal_engine::App;
    use parfocal_engine::components::{ALL, of_path};
    use parfocal_engine::config::Config;
    use parfocal_engine::keys::{Caller, Surface};

    use super::*;

    /// Every path that this crate's sources mount: the API's from its table, the others as they stand in the code, so that
    /// none can be forgotten here.
    fn served() -> BTreeSet<String> {
        let mut found: BTreeSet<String> = api::paths()
            .into_iter()
            .map(|path| format!("/v1{path}"))
            .collect();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        read(&sources, &mut found);
        assert!(found.len() > 60, "the routes were not found: {found:?}");
        found
            .iter()
            .map(|path| {
                path.split('/')
                    .map(|part| if part.starts_with('{') { "x" } else { part })
                    .collect::<Vec<_>>()
                    .join("/")
            })
            .collect()
    }

    fn read(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, found);
                continue;
            }
            // A listener of its own, beside the server: it takes the answer of a login on the command line.
            if path.ends_with("loopback.rs") {
                continue;
            }
            if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap_or_default();
                let nest = if path.components().any(|part| part.as_os_str() == "api") {
                    "/v1"
                } else {
                    ""
                };
                for rest in text.split(".route(").skip(1) {
                    let Some(route) = rest.trim_start().strip_prefix('"') else {
                        continue;
                    };
                    let route = route.split('"').next().unwrap_or_default();
                    found.insert(format!("{nest}{route}"));
                }
            }
        }
    }

    /// Without the gate, that is, whether there is a route at all.
    async fn is_mounted(state: &AppState, active: &Active, path: &str) -> bool {
        let (status, _) = ask(routes(state, active).with_state(state.clone()), path).await;
        match status {
            405 => true,
            404 => false,
            other => panic!("{path}: {other}"),
        }
    }

    async fn ask(router: Router, path: &str) -> (u16, String) {
        // No route takes this method, so one that is there refuses it and one that is not falls through.
        let request = Request::builder()
            .method("PROPFIND")
            .uri(path)
            .header("host", "localhost")
            .header("sec-fetch-site", "same-origin")
            .body(Body::empty())
            .unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 64 * 1024)
            .await
            .unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn what_is_off_has_no_route() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.data.dir = folder.path().to_owned();
        let app = App::open(config).await.unwrap();
        let state = AppState::new(app, "127.0.0.1:0".parse().unwrap(), None);
        let all = Active::everything();
        for path in served() {
            assert!(is_mounted(&state, &all, &path).await, "{path}");
            let Some(owner) = of_path(&path) else {
                continue;
            };
            let off = all.without(owner.name);
            // A page for people may lie in a router that it shares with others; what programs ask is not there at all.
            if path.starts_with("/v1") || ["webhooks", "mcp", "console"].contains(&owner.name) {
                assert!(
                    !is_mounted(&state, &off, &path).await,
                    "{path} without {}",
                    owner.name
                );
            }
            // And it is told how to get it.
            let (status, said) = ask(mount(&state, off).1, &path).await;
            assert_eq!(status, 404, "{path}: {said}");
            assert!(
                said.contains("component_off")
                    && said.contains(&format!("component activate {}", owner.name)),
                "{path}: {said}"
            );
        }
        let nothing = ALL
            .iter()
            .fold(Active::everything(), |active, one| active.without(one.name));
        for path in served() {
            let (status, said) = ask(mount(&state, nothing.clone()).1, &path).await;
            let expected = if of_path(&path).is_none() { 405 } else { 404 };
            assert_eq!(status, expected, "{path} with nothing on: {said}");
        }
    }

    #[tokio::test]
    async fn the_door_answers_by_itself_and_is_shut_with_its_component() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.data.dir = folder.path().to_owned();
        let app = App::open(config).await.unwrap();
        let state = AppState::new(app.clone(), "127.0.0.1:0".parse().unwrap(), None);
        let entry = build(&state).await.unwrap();
        let knock = async |path: &str| {
            let request = Request::post(path).body(Body::from("{}")).unwrap();
            let answer = entry.clone().oneshot(request).await.unwrap();
            assert!(answer.headers().contains_key("x-request-id"), "{path}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            answer.status().as_u16()
        };
        // Nobody has a secret yet: the sender should come again.
        assert_eq!(knock("/webhooks/zoom").await, 503);
        assert_eq!(knock("/webhooks/zoom/nobody").await, 404);
        let caller = Caller::local(Surface::Cli);
        app.components()
            .deactivate("webhooks", &caller)
            .await
            .unwrap();
        assert_eq!(knock("/webhooks/zoom").await, 404);
    }
}

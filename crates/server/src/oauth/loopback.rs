//! A login begun by the command line: a listener on 127.0.0.1 that waits for one browser to come back.
//!
//! A program on somebody's machine is a public client: it has no secret, PKCE stands in for it, and Zoom leads the browser to
//! `http://127.0.0.1` with any port. The listener answers the callback and the style of its page, nothing else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use parfocal_engine::audit::By;
use parfocal_engine::connections::{Consent, Finished};
use parfocal_engine::{App, Code, EngineError};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::CALLBACK;
use super::callback::Answer;
use super::ending::Ending;
use crate::state::AppState;
use crate::{assets, layers};

/// How long the page of the end may still fetch its style.
const STYLE: Duration = Duration::from_millis(1500);
/// Style and script.
const ASSETS: u32 = 2;
/// How long answers that are under way may still be written after that.
const GRACE: Duration = Duration::from_secs(1);

/// A listener that waits for a browser to come back from Zoom.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    address: SocketAddr,
}

/// How a wait ended when it did not end with a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoopbackError {
    /// The login itself failed; the browser shows why, too.
    #[error(transparent)]
    Login(Box<EngineError>),
    /// Nobody came back in time.
    #[error("nobody came back from Zoom's page within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// The listener failed.
    #[error("the listener for Zoom's answer failed: {0}")]
    Listen(#[from] io::Error),
}

#[derive(Clone)]
struct Waiting {
    state: AppState,
    consent: Arc<Consent>,
    by: By,
    ended: mpsc::Sender<Result<Finished, EngineError>>,
}

impl Loopback {
    /// Takes a free port on 127.0.0.1.
    ///
    /// # Errors
    /// The system gives none.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address to name when the login is begun.
    pub fn redirect_uri(&self) -> String {
        format!("http://{}{CALLBACK}", self.address)
    }

    /// Waits until the login that was begun with this address has ended, or the time is over.
    ///
    /// An answer with a forged or foreign `state` gets its page and is not taken for the end.
    ///
    /// # Errors
    /// Why the login failed, or that nobody came.
    pub async fn wait(
        self,
        app: &App,
        consent: Consent,
        by: By,
        limit: Duration,
    ) -> Result<Finished, LoopbackError> {
        let (ended, mut outcome) = mpsc::channel(1);
        let (fetching, mut dressed) = watch::channel(0_u32);
        let state = AppState::new(app.clone(), self.address, None);
        let waiting = Waiting {
            state: state.clone(),
            consent: Arc::new(consent),
            by,
            ended,
        };
        let router = Router::new()
            .route(CALLBACK, get(callback))
            .with_state(waiting)
            .merge(
                Router::new()
                    .route("/assets/{fingerprint}/{name}", get(assets::get))
                    .layer(middleware::from_fn_with_state(fetching, count))
                    .with_state(state),
            )
            .fallback(nothing)
            .layer(middleware::from_fn(layers::security_headers));
        let stop = CancellationToken::new();
        let until = stop.clone();
        let serve = axum::serve(self.listener, router)
            .with_graceful_shutdown(async move { until.cancelled().await })
            .into_future();
        let server = tokio::spawn(serve);
        let clock = app.clock().clone();
        let found = tokio::select! {
            found = outcome.recv() => found,
            () = clock.sleep(limit) => None,
        };
        // A browser comes back at once for the style and the script of its last page.
        if found.is_some() {
            let fetched = dressed.wait_for(|assets| *assets >= ASSETS);
            let _ = tokio::time::timeout(STYLE, fetched).await;
        }
        stop.cancel();
        let abort = server.abort_handle();
        if tokio::time::timeout(GRACE, server).await.is_err() {
            abort.abort();
        }
        match found {
            Some(Ok(finished)) => Ok(finished),
            Some(Err(error)) => Err(LoopbackError::Login(Box::new(error))),
            None => Err(LoopbackError::TimedOut(limit)),
        }
    }
}

async fn callback(State(waiting): State<Waiting>, request: Parts) -> Response {
    let ending = Ending::new(&waiting.state, &request).for_terminal();
    let answer = Answer::of(&request);
    let ours = answer.state.as_deref() == Some(waiting.consent.state.expose_secret());
    // One browser word for the one login of this process; whoever brings its `state` is its browser.
    let browser = ours.then(|| waiting.consent.browser.expose_secret().to_owned());
    let connections = waiting.state.app().connections();
    let outcome = connections
        .finish_user(answer.returned(browser), &waiting.by)
        .await;
    let page = match &outcome {
        Ok(finished) => ending.done(finished),
        Err(error) => ending.failed(error),
    };
    // A page opened twice, or an answer to another login, does not end this one.
    let ends = outcome
        .as_ref()
        .err()
        .is_none_or(|error| ours && error.code() != Code::StateUsed);
    if ends {
        // Nobody receives once the first outcome has come.
        let _ = waiting.ended.try_send(outcome);
    }
    page
}

/// Counts what of a page's style and script has been fetched.
async fn count(
    State(fetching): State<watch::Sender<u32>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    fetching.send_modify(|assets| *assets += 1);
    response
}

async fn nothing() -> Response {
    (
        axum::http::StatusCode::NOT_FOUND,
        Html("<!doctype html><title>Parfocal</title><p>Nothing is here; the terminal waits for Zoom's answer.</p>"),
    )
        .into_response()
}

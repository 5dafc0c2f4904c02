//! The listening simulator.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::reply::{Refusal, Reply};
use super::state::Shared;
use crate::config::Config;
use crate::tls::Authority;

/// Largest request body read; an import into Brevo may be larger than anything sent to Zoom.
const MAX_BODY: usize = 4 * 1024 * 1024;
const MAX_IMPORT: usize = 12 * 1024 * 1024;

/// Why a simulator does not start or does not begin again.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The account's contents.
    #[error(transparent)]
    World(#[from] crate::world::WorldError),
    /// The sender of webhooks.
    #[error(transparent)]
    Hub(#[from] crate::webhooks::HubError),
    /// The certificate authority.
    #[error(transparent)]
    Authority(#[from] crate::tls::AuthorityError),
    /// The clock.
    #[error(transparent)]
    Clock(#[from] crate::clock::ClockError),
}

/// A running simulated account.
#[derive(Debug)]
pub struct Simulator {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Builds the account, listens and serves until [`Self::shutdown`].
    ///
    /// # Errors
    /// When the address is taken, the transcripts folder is unusable, or the clock file cannot be written.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let tls = match &config.tls {
            Some(folder) => Some(Authority::open(folder)?.server_config()?),
            None => None,
        };
        let fail = |source| StartError::Listen {
            addr: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(fail)?;
        let addr = listener.local_addr().map_err(fail)?;
        let base_url = config
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{addr}"));
        let stop = CancellationToken::new();
        let shared = Shared::new(
            config,
            base_url.trim_end_matches('/').to_owned(),
            stop.clone(),
        )?;
        let router = Router::new().fallback(serve).with_state(shared.clone());
        let until = stop.clone();
        let task = tokio::spawn(crate::tls::serve(listener, router, tls, until));
        shared.wake().await;
        Ok(Self {
            addr,
            shared,
            stop,
            task,
        })
    }

    /// `http://127.0.0.1:PORT`, without `/v2`.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops listening and ends what still runs.
    pub async fn shutdown(self) {
        self.stop.cancel();
        let _ = self.task.await;
    }

    /// Serves until the listener ends.
    pub async fn wait(self) {
        let _ = self.task.await;
        self.stop.cancel();
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let raw_query = parts.uri.query().unwrap_or("").to_owned();
    let most = if parts.uri.path().starts_with("/brevo/") {
        MAX_IMPORT
    } else {
        MAX_BODY
    };
    let Ok(body) = axum::body::to_bytes(body, most).await else {
        return Reply::from(Refusal::new(413, 300, "Request body is too large.")).into_response();
    };
    let call = Call {
        method: parts.method,
        raw_path: parts.uri.path().to_owned(),
        query: super::path::pairs(&raw_query),
        raw_query,
        headers: parts.headers,
        body,
    };
    super::route::answer(&shared, &call).await.into_response()
}

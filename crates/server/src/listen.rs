//! The server's life: take the address, answer, stop without cutting anybody off.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use parfocal_engine::App;
use parfocal_engine::config::Auth;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::router::{self, Entry};
use crate::state::AppState;

/// How often histograms are drained.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address can be reached from other machines, and there is no authentication.
    #[error("{0} can be reached from other machines, and there is no authentication")]
    NotLoopback(SocketAddr),
    /// Nobody can come in without a key, and there is none.
    #[error("server.auth is keys, and there is no key of an administrator")]
    NoKey,
    /// The store could not be asked for keys, or for what is switched on.
    #[error("keys and components could not be looked up: {0}")]
    Keys(parfocal_engine::EngineError),
    /// The address cannot be taken.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Accepting connections failed.
    #[error("the server stopped: {0}")]
    Serve(io::Error),
}

impl ServerError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotLoopback(_) => "Set server.auth to keys, or server.listen to 127.0.0.1:8080.",
            Self::NoKey => {
                "Make one with `parfocal keys create NAME --role admin`, then start again."
            }
            Self::Keys(_) => "`parfocal doctor` looks at the database.",
            Self::Listen { .. } => {
                "Another program may use the port: choose another one with server.listen."
            }
            Self::Serve(_) => "Look at the system's limits on open files, then start it again.",
        }
    }
}

/// A server that has its address and waits to be run.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    entry: Entry,
    state: AppState,
    grace: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Takes the configured address.
    ///
    /// # Errors
    /// The address is not loopback, or cannot be taken.
    pub async fn bind(app: App, metrics: Option<Metrics>) -> Result<Self, ServerError> {
        let config = app.config().server.clone();
        if config.auth == Auth::Keys {
            if !app.keys().any_admin().await.map_err(ServerError::Keys)? {
                return Err(ServerError::NoKey);
            }
        } else if !config.listen.ip().is_loopback() {
            return Err(ServerError::NotLoopback(config.listen));
        }
        let listen = |source| ServerError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let state = AppState::new(app, address, metrics);
        let entry = router::build(&state).await.map_err(ServerError::Keys)?;
        Ok(Self {
            listener,
            address,
            entry,
            state,
            grace: Duration::from_secs(config.shutdown_seconds),
        })
    }

    /// The address in use; with port 0 configured, the one the system gave.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop`, then lets running ones finish for the configured grace.
    ///
    /// # Errors
    /// Accepting connections failed for good.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServerError> {
        let upkeep = tokio::spawn(upkeep(self.state.clone(), stop.clone()));
        let pulse = tokio::spawn({
            let state = self.state.clone();
            async move { state.pulse().run(state.app()).await }
        });
        let stopped = {
            let (state, stop) = (self.state.clone(), stop.clone());
            async move {
                stop.cancelled().await;
                state.pulse().end();
            }
        };
        let serve = axum::serve(
            self.listener,
            ServiceExt::<Request>::into_make_service(self.entry),
        )
        .with_graceful_shutdown(stopped)
        .into_future();
        let outcome = tokio::select! {
            outcome = serve => outcome.map_err(ServerError::Serve),
            () = async {
                stop.cancelled().await;
                // A connection that never ends must not keep the process alive.
                let _ = tokio::time::timeout(self.grace, std::future::pending::<()>()).await;
            } => {
                tracing::warn!("connections were still open at the end of the grace period");
                Ok(())
            }
        };
        upkeep.abort();
        pulse.abort();
        outcome
    }
}

async fn upkeep(state: AppState, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Some(metrics) = state.metrics() {
            metrics.upkeep();
        }
        tokio::select! {
            () = state.app().clock().sleep(UPKEEP) => {}
            () = stop.cancelled() => {}
        }
    }
}

//! What handlers share: the application and the few things that only HTTP needs.

use std::net::SocketAddr;
use std::sync::Arc;

use parfocal_engine::App;
use parfocal_engine::config::Auth;
use tokio_util::sync::CancellationToken;

use crate::console::Pages;
use crate::layers::RequestIds;
use crate::metrics::Metrics;
use crate::proxy::Flights;
use crate::pulse::Pulse;

/// The state of the router; cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Inner>);

struct Inner {
    app: App,
    address: SocketAddr,
    pages: Pages,
    metrics: Option<Metrics>,
    request_ids: RequestIds,
    pulse: Pulse,
    flights: Flights,
}

impl AppState {
    /// Puts the parts together.
    pub(crate) fn new(app: App, address: SocketAddr, metrics: Option<Metrics>) -> Self {
        let request_ids = RequestIds::new(app.clock().now().as_microsecond());
        let guarded = app.config().server.auth == Auth::Keys;
        Self(Arc::new(Inner {
            app,
            address,
            pages: Pages::new(guarded),
            metrics,
            request_ids,
            pulse: Pulse::new(CancellationToken::new()),
            flights: Flights::default(),
        }))
    }

    /// The application.
    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    /// The address that is listened on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The templates.
    pub(crate) fn pages(&self) -> &Pages {
        &self.0.pages
    }

    /// The recorder, if the process has one.
    pub(crate) fn metrics(&self) -> Option<&Metrics> {
        self.0.metrics.as_ref()
    }

    /// The notices that live pages listen to.
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.0.pulse
    }

    /// Reads of the proxy that are under way.
    pub(crate) fn flights(&self) -> &Flights {
        &self.0.flights
    }

    /// The source of request ids.
    pub(crate) fn request_ids(&self) -> &RequestIds {
        &self.0.request_ids
    }
}

//! Everything HTTP that Parfocal serves: the webhook door, the read-only API, the pages, health and metrics.
//!
//! Handlers are thin: they turn a request into one call on the engine's [`App`](parfocal_engine::App) and its answer into JSON or
//! a page. Status codes are known in one place, [`problem`]; SQL, files and Zoom are known nowhere here.

pub mod lookup;
pub mod mcp;
pub mod problem;
pub mod views;

mod access;
mod api;
mod assets;
mod console;
mod feed;
mod guard;
mod layers;
mod listen;
mod metrics;
mod oauth;
mod ops;
mod paging;
mod proxy;
mod pulse;
mod push;
mod reach;
mod router;
mod rsvp;
mod state;
mod webhooks;
mod zoomapp;

pub use listen::{Server, ServerError};
pub use metrics::Metrics;
pub use oauth::loopback::{Loopback, LoopbackError};

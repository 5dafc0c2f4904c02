//! Zoom for Rust: OAuth, rate limits, typed endpoints, webhooks, downloads.

pub mod api;
pub mod auth;
mod backoff;
mod client;
pub mod clock;
pub mod download;
mod durable;
pub mod endpoint;
pub mod error;
mod hidden;
pub mod id;
mod lenient;
pub mod limit;
mod page;
mod transport;
pub mod webhook;

pub use backoff::Backoff;
pub use client::{Call, Client, ClientBuilder, Reply, Response};
pub use error::{Error, ErrorKind, Result};
pub use hidden::{Extra, Hidden};
pub use page::{PAGE_SIZE, Page, Pages};
pub use transport::{Transport, TransportBuilder};

//! A Zoom account on your machine: OAuth, REST, files, webhooks and rate limits over loopback HTTP, written from Zoom's published reference.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use parfocal_simulator::{Config, Plan, Simulator};
//!
//! let simulator = Simulator::start(Config { plan: Plan::Pro, ..Config::default() }).await?;
//! println!("a Zoom account answers at {}", simulator.base_url());
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub(crate) mod brevo;
pub(crate) mod calendars;
pub mod clock;
pub mod config;
pub mod content;
pub(crate) mod control;
pub mod faults;
pub mod files;
pub mod generate;
pub mod http;
pub mod knowable;
pub mod limits;
pub mod oauth;
pub mod rest;
pub mod tls;
pub mod webhooks;
pub mod world;
pub(crate) mod zoomapp;

pub use config::{
    App, AppKind, AppScopes, Config, Generate, Limits, Plan, RateHeaders, WebhookTarget,
};
pub use http::server::{Simulator, StartError};

//! The application: connections, ingest, backfill, transcripts, and the work behind them.
//!
//! Only this crate talks both to the store and to the outside. [`App`] owns the long-lived parts and is what the server and the
//! command line hold; everything they need, webhook verification included, is reached through it.

pub mod actions;
pub mod activate;
mod app;
pub mod ask;
pub mod audit;
pub mod backfill;
pub mod budget;
pub mod calendar;
pub mod clock;
pub mod components;
pub mod config;
pub mod connections;
pub mod error;
mod folder;
pub mod ingest;
pub mod jobs;
pub mod keys;
pub mod media;
pub mod models;
pub mod notify;
pub mod provider;
pub mod registry;
pub mod schedule;
pub mod search;
mod sequencer;
pub mod signin;
pub mod status;
pub mod talk;
pub mod told;
pub mod transcripts;
pub mod understand;
pub mod vault;
pub mod webhooks;
pub mod zoomapp;

pub use app::App;
pub use error::{Code, EngineError, Kind, Result};
pub use parfocal_store as store;
pub use parfocal_zoom as zoom;

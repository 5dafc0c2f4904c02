//! Zoom for Rust: OAuth, rate limits, typed endpoints, webhooks, downloads.

pub mod clock;
pub mod error;
pub mod id;
pub mod limit;

pub use error::{Error, ErrorKind, Result};

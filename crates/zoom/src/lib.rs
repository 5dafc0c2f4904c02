//! Zoom for Rust: OAuth, rate limits, typed endpoints, webhooks, downloads.
//!
//! ```no_run
//! # async fn example() -> parfocal_zoom::Result<()> {
//! use futures_util::TryStreamExt as _;
//! use parfocal_zoom::api::DateWindow;
//! use parfocal_zoom::auth::{App, OAuth, TokenSource};
//! use parfocal_zoom::download::Download;
//! use parfocal_zoom::{Client, id::UserId};
//!
//! let app = App::confidential("client-id", "client-secret");
//! let tokens = TokenSource::server_to_server(OAuth::system()?, app, "account-id").build();
//! let client = Client::builder(tokens).build()?;
//!
//! let month = DateWindow::new("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap())?;
//! let mut recordings = client.recordings().list(&UserId::new("ann@example.com"), month).items();
//! while let Some(recording) = recordings.try_next().await? {
//!     for file in &recording.recording_files {
//!         if let (Some(download), Some(id)) = (Download::of(file), &file.id) {
//!             let path = std::path::PathBuf::from(id.as_str());
//!             client.downloads().fetch(&download, &path, |_| ()).await?;
//!         }
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # What it takes care of
//!
//! - **Tokens** ([`auth`]): every grant of Zoom's, renewed early and one at a time, stored before use, and renewed
//!   once more when Zoom refuses one.
//! - **Limits** ([`limit`]): the account's rates per label, its daily budgets and the quotas of hosts and registrants,
//!   by priority; a [`limit::Budget`] of your own can share them between processes.
//! - **Retries**: what is safe to repeat is repeated, with backoff and every form of `Retry-After`; what may have had
//!   an effect never is ([`ErrorKind::OutcomeUnknown`]).
//! - **Lists** ([`Pages`]) that always end, and [`error::Error`]s that say what to do.
//! - **Webhooks** ([`webhook`]) verified over the raw bytes, **downloads** ([`download`]) that are files or errors.
//!
//! # What it does not do
//!
//! It reads no configuration and no environment, starts no threads, and keeps nothing on the disk that you did not name.
//! Time and chance come in through [`clock`], so that tests can move the one and repeat the other. Facts about Zoom are
//! those of its API documents and developer pages of 2026; where they disagree, both forms are accepted.
//!
//! # Panics
//!
//! None on any input. [`clock::OsRandom`] panics when the operating system has no random source.

pub mod api;
pub mod auth;
mod backoff;
mod client;
pub mod clock;
pub mod context;
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
pub use client::{Call, Client, ClientBuilder, Reply, Response, Streamed};
pub use error::{Error, ErrorKind, Result};
pub use hidden::{Extra, Hidden};
pub use page::{PAGE_SIZE, Page, Pages};
pub use transport::{Transport, TransportBuilder};

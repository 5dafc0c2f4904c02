//! What an operator may set, as plain structures.
//!
//! The command line reads files and environment and hands a [`Config`] over; from there values travel as arguments and nothing in
//! this crate reads the environment. Unknown keys are refused at every level. [`KEYS`] lists each key once with its type, default,
//! environment name and meaning; the reference page and `config/default.yaml` are checked against it.

mod availability;
mod calendars;
mod keys;
mod mail;
mod models;
mod oidc;
mod secret;
mod sections;
mod validate;

pub use availability::Availability;
pub(crate) use availability::Route;
pub use calendars::{CalendarChanges, Calendars, Google, Microsoft};
pub use keys::{KEYS, Key, Kind, environment_name};
pub use mail::{Imap, Language, Reminders, Security, Smtp};
pub use models::{ModelApi, ModelServer, Models, Structured, TokenParameter};
pub(crate) use models::{Nearness, nearness};
pub use oidc::Oidc;
pub(crate) use oidc::is_safe;
pub use secret::Secret;
pub use sections::{
    Auth, Backfill, Clock, Config, Data, Database, FileKind, Inbox, Jobs, Limits, Log, Mcp, Media,
    Plan, Server, ToolNames, Vault, Zoom, ZoomApp,
};
pub use validate::Invalid;
pub(crate) use validate::is_loopback;

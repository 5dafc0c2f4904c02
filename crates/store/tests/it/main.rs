//! The store's stories, each told to SQLite and to PostgreSQL.
//!
//! PostgreSQL takes part when `TEST_DATABASE_URL` names a server where databases may be made; otherwise
//! every story says aloud that it was skipped there.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests fail by panicking and say what they skip"
)]

mod access;
mod attendance;
mod grants;
mod inbox;
mod insights;
mod jobs;
mod keys;
mod media;
mod meetings;
mod rates;
mod search;
mod search_about;
mod speed;
mod support;
mod talk;
mod tracker;
mod trouble;
mod upkeep;
mod users;
mod work;

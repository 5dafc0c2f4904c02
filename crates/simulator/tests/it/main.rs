//! The simulator over its own HTTP surface, as a stranger would use it.
#![expect(clippy::print_stderr, reason = "what is skipped is said aloud")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod brevo;
mod calendars_google;
mod calendars_graph;
mod control;
mod downloads;
mod faults;
mod history;
mod kit;
mod knowable;
mod limits;
mod live;
mod meetings;
mod oauth;
mod paging;
mod plans;
mod recordings;
mod refresh;
mod registrants;
mod schema;
mod scopes;
mod users;
mod world;
mod world_live;
mod world_webhooks;

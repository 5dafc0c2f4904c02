//! The client against small fakes (one quirk each) and against the simulated Zoom account (whole flows).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod auth;
mod corpus;
mod downloads;
mod fake;
mod kit;
mod limiter;
mod logs;
mod oauth_errors;
mod paging;
mod pipeline;
mod simulator;
mod simulator_auth;
mod simulator_flows;

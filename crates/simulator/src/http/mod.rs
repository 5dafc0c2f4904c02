//! The HTTP surface: server, router, requests and answers.

pub mod call;
pub mod inspector;
pub mod path;
pub mod reply;
pub(crate) mod route;
pub mod server;
pub mod state;

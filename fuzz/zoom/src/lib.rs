//! Zoom's webhooks alone, built from the client's own files.
#![allow(dead_code, reason = "the client uses more of it")]

pub mod api;
#[path = "../../../crates/zoom/src/hidden.rs"]
mod hidden;
#[path = "../../../crates/zoom/src/id.rs"]
pub mod id;
#[path = "../../../crates/zoom/src/lenient.rs"]
mod lenient;
#[path = "../../../crates/zoom/src/webhook/mod.rs"]
pub mod webhook;

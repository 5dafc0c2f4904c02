//! The built program, driven as a person or a script drives it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod configuration;
mod demo;
mod doctor;
mod help;
mod local;
mod support;

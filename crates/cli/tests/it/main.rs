//! The built program, driven as a person or a script drives it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests drive real processes in real time, and say aloud what they skip"
)]

mod actions;
mod book;
mod canary;
mod configuration;
mod connect;
mod demo;
mod disk;
mod doctor;
mod help;
mod kill;
mod local;
mod mcp;
mod postgres;
mod saga;
mod storm;
mod story;
mod support;
mod terminal;

//! The server over its real doors: a listening socket, an HTTP client, a store in a temporary directory.
#![expect(
    clippy::unwrap_used,
    reason = "tests say what they expect by panicking"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "signatures are made for the present, as Zoom makes them"
)]

mod actions;
mod connections;
mod consent;
mod desk;
mod destinations;
mod door;
mod guard;
mod life;
mod login;
mod mail;
mod mcp;
mod pages;
mod problems;
mod push;
mod schedule;
mod signin;
mod support;
mod talk;
mod work;
mod zoom;
mod zoomapp;

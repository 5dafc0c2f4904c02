//! The engine's configuration alone, built from the engine's own files.
#![allow(dead_code, reason = "the engine uses more of it")]

mod actions;
mod clock;
#[path = "../../../crates/engine/src/config/mod.rs"]
pub mod config;
mod vault;

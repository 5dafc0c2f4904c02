//! What Zoom's answers hold; events carry some of it.

#[path = "../../../crates/zoom/src/api/types/mod.rs"]
mod types;

pub use types::*;

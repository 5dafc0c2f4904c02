//! Organisations of any size: nothing is kept but a few numbers for each meeting, everything else is derived from them.

mod names;
mod plan;
mod talk;

pub use plan::Generator;
pub use talk::GeneratedTalk;

//! Talk that is meant to trip the analyst up.

mod odd_talk;
mod ordinary_talk;

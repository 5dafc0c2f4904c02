//! Tests of the public interface, on files of our own, on generated files, and on real ones when they are there.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests fail by panicking and say aloud what they skip"
)]

mod availability;
mod corpus;
mod fixtures;
mod foreign;
mod ical;
mod real;
mod recurrence;
mod roundtrip;
mod speed;
mod transcripts;

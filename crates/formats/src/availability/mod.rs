//! When people are free: busy times, working hours and holidays as sets of time, and the slots that suit everybody.
//!
//! Times are half-open spans of instants. Working hours are what the wall clock shows, so they move with a zone's offset.
//! Somebody whose calendar cannot be read is unknown, and unknown is never free: [`find_available_slots`] gives nothing then,
//! and says whose calendar is missing; [`suggest_meeting_times`] ranks such times low and says why.
//!
//! ```
//! use parfocal_formats::availability::{Busy, Hours, Person, Request, Span, Spans, find_available_slots};
//!
//! let at = |text: &str| text.parse::<jiff::Timestamp>();
//! let busy = Spans::of([Span::new(at("2026-12-01T08:00:00Z")?, at("2026-12-01T15:30:00Z")?)]);
//! let mut ana = Person::new("ana@example.com", Busy::Known(busy));
//! ana.hours = Some(Hours::weekdays("Europe/Berlin", 9 * 60, 17 * 60)?);
//! let window = Span::new(at("2026-12-01T00:00:00Z")?, at("2026-12-02T00:00:00Z")?);
//! let found = find_available_slots(&Request::new(window, 30), &[ana]);
//! assert_eq!(found.slots[0].from, at("2026-12-01T15:30:00Z")?);
//! assert_eq!(found.slots.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod hours;
mod slots;
mod spans;

pub use hours::{Hours, HoursError};
pub use slots::{
    Available, Busy, Person, Reason, Request, Suggestion, Unknown, find_available_slots,
    suggest_meeting_times,
};
pub use spans::{Span, Spans};

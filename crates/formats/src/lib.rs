//! Zoom's files and the words in them: transcripts, chats, timelines, the search grammar and the normal form of text.
//!
//! Everything here is pure: bytes and strings in, values out; no I/O, no clock, no async. Nothing panics on any
//! input, because all of it comes from outside.
//!
//! - [`availability`] finds times that suit everybody,
//! - [`vtt`] reads and writes Zoom's WebVTT transcripts,
//! - [`chat`] reads Zoom's chat files,
//! - [`foreign`] reads transcripts of other tools, and writes SubRip,
//! - [`timeline`] reads the active-speaker timeline,
//! - [`text`] turns text into the tokens that every search index stores,
//! - [`query`] reads what a person types into the search box,
//! - [`ical`] writes and reads iCalendar and iTIP: meetings, invitations, answers, busy times,
//! - [`recurrence`] repeats meetings by RFC 5545's rules, and tells them to Zoom, Google and Microsoft.

pub mod availability;
pub mod chat;
pub mod foreign;
pub mod ical;
pub mod query;
pub mod recurrence;
pub mod text;
pub mod timeline;
pub mod vtt;

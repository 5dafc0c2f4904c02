//! The embedded analyst: from the lines of a transcript to what the meeting was about, what was decided, who owes what
//! by when, what stays open, and who spoke how much.
//!
//! It is extractive and says so: what it reports are sentences that were said, tidied for reading, each with the cues
//! it stands in and a quote that [`verify()`] finds there again. It reads English; of talk in other languages it reports
//! times and speakers and is silent about the rest. Everything is pure and deterministic: lines in, values out, no I/O,
//! no clock, no model file.
//!
//! ```
//! use parfocal_understand::{Line, Wish, analyse};
//! let lines = [
//!     Line { n: 1, start_ms: 0, end_ms: 4_000, speaker: Some("Edda"), text: "I'll send the draft to the harbour office by Friday." },
//!     Line { n: 2, start_ms: 4_500, end_ms: 6_000, speaker: Some("Luan"), text: "Perfect, thank you." },
//! ];
//! let wish = Wish { date: Some(jiff::civil::date(2026, 3, 3)), ..Wish::default() };
//! let found = analyse(&lines, &wish);
//! let item = &found.action_items[0];
//! assert_eq!(item.text, "Send the draft to the harbour office by Friday.");
//! assert_eq!(item.owner.as_deref(), Some("Edda"));
//! assert_eq!(item.due, Some(jiff::civil::date(2026, 3, 6)));
//! assert_eq!((item.cite.from, item.cite.to), (1, 1));
//! ```

mod actions;
mod analysis;
mod chapters;
mod decisions;
mod due;
mod language;
mod minutes;
mod questions;
mod sentence;
mod signs;
mod stats;
mod summary;
mod tasks;
mod tidy;
mod topics;
mod turns;
mod verify;
mod window;
mod words;

pub use analysis::{
    Analysis, Chapter, Citation, Insight, Kind, Line, Summary, VERSION, Wish, analyse,
};
pub use due::due_in;
pub use language::LanguageShare;
pub use minutes::{Heading, escaped, markdown};
pub use stats::{SpeakerStats, Stats, of as stats};
pub use tasks::{Task, Tasks};
pub use turns::{Utterance, utterances};
pub use verify::{Fault, verify};

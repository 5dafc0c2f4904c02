//! Recurrence rules (RFC 5545 §3.3.10): read, written, said in words, expanded in a zone, and told to Zoom, Google and
//! Microsoft.
//!
//! A [`Rule`] is the pattern and its end; a [`Series`] is a rule with a first start, a zone and exceptions, and gives the
//! instances. What another system cannot express is an [`Unsupported`] with the part and the reason, never a guess.
//!
//! ```
//! use parfocal_formats::recurrence::{Rule, Series, Start};
//!
//! let rule: Rule = "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3".parse()?;
//! assert_eq!(rule.in_words(), "every week on Monday and Wednesday, 3 times");
//!
//! // Nine o'clock in Berlin stays nine o'clock when summer time begins.
//! let start = Start::in_zone("2026-03-25T09:00".parse()?, "Europe/Berlin")?;
//! let series = Series::new(start, rule)?;
//! let times: Vec<String> = series.instances().filter_map(|one| Some(one.at?.to_string())).collect();
//! assert_eq!(times, ["2026-03-25T08:00:00Z", "2026-03-30T07:00:00Z", "2026-04-01T07:00:00Z"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod google;
mod graph;
mod rule;
mod series;
mod words;
mod zoom;

pub use graph::{GraphPattern, GraphRange, GraphRecurrence};
pub use rule::{ByDay, End, Frequency, Rule, RuleError, Until};
pub use series::{Instance, Instances, Series, SeriesError, Start};
pub use zoom::{ZoomLimits, ZoomRecurrence};

/// Why another system cannot hold a rule.
///
/// The message is meant for the person who made the rule; it says what to do instead where there is a way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{system} cannot repeat a meeting like this: {reason}")]
pub struct Unsupported {
    /// The system, as people call it.
    pub system: &'static str,
    /// The part of the rule, by its RFC 5545 name.
    pub part: &'static str,
    /// The reason, and a way out where there is one.
    pub reason: String,
}

//! What is answered.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parfocal_formats::availability::Span;
use schemars::JsonSchema;
use serde::Serialize;

use crate::calendar::TimeSpan;

/// A time at which a meeting could be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Slot {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// When it begins, by the clocks of the zone that was asked for.
    pub start_local: String,
}

impl Slot {
    pub(super) fn of(span: Span, zone: &TimeZone) -> Self {
        Self {
            start: span.from,
            end: span.to,
            start_local: span.from.to_zoned(zone.clone()).datetime().to_string(),
        }
    }
}

/// What is known of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PersonView {
    /// Who.
    pub person: String,
    /// Whether they have to come.
    pub required: bool,
    /// Whether it is known when they are busy; if not, they are never taken for free.
    pub known: bool,
    /// Why it is not known.
    pub reason: Option<String>,
    /// The calendars that were asked; `feed` is what was scheduled here.
    pub calendars: Vec<String>,
    /// The zone of their working hours; none when hours do not count.
    pub timezone: Option<String>,
    /// When they are busy as far as it is known, what was scheduled here included.
    pub busy: Vec<TimeSpan>,
}

/// The slots that suit everybody who has to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Available {
    /// Looked at from here on.
    pub from: Timestamp,
    /// Looked at until here.
    pub to: Timestamp,
    /// The zone of local times.
    pub timezone: String,
    /// How long the meeting lasts, in minutes.
    pub minutes: u32,
    /// The slots, the earliest first; none when of somebody who has to come it is not known when they are busy.
    pub slots: Vec<Slot>,
    /// Whether there are more than asked for.
    pub more: bool,
    /// Whom it is about.
    pub people: Vec<PersonView>,
}

/// A part of a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Points {
    /// What it adds.
    pub points: i32,
    /// Why.
    pub text: String,
}

/// A time that could suit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Suggested {
    /// When.
    #[serde(flatten)]
    pub slot: Slot,
    /// From 0 to 100, the sum of the reasons' points.
    pub score: i32,
    /// Whether everybody who has to come is known to be free.
    pub certain: bool,
    /// What the score is made of.
    pub reasons: Vec<Points>,
}

/// The times that suit best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Suggestions {
    /// Looked at from here on.
    pub from: Timestamp,
    /// Looked at until here.
    pub to: Timestamp,
    /// The zone of local times.
    pub timezone: String,
    /// How long the meeting lasts, in minutes.
    pub minutes: u32,
    /// The suggestions, the best first, none overlapping another.
    pub suggestions: Vec<Suggested>,
    /// Whom it is about.
    pub people: Vec<PersonView>,
}

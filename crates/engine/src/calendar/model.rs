//! Events in words that every calendar shares.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use parfocal_formats::recurrence::{Rule, Series, SeriesError, Start};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When an event takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At a time.
    Timed {
        /// The first start, as the wall clock of `zone` shows it.
        start: DateTime,
        /// IANA name of the zone.
        zone: String,
        /// Length in minutes.
        minutes: u32,
    },
    /// On whole days, wherever one is.
    AllDay {
        /// The first day.
        first: Date,
        /// The last day, inclusive.
        last: Date,
    },
}

impl When {
    /// The first start in the form that recurrence rules take.
    ///
    /// # Errors
    /// An unknown zone.
    pub fn start(&self) -> Result<Start, SeriesError> {
        match self {
            Self::Timed { start, zone, .. } => Start::in_zone(*start, zone),
            Self::AllDay { first, .. } => Ok(Start::Day(*first)),
        }
    }

    /// From when to when, as instants; none for whole days, for unknown zones and for times that the zone's clocks skip.
    pub fn span(&self) -> Option<TimeSpan> {
        let Self::Timed { start, minutes, .. } = self else {
            return None;
        };
        let from = self.start().ok()?.instant(*start)?;
        let to = from
            .checked_add(SignedDuration::from_mins(i64::from(*minutes)))
            .ok()?;
        Some(TimeSpan { from, to })
    }
}

/// From an instant up to but not including another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct TimeSpan {
    /// Its first instant.
    pub from: Timestamp,
    /// The instant after its last.
    pub to: Timestamp,
}

impl TimeSpan {
    /// Whether two have an instant in common.
    pub fn meets(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// How an event repeats, with the starts taken out and added; those as the wall clock of the event's zone shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// The rule.
    #[serde(with = "rule_text")]
    pub rule: Rule,
    /// Starts that do not happen (`EXDATE`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<DateTime>,
    /// Starts beside the rule's (`RDATE`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<DateTime>,
}

impl Recurrence {
    /// A rule without exceptions.
    pub fn of(rule: Rule) -> Self {
        Self {
            rule,
            excluded: Vec::new(),
            added: Vec::new(),
        }
    }

    /// The series that it makes of a first start.
    ///
    /// # Errors
    /// Parts that do not go together, a start that the zone's clocks skip.
    pub fn series(&self, start: Start) -> Result<Series, SeriesError> {
        Ok(Series::new(start, self.rule.clone())?
            .without(self.excluded.iter().copied())
            .with(self.added.iter().copied()))
    }
}

mod rule_text {
    use parfocal_formats::recurrence::Rule;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(rule: &Rule, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(rule)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Rule, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// One occurrence of a series that differs from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The start that the rule gives it, as the wall clock of the event's zone shows it (`RECURRENCE-ID`).
    pub original: DateTime,
    /// How it differs.
    pub change: OverrideChange,
}

/// How one occurrence differs from its series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideChange {
    /// It does not take place.
    Cancelled,
    /// It takes place at another time, or under another title.
    Moved {
        /// When it takes place.
        when: When,
        /// Its own title; none: the series' title.
        title: Option<String>,
    },
}

/// Whether somebody has to come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Is asked to come (`REQ-PARTICIPANT`).
    #[default]
    Required,
    /// May come (`OPT-PARTICIPANT`).
    Optional,
    /// Leads it (`CHAIR`).
    Chair,
    /// A room or a device (`CUTYPE=RESOURCE`).
    Resource,
}

/// What somebody answered to an invitation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing yet.
    #[default]
    Pending,
    /// Yes.
    Accepted,
    /// No.
    Declined,
    /// Perhaps.
    Tentative,
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// The address.
    pub email: String,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether they have to come.
    #[serde(default)]
    pub role: Role,
    /// What they answered.
    #[serde(default)]
    pub answer: Answer,
}

/// How somebody is reminded.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReminderMethod {
    /// A mail.
    #[default]
    Email,
    /// A request to an address of the operator's.
    Webhook,
    /// A message to the devices.
    Push,
}

impl ReminderMethod {
    /// The name, as it is stored and written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Push => "push",
        }
    }
}

/// A reminder before each occurrence.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Reminder {
    /// Minutes before the start.
    pub minutes: u32,
    /// How.
    #[serde(default)]
    pub method: ReminderMethod,
}

/// An event as it is to stand, or stands, in a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarEvent {
    /// What the event is known by for ever: the id of its schedule. The id at the calendar is made from it.
    pub key: String,
    /// `UID` of iCalendar, the same in every calendar and mail.
    pub ical_uid: String,
    /// `SEQUENCE` of iCalendar: grows with each change of time.
    pub sequence: u32,
    /// What it is about.
    pub title: String,
    /// The text: description and the address to join.
    pub body: Option<String>,
    /// Where: the address to join.
    pub location: Option<String>,
    /// The address to join, for calendars with a field of its own for it.
    pub join_url: Option<String>,
    /// When (the first time).
    pub when: When,
    /// How it repeats.
    pub recurrence: Option<Recurrence>,
    /// Occurrences that differ.
    pub overrides: Vec<Override>,
    /// Who invites, when it is not the calendar's own account.
    pub organizer: Option<Attendee>,
    /// Who is invited.
    pub attendees: Vec<Attendee>,
    /// Reminders before each occurrence.
    pub reminders: Vec<Reminder>,
    /// Whether it was called off (`STATUS:CANCELLED`).
    pub cancelled: bool,
}

/// Where an event is at a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRef {
    /// The calendar within the account, such as `primary` or the address of a collection.
    pub calendar: String,
    /// Its id there.
    pub id: String,
    /// Its version there.
    pub etag: Option<String>,
    /// Where a person sees it.
    pub link: Option<String>,
}

/// When somebody is busy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Busy {
    /// In these spans, and free in between; they may overlap and come in any order.
    Known(Vec<TimeSpan>),
    /// Nobody knows: not free.
    Unknown {
        /// Why, for people.
        reason: String,
    },
}

/// What changed at a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Events that are new, changed or gone.
    pub events: Vec<Changed>,
    /// The token for the next question.
    pub next: Option<String>,
    /// The token had expired: this is everything, and what is not in it is gone.
    pub full_resync: bool,
}

/// One event that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Where it is.
    pub event: EventRef,
    /// `UID` of iCalendar, when it is told.
    pub ical_uid: Option<String>,
    /// How it stands now; none when it is gone.
    pub now: Option<CalendarEvent>,
}

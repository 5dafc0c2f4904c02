//! iCalendar and iTIP (RFC 5545, 5546, 6047, 7986): meetings written for mail, feeds and CalDAV, and whatever calendars
//! answer read leniently.
//!
//! The syntax (folding, escaping, parameters) is the library `calcard`'s; this module says what a meeting is. A
//! [`Calendar`] is what one file or one part of a mail holds, an [`Event`] is a meeting or one changed occurrence of it.
//!
//! ```
//! use parfocal_formats::ical::{Attendee, Calendar, Event, Method, Moment, Person};
//!
//! let start = Moment::in_zone("2026-12-01T09:00".parse()?, "Europe/Berlin");
//! let mut event = Event::new("m-1@parfocal", "2026-11-22T08:00:00Z".parse()?, start);
//! event.summary = "Planning, part \"two\"; 🚀".to_owned();
//! event.organizer = Some(Person::new("ana@example.com", "Ana"));
//! event.attendees.push(Attendee::new("bo@example.com", "Bo"));
//! let text = Calendar::of(Method::Request, vec![event.clone()]).to_string();
//! assert!(text.contains("BEGIN:VTIMEZONE"));
//! assert_eq!(Calendar::parse(&text)?.events, [event]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod itip;
mod letter;
mod read;
mod write;
mod zone;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use itip::{Reply, replies};
pub use letter::{Letter, LetterError};

use crate::recurrence::{Rule, Series, SeriesError, Start};

/// What a calendar says in mail: RFC 5546's methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the methods of RFC 5546, by their names")]
pub enum Method {
    Publish,
    Request,
    Reply,
    Add,
    Cancel,
    Refresh,
    Counter,
    DeclineCounter,
}

impl Method {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Publish, "PUBLISH"),
        (Self::Request, "REQUEST"),
        (Self::Reply, "REPLY"),
        (Self::Add, "ADD"),
        (Self::Cancel, "CANCEL"),
        (Self::Refresh, "REFRESH"),
        (Self::Counter, "COUNTER"),
        (Self::DeclineCounter, "DECLINECOUNTER"),
    ];

    /// The name in RFC 5546; also the value of the `method` parameter of a mail's part.
    pub fn as_str(self) -> &'static str {
        let at = Self::ALL.iter().find(|(one, _)| *one == self);
        at.map_or("PUBLISH", |(_, name)| name)
    }
}

/// A point on a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Moment {
    /// An instant, written in UTC.
    Utc(Timestamp),
    /// A wall clock's time in a zone.
    Zoned {
        /// The wall clock's time.
        local: DateTime,
        /// The zone's IANA name.
        zone: String,
    },
    /// A wall clock's time wherever one is.
    Floating(DateTime),
    /// A whole day.
    Day(Date),
}

impl Moment {
    /// A wall clock's time in the zone of that IANA name.
    pub fn in_zone(local: DateTime, zone: impl Into<String>) -> Self {
        Self::Zoned {
            local,
            zone: zone.into(),
        }
    }

    /// The instant; none for days, floating times and unknown zones.
    ///
    /// A time that the zone's clocks skip is taken with the offset before the gap, one that comes twice is the first
    /// (RFC 5545 §3.3.5).
    pub fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Utc(at) => Some(*at),
            Self::Zoned { local, zone } => {
                let zone = TimeZone::get(zone).ok()?;
                zone.to_ambiguous_timestamp(*local).compatible().ok()
            }
            Self::Floating(_) | Self::Day(_) => None,
        }
    }

    /// The instant, with days and floating times placed in a zone: the one of whoever owns the calendar.
    pub fn instant_for(&self, owner: &TimeZone) -> Option<Timestamp> {
        self.instant().or_else(|| {
            let local = match self {
                Self::Floating(local) | Self::Zoned { local, .. } => *local,
                Self::Day(day) => day.at(0, 0, 0, 0),
                Self::Utc(at) => return Some(*at),
            };
            owner.to_ambiguous_timestamp(local).compatible().ok()
        })
    }

    /// Whether it is a whole day.
    pub fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    /// The wall clock's time; of an instant the one in UTC.
    pub fn local(&self) -> DateTime {
        match self {
            Self::Utc(at) => at.to_zoned(TimeZone::UTC).datetime(),
            Self::Zoned { local, .. } | Self::Floating(local) => *local,
            Self::Day(day) => day.at(0, 0, 0, 0),
        }
    }

    /// The same kind of moment at another wall clock's time.
    #[must_use]
    pub fn at_local(&self, local: DateTime) -> Self {
        match self {
            Self::Utc(_) => TimeZone::UTC
                .to_ambiguous_timestamp(local)
                .compatible()
                .map_or_else(|_| self.clone(), Self::Utc),
            Self::Zoned { zone, .. } => Self::in_zone(local, zone.clone()),
            Self::Floating(_) => Self::Floating(local),
            Self::Day(_) => Self::Day(local.date()),
        }
    }

    fn later(&self, by: SignedDuration) -> Option<Self> {
        match self {
            Self::Utc(at) => at.checked_add(by).ok().map(Self::Utc),
            Self::Day(day) => day.checked_add(by).ok().map(Self::Day),
            _ => Some(self.at_local(self.local().checked_add(by).ok()?)),
        }
    }
}

/// Somebody with an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Person {
    /// The address, as it was written; compared without regard to case.
    pub email: String,
    /// The name; empty when there is none.
    pub name: String,
}

impl Person {
    /// Somebody with an address and a name.
    pub fn new(email: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            name: name.into(),
        }
    }

    /// Whether an address is this one's.
    pub fn has_address(&self, email: &str) -> bool {
        self.email.trim().eq_ignore_ascii_case(email.trim())
    }
}

/// What somebody said to an invitation (`PARTSTAT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Answer {
    /// Nothing yet.
    #[default]
    Pending,
    /// Comes.
    Accepted,
    /// Does not come.
    Declined,
    /// Perhaps.
    Tentative,
    /// Sends somebody else.
    Delegated,
}

/// The part somebody plays (`ROLE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// Leads.
    Chair,
    /// Has to be there.
    #[default]
    Required,
    /// May be there.
    Optional,
    /// Is only told.
    Informed,
}

/// Who tells an attendee of a meeting in a CalDAV calendar (`SCHEDULE-AGENT`, RFC 6638).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Agent {
    /// The calendar's server: the default.
    #[default]
    Server,
    /// Whoever wrote the event.
    Client,
    /// Nobody.
    Nobody,
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Attendee {
    /// Who.
    pub person: Person,
    /// As what.
    pub role: Role,
    /// What they said.
    pub answer: Answer,
    /// Whether an answer is asked for.
    pub rsvp: bool,
    /// Who tells them.
    pub agent: Agent,
}

impl Attendee {
    /// A required attendee who has not answered and is asked to.
    pub fn new(email: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            person: Person::new(email, name),
            rsvp: true,
            ..Self::default()
        }
    }
}

/// Whether a meeting takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// Yes.
    #[default]
    Confirmed,
    /// Perhaps.
    Tentative,
    /// No.
    Cancelled,
}

/// A reminder inside the calendar (`VALARM`, action `DISPLAY`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alarm {
    /// Minutes before the start.
    pub minutes_before: u32,
    /// What is shown.
    pub text: String,
}

/// A meeting, or one changed occurrence of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What stays the same for life (`UID`).
    pub uid: String,
    /// How often the organiser changed it (`SEQUENCE`).
    pub sequence: u32,
    /// When this was written (`DTSTAMP`).
    pub stamp: Timestamp,
    /// When the meeting changed last.
    pub modified: Option<Timestamp>,
    /// The start; answers may leave it out.
    pub start: Option<Moment>,
    /// The end, exclusive; of a whole day the day after.
    pub end: Option<Moment>,
    /// The original start of the occurrence that this is about (`RECURRENCE-ID`); none for the whole.
    pub of: Option<Moment>,
    /// The rule of a series.
    pub rule: Option<Rule>,
    /// Starts that do not happen (`EXDATE`).
    pub excluded: Vec<Moment>,
    /// Starts beside the rule's (`RDATE`).
    pub added: Vec<Moment>,
    /// The title.
    pub summary: String,
    /// More about it.
    pub description: String,
    /// Where; the link of an online meeting.
    pub location: String,
    /// A page about it.
    pub url: Option<String>,
    /// The link to join (`CONFERENCE`, RFC 7986).
    pub conference: Option<String>,
    /// Whether it takes place.
    pub status: Status,
    /// Whether it leaves its people free (`TRANSP:TRANSPARENT`).
    pub free: bool,
    /// Who invites.
    pub organizer: Option<Person>,
    /// Who is invited.
    pub attendees: Vec<Attendee>,
    /// Reminders of the calendar's own.
    pub alarms: Vec<Alarm>,
    /// What somebody wrote with an answer.
    pub comment: String,
}

impl Event {
    /// A meeting with nothing but its identity and its start.
    pub fn new(uid: impl Into<String>, stamp: Timestamp, start: Moment) -> Self {
        Self {
            start: Some(start),
            ..Self::bare(uid.into(), stamp)
        }
    }

    fn bare(uid: String, stamp: Timestamp) -> Self {
        Self {
            uid,
            sequence: 0,
            stamp,
            modified: None,
            start: None,
            end: None,
            of: None,
            rule: None,
            excluded: Vec::new(),
            added: Vec::new(),
            summary: String::new(),
            description: String::new(),
            location: String::new(),
            url: None,
            conference: None,
            status: Status::default(),
            free: false,
            organizer: None,
            attendees: Vec::new(),
            alarms: Vec::new(),
            comment: String::new(),
        }
    }

    /// The series this starts, days and floating times in `owner`; none when it does not repeat or has no start.
    ///
    /// # Errors
    /// An unknown zone, or a rule that cannot be expanded.
    pub fn series(&self, owner: &TimeZone) -> Option<Result<Series, SeriesError>> {
        let rule = self.rule.clone()?;
        let start = match self.start.as_ref()? {
            Moment::Day(day) => Start::Day(*day),
            Moment::Utc(at) => Start::Timed {
                local: at.to_zoned(TimeZone::UTC).datetime(),
                zone: TimeZone::UTC,
            },
            Moment::Floating(local) => Start::Timed {
                local: *local,
                zone: owner.clone(),
            },
            Moment::Zoned { local, zone } => match Start::in_zone(*local, zone) {
                Ok(start) => start,
                Err(error) => return Some(Err(error)),
            },
        };
        // Exceptions are wall-clock times of the series' own zone, in whatever form they came.
        let local = |moment: &Moment| match (moment.instant(), start.zone()) {
            (Some(at), Some(zone)) => at.to_zoned(zone.clone()).datetime(),
            _ => moment.local(),
        };
        let excluded: Vec<DateTime> = self.excluded.iter().map(local).collect();
        let added: Vec<DateTime> = self.added.iter().map(local).collect();
        Some(Series::new(start, rule).map(|series| series.without(excluded).with(added)))
    }
}

/// How much a busy time counts (`FBTYPE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BusyKind {
    /// Nothing is on.
    Free,
    /// Taken.
    Busy,
    /// Not to be had at all, such as a holiday.
    Unavailable,
    /// Perhaps taken.
    Tentative,
}

/// Busy times of one person (`VFREEBUSY`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeBusy {
    /// Whose, when it is said.
    pub attendee: Option<String>,
    /// The times: start, end, how much they count.
    pub periods: Vec<(Timestamp, Timestamp, BusyKind)>,
}

/// What one iCalendar file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    /// What is asked or said, in mail; nothing in stored calendars.
    pub method: Option<Method>,
    /// The calendar's name, in feeds.
    pub name: String,
    /// The meetings, changed occurrences among them.
    pub events: Vec<Event>,
    /// Busy times.
    pub busy: Vec<FreeBusy>,
    /// What could not be read, and was left out.
    pub warnings: Vec<String>,
}

impl Calendar {
    /// Events that are sent with a method.
    pub fn of(method: Method, events: Vec<Event>) -> Self {
        Self {
            method: Some(method),
            events,
            ..Self::default()
        }
    }

    /// Events as calendars store them: without a method.
    pub fn stored(events: Vec<Event>) -> Self {
        Self {
            events,
            ..Self::default()
        }
    }
}

/// Why a text is no calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IcalError {
    /// Nothing of a calendar in it.
    #[error("this is not an iCalendar file: it has no BEGIN:VCALENDAR")]
    NotACalendar,
    /// Too much of it.
    #[error("the iCalendar file is larger than {} MiB, which is refused", MAX_BYTES >> 20)]
    TooLarge,
}

/// Longest text that is read.
pub const MAX_BYTES: usize = 8 << 20;

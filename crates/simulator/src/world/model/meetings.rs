//! What a meeting number names: plans, series, registrations.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::InstanceUuid;

/// How a series repeats (meeting type 8, webinar type 9); Zoom's own fields.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Recurrence {
    /// 1 daily, 2 weekly, 3 monthly.
    pub kind: u8,
    /// Every so many days, weeks, months (at least 1).
    pub repeat_interval: u32,
    /// Weekly: "1".."7" joined by commas, 1 is Sunday.
    pub weekly_days: Option<String>,
    /// Monthly: day of the month.
    pub monthly_day: Option<i8>,
    /// Monthly: -1 last, 1 to 4.
    pub monthly_week: Option<i8>,
    /// Monthly with `monthly_week`: 1 is Sunday.
    pub monthly_week_day: Option<i8>,
    /// Number of occurrences (0: no end).
    pub end_times: Option<u32>,
    /// Last possible instant.
    pub end_date_time: Option<Timestamp>,
}

/// One planned time of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Millisecond start time as text.
    pub id: String,
    /// Start.
    pub start: Timestamp,
    /// Minutes.
    pub duration: u32,
    /// Deleted occurrences stay listed with status `deleted`.
    pub deleted: bool,
}

/// A label and value an administrator asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackingField {
    /// Label.
    pub field: String,
    /// Value.
    pub value: String,
    /// Shown to the host.
    pub visible: bool,
}

/// State of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrantStatus {
    /// May join.
    Approved,
    /// Waits for the host.
    Pending,
    /// Refused, or cancelled later.
    Denied,
}

impl RegistrantStatus {
    /// Zoom's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Denied => "denied",
        }
    }
}

/// Somebody who registered for a meeting.
#[derive(Clone, Debug)]
pub struct Registrant {
    /// 22-character id; attendance rows carry it.
    pub id: String,
    /// Address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// State.
    pub status: RegistrantStatus,
    /// When they registered.
    pub created_at: Timestamp,
    /// Key in the personal join address.
    pub join_key: String,
    /// Pin for dialling in.
    pub pin: u32,
    /// The other answers of the form, in Zoom's field names.
    pub answers: Map<String, Value>,
    /// Occurrences registered for (empty: all).
    pub occurrences: Vec<String>,
}

/// A planned or planned-once meeting or webinar: what a meeting number names.
#[derive(Clone, Debug)]
pub struct Meeting {
    /// Meeting number: eleven digits, ten for a personal room.
    pub number: u64,
    /// UUID of the next start (of the running instance while started).
    pub uuid: InstanceUuid,
    /// Host's user id.
    pub host_id: String,
    /// Topic.
    pub topic: String,
    /// Agenda.
    pub agenda: String,
    /// Meetings 1 instant, 2 scheduled, 3 recurring without times, 4 personal room, 8 recurring; webinars 5, 6, 9.
    pub kind: u8,
    /// Start (series: first occurrence; none for types 1, 3, 4, 6).
    pub start: Option<Timestamp>,
    /// Minutes planned.
    pub duration: u32,
    /// IANA zone.
    pub timezone: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Passcode.
    pub password: String,
    /// How it repeats.
    pub recurrence: Option<Recurrence>,
    /// Materialised occurrences of types 8 and 9, deleted ones included.
    pub occurrences: Vec<Occurrence>,
    /// The `settings` object in Zoom's names, defaults filled in.
    pub settings: Map<String, Value>,
    /// Tracking fields.
    pub tracking_fields: Vec<TrackingField>,
    /// Registrations.
    pub registrants: Vec<Registrant>,
    /// `other`, `open_api` or `web_portal`.
    pub creation_source: &'static str,
}

impl Meeting {
    /// Whether it is a webinar.
    #[must_use]
    pub fn is_webinar(&self) -> bool {
        matches!(self.kind, 5 | 6 | 9)
    }

    /// `settings.approval_type`: 0 automatic, 1 manual, 2 no registration.
    #[must_use]
    pub fn approval_type(&self) -> u64 {
        self.settings
            .get("approval_type")
            .and_then(Value::as_u64)
            .unwrap_or(2)
    }
}

/// What a caller says when a meeting is created; validated by the caller.
#[derive(Clone, Debug, Default)]
pub struct MeetingDraft {
    /// Topic.
    pub topic: String,
    /// Agenda.
    pub agenda: String,
    /// Type, see [`Meeting::kind`].
    pub kind: u8,
    /// Start; none means now for type 2.
    pub start: Option<Timestamp>,
    /// Minutes; 0 means the default of 60.
    pub duration: u32,
    /// IANA zone; empty means the host's.
    pub timezone: String,
    /// Passcode; none means a generated one.
    pub password: Option<String>,
    /// How it repeats.
    pub recurrence: Option<Recurrence>,
    /// Settings given; defaults are filled in.
    pub settings: Map<String, Value>,
    /// Tracking fields.
    pub tracking_fields: Vec<TrackingField>,
    /// `other`, `open_api` or `web_portal`; empty means `open_api`.
    pub creation_source: &'static str,
}

//! The shapes that several actions share: meetings, series, pages.

use jiff::Timestamp;
use jiff::civil::Date;
use parfocal_zoom::Reply;
use parfocal_zoom::api::{Meeting, meeting_type};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How often a series is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cadence {
    /// Every so many days.
    Day,
    /// Every so many weeks.
    Week,
    /// Every so many months.
    Month,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// How a meeting is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecurrenceInput {
    /// The unit: day, week or month.
    pub(super) every: Cadence,
    /// Every so many units: 1 to 99 days, 50 weeks or 10 months. Default 1.
    #[schemars(range(min = 1, max = 99))]
    pub(super) interval: Option<i64>,
    /// Days of the week, for what repeats by the week.
    #[serde(default)]
    #[schemars(length(max = 7))]
    pub(super) weekdays: Vec<Weekday>,
    /// Day of the month, for what repeats by the month.
    #[schemars(range(min = 1, max = 31))]
    pub(super) month_day: Option<i64>,
    /// Week of the month: 1 to 4, or -1 for the last; together with month_weekday.
    #[schemars(range(min = -1, max = 4))]
    pub(super) month_week: Option<i64>,
    /// Day of that week.
    pub(super) month_weekday: Option<Weekday>,
    /// How many times, 60 at most.
    #[schemars(range(min = 1, max = 60))]
    pub(super) count: Option<i64>,
    /// Until when: an instant, or a local time in the meeting's zone.
    pub(super) until: Option<String>,
}

impl RecurrenceInput {
    /// A rule with nothing but its unit.
    #[cfg(test)]
    pub(super) fn every(every: Cadence) -> Self {
        Self {
            every,
            interval: None,
            weekdays: Vec::new(),
            month_day: None,
            month_week: None,
            month_weekday: None,
            count: None,
            until: None,
        }
    }

    /// The rule as Zoom writes it; `until` in UTC. Days that are not named are those of the first meeting: Zoom's reference
    /// demands them of what repeats by the week or month.
    pub(super) fn to_zoom(&self, until: Option<Timestamp>, first: Option<Date>) -> Value {
        let mut out = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                out.insert(name.to_owned(), value);
            }
        };
        let kind = match self.every {
            Cadence::Day => 1,
            Cadence::Week => 2,
            Cadence::Month => 3,
        };
        set("type", Some(kind.into()));
        set("repeat_interval", Some(self.interval.unwrap_or(1).into()));
        let mut days: Vec<i64> = self
            .weekdays
            .iter()
            .map(|day| super::check::zoom_day(*day))
            .collect();
        if days.is_empty() && self.every == Cadence::Week {
            days.extend(first.map(|day| i64::from(day.weekday().to_sunday_one_offset())));
        }
        days.sort_unstable();
        days.dedup();
        let days: Vec<String> = days.iter().map(ToString::to_string).collect();
        set(
            "weekly_days",
            (!days.is_empty()).then(|| days.join(",").into()),
        );
        let by_week = self.month_week.is_some();
        let day = first.filter(|_| self.every == Cadence::Month && !by_week);
        let day = self.month_day.or(day.map(|day| i64::from(day.day())));
        set("monthly_day", day.map(Value::from));
        set("monthly_week", self.month_week.map(Value::from));
        set(
            "monthly_week_day",
            self.month_weekday
                .map(|day| super::check::zoom_day(day).into()),
        );
        set("end_times", self.count.map(Value::from));
        set(
            "end_date_time",
            until.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()),
        );
        Value::Object(out)
    }
}

/// Who may come, and what happens by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsInput {
    /// People wait until they are let in.
    pub(super) waiting_room: Option<bool>,
    /// People may come before the host.
    pub(super) join_before_host: Option<bool>,
    /// People come muted.
    pub(super) mute_upon_entry: Option<bool>,
    /// The host's video is on at the start.
    pub(super) host_video: Option<bool>,
    /// Participants' video is on at the start.
    pub(super) participant_video: Option<bool>,
    /// Only signed-in users may come.
    pub(super) meeting_authentication: Option<bool>,
    /// Recorded by itself: none, local or cloud.
    pub(super) auto_recording: Option<AutoRecording>,
    /// Registration: none, approved at once, or approved by hand.
    pub(super) registration: Option<Registration>,
    /// Others who may host, by e-mail address.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub(super) alternative_hosts: Vec<String>,
    /// People to put on the list of invited; Zoom sends them nothing.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(super) invitees: Vec<String>,
}

/// Where a meeting is recorded by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AutoRecording {
    /// Not at all.
    None,
    /// On the host's machine.
    Local,
    /// At Zoom.
    Cloud,
}

/// Whether people have to register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Registration {
    /// No.
    None,
    /// Yes, and everybody may come.
    Automatic,
    /// Yes, and the host decides.
    Manual,
}

impl Registration {
    /// Zoom's `approval_type`.
    pub(super) const fn to_zoom(self) -> u8 {
        match self {
            Self::Automatic => 0,
            Self::Manual => 1,
            Self::None => 2,
        }
    }
}

impl SettingsInput {
    /// The settings as Zoom writes them; none when nothing is said.
    pub(super) fn to_zoom(&self) -> Option<Value> {
        let mut out = Map::new();
        for (name, value) in [
            ("waiting_room", self.waiting_room),
            ("join_before_host", self.join_before_host),
            ("mute_upon_entry", self.mute_upon_entry),
            ("host_video", self.host_video),
            ("participant_video", self.participant_video),
            ("meeting_authentication", self.meeting_authentication),
        ] {
            if let Some(value) = value {
                out.insert(name.to_owned(), value.into());
            }
        }
        if let Some(recording) = self.auto_recording {
            let word = match recording {
                AutoRecording::None => "none",
                AutoRecording::Local => "local",
                AutoRecording::Cloud => "cloud",
            };
            out.insert("auto_recording".to_owned(), word.into());
        }
        if let Some(registration) = self.registration {
            out.insert("approval_type".to_owned(), registration.to_zoom().into());
        }
        if !self.alternative_hosts.is_empty() {
            out.insert(
                "alternative_hosts".to_owned(),
                self.alternative_hosts.join(";").into(),
            );
        }
        if !self.invitees.is_empty() {
            let people: Vec<Value> = self
                .invitees
                .iter()
                .map(|email| serde_json::json!({ "email": email }))
                .collect();
            out.insert("meeting_invitees".to_owned(), people.into());
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }
}

/// What a scheduled meeting or webinar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ScheduledKind {
    /// Started at once.
    Instant,
    /// Held once.
    Scheduled,
    /// A series at fixed times.
    Recurring,
    /// A series without fixed times.
    RecurringNoTime,
    /// The host's personal room.
    PersonalRoom,
    /// Something that is not known here.
    Other,
}

impl ScheduledKind {
    fn of(kind: Option<i64>) -> Self {
        match kind {
            Some(meeting_type::INSTANT) => Self::Instant,
            Some(meeting_type::SCHEDULED | meeting_type::WEBINAR) => Self::Scheduled,
            Some(meeting_type::RECURRING | meeting_type::WEBINAR_RECURRING) => Self::Recurring,
            Some(meeting_type::RECURRING_NO_TIME | meeting_type::WEBINAR_NO_TIME) => {
                Self::RecurringNoTime
            }
            Some(meeting_type::PERSONAL_ROOM) => Self::PersonalRoom,
            _ => Self::Other,
        }
    }
}

/// One occurrence of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct OccurrenceView {
    /// Zoom's id of it.
    pub(super) id: Option<String>,
    /// When it begins.
    pub(super) start: Option<Timestamp>,
    /// How long it lasts, in minutes.
    pub(super) duration_minutes: Option<i64>,
    /// `available` or `deleted`.
    pub(super) status: Option<String>,
}

/// A scheduled meeting or webinar, as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct ScheduledView {
    /// Its number, as a text.
    pub(super) number: Option<String>,
    /// The UUID that it has now; it changes when the meeting starts.
    pub(super) uuid: Option<String>,
    /// What it is about.
    pub(super) topic: Option<String>,
    /// Once, a series, and so on.
    pub(super) kind: ScheduledKind,
    /// `waiting` or `started`, if Zoom says.
    pub(super) status: Option<String>,
    /// When it begins; of a series, its first or next one.
    pub(super) start: Option<Timestamp>,
    /// How long it lasts, in minutes.
    pub(super) duration_minutes: Option<i64>,
    /// Its time zone.
    pub(super) timezone: Option<String>,
    /// Its description.
    pub(super) agenda: Option<String>,
    /// Zoom's id of the host.
    pub(super) host_id: Option<String>,
    /// The host's e-mail address.
    pub(super) host_email: Option<String>,
    /// Where people join; holds the passcode.
    pub(super) join_url: Option<String>,
    /// When it was made.
    pub(super) created_at: Option<Timestamp>,
}

/// A scheduled meeting or webinar with all that Zoom tells.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct ScheduledDetail {
    /// What a list shows.
    #[serde(flatten)]
    pub(super) meeting: ScheduledView,
    /// The passcode.
    pub(super) passcode: Option<String>,
    /// Where people register.
    pub(super) registration_url: Option<String>,
    /// The occurrences of a series.
    pub(super) occurrences: Vec<OccurrenceView>,
    /// Whether the answer of Zoom was lost and the meeting found again.
    pub(super) adopted: bool,
    /// What Zoom answered, without the host's start address.
    pub(super) raw: Value,
}

impl ScheduledView {
    pub(super) fn of(meeting: &Meeting) -> Self {
        let text = |hidden: &Option<parfocal_zoom::Hidden>| {
            hidden.as_ref().map(|hidden| hidden.expose().to_owned())
        };
        Self {
            number: meeting.id.map(|number| number.to_string()),
            uuid: meeting.uuid.as_ref().map(ToString::to_string),
            topic: meeting.topic.clone(),
            kind: ScheduledKind::of(meeting.kind),
            status: meeting.status.clone(),
            start: meeting.start_time,
            duration_minutes: meeting.duration,
            timezone: meeting.timezone.clone(),
            agenda: meeting.agenda.clone(),
            host_id: meeting.host_id.as_ref().map(ToString::to_string),
            host_email: meeting.host_email.clone(),
            join_url: text(&meeting.join_url),
            created_at: meeting.created_at,
        }
    }
}

impl ScheduledDetail {
    pub(super) fn of(reply: &Reply<Meeting>, adopted: bool) -> Self {
        let meeting = &reply.value;
        let text = |hidden: &Option<parfocal_zoom::Hidden>| {
            hidden.as_ref().map(|hidden| hidden.expose().to_owned())
        };
        Self {
            meeting: ScheduledView::of(meeting),
            passcode: text(&meeting.password),
            registration_url: text(&meeting.registration_url),
            occurrences: meeting
                .occurrences
                .iter()
                .map(|one| OccurrenceView {
                    id: one.occurrence_id.as_ref().map(ToString::to_string),
                    start: one.start_time,
                    duration_minutes: one.duration,
                    status: one.status.clone(),
                })
                .collect(),
            adopted,
            raw: harmless(&reply.raw),
        }
    }
}

/// Members of Zoom's answers that give away more than whoever reads a meeting may have.
const WITHHELD: [&str; 4] = [
    "start_url",
    "host_key",
    "download_access_token",
    "personal_meeting_url",
];

/// An answer of Zoom's without what opens doors that the caller did not ask for.
pub(super) fn harmless(raw: &Value) -> Value {
    match raw {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(name, _)| !WITHHELD.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), harmless(value)))
                .collect(),
        ),
        Value::Array(items) => items.iter().map(harmless).collect(),
        other => other.clone(),
    }
}

/// A piece of a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Listed<T> {
    /// The rows.
    pub(super) items: Vec<T>,
    /// What to pass as `after` for the next piece, within a quarter of an hour; none at the end.
    pub(super) next: Option<String>,
}

/// Something that was done and has no answer of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Acknowledged {
    /// What it was done to: a meeting number, a UUID or an id.
    pub(super) id: String,
    /// Always true.
    pub(super) done: bool,
}

impl Acknowledged {
    pub(super) fn of(id: &(impl ToString + ?Sized)) -> Self {
        Self {
            id: id.to_string(),
            done: true,
        }
    }
}

/// Rows of a piece when nothing is said.
pub(super) const ROWS: u32 = 100;

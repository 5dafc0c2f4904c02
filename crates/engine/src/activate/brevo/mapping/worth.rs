//! What an expression is worth, and which fields there are to ask for.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::activate::model::{MeetingFacts, Moment, Person};

/// Most letters of a text.
const LONGEST: usize = 10_000;

/// A value on its way to Brevo.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Worth {
    Nothing,
    Text(String),
    Number(f64),
    Truth(bool),
    Instant(Timestamp),
    Date(Date),
    List(Vec<String>),
}

/// What kind of value it will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Truth,
    Instant,
    Date,
    List,
    /// Known only when it is there.
    Any,
}

impl Kind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Truth => "true or false",
            Self::Instant => "a point in time",
            Self::Date => "a date",
            Self::List => "a list",
            Self::Any => "anything",
        }
    }
}

impl Worth {
    fn of_text(text: Option<&String>) -> Self {
        text.filter(|text| !text.is_empty())
            .map_or(Self::Nothing, |text| Self::Text(text.clone()))
    }

    fn of_instant(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Nothing, Self::Instant)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "minutes and counts, far below 2^52"
    )]
    pub(super) fn of_count(count: i64) -> Self {
        Self::Number(count as f64)
    }

    /// A value of details, which come from outside.
    pub(super) fn of_json(value: Option<&Value>) -> Self {
        match value {
            Some(Value::String(text)) if !text.is_empty() => {
                // Details write instants as RFC 3339, as everything outside does.
                let instant = (text.len() >= 20 && text.as_bytes()[4] == b'-')
                    .then(|| text.parse().ok())
                    .flatten();
                instant.map_or_else(|| Self::Text(text.clone()), Self::Instant)
            }
            Some(Value::Number(number)) => number.as_f64().map_or(Self::Nothing, Self::Number),
            Some(Value::Bool(truth)) => Self::Truth(*truth),
            Some(Value::Array(all)) => Self::List(
                all.iter()
                    .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
                    .collect(),
            ),
            _ => Self::Nothing,
        }
    }

    /// As text; nothing is nothing.
    pub(super) fn text(&self) -> Option<String> {
        Some(match self {
            Self::Nothing => return None,
            Self::Text(text) => text.chars().take(LONGEST).collect(),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Instant(at) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Self::Date(date) => date.to_string(),
            Self::List(all) => all.join(", "),
        })
    }

    /// As JSON, in the form that Brevo takes.
    pub(super) fn json(&self) -> Option<Value> {
        Some(match self {
            Self::Number(number) => number_json(*number)?,
            Self::Truth(truth) => json!(truth),
            Self::List(all) => json!(all),
            other => json!(other.text()?),
        })
    }
}

/// Whole numbers are written as such.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole and below 2^53, as is asked first"
)]
fn number_json(number: f64) -> Option<Value> {
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        return Some(json!(number as i64));
    }
    serde_json::Number::from_f64(number).map(Value::Number)
}

/// Something that can be asked for. The list is closed: what is not here cannot leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Person(&'static PersonField),
    Meeting(&'static MeetingField),
    Tracking(String),
    MomentKind,
    MomentAt,
    MomentKey,
    Detail(String),
}

/// A field of a person: name, kind, what it is, how it is had.
#[derive(Debug)]
pub(super) struct PersonField {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
    get: fn(&Person) -> Worth,
}

impl PartialEq for PersonField {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for PersonField {}

/// A field of a meeting.
#[derive(Debug)]
pub(super) struct MeetingField {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
    get: fn(&MeetingFacts) -> Worth,
}

impl PartialEq for MeetingField {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for MeetingField {}

macro_rules! fields {
    ($of:ident: $($name:literal $kind:ident $about:literal $get:expr;)+) => {
        &[$($of { name: $name, kind: Kind::$kind, about: $about, get: $get }),+]
    };
}

/// All fields of a person.
pub(super) static PERSON: &[PersonField] = fields! { PersonField:
    "id" Text "our id of the person" |p| Worth::Text(p.id.to_string());
    "email" Text "the address to write to" |p| Worth::Text(p.email.clone());
    "name" Text "the name to show" |p| Worth::of_text(p.name.as_ref());
    "first_name" Text "first name" |p| Worth::of_text(p.first_name.as_ref());
    "last_name" Text "last name" |p| Worth::of_text(p.last_name.as_ref());
    "internal" Truth "whether it is a user of a connected account" |p| Worth::Truth(p.internal);
    "registrations" Number "how often registered" |p| Worth::of_count(p.registrations.into());
    "attended" Number "meetings attended" |p| Worth::of_count(p.attended.into());
    "missed" Number "meetings registered for and missed" |p| Worth::of_count(p.missed.into());
    "minutes" Number "minutes in meetings, all together" |p| Worth::of_count(p.minutes);
    "last_topic" Text "topic of the last meeting attended" |p| Worth::of_text(p.last.as_ref().and_then(|last| last.topic.as_ref()));
    "last_start" Instant "when the last meeting attended began" |p| Worth::of_instant(p.last.as_ref().map(|last| last.start));
    "last_minutes" Number "minutes in the last meeting attended" |p| p.last.as_ref().map_or(Worth::Nothing, |last| Worth::of_count(last.minutes));
    "last_attended_at" Instant "when the last meeting attended began" |p| Worth::of_instant(p.last_attended_at);
    "last_registration_status" Text "approved, pending, denied or cancelled" |p| Worth::of_text(p.last_registration_status.as_ref());
    "next_meeting_at" Instant "when the next meeting registered for begins" |p| Worth::of_instant(p.next_meeting_at);
    "open_actions" Number "things to do that are open" |p| Worth::of_count(p.open_actions.into());
    "consent" Text "granted, refused or unknown" |p| Worth::Text(match &p.consent {
        Some(said) if said.granted => "granted",
        Some(_) => "refused",
        None => "unknown",
    }.to_owned());
    "consent_source" Text "who or what says so" |p| Worth::of_text(p.consent.as_ref().map(|said| &said.source));
    "consent_at" Instant "when it was said" |p| Worth::of_instant(p.consent.as_ref().map(|said| said.at));
};

/// All fields of a meeting.
pub(super) static MEETING: &[MeetingField] = fields! { MeetingField:
    "number" Text "the meeting number" |m| Worth::of_text(m.number.as_ref());
    "uuid" Text "Zoom's id of the run" |m| Worth::of_text(m.uuid.as_ref());
    "kind" Text "meeting or webinar" |m| Worth::Text(if m.webinar { "webinar" } else { "meeting" }.to_owned());
    "webinar" Truth "whether it is a webinar" |m| Worth::Truth(m.webinar);
    "topic" Text "what it is about" |m| Worth::of_text(m.topic.as_ref());
    "host_email" Text "the host's address" |m| Worth::of_text(m.host_email.as_ref());
    "host_user_id" Text "Zoom's id of the host" |m| Worth::of_text(m.host_user_id.as_ref());
    "start" Instant "when it began, or begins" |m| Worth::of_instant(m.start);
    "minutes" Number "how long it was, or is planned" |m| m.minutes.map_or(Worth::Nothing, Worth::of_count);
    "join_url" Text "where people join: a secret to some degree" |m| Worth::of_text(m.join_url.as_ref());
};

/// What an expression is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'f> {
    pub(super) person: &'f Person,
    pub(super) moment: Option<&'f Moment>,
}

impl Field {
    /// The field of a name; `of_moment` says whether there is a moment to ask about.
    pub(super) fn named(name: &str, of_moment: bool) -> Result<Self, String> {
        let (room, rest) = name
            .split_once('.')
            .ok_or_else(|| format!("{name} is no field; fields look like person.email"))?;
        if room != "person" && !of_moment {
            return Err(format!(
                "{name} belongs to something that happened, and this is about a person as a whole: only person.… can be asked for"
            ));
        }
        match (room, rest) {
            ("person", _) => PERSON
                .iter()
                .find(|field| field.name == rest)
                .map(Self::Person)
                .ok_or_else(|| unknown(name, PERSON.iter().map(|field| field.name))),
            ("meeting", _) => match rest.strip_prefix("tracking.") {
                Some(tracking) if !tracking.is_empty() => Ok(Self::Tracking(tracking.to_owned())),
                _ => MEETING
                    .iter()
                    .find(|field| field.name == rest)
                    .map(Self::Meeting)
                    .ok_or_else(|| unknown(name, MEETING.iter().map(|field| field.name))),
            },
            ("moment", "kind") => Ok(Self::MomentKind),
            ("moment", "at") => Ok(Self::MomentAt),
            ("moment", "key") => Ok(Self::MomentKey),
            ("moment", _) => Err(unknown(name, ["kind", "at", "key"].into_iter())),
            ("details", detail) if is_word(detail) => Ok(Self::Detail(detail.to_owned())),
            _ => Err(format!(
                "{name} is no field: they begin with person., meeting., moment. or details."
            )),
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Person(field) => field.kind,
            Self::Meeting(field) => field.kind,
            Self::Tracking(_) | Self::MomentKind | Self::MomentKey => Kind::Text,
            Self::MomentAt => Kind::Instant,
            Self::Detail(_) => Kind::Any,
        }
    }

    pub(super) fn worth(&self, about: &About<'_>) -> Worth {
        match (self, about.moment) {
            (Self::Person(field), _) => (field.get)(about.person),
            (_, None) => Worth::Nothing,
            (Self::Meeting(field), Some(moment)) => (field.get)(&moment.meeting),
            (Self::Tracking(name), Some(moment)) => Worth::of_text(
                moment
                    .meeting
                    .tracking
                    .iter()
                    .find(|(held, _)| held.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value),
            ),
            (Self::MomentKind, Some(moment)) => Worth::Text(moment.kind.as_str().to_owned()),
            (Self::MomentAt, Some(moment)) => Worth::Instant(moment.at),
            (Self::MomentKey, Some(moment)) => Worth::Text(moment.key.clone()),
            (Self::Detail(name), Some(moment)) => Worth::of_json(moment.details.get(name)),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn unknown<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let all: Vec<&str> = known.collect();
    format!("{name} is no field; there are {}", all.join(", "))
}

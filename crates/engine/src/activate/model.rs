//! What destinations are told, in neutral words, and what they answer.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{DeliveryId, DomainEvent, PersonId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::mpsc::UnboundedSender;

/// Longest piece of an answer that is kept, in letters.
const MOST_SAID: usize = 2_000;

/// What a destination is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// People, with everything known about them: [`Destination::plan_person`](super::Destination::plan_person).
    People,
    /// Domain events, one by one: [`Destination::plan_event`](super::Destination::plan_event).
    Events,
}

/// A meeting as destinations see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MeetingFacts {
    /// The meeting number.
    pub number: Option<String>,
    /// The run's UUID; none for the series.
    pub uuid: Option<String>,
    /// Whether it is a webinar.
    pub webinar: bool,
    /// What it is about.
    pub topic: Option<String>,
    /// The host's address.
    pub host_email: Option<String>,
    /// Zoom's id of the host.
    pub host_user_id: Option<String>,
    /// When it began, or begins.
    pub start: Option<Timestamp>,
    /// How long it was, or is planned, in minutes.
    pub minutes: Option<i64>,
    /// Tracking fields by name.
    pub tracking: BTreeMap<String, String>,
    /// Where people join; a secret to some degree.
    pub join_url: Option<String>,
}

/// What kind of thing happened to a person.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// Registered for a meeting or webinar.
    Registered,
    /// The registration was approved.
    #[serde(rename = "registration_approved")]
    Approved,
    /// The registration was denied.
    #[serde(rename = "registration_denied")]
    Denied,
    /// The registration was cancelled.
    #[serde(rename = "registration_cancelled")]
    Cancelled,
    /// Was there.
    Attended,
    /// Registered, and was not there.
    NoShow,
    /// Was there, and left well before the end.
    LeftEarly,
    /// Answered a question of a poll.
    PollAnswered,
    /// Asked the panel something.
    QuestionAsked,
    /// Was given something to do.
    #[serde(rename = "action_item_assigned")]
    ActionItem,
}

impl MomentKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Registered,
        Self::Approved,
        Self::Denied,
        Self::Cancelled,
        Self::Attended,
        Self::NoShow,
        Self::LeftEarly,
        Self::PollAnswered,
        Self::QuestionAsked,
        Self::ActionItem,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Approved => "registration_approved",
            Self::Denied => "registration_denied",
            Self::Cancelled => "registration_cancelled",
            Self::Attended => "attended",
            Self::NoShow => "no_show",
            Self::LeftEarly => "left_early",
            Self::PollAnswered => "poll_answered",
            Self::QuestionAsked => "question_asked",
            Self::ActionItem => "action_item_assigned",
        }
    }
}

/// Something that happened to a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// The same whenever it is told: made of the provider's stable ids.
    pub key: String,
    /// What happened.
    pub kind: MomentKind,
    /// When.
    pub at: Timestamp,
    /// In which meeting.
    pub meeting: MeetingFacts,
    /// What else is known, in snake case.
    pub details: Map<String, Value>,
}

/// What a person said about being written to. A registration says nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Consent {
    /// Yes or no.
    pub granted: bool,
    /// Who or what says so.
    pub source: String,
    /// When it was said.
    pub at: Timestamp,
}

/// The last meeting that a person was in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastMeeting {
    /// What it was about.
    pub topic: Option<String>,
    /// When it began.
    pub start: Timestamp,
    /// How long the person was there, in minutes.
    pub minutes: i64,
}

/// A person, under all their addresses. Figures are of everything that is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Person {
    /// Ours; stays when addresses change.
    pub id: PersonId,
    /// The address to write to, in lower case.
    pub email: String,
    /// All addresses, that one among them.
    pub emails: Vec<String>,
    /// Name to show.
    pub name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Whether it is a user of a connected account.
    pub internal: bool,
    /// What the person said about being written to; none when nothing is known.
    pub consent: Option<Consent>,
    /// Registrations.
    pub registrations: u32,
    /// Meetings attended.
    pub attended: u32,
    /// Meetings registered for and missed.
    pub missed: u32,
    /// Minutes in meetings.
    pub minutes: i64,
    /// The last meeting attended.
    pub last: Option<LastMeeting>,
    /// When the last meeting attended began.
    pub last_attended_at: Option<Timestamp>,
    /// How the last registration stands.
    pub last_registration_status: Option<String>,
    /// When the next meeting that the person is registered for begins.
    pub next_meeting_at: Option<Timestamp>,
    /// Things to do that are open.
    pub open_actions: u32,
}

/// Everything about one person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonFile {
    /// Who.
    pub person: Person,
    /// What happened, the oldest first.
    pub moments: Vec<Moment>,
}

/// Where something in a mapping stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Its place by name, such as `events.attended`.
    pub name: String,
    /// The line of the mapping file, from 1.
    pub line: Option<u32>,
}

/// When a thing that changed is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Whenever the destination would see a difference.
    WhenChanged,
    /// Never: it tells of something that happened once.
    Never,
}

/// Something that a destination is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What makes it the same thing whenever it is planned.
    pub key: String,
    /// Which sort of thing (`contact`, `membership`, `event`, `webhook` …).
    pub kind: &'static str,
    /// Within a lane, lower ranks have to be there first.
    pub rank: u8,
    /// Within a rank, lower ones go first.
    pub ord: i64,
    /// What keeps its order: a person, a meeting.
    pub lane: String,
    /// Exactly what the destination sees; its hash decides whether it is sent again.
    pub body: Value,
    /// When a change of it is sent.
    pub again: Again,
    /// When it happened; what is older than the destination is sent by a backfill only. None: whenever planned.
    pub at: Option<Timestamp>,
    /// The rule it comes from.
    pub rule: Option<Rule>,
}

/// Something that is not sent, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
    /// The rule that says so.
    pub rule: Option<Rule>,
}

/// What a destination is to have of one person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// What it is to have.
    pub send: Vec<Planned>,
    /// What it is not to have, and why.
    pub left_out: Vec<LeftOut>,
}

/// One thing that is to be sent now.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its id; the same at every try.
    pub id: DeliveryId,
    /// What makes it the same thing.
    pub key: String,
    /// Which sort of thing.
    pub kind: String,
    /// What the destination sees.
    pub body: Value,
    /// Whom it is about.
    pub person: Option<PersonId>,
    /// Which try it is, from 1.
    pub attempt: u32,
    /// An earlier try ended without a word: it may be there already.
    pub uncertain: bool,
    /// What the destination called it.
    pub remote_id: Option<String>,
    /// What the destination works on, as it was told by [`Outcome::Taken`].
    pub progress: Option<Value>,
    /// Whether it comes from what was kept before.
    pub backfill: bool,
    /// When it was first known.
    pub created_at: Timestamp,
    /// The rule it comes from.
    pub rule: Option<Rule>,
}

/// What was sent and what came back, for people; no secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// Method and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The destination's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its words, or ours when none came.
    pub text: String,
}

impl Said {
    /// Words, without control characters and of bounded length.
    pub fn text(text: &str) -> Self {
        let text = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(MOST_SAID)
            .collect();
        Self {
            text,
            ..Self::default()
        }
    }

    /// The same, of a request.
    #[must_use]
    pub fn of(mut self, request: impl Into<String>, status: Option<u16>) -> Self {
        self.request = Some(request.into());
        self.status = status;
        self
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is there.
    Done {
        /// What the destination calls it.
        remote_id: Option<String>,
        /// What came back.
        said: Said,
    },
    /// The destination works on it: it comes again, with `progress`.
    Taken {
        /// What to ask after.
        progress: Value,
        /// When.
        look_at: Timestamp,
        /// What came back.
        said: Said,
    },
    /// The destination does not answer, or has enough for now. Nothing is wrong with the record.
    Retry {
        /// How long it wants to be left alone.
        after: Option<SignedDuration>,
        /// What came back.
        said: Said,
    },
    /// The destination refuses this record, and may not always.
    Refused {
        /// What came back.
        said: Said,
        /// What a person can do.
        advice: String,
    },
    /// A person has to mend the mapping or the record.
    Mend {
        /// The field at fault.
        field: Option<String>,
        /// The rule it comes from.
        rule: Option<Rule>,
        /// What came back.
        said: Said,
        /// What to do.
        advice: String,
    },
    /// It is not to be there.
    Drop {
        /// Why.
        reason: String,
        /// What came back.
        said: Said,
    },
    /// Nothing can be sent to this destination until a person does something.
    Halt {
        /// Why.
        reason: String,
        /// What to do.
        advice: String,
        /// What came back.
        said: Said,
    },
}

/// Where a destination tells how each delivery ended, as soon as it knows.
#[derive(Debug, Clone)]
pub struct Reports {
    pub(super) to: UnboundedSender<(DeliveryId, Outcome)>,
}

impl Reports {
    /// Tells how one ended. What is not told comes again as [`Delivery::uncertain`].
    pub fn tell(&self, id: DeliveryId, outcome: Outcome) {
        // Nobody listens any more only when the sender was stopped: then nothing is recorded, as after a crash.
        let _ = self.to.send((id, outcome));
    }
}

/// Who is to be taken away from a destination.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Gone {
    /// Ours.
    pub person: PersonId,
    /// All addresses.
    pub emails: Vec<String>,
    /// What the destination calls what it has of them.
    pub remote_ids: Vec<String>,
}

impl fmt::Debug for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gone")
            .field("person", &self.person)
            .finish_non_exhaustive()
    }
}

/// What a test of a destination showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Checked {
    /// Whether it works.
    pub ok: bool,
    /// What was asked and what came back.
    pub said: Said,
    /// What to do when it does not.
    pub advice: Option<String>,
}

/// A domain event with the lane whose order it keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct LanedEvent {
    /// The event.
    pub event: DomainEvent,
    /// The meeting, else what it is about.
    pub lane: String,
}

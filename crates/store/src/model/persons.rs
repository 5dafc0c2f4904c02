//! People across meetings.

use jiff::Timestamp;
use serde::Serialize;

use super::{InstanceState, MeetingKind};
use crate::id::{AccountId, ActionId, InstanceId, PersonId};

/// What one statement of the provider says of who somebody is: all of it is one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonClaim {
    /// Address.
    pub email: Option<String>,
    /// The provider's id of a user.
    pub user: Option<String>,
    /// The provider's id of a registration.
    pub registrant: Option<String>,
}

/// What a person said about being written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonConsent {
    /// Yes or no.
    pub granted: bool,
    /// Who or what says so.
    pub source: String,
    /// When it was said.
    pub at: Timestamp,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonRow {
    /// Its id.
    pub id: PersonId,
    /// Who it turned out to be.
    pub merged_into: Option<PersonId>,
    /// What was said about being written to.
    pub consent: Option<PersonConsent>,
    /// When it was first known.
    pub created_at: Timestamp,
}

/// Somebody who turned out to be a person that was known already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergedPerson {
    /// The id under which they were known; it brings them back.
    pub id: PersonId,
    /// When that was found.
    pub at: Timestamp,
    /// What identified them: kinds and values.
    pub identities: Vec<(String, String)>,
}

/// One stay, from when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PersonStay {
    /// When it began.
    pub join: Timestamp,
    /// When it ended.
    pub leave: Option<Timestamp>,
}

/// A stay of a person in a run of a meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRun {
    /// The run.
    pub instance_id: InstanceId,
    /// The provider's id of the run.
    pub uuid: String,
    /// The account.
    pub account_id: AccountId,
    /// The meeting number.
    pub number: Option<String>,
    /// Meeting or webinar.
    pub kind: MeetingKind,
    /// What it was about.
    pub topic: Option<String>,
    /// The provider's id of the host.
    pub host_user_id: Option<String>,
    /// The host's address.
    pub host_email: Option<String>,
    /// When it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// How far it is.
    pub state: InstanceState,
    /// Where people join.
    pub join_url: Option<String>,
    /// The provider's JSON of the series.
    pub series_raw: Option<String>,
    /// The name shown in the meeting.
    pub name: Option<String>,
    /// `host`, `attendee`, `panelist` …
    pub role: Option<String>,
    /// The provider's id of the registration.
    pub registrant_id: Option<String>,
    /// The stay.
    pub stay: PersonStay,
}

/// A registration of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRegistration {
    /// The provider's id.
    pub registrant_id: String,
    /// For which occurrence, if for one.
    pub occurrence_id: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// `approved`, `pending`, `denied`, `cancelled`.
    pub status: Option<String>,
    /// The provider's JSON.
    pub raw: String,
    /// As of when the newest fact is.
    pub said_at: Timestamp,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// The account.
    pub account_id: AccountId,
    /// The meeting number.
    pub number: String,
    /// Meeting or webinar.
    pub kind: MeetingKind,
    /// What it is about.
    pub topic: Option<String>,
    /// The provider's id of the host.
    pub host_user_id: Option<String>,
    /// The host's address.
    pub host_email: Option<String>,
    /// When the meeting, or the occurrence, begins.
    pub start: Option<Timestamp>,
    /// Planned minutes.
    pub minutes: Option<i64>,
    /// Where people join.
    pub join_url: Option<String>,
    /// The provider's JSON of the series.
    pub series_raw: String,
}

/// Something that a person is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonAction {
    /// Its id.
    pub id: ActionId,
    /// What.
    pub text: String,
    /// By when.
    pub due: Option<String>,
    /// `open`, `done` …
    pub state: String,
    /// When it was first spoken of.
    pub first_at: Timestamp,
    /// The run in which it was first spoken of.
    pub uuid: Option<String>,
    /// Its meeting number.
    pub number: Option<String>,
    /// Whether it was a webinar.
    pub webinar: bool,
    /// What it was about.
    pub topic: Option<String>,
    /// When it began.
    pub start: Option<Timestamp>,
}

//! Series, occurrences and instances.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::words;
use crate::id::{AccountId, ConnectionId, InstanceId, MeetingId};

words! {
    /// What kind of gathering a series is.
    MeetingKind {
        /// A meeting.
        Meeting = "meeting",
        /// A webinar.
        Webinar = "webinar",
    }
}

/// A meeting or webinar as it is scheduled: the series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Meeting {
    /// Its id.
    pub id: MeetingId,
    /// The account.
    pub account_id: AccountId,
    /// The provider's id (Zoom: the meeting number).
    pub external_id: String,
    /// The number people dial and type.
    pub number: String,
    /// Meeting or webinar.
    pub kind: MeetingKind,
    /// The provider's own type (Zoom: 1 instant, 2 scheduled, 3 and 8 recurring, 4 PMI …).
    pub provider_type: Option<i64>,
    /// The provider's id of the host.
    pub host_user_id: Option<String>,
    /// Topic.
    pub topic: Option<String>,
    /// IANA zone.
    pub tz: Option<String>,
    /// Start of the (first) meeting.
    pub start: Option<Timestamp>,
    /// Planned minutes.
    pub duration_min: Option<i64>,
    /// The provider's recurrence rule.
    pub recurrence: Option<Json>,
    /// The provider's settings.
    pub settings: Option<Json>,
    /// Where people join.
    pub join_url: Option<String>,
    /// The provider's JSON.
    pub raw: String,
    /// As of when the newest fact is.
    pub event_ts: Timestamp,
    /// When it was deleted there.
    pub deleted_at: Option<Timestamp>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

/// Facts about a series; what is `None` is not known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewMeeting {
    /// The provider's id; with the account, the key.
    pub external_id: String,
    /// The number; empty means the same as the id.
    pub number: String,
    /// Meeting or webinar.
    pub kind: Option<MeetingKind>,
    /// The provider's own type.
    pub provider_type: Option<i64>,
    /// The provider's id of the host.
    pub host_user_id: Option<String>,
    /// Topic.
    pub topic: Option<String>,
    /// IANA zone.
    pub tz: Option<String>,
    /// Start.
    pub start: Option<Timestamp>,
    /// Planned minutes.
    pub duration_min: Option<i64>,
    /// The provider's recurrence rule.
    pub recurrence: Option<Json>,
    /// The provider's settings.
    pub settings: Option<Json>,
    /// Where people join.
    pub join_url: Option<String>,
    /// The provider's JSON.
    pub raw: Option<String>,
}

/// One planned run of a recurring series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// The provider's id.
    pub occurrence_id: String,
    /// Start.
    pub start: Option<Timestamp>,
    /// Planned minutes.
    pub duration_min: Option<i64>,
    /// `available`, `deleted`.
    pub status: Option<String>,
}

words! {
    /// How far an instance is. It only ever moves forward.
    InstanceState {
        /// Announced, not begun.
        Scheduled = "scheduled",
        /// People are in it.
        Started = "started",
        /// It is over.
        Ended = "ended",
    }
}

/// One run of a meeting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// The account.
    pub account_id: AccountId,
    /// The provider's id (Zoom: the decoded UUID).
    pub external_id: String,
    /// The series, if there is one.
    pub meeting_id: Option<MeetingId>,
    /// The meeting number.
    pub number: Option<String>,
    /// Meeting or webinar.
    pub kind: MeetingKind,
    /// The provider's own type.
    pub provider_type: Option<i64>,
    /// Topic at that time.
    pub topic: Option<String>,
    /// The provider's id of the host.
    pub host_user_id: Option<String>,
    /// The host's address: as told with the instance, else from the users.
    pub host_email: Option<String>,
    /// The host's name, from the users.
    pub host_name: Option<String>,
    /// How far it is.
    pub state: InstanceState,
    /// When it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// IANA zone.
    pub tz: Option<String>,
    /// How many took part, as the provider counts.
    pub participants_count: Option<i64>,
    /// The provider's JSON.
    pub raw: String,
    /// As of when the newest fact is.
    pub event_ts: Timestamp,
    /// When it was deleted there.
    pub deleted_at: Option<Timestamp>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

/// Facts about an instance; what is `None` is not known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewInstance {
    /// The provider's id (Zoom: the decoded UUID); with the account, the key.
    pub external_id: String,
    /// The series.
    pub meeting_id: Option<MeetingId>,
    /// The meeting number.
    pub number: Option<String>,
    /// Meeting or webinar.
    pub kind: Option<MeetingKind>,
    /// The provider's own type.
    pub provider_type: Option<i64>,
    /// Topic.
    pub topic: Option<String>,
    /// The provider's id of the host.
    pub host_user_id: Option<String>,
    /// The host's address.
    pub host_email: Option<String>,
    /// How far it is.
    pub state: Option<InstanceState>,
    /// When it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// IANA zone.
    pub tz: Option<String>,
    /// How many took part.
    pub participants_count: Option<i64>,
    /// The provider's JSON.
    pub raw: Option<String>,
}

/// Which instances to list. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstanceFilter {
    /// Of this account.
    pub account: Option<AccountId>,
    /// Of this series.
    pub meeting: Option<MeetingId>,
    /// With this meeting number.
    pub number: Option<String>,
    /// Whose host's address or name contains this, whatever the case.
    pub host: Option<String>,
    /// Whose topic contains this, whatever the case.
    pub topic: Option<String>,
    /// That began at or after.
    pub from: Option<Timestamp>,
    /// That began before.
    pub before: Option<Timestamp>,
    /// In this state.
    pub state: Option<InstanceState>,
    /// With (or without) a transcript.
    pub has_transcript: Option<bool>,
    /// With (or without) a recording.
    pub has_recording: Option<bool>,
}

/// A row of the list of instances.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstanceSummary {
    /// The instance (its `raw` is left empty in lists).
    #[serde(flatten)]
    pub instance: Instance,
    /// Participants in the store.
    pub participants: u64,
    /// Files of its recordings in the store.
    pub files: u64,
    /// Cues of its current transcripts.
    pub cues: u64,
    /// Chat messages.
    pub chat_messages: u64,
}

/// Which series to list. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MeetingFilter {
    /// Of this account.
    pub account: Option<AccountId>,
    /// Of this host (the provider's id).
    pub host_user_id: Option<String>,
    /// Whose topic contains this, whatever the case.
    pub topic: Option<String>,
    /// Also those that were deleted.
    pub include_deleted: bool,
}

/// Through which connection an instance was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceSource {
    /// The connection.
    pub connection_id: ConnectionId,
    /// When it last told of the instance.
    pub seen_at: Timestamp,
}

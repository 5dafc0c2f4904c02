//! Users of an account, participants and their attendance, registrants.

use jiff::Timestamp;
use serde::Serialize;

use super::words;
use crate::id::{AccountId, InstanceId, MeetingId, ParticipantId, RegistrantId, UserId};

/// A user of a provider's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The account.
    pub account_id: AccountId,
    /// The provider's id.
    pub external_id: String,
    /// Address, in lower case.
    pub email: Option<String>,
    /// Name to show.
    pub name: Option<String>,
    /// The kind of seat (Zoom: `1` basic, `2` licensed …).
    pub kind: Option<String>,
    /// `active`, `inactive`, `pending`.
    pub status: Option<String>,
    /// IANA zone.
    pub tz: Option<String>,
    /// The number of the personal meeting.
    pub pmi: Option<String>,
    /// The provider's JSON.
    pub raw: String,
    /// When it was deleted there.
    pub deleted_at: Option<Timestamp>,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

/// Which users to list. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserFilter {
    /// Whose name or address has a word that begins like this, whatever the case.
    pub text: Option<String>,
    /// With this kind of seat.
    pub kind: Option<String>,
    /// In this state.
    pub status: Option<String>,
    /// Of this account.
    pub account: Option<AccountId>,
}

/// A row of the list of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSummary {
    /// The user.
    pub user: User,
    /// Meetings that were held and are known here.
    pub hosted: u64,
    /// When the latest of them began.
    pub last_hosted: Option<Timestamp>,
}

/// Facts about a user; what is `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewUser {
    /// The provider's id; with the account, the key.
    pub external_id: String,
    /// Address.
    pub email: Option<String>,
    /// Name to show.
    pub name: Option<String>,
    /// The kind of seat.
    pub kind: Option<String>,
    /// `active`, `inactive`, `pending`.
    pub status: Option<String>,
    /// IANA zone.
    pub tz: Option<String>,
    /// The number of the personal meeting.
    pub pmi: Option<String>,
    /// The provider's JSON.
    pub raw: Option<String>,
}

words! {
    /// Where somebody was.
    AttendanceKind {
        /// In the meeting.
        Main = "main",
        /// In the waiting room.
        Waiting = "waiting",
        /// In a breakout room.
        Breakout = "breakout",
    }
}

/// Somebody who was in an instance, with every stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Participant {
    /// Its id.
    pub id: ParticipantId,
    /// The instance.
    pub instance_id: InstanceId,
    /// What makes it the same participant in all sources.
    pub match_key: String,
    /// Name shown in the meeting.
    pub name: Option<String>,
    /// Address, if told.
    pub email: Option<String>,
    /// The provider's user id, if it was a user.
    pub user_external_id: Option<String>,
    /// The provider's registrant id, if registered.
    pub registrant_id: Option<String>,
    /// `host`, `attendee`, `panelist` …
    pub role: Option<String>,
    /// The stays, in order of joining.
    pub attendance: Vec<Attendance>,
}

/// One stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attendance {
    /// What makes it the same stay in all sources.
    pub join_key: String,
    /// Where.
    pub kind: AttendanceKind,
    /// When it began.
    pub join: Timestamp,
    /// When it ended; none while it lasts, or when nobody told.
    pub leave: Option<Timestamp>,
}

/// A stay as one source tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttendance {
    /// What makes it the same participant in all sources.
    pub match_key: String,
    /// Name shown in the meeting.
    pub name: Option<String>,
    /// Address, if told.
    pub email: Option<String>,
    /// The provider's user id, if it was a user.
    pub user_external_id: Option<String>,
    /// The provider's registrant id, if registered.
    pub registrant_id: Option<String>,
    /// `host`, `attendee`, `panelist` …
    pub role: Option<String>,
    /// What makes it the same stay in all sources.
    pub join_key: String,
    /// Where.
    pub kind: AttendanceKind,
    /// When it began.
    pub join: Timestamp,
    /// When it ended.
    pub leave: Option<Timestamp>,
    /// The provider's JSON.
    pub raw: Option<String>,
}

/// A registration for a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registrant {
    /// Its id.
    pub id: RegistrantId,
    /// The meeting.
    pub meeting_id: MeetingId,
    /// The provider's id.
    pub external_id: String,
    /// For which occurrence, if for one.
    pub occurrence_id: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// `approved`, `pending`, `denied`, `cancelled`.
    pub status: Option<String>,
    /// The provider's JSON (answers to questions among it).
    pub raw: String,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

/// Facts about a registrant; what is `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRegistrant {
    /// The provider's id; with the account and meeting, the key.
    pub external_id: String,
    /// For which occurrence, if for one.
    pub occurrence_id: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// `approved`, `pending`, `denied`, `cancelled`.
    pub status: Option<String>,
    /// The provider's JSON.
    pub raw: Option<String>,
}

/// A stay as it lies in the store, for merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStay {
    /// The participant it hangs on.
    pub participant_id: ParticipantId,
    /// The participant's key.
    pub match_key: String,
    /// What makes it the same stay in all sources.
    pub join_key: String,
    /// Where.
    pub kind: AttendanceKind,
    /// When it began.
    pub join: Timestamp,
    /// When it ended.
    pub leave: Option<Timestamp>,
    /// The provider's JSON, or whatever the engine keeps there.
    pub raw: String,
}

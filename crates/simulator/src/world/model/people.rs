//! The account and its users.

use jiff::Timestamp;

/// The Zoom account itself.
#[derive(Clone, Debug)]
pub struct Account {
    /// 22-character id (the one OAuth calls `account_id` is configured apart; this one stands in payloads).
    pub id: String,
    /// Company name.
    pub name: String,
    /// Id of the owner's user.
    pub owner_id: String,
    /// When the account was opened.
    pub created_at: Timestamp,
}

/// State of a user in the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// Can host and join.
    Active,
    /// Deactivated.
    Inactive,
    /// Invited, has not accepted: no id in lists.
    Pending,
}

impl UserStatus {
    /// Zoom's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
        }
    }
}

/// A user of the account.
#[derive(Clone, Debug)]
pub struct User {
    /// 22-character id.
    pub id: String,
    /// Login address, unique in the account.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Name shown in meetings.
    pub display_name: String,
    /// 1 Basic, 2 Licensed, 4 unassigned, 99 none.
    pub kind: u8,
    /// State in the account.
    pub status: UserStatus,
    /// "0" owner, "1" admin, "2" member.
    pub role_id: String,
    /// Personal meeting number, ten digits.
    pub pmi: u64,
    /// IANA zone.
    pub timezone: String,
    /// Department.
    pub dept: String,
    /// Job title.
    pub job_title: String,
    /// Language tag such as `de-DE`.
    pub language: String,
    /// When the user was added.
    pub created_at: Timestamp,
    /// Last sign-in.
    pub last_login: Timestamp,
    /// The switches worth knowing.
    pub settings: UserSettings,
}

/// The user settings that decide what becomes of a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSettings {
    /// Cloud recording allowed.
    pub cloud_recording: bool,
    /// `none`, `local` or `cloud`.
    pub auto_recording: String,
    /// Audio transcripts are made from recordings.
    pub audio_transcript: bool,
    /// Recordings are trashed after so many days.
    pub auto_delete_days: Option<u32>,
    /// AI Companion summaries.
    pub meeting_summary: bool,
    /// Waiting room on by default.
    pub waiting_room: bool,
    /// Largest number of participants.
    pub meeting_capacity: u32,
    /// Has a webinar licence.
    pub webinar: bool,
}

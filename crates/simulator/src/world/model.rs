//! The things a Zoom account holds: users, meetings, instances, attendance, recordings.
//!
//! These are facts, not JSON: the REST handlers and the webhook payloads each write them in Zoom's form.

use jiff::Timestamp;
use serde_json::{Map, Value};

pub use super::ids::InstanceUuid;
pub use crate::config::Plan;

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

/// Where an attendance row was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// In the meeting.
    InMeeting,
    /// In the waiting room.
    InWaitingRoom,
}

impl Presence {
    /// Zoom's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InMeeting => "in_meeting",
            Self::InWaitingRoom => "in_waiting_room",
        }
    }
}

/// One stay of one person (each rejoin and each waiting-room stay is its own row).
#[derive(Clone, Debug)]
pub struct Participant {
    /// Number of this join (16778240 + n × 1024).
    pub user_id: u64,
    /// Dashed upper-case UUID of this join.
    pub participant_uuid: String,
    /// User id, when the person is of this account and signed in.
    pub account_user_id: Option<String>,
    /// Name as at the join.
    pub name: String,
    /// True address; shown only when [`Self::visible_email`] says so.
    pub email: Option<String>,
    /// Whether Zoom shows the address (own account, registered, invited through a calendar, …).
    pub email_visible: bool,
    /// Belongs to the account.
    pub internal: bool,
    /// Joined without signing in.
    pub guest: bool,
    /// The registration used.
    pub registrant_id: Option<String>,
    /// Number of a phone caller.
    pub phone_number: Option<String>,
    /// Came in.
    pub join: Timestamp,
    /// Left; none while still there.
    pub leave: Option<Timestamp>,
    /// Meeting or waiting room.
    pub presence: Presence,
    /// Zoom's words for why they left.
    pub leave_reason: String,
}

impl Participant {
    /// The address as Zoom shows it: empty for people outside the account who did not register.
    #[must_use]
    pub fn visible_email(&self) -> &str {
        if self.email_visible {
            self.email.as_deref().unwrap_or("")
        } else {
            ""
        }
    }

    /// Seconds of the stay (0 while it lasts).
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.leave
            .map_or(0, |leave| leave.as_second() - self.join.as_second())
            .max(0)
    }
}

/// Index of an instance in the world; only valid in the world that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceKey(pub(crate) u32);

/// The few facts of an instance that lists and filters need, without building the rest.
#[derive(Clone, Copy, Debug)]
pub struct InstanceHead {
    /// Its key.
    pub key: InstanceKey,
    /// UUID.
    pub uuid: InstanceUuid,
    /// Meeting number.
    pub number: u64,
    /// Meeting type.
    pub kind: u8,
    /// Start.
    pub start: Timestamp,
    /// End; none while it runs.
    pub end: Option<Timestamp>,
    /// Whether it was recorded in the cloud.
    pub recorded: bool,
    /// Number of different people (waiting room apart).
    pub people: u32,
}

/// One start of a meeting number, ended or running.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its key.
    pub key: InstanceKey,
    /// UUID.
    pub uuid: InstanceUuid,
    /// Meeting number.
    pub number: u64,
    /// Type of the meeting it belongs to, see [`Meeting::kind`].
    pub kind: u8,
    /// Topic as it was.
    pub topic: String,
    /// Host's user id.
    pub host_id: String,
    /// IANA zone of the meeting.
    pub timezone: String,
    /// Minutes planned (0 for instant).
    pub scheduled_duration: u32,
    /// Actual start.
    pub start: Timestamp,
    /// Actual end; none while it runs.
    pub end: Option<Timestamp>,
    /// Attendance, in order of joining.
    pub participants: Vec<Participant>,
    /// The cloud recording, if any (trashed and processing ones included).
    pub recording: Option<Recording>,
    /// The AI Companion summary, if one was made.
    pub summary: Option<Summary>,
}

impl Instance {
    /// Whether it is a webinar.
    #[must_use]
    pub fn is_webinar(&self) -> bool {
        matches!(self.kind, 5 | 6 | 9)
    }

    /// Whole minutes from start to end, rounded up (0 while it runs).
    #[must_use]
    pub fn minutes(&self) -> i64 {
        self.end.map_or(0, |end| {
            (end.as_second() - self.start.as_second() + 59) / 60
        })
    }

    /// Number of different people who were in the meeting.
    #[must_use]
    pub fn people(&self) -> usize {
        let mut seen = std::collections::BTreeSet::new();
        for row in &self.participants {
            if row.presence == Presence::InMeeting {
                seen.insert(
                    match (&row.account_user_id, &row.registrant_id, &row.email) {
                        (Some(id), _, _) | (None, Some(id), _) => id.as_str(),
                        (None, None, Some(email)) => email.as_str(),
                        (None, None, None) => row.name.as_str(),
                    },
                );
            }
        }
        seen.len()
    }

    /// Minutes of all people together.
    #[must_use]
    pub fn total_minutes(&self) -> i64 {
        self.participants
            .iter()
            .filter(|row| row.presence == Presence::InMeeting)
            .map(|row| (row.seconds() + 59) / 60)
            .sum()
    }
}

/// An AI Companion summary.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Title.
    pub title: String,
    /// Markdown.
    pub content: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What AI Companion heard: the source of its own transcript.
    pub heard: ContentRef,
}

/// The cloud recording of an instance.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Files of every set, in Zoom's order; transcripts that never come are not in it.
    pub files: Vec<RecordingFile>,
    /// Key in the share address.
    pub share_key: String,
    /// Passcode of the player.
    pub passcode: String,
    /// The passcode as Zoom puts it into play addresses (`recording_play_passcode`).
    pub play_passcode: String,
    /// Video and audio are ready from here on; before it, `GET` answers 3301 or files in processing.
    pub completed_at: Timestamp,
    /// Day it goes to the trash by itself.
    pub auto_delete_at: Option<Timestamp>,
    /// Whole recording in the trash since.
    pub trashed_at: Option<Timestamp>,
    /// Gone for good since.
    pub deleted_at: Option<Timestamp>,
}

impl Recording {
    /// Files that exist for a reader at `now`: not trashed, not deleted; processing ones included.
    pub fn listed(&self) -> impl Iterator<Item = &RecordingFile> {
        self.files
            .iter()
            .filter(|file| file.trashed_at.is_none() && file.deleted_at.is_none())
    }

    /// Files ready to fetch at `now`.
    pub fn ready(&self, now: Timestamp) -> impl Iterator<Item = &RecordingFile> {
        self.listed().filter(move |file| file.ready_at <= now)
    }

    /// Whether it is neither trashed nor deleted.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.trashed_at.is_none() && self.deleted_at.is_none()
    }

    /// Bytes of the files ready at `now`.
    #[must_use]
    pub fn total_size(&self, now: Timestamp) -> u64 {
        self.ready(now).map(|file| file.size).sum()
    }
}

/// Kinds of recording file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Video.
    Mp4,
    /// Audio.
    M4a,
    /// Audio transcript (WebVTT).
    Transcript,
    /// Chat (text).
    Chat,
    /// Live captions (WebVTT).
    Cc,
    /// Active speakers (JSON).
    Timeline,
    /// Smart recording summary (JSON).
    Summary,
}

impl FileKind {
    /// Zoom's `file_type`.
    #[must_use]
    pub fn file_type(self) -> &'static str {
        match self {
            Self::Mp4 => "MP4",
            Self::M4a => "M4A",
            Self::Transcript => "TRANSCRIPT",
            Self::Chat => "CHAT",
            Self::Cc => "CC",
            Self::Timeline => "TIMELINE",
            Self::Summary => "SUMMARY",
        }
    }

    /// Zoom's `file_extension`.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "MP4",
            Self::M4a => "M4A",
            Self::Transcript | Self::Cc => "VTT",
            Self::Chat => "TXT",
            Self::Timeline | Self::Summary => "JSON",
        }
    }

    /// Zoom's `recording_type`.
    #[must_use]
    pub fn recording_type(self) -> &'static str {
        match self {
            Self::Mp4 => "shared_screen_with_speaker_view",
            Self::M4a => "audio_only",
            Self::Transcript => "audio_transcript",
            Self::Chat => "chat_file",
            Self::Cc => "closed_caption",
            Self::Timeline => "timeline",
            Self::Summary => "summary",
        }
    }

    /// `Content-Type` of the download.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::M4a => "audio/mp4",
            Self::Transcript | Self::Cc => "text/vtt",
            Self::Chat => "text/plain",
            Self::Timeline | Self::Summary => "application/json",
        }
    }

    /// Whether Zoom's row for it lacks id, status, size, type and play address (CC and TIMELINE).
    #[must_use]
    pub fn is_bare_row(self) -> bool {
        matches!(self, Self::Cc | Self::Timeline)
    }
}

/// One file of a recording.
#[derive(Clone, Debug)]
pub struct RecordingFile {
    /// Dashed UUID (not shown for CC and TIMELINE).
    pub id: String,
    /// Kind.
    pub kind: FileKind,
    /// Recording start of its set.
    pub start: Timestamp,
    /// Recording end of its set.
    pub end: Timestamp,
    /// Exact bytes.
    pub size: u64,
    /// `completed` from here on, `processing` before.
    pub ready_at: Timestamp,
    /// In the trash by itself since.
    pub trashed_at: Option<Timestamp>,
    /// Gone since.
    pub deleted_at: Option<Timestamp>,
    /// Place in [`Recording::files`]; part of the download address.
    pub index: u16,
    /// What the bytes are made from; read them with `World::content`.
    pub content: ContentRef,
}

/// What a file's bytes are made from.
#[derive(Clone, Debug, PartialEq)]
pub enum ContentRef {
    /// Rendered from a built-in script on demand.
    Talk(crate::content::TalkRef),
    /// Rendered from the generator on demand.
    Generated(crate::generate::GeneratedTalk),
    /// A file of the `--transcripts` folder, served byte for byte.
    Disk(std::sync::Arc<DiskFile>),
    /// Media filler, derived by offset.
    Media(crate::files::Media),
    /// A text as it is.
    Text(std::sync::Arc<str>),
}

/// A file on disk that was measured when the world was made.
#[derive(Debug, PartialEq, Eq)]
pub struct DiskFile {
    /// Where it lies.
    pub path: std::path::PathBuf,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hex.
    pub sha256: String,
    /// Cues (transcripts) or messages (chat).
    pub items: usize,
}

/// What becomes of a live meeting's transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TranscriptFate {
    /// Soon after the recording.
    #[default]
    OnTime,
    /// Hours later.
    Late,
    /// Never.
    Never,
}

//! What the simulator says an ideal client could know of the account; the demo is held against it.

use jiff::Timestamp;
use serde::Deserialize;

/// The account as an ideal client with the given means would know it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Knowable {
    pub(super) users: Vec<User>,
    pub(super) meetings: Vec<Meeting>,
    pub(super) instances: Vec<Instance>,
    pub(super) totals: Totals,
    pub(super) least_calls: LeastCalls,
}

/// A user; pending ones have no id yet.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    #[serde(default)]
    pub(super) id: Option<String>,
    pub(super) email: String,
}

/// A scheduled meeting or webinar.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Meeting {
    pub(super) id: u64,
    pub(super) topic: String,
}

/// A meeting that was held.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Instance {
    pub(super) uuid: String,
    pub(super) meeting_id: u64,
    pub(super) topic: String,
    pub(super) start_time: Timestamp,
    #[serde(default)]
    pub(super) participants: Option<Vec<Participant>>,
    #[serde(default)]
    pub(super) recording: Option<Recording>,
    #[serde(default)]
    pub(super) transcript: Option<TranscriptFile>,
    #[serde(default)]
    pub(super) chat: Option<Chat>,
}

/// One stretch of attendance.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Participant {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) user_email: Option<String>,
    pub(super) join_time: Timestamp,
    #[serde(default)]
    pub(super) leave_time: Option<Timestamp>,
}

/// A cloud recording.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Recording {
    pub(super) files: Vec<File>,
}

/// A file of a recording.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct File {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(rename = "file_type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) sha256: Option<String>,
    #[serde(default)]
    pub(super) size: Option<u64>,
}

/// The transcripts of an instance, one for each recorded stretch.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TranscriptFile {
    pub(super) cues: u64,
    #[serde(default)]
    pub(super) parts: Vec<TranscriptPart>,
}

/// One transcript file.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TranscriptPart {
    pub(super) cues: u64,
    pub(super) sha256: String,
}

/// A chat file.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Chat {
    pub(super) messages: u64,
}

/// The sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Totals {
    pub(super) users: u64,
    pub(super) meetings: u64,
    pub(super) instances: u64,
    pub(super) participant_rows: u64,
    pub(super) recordings: u64,
    pub(super) files: u64,
    pub(super) transcripts: u64,
    pub(super) cues: u64,
    pub(super) chat_messages: u64,
}

impl Totals {
    /// The sums by name, in the order in which they are shown.
    pub(super) fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("users", self.users),
            ("meetings", self.meetings),
            ("instances", self.instances),
            ("participant rows", self.participant_rows),
            ("recordings", self.recordings),
            ("files", self.files),
            ("transcripts", self.transcripts),
            ("cues", self.cues),
            ("chat messages", self.chat_messages),
        ]
    }
}

/// The fewest calls that tell all of it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LeastCalls {
    pub(super) total: u64,
}

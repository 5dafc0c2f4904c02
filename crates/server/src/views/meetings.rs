use jiff::Timestamp;
use parfocal_engine::store::{Artefact, File, Instance, InstanceSummary, Participant, Recording};
use serde::Serialize;

/// A meeting that is, was or will be held.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct InstanceView {
    /// Our id.
    pub id: String,
    /// Zoom's UUID of this run.
    pub uuid: String,
    /// The meeting number, as text.
    pub meeting_number: Option<String>,
    /// `meeting` or `webinar`.
    pub kind: &'static str,
    /// Its topic.
    pub topic: Option<String>,
    /// The host's e-mail address.
    pub host_email: Option<String>,
    /// The host's name.
    pub host_name: Option<String>,
    /// `scheduled`, `started` or `ended`.
    pub state: &'static str,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// The zone it was planned in.
    pub timezone: Option<String>,
    /// People who were there.
    pub participants: u64,
    /// Files of its recording.
    pub files: u64,
    /// Cues of its transcript.
    pub cues: u64,
    /// Its chat messages.
    pub chat_messages: u64,
}

impl From<InstanceSummary> for InstanceView {
    fn from(summary: InstanceSummary) -> Self {
        let InstanceSummary {
            instance,
            participants,
            files,
            cues,
            chat_messages,
        } = summary;
        Self {
            participants,
            files,
            cues,
            chat_messages,
            ..Self::from(instance)
        }
    }
}

impl From<Instance> for InstanceView {
    fn from(instance: Instance) -> Self {
        Self {
            id: instance.id.to_string(),
            uuid: instance.external_id,
            meeting_number: instance.number,
            kind: instance.kind.as_str(),
            topic: instance.topic,
            host_email: instance.host_email,
            host_name: instance.host_name,
            state: instance.state.as_str(),
            start_time: instance.start,
            end_time: instance.end,
            timezone: instance.tz,
            participants: 0,
            files: 0,
            cues: 0,
            chat_messages: 0,
        }
    }
}

/// A meeting with everything that is known of it, except what was said.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct InstanceDetailView {
    /// The meeting.
    #[serde(flatten)]
    pub instance: InstanceView,
    /// Who was there, and when.
    pub people: Vec<ParticipantView>,
    /// Its recordings.
    pub recordings: Vec<RecordingView>,
    /// What there is, what is awaited, and what cannot be had.
    pub artefacts: Vec<ArtefactView>,
}

/// Somebody who was there.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ParticipantView {
    /// The name shown.
    pub name: Option<String>,
    /// The e-mail address, where Zoom tells it.
    pub email: Option<String>,
    /// When they came and went.
    pub stays: Vec<StayView>,
}

/// One stretch of attendance.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct StayView {
    /// `main`, `waiting` or `breakout`.
    pub kind: &'static str,
    /// When they came.
    pub join_time: Option<Timestamp>,
    /// When they left.
    pub leave_time: Option<Timestamp>,
}

impl From<Participant> for ParticipantView {
    fn from(participant: Participant) -> Self {
        Self {
            name: participant.name,
            email: participant.email,
            stays: participant
                .attendance
                .into_iter()
                .map(|stay| StayView {
                    kind: stay.kind.as_str(),
                    join_time: stay.join.into(),
                    leave_time: stay.leave,
                })
                .collect(),
        }
    }
}

/// A cloud recording.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct RecordingView {
    /// Our id.
    pub id: String,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// Where people watch it.
    pub share_url: Option<String>,
    /// Bytes of all files, as Zoom counts.
    pub total_size: Option<i64>,
    /// When it was deleted at Zoom.
    pub deleted_at: Option<Timestamp>,
    /// Its files.
    pub files: Vec<FileView>,
}

impl RecordingView {
    /// Puts a recording together with its files.
    pub fn new(recording: &Recording, files: &[FileView]) -> Self {
        let id = recording.id.to_string();
        Self {
            start_time: recording.start,
            share_url: recording.share_url.clone(),
            total_size: recording.total_size,
            deleted_at: recording.deleted_at,
            files: files
                .iter()
                .filter(|file| file.recording_id == id)
                .cloned()
                .collect(),
            id,
        }
    }
}

/// A file of a recording.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct FileView {
    /// Our id.
    pub id: String,
    /// The recording it belongs to.
    pub recording_id: String,
    /// The meeting it belongs to.
    pub instance_id: String,
    /// Zoom's id.
    pub external_id: String,
    /// Zoom's `file_type`.
    pub file_type: String,
    /// Zoom's `recording_type`.
    pub recording_type: Option<String>,
    /// Its extension.
    pub extension: Option<String>,
    /// Its size in bytes.
    pub size: Option<i64>,
    /// Whether its content is stored here.
    pub stored: bool,
    /// When it was deleted at Zoom.
    pub deleted_at: Option<Timestamp>,
}

impl From<File> for FileView {
    fn from(file: File) -> Self {
        Self {
            id: file.id.to_string(),
            recording_id: file.recording_id.to_string(),
            instance_id: file.instance_id.to_string(),
            external_id: file.external_id,
            file_type: file.file_type,
            recording_type: file.recording_type,
            extension: file.extension,
            size: file.size,
            stored: file.blob_id.is_some(),
            deleted_at: file.deleted_at,
        }
    }
}

/// Whether something of a meeting is there, awaited, or not to be had.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ArtefactView {
    /// `details`, `participants`, `recording`, `transcript`, `chat` or `registrants`.
    pub kind: &'static str,
    /// `expected`, `present`, `unavailable` or `failed`.
    pub state: &'static str,
    /// A stable code of the reason.
    pub cause: Option<String>,
    /// The reason in words, Zoom's among them.
    pub detail: Option<String>,
    /// Until when it should be there.
    pub expected_by: Option<Timestamp>,
    /// When that was last looked at.
    pub checked_at: Timestamp,
}

impl From<Artefact> for ArtefactView {
    fn from(artefact: Artefact) -> Self {
        Self {
            kind: artefact.kind.as_str(),
            state: artefact.state.as_str(),
            cause: artefact.cause,
            detail: artefact.detail,
            expected_by: artefact.expected_by,
            checked_at: artefact.checked_at,
        }
    }
}

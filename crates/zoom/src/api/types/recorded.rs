//! Recordings, their files, transcripts.

use jiff::Timestamp;

use crate::hidden::Hidden;
use crate::id::{AccountId, MeetingNumber, MeetingUuid, RecordingFileId, UserId};
use crate::lenient::{records, text_enums};

text_enums! {
    /// What a recording file holds.
    pub enum FileType {
        /// Video.
        Mp4 = "MP4",
        /// Audio.
        M4a = "M4A",
        /// Who spoke when (JSON).
        Timeline = "TIMELINE",
        /// Transcript (WebVTT).
        Transcript = "TRANSCRIPT",
        /// Chat (text).
        Chat = "CHAT",
        /// Live captions (WebVTT).
        Captions = "CC",
        /// Polls (CSV).
        Csv = "CSV",
        /// Summary (JSON).
        Summary = "SUMMARY",
        /// Chat of an archive.
        ChatMessage = "CHAT_MESSAGE",
        /// Not ready: Zoom is still processing.
        Temporary = "TB",
    }
}

records! {
    /// The cloud recording of one instance.
    pub struct Recording {
        /// Meeting number.
        id: Option<MeetingNumber>,
        /// UUID of the instance.
        uuid: Option<MeetingUuid>,
        /// Account.
        account_id: Option<AccountId>,
        /// Host.
        host_id: Option<UserId>,
        /// E-mail of the host.
        host_email: Option<String>,
        /// Topic.
        topic: Option<String>,
        /// Zoom's type number; lists write it as a string.
        #[serde(rename = "type")]
        kind: Option<i64>,
        /// Start of the meeting.
        start_time: Option<Timestamp>,
        /// IANA time zone.
        timezone: Option<String>,
        /// Length in minutes.
        duration: Option<i64>,
        /// Size of all files in bytes.
        total_size: Option<u64>,
        /// Number of files.
        recording_count: Option<i64>,
        /// Address of the viewer's page.
        share_url: Option<Hidden>,
        /// Passcode of the viewer's page.
        password: Option<Hidden>,
        /// Passcode in the form that addresses take.
        recording_play_passcode: Option<Hidden>,
        /// Whether it will be deleted by itself.
        auto_delete: Option<bool>,
        /// When.
        auto_delete_date: Option<String>,
        /// Token for all files, when it was asked for.
        download_access_token: Option<Hidden>,
        /// Files.
        recording_files: Vec<RecordingFile>,
        /// Audio files per participant.
        participant_audio_files: Vec<RecordingFile>,
    }

    /// One file of a cloud recording; captions and timelines lack id, status, size and address of the player.
    pub struct RecordingFile {
        /// File.
        id: Option<RecordingFileId>,
        /// UUID of the instance, under a misleading name.
        meeting_id: Option<MeetingUuid>,
        /// Start of the recording; times in transcripts count from here.
        recording_start: Option<Timestamp>,
        /// End of the recording.
        recording_end: Option<Timestamp>,
        /// What it holds.
        file_type: Option<FileType>,
        /// Its extension, in capitals.
        file_extension: Option<String>,
        /// Its name, in events.
        file_name: Option<String>,
        /// Size in bytes.
        file_size: Option<u64>,
        /// View of the meeting (`active_speaker`, `audio_transcript`, …); new values appear.
        recording_type: Option<String>,
        /// `completed` or `processing`.
        status: Option<String>,
        /// Address to download it, with a token.
        download_url: Option<Hidden>,
        /// Address to play it.
        play_url: Option<Hidden>,
        /// When it was moved to the trash.
        deleted_time: Option<String>,
    }

    /// State of a meeting's durable (AI Companion) transcript.
    pub struct MeetingTranscript {
        /// Meeting.
        meeting_id: Option<String>,
        /// Account.
        account_id: Option<AccountId>,
        /// Topic.
        meeting_topic: Option<String>,
        /// Host.
        host_id: Option<UserId>,
        /// When it was made.
        transcript_created_time: Option<Timestamp>,
        /// Whether it can be downloaded.
        can_download: Option<bool>,
        /// Why not: `DELETED_OR_TRASHED`, `UNSUPPORTED`, `NO_TRANSCRIPT_DATA` or `NOT_READY`.
        download_restriction_reason: Option<String>,
        /// Address to download it, with a token.
        download_url: Option<Hidden>,
        /// Whether it will be deleted by itself.
        auto_delete: Option<bool>,
        /// When.
        auto_delete_date: Option<String>,
    }
}

//! What was recorded: files and what their bytes are made from.

use jiff::Timestamp;

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

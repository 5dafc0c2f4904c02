use jiff::Timestamp;
use parfocal_engine::store::{ChatMessage, Cue, Transcript};
use serde::Serialize;

/// What was said in a meeting.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct TranscriptsView {
    /// The meeting.
    pub instance_id: String,
    /// Its transcripts that count: one for each recorded stretch, in order.
    pub transcripts: Vec<TranscriptView>,
}

/// A transcript with its cues.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct TranscriptView {
    /// Our id.
    pub id: String,
    /// `recording`, `aic`, `cc` or `import`.
    pub source: &'static str,
    /// SHA-256 of the file it was read from, as hex.
    pub sha256: String,
    /// Its language, where known.
    pub language: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// What was said.
    pub cues: Vec<CueView>,
}

impl TranscriptView {
    /// Puts a transcript together with its cues.
    pub fn new(transcript: Transcript, cues: Vec<Cue>) -> Self {
        Self {
            id: transcript.id.to_string(),
            source: transcript.source.as_str(),
            sha256: transcript.sha256,
            language: transcript.lang,
            created_at: transcript.created_at,
            cues: cues.into_iter().map(CueView::from).collect(),
        }
    }
}

/// A cue, in the shape that `transcript parse` prints too.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct CueView {
    /// Its number in the file's order, from 1.
    pub n: u32,
    /// Its beginning in the recording, in milliseconds.
    pub start_ms: u32,
    /// Its end in the recording, in milliseconds.
    pub end_ms: u32,
    /// Who speaks, as the transcript names them.
    pub speaker: Option<String>,
    /// What is said.
    pub text: String,
}

impl From<Cue> for CueView {
    fn from(cue: Cue) -> Self {
        Self {
            n: cue.n,
            start_ms: cue.start_ms,
            end_ms: cue.end_ms,
            speaker: cue.speaker,
            text: cue.text,
        }
    }
}

/// A chat message.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ChatMessageView {
    /// Its number, from 1.
    pub n: u32,
    /// When it was written, in milliseconds since the recording's start.
    pub at_ms: u32,
    /// Who wrote it.
    pub sender: String,
    /// To whom, if not to everyone.
    pub to: Option<String>,
    /// What was written.
    pub text: String,
}

impl From<ChatMessage> for ChatMessageView {
    fn from(message: ChatMessage) -> Self {
        Self {
            n: message.n,
            at_ms: message.at_ms,
            sender: message.sender,
            to: message.to,
            text: message.text,
        }
    }
}

//! What was said and written.

use jiff::Timestamp;
use serde::Serialize;

use super::words;
use crate::id::{FileId, InstanceId, TranscriptId};

words! {
    /// What a transcript was made from.
    TranscriptSource {
        /// The recording's transcript file.
        Recording = "recording",
        /// The AI Companion.
        AiCompanion = "aic",
        /// The closed captions file.
        Captions = "cc",
        /// A file a person gave us.
        Import = "import",
    }
}

/// A parsed transcript. It never changes: another content is another transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transcript {
    /// Its id.
    pub id: TranscriptId,
    /// The instance.
    pub instance_id: InstanceId,
    /// The file it was read from.
    pub file_id: Option<FileId>,
    /// What it was made from.
    pub source: TranscriptSource,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Language, if known (BCP 47).
    pub lang: Option<String>,
    /// Whether it is the one of its file that counts now.
    pub current: bool,
    /// Version of the parser that read it.
    pub parser_v: i64,
    /// How many cues.
    pub cues: u64,
    /// How many utterances.
    pub utterances: u64,
    /// How many lines were skipped as malformed.
    pub warnings: u64,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// A transcript to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTranscript<'t> {
    /// The instance.
    pub instance_id: InstanceId,
    /// The file it was read from.
    pub file_id: Option<FileId>,
    /// What it was made from.
    pub source: TranscriptSource,
    /// SHA-256 of the file, in hex.
    pub sha256: &'t str,
    /// Language, if known.
    pub lang: Option<&'t str>,
    /// Version of the parser that read it.
    pub parser_v: i64,
    /// How many lines were skipped as malformed.
    pub warnings: u64,
    /// The cues, in order.
    pub cues: &'t [Cue],
    /// The utterances, in order; see [`utterances`] for the usual grouping.
    pub utterances: &'t [Utterance],
}

/// One cue of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cue {
    /// Its number, from 1.
    pub n: u32,
    /// Milliseconds from the start of the recording.
    pub start_ms: u32,
    /// Milliseconds from the start of the recording.
    pub end_ms: u32,
    /// Who spoke, as the file says.
    pub speaker: Option<String>,
    /// What was said.
    pub text: String,
}

/// A stretch of one speaker's talk: what search finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Utterance {
    /// Its number, from 1.
    pub n: u32,
    /// The number of its first cue.
    pub cue_from: u32,
    /// The number of its last cue.
    pub cue_to: u32,
    /// Milliseconds from the start of the recording.
    pub start_ms: u32,
    /// Milliseconds from the start of the recording.
    pub end_ms: u32,
    /// Who spoke.
    pub speaker: Option<String>,
    /// What was said.
    pub text: String,
}

/// The longest utterance that [`utterances`] makes, in bytes of text, before it begins another.
const UTTERANCE_BYTES: usize = 600;
/// A pause after which even the same speaker begins another utterance, in milliseconds.
const UTTERANCE_PAUSE_MS: u32 = 15_000;

/// Groups cues into utterances: as long as the same person goes on, without a long pause, and not too long.
pub fn utterances(cues: &[Cue]) -> Vec<Utterance> {
    let mut out: Vec<Utterance> = Vec::new();
    for cue in cues {
        if let Some(last) = out.last_mut()
            && last.speaker == cue.speaker
            && cue.start_ms <= last.end_ms.saturating_add(UTTERANCE_PAUSE_MS)
            && last.text.len() + cue.text.len() < UTTERANCE_BYTES
        {
            last.cue_to = cue.n;
            last.end_ms = last.end_ms.max(cue.end_ms);
            last.text.push(' ');
            last.text.push_str(&cue.text);
            continue;
        }
        out.push(Utterance {
            n: u32::try_from(out.len() + 1).unwrap_or(u32::MAX),
            cue_from: cue.n,
            cue_to: cue.n,
            start_ms: cue.start_ms,
            end_ms: cue.end_ms,
            speaker: cue.speaker.clone(),
            text: cue.text.clone(),
        });
    }
    out
}

/// What storing a transcript did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptOutcome {
    /// It is new, and is the current one of its file.
    Inserted(TranscriptId),
    /// The same content was there; it is the current one of its file (now, or already).
    Duplicate(TranscriptId),
}

impl TranscriptOutcome {
    /// The transcript, new or old.
    pub fn id(self) -> TranscriptId {
        match self {
            Self::Inserted(id) | Self::Duplicate(id) => id,
        }
    }
}

/// One message of an instance's chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Its number in its file, from 1.
    pub n: u32,
    /// Milliseconds from the start of the recording (or of the day, where the file says no better).
    pub at_ms: u32,
    /// Who wrote, as the file says.
    pub sender: String,
    /// To whom, if not to everyone.
    pub to: Option<String>,
    /// What was written.
    pub text: String,
}

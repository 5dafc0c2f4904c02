//! Transcripts from elsewhere, taken into the same store.

use jiff::Timestamp;
use parfocal_formats::foreign;
pub use parfocal_formats::foreign::Kind;
use parfocal_formats::vtt;
use parfocal_store::{
    ArtefactKind, Cue, InstanceId, NewJob, NewTranscript, TranscriptId, TranscriptOutcome,
    TranscriptSource, utterances,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::audit::{self, By, Change};
use crate::error::{EngineError, Result};
use crate::ingest::artefacts;
use crate::jobs::{JobKind, TranscriptAnalyze, priority};
use crate::told::{self, Told, TranscriptReady};

/// Version of this reading; a transcript remembers which one made it.
const PARSER_VERSION: i64 = 1;
/// How many warnings are told; all are counted.
const TOLD: usize = 20;

/// What came of taking a transcript in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Imported {
    /// Our id of the transcript.
    pub transcript_id: String,
    /// Our id of the meeting.
    pub meeting_id: String,
    /// Whether the same content was there already.
    pub duplicate: bool,
    /// The form it was read as: `vtt`, `srt`, `txt` or `json`.
    pub format: &'static str,
    /// How many cues it has.
    pub cues: usize,
    /// Who speaks, in the order of their first words.
    pub speakers: Vec<String>,
    /// The file has no times; they are counted from the words.
    pub times_estimated: bool,
    /// How much was skipped or repaired.
    pub warnings: u64,
    /// The first of it, with the line.
    pub first_warnings: Vec<String>,
}

/// A transcript to take in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Import<'i> {
    /// The file.
    pub bytes: &'i [u8],
    /// Its form; none: what it looks like.
    pub kind: Option<Kind>,
    /// Its language (BCP 47), if known.
    pub language: Option<&'i str>,
}

/// Takes a transcript of a meeting in; it is indexed at once and analysed as others are.
///
/// The same content of the same meeting is taken in once. Another one becomes the import that counts; the one before stays,
/// as citations may name it.
///
/// # Errors
/// `not_found` when there is no such meeting, `invalid_input` when the file cannot be read.
pub async fn import(app: &App, meeting: InstanceId, file: Import<'_>, by: &By) -> Result<Imported> {
    let scope = app.scope();
    let instance = app
        .store()
        .instance(scope, meeting)
        .await?
        .ok_or_else(|| EngineError::not_found("meeting", meeting))?;
    let people = app.store().participants(scope, meeting).await?;
    let names: Vec<&str> = people
        .iter()
        .filter_map(|person| person.name.as_deref())
        .collect();
    let text = vtt::decode(file.bytes);
    let kind = file.kind.unwrap_or_else(|| Kind::of(&text));
    let read = foreign::read(&text, kind, &names).map_err(|error| {
        EngineError::invalid(format!("the transcript cannot be read: {error}"))
            .with_hint("WebVTT, SubRip, text and JSON are read; say which with the format if it was taken for another.")
    })?;
    let cues: Vec<Cue> = (1_u32..)
        .zip(&read.lines)
        .map(|(n, line)| Cue {
            n,
            start_ms: line.start_ms,
            end_ms: line.end_ms,
            speaker: line.speaker.clone(),
            text: line.text.clone(),
        })
        .collect();
    let mut speakers: Vec<String> = Vec::new();
    for name in read.lines.iter().filter_map(|line| line.speaker.as_ref()) {
        if !speakers.contains(name) {
            speakers.push(name.clone());
        }
    }
    let sha256 = hex::encode(Sha256::digest(file.bytes));
    let language = file.language.or(read.language.as_deref());
    let new = NewTranscript {
        instance_id: meeting,
        file_id: None,
        source: TranscriptSource::Import,
        sha256: &sha256,
        lang: language,
        parser_v: PARSER_VERSION,
        warnings: u64::try_from(read.warnings_total).unwrap_or(u64::MAX),
        cues: &cues,
        utterances: &utterances(&cues),
    };
    let now = app.clock().now();
    let mut tx = app.store().begin(scope).await?;
    let outcome = tx.store_transcript(&new, now).await?;
    let duplicate = matches!(outcome, TranscriptOutcome::Duplicate(_));
    if !duplicate {
        artefacts::present(&mut tx, meeting, ArtefactKind::Transcript, now).await?;
        let event = Told::TranscriptReady(TranscriptReady {
            transcript: outcome.id(),
            file: None,
            source: Some(TranscriptSource::Import.as_str()),
            cues: cues.len() as u64,
            warnings: u64::try_from(read.warnings_total).unwrap_or(u64::MAX),
            first_warnings: None,
        });
        told::tell(&mut tx, meeting, event, now).await?;
    }
    let account = app.store().account(scope, instance.account_id).await?;
    // The lane of the meeting, as the webhook door forms it.
    let lane = account.map(|account| match &instance.number {
        Some(number) => format!("{}/{number}", account.external_id),
        None => account.external_id,
    });
    // Off means no job; what is missing then is caught up with when it comes on.
    if app.components().active().await?.has("understanding") {
        tx.enqueue(&analysis(outcome.id(), lane, now), now).await?;
    }
    if !duplicate {
        audit::append(
            &mut tx,
            by,
            &Change {
                action: "transcript.import",
                target: &format!("meeting/{meeting}"),
                detail: json!({"transcript": outcome.id(), "sha256": sha256, "format": kind.as_str()}),
            },
            now,
        )
        .await?;
    }
    tx.commit().await?;
    Ok(Imported {
        transcript_id: outcome.id().to_string(),
        meeting_id: meeting.to_string(),
        duplicate,
        format: kind.as_str(),
        cues: cues.len(),
        speakers,
        times_estimated: read.estimated,
        warnings: u64::try_from(read.warnings_total).unwrap_or(u64::MAX),
        first_warnings: read
            .warnings
            .iter()
            .take(TOLD)
            .map(|warning| format!("line {}: {}", warning.line, warning.message))
            .collect(),
    })
}

/// The work that analyses it.
fn analysis(transcript: TranscriptId, lane: Option<String>, now: Timestamp) -> NewJob {
    NewJob {
        kind: JobKind::TranscriptAnalyze.as_str().to_owned(),
        v: JobKind::TranscriptAnalyze.version(),
        lane,
        priority: priority::INTERACTIVE,
        dedupe_key: Some(transcript.to_string()),
        payload: json!(TranscriptAnalyze { transcript }),
        run_at: now,
        cause_id: None,
    }
}

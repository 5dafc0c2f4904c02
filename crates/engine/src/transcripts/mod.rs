//! What was said and written in an instance, ready to be shown.

pub mod parse;

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{ChatMessage, Cue, Instance, InstanceId, Scope, Transcript};
use serde::Serialize;

use crate::App;
use crate::error::{EngineError, Result};

/// Cues read at once.
const PIECE: u32 = 5_000;

/// A cue with its place in the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CueView {
    /// The cue.
    #[serde(flatten)]
    pub cue: Cue,
    /// When it was said, if it is known when the recording began.
    pub at: Option<Timestamp>,
}

/// One transcript of an instance; a recording that was stopped and started again has several.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TranscriptPart {
    /// The transcript.
    #[serde(flatten)]
    pub transcript: Transcript,
    /// When its recording began.
    pub recording_start: Option<Timestamp>,
    /// Who speaks, in the order of their first words.
    pub speakers: Vec<String>,
    /// The cues.
    pub lines: Vec<CueView>,
}

/// Everything that was said and written in an instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TranscriptView {
    /// The instance.
    pub instance: Instance,
    /// The current transcripts, in the order in which their recordings began.
    pub parts: Vec<TranscriptPart>,
    /// The chat.
    pub chat: Vec<ChatMessage>,
}

/// The instance that `which` names: an id of ours, a UUID of Zoom's, or a meeting number (then the latest one).
pub async fn find_instance(app: &App, which: &str) -> Result<Instance> {
    let scope = app.scope();
    let which = which.trim();
    if let Ok(id) = which.parse::<InstanceId>()
        && let Some(instance) = app.store().instance(scope, id).await?
    {
        return Ok(instance);
    }
    if let Some(instance) = app.store().find_instance(scope, which).await? {
        return Ok(instance);
    }
    let number: String = which.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        let filter = parfocal_store::InstanceFilter {
            number: Some(number),
            ..Default::default()
        };
        let page = app
            .store()
            .instances(scope, &filter, &parfocal_store::PageRequest::first(1))
            .await?;
        if let Some(latest) = page.items.into_iter().next() {
            return Ok(latest.instance);
        }
    }
    Err(EngineError::not_found("meeting", which))
}

/// Everything that was said and written in an instance.
pub async fn show(app: &App, instance: InstanceId) -> Result<TranscriptView> {
    let scope = app.scope();
    let store = app.store();
    let instance = store
        .instance(scope, instance)
        .await?
        .ok_or_else(|| EngineError::not_found("meeting", instance))?;
    let files = store.files_of_instance(scope, instance.id).await?;
    let mut parts = Vec::new();
    for transcript in store.transcripts(scope, instance.id).await? {
        if !transcript.current {
            continue;
        }
        let recording_start = files
            .iter()
            .find(|file| Some(file.id) == transcript.file_id)
            .and_then(|file| file.start)
            .or(instance.start);
        let lines = cues(app, scope, &transcript, recording_start).await?;
        let mut speakers: Vec<String> = Vec::new();
        for speaker in lines.iter().filter_map(|line| line.cue.speaker.as_ref()) {
            if !speakers.contains(speaker) {
                speakers.push(speaker.clone());
            }
        }
        parts.push(TranscriptPart {
            transcript,
            recording_start,
            speakers,
            lines,
        });
    }
    parts.sort_by_key(|part| part.recording_start);
    let chat = store.chat(scope, instance.id).await?;
    Ok(TranscriptView {
        instance,
        parts,
        chat,
    })
}

async fn cues(
    app: &App,
    scope: Scope,
    transcript: &Transcript,
    start: Option<Timestamp>,
) -> Result<Vec<CueView>> {
    let mut lines: Vec<CueView> = Vec::new();
    let mut from = 1;
    loop {
        let piece = app.store().cues(scope, transcript.id, from, PIECE).await?;
        let Some(last) = piece.last() else {
            return Ok(lines);
        };
        from = last.n.saturating_add(1);
        lines.extend(piece.into_iter().map(|cue| CueView {
            at: start.and_then(|start| {
                start
                    .checked_add(SignedDuration::from_millis(i64::from(cue.start_ms)))
                    .ok()
            }),
            cue,
        }));
    }
}

//! `transcript.get`: what was said, by whom and when, from our own store.

use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::action::{Action, Effect};
use super::context::{Context, Step};
use crate::error::EngineError;
use crate::transcripts::{self, TranscriptPart};

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "transcript.get",
            Effect::Read,
            "Get a transcript",
            "Gives what was said in a meeting: the text with its speakers, and every cue with its time. Answered from what was \
             taken in.",
            get,
        )
        .example(json!({"meeting": "aDYlohsHRtCd4ii1uC2+hA=="})),
    ]
}

/// Whose transcript.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// Our id of the meeting, Zoom's UUID of the instance, or a meeting number for the latest one.
    #[schemars(length(min = 1, max = 200))]
    meeting: String,
    /// Whether the cues are wanted too. Default: yes.
    #[serde(default = "yes")]
    cues: bool,
}

const fn yes() -> bool {
    true
}

/// What was said in a meeting.
#[derive(Debug, Serialize, JsonSchema)]
struct TranscriptView {
    /// Our id of the meeting.
    meeting_id: String,
    /// Zoom's UUID of the instance.
    uuid: String,
    /// The meeting's number.
    meeting_number: Option<String>,
    /// What it was about.
    topic: Option<String>,
    /// When it began.
    start: Option<Timestamp>,
    /// One part for each recorded stretch, in order.
    parts: Vec<PartView>,
}

/// A recorded stretch.
#[derive(Debug, Serialize, JsonSchema)]
struct PartView {
    /// Our id of the transcript, for citations.
    id: String,
    /// `recording`, `aic`, `cc` or `import`.
    source: String,
    /// Its language, where known.
    language: Option<String>,
    /// When its recording began.
    recording_start: Option<Timestamp>,
    /// Who speaks, in the order of their first words.
    speakers: Vec<String>,
    /// The whole text; each turn begins with who speaks.
    text: String,
    /// The cues; none when they were not asked for.
    cues: Vec<CueView>,
}

/// Something that was said.
#[derive(Debug, Serialize, JsonSchema)]
struct CueView {
    /// Its number in the transcript, from 1.
    n: u32,
    /// Its beginning in the recording, in milliseconds.
    start_ms: u32,
    /// Its end in the recording, in milliseconds.
    end_ms: u32,
    /// When it was said, if the recording's start is known.
    at: Option<Timestamp>,
    /// Who speaks.
    speaker: Option<String>,
    /// The words.
    text: String,
}

async fn get(cx: Context, input: Get) -> Step<TranscriptView> {
    let instance = super::participants::find_seen(&cx, &input.meeting).await?;
    let shown = transcripts::show(&cx.app, instance.id).await?;
    if shown.parts.is_empty() {
        return Err(
            EngineError::not_found("transcript of the meeting", &input.meeting)
                .with_hint(
                    "The meeting's artefacts tell whether one is expected, or why there is none.",
                )
                .into(),
        );
    }
    let meeting = shown.instance;
    Ok(TranscriptView {
        meeting_id: meeting.id.to_string(),
        uuid: meeting.external_id,
        meeting_number: meeting.number,
        topic: meeting.topic,
        start: meeting.start,
        parts: shown
            .parts
            .into_iter()
            .map(|part| part_view(part, input.cues))
            .collect(),
    })
}

fn part_view(part: TranscriptPart, cues: bool) -> PartView {
    let mut text = String::new();
    let mut speaking: Option<Option<&str>> = None;
    for line in &part.lines {
        let speaker = line.cue.speaker.as_deref();
        if speaking == Some(speaker) {
            text.push(' ');
        } else {
            if !text.is_empty() {
                text.push('\n');
            }
            if let Some(speaker) = speaker {
                // Writing to a String cannot fail.
                let _ = write!(text, "{speaker}: ");
            }
            speaking = Some(speaker);
        }
        text.push_str(&line.cue.text);
    }
    PartView {
        id: part.transcript.id.to_string(),
        source: part.transcript.source.to_string(),
        language: part.transcript.lang,
        recording_start: part.recording_start,
        speakers: part.speakers,
        text,
        cues: if cues {
            part.lines
                .into_iter()
                .map(|line| CueView {
                    n: line.cue.n,
                    start_ms: line.cue.start_ms,
                    end_ms: line.cue.end_ms,
                    at: line.at,
                    speaker: line.cue.speaker,
                    text: line.cue.text,
                })
                .collect()
        } else {
            Vec::new()
        },
    }
}

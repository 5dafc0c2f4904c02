//! The talk written for people, programs and models.

use std::fmt::Write as _;
use std::str::FromStr;

use jiff::Timestamp;
use parfocal_formats::foreign::{Spoken, srt};
use parfocal_formats::vtt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::Voice;
use super::{Entry, EntryKind, Talk};
use crate::error::{EngineError, Result};

/// A form that a talk is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Plain text: who, and what in one go; chat between.
    Text,
    /// Markdown, with times.
    Markdown,
    /// For language models: a line for each turn, with time, cues to cite, and who speaks.
    Model,
    /// SubRip subtitles; what was said only.
    Srt,
    /// WebVTT as Zoom writes it; what was said only.
    Vtt,
    /// JSON: every cue and message with its times.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Markdown,
        Self::Model,
        Self::Srt,
        Self::Vtt,
        Self::Json,
    ];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Model => "model",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Json => "json",
        }
    }

    /// The content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text | Self::Model => "text/plain; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Srt => "application/x-subrip; charset=utf-8",
            Self::Vtt => "text/vtt; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// The usual ending of files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Text | Self::Model => "txt",
            Self::Markdown => "md",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Json => "json",
        }
    }
}

impl FromStr for Format {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self> {
        let text = match text {
            "txt" => "text",
            "md" => "markdown",
            other => other,
        };
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| {
                EngineError::invalid(format!("{text:?} is no form of transcripts"))
                    .with_hint("Forms are text, markdown, model, srt, vtt and json.")
            })
    }
}

/// The talk as JSON; [`parfocal_formats::foreign`] reads it again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TalkView {
    /// Our id of the meeting.
    pub meeting_id: String,
    /// The provider's id of this run.
    pub uuid: String,
    /// The meeting's number.
    pub meeting_number: Option<String>,
    /// What it was about.
    pub topic: Option<String>,
    /// When the talk begins; times count from here.
    pub start: Option<Timestamp>,
    /// Who speaks.
    pub speakers: Vec<Voice>,
    /// What was said and written, in order.
    pub entries: Vec<Entry>,
}

impl From<Talk> for TalkView {
    fn from(talk: Talk) -> Self {
        Self {
            meeting_id: talk.instance.id.to_string(),
            uuid: talk.instance.external_id,
            meeting_number: talk.instance.number,
            topic: talk.instance.topic,
            start: talk.start,
            speakers: talk.voices,
            entries: talk.entries,
        }
    }
}

/// Writes a talk in a form.
pub fn write(talk: Talk, format: Format) -> String {
    match format {
        Format::Text => text(&talk),
        Format::Markdown => markdown(&talk),
        Format::Model => model(&talk),
        Format::Srt => srt(&spoken(&talk)),
        Format::Vtt => webvtt(&talk),
        Format::Json => {
            let mut out = serde_json::to_string_pretty(&TalkView::from(talk))
                .expect("a view of texts and numbers always serialises");
            out.push('\n');
            out
        }
    }
}

fn text(talk: &Talk) -> String {
    let mut out = String::new();
    for turn in talk.turns() {
        if !out.is_empty() {
            out.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = match (turn.kind, turn.speaker.as_deref()) {
            (EntryKind::Said, Some(who)) => writeln!(out, "{}: {}", flat(who), turn.text),
            (EntryKind::Said, None) => writeln!(out, "{}", turn.text),
            (EntryKind::Written, who) => {
                writeln!(out, "{} (chat): {}", sender(who, &turn), flat(&turn.text))
            }
        };
    }
    out
}

fn markdown(talk: &Talk) -> String {
    let title = talk.instance.topic.as_deref().unwrap_or("Untitled meeting");
    let mut out = format!("# {}\n", escaped(title));
    if let Some(start) = talk.start {
        let _ = writeln!(out, "\n{}", start.strftime("%Y-%m-%d %H:%M UTC"));
    }
    for turn in talk.turns() {
        let at = clock(turn.start_ms);
        let _ = match (turn.kind, turn.speaker.as_deref()) {
            (EntryKind::Said, Some(who)) => {
                writeln!(
                    out,
                    "\n**{}** `{at}`  \n{}",
                    escaped(who),
                    escaped(&turn.text)
                )
            }
            (EntryKind::Said, None) => writeln!(out, "\n`{at}`  \n{}", escaped(&turn.text)),
            (EntryKind::Written, who) => writeln!(
                out,
                "\n> **{}** `{at}` in the chat: {}",
                escaped(&sender(who, &turn)),
                escaped(&turn.text)
            ),
        };
    }
    out
}

/// One line for each turn: `[0:01:02 #12-15] Name: words`. Line ends inside go, so that nobody's words look like another's.
fn model(talk: &Talk) -> String {
    let mut out = String::new();
    for turn in talk.turns() {
        let at = clock(turn.start_ms);
        let who = turn.speaker.as_deref().unwrap_or("Unknown");
        let _ = match turn.kind {
            EntryKind::Said if turn.n == turn.to_n => {
                writeln!(
                    out,
                    "[{at} #{}] {}: {}",
                    turn.n,
                    flat(who),
                    flat(&turn.text)
                )
            }
            EntryKind::Said => writeln!(
                out,
                "[{at} #{}-{}] {}: {}",
                turn.n,
                turn.to_n,
                flat(who),
                flat(&turn.text)
            ),
            EntryKind::Written => writeln!(
                out,
                "[{at} chat] {}: {}",
                sender(Some(who), &turn),
                flat(&turn.text)
            ),
        };
    }
    out
}

fn spoken(talk: &Talk) -> Vec<Spoken> {
    talk.entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Said)
        .map(|entry| Spoken {
            start_ms: entry.start_ms,
            end_ms: entry.end_ms,
            speaker: entry.speaker.clone(),
            text: entry.text.clone(),
        })
        .collect()
}

fn webvtt(talk: &Talk) -> String {
    let said: Vec<(Option<String>, String, &Entry)> = talk
        .entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Said)
        .map(|entry| {
            (
                entry.speaker.as_deref().map(entities),
                entities(&entry.text),
                entry,
            )
        })
        .collect();
    let cues = (1_u32..).zip(&said).map(|(n, (speaker, text, entry))| {
        vtt::Cue::new(n, entry.start_ms, entry.end_ms, speaker.as_deref(), text)
    });
    vtt::write(&vtt::Layout::default(), cues)
}

/// With the three signs that mean something in WebVTT as entities.
fn entities(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn sender(who: Option<&str>, turn: &Entry) -> String {
    let who = flat(who.unwrap_or("Unknown"));
    match turn.to.as_deref() {
        Some(to) => format!("{who} to {}", flat(to)),
        None => who,
    }
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    parfocal_understand::escaped(text)
}

fn clock(ms: u32) -> String {
    let seconds = ms / 1_000;
    format!(
        "{}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

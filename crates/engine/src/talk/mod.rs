//! The talk of a meeting on one time axis: what was said and written, by whom, whatever file it came from.
//!
//! [`of_instance`] lays the recorded stretches behind each other where they began, puts the chat where it was written,
//! and names speakers as attendance shows them ([`people`]). [`export`] writes it for people, programs and models;
//! [`import`] takes transcripts from elsewhere in; [`tracker`] follows what is to be done across the meetings of a series.

pub mod beside;
pub mod export;
pub mod import;
pub mod minutes;
pub mod people;
pub mod tracker;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parfocal_store::{ChatMessage, Instance, InstanceId, TranscriptId, TranscriptSource};
use parfocal_understand::{Line, utterances};
use serde::Serialize;

use crate::App;
use crate::error::{EngineError, Result};
use crate::transcripts::{self, TranscriptPart};
use people::Voice;

/// A chat message so much later than the last word was not written in the recording: its time is one of the day.
const BEYOND_MS: u64 = 3_600_000;
/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// What stands on the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// It was said.
    Said,
    /// It was written in the chat.
    Written,
}

/// Something that was said or written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Entry {
    /// Said or written.
    pub kind: EntryKind,
    /// The transcript, for what was said.
    pub transcript_id: Option<TranscriptId>,
    /// First cue in its transcript, or number of the message.
    pub n: u32,
    /// Last cue in its transcript; the same as `n` for one cue.
    pub to_n: u32,
    /// Start in milliseconds from the beginning of the talk.
    pub start_ms: u32,
    /// End in milliseconds.
    pub end_ms: u32,
    /// When it was said, if it is known when the recording began.
    pub at: Option<Timestamp>,
    /// Who: the name that attendance shows, else the one of the transcript.
    pub speaker: Option<String>,
    /// To whom it was written, if not to everyone.
    pub to: Option<String>,
    /// The words.
    pub text: String,
}

/// Everything that was said and written in a meeting.
#[derive(Debug, Clone, PartialEq)]
pub struct Talk {
    /// The meeting.
    pub instance: Instance,
    /// When the axis begins.
    pub start: Option<Timestamp>,
    /// Who speaks, by the names of the transcripts.
    pub voices: Vec<Voice>,
    /// What was said and written, cue by cue, in order.
    pub entries: Vec<Entry>,
}

/// What is wanted of a talk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only this transcript; none: the best there is of each stretch.
    pub transcript: Option<TranscriptId>,
    /// Without the chat.
    pub without_chat: bool,
    /// With the names of the transcripts as they are.
    pub raw_names: bool,
}

/// The talk of a meeting.
///
/// Of several sources the recording's transcript counts, then the AI Companion's, captions, and what was imported: the same
/// words are not laid twice on the axis.
///
/// # Errors
/// `not_found` when there is no such meeting, or nothing was said that is known.
pub async fn of_instance(app: &App, id: InstanceId, wanted: &Wanted) -> Result<Talk> {
    let scope = app.scope();
    let shown = transcripts::show(app, id).await?;
    let (instance, mut parts) = (shown.instance, shown.parts);
    match wanted.transcript {
        Some(only) => parts.retain(|part| part.transcript.id == only),
        None => keep_best(&mut parts),
    }
    let chat = if wanted.without_chat {
        Vec::new()
    } else {
        app.store().chat_of_files(scope, id).await?
    };
    if parts.is_empty() && chat.is_empty() {
        return Err(
            EngineError::not_found("transcript of the meeting", id).with_hint(
                "The meeting's artefacts tell whether one is expected, or why there is none; \
                 `parfocal transcript import` takes one in from elsewhere.",
            ),
        );
    }
    let voices = people::of_parts(app, &instance, &parts).await?;
    let start = parts
        .iter()
        .filter_map(|part| part.recording_start)
        .min()
        .or(instance.start);
    let mut entries = said(&parts, start);
    let files = app.store().files_of_instance(scope, id).await?;
    let spoken_until = entries.iter().map(|entry| entry.end_ms).max().unwrap_or(0);
    for (file, message) in chat {
        let begun = files
            .iter()
            .find(|known| Some(known.id) == file)
            .and_then(|file| file.start);
        entries.push(written(&instance, start, begun, spoken_until, message));
    }
    // Stable: what stands at the same moment keeps the order of its file, words before messages.
    entries.sort_by_key(|entry| entry.start_ms);
    if !wanted.raw_names {
        for entry in &mut entries {
            if let Some(voice) = voices
                .iter()
                .find(|voice| Some(voice.label.as_str()) == entry.speaker.as_deref())
            {
                entry.speaker = Some(voice.name.clone());
            }
        }
    }
    Ok(Talk {
        instance,
        start,
        voices,
        entries,
    })
}

/// Leaves the transcripts of the best source.
fn keep_best(parts: &mut Vec<TranscriptPart>) {
    let best = parts.iter().map(|part| rank(part.transcript.source)).min();
    parts.retain(|part| Some(rank(part.transcript.source)) == best);
}

fn rank(source: TranscriptSource) -> u8 {
    match source {
        TranscriptSource::Recording => 0,
        TranscriptSource::AiCompanion => 1,
        TranscriptSource::Captions => 2,
        _ => 3,
    }
}

/// The cues of all parts, each part where its recording began; one of which that is not known follows the one before.
fn said(parts: &[TranscriptPart], start: Option<Timestamp>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut behind = 0_u32;
    for part in parts {
        let offset = match (part.recording_start, start) {
            (Some(begun), Some(start)) => millis(begun.duration_since(start)),
            _ => behind,
        };
        for line in &part.lines {
            let cue = &line.cue;
            let start_ms = cue.start_ms.saturating_add(offset);
            let end_ms = cue.end_ms.max(cue.start_ms).saturating_add(offset);
            behind = behind.max(end_ms);
            entries.push(Entry {
                kind: EntryKind::Said,
                transcript_id: Some(part.transcript.id),
                n: cue.n,
                to_n: cue.n,
                start_ms,
                end_ms,
                at: line.at,
                speaker: cue.speaker.clone(),
                to: None,
                text: cue.text.clone(),
            });
        }
    }
    entries
}

/// A message where it was written.
fn written(
    instance: &Instance,
    start: Option<Timestamp>,
    file_start: Option<Timestamp>,
    spoken_until: u32,
    message: ChatMessage,
) -> Entry {
    let offset = match (file_start, start) {
        (Some(begun), Some(start)) => millis(begun.duration_since(start)),
        _ => 0,
    };
    let counted = message.at_ms.saturating_add(offset);
    let of_day = || {
        let zone = instance
            .tz
            .as_deref()
            .and_then(|name| TimeZone::get(name).ok())
            .unwrap_or(TimeZone::UTC);
        on_axis_of_day(message.at_ms, start?, &zone, spoken_until)
    };
    let start_ms = if is_beyond(counted, spoken_until) {
        of_day().unwrap_or(counted)
    } else {
        counted
    };
    Entry {
        kind: EntryKind::Written,
        transcript_id: None,
        n: message.n,
        to_n: message.n,
        start_ms,
        end_ms: start_ms,
        at: start.and_then(|start| {
            start
                .checked_add(SignedDuration::from_millis(i64::from(start_ms)))
                .ok()
        }),
        speaker: Some(message.sender),
        to: message.to,
        text: message.text,
    }
}

fn is_beyond(at_ms: u32, spoken_until: u32) -> bool {
    u64::from(at_ms) > u64::from(spoken_until) + BEYOND_MS
}

/// A time of the day as a time of the talk; none when it lies outside the talk so too.
fn on_axis_of_day(at_ms: u32, start: Timestamp, zone: &TimeZone, spoken_until: u32) -> Option<u32> {
    let civil = start.to_zoned(zone.clone()).time();
    let begun = civil.duration_since(jiff::civil::Time::midnight());
    let begun = u64::try_from(begun.as_millis()).ok()?;
    let passed = (u64::from(at_ms) + DAY_MS - begun) % DAY_MS;
    let passed = u32::try_from(passed).ok()?;
    (!is_beyond(passed, spoken_until)).then_some(passed)
}

fn millis(duration: SignedDuration) -> u32 {
    u32::try_from(duration.as_millis().max(0)).unwrap_or(u32::MAX)
}

impl Talk {
    /// The talk in turns: what one speaker says in one go, broken lines healed; messages stand between them.
    pub fn turns(&self) -> Vec<Entry> {
        let said: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Said)
            .collect();
        let lines: Vec<Line<'_>> = said
            .iter()
            .map(|entry| Line {
                n: entry.n,
                start_ms: entry.start_ms,
                end_ms: entry.end_ms,
                speaker: entry.speaker.as_deref(),
                text: &entry.text,
            })
            .collect();
        let mut turns: Vec<Entry> = utterances(&lines)
            .into_iter()
            .map(|turn| {
                let (first, last) = turn.span();
                let first = said[first];
                Entry {
                    // A turn goes over the seam of two recordings only if nobody else spoke; its cues are the first one's.
                    to_n: if said[last].transcript_id == first.transcript_id {
                        said[last].n
                    } else {
                        first.n
                    },
                    end_ms: turn.end_ms,
                    text: turn.text,
                    ..first.clone()
                }
            })
            .collect();
        turns.extend(
            self.entries
                .iter()
                .filter(|entry| entry.kind == EntryKind::Written)
                .cloned(),
        );
        turns.sort_by_key(|entry| entry.start_ms);
        turns
    }

    /// What was said, as the analyst reads it: names resolved, so that one person counts once.
    pub fn stats(&self) -> parfocal_understand::Stats {
        let lines: Vec<Line<'_>> = self
            .entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Said)
            .map(|entry| Line {
                n: entry.n,
                start_ms: entry.start_ms,
                end_ms: entry.end_ms,
                speaker: entry.speaker.as_deref(),
                text: &entry.text,
            })
            .collect();
        parfocal_understand::stats(&lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_becomes_a_time_of_the_talk() {
        let start: Timestamp = "2026-03-03T22:58:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let clock = |h: u32, m: u32| (h * 60 + m) * 60_000;
        // 23:58 in Berlin is the beginning; one minute past midnight is three minutes later.
        let until = 600_000;
        assert_eq!(
            on_axis_of_day(clock(0, 1), start, &zone, until),
            Some(180_000)
        );
        assert_eq!(
            on_axis_of_day(clock(23, 59), start, &zone, until),
            Some(60_000)
        );
        assert_eq!(on_axis_of_day(clock(12, 0), start, &zone, until), None);
    }
}

//! The passages of all meetings that fit a question best.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parfocal_formats::query;
use parfocal_store::{Cue, HitKind, SearchRequest, TranscriptId, Words};
use schemars::JsonSchema;
use serde::Serialize;

use super::Question;
use crate::App;
use crate::error::{EngineError, Result};

/// Words of a question that are looked for.
const MOST_WORDS: usize = 8;
/// Hits that count.
const HITS: u32 = 60;
/// Cues before and behind a hit that belong to its passage: an answer mostly stands beside the words of its question.
const AROUND: u32 = 3;
/// Words that say nothing about what is meant.
const EMPTY_WORDS: &str = " a about all also am an and any are as at be been but by can could did do does for from had has \
    have he her his how i if in into is it its just me meeting meetings my no not of on or our said say says she should so \
    tell than that the their them then there they this to us was we were what when where which who whom whose why will \
    with would you your anybody anyone everybody somebody someone happened talk talked ";

/// A stretch of a meeting's talk.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Passage {
    /// Its number, from 1, the best first.
    pub number: usize,
    /// Our id of the meeting.
    pub meeting_id: String,
    /// Zoom's UUID of the instance.
    pub uuid: String,
    /// What the meeting was about.
    pub topic: Option<String>,
    /// When it began.
    pub start: Option<Timestamp>,
    /// Our id of the transcript.
    pub transcript_id: String,
    /// The first cue.
    pub cue_from: u32,
    /// The last cue.
    pub cue_to: u32,
    /// Its beginning in the recording, in milliseconds.
    pub start_ms: u32,
    /// Its end in the recording, in milliseconds.
    pub end_ms: u32,
    /// What was said; each turn begins with who speaks.
    pub text: String,
}

/// A passage with its cues.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) passage: Passage,
    pub(super) cues: Vec<Cue>,
}

/// A hit and the cues it stands in.
struct Place {
    hit: parfocal_store::Hit,
    transcript: TranscriptId,
    cues: (u32, u32),
}

/// The words of a question that carry its meaning; all of them when none does.
fn words(question: &str) -> Vec<String> {
    let all: Vec<String> = question
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let mut out: Vec<String> = Vec::new();
    for word in &all {
        if !EMPTY_WORDS.contains(&format!(" {word} ")) && !out.contains(word) {
            out.push(word.clone());
        }
    }
    if out.is_empty() {
        out = all;
        out.dedup();
    }
    out.truncate(MOST_WORDS);
    out
}

/// The best passages, at most so many.
pub(super) async fn find(
    app: &App,
    text: &str,
    question: &Question<'_>,
    most: usize,
) -> Result<Vec<Found>> {
    let words = words(text);
    if words.is_empty() {
        return Err(
            EngineError::invalid("the question has no word that can be looked for").with_hint(
                "Ask with at least one word, such as: What did we decide about the budget?",
            ),
        );
    }
    let zone = question.zone.clone().unwrap_or(TimeZone::UTC);
    let text = words.join(" ");
    let query = query::parse(&format!(
        "{text} kind:said {}",
        question.within.unwrap_or_default()
    ))
    .map_err(|error| {
        let error =
            EngineError::invalid(format!("what is searched within cannot be read: {error}"));
        error.with_hint("For example: speaker:ana from:2026-09-01")
    })?;
    let request = SearchRequest {
        words: Words::Any,
        accounts: question.accounts,
        ..SearchRequest::new(&query, &zone, HITS)
    };
    let page = app.store().search_for(app.scope(), &request).await?;
    let places: Vec<Place> = page
        .hits
        .into_iter()
        .filter(|hit| hit.kind == HitKind::Said)
        .filter_map(|hit| {
            Some(Place {
                transcript: hit.transcript_id?,
                cues: hit.cues?,
                hit,
            })
        })
        .collect();
    let mut found: Vec<Found> = Vec::new();
    for place in places {
        if found.len() >= most {
            break;
        }
        let id = place.transcript.to_string();
        let covered = found.iter().any(|known| {
            known.passage.transcript_id == id
                && known.passage.cue_from <= place.cues.0
                && place.cues.1 <= known.passage.cue_to
        });
        if !covered && let Some(passage) = passage(app, place, found.len() + 1).await? {
            found.push(passage);
        }
    }
    Ok(found)
}

async fn passage(app: &App, place: Place, number: usize) -> Result<Option<Found>> {
    let from = place.cues.0.saturating_sub(AROUND).max(1);
    let many = place.cues.1.saturating_sub(from) + 1 + AROUND;
    let cues = app
        .store()
        .cues(app.scope(), place.transcript, from, many)
        .await?;
    let (Some(first), Some(last)) = (cues.first(), cues.last()) else {
        return Ok(None);
    };
    let mut text = String::new();
    let mut speaking: Option<Option<&str>> = None;
    for cue in &cues {
        let speaker = cue.speaker.as_deref();
        if speaking == Some(speaker) {
            text.push(' ');
        } else {
            let gap = if text.is_empty() { "" } else { "\n" };
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "{gap}{}",
                speaker.map_or_else(String::new, |name| format!("{name}: "))
            );
            speaking = Some(speaker);
        }
        text.push_str(&cue.text);
    }
    let hit = place.hit;
    Ok(Some(Found {
        passage: Passage {
            number,
            meeting_id: hit.instance_id.to_string(),
            uuid: hit.instance_external_id,
            topic: hit.topic,
            start: hit.started_at,
            transcript_id: place.transcript.to_string(),
            cue_from: first.n,
            cue_to: last.n,
            start_ms: first.start_ms,
            end_ms: last.end_ms,
            text,
        },
        cues,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_matter_are_looked_for() {
        assert_eq!(
            words("What did we decide about the harbour's budget?"),
            ["decide", "harbour's", "budget"]
        );
        assert_eq!(
            words("who is it"),
            ["who", "is", "it"],
            "better these than nothing"
        );
        assert_eq!(words("契約書 \u{1f600}"), ["契約書"]);
        assert!(words("?!").is_empty());
        let many = words("a1 b1 c1 d1 e1 f1 g1 h1 i1 j1 k1 l1");
        assert_eq!(many.len(), MOST_WORDS);
    }
}

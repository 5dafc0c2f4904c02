//! A small reader of WebVTT and chat files, for counting and for the names in `--transcripts` folders.
//!
//! It shares no code with the product's parser, so that each can be checked against the other.

use std::collections::BTreeMap;

/// What a transcript file holds, as far as the simulator needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadVtt {
    /// Cues with readable times.
    pub cues: usize,
    /// End of the last one.
    pub end_ms: u64,
    /// Speakers and their number of cues, in order of first words.
    pub speakers: Vec<(String, usize)>,
}

/// Reads a WebVTT text; none when it does not begin like one.
#[must_use]
pub fn read_vtt(text: &str) -> Option<ReadVtt> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.starts_with("WEBVTT") {
        return None;
    }
    let mut out = ReadVtt::default();
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((from, to)) = line.split_once("-->") else {
            continue;
        };
        let to = to.trim().split([' ', '\t']).next().unwrap_or("");
        let (Some(_), Some(end)) = (time(from.trim()), time(to)) else {
            continue;
        };
        out.cues += 1;
        out.end_ms = out.end_ms.max(end);
        let Some(speaker) = lines.next().and_then(speaker_of) else {
            continue;
        };
        if let Some(index) = order.get(speaker) {
            out.speakers[*index].1 += 1;
        } else {
            order.insert(speaker.to_owned(), out.speakers.len());
            out.speakers.push((speaker.to_owned(), 1));
        }
    }
    // A "name" seen once in a longer file is as likely the first words of a sentence.
    if out.cues >= 20 && out.speakers.len() > 2 {
        out.speakers
            .retain(|(name, times)| *times > 1 || name.contains(' '));
    }
    Some(out)
}

/// Milliseconds of `HH:MM:SS.mmm` or `MM:SS.mmm` (comma tolerated).
fn time(text: &str) -> Option<u64> {
    let (clock, ms) = text.split_once(['.', ','])?;
    if ms.len() != 3 {
        return None;
    }
    let ms: u64 = ms.parse().ok()?;
    let parts: Vec<u64> = clock
        .split(':')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes, seconds] => (hours, minutes, seconds),
        [minutes, seconds] => (0, minutes, seconds),
        _ => return None,
    };
    if minutes > 59 || seconds > 59 {
        return None;
    }
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms)
}

/// The name before the first `: `, when it may be one.
fn speaker_of(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(": ")?;
    let name = name.trim();
    let plausible = !name.is_empty()
        && name.chars().count() <= 64
        && !name.contains(['?', '!'])
        && !name.ends_with('.')
        && !name.chars().all(|letter| letter.is_ascii_digit());
    plausible.then_some(name)
}

/// Number of messages of a chat file: lines that begin with a time.
#[must_use]
pub fn chat_messages(text: &str) -> usize {
    text.split('\n')
        .filter(|line| {
            let line = line.strip_prefix('\u{feff}').unwrap_or(line);
            let bytes = line.as_bytes();
            bytes.len() > 8
                && bytes[2] == b':'
                && bytes[5] == b':'
                && [0, 1, 3, 4, 6, 7]
                    .iter()
                    .all(|at| bytes[*at].is_ascii_digit())
                && (bytes[8] == b'\t' || bytes[8] == b' ')
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{ChatMessage, Cue};
    use crate::files::{chat, transcript};

    #[test]
    fn reads_what_is_written() {
        let cues: Vec<Cue> = (0..5_u64)
            .map(|n| Cue {
                start_ms: n * 1_000,
                end_ms: n * 1_000 + 900,
                speaker: if n % 2 == 0 { "Ann Bell" } else { "Ben" }.to_owned(),
                text: "Agenda: one".to_owned(),
            })
            .collect();
        let read = read_vtt(&transcript(&cues)).unwrap();
        assert_eq!((read.cues, read.end_ms), (5, 4_900));
        assert_eq!(
            read.speakers,
            [("Ann Bell".to_owned(), 3), ("Ben".to_owned(), 2)]
        );
    }

    #[test]
    fn tolerates_marks_short_times_and_nonsense() {
        let text = "\u{feff}WEBVTT - x\n\nNOTE --> no\n\n00:01.000 --> 00:02.000 align:start\nHello\n\n00:61:00.000 --> 00:61:01.000\nx\n";
        assert_eq!(read_vtt(text).unwrap().cues, 1);
        assert!(read_vtt("<!DOCTYPE html>").is_none());
    }

    #[test]
    fn counts_messages_not_lines() {
        let messages = [
            ChatMessage {
                at_ms: 0,
                sender: "A".into(),
                text: "x\n\ny".into(),
            },
            ChatMessage {
                at_ms: 5_000,
                sender: "B".into(),
                text: "z".into(),
            },
        ];
        assert_eq!(chat_messages(&chat(&messages)), 2);
        assert_eq!(chat_messages(""), 0);
    }
}

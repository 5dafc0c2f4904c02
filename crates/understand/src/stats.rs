//! Who spoke how much, who cut in, and where nobody spoke.

use serde::{Deserialize, Serialize};

use crate::analysis::Line;
use crate::turns::Utterance;

/// Nobody speaking for this long is a silence, in milliseconds.
const SILENCE_MS: u32 = 10_000;
/// An unfinished sentence followed by another's words within this time was cut off, in milliseconds.
const CUT_IN_MS: u32 = 300;

/// One speaker.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpeakerStats {
    /// Name as written in the transcript; none for lines without one.
    pub name: Option<String>,
    /// Time spoken, in milliseconds.
    pub talk_ms: u64,
    /// Words spoken.
    pub words: u64,
    /// How often the speaker took the word.
    pub turns: u32,
    /// How often the speaker cut in before another had finished.
    pub interruptions: u32,
}

/// The talk in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// The speakers, the one who spoke longest first.
    pub speakers: Vec<SpeakerStats>,
    /// From the first word to the last, in milliseconds.
    pub length_ms: u32,
    /// How often nobody spoke for ten seconds or more.
    pub silences: u32,
    /// How long nobody spoke in all of these, in milliseconds.
    pub silence_ms: u64,
}

/// Counts a talk.
pub fn of(lines: &[Line<'_>]) -> Stats {
    stats(lines, &crate::utterances(lines))
}

pub(crate) fn stats(lines: &[Line<'_>], turns: &[Utterance]) -> Stats {
    let mut out = Stats::default();
    for line in lines {
        let speaker = entry(&mut out.speakers, line.speaker);
        speaker.talk_ms += u64::from(line.end_ms.saturating_sub(line.start_ms));
        speaker.words += line.text.split_whitespace().count() as u64;
    }
    let mut previous: Option<&Utterance> = None;
    let mut heard_until: Option<u32> = None;
    for turn in turns {
        if let Some(until) = heard_until {
            let pause = turn.start_ms.saturating_sub(until);
            if pause >= SILENCE_MS {
                out.silences += 1;
                out.silence_ms += u64::from(pause);
            }
        }
        let another = previous.is_none_or(|previous| previous.speaker != turn.speaker);
        let cut_in = previous.is_some_and(|previous| {
            another
                && !previous.text.ends_with(['.', '?', '!', '。', '？', '！'])
                && turn.start_ms < previous.end_ms.saturating_add(CUT_IN_MS)
        });
        let speaker = entry(&mut out.speakers, turn.speaker.as_deref());
        speaker.turns += u32::from(another);
        speaker.interruptions += u32::from(cut_in);
        heard_until = Some(heard_until.unwrap_or(0).max(turn.end_ms));
        previous = Some(turn);
    }
    let start = turns.iter().map(|turn| turn.start_ms).min().unwrap_or(0);
    out.length_ms = heard_until.unwrap_or(0).saturating_sub(start);
    out.speakers
        .sort_by(|a, b| b.talk_ms.cmp(&a.talk_ms).then(b.words.cmp(&a.words)));
    out
}

fn entry<'s>(speakers: &'s mut Vec<SpeakerStats>, name: Option<&str>) -> &'s mut SpeakerStats {
    let at = speakers
        .iter()
        .position(|speaker| speaker.name.as_deref() == name)
        .unwrap_or_else(|| {
            speakers.push(SpeakerStats {
                name: name.map(str::to_owned),
                ..SpeakerStats::default()
            });
            speakers.len() - 1
        });
    &mut speakers[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talk_time_turns_interruptions_and_silences_are_counted() {
        let line = |n, start_ms, end_ms, speaker, text| Line {
            n,
            start_ms,
            end_ms,
            speaker: Some(speaker),
            text,
        };
        let lines = [
            line(1, 0, 4_000, "Edda", "We could just take"),
            line(2, 4_100, 6_000, "Luan", "No, the ferry is full."),
            line(3, 30_000, 31_000, "Edda", "I see."),
        ];
        let turns = crate::utterances(&lines);
        let found = stats(&lines, &turns);
        assert_eq!(found.length_ms, 31_000);
        assert_eq!((found.silences, found.silence_ms), (1, 24_000));
        let edda = &found.speakers[0];
        assert_eq!(
            (edda.name.as_deref(), edda.talk_ms, edda.turns, edda.words),
            (Some("Edda"), 5_000, 2, 6)
        );
        assert_eq!(found.speakers[1].interruptions, 1);
    }
}

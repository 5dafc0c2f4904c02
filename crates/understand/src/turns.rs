//! Lines become utterances: what one speaker says in one go, with broken lines healed.

use std::borrow::Cow;

use serde::Serialize;

use crate::analysis::Line;

/// A pause this long ends an utterance even when the same person goes on, in milliseconds.
const PAUSE_MS: u32 = 8_000;
/// A word thrown in that does not end the speaker's sentence has at most this many words.
const INTERJECTION_WORDS: usize = 3;
/// An utterance of more bytes is cut at the end of a line: nobody speaks so long, and what follows stays bounded.
const LONGEST: usize = 16_000;

/// What one speaker says in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Utterance {
    /// The speaker, as written in the lines.
    pub speaker: Option<String>,
    /// Start of the first line, in milliseconds.
    pub start_ms: u32,
    /// End of the last line, in milliseconds.
    pub end_ms: u32,
    /// The words of all lines, joined with blanks.
    pub text: String,
    /// Where each line begins in `text`, in bytes, and its place among the lines given.
    #[serde(skip)]
    pub(crate) parts: Vec<(usize, usize)>,
}

impl Utterance {
    /// Places, among the lines given, of the first and the last line it is made of.
    pub fn span(&self) -> (usize, usize) {
        let at = |part: Option<&(usize, usize)>| part.map_or(0, |part| part.1);
        (at(self.parts.first()), at(self.parts.last()))
    }

    /// Places, among the lines given, of the first and the last line that a range of the text stands in.
    pub(crate) fn lines_of(&self, from: usize, to: usize) -> (usize, usize) {
        let at = |byte: usize| {
            let index = self.parts.partition_point(|(start, _)| *start <= byte);
            self.parts[index.saturating_sub(1)].1
        };
        (at(from), at(to.saturating_sub(1).max(from)))
    }
}

/// Lines of the same speaker joined; a sentence that a short word of another interrupts goes on behind it.
pub fn utterances(lines: &[Line<'_>]) -> Vec<Utterance> {
    let mut out: Vec<Utterance> = Vec::new();
    // The utterance that has the line before.
    let mut current = 0;
    for (at, line) in lines.iter().enumerate() {
        let text = flat(line.text);
        if text.is_empty() {
            continue;
        }
        if let Some(target) = goes_on(&out, current, line) {
            let open = &mut out[target];
            open.text.push(' ');
            open.parts.push((open.text.len(), at));
            open.text.push_str(&text);
            open.end_ms = open.end_ms.max(line.end_ms);
            current = target;
            continue;
        }
        current = out.len();
        out.push(Utterance {
            speaker: line.speaker.map(str::to_owned),
            start_ms: line.start_ms,
            end_ms: line.end_ms.max(line.start_ms),
            text: text.into_owned(),
            parts: vec![(0, at)],
        });
    }
    out
}

/// Which utterance the line carries on: the current one, or the one before an interjection.
fn goes_on(out: &[Utterance], current: usize, line: &Line<'_>) -> Option<usize> {
    let joins = |utterance: &Utterance| {
        utterance.speaker.as_deref() == line.speaker
            && line.start_ms.saturating_sub(utterance.end_ms) < PAUSE_MS
            && utterance.text.len() < LONGEST
    };
    let last = out.get(current)?;
    if joins(last) {
        return Some(current);
    }
    let before = current.checked_sub(1)?;
    let thrown_in = current + 1 == out.len()
        && last.text.split(' ').take(INTERJECTION_WORDS + 1).count() <= INTERJECTION_WORDS
        && !last.text.ends_with('?');
    let broken = !out[before]
        .text
        .ends_with(['.', '?', '!', '。', '？', '！']);
    (line.speaker.is_some() && thrown_in && broken && joins(&out[before])).then_some(before)
}

/// Without line ends and runs of blanks.
pub(crate) fn flat(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let clean = !text.contains("  ") && !text.contains(|c: char| c.is_whitespace() && c != ' ');
    if clean {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(n: u32, speaker: &'a str, text: &'a str) -> Line<'a> {
        Line {
            n,
            start_ms: n * 1_000,
            end_ms: n * 1_000 + 900,
            speaker: Some(speaker),
            text,
        }
    }

    #[test]
    fn lines_of_a_speaker_join_and_a_broken_sentence_is_healed() {
        let lines = [
            line(1, "Edda", "We should paint"),
            line(2, "Luan", "Mm-hmm."),
            line(3, "Edda", "the  boat\nred."),
            line(4, "Luan", "Why red?"),
            line(5, "Edda", "It is seen."),
        ];
        let said = utterances(&lines);
        let texts: Vec<&str> = said.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "We should paint the boat red.",
                "Mm-hmm.",
                "Why red?",
                "It is seen."
            ]
        );
        assert_eq!(said[0].lines_of(0, 10), (0, 0));
        assert_eq!(said[0].lines_of(3, 20), (0, 2));
        assert_eq!((said[0].start_ms, said[0].end_ms), (1_000, 3_900));
    }

    #[test]
    fn a_long_pause_ends_an_utterance() {
        let mut lines = [line(1, "Edda", "One"), line(2, "Edda", "two")];
        lines[1].start_ms = 60_000;
        assert_eq!(utterances(&lines).len(), 2);
    }
}

//! Utterances are cut into sentences; each knows its lines, its words and whether it is English.

use crate::analysis::Line;
use crate::language::Ear;
use crate::tidy::tidy;
use crate::turns::Utterance;
use crate::words::{Numbers, Words, words};

/// A sentence without an end is cut behind this many words, at the end of a line.
const LONGEST_WORDS: usize = 60;

/// A sentence of more bytes is none: nobody says it, nobody reads it, and what is kept of a talk stays bounded.
const LONGEST_BYTES: usize = 4_000;

/// Words that point back to another sentence when they begin one.
const POINTING: [&str; 11] = [
    "it", "it's", "this", "that", "that's", "these", "those", "they", "he", "she", "which",
];

/// One sentence that was said.
pub(crate) struct Sentence {
    /// Place of its utterance.
    pub(crate) turn: usize,
    /// Range of bytes in the utterance's text.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Places of its first and last line among the lines given.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// When it begins and ends, as well as the lines tell, in milliseconds.
    pub(crate) start_ms: u32,
    pub(crate) end_ms: u32,
    /// As it reads, with straight apostrophes.
    pub(crate) clean: String,
    /// `clean` in lower case, for the rules.
    pub(crate) lower: String,
    /// Number of words of `clean`.
    pub(crate) length: usize,
    /// Numbers of the stems that carry a topic, in order, with repeats.
    pub(crate) stems: Vec<u32>,
    /// Words in the first and second person.
    pub(crate) personal: u16,
    /// It begins with a word that points back to another sentence.
    pub(crate) points_back: bool,
    /// It is English, as far as one can tell.
    pub(crate) english: bool,
}

/// Cuts all utterances.
pub(crate) fn sentences(
    lines: &[Line<'_>],
    turns: &[Utterance],
    known: &Words,
    numbers: &mut Numbers,
    ear: &Ear,
) -> Vec<Sentence> {
    let mut out = Vec::new();
    for (turn, utterance) in turns.iter().enumerate() {
        for (from, to) in cut(utterance) {
            let raw = &utterance.text[from..to];
            let clean = tidy(raw).replace('’', "'");
            if clean.is_empty() {
                continue;
            }
            let lower = clean.to_lowercase();
            let mut length = 0;
            let mut function = 0;
            let mut personal = 0_u16;
            let mut points_back = false;
            let mut stems = Vec::new();
            for word in words(&lower) {
                length += 1;
                points_back |= length == 1 && POINTING.contains(&word);
                personal = personal.saturating_add(u16::from(known.personal(word)));
                if known.function(word) {
                    function += 1;
                }
                if !known.empty(word) {
                    stems.push(numbers.of(known, word));
                }
            }
            let (first, last) = utterance.lines_of(from, to);
            out.push(Sentence {
                turn,
                from,
                to,
                first,
                last,
                start_ms: lines[first].start_ms,
                end_ms: lines[last].end_ms.max(lines[first].start_ms),
                english: ear.english(turn, function, length),
                length,
                personal,
                points_back,
                clean,
                lower,
                stems,
            });
        }
    }
    out.sort_by_key(|sentence| (sentence.start_ms, sentence.turn, sentence.from));
    out
}

/// Ranges of the sentences of an utterance.
fn cut(utterance: &Utterance) -> Vec<(usize, usize)> {
    let text = utterance.text.as_str();
    let mut out = Vec::new();
    let mut start = 0;
    let mut count = 0;
    let mut part = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let over = match c {
            '。' | '？' | '！' | '؟' | '।' => true,
            '.' | '?' | '!' => {
                let rest = &text[end..];
                rest.starts_with(' ')
                    && rest.trim_start().chars().next().is_some_and(|next| {
                        next.is_uppercase()
                            || next.is_numeric()
                            || matches!(next, '"' | '\'' | '“' | '¿')
                    })
                    && !(c == '.' && abbreviation(&text[start..at]))
            }
            ' ' => {
                count += 1;
                while part < utterance.parts.len() && utterance.parts[part].0 < end {
                    part += 1;
                }
                count >= LONGEST_WORDS
                    && utterance
                        .parts
                        .get(part)
                        .is_some_and(|(begins, _)| *begins == end)
            }
            _ => false,
        };
        if over {
            keep(&mut out, text, start, end);
            start = end;
            count = 0;
        }
    }
    keep(&mut out, text, start, text.len());
    out
}

fn keep(out: &mut Vec<(usize, usize)>, text: &str, start: usize, end: usize) {
    let piece = &text[start..end];
    let from = start + (piece.len() - piece.trim_start().len());
    let to = end - (piece.len() - piece.trim_end().len());
    if from < to && to - from <= LONGEST_BYTES {
        out.push((from, to));
    }
}

/// The full stop belongs to a short form, such as `Mr.`, `e.g.` or an initial.
fn abbreviation(before: &str) -> bool {
    let word = before.rsplit(' ').next().unwrap_or_default();
    let lower = word.to_lowercase();
    matches!(
        lower.as_str(),
        "mr" | "mrs"
            | "ms"
            | "dr"
            | "prof"
            | "hon"
            | "st"
            | "vs"
            | "e.g"
            | "i.e"
            | "etc"
            | "no"
            | "inc"
            | "approx"
    ) && lower != "no"
        || (word.chars().count() == 1 && word.chars().all(char::is_uppercase) && word != "I")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(text: &str) -> Vec<String> {
        let utterance = Utterance {
            speaker: None,
            start_ms: 0,
            end_ms: 0,
            text: text.to_owned(),
            parts: vec![(0, 0)],
        };
        cut(&utterance)
            .into_iter()
            .map(|(from, to)| text[from..to].to_owned())
            .collect()
    }

    #[test]
    fn sentences_end_where_they_end() {
        assert_eq!(
            cuts("We met Mr. Ito. Version 2.5 is out, e.g. here. Why? Because… we can"),
            [
                "We met Mr. Ito.",
                "Version 2.5 is out, e.g. here.",
                "Why?",
                "Because… we can"
            ]
        );
        assert_eq!(cuts("会議です。はい。"), ["会議です。", "はい。"]);
        assert_eq!(cuts(" . . "), [". ."]);
    }
}

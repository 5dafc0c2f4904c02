//! Transcripts as text: a time and a name in front of the words, above them, or neither.

use super::{Kind, Reading, Spoken, clock, reading};
use crate::vtt::WarningKind;

/// Longest name in front of a colon, in words and in bytes.
const NAME_WORDS: usize = 5;
const NAME_BYTES: usize = 60;

/// Reads text; every line that is neither blank nor a heading says something.
pub(super) fn parse(source: &str, known: &[&str]) -> Reading {
    let mut read = reading(Kind::Text);
    // Whether each line of `read.lines` came with a time.
    let mut timed: Vec<bool> = Vec::new();
    // A line of name and time stands above its words.
    let mut above: Option<(Option<u32>, Option<String>)> = None;
    for (number, line) in (1_usize..).zip(source.lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (at, rest) = leading_time(line);
        if let Some((name, at)) = heading(line) {
            above = Some((Some(at), Some(name.to_owned())));
            continue;
        }
        if at.is_some() && rest.is_empty() {
            above = Some((at, None));
            continue;
        }
        let (speaker, words) = named(rest, known);
        if words.is_empty() {
            // `Name:` alone, with the words below.
            above = Some((at, speaker.map(str::to_owned)));
            continue;
        }
        let (at, speaker) = match above.take() {
            Some((time, name)) if at.is_none() && speaker.is_none() => (time, name),
            Some((time, name)) => (at.or(time), speaker.map(str::to_owned).or(name)),
            None => (at, speaker.map(str::to_owned)),
        };
        if at.is_none() && speaker.is_none() && goes_on(&read) {
            if let Some(last) = read.lines.last_mut() {
                last.text.push('\n');
                last.text.push_str(words);
            }
            continue;
        }
        if at.is_none() && timed.contains(&true) {
            read.warn(
                number,
                WarningKind::BadTiming,
                "no time stands before it; that of the line before is taken",
            );
        }
        let start_ms = at
            .or_else(|| read.lines.last().map(|last| last.start_ms))
            .unwrap_or(0);
        timed.push(at.is_some());
        read.lines.push(Spoken {
            start_ms,
            end_ms: start_ms,
            speaker,
            text: words.to_owned(),
        });
    }
    if timed.contains(&true) {
        read.close();
    } else {
        read.estimate();
    }
    read
}

/// Whether a line without time and name belongs to the one before: only where the file names who speaks.
fn goes_on(read: &Reading) -> bool {
    read.lines.last().is_some_and(|last| last.speaker.is_some())
}

/// A time at the beginning, in brackets or not, and what follows.
fn leading_time(line: &str) -> (Option<u32>, &str) {
    for (open, close) in [('[', ']'), ('(', ')')] {
        if let Some((inside, rest)) = line
            .strip_prefix(open)
            .and_then(|rest| rest.split_once(close))
            && let Some(at) = clock(inside.trim())
        {
            return (Some(at), trim_separator(rest));
        }
    }
    let end = line
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ',')))
        .unwrap_or(line.len());
    match clock(line[..end].trim_end_matches([':', '.', ','])) {
        Some(at) => (Some(at), trim_separator(&line[end..])),
        None => (None, line),
    }
}

fn trim_separator(rest: &str) -> &str {
    rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—' | '|'))
}

/// `Ana Lima   0:01:02`, as some services write above the words.
fn heading(line: &str) -> Option<(&str, u32)> {
    let (name, time) = line.rsplit_once([' ', '\t'])?;
    let time = time.trim_matches(['[', ']', '(', ')']);
    let name = name
        .trim_end()
        .trim_end_matches([':', '-', '|', '·'])
        .trim_end();
    let at = clock(time)?;
    (is_name(name) && leading_time(name).0.is_none()).then_some((name, at))
}

/// `Ana Lima: words` in two; known names may hold a colon themselves.
fn named<'l>(line: &'l str, known: &[&str]) -> (Option<&'l str>, &'l str) {
    for name in known {
        if let Some(rest) = line.strip_prefix(name)
            && let Some(words) = rest.trim_start().strip_prefix(':')
        {
            return (Some(&line[..name.len()]), words.trim_start());
        }
    }
    match line.split_once(':') {
        Some((name, words))
            if is_name(name.trim()) && (words.is_empty() || words.starts_with([' ', '\t'])) =>
        {
            (Some(name.trim()), words.trim())
        }
        _ => (None, line),
    }
}

/// Whether it is written like a name: a few words, the first with a capital or without case, and no end of a sentence.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_BYTES
        && text.split_whitespace().count() <= NAME_WORDS
        && !text.contains(['?', '!', ';', '"', '/', '\\'])
        && text
            .chars()
            .next()
            .is_some_and(|c| c.is_alphanumeric() && !c.is_lowercase())
        && text.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(source: &str) -> Vec<(u32, Option<String>, String)> {
        parse(source, &[])
            .lines
            .into_iter()
            .map(|line| (line.start_ms, line.speaker, line.text))
            .collect()
    }

    fn turn(at: u32, name: &str, text: &str) -> (u32, Option<String>, String) {
        (at, Some(name.to_owned()), text.to_owned())
    }

    #[test]
    fn times_and_names_stand_in_front_or_above() {
        let wanted = [turn(1_000, "Ana Lima", "Hello."), turn(4_000, "Bo", "Hi.")];
        for file in [
            "[0:00:01] Ana Lima: Hello.\n[0:00:04] Bo: Hi.\n",
            "00:00:01 - Ana Lima: Hello.\n00:00:04 - Bo: Hi.\n",
            "Ana Lima  0:01\nHello.\n\nBo  0:04\nHi.\n",
            "Ana Lima [00:00:01]\nHello.\nBo [00:00:04]\nHi.\n",
        ] {
            assert_eq!(said(file), wanted, "{file}");
        }
    }

    #[test]
    fn without_times_they_are_counted_from_the_words() {
        let read = parse("Ana: one two three\nand more\nBo: yes\n", &[]);
        assert!(read.estimated);
        assert_eq!(read.lines.len(), 2);
        assert_eq!(read.lines[0].text, "one two three\nand more");
        assert_eq!(
            (read.lines[0].end_ms, read.lines[1].start_ms),
            (2_000, 2_000)
        );
    }

    #[test]
    fn sentences_with_a_colon_are_no_names() {
        let read = parse("we agreed on one thing: ship it\nThen lunch.\n", &[]);
        assert!(
            read.lines.iter().all(|line| line.speaker.is_none()),
            "{read:?}"
        );
        assert_eq!(read.lines.len(), 2);
    }
}

//! SubRip: numbered blocks, times with a comma, words with a few tags.

use std::fmt::Write as _;

use super::{Kind, Reading, Spoken, Unreadable, reading};
use crate::vtt::{self, WarningKind};

/// What makes a SubRip file a WebVTT file; the rest is near enough for one reader.
const HEAD: &str = "WEBVTT\n\n";
const HEAD_LINES: u32 = 2;

/// Reads SubRip.
pub(super) fn parse(source: &str, known: &[&str]) -> Result<Reading, Unreadable> {
    let mut read = cues(&format!("{HEAD}{source}"), HEAD_LINES, Kind::Srt, known)?;
    for line in &mut read.lines {
        if line.text.contains("{\\") {
            line.text = without_overrides(&line.text);
        }
    }
    Ok(read)
}

/// Reads WebVTT whose first `head` lines are ours.
pub(super) fn cues(
    source: &str,
    head: u32,
    kind: Kind,
    known_speakers: &[&str],
) -> Result<Reading, Unreadable> {
    let parsed = vtt::parse_with(source, &vtt::Options { known_speakers })
        .map_err(|error| Unreadable::new(error.to_string()))?;
    let mut read = reading(kind);
    read.lines = parsed
        .cues()
        .map(|cue| Spoken {
            start_ms: cue.start_ms,
            end_ms: cue.end_ms,
            speaker: cue.speaker.map(std::borrow::Cow::into_owned),
            text: cue.text.into_owned(),
        })
        .collect();
    // Commas in times are no fault here.
    let odd = |warning: &&vtt::Warning| {
        !(kind == Kind::Srt && warning.kind == WarningKind::CommaDecimals)
    };
    let commas = parsed.warnings.len() - parsed.warnings.iter().filter(odd).count();
    read.warnings_total = parsed.warnings_total - commas;
    read.warnings = parsed
        .warnings
        .iter()
        .filter(odd)
        .map(|warning| vtt::Warning {
            line: warning.line.saturating_sub(head),
            ..warning.clone()
        })
        .collect();
    Ok(read)
}

/// Without `{\an8}` and the like, which place subtitles on a picture.
fn without_overrides(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{\\") {
        out.push_str(before);
        let Some((_, behind)) = after.split_once('}') else {
            out.push_str("{\\");
            rest = after;
            continue;
        };
        rest = behind;
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// Writes SubRip; speakers stand before their words, as in Zoom's own transcripts.
pub fn write(lines: &[Spoken]) -> String {
    let mut out = String::new();
    for (number, line) in (1_u64..).zip(lines) {
        if number > 1 {
            out.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{number}\n{} --> {}",
            Clock(line.start_ms),
            Clock(line.end_ms.max(line.start_ms))
        );
        let cue = vtt::Cue::new(1, 0, 0, line.speaker.as_deref(), &line.text);
        out.push_str(&cue.raw);
        out.push('\n');
    }
    out
}

struct Clock(u32);

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, ms) = (self.0 / 1_000, self.0 % 1_000);
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        write!(f, "{hours:02}:{minutes:02}:{:02},{ms:03}", seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_placements_go_and_lines_keep_their_numbers() {
        let file = "1\r\n00:00:01,000 --> 00:00:02,000\r\n{\\an8}<i>Ana Lima: Hi</i>\r\n\r\n2\r\nrubbish --> here\r\nlost\r\n\r\n3\r\n00:00:03,000 --> 00:00:04,000\r\nall\r\n";
        let read = parse(file, &["Ana Lima"]).unwrap();
        assert_eq!(read.lines.len(), 2);
        assert!(read.lines[0].text.ends_with("Hi"), "{:?}", read.lines[0]);
        assert!(!read.lines[0].text.contains("an8"));
        assert_eq!(read.warnings_total, read.warnings.len());
        let told: Vec<u32> = read.warnings.iter().map(|warning| warning.line).collect();
        assert!(
            !told.is_empty() && told.iter().all(|line| (5..=7).contains(line)),
            "{:?}",
            read.warnings
        );
    }

    #[test]
    fn a_brace_that_is_no_placement_stays() {
        assert_eq!(without_overrides("a {\\an8}b"), "a b");
        assert_eq!(without_overrides("open {\\ end"), "open {\\ end");
    }
}

//! Transcripts from elsewhere: WebVTT, SubRip, plain text and JSON, read into one form.
//!
//! Other tools agree on little: some give times for every line, some for every turn, some none at all; JSON comes in as
//! many shapes as there are services. All of it is read leniently; what cannot be read is told with its line.
//!
//! ```
//! use parfocal_formats::foreign::{self, Kind};
//! let file = "1\n00:00:01,000 --> 00:00:02,500\nMaren Okafor: Can you hear me?\n";
//! let read = foreign::read(file, Kind::of(file), &[]).unwrap();
//! assert_eq!(read.kind, Kind::Srt);
//! assert_eq!(read.lines[0].speaker.as_deref(), Some("Maren Okafor"));
//! assert_eq!(foreign::srt(&read.lines), file);
//! ```

mod json;
mod plain;
mod srt;

use std::str::FromStr;

use crate::vtt::{self, Warning, WarningKind};

pub use srt::write as srt;

/// A form that transcripts come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// WebVTT.
    Vtt,
    /// SubRip.
    Srt,
    /// Text with or without times: `[0:01:02] Name: words`, `Name: words`, or a line of name and time above the words.
    Text,
    /// A list of objects with words, and times and speakers where known.
    Json,
}

impl Kind {
    /// The forms.
    pub const ALL: [Self; 4] = [Self::Vtt, Self::Srt, Self::Text, Self::Json];

    /// The name, which is also the usual ending of files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vtt => "vtt",
            Self::Srt => "srt",
            Self::Text => "txt",
            Self::Json => "json",
        }
    }

    /// What a file looks like.
    pub fn of(source: &str) -> Self {
        let text = source.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with("WEBVTT") {
            return Self::Vtt;
        }
        if text.starts_with(['{', '['])
            && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
        {
            return Self::Json;
        }
        let timed = text
            .lines()
            .take(20)
            .any(|line| line.contains("-->") && line.starts_with(|c: char| c.is_ascii_digit()));
        if timed { Self::Srt } else { Self::Text }
    }
}

impl FromStr for Kind {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Unreadable::new(format!("{text:?} is none of vtt, srt, txt and json")))
    }
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spoken {
    /// Start in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// End in milliseconds; never before the start.
    pub end_ms: u32,
    /// Who speaks.
    pub speaker: Option<String>,
    /// The words, lines joined with `\n`.
    pub text: String,
}

/// What was read of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// In which form.
    pub kind: Kind,
    /// What was said, by its times.
    pub lines: Vec<Spoken>,
    /// The file has no times: they are counted from the words, as fast as people usually speak.
    pub estimated: bool,
    /// The language, where the file says so.
    pub language: Option<String>,
    /// What was skipped or repaired, the first [`vtt::MAX_WARNINGS`] of it.
    pub warnings: Vec<Warning>,
    /// How much was skipped or repaired altogether.
    pub warnings_total: usize,
}

/// Why a file is not read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    message: String,
}

impl Unreadable {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

/// Reads a transcript of a form; `known_speakers` are names that surely are names.
///
/// # Errors
/// The file is larger than [`vtt::MAX_BYTES`], is not of that form, or nothing is said in it.
pub fn read(source: &str, kind: Kind, known_speakers: &[&str]) -> Result<Reading, Unreadable> {
    if source.len() > vtt::MAX_BYTES {
        return Err(Unreadable::new(format!(
            "the transcript has {} bytes, more than the {} that are read",
            source.len(),
            vtt::MAX_BYTES
        )));
    }
    let source = source.trim_start_matches('\u{feff}');
    let mut read = match kind {
        Kind::Vtt => srt::cues(source, 0, kind, known_speakers)?,
        Kind::Srt => srt::parse(source, known_speakers)?,
        Kind::Text => plain::parse(source, known_speakers),
        Kind::Json => json::parse(source)?,
    };
    read.lines.retain(|line| !line.text.trim().is_empty());
    if read.lines.is_empty() {
        return Err(Unreadable::new(format!(
            "nothing is said in it, read as {}",
            kind.as_str()
        )));
    }
    for line in &mut read.lines {
        line.end_ms = line.end_ms.max(line.start_ms);
    }
    // Stable: what begins at the same time stays in the order of the file.
    read.lines.sort_by_key(|line| line.start_ms);
    Ok(read)
}

/// An empty reading to fill.
fn reading(kind: Kind) -> Reading {
    Reading {
        kind,
        lines: Vec::new(),
        estimated: false,
        language: None,
        warnings: Vec::new(),
        warnings_total: 0,
    }
}

impl Reading {
    fn warn(&mut self, line: usize, kind: WarningKind, message: impl Into<String>) {
        self.warnings_total += 1;
        if self.warnings.len() < vtt::MAX_WARNINGS {
            self.warnings.push(Warning {
                line: u32::try_from(line).unwrap_or(u32::MAX),
                kind,
                message: message.into(),
            });
        }
    }

    /// Gives times to lines that have none: as long as their words usually take.
    fn estimate(&mut self) {
        self.estimated = true;
        let mut at = 0_u32;
        for line in &mut self.lines {
            line.start_ms = at;
            let words = u32::try_from(line.text.split_whitespace().count()).unwrap_or(u32::MAX);
            at = at.saturating_add(words.max(1).saturating_mul(MS_PER_WORD));
            line.end_ms = at;
        }
    }

    /// Ends of lines that have only a start: when the next begins, but not much later than their words usually take.
    fn close(&mut self) {
        let starts: Vec<u32> = self
            .lines
            .iter()
            .skip(1)
            .map(|line| line.start_ms)
            .collect();
        for (at, line) in self.lines.iter_mut().enumerate() {
            if line.end_ms > line.start_ms {
                continue;
            }
            let words = u32::try_from(line.text.split_whitespace().count()).unwrap_or(u32::MAX);
            let usual = words.max(1).saturating_mul(MS_PER_WORD);
            let until = starts
                .get(at)
                .map_or(u32::MAX, |next| next.saturating_sub(line.start_ms));
            line.end_ms = line
                .start_ms
                .saturating_add(usual.saturating_mul(2).min(until));
        }
    }
}

/// 150 words in a minute: how fast people usually speak.
const MS_PER_WORD: u32 = 400;

/// A time as people write it: `1:02`, `0:01:02`, `00:01:02.345`, with a comma too; in milliseconds.
fn clock(text: &str) -> Option<u32> {
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut seconds = 0_u32;
    let mut parts = 0;
    for part in whole.split(':') {
        if part.is_empty() || part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        parts += 1;
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    if !(2..=3).contains(&parts) {
        return None;
    }
    let ms = match fraction {
        None => 0,
        Some(digits) => {
            if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit())
            {
                return None;
            }
            format!("{digits:0<3}")[..3].parse::<u32>().ok()?
        }
    };
    seconds.checked_mul(1_000)?.checked_add(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(clock("1:02"), Some(62_000));
        assert_eq!(clock("00:01:02.5"), Some(62_500));
        assert_eq!(clock("1:00:00,007"), Some(3_600_007));
        for wrong in ["", "12", ":", "1:2:3:4", "a:b", "1:02.", "-1:00"] {
            assert_eq!(clock(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn forms_are_told_apart() {
        assert_eq!(Kind::of("\u{feff}WEBVTT\n"), Kind::Vtt);
        assert_eq!(
            Kind::of("1\n00:00:01,000 --> 00:00:02,000\nHi\n"),
            Kind::Srt
        );
        assert_eq!(Kind::of("[{\"text\":\"Hi\"}]"), Kind::Json);
        assert_eq!(Kind::of("[0:01] Ana: hi"), Kind::Text);
        assert_eq!("srt".parse::<Kind>().unwrap(), Kind::Srt);
        assert!("doc".parse::<Kind>().is_err());
    }

    #[test]
    fn a_file_in_which_nothing_is_said_is_refused() {
        for kind in Kind::ALL {
            assert!(read("", kind, &[]).is_err(), "{kind:?}");
        }
    }
}

//! Writing transcripts.

use std::fmt::Write as _;

use super::{Cue, Layout};

/// Writes cues under a layout: number, times and text as they were read.
///
/// Files in Zoom's own form come out byte for byte; of others, reading the result gives the same cues again.
pub fn write<'c>(layout: &Layout<'_>, cues: impl IntoIterator<Item = Cue<'c>>) -> String {
    let newline = layout.newline.as_str();
    let mut out = String::new();
    if layout.bom {
        out.push('\u{feff}');
    }
    push_lines(&mut out, &layout.header, newline);
    for cue in cues {
        out.push_str(newline);
        out.push_str(newline);
        if let Some(id) = &cue.id {
            out.push_str(id);
            out.push_str(newline);
        }
        push_clock(&mut out, cue.start_ms);
        out.push_str(" --> ");
        push_clock(&mut out, cue.end_ms);
        if let Some(settings) = &cue.settings {
            out.push(' ');
            out.push_str(settings);
        }
        out.push_str(newline);
        push_lines(&mut out, &cue.raw, newline);
    }
    for _ in 0..layout.trailing_newlines {
        out.push_str(newline);
    }
    out
}

fn push_lines(out: &mut String, text: &str, newline: &str) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push_str(newline);
        }
        out.push_str(line);
    }
}

fn push_clock(out: &mut String, ms: u32) {
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    // Writing to a String cannot fail.
    let _ = write!(out, "{hours:02}:{minutes:02}:{seconds:02}.{ms:03}");
}

/// A cue's text in Zoom's form: `Name: words`, without blank lines and without anything that reads as a time line.
pub(super) fn payload(speaker: Option<&str>, words: &str) -> String {
    let mut out = String::with_capacity(words.len() + 32);
    if let Some(speaker) = speaker {
        let name: Vec<&str> = speaker.split_whitespace().collect();
        out.push_str(&name.join(" "));
        out.push_str(": ");
    }
    let mut first = true;
    for line in words
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        if !first {
            out.push('\n');
        }
        first = false;
        out.push_str(&line.replace("-->", "->"));
    }
    out
}

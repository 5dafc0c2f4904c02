//! From bytes to text, and from a file's lines to ours.

use std::borrow::Cow;

use super::{LooksLike, VttError};

/// Turns a file's bytes into text: UTF-8 as it is, UTF-16 by its byte order mark, broken sequences replaced.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)),
        _ => String::from_utf8_lossy(bytes),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text: String = char::decode_utf16(pairs.iter().copied().map(unit))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

/// The lines of a cue's text joined with `\n`; carriage returns at the end of lines belong to the line end.
pub(super) fn join_lines(part: &str, lone_cr: bool) -> Cow<'_, str> {
    if memchr::memchr(b'\r', part.as_bytes()).is_none() {
        return Cow::Borrowed(part);
    }
    let mut joined = String::with_capacity(part.len());
    if lone_cr {
        for line in part.split(['\r', '\n']).filter(|line| !line.is_empty()) {
            push_line(&mut joined, line);
        }
    } else {
        for line in part.split('\n') {
            push_line(&mut joined, line.trim_end_matches('\r'));
        }
    }
    Cow::Owned(joined)
}

fn push_line(joined: &mut String, line: &str) {
    if !joined.is_empty() {
        joined.push('\n');
    }
    joined.push_str(line);
}

/// What a text without the `WEBVTT` line is, for the error.
pub(super) fn refuse(source: &str) -> VttError {
    VttError::NotWebVtt {
        looks_like: looks_like(source),
    }
}

fn looks_like(source: &str) -> LooksLike {
    let text = source.trim_start_matches('\u{feff}').trim_start();
    let mut cut = text.len().min(1_024);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let start = &text[..cut];
    let lower = start.to_ascii_lowercase();
    if text.is_empty() {
        LooksLike::Empty
    } else if start
        .bytes()
        .any(|b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c))
        || start.contains('\u{fffd}')
    {
        LooksLike::Binary
    } else if lower.starts_with('<')
        && ["<!doctype", "<html", "<head", "<body", "<meta"]
            .iter()
            .any(|tag| lower.contains(tag))
    {
        LooksLike::Html
    } else if start.starts_with(['{', '[']) {
        LooksLike::Json
    } else if start.starts_with(|c: char| c.is_ascii_digit()) && start.contains(" --> ") {
        LooksLike::SubRip
    } else {
        LooksLike::Text
    }
}

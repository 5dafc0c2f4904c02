//! WebVTT's tags and entities: `<v Name>`, `<i>`, `<00:00:01.000>`, `&amp;`.
//!
//! Only tags that WebVTT knows are removed; anything else between angle brackets is what somebody said or typed
//! and stays text.

use std::borrow::Cow;

/// Longest tag in bytes; looking further for its end would make hostile files slow.
const MAX_TAG: usize = 512;

/// The words of a text: tags removed, entities decoded, blanks at both ends cut.
pub(super) fn words(text: Cow<'_, str>) -> Cow<'_, str> {
    if memchr::memchr2(b'<', b'&', text.as_bytes()).is_none() {
        return trim_lines(text);
    }
    trim_lines(Cow::Owned(plain(&text)))
}

fn trim_lines(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\n') {
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        return Cow::Owned(lines.join("\n"));
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Text without WebVTT's tags and with its entities decoded.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('<') {
            tag(rest).map_or(0, |tag| tag.len)
        } else {
            entity(rest).map_or(0, |(decoded, len)| {
                out.push(decoded);
                len
            })
        };
        if taken == 0 {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        } else {
            rest = &rest[taken..];
        }
    }
    out.push_str(rest);
    out
}

/// The name in the first voice tag.
pub(super) fn voice(text: &str) -> Option<Cow<'_, str>> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        rest = &rest[at..];
        match tag(rest) {
            Some(Tag {
                voice: Some(name), ..
            }) => {
                let name = name.trim();
                if name.is_empty() {
                    return None;
                }
                return Some(if name.contains('&') {
                    Cow::Owned(plain(name).trim().to_owned())
                } else {
                    Cow::Borrowed(name)
                });
            }
            Some(tag) => rest = &rest[tag.len..],
            None => rest = &rest[1..],
        }
    }
    None
}

struct Tag<'a> {
    len: usize,
    voice: Option<&'a str>,
}

/// A tag of WebVTT at the start of `rest`, which begins with `<`; on one line.
fn tag(rest: &str) -> Option<Tag<'_>> {
    let bytes = rest.as_bytes();
    let len = memchr::memchr(b'>', &bytes[..bytes.len().min(MAX_TAG)])? + 1;
    let inside = &rest[1..len - 1];
    if memchr::memchr3(b'<', b'\n', b'\r', inside.as_bytes()).is_some() {
        return None;
    }
    let (closing, inside) = inside
        .strip_prefix('/')
        .map_or((false, inside), |inside| (true, inside));
    let name_len = inside.bytes().take_while(u8::is_ascii_lowercase).count();
    let (name, after) = inside.split_at(name_len);
    let annotation = after.find([' ', '\t']).map(|at| &after[at + 1..]);
    let classes_fine = after.is_empty() || after.starts_with(['.', ' ', '\t']);
    let known = match name {
        "c" | "i" | "b" | "u" | "ruby" | "rt" => {
            classes_fine && annotation.is_none_or(|a| a.trim().is_empty())
        }
        "v" => classes_fine && (closing || annotation.is_some()),
        "lang" => classes_fine,
        "" => !closing && timestamp(inside),
        _ => false,
    };
    known.then_some(Tag {
        len,
        voice: annotation.filter(|_| name == "v" && !closing),
    })
}

fn timestamp(inside: &str) -> bool {
    inside.len() >= 9
        && inside.contains(':')
        && inside
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'))
}

/// An entity at the start of `rest`, which begins with `&`.
fn entity(rest: &str) -> Option<(char, usize)> {
    let end = rest.as_bytes().iter().take(12).position(|&b| b == b';')?;
    let decoded = match &rest[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        number => {
            let digits = number.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())?
        }
    };
    Some((decoded, end + 1))
}

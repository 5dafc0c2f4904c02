//! Who is speaking: the text before the first `: ` of a cue, if it is a name.
//!
//! A colon does not make a name (`Note: the room changes`). The evidence, from strong to weak: the name is known to
//! the caller, it stands in a voice tag, every cue of the file is labelled, it repeats, it is written like a name.
//! A prefix with sentence punctuation, more than 64 characters or nothing but digits and colons is never one.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{NO_LABEL, Options, markup};

/// Longest display name in characters; Zoom's own limit for names.
const MAX_NAME: usize = 64;

/// A name that speaks in a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SpeakerLabel<'a> {
    /// Display name as written in the file.
    pub name: &'a str,
    /// Number of cues under it.
    pub cues: u32,
}

/// A candidate: text in front of a colon, or the name in a voice tag.
#[derive(Debug, Clone)]
pub(super) struct Label<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) accepted: bool,
    cues: u32,
    certain: bool,
}

impl Label<'_> {
    pub(super) fn view(&self) -> SpeakerLabel<'_> {
        SpeakerLabel {
            name: &self.name,
            cues: self.cues,
        }
    }
}

/// Collects the candidates of a file and decides in the end which of them are speakers.
pub(super) struct Labels<'a, 'o> {
    found: Vec<Label<'a>>,
    by_raw: HashMap<&'a str, u32>,
    last: Option<(&'a str, u32)>,
    known: &'o [&'o str],
    /// Cues with text but without any candidate.
    unlabelled: u32,
}

/// What a cue's text starts with.
pub(super) struct Found {
    /// Index into the labels, or `NO_LABEL`.
    pub(super) label: u32,
    /// Where the words begin.
    pub(super) body: usize,
    /// The name stands in a voice tag, the words begin at the start.
    pub(super) voice: bool,
}

impl<'a, 'o> Labels<'a, 'o> {
    pub(super) fn new(options: &Options<'o>) -> Self {
        Self {
            found: Vec::new(),
            by_raw: HashMap::new(),
            last: None,
            known: options.known_speakers,
            unlabelled: 0,
        }
    }

    /// Looks at a cue's text; `markup` says that it may hold tags.
    pub(super) fn find(&mut self, payload: &'a str, markup: bool) -> Found {
        if markup && let Some(name) = markup::voice(payload) {
            let key = match &name {
                Cow::Borrowed(name) => *name,
                Cow::Owned(_) => payload,
            };
            let label = self.intern(true, key, |_| name);
            return Found {
                label,
                body: 0,
                voice: true,
            };
        }
        let indent = payload.len() - payload.trim_start().len();
        let Some(len) = self.prefix(&payload[indent..]) else {
            self.unlabelled += u32::from(indent < payload.len());
            return Found {
                label: NO_LABEL,
                body: 0,
                voice: false,
            };
        };
        let raw = payload[indent..indent + len].trim_end();
        let label = match self.last {
            Some((last, label)) if last == raw => {
                self.found[label as usize].cues += 1;
                label
            }
            _ => self.intern(false, raw, |raw| {
                if markup {
                    Cow::Owned(markup::plain(raw).trim().to_owned())
                } else {
                    Cow::Borrowed(raw)
                }
            }),
        };
        self.last = Some((raw, label));
        Found {
            label,
            body: indent + len + 1,
            voice: false,
        }
    }

    /// Length of the text before the colon that may end a name.
    fn prefix(&self, text: &str) -> Option<usize> {
        let known = self.known.iter().filter(|name| {
            text.strip_prefix(**name)
                .and_then(|rest| rest.strip_prefix(':'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
        });
        if let Some(longest) = known.map(|name| name.len()).max() {
            return Some(longest);
        }
        // 64 characters have at most 256 bytes; the name may be followed by blanks.
        let bytes = &text.as_bytes()[..text.len().min(MAX_NAME * 4 + 8)];
        let mut from = 0;
        loop {
            let at = from + memchr::memchr3(b':', b'\n', b'\r', &bytes[from..])?;
            if bytes[at] != b':' {
                return None;
            }
            if matches!(
                text.as_bytes().get(at + 1),
                None | Some(b' ' | b'\t' | b'\n' | b'\r')
            ) {
                return (at > 0).then_some(at);
            }
            from = at + 1;
        }
    }

    fn intern(
        &mut self,
        certain: bool,
        raw: &'a str,
        name: impl FnOnce(&'a str) -> Cow<'a, str>,
    ) -> u32 {
        let next = self.found.len();
        let label = *self.by_raw.entry(raw).or_insert_with(|| {
            self.found.push(Label {
                name: name(raw),
                accepted: false,
                cues: 0,
                certain: false,
            });
            super::scan::narrow(next)
        });
        if let Some(found) = self.found.get_mut(label as usize) {
            found.cues += 1;
            found.certain |= certain;
        }
        label
    }

    /// Decides which candidates are speakers.
    pub(super) fn decide(mut self) -> Vec<Label<'a>> {
        let known: HashSet<String> = self.known.iter().map(|name| folded(name)).collect();
        let mut labelled = 0;
        let mut unlabelled = self.unlabelled;
        for label in &mut self.found {
            label.certain |= !known.is_empty() && known.contains(&folded(&label.name));
            // For now: may this be a name at all?
            label.accepted =
                label.certain || (may_be_name(&label.name) && !is_lead_in(&label.name));
            *(if label.accepted {
                &mut labelled
            } else {
                &mut unlabelled
            }) += label.cues;
        }
        let whole_file = u64::from(unlabelled) * 50 <= u64::from(labelled);
        for label in self.found.iter_mut().filter(|label| label.accepted) {
            label.accepted =
                label.certain || whole_file || label.cues > 1 || written_like_name(&label.name);
        }
        self.found.shrink_to_fit();
        self.found
    }
}

/// Names are the same whatever their case.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The conditions that every name without other evidence has to meet.
fn may_be_name(name: &str) -> bool {
    if name.chars().count() > MAX_NAME || name.contains(['?', '!', '。', '？', '！']) {
        return false;
    }
    let clock_like = name
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b' '));
    if clock_like && name.bytes().filter(u8::is_ascii_digit).count() < 5 {
        return false;
    }
    name.chars().any(char::is_alphanumeric) && name.split_whitespace().all(dots_are_no_sentence_end)
}

/// Dots of initials, titles and domains do not end a sentence.
fn dots_are_no_sentence_end(word: &str) -> bool {
    const TITLES: [&str; 20] = [
        "dr", "prof", "mr", "mrs", "ms", "mx", "st", "jr", "sr", "ph", "esq", "inc", "ltd", "co",
        "lt", "col", "gen", "rev", "hon", "eng",
    ];
    let word = word.trim_matches(['(', ')', '[', ']', ',', '"']);
    let Some(stem) = word.strip_suffix('.') else {
        return true;
    };
    let last = stem.rsplit('.').next().unwrap_or_default();
    last.chars().count() <= 1
        || stem.contains('.') && last.chars().count() <= 3
        || TITLES.contains(&stem.to_lowercase().as_str())
}

/// Words that introduce a sentence far more often than they name a person.
fn is_lead_in(name: &str) -> bool {
    const LEAD_INS: [&str; 44] = [
        "action",
        "action item",
        "action items",
        "actions",
        "agenda",
        "answer",
        "background",
        "conclusion",
        "context",
        "decision",
        "decisions",
        "disclaimer",
        "edit",
        "example",
        "first",
        "for example",
        "fyi",
        "goal",
        "hint",
        "important",
        "issue",
        "key points",
        "link",
        "next",
        "next steps",
        "note",
        "notes",
        "option",
        "p.s",
        "problem",
        "ps",
        "question",
        "quote",
        "reason",
        "remember",
        "reminder",
        "result",
        "second",
        "summary",
        "third",
        "tip",
        "todo",
        "update",
        "warning",
    ];
    let lower = name.to_lowercase();
    LEAD_INS.binary_search(&lower.trim_end_matches('.')).is_ok()
}

/// Whether a prefix that occurs once looks like a display name: a phone number, or at least two words that begin
/// with capitals (particles between them aside), or a word in a script without capitals.
fn written_like_name(name: &str) -> bool {
    const PARTICLES: [&str; 24] = [
        "af", "al", "bin", "bint", "da", "das", "de", "del", "den", "der", "di", "do", "dos", "du",
        "e", "el", "la", "le", "of", "ten", "ter", "van", "von", "y",
    ];
    let core = name
        .split(['|', '(', '[', '/'])
        .next()
        .unwrap_or_default()
        .trim();
    if core
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'+' | b'-' | b' '))
    {
        return core.bytes().filter(u8::is_ascii_digit).count() >= 5;
    }
    let words: Vec<&str> = core
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect();
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return false;
    };
    if words.len() > 6 {
        return false;
    }
    let initial = |word: &str| word.chars().find(|c| c.is_alphanumeric());
    let uncased = |c: char| c.is_alphabetic() && !c.is_uppercase() && !c.is_lowercase();
    if words.iter().all(|word| initial(word).is_some_and(uncased)) {
        return true;
    }
    let capital = |word: &str| initial(word).is_some_and(|c| !c.is_lowercase());
    words.len() > 1
        && capital(first)
        && capital(last)
        && words
            .iter()
            .all(|word| capital(word) || PARTICLES.contains(word))
}

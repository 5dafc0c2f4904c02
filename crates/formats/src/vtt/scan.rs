//! The reader: one pass over the lines, with a short cut for blocks in Zoom's own form.

use std::borrow::Cow;

use super::speaker::Labels;
use super::timing::{self, Timing};
use super::{
    LINES, Layout, MARKUP, MAX_BYTES, MAX_WARNINGS, Newline, Options, Record, SETTINGS, Transcript,
    VOICE, VttError, Warning, WarningKind, bytes,
};

/// A number that fits because sources are at most `MAX_BYTES` long.
pub(super) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn transcript<'a>(
    whole: &'a str,
    options: &Options<'_>,
) -> Result<Transcript<'a>, VttError> {
    if whole.len() > MAX_BYTES {
        return Err(VttError::TooLarge { bytes: whole.len() });
    }
    let (bom, source) = whole
        .strip_prefix('\u{feff}')
        .map_or((false, whole), |rest| (true, rest));
    match source.strip_prefix("WEBVTT") {
        Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']) => {}
        _ => return Err(bytes::refuse(whole)),
    }
    let newline = match memchr::memchr2(b'\r', b'\n', source.as_bytes()) {
        Some(at) if source.as_bytes()[at] == b'\n' => Newline::Lf,
        Some(at) if source.as_bytes().get(at + 1) == Some(&b'\n') => Newline::CrLf,
        Some(_) => Newline::Cr,
        None => Newline::Lf,
    };
    let mut scan = Scan {
        source,
        bytes: source.as_bytes(),
        newline,
        at: 0,
        line: 0,
        records: Vec::new(),
        settings: Vec::new(),
        labels: Labels::new(options),
        warnings: Vec::new(),
        warnings_total: 0,
        numbered: false,
        reserved: false,
    };
    let header_end = scan.header();
    scan.blocks();
    let trailing_newlines = scan.trailing(header_end);
    let header = bytes::join_lines(&source[..header_end], newline == Newline::Cr);
    // Zoom's files leave nothing over; a file with very uneven cues may.
    if scan.records.capacity() - scan.records.len() > scan.records.len() / 8 {
        scan.records.shrink_to_fit();
    }
    Ok(Transcript {
        source,
        lone_cr: newline == Newline::Cr,
        records: scan.records,
        settings: scan.settings,
        labels: scan.labels.decide(),
        layout: Layout {
            bom,
            header,
            newline,
            trailing_newlines,
        },
        warnings: scan.warnings,
        warnings_total: scan.warnings_total,
    })
}

#[derive(Clone, Copy)]
struct Line {
    start: usize,
    end: usize,
    number: u32,
}

/// What the reader is in.
enum State {
    /// Between cues; lines of the block so far (at most two are kept: the first and the last).
    Block {
        first: Option<Line>,
        last: Option<Line>,
        lines: u32,
    },
    /// In a NOTE, STYLE or REGION block; the line that began it may still be a cue's id.
    Comment { head: Option<Line> },
    /// In a block whose time line was bad.
    Skip,
    /// In a cue's text.
    Text(Pending),
}

const EMPTY_BLOCK: State = State::Block {
    first: None,
    last: None,
    lines: 0,
};

/// A cue whose text is still being read.
struct Pending {
    start_ms: u32,
    end_ms: u32,
    id: Option<Line>,
    settings: Option<(usize, usize)>,
    at: usize,
    /// The last two lines of the text.
    before_last: Option<Line>,
    last: Option<Line>,
    lines: u32,
}

struct Scan<'a, 'o> {
    source: &'a str,
    bytes: &'a [u8],
    newline: Newline,
    at: usize,
    /// Lines read so far.
    line: u32,
    records: Vec<Record>,
    settings: Vec<(u32, &'a str)>,
    labels: Labels<'a, 'o>,
    warnings: Vec<Warning>,
    warnings_total: usize,
    /// Whether the cue before had a number.
    numbered: bool,
    reserved: bool,
}

impl<'a> Scan<'a, '_> {
    fn next_line(&mut self) -> Option<Line> {
        let start = self.at;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let found = if self.newline == Newline::Cr {
            memchr::memchr2(b'\r', b'\n', rest)
        } else {
            memchr::memchr(b'\n', rest)
        };
        let mut end = start + found.unwrap_or(rest.len());
        self.at = (end + 1).min(self.bytes.len());
        if self.newline == Newline::Cr {
            if self.bytes.get(end..end + 2) == Some(b"\r\n") {
                self.at = end + 2;
            }
        } else {
            while end > start && self.bytes[end - 1] == b'\r' {
                end -= 1;
            }
        }
        self.line += 1;
        Some(Line {
            start,
            end,
            number: self.line,
        })
    }

    fn text(&self, line: Line) -> &'a str {
        &self.source[line.start..line.end]
    }

    fn warn(&mut self, line: u32, kind: WarningKind, message: impl FnOnce() -> String) {
        self.warnings_total += 1;
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning {
                line,
                kind,
                message: message(),
            });
        }
    }

    /// Reads the header block; gives the end of its last line.
    fn header(&mut self) -> usize {
        let mut previous_end = 0;
        let mut last: Option<Line> = None;
        loop {
            let resume = (self.at, self.line);
            let Some(line) = self.next_line() else { break };
            let text = self.text(line);
            if text.trim().is_empty() {
                break;
            }
            if last.is_some() && matches!(timing::read(text, false), Timing::Good { .. }) {
                // No blank line behind the header: a number before the time line belongs to the cue.
                let number = last.filter(|last| last.start > 0 && is_number(self.text(*last)));
                (self.at, self.line) =
                    number.map_or(resume, |number| (number.start, number.number - 1));
                return if number.is_some() {
                    previous_end
                } else {
                    last.map_or(0, |last| last.end)
                };
            }
            previous_end = last.map_or(0, |last| last.end);
            last = Some(line);
        }
        last.map_or(0, |last| last.end)
    }

    fn blocks(&mut self) {
        let mut state = EMPTY_BLOCK;
        loop {
            if matches!(state, State::Block { first: None, .. }) {
                while self.zoom_block() {}
            }
            let Some(line) = self.next_line() else { break };
            state = self.step(state, line);
        }
        match state {
            State::Text(pending) => self.push(&pending),
            State::Block {
                first: Some(first),
                lines,
                ..
            } => self.orphans(first, lines),
            _ => {}
        }
    }

    /// The fast path: number, time line, one line of text, blank line or end of file, all in Zoom's form.
    fn zoom_block(&mut self) -> bool {
        let newline = match self.newline {
            Newline::CrLf => 2,
            Newline::Lf => 1,
            Newline::Cr => return false,
        };
        let bytes = self.bytes;
        let id_at = self.at;
        let digits = bytes[id_at..]
            .iter()
            .take(10)
            .take_while(|b| b.is_ascii_digit())
            .count();
        let times_at = id_at + digits + newline;
        if digits == 0 || !self.ends_line(id_at + digits, newline) {
            return false;
        }
        let Some((times, rest)) = bytes.get(times_at..).and_then(<[u8]>::split_first_chunk) else {
            return false;
        };
        let Some((start_ms, end_ms)) = timing::zoom(times) else {
            return false;
        };
        let text_at = times_at + timing::ZOOM_LEN + newline;
        if start_ms > end_ms || !self.ends_line(times_at + timing::ZOOM_LEN, newline) {
            return false;
        }
        match rest.get(newline) {
            None | Some(b'0'..=b'9' | b' ' | b'\t' | b'\r' | b'\n') => return false,
            Some(_) => {}
        }
        let mut flags = 0;
        let mut end = match memchr::memchr3(b'\n', b'<', b'&', &bytes[text_at..]) {
            Some(found) if bytes[text_at + found] != b'\n' => {
                flags = MARKUP;
                memchr::memchr(b'\n', &bytes[text_at + found..])
                    .map_or(bytes.len(), |more| text_at + found + more)
            }
            Some(found) => text_at + found,
            None => bytes.len(),
        };
        let mut next = (end + 1).min(bytes.len());
        if newline == 2 && end > text_at && bytes[end - 1] == b'\r' {
            end -= 1;
        }
        if end > text_at && bytes[end - 1] == b'\r' {
            return false;
        }
        let mut lines = 3;
        if next < bytes.len() {
            if !self.ends_line(next, newline) {
                return false;
            }
            next += newline;
            lines = 4;
        }
        let payload = &self.source[text_at..end];
        let found = self.labels.find(payload, flags != 0);
        if found.voice {
            flags |= VOICE;
        }
        self.records.push(Record {
            start_ms,
            end_ms,
            id_at: narrow(id_at),
            id_len: narrow(digits),
            at: narrow(text_at),
            len: narrow(end - text_at),
            label: found.label,
            body: narrow(found.body),
            flags,
        });
        self.numbered = true;
        self.at = next;
        self.line += lines;
        self.reserve();
        true
    }

    fn ends_line(&self, at: usize, newline: usize) -> bool {
        match newline {
            2 => self.bytes.get(at..at + 2) == Some(b"\r\n"),
            _ => self.bytes.get(at) == Some(&b'\n'),
        }
    }

    /// After some cues their average size tells how many there will be; one allocation instead of doubling.
    fn reserve(&mut self) {
        if !self.reserved && self.records.len() == 64 {
            self.reserved = true;
            let guess = (self.bytes.len() - self.at) / (self.at / 64).max(32);
            self.records.reserve_exact(guess + guess / 32 + 16);
        }
    }

    fn step(&mut self, state: State, line: Line) -> State {
        let text = self.text(line);
        match state {
            State::Block { first, last, lines } => {
                if text.trim().is_empty() {
                    if let Some(first) = first {
                        self.orphans(first, lines);
                    }
                    return EMPTY_BLOCK;
                }
                match timing::read(text, true) {
                    Timing::No if first.is_none() && is_comment(text) => {
                        State::Comment { head: Some(line) }
                    }
                    Timing::No => State::Block {
                        first: first.or(Some(line)),
                        last: Some(line),
                        lines: lines + 1,
                    },
                    Timing::Bad => self.bad(line),
                    good @ Timing::Good { .. } => {
                        if let (Some(first), Some(last)) = (first, last)
                            && lines > 1
                        {
                            if self.text(first) == self.text(last) && lines == 2 {
                                self.warn(last.number, WarningKind::DuplicateNumber, || {
                                    "the cue number stands there twice".to_owned()
                                });
                            } else {
                                self.orphans(first, lines - 1);
                            }
                        }
                        self.open(good, line, last)
                    }
                }
            }
            State::Comment { head } => match timing::read(text, false) {
                _ if text.is_empty() => EMPTY_BLOCK,
                good @ Timing::Good { .. } => {
                    if head.is_none() {
                        self.missing_blank(line);
                    }
                    self.open(good, line, head)
                }
                _ => State::Comment { head: None },
            },
            State::Skip => match timing::read(text, false) {
                _ if text.trim().is_empty() => EMPTY_BLOCK,
                good @ Timing::Good { .. } => {
                    self.missing_blank(line);
                    self.open(good, line, None)
                }
                _ => State::Skip,
            },
            State::Text(mut pending) => {
                if text.is_empty() {
                    self.push(&pending);
                    return EMPTY_BLOCK;
                }
                match timing::read(text, false) {
                    Timing::No => {
                        pending.before_last = pending.last;
                        pending.last = Some(line);
                        pending.lines += 1;
                        State::Text(pending)
                    }
                    Timing::Bad => {
                        self.push(&pending);
                        self.bad(line)
                    }
                    good @ Timing::Good { .. } => {
                        // A number before the time line is this cue's, not the words of the one before.
                        let number = pending.last.filter(|last| is_number(self.text(*last)));
                        if number.is_some() {
                            pending.last = pending.before_last;
                            pending.lines -= 1;
                        }
                        self.push(&pending);
                        self.missing_blank(line);
                        self.open(good, line, number)
                    }
                }
            }
        }
    }

    fn open(&mut self, good: Timing, line: Line, id: Option<Line>) -> State {
        let Timing::Good {
            start_ms,
            end_ms,
            settings_at,
            comma,
        } = good
        else {
            return State::Skip;
        };
        let id = id.filter(|id| !self.text(*id).trim().is_empty());
        if let Some(id) = id {
            let is_number = is_number(self.text(id));
            if self.numbered && !is_number {
                let shown = shorten(self.text(id));
                self.warn(id.number, WarningKind::OddId, || {
                    format!("the cue id \"{shown}\" is not a number")
                });
            }
            self.numbered = is_number;
        }
        if comma {
            self.warn(line.number, WarningKind::CommaDecimals, || {
                "times have a comma before the milliseconds".to_owned()
            });
        }
        if end_ms < start_ms {
            self.warn(line.number, WarningKind::EndBeforeStart, || {
                format!("the cue ends {} ms before it starts", start_ms - end_ms)
            });
        }
        let settings = self.text(line)[settings_at..].trim_end();
        let settings = (!settings.is_empty()).then(|| (line.start + settings_at, settings.len()));
        State::Text(Pending {
            start_ms,
            end_ms,
            id,
            settings,
            at: self.at,
            before_last: None,
            last: None,
            lines: 0,
        })
    }

    fn bad(&mut self, line: Line) -> State {
        let shown = shorten(self.text(line));
        let cut = self.at == self.bytes.len() && line.end == self.bytes.len();
        self.warn(line.number, WarningKind::BadTiming, || {
            let cut = if cut { "; the file ends here" } else { "" };
            format!("the time line \"{shown}\" cannot be read, the cue is skipped{cut}")
        });
        State::Skip
    }

    fn missing_blank(&mut self, line: Line) {
        self.warn(line.number, WarningKind::MissingBlankLine, || {
            "no blank line before this cue".to_owned()
        });
    }

    fn orphans(&mut self, first: Line, lines: u32) {
        let shown = shorten(self.text(first));
        self.warn(first.number, WarningKind::OrphanText, || {
            if lines > 1 {
                format!("{lines} lines belong to no cue and are skipped, from \"{shown}\"")
            } else {
                format!("\"{shown}\" belongs to no cue and is skipped")
            }
        });
    }

    fn push(&mut self, pending: &Pending) {
        let end = pending
            .last
            .filter(|_| pending.lines > 0)
            .map_or(pending.at, |last| last.end);
        let payload = &self.source[pending.at..end];
        let mut flags = 0;
        if memchr::memchr2(b'<', b'&', payload.as_bytes()).is_some() {
            flags |= MARKUP;
        }
        if pending.lines > 1 {
            flags |= LINES;
        }
        let index = narrow(self.records.len());
        if let Some((at, len)) = pending.settings {
            flags |= SETTINGS;
            self.settings.push((index, &self.source[at..at + len]));
        }
        let found = self.labels.find(payload, flags & MARKUP != 0);
        if found.voice {
            flags |= VOICE;
        }
        self.records.push(Record {
            start_ms: pending.start_ms,
            end_ms: pending.end_ms,
            id_at: narrow(pending.id.map_or(0, |id| id.start)),
            id_len: narrow(pending.id.map_or(0, |id| id.end - id.start)),
            at: narrow(pending.at),
            len: narrow(payload.len()),
            label: found.label,
            body: narrow(found.body),
            flags,
        });
        self.reserve();
    }

    /// Line ends behind the last cue's text (or the header); two when something else stands there.
    fn trailing(&self, header_end: usize) -> u32 {
        let end = self
            .records
            .last()
            .map_or(header_end, |last| (last.at + last.len) as usize);
        let rest = self.bytes.get(end..).unwrap_or_default();
        if rest.iter().any(|b| !matches!(b, b'\r' | b'\n')) {
            return 2;
        }
        let feeds = memchr::memchr_iter(b'\n', rest).count();
        narrow(if self.newline == Newline::Cr {
            // A pair counts once.
            rest.len() - rest.windows(2).filter(|pair| pair == b"\r\n").count()
        } else {
            feeds
        })
    }
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_comment(text: &str) -> bool {
    matches!(text.trim_end(), "STYLE" | "REGION" | "NOTE")
        || text.starts_with("NOTE ")
        || text.starts_with("NOTE\t")
}

/// At most forty characters of a line, for messages.
fn shorten(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    match text.char_indices().nth(40) {
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
        None => Cow::Borrowed(text),
    }
}

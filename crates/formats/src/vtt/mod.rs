//! Zoom's WebVTT transcripts: a tolerant, borrowing parser and a faithful writer.
//!
//! Zoom writes a `WEBVTT` line, then blocks of a number, a time line and `Display Name: words`, with CRLF line ends.
//! Other tools add header text, `NOTE`/`STYLE`/`REGION` blocks, `<v Name>` tags, cue settings and entities; all of
//! that is read too. What cannot be read is reported with its line number and skipped.
//!
//! ```
//! let file = "WEBVTT\r\n\r\n1\r\n00:00:02.310 --> 00:00:05.120\r\nMaren Okafor: Can you hear me?\r\n\r\n";
//! let transcript = parfocal_formats::vtt::parse(file).unwrap();
//! let cue = transcript.get(0).unwrap();
//! assert_eq!(cue.speaker.as_deref(), Some("Maren Okafor"));
//! assert_eq!(cue.text, "Can you hear me?");
//! assert_eq!(transcript.write(), file);
//! ```

mod bytes;
mod markup;
mod scan;
mod speaker;
mod timing;
mod write;

use std::borrow::Cow;

use serde::Serialize;

pub use bytes::decode;
pub use speaker::SpeakerLabel;
pub use write::write;

/// The largest transcript that is read, in bytes (1 GiB); a real one has a few hundred kilobytes.
pub const MAX_BYTES: usize = 1 << 30;

/// The largest number of warnings that is kept; [`Transcript::warnings_total`] counts all of them.
pub const MAX_WARNINGS: usize = 1_000;

/// What the caller knows before reading.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'k> {
    /// Display names known to be people of the meeting; they count as speakers even when they contain a colon.
    pub known_speakers: &'k [&'k str],
}

/// Why a file is not read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VttError {
    /// The first line is not `WEBVTT`: Zoom answers a download without a valid token with an HTML page, for example.
    #[error("not a WebVTT file: it looks like {looks_like}")]
    NotWebVtt {
        /// What the content looks like instead.
        looks_like: LooksLike,
    },
    /// The file is larger than [`MAX_BYTES`].
    #[error("the transcript has {bytes} bytes, more than the {MAX_BYTES} that are read")]
    TooLarge {
        /// Size of the file.
        bytes: usize,
    },
}

/// What a file that is not WebVTT looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LooksLike {
    /// Nothing, or blanks only.
    Empty,
    /// An HTML page, most often a sign-in or error page.
    Html,
    /// A JSON document.
    Json,
    /// Subtitles in the SubRip format.
    SubRip,
    /// Binary data.
    Binary,
    /// Some other text.
    Text,
}

impl std::fmt::Display for LooksLike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty file",
            Self::Html => "an HTML page",
            Self::Json => "a JSON document",
            Self::SubRip => "SubRip subtitles",
            Self::Binary => "binary data",
            Self::Text => "plain text",
        })
    }
}

/// One thing in the file that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Line in the file, from 1.
    pub line: u32,
    /// What kind of thing.
    pub kind: WarningKind,
    /// A sentence for a person.
    pub message: String,
}

/// Kinds of warnings; the cue is kept unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// The time line cannot be read; its cue is skipped.
    BadTiming,
    /// The cue ends before it starts; its times are kept as written.
    EndBeforeStart,
    /// Decimals behind a comma, as SubRip has them.
    CommaDecimals,
    /// The cue number stands there twice.
    DuplicateNumber,
    /// A cue id that is not a number in a file of numbered cues.
    OddId,
    /// No blank line before the cue.
    MissingBlankLine,
    /// Lines that belong to no cue; they are skipped.
    OrphanText,
}

/// The kind of line end a file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Newline {
    /// `\r\n`, Zoom's own.
    #[default]
    CrLf,
    /// `\n`.
    Lf,
    /// `\r` alone.
    Cr,
}

impl Newline {
    /// The characters of this line end.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CrLf => "\r\n",
            Self::Lf => "\n",
            Self::Cr => "\r",
        }
    }
}

/// What must be kept besides the cues to write a canonical file back byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout<'a> {
    /// The file starts with a byte order mark.
    pub bom: bool,
    /// The `WEBVTT` line with what follows it, and the metadata lines below, joined with `\n`.
    pub header: Cow<'a, str>,
    /// Line end used when writing.
    pub newline: Newline,
    /// Number of line ends after the last cue's text.
    pub trailing_newlines: u32,
}

impl Default for Layout<'_> {
    /// Zoom's own form.
    fn default() -> Self {
        Self {
            bom: false,
            header: Cow::Borrowed("WEBVTT"),
            newline: Newline::CrLf,
            trailing_newlines: 2,
        }
    }
}

/// One cue: who said what, and when.
///
/// Serialises to `n`, `start_ms`, `end_ms`, `speaker` and `text`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cue<'a> {
    /// Ordinal in the file, from 1; what citations name. The file's own number is in `id`.
    pub n: u32,
    /// Start in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// End in milliseconds; less than the start when the file says so.
    pub end_ms: u32,
    /// Name in front of the words, if it is one.
    pub speaker: Option<Cow<'a, str>>,
    /// The words: without speaker, markup and entities, lines joined with `\n`.
    pub text: Cow<'a, str>,
    /// The cue's identifier line.
    #[serde(skip)]
    pub id: Option<Cow<'a, str>>,
    /// Cue settings behind the times.
    #[serde(skip)]
    pub settings: Option<Cow<'a, str>>,
    /// The text as it stands in the file, lines joined with `\n`.
    #[serde(skip)]
    pub raw: Cow<'a, str>,
}

impl<'a> Cue<'a> {
    /// Builds a cue in Zoom's form; `n` becomes its number, blank lines inside the words are left out.
    pub fn new(
        n: u32,
        start_ms: u32,
        end_ms: u32,
        speaker: Option<&'a str>,
        words: &'a str,
    ) -> Self {
        let raw = write::payload(speaker, words);
        Self {
            n,
            start_ms,
            end_ms,
            speaker: speaker.map(Cow::Borrowed),
            text: Cow::Borrowed(words),
            id: Some(Cow::Owned(n.to_string())),
            settings: None,
            raw: Cow::Owned(raw),
        }
    }

    /// Length in milliseconds; zero for a cue that ends before it starts.
    pub const fn duration_ms(&self) -> u32 {
        self.end_ms.saturating_sub(self.start_ms)
    }

    /// The same cue without ties to the file.
    pub fn into_owned(self) -> Cue<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Cue {
            n: self.n,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            speaker: self.speaker.map(own),
            text: own(self.text),
            id: self.id.map(own),
            settings: self.settings.map(own),
            raw: own(self.raw),
        }
    }
}

/// A parsed transcript; cues point into the file's text (about 36 bytes each beside it).
#[derive(Debug, Clone)]
pub struct Transcript<'a> {
    source: &'a str,
    lone_cr: bool,
    records: Vec<Record>,
    settings: Vec<(u32, &'a str)>,
    labels: Vec<speaker::Label<'a>>,
    /// What is needed to write the file back.
    pub layout: Layout<'a>,
    /// The first [`MAX_WARNINGS`] warnings, in the order of lines.
    pub warnings: Vec<Warning>,
    /// How many warnings there were altogether.
    pub warnings_total: usize,
}

/// Where a cue stands in the file; offsets are into `Transcript::source`, which is shorter than 4 GiB.
#[derive(Debug, Clone, Copy)]
struct Record {
    start_ms: u32,
    end_ms: u32,
    id_at: u32,
    id_len: u32,
    at: u32,
    len: u32,
    /// Index into the labels, or `NO_LABEL`.
    label: u32,
    /// Where the words begin behind the label, counted from `at`.
    body: u32,
    /// `MARKUP`, `LINES`, `SETTINGS`.
    flags: u8,
}

const NO_LABEL: u32 = u32::MAX;
/// The text may hold tags or entities.
const MARKUP: u8 = 1;
/// The text has more than one line.
const LINES: u8 = 2;
/// The time line has settings.
const SETTINGS: u8 = 4;
/// The speaker comes from a voice tag, so the words begin at the start of the text.
const VOICE: u8 = 8;

/// Reads a transcript without knowing any names.
pub fn parse(source: &str) -> Result<Transcript<'_>, VttError> {
    parse_with(source, &Options::default())
}

/// Reads a transcript; names known to the caller help to tell a speaker from a sentence with a colon.
pub fn parse_with<'a>(source: &'a str, options: &Options<'_>) -> Result<Transcript<'a>, VttError> {
    scan::transcript(source, options)
}

impl<'a> Transcript<'a> {
    /// Number of cues.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no cue.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The cue at an index from 0, in the order of the file.
    pub fn get(&self, index: usize) -> Option<Cue<'_>> {
        self.records
            .get(index)
            .map(|record| self.view(index, record))
    }

    /// All cues in the order of the file.
    pub fn cues(&self) -> impl ExactSizeIterator<Item = Cue<'_>> + Clone {
        self.records
            .iter()
            .enumerate()
            .map(|(index, record)| self.view(index, record))
    }

    /// The names that were taken as speakers, in the order of their first words, with the number of their cues.
    pub fn speakers(&self) -> impl Iterator<Item = SpeakerLabel<'_>> {
        self.labels
            .iter()
            .filter(|label| label.accepted)
            .map(speaker::Label::view)
    }

    /// Writes the transcript; a canonical file comes out byte for byte.
    pub fn write(&self) -> String {
        write(&self.layout, self.cues())
    }

    /// Bytes of memory held beside the file's text.
    pub fn heap_bytes(&self) -> usize {
        self.records.capacity() * size_of::<Record>()
            + self.settings.capacity() * size_of::<(u32, &str)>()
            + self.labels.capacity() * size_of::<speaker::Label<'_>>()
            + self
                .warnings
                .iter()
                .map(|warning| size_of::<Warning>() + warning.message.capacity())
                .sum::<usize>()
    }

    fn slice(&self, at: u32, len: u32) -> &'a str {
        let at = at as usize;
        self.source.get(at..at + len as usize).unwrap_or_default()
    }

    fn view(&self, index: usize, record: &Record) -> Cue<'_> {
        let label = self
            .labels
            .get(record.label as usize)
            .filter(|label| label.accepted);
        let payload = self.slice(record.at, record.len);
        let body = match label {
            Some(_) if record.flags & VOICE == 0 => {
                payload.get(record.body as usize..).unwrap_or_default()
            }
            _ => payload,
        };
        let (text, raw) = if record.flags & (MARKUP | LINES) == 0 {
            (Cow::Borrowed(body.trim()), Cow::Borrowed(payload))
        } else {
            let lines = |part| {
                if record.flags & LINES == 0 {
                    Cow::Borrowed(part)
                } else {
                    bytes::join_lines(part, self.lone_cr)
                }
            };
            (markup::words(lines(body)), lines(payload))
        };
        Cue {
            n: scan::narrow(index).saturating_add(1),
            start_ms: record.start_ms,
            end_ms: record.end_ms,
            speaker: label.map(|label| Cow::Borrowed(&*label.name)),
            text,
            id: (record.id_len > 0).then(|| Cow::Borrowed(self.slice(record.id_at, record.id_len))),
            settings: (record.flags & SETTINGS != 0)
                .then(|| Cow::Borrowed(self.settings_of(index))),
            raw,
        }
    }

    fn settings_of(&self, index: usize) -> &'a str {
        let index = scan::narrow(index);
        self.settings
            .binary_search_by_key(&index, |entry| entry.0)
            .map_or("", |found| self.settings[found].1)
    }
}

impl PartialEq for Transcript<'_> {
    /// Same layout and same cues; warnings and line numbers do not count.
    fn eq(&self, other: &Self) -> bool {
        self.layout == other.layout && self.len() == other.len() && self.cues().eq(other.cues())
    }
}

//! `transcript parse FILE`: reads a WebVTT file as Zoom writes it, without a store.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use parfocal_formats::vtt;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::{clean, grouped, position};

/// Parse a transcript file and print its cues
#[derive(Debug, Args)]
pub(crate) struct Parse {
    /// The .vtt file; - reads standard input
    file: PathBuf,
}

/// Runs the command.
pub(crate) fn run(command: &Parse, context: &Context) -> Result<Exit, Failure> {
    let bytes = read(&command.file)?;
    let text = vtt::decode(&bytes);
    let transcript = vtt::parse(&text).map_err(|error| {
        Failure::failed(
            "transcript",
            format!("{} is not a transcript: {error}", command.file.display()),
        )
        .hint("Zoom's transcripts are WebVTT files: their first line is WEBVTT.")
    })?;
    if context.out.is_json() {
        context.out.json(&Parsed(&transcript))?;
        return Ok(Exit::Done);
    }
    for cue in transcript.cues() {
        let speaker = cue
            .speaker
            .as_deref()
            .map(|name| format!("{} ", paint(style::STRONG, clean(name))))
            .unwrap_or_default();
        context.out.line(format!(
            "{} {speaker}{}",
            paint(style::DIM, position(u64::from(cue.start_ms))),
            clean(&cue.text)
        ))?;
    }
    for warning in &transcript.warnings {
        context.out.warn(format!(
            "{}, line {}: {}",
            command.file.display(),
            warning.line,
            clean(&warning.message)
        ));
    }
    let unlisted = transcript
        .warnings_total
        .saturating_sub(transcript.warnings.len());
    if unlisted > 0 {
        context.out.warn(format!("and {} more", grouped(unlisted)));
    }
    context.out.note(paint(
        style::DIM,
        format!("{} cues", grouped(transcript.len())),
    ));
    Ok(Exit::Done)
}

/// The bytes of a file, or of standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let limit = u64::try_from(vtt::MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(limit + 1)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::file("reading", path, &error))?;
    if bytes.len() > vtt::MAX_BYTES {
        return Err(Failure::failed(
            "transcript",
            format!("{} is larger than 1 GiB", path.display()),
        ));
    }
    Ok(bytes)
}

/// A parsed transcript in its published shape.
struct Parsed<'a, 't>(&'a vtt::Transcript<'t>);

#[derive(Serialize)]
struct CueShape<'a> {
    n: u32,
    start_ms: u32,
    end_ms: u32,
    speaker: Option<&'a str>,
    text: &'a str,
}

#[derive(Serialize)]
struct WarningShape<'a> {
    line: u32,
    message: &'a str,
}

impl Serialize for Parsed<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Transcript", 2)?;
        object.serialize_field("cues", &Cues(self.0))?;
        object.serialize_field("warnings", &Warnings(&self.0.warnings))?;
        object.end()
    }
}

struct Cues<'a, 't>(&'a vtt::Transcript<'t>);

impl Serialize for Cues<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for cue in self.0.cues() {
            list.serialize_element(&CueShape {
                n: cue.n,
                start_ms: cue.start_ms,
                end_ms: cue.end_ms,
                speaker: cue.speaker.as_deref(),
                text: &cue.text,
            })?;
        }
        list.end()
    }
}

struct Warnings<'a>(&'a [vtt::Warning]);

impl Serialize for Warnings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|warning| WarningShape {
            line: warning.line,
            message: &warning.message,
        }))
    }
}

//! `transcript export MEETING`: the talk as text, Markdown, subtitles or JSON.

use std::path::PathBuf;

use clap::Args;
use parfocal_engine::store::TranscriptId;
use parfocal_engine::talk::export::{Format, write};
use parfocal_engine::talk::{self, Wanted};
use parfocal_server::lookup;

use crate::context::Context;
use crate::failure::{Exit, Failure};

const AFTER_HELP: &str = "\
Forms: text (turns with chat between), markdown, model (a line for each turn, with time and cues, for language models),
srt, vtt (subtitles: what was said only), json (every cue and message).";

/// Write a meeting's talk as text, Markdown, subtitles or JSON
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Export {
    /// The meeting: our id, Zoom's instance UUID, or a meeting number
    id: String,
    /// The form
    #[arg(long, default_value = "text", value_parser = ["text", "markdown", "model", "srt", "vtt", "json"])]
    format: String,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only this transcript
    #[arg(long, value_name = "ID")]
    transcript: Option<TranscriptId>,
    /// Leave the chat out
    #[arg(long)]
    no_chat: bool,
    /// Names as the transcript has them, not those of attendance
    #[arg(long)]
    raw_names: bool,
}

/// Runs the command.
pub(crate) async fn run(command: &Export, context: &Context) -> Result<Exit, Failure> {
    let format: Format = if context.out.is_json() {
        Format::Json
    } else {
        command.format.parse()?
    };
    let app = context.app().await?;
    let instance = lookup::instance(&app, &command.id).await?;
    let wanted = Wanted {
        transcript: command.transcript,
        without_chat: command.no_chat,
        raw_names: command.raw_names,
    };
    let text = write(talk::of_instance(&app, instance.id, &wanted).await?, format);
    match &command.output {
        None => context.out.raw(text.as_bytes())?,
        Some(path) => {
            std::fs::write(path, &text).map_err(|error| Failure::file("writing", path, &error))?;
            context.out.note(format!("{} written", path.display()));
        }
    }
    Ok(Exit::Done)
}

//! `transcript import FILE --meeting ID`: a transcript from elsewhere.

use std::path::PathBuf;

use clap::Args;
use parfocal_engine::audit::By;
use parfocal_engine::keys::Surface;
use parfocal_engine::talk::import::{Import as File, import};
use parfocal_formats::foreign::Kind;
use parfocal_server::lookup;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::{clean, grouped};

/// Take a transcript from elsewhere in: WebVTT, SubRip, text or JSON
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file; - reads standard input
    file: PathBuf,
    /// The meeting it belongs to: our id, Zoom's instance UUID, or a meeting number
    #[arg(long, value_name = "ID")]
    meeting: String,
    /// Its form; without it, what it looks like
    #[arg(long, value_parser = ["vtt", "srt", "txt", "json"])]
    format: Option<String>,
    /// Its language, as en or de-CH
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(command: &Import, context: &Context) -> Result<Exit, Failure> {
    let bytes = super::parse::read(&command.file)?;
    let kind: Option<Kind> = match &command.format {
        Some(word) => Some(
            word.parse()
                .map_err(|error| Failure::usage("usage", format!("{error}")))?,
        ),
        None => None,
    };
    let app = context.app().await?;
    let instance = lookup::instance(&app, &command.meeting).await?;
    let file = File {
        bytes: &bytes,
        kind,
        language: command.language.as_deref(),
    };
    let done = import(&app, instance.id, file, &By::new("operator", Surface::Cli)).await?;
    if context.out.is_json() {
        context.out.json(&done)?;
        return Ok(Exit::Done);
    }
    for warning in &done.first_warnings {
        context
            .out
            .warn(format!("{}, {}", command.file.display(), clean(warning)));
    }
    if done.times_estimated {
        context
            .out
            .warn("the file has no times; they are counted from the words");
    }
    let what = if done.duplicate {
        "was there already"
    } else {
        "taken in"
    };
    context.out.line(format!(
        "{} {what}: {} cues, {} speakers, read as {}",
        paint(style::STRONG, &done.transcript_id),
        grouped(done.cues),
        done.speakers.len(),
        done.format
    ))?;
    Ok(Exit::Done)
}

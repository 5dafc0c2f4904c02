//! `transcript show|parse|export|import|speakers`: what was said, from the store or from a file.

mod export;
mod import;
mod parse;
mod show;
mod speakers;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::{Exit, Failure};

/// Show, export and import transcripts; who speaks in them
#[derive(Debug, Subcommand)]
pub(crate) enum Transcript {
    /// Show what was said in a meeting
    Show(show::Show),
    /// Parse a transcript file and print its cues
    Parse(parse::Parse),
    /// Write a meeting's talk as text, Markdown, subtitles or JSON
    Export(export::Export),
    /// Take a transcript from elsewhere in: WebVTT, SubRip, text or JSON
    Import(import::Import),
    /// Show who the names in a meeting's transcripts are; say who one is, or take that back
    Speakers(speakers::Speakers),
}

/// Runs the command.
pub(crate) async fn run(command: Transcript, context: &Context) -> Result<Exit, Failure> {
    match command {
        Transcript::Show(command) => show::run(&command, context).await,
        Transcript::Parse(command) => parse::run(&command, context),
        Transcript::Export(command) => export::run(&command, context).await,
        Transcript::Import(command) => import::run(&command, context).await,
        Transcript::Speakers(command) => speakers::run(&command, context).await,
    }
}

//! `transcript show|parse`: what was said, from the store or from a file.

mod parse;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::{Exit, Failure};

/// Show a meeting's transcript, parse a transcript file
#[derive(Debug, Subcommand)]
pub(crate) enum Transcript {
    /// Show what was said in a meeting
    Show(show::Show),
    /// Parse a transcript file and print its cues
    Parse(parse::Parse),
}

/// Runs the command.
pub(crate) async fn run(command: Transcript, context: &Context) -> Result<Exit, Failure> {
    match command {
        Transcript::Show(command) => show::run(&command, context).await,
        Transcript::Parse(command) => parse::run(&command, context),
    }
}

//! `completions SHELL`: scripts for bash, zsh, fish, elvish and PowerShell.

use std::io::Write as _;

use clap::builder::PossibleValue;
use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub(crate) fn run(command: &Completions, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Cli::command(), "parfocal", &mut script);
    if command.shell == Shell::Fish {
        names(&Cli::command(), &mut Vec::new(), &mut script);
    }
    context.out.raw(&script)?;
    Ok(Exit::Done)
}

/// What may stand behind a command without an option: clap's script for fish has options and commands only.
fn names(command: &Command, path: &mut Vec<String>, script: &mut Vec<u8>) {
    for argument in command.get_positionals() {
        let values = argument.get_possible_values();
        if values.is_empty() || path.is_empty() {
            continue;
        }
        let seen: Vec<String> = path
            .iter()
            .map(|word| format!("__fish_seen_subcommand_from {word}"))
            .collect();
        let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        // Writing into a vector does not fail.
        let _ = writeln!(
            script,
            "complete -c parfocal -n \"{}\" -f -a \"{}\"",
            seen.join("; and "),
            values.join(" ")
        );
    }
    for one in command.get_subcommands() {
        path.push(one.get_name().to_owned());
        names(one, path, script);
        path.pop();
    }
}

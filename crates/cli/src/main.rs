//! The `parfocal` program: commands, terminal output, configuration loading, process life.
//!
//! Everything that prints, exits or reads the environment is here; what the commands do is in the other crates.

mod args;
mod commands;
mod context;
mod failure;
mod output;
mod privacy;
mod settings;
mod stop;
mod telemetry;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// Many small pieces, made by one thread and freed by another: the webhook door lives on it.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    privacy::no_core_files();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    cli.global.color.apply();
    // Every TLS client of the program uses the same provider; a second call finds it installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();

    let json = cli.global.json;
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::failed(
                "runtime",
                format!("the program could not start its threads: {error}"),
            )
        })
        .and_then(|runtime| {
            let outcome = runtime.block_on(commands::run(cli.command, &Context::new(cli.global)));
            runtime.shutdown_timeout(std::time::Duration::from_secs(2));
            outcome
        });
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print(json);
            failure.exit().into()
        }
    }
}

/// Prints what clap has to say: help and version are data, everything else a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    let informs = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let json = std::env::args_os().any(|argument| argument == "--json");
    if json && !informs {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let what = lines
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        Failure::usage("usage", what)
            .hint("Add --help to the command to see what it takes.")
            .print(true);
    } else {
        // Nothing is left to do when the terminal is gone.
        let _ = error.print();
    }
    if informs {
        Exit::Done.into()
    } else {
        Exit::Usage.into()
    }
}

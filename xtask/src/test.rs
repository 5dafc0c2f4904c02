//! `cargo xtask test`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::peers;
use crate::postgres::Cluster;
use crate::steps::{Steps, sh};
use crate::tools::NEXTEST;
use crate::workspace::{cargo, root};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run without PostgreSQL: tests that need it skip aloud
    #[arg(long)]
    no_postgres: bool,
    /// What to pass to the test runner, for example `-p parfocal-store search`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("test");
    let mut cluster = None;
    if options.no_postgres {
        println!("── test: without PostgreSQL, as asked");
    } else {
        let began = steps.run("postgres", || {
            cluster = Some(Cluster::start()?);
            Ok(())
        });
        if !began && std::env::var_os("CI").is_none() {
            println!(
                "   Tests that need PostgreSQL will be skipped; --no-postgres says that this is meant."
            );
        }
    }
    say_what_is_there();
    let url = cluster.as_ref().map(Cluster::url);
    let narrowed = !options.rest.is_empty();
    let mut runner = None;
    steps.run("test runner", || {
        runner = NEXTEST.get().ok();
        if runner.is_none() {
            println!("   cargo-nextest cannot be had here: using cargo test");
        }
        Ok(())
    });
    steps.run("tests", || {
        tests(runner.as_ref(), url.as_deref(), &options.rest)
    });
    if !narrowed {
        steps.run("examples in documentation", || {
            sh(with_database(
                cargo().args(["test", "--workspace", "--doc", "--quiet"]),
                url.as_deref(),
            ))
        });
        for (name, peer) in peers::ALL {
            steps.run_again_in_ci(name, peer);
        }
    }
    drop(cluster);
    steps.finish()
}

fn tests(runner: Option<&PathBuf>, url: Option<&str>, rest: &[String]) -> Result<()> {
    let mut command = if let Some(runner) = runner {
        let mut command = Command::new(runner);
        command.current_dir(root()).args(["nextest", "run"]);
        command
    } else {
        let mut command = cargo();
        command.args(["test", "--lib", "--bins", "--tests"]);
        command
    };
    if rest.is_empty() {
        command.arg("--workspace");
    }
    sh(with_database(command.args(rest), url))
}

fn with_database<'c>(command: &'c mut Command, url: Option<&str>) -> &'c mut Command {
    if let Some(url) = url {
        command.env("TEST_DATABASE_URL", url);
    }
    command
}

/// Tests skip what is missing; a runner hides their words, so they are said here.
fn say_what_is_there() {
    let shared =
        std::env::var_os("PARFOCAL_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    for (what, where_from) in [
        ("real transcripts", "data/zoom-transcripts"),
        ("reference samples", "reference/zoom/vtt-samples"),
    ] {
        let there = shared.join(where_from).is_dir();
        println!(
            "   {what}: {}",
            if there {
                "there"
            } else {
                "not there, their tests are skipped (PARFOCAL_SHARED names the folder)"
            }
        );
    }
}

//! `cargo xtask coverage`.

use std::process::Command;

use anyhow::Result;

use crate::postgres::Cluster;
use crate::steps::{Steps, sh};
use crate::tools::{LLVM, LLVM_COV, NEXTEST};
use crate::workspace::root;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fail if fewer lines than this share of a hundred are reached
    #[arg(long, default_value_t = 80)]
    least: u8,
    /// Write HTML pages with every line into target/llvm-cov/html
    #[arg(long)]
    html: bool,
}

/// Not measured: the tasks themselves, and tests.
const LEFT_OUT: &str = "(^|/)(xtask|tests)/";

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("coverage");
    let mut cluster = None;
    steps.run("postgres", || {
        cluster = Some(Cluster::start()?);
        Ok(())
    });
    steps.run("tests under measurement", || {
        let tools = LLVM.packaged("llvm/bin")?;
        let mut command = Command::new(LLVM_COV.get()?);
        command.current_dir(root()).arg("llvm-cov");
        // The runner is called by its name.
        if NEXTEST
            .get()
            .is_ok_and(|runner| runner.components().count() == 1)
        {
            command.arg("nextest");
        }
        command.args([
            "--workspace",
            "--exclude",
            "xtask",
            "--ignore-filename-regex",
            LEFT_OUT,
        ]);
        if options.html {
            command.arg("--html");
        } else {
            command.arg("--summary-only");
        }
        command.args(["--fail-under-lines", &options.least.to_string()]);
        command
            .env("LLVM_COV", tools.join("llvm-cov"))
            .env("LLVM_PROFDATA", tools.join("llvm-profdata"));
        if let Some(cluster) = &cluster {
            command.env("TEST_DATABASE_URL", cluster.url());
        }
        sh(&mut command)
    });
    drop(cluster);
    steps.finish()
}

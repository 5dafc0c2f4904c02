//! `cargo xtask lint`.

mod arrows;
mod length;

use std::process::Command;

use anyhow::Result;

use crate::docs;
use crate::steps::{Steps, sh};
use crate::tools::DENY;
use crate::workspace::cargo;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the steps that need no compiler: format, arrows, licences, lengths
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("lint");
    steps.run("format", || {
        sh(cargo().args(["fmt", "--all", "--", "--check", "-l"]))
    });
    steps.run("arrows", arrows::check);
    steps.run("file lengths", length::check);
    steps.run("licences and duplicates", deny);
    if !options.quick {
        steps.run("clippy", || {
            sh(cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ]))
        });
        steps.run("documentation of code", || {
            sh(cargo()
                .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
                .env("RUSTDOCFLAGS", "-D warnings"))
        });
        steps.run("generated pages", || docs::generated(true));
        steps.run("book", docs::build);
    }
    steps.finish()
}

fn deny() -> Result<()> {
    let mut command: Command = DENY.cargo_command("--workspace")?;
    sh(command.args([
        "--all-features",
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))
}

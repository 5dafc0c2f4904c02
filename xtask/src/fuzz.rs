//! `cargo xtask fuzz`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::steps::{Steps, sh};
use crate::tools::FUZZ;
use crate::workspace::root;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to search in; everything by default
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// The targets in `fuzz/fuzz_targets`, the quickest to build first.
const TARGETS: [&str; 8] = [
    "transcript",
    "chat",
    "query",
    "calendar",
    "letter",
    "webhook",
    "signature",
    "configuration",
];

/// What of the workspace a target searches in: a feature of the package `fuzz`.
fn feature(target: &str) -> &'static str {
    match target {
        "webhook" | "signature" => "zoom",
        "configuration" => "configuration",
        _ => "formats",
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("fuzz");
    for target in TARGETS {
        if options
            .target
            .as_deref()
            .is_none_or(|wanted| wanted == target)
        {
            steps.run(target, || search(target, options.seconds));
        }
    }
    steps.finish()
}

fn search(target: &str, seconds: u32) -> Result<()> {
    // New inputs go to a folder of their own: the corpus under version control stays small.
    let found = root().join("fuzz/target/found").join(target);
    std::fs::create_dir_all(&found)?;
    let seeds = Path::new("fuzz/corpus").join(target);
    let mut command = Command::new(FUZZ.get()?);
    command
        .current_dir(root())
        .args(["run", target])
        .args(["--features", feature(target)])
        .arg(&found)
        .arg(seeds);
    command.args([
        "--",
        &format!("-max_total_time={seconds}"),
        "-max_len=16384",
        "-print_final_stats=1",
    ]);
    // The sanitizer's flag is not stable; the compiler is.
    sh(command.env("RUSTC_BOOTSTRAP", "1"))
}

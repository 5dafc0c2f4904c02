//! `cargo xtask bench`: figures beside alternatives measured in the same run, written into `docs/benchmarks.md`.

mod account;
mod program;
mod report;
mod start;
mod transcripts;
mod webhooks;

use anyhow::Result;

use crate::steps::Steps;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to measure; everything by default
    #[arg(value_parser = ["transcripts", "webhooks", "backfill", "search", "start"])]
    what: Option<String>,
    /// Print the figures and leave the page as it is
    #[arg(long)]
    dry: bool,
}

/// A measurement gives its section of the page as Markdown.
type Measure = fn() -> Result<String>;

const SECTIONS: [(&str, Measure); 5] = [
    ("transcripts", transcripts::measure),
    ("webhooks", webhooks::measure),
    ("backfill", account::backfill),
    ("search", account::search),
    ("start", start::measure),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("bench");
    for (name, measure) in SECTIONS {
        if options.what.as_deref().is_none_or(|wanted| wanted == name) {
            steps.run(name, || {
                let figures = measure()?;
                println!("\n{figures}");
                if options.dry {
                    Ok(())
                } else {
                    report::put(name, &figures)
                }
            });
        }
    }
    steps.finish()
}

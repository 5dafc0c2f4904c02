//! `cargo xtask bench`: figures beside alternatives measured in the same run, written into `docs/benchmarks.md`.

mod account;
mod activate;
mod api;
mod availability;
mod live;
mod program;
mod proxy;
pub(crate) mod report;
mod search;
mod start;
mod transcripts;
mod understand;
mod webhooks;

use std::path::PathBuf;

use anyhow::Result;

use crate::steps::Steps;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to measure; everything by default
    #[arg(value_parser = ["transcripts", "webhooks", "backfill", "search", "understand", "live", "start", "api", "proxy", "availability", "activate"])]
    what: Option<String>,
    /// Go through everything with little of it, print the figures and leave the page as it is
    #[arg(long)]
    dry: bool,
    /// Folder with the programs `parfocal` and `bench-load` and the examples `fill` and `said` of the store, built before;
    /// without it they are built for release
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// How much is measured, and with which programs.
pub(crate) struct Run {
    dry: bool,
    programs: Option<PathBuf>,
}

impl Run {
    /// The size of a measurement: all of it, or a little when only the way through is tried.
    fn size<T>(&self, all: T, little: T) -> T {
        if self.dry { little } else { all }
    }

    /// A program of the workspace, built with optimisation.
    fn program(&self, package: &str, binary: &str) -> Result<PathBuf> {
        match &self.programs {
            Some(folder) => Ok(std::path::absolute(folder.join(binary))?),
            None => program::release(package, binary),
        }
    }

    /// An example of the store, built with optimisation.
    fn example(&self, name: &str) -> Result<PathBuf> {
        match &self.programs {
            Some(folder) => Ok(std::path::absolute(folder.join(name))?),
            None => program::release_example("parfocal-store", name),
        }
    }
}

/// A measurement gives its section of the page as Markdown.
type Measure = fn(&Run) -> Result<String>;

const SECTIONS: [(&str, Measure); 11] = [
    ("transcripts", transcripts::measure),
    ("webhooks", webhooks::measure),
    ("backfill", account::backfill),
    ("search", search::measure),
    ("understand", understand::measure),
    ("live", live::measure),
    ("start", start::measure),
    ("api", api::measure),
    ("proxy", proxy::measure),
    ("availability", availability::measure),
    ("activate", activate::measure),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("bench");
    let run = Run {
        dry: options.dry,
        programs: options.programs.clone(),
    };
    for (name, measure) in SECTIONS {
        if options.what.as_deref().is_none_or(|wanted| wanted == name) {
            steps.run(name, || {
                let figures = measure(&run)?;
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

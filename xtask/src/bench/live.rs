//! From a webhook to what was said being searchable and understood, with Zoom answering at once.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Run;
use super::program::{Home, SECRET, fresh, ready};
use crate::steps::output;
use crate::workspace::root;

/// Meetings that are held, one after the other.
const MEETINGS: usize = 30;

#[derive(Deserialize)]
struct Figures {
    meetings: usize,
    /// Median, 95th percentile, longest; in milliseconds.
    searchable: [f64; 3],
    analysed: [f64; 3],
}

pub(crate) fn measure(run: &Run) -> Result<String> {
    let binary = run.program("parfocal", "parfocal")?;
    let folder = fresh("live")?;
    let clock = folder.join("clock.json");
    let clock = clock.to_str().context("a path that is no text")?;
    let home = Home::new(&binary, &folder);
    let (_simulator, zoom) = home.simulate(&["--clock-file", clock])?;
    let home = home
        .with_account(zoom)
        .set("PARFOCAL_LIMITS__PLAN", "off")
        .set("PARFOCAL_CLOCK__FILE", clock);
    home.json(&["connect", "s2s"])?;
    let (_server, address) = home.serve()?;
    ready(address)?;
    let said = output(
        Command::new("python3")
            .arg(root().join("xtask/src/bench/live.py"))
            .args([zoom.to_string(), address.to_string()])
            .arg(run.size(MEETINGS, 2).to_string())
            .arg(SECRET),
    )?;
    let figures: Figures =
        serde_json::from_str(&said).with_context(|| format!("no figures in {said}"))?;
    let row = |name: &str, [middle, late, last]: [f64; 3]| {
        format!("| {name} | {middle:.0} ms | {late:.0} ms | {last:.0} ms |\n")
    };
    Ok(format!(
        "{} meetings of the built-in organisation, held one after the other; the simulator answers at once, limits are off. \
         Counted by the server's own records: from the webhook `recording.transcript_completed` being accepted to the \
         transcript being committed with its index, and to the embedded analysis being committed.\n\n\
         | | p50 | p95 | longest |\n| --- | ---: | ---: | ---: |\n{}{}",
        figures.meetings,
        row("searchable", figures.searchable),
        row("**searchable and analysed**", figures.analysed),
    ))
}

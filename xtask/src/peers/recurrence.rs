//! Recurrence rules beside python-dateutil and recurring-ical-events, from PyPI: thousands of random rules over many zones.

use std::process::Command;

use anyhow::Result;

use super::python;
use crate::steps::sh;
use crate::workspace::{cargo, metadata, root};

/// How many rules are tried with the other tests; `PARFOCAL_RULES` says another number.
const RULES: &str = "1500";

pub(crate) fn recurrence() -> Result<()> {
    let Some(python) = python("recurrence")? else {
        return Ok(());
    };
    sh(cargo().args([
        "build",
        "--quiet",
        "--package",
        "parfocal-formats",
        "--example",
        "recurrence",
    ]))?;
    let rules = std::env::var("PARFOCAL_RULES").unwrap_or_else(|_| RULES.to_owned());
    sh(Command::new(python)
        .arg(root().join("peers/recurrence/compare.py"))
        .arg(
            metadata()?
                .target_directory
                .join("debug/examples/recurrence"),
        )
        .arg(rules))
}

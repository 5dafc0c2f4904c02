//! Availability: when fifty people can meet within four weeks, beside a grid of minutes in the same run.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::{Run, program};
use crate::steps::output;

/// What it may take once busy times are known, in seconds.
const AT_MOST: f64 = 0.02;

#[derive(Deserialize)]
struct Measured {
    people: u64,
    busy: u64,
    slots: u64,
    slots_seconds: f64,
    suggest_seconds: f64,
    grid_seconds: f64,
}

pub(crate) fn measure(run: &Run) -> Result<String> {
    let example = match &run.programs {
        Some(folder) => std::path::absolute(folder.join("availability"))?,
        None => program::release_example("parfocal-formats", "availability")?,
    };
    let rounds = run.size(100, 3).to_string();
    let said = output(Command::new(example).args(["50", &rounds]))?;
    let one: Measured =
        serde_json::from_str(&said).with_context(|| format!("not figures: {said}"))?;
    ensure!(
        run.dry || (one.slots_seconds < AT_MOST && one.suggest_seconds < AT_MOST),
        "it takes more than {AT_MOST} s"
    );
    let ms = |seconds: f64| format!("{:.2} ms", seconds * 1e3);
    Ok(format!(
        "{} people in five zones with office hours, {} busy times in four weeks with a change of clocks; a meeting of half an \
         hour at quarters of hours. Busy times are known already. Best of several rounds, one core; both find the same {} slots.\n\n\
         | what | takes |\n| --- | ---: |\n\
         | **slots that suit everybody** | {} |\n| **ten suggestions with reasons**, five people have to come | {} |\n\
         | a grid of minutes, everybody's marked | {} |\n",
        one.people,
        one.busy,
        one.slots,
        ms(one.slots_seconds),
        ms(one.suggest_seconds),
        ms(one.grid_seconds),
    ))
}

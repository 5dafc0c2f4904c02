//! The page of figures: each section is replaced where it stands, with the machine and the day it was made on.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::steps::output;
use crate::workspace::root;

const PAGE: &str = "docs/benchmarks.md";

/// Replaces a section of the page.
pub(crate) fn put(section: &str, figures: &str) -> Result<()> {
    let command = format!("`cargo xtask bench {section}`");
    put_in(PAGE, &format!("bench: {section}"), &command, figures)
}

/// Replaces what stands between two marks of a page, and says which command gave the figures, where and when.
pub(crate) fn put_in(page: &str, mark: &str, command: &str, figures: &str) -> Result<()> {
    let path = root().join(page);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (begin, end) = (format!("<!-- {mark} -->"), format!("<!-- /{mark} -->"));
    let before = text
        .split(&begin)
        .next()
        .filter(|before| before.len() < text.len())
        .with_context(|| format!("{page} has no {begin}"))?;
    let after = text
        .split(&end)
        .nth(1)
        .with_context(|| format!("{page} has no {end}"))?;
    let text = format!(
        "{before}{begin}\n{figures}\n*{command}, {}*\n{end}{after}",
        machine()?
    );
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}

/// Processor, cores, memory, system, compiler, version and day.
fn machine() -> Result<String> {
    let line_of = |file: &str, start: &str| -> String {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.starts_with(start))
            .unwrap_or_default()
            .to_owned();
        line.split(':').nth(1).unwrap_or_default().trim().to_owned()
    };
    let kilobytes: u64 = line_of("/proc/meminfo", "MemTotal")
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let say = |program: &str, arguments: &[&str]| {
        output(Command::new(program).current_dir(root()).args(arguments))
            .map(|text| text.trim().to_owned())
    };
    Ok(format!(
        "{} with {cores} cores and {} GiB, Linux {}, {}, commit {}, {}",
        line_of("/proc/cpuinfo", "model name"),
        kilobytes / 1024 / 1024,
        say("uname", &["-r"])?,
        say("rustc", &["--version"])?
            .split(" (")
            .next()
            .unwrap_or_default(),
        say("git", &["rev-parse", "--short", "HEAD"])?,
        say("date", &["-u", "+%Y-%m-%d"])?,
    ))
}

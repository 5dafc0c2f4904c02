//! Transcripts: megabytes a second on one core, beside other people's parsers on the same file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Run;
use crate::steps::{output, sh, succeeds};
use crate::tools::WEBVTT_PY;
use crate::workspace::{cargo, metadata, root};

/// Size of the measured file; every parser gets the same.
const BYTES: usize = 24_000_000;

#[derive(Deserialize)]
struct Measured {
    bytes: u64,
    cues: u64,
    seconds: f64,
    heap: Option<u64>,
}

pub(crate) fn measure(run: &Run) -> Result<String> {
    let folder = metadata()?.target_directory.join("bench");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("transcript.vtt");
    let source = write_input(&file, run.size(BYTES, BYTES / 12))?;
    let mut table = format!(
        "{source} Best of several rounds, one core; from bytes to every cue's times, speaker and text.\n\n\
         | parser | MB/s | cues | memory beside the file |\n| --- | ---: | ---: | --- |\n"
    );
    let ours = ours(&file, run.size(20, 3))?;
    row(&mut table, "**parfocal-formats**", &ours);
    for (name, measured) in others(&file) {
        match measured {
            Ok(measured) => row(&mut table, &name, &measured),
            Err(error) => {
                println!("   {name} cannot be measured here: {error:#}");
                let _ = writeln!(table, "| {name} | not measured here | | |");
            }
        }
    }
    Ok(table)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people, to three digits"
)]
fn row(table: &mut String, name: &str, measured: &Measured) {
    let speed = measured.bytes as f64 / measured.seconds / 1e6;
    let memory = measured.heap.map_or_else(String::new, |heap| {
        format!("{:.2} × the file", heap as f64 / measured.bytes as f64)
    });
    // Writing to a String cannot fail.
    let _ = writeln!(
        table,
        "| {name} | {speed:.0} | {} | {memory} |",
        measured.cues
    );
}

fn ours(file: &Path, rounds: u32) -> Result<Measured> {
    sh(cargo().args([
        "build",
        "--release",
        "--quiet",
        "--package",
        "parfocal-formats",
        "--example",
        "vtt_speed",
    ]))?;
    let example = metadata()?
        .target_directory
        .join("release/examples/vtt_speed");
    read(Command::new(example).arg(file).arg(rounds.to_string()))
}

fn others(file: &Path) -> Vec<(String, Result<Measured>)> {
    let folder = root().join("peers/vtt");
    let node = |parser: &str| -> Result<Measured> {
        if !folder.join("node_modules").is_dir() {
            sh(Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
                .current_dir(&folder))?;
        }
        read(
            Command::new("node")
                .current_dir(&folder)
                .args(["bench.mjs", parser])
                .arg(file)
                .arg("3"),
        )
    };
    let python = || -> Result<Measured> {
        let program: PathBuf = WEBVTT_PY.python()?;
        read(
            Command::new(program)
                .arg(folder.join("bench.py"))
                .arg(file)
                .arg("1"),
        )
    };
    let version = |text: &str, name: &str| {
        text.lines()
            .find(|line| line.contains(name))
            .map_or_else(String::new, str::to_owned)
    };
    let package = std::fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    let pinned = version(&package, "node-webvtt");
    let of = |name: &str| {
        let after = pinned
            .split(&format!("\"{name}\": \""))
            .nth(1)
            .unwrap_or_default();
        format!(
            "{name} {} (JavaScript)",
            after.split('"').next().unwrap_or_default()
        )
    };
    let mut found = Vec::new();
    if succeeds(Command::new("node").arg("--version")) {
        found.push((of("subtitle"), node("subtitle")));
        found.push((of("node-webvtt"), node("node-webvtt")));
    }
    found.push(("webvtt-py (Python)".to_owned(), python()));
    found
}

fn read(command: &mut Command) -> Result<Measured> {
    serde_json::from_str(&output(command)?).context("a measurement printed something else")
}

/// One long transcript of real ones joined, or of talk made up here; gives a sentence about it.
fn write_input(file: &Path, bytes: usize) -> Result<String> {
    let shared =
        std::env::var_os("PARFOCAL_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let mut real = Vec::new();
    find(&shared.join("data/zoom-transcripts"), &mut real);
    let blocks: Vec<String> = if real.is_empty() {
        made_up()
    } else {
        real.iter().filter_map(|path| cues_of(path)).collect()
    };
    let mut text = String::from("WEBVTT\r\n\r\n");
    for block in blocks.iter().cycle().take_while(|block| !block.is_empty()) {
        text.push_str(block);
        if text.len() >= bytes {
            break;
        }
    }
    std::fs::write(file, &text)?;
    let of = if real.is_empty() {
        "made-up talk".to_owned()
    } else {
        format!("{} real Zoom transcripts, joined and repeated", real.len())
    };
    Ok(format!("A file of {} MB: {of}.", text.len() / 1_000_000))
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "vtt") {
            found.push(path);
        }
    }
    found.sort();
}

fn cues_of(path: &Path) -> Option<String> {
    std::fs::read_to_string(path)
        .ok()?
        .strip_prefix("WEBVTT\r\n\r\n")
        .map(str::to_owned)
}

fn made_up() -> Vec<String> {
    const NAMES: [&str; 4] = ["Edda Brandt", "Luan Costa", "Inês Peña", "佐藤 健"];
    const WORDS: [&str; 8] = [
        "the budget",
        "for next week",
        "we deliver",
        "and then",
        "as agreed",
        "the harbour",
        "before noon",
        "once more",
    ];
    let cue = |n: usize| {
        let (minutes, seconds) = (n / 20 % 60, n * 3 % 60);
        let words: Vec<&str> = (0..4 + n % 12)
            .map(|at| WORDS[(n * 7 + at * 3) % WORDS.len()])
            .collect();
        let hour = n / 1_200 % 24;
        format!(
            "{n}\r\n{hour:02}:{minutes:02}:{seconds:02}.120 --> {hour:02}:{minutes:02}:{seconds:02}.980\r\n{}: {}.\r\n\r\n",
            NAMES[n / 3 % NAMES.len()],
            words.join(" ")
        )
    };
    (1..=2_000).map(cue).collect()
}

//! Searching what was said, beside plain FTS5 and Tantivy over the same texts in the same run.
//!
//! Twice: over the account that the simulator made, and over a million utterances written through the store's own code.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::Run;
use super::account;
use super::program::{Home, Http, fresh, kept, ready};
use crate::steps::{now, output, sh};
use crate::workspace::{cargo, metadata, root};

/// Utterances of the account that are searched, at least.
const OF_AN_ACCOUNT: u64 = 130_000;
/// Utterances of the large store.
const MANY: &str = "1000000";
/// The same, when only the way through is tried.
const LITTLE: &str = "4000";
/// Longest that another search is asked with words joined in one way, in seconds.
const LONGEST: u64 = 60;
const DATABASE: &str = "parfocal-data/parfocal.db";

/// How long a search took within its own process.
#[derive(Deserialize)]
struct Inside {
    p50_ms: f64,
    p95_ms: f64,
    asked: u64,
}

/// What another search took: words joined by OR in `either`, by AND in the rest.
#[derive(Deserialize)]
struct Other {
    #[serde(flatten)]
    either: Inside,
    and_p50_ms: f64,
    and_p95_ms: f64,
    rows: u64,
    version: String,
}

pub(crate) fn measure(run: &Run) -> Result<String> {
    let mut text = String::from(
        "Queries of one to three words that stand together in some utterance, the twenty best with their snippets; each asked \
         once before it is measured. Ours knows the words of whole meetings and weighs their passages; the others have one row for an \
         utterance and rank by BM25. Over HTTP the answer has names, times and highlighting.\n",
    );
    let account = kept(account::FOLDER)?;
    if !account.join(DATABASE).is_file() {
        account::backfill(run)?;
    }
    let words = "the account above, made by the simulator";
    over(run, &account, words, (3, 15), &mut text)?;
    let many = fresh("search")?;
    let database = many.join(DATABASE);
    std::fs::create_dir_all(database.parent().context("a folder for the data")?)?;
    let began = now();
    let count = run.size(MANY, LITTLE);
    output(
        Command::new(run.example("said")?)
            .args(["fill", count])
            .arg(&database),
    )?;
    let words = format!(
        "made-up talk, 30,000 words as frequent as Zipf found them, written through the store in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    over(run, &many, &words, (5, 30), &mut text)?;
    Ok(text)
}

/// Adds the table of one store.
fn over(run: &Run, folder: &Path, what: &str, aim: (u32, u32), page: &mut String) -> Result<()> {
    let database = folder.join(DATABASE);
    let count = run.size("300", "30");
    let plain: Other = read(
        Command::new("python3")
            .arg(root().join("xtask/src/bench/plain_search.py"))
            .args([&database, folder])
            .args([count, &LONGEST.to_string()]),
    )?;
    ensure!(
        plain.rows >= run.size(OF_AN_ACCOUNT, 1),
        "only {} utterances are there: `cargo xtask bench backfill` takes in enough",
        plain.rows
    );
    let queries = folder.join("queries.txt");
    let tantivy: Other = read(
        Command::new(tantivy(run)?)
            .arg(folder.join("texts.txt"))
            .arg(&queries)
            .arg(folder.join("tantivy"))
            .arg(LONGEST.to_string()),
    )?;
    let inside: Inside = read(
        Command::new(run.example("said")?)
            .arg("ask")
            .arg(&database)
            .arg(&queries),
    )?;
    let queries = std::fs::read_to_string(&queries)?;
    let (outside, found) = over_http(run, folder, &queries)?;
    for name in ["plain.db", "texts.txt"] {
        std::fs::remove_file(folder.join(name))?;
    }
    let row = |page: &mut String, name: &str, figures: &Inside, aim: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| {name} | {aim} | {:.2} | {:.2} | {} |",
            figures.p50_ms, figures.p95_ms, figures.asked
        );
    };
    let _ = write!(
        page,
        "\n{} utterances: {what}. {found} of {} queries found something.\n\n\
         | search | aimed at (p50, p95) | p50 ms | p95 ms | queries |\n| --- | ---: | ---: | ---: | ---: |\n",
        plain.rows, outside.asked,
    );
    let aim = format!("{}, {}", aim.0, aim.1);
    row(page, "**Parfocal**, `GET /v1/search`", &outside, &aim);
    row(page, "**Parfocal**, within the process", &inside, "");
    for (name, other) in [
        (format!("plain FTS5 of SQLite {}", plain.version), plain),
        (format!("Tantivy ({})", tantivy.version), tantivy),
    ] {
        row(page, &format!("{name}, any word"), &other.either, "");
        let every = Inside {
            p50_ms: other.and_p50_ms,
            p95_ms: other.and_p95_ms,
            asked: other.either.asked,
        };
        row(page, &format!("{name}, all words"), &every, "");
    }
    Ok(())
}

fn over_http(run: &Run, folder: &Path, queries: &str) -> Result<(Inside, usize)> {
    let home = Home::new(&run.program("parfocal", "parfocal")?, folder);
    // Transcripts that nobody has analysed yet would be analysed meanwhile.
    home.json(&["component", "deactivate", "understanding"])?;
    let (_server, address) = home.serve()?;
    ready(address)?;
    let mut http = Http::connect(address)?;
    let mut times = Vec::new();
    let mut found = 0;
    for measured in [false, true] {
        for query in queries.lines() {
            let path = format!("/v1/search?limit=20&q={}", query.replace(' ', "%20"));
            let began = now();
            let (status, body) = http.get(&path)?;
            let took = began.elapsed().as_secs_f64() * 1e3;
            ensure!(status == 200, "{query:?} was answered with {status}");
            if measured {
                times.push(took);
                let answer: Value = serde_json::from_slice(&body)?;
                found += usize::from(
                    answer["items"]
                        .as_array()
                        .is_some_and(|hits| !hits.is_empty()),
                );
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |part: usize| {
        times
            .get(times.len() * part / 100)
            .copied()
            .unwrap_or_default()
    };
    let figures = Inside {
        p50_ms: at(50),
        p95_ms: at(95),
        asked: times.len() as u64,
    };
    Ok((figures, found))
}

/// Tantivy's program, built here and nowhere else; without optimisation when only the way through is tried.
fn tantivy(run: &Run) -> Result<PathBuf> {
    let target = metadata()?.target_directory.join("bench-tantivy");
    let manifest = root().join("benches/tantivy/Cargo.toml");
    let mut command = cargo();
    command
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target);
    if !run.dry {
        command.arg("--release");
    }
    sh(&mut command)?;
    let profile = if run.dry { "debug" } else { "release" };
    Ok(target.join(profile).join("parfocal-bench-tantivy"))
}

fn read<T: for<'d> Deserialize<'d>>(command: &mut Command) -> Result<T> {
    let said = output(command)?;
    serde_json::from_str(&said).with_context(|| format!("no figures in {said}"))
}

//! `cargo xtask quality`: how good the embedded analyst is, beside other methods in the same run, into `docs/quality.md`.
//!
//! Meetings that nobody here wrote are read from `../shared/data` (or `$PARFOCAL_SHARED/data`) when they are there; a
//! small set written for this project is always measured.

mod baselines;
mod data;
mod labels;
mod porter;
mod rouge;
mod search;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::steps::{Steps, sh};
use crate::workspace::{cargo, metadata, root};
use data::Meeting;
use rouge::Scores;

pub(crate) use data::asked;
pub(crate) use search::Input;

const PAGE: &str = "docs/quality.md";
/// Summaries are cut behind so many words before they are scored.
pub(crate) const WORDS: usize = 130;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print the figures and leave the page as it is
    #[arg(long)]
    dry: bool,
}

/// What the analyst found in one meeting.
#[derive(Deserialize)]
pub(crate) struct Analysed {
    name: String,
    summary: String,
    unproven: u64,
    found: Findings,
}

#[derive(Deserialize)]
struct Findings {
    summary: Extract,
    action_items: Vec<Item>,
    decisions: Vec<Item>,
    dropped: u64,
}

#[derive(Deserialize)]
struct Extract {
    sentences: Vec<Item>,
}

/// One statement.
#[derive(Deserialize)]
pub(crate) struct Item {
    text: String,
    start_ms: u32,
    owner: Option<String>,
    due: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("quality");
    steps.run("embedded analyst", || {
        let page = measure()?;
        println!("\n{page}");
        if options.dry {
            return Ok(());
        }
        let path = root().join(PAGE);
        std::fs::write(&path, page).with_context(|| path.display().to_string())
    });
    steps.finish()
}

fn measure() -> Result<String> {
    let own = data::own()?;
    let (human, labelled) = (data::summarised()?, data::labelled()?);
    let mut page = String::from(include_str!("head.md"));
    if human.is_empty() && labelled.is_empty() {
        page.push_str("\n`../shared/data` is not here: only the small set was measured.\n");
    }
    if !human.is_empty() {
        summaries(&mut page, &human)?;
    }
    if !labelled.is_empty() {
        items(&mut page, &labelled)?;
    }
    search::measure(&mut page)?;
    let _ = write!(page, "\n{MEANING}\n\n{}", kept_meaning(&kept()));
    small_set(&mut page, &own)?;
    page.push_str(include_str!("tried.md"));
    Ok(page)
}

/// The heading of the section that `cargo xtask peers meaning` writes.
const MEANING: &str = "## Search by meaning";

/// The page as it is.
fn kept() -> String {
    std::fs::read_to_string(root().join(PAGE)).unwrap_or_default()
}

/// What the page says of searching by meaning.
fn kept_meaning(page: &str) -> String {
    let kept = page
        .split_once(MEANING)
        .map(|(_, rest)| rest.split("\n## ").next().unwrap_or_default().trim());
    match kept {
        Some(kept) if !kept.is_empty() => format!("{kept}\n"),
        _ => "Not measured: `cargo xtask peers meaning` does it with a real sentence model.\n"
            .to_owned(),
    }
}

/// Puts new figures of searching by meaning into the page.
pub(crate) fn keep_meaning(section: &str) -> Result<()> {
    let page = kept();
    let next = match page.split_once(MEANING) {
        Some((before, rest)) => {
            let after = rest.split_once("\n## ").map_or("", |(_, after)| after);
            format!("{before}{MEANING}\n\n{section}\n## {after}")
        }
        None => anyhow::bail!("{PAGE} has no section for it: run `cargo xtask quality`"),
    };
    std::fs::write(root().join(PAGE), next).with_context(|| PAGE.to_owned())
}

/// Runs the analyst over meetings as JSON; it is a program of its own, so that `xtask` needs no crate of ours.
pub(crate) fn run_analyst(meetings: &str, rounds: u32) -> Result<String> {
    sh(cargo().args([
        "build",
        "--release",
        "--quiet",
        "--package",
        "parfocal-understand",
        "--example",
        "analyse",
    ]))?;
    let program = metadata()?
        .target_directory
        .join("release/examples/analyse");
    let mut child = std::process::Command::new(program)
        .arg(rounds.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    // It reads everything before it writes anything.
    child
        .stdin
        .take()
        .context("the analyst has no input")?
        .write_all(meetings.as_bytes())?;
    let done = child.wait_with_output()?;
    ensure!(done.status.success(), "the analyst failed");
    Ok(String::from_utf8(done.stdout)?)
}

fn results(meetings: &[Meeting]) -> Result<Vec<Analysed>> {
    let results: Vec<Analysed> =
        serde_json::from_str(&run_analyst(&serde_json::to_string(meetings)?, 1)?)?;
    ensure!(
        results.len() == meetings.len()
            && results
                .iter()
                .zip(meetings)
                .all(|(result, meeting)| result.name == meeting.name),
        "the analyst answered for other meetings"
    );
    Ok(results)
}

fn summaries(page: &mut String, meetings: &[Meeting]) -> Result<()> {
    let results = results(meetings)?;
    let mut rows: Vec<(&str, Vec<String>)> = vec![
        (
            "**embedded analyst**",
            results
                .iter()
                .map(|result| result.summary.clone())
                .collect(),
        ),
        (
            "the same, only the sentences that were said",
            results
                .iter()
                .map(|result| {
                    let said: Vec<&str> = result
                        .found
                        .summary
                        .sentences
                        .iter()
                        .map(|item| item.text.as_str())
                        .collect();
                    said.join(" ")
                })
                .collect(),
        ),
    ];
    for (name, method) in baselines::ALL {
        println!("   {name}");
        rows.push((name, meetings.iter().map(method).collect()));
    }
    let _ = write!(
        page,
        "\n## Summaries of whole meetings\n\n{} meetings with a human summary (product design, academic, committees). F measures in percent, stemmed, \
         cut at {WORDS} words. Baselines take the talk as it stands, without marks such as `{{vocalsound}}`; the oracle sees the human summary.\n\n\
         | method | ROUGE-1 | ROUGE-2 | ROUGE-L |\n| --- | ---: | ---: | ---: |\n",
        meetings.len()
    );
    for (name, texts) in &rows {
        let scores: Vec<Scores> = texts
            .iter()
            .zip(meetings)
            .map(|(text, meeting)| {
                rouge::scores(&cut(text), meeting.summary.as_deref().unwrap_or_default())
            })
            .collect();
        let mean = rouge::mean(&scores);
        let _ = writeln!(
            page,
            "| {name} | {:.1} | {:.1} | {:.1} |",
            mean.one, mean.two, mean.l
        );
    }
    let mut kinds: Vec<(&str, Vec<Scores>)> = Vec::new();
    for (result, meeting) in results.iter().zip(meetings) {
        let scores = rouge::scores(
            &cut(&result.summary),
            meeting.summary.as_deref().unwrap_or_default(),
        );
        match kinds.iter_mut().find(|(kind, _)| *kind == meeting.group) {
            Some((_, list)) => list.push(scores),
            None => kinds.push((&meeting.group, vec![scores])),
        }
    }
    page.push_str("\nROUGE-1 of the embedded analyst by kind of meeting: ");
    let told: Vec<String> = kinds
        .iter()
        .map(|(kind, scores)| format!("{kind} {:.1} ({})", rouge::mean(scores).one, scores.len()))
        .collect();
    let _ = writeln!(page, "{}.", told.join(", "));
    proofs(page, &results);
    Ok(())
}

/// The first words of a text.
pub(crate) fn cut(text: &str) -> String {
    text.split_whitespace()
        .take(WORDS)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The statements of a kind, and its labels.
type Found = fn(&Analysed) -> &Vec<Item>;
type Labels = fn(&Meeting) -> &Vec<u32>;

fn items(page: &mut String, meetings: &[Meeting]) -> Result<()> {
    let results = results(meetings)?;
    let _ = write!(
        page,
        "\n## Action items and decisions\n\n{} recorded calls of Zoom's with labels that a model made and nobody checked closely: silver, not gold. \
         A statement is right when it lies within a minute of a label, and each label counts once. Evenly spaced moments, as many as the analyst \
         reports, show what chance gives.\n\n\
         | kind | method | statements | labels | precision | recall | F1 |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n",
        meetings.len()
    );
    let kinds: [(&str, Found, Labels); 2] = [
        (
            "action items",
            |result| &result.found.action_items,
            |meeting| &meeting.actions,
        ),
        (
            "decisions",
            |result| &result.found.decisions,
            |meeting| &meeting.decisions,
        ),
    ];
    for (kind, found, labels) in kinds {
        let said: Vec<Vec<u32>> = results
            .iter()
            .map(|result| found(result).iter().map(|item| item.start_ms).collect())
            .collect();
        let spaced: Vec<Vec<u32>> = said
            .iter()
            .zip(meetings)
            .map(|(said, meeting)| labels::spaced(said.len(), meeting.end_ms()))
            .collect();
        for (method, times) in [("**embedded analyst**", &said), ("evenly spaced", &spaced)] {
            let pairs = times
                .iter()
                .zip(meetings)
                .map(|(times, meeting)| (times.as_slice(), labels(meeting).as_slice()));
            let score = labels::score(pairs);
            let _ = writeln!(
                page,
                "| {kind} | {method} | {} | {} | {:.2} | {:.2} | {:.2} |",
                score.said, score.labels, score.precision, score.recall, score.f1
            );
        }
        let mut series: Vec<&str> = meetings
            .iter()
            .map(|meeting| meeting.group.as_str())
            .collect();
        series.dedup();
        let told: Vec<String> = series
            .into_iter()
            .map(|name| {
                let of = said
                    .iter()
                    .zip(meetings)
                    .filter(|(_, meeting)| meeting.group == name)
                    .map(|(times, meeting)| (times.as_slice(), labels(meeting).as_slice()));
                format!("{name} {:.2}", labels::score(of).f1)
            })
            .collect();
        let _ = writeln!(
            page,
            "| {kind} | F1 by series: {} | | | | | |",
            told.join(", ")
        );
    }
    proofs(page, &results);
    Ok(())
}

fn small_set(page: &mut String, meetings: &[Meeting]) -> Result<()> {
    let results = results(meetings)?;
    let _ = write!(
        page,
        "\n## The small set\n\n{} short meetings written for this project (`xtask/quality`), with a summary, tasks and decisions by hand. \
         Small enough to read, too small to prove anything.\n\n\
         | meeting | ROUGE-1 | tasks found | tasks there | right | owner right | date right | decisions found | there | right |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        meetings.len()
    );
    for (result, meeting) in results.iter().zip(meetings) {
        let rouge = rouge::scores(
            &cut(&result.summary),
            meeting.summary.as_deref().unwrap_or_default(),
        );
        let times =
            |items: &[Item]| -> Vec<u32> { items.iter().map(|item| item.start_ms).collect() };
        let (tasks, decided) = (
            times(&result.found.action_items),
            times(&result.found.decisions),
        );
        let near = |item: &Item, at: u32| item.start_ms.abs_diff(at) <= 20_000;
        let right = |check: &dyn Fn(&Item, &data::Task) -> bool| {
            meeting
                .tasks
                .iter()
                .filter(|task| {
                    result
                        .found
                        .action_items
                        .iter()
                        .any(|item| near(item, task.at_ms) && check(item, task))
                })
                .count()
        };
        let _ = writeln!(
            page,
            "| {} | {:.1} | {} | {} | {} | {} | {} | {} | {} | {} |",
            meeting.name,
            rouge.one,
            tasks.len(),
            meeting.tasks.len(),
            right(&|_, _| true),
            right(&|item, task| item.owner == task.owner),
            right(&|item, task| item.due == task.due),
            decided.len(),
            meeting.decisions.len(),
            labels::matches(&decided, &meeting.decisions),
        );
    }
    Ok(())
}

fn proofs(page: &mut String, results: &[Analysed]) {
    let dropped: u64 = results.iter().map(|result| result.found.dropped).sum();
    let unproven: u64 = results.iter().map(|result| result.unproven).sum();
    let _ = writeln!(
        page,
        "\nStatements whose quote does not stand in the cues they cite: {unproven} reported, {dropped} dropped before."
    );
}

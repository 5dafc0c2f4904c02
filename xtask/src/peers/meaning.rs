//! Searching by meaning with a real sentence model: all-MiniLM-L6-v2 out of PyPI makes the vectors, people's questions are
//! asked of the running product with them and without, and the figures go into `docs/quality.md`.
//!
//! Only by name: making the vectors takes minutes. A part of the meetings is taken, evenly spread, and said so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Running, Stage, python, text};
use crate::quality::{Input, asked, keep_meaning};
use crate::steps::{output, pause, sh};
use crate::workspace::root;

/// Every so manieth meeting is taken, unless `PARFOCAL_MEANING_EVERY` says otherwise.
const EVERY: usize = 3;
/// Hits of a page.
const LIMIT: usize = 20;

pub(crate) fn meaning() -> Result<()> {
    let every = match std::env::var("PARFOCAL_MEANING_EVERY") {
        Ok(every) => every.parse::<usize>()?.max(1),
        Err(_) => EVERY,
    };
    let input = part(asked()?, every);
    if input.questions.is_empty() {
        println!("   skipped: the meetings with questions are not here");
        return Ok(());
    }
    let Some(python) = python("meaning")? else {
        return Ok(());
    };
    let mut stage = Stage::new("meaning")?;
    write(&stage.folder.join("transcripts"), &input)?;
    let (_simulator, said) = stage.start(&[
        "simulate",
        "--port",
        "0",
        "--limits",
        "off",
        "--users",
        "1",
        "--meetings",
        "1",
        "--transcripts",
        "transcripts",
        "--json",
    ])?;
    let base = text(&said, "base_url")?.to_owned();
    for (name, value) in [
        ("ZOOM_API_URL", format!("{base}/v2")),
        ("ZOOM_OAUTH_URL", base),
        ("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1".to_owned()),
        ("ZOOM_ACCOUNT_ID", "simulator".to_owned()),
        ("ZOOM_S2S_CLIENT_ID", "simulator".to_owned()),
        ("ZOOM_S2S_CLIENT_SECRET", "simulator".to_owned()),
        ("PARFOCAL_LIMITS__PLAN", "off".to_owned()),
    ] {
        stage.set(name, value);
    }
    sh(&mut stage.command(&["backfill", "start", "--json"]))?;
    let words = ask(&stage, &input, false)?;
    let (_model, address) = model(&python)?;
    for (name, value) in [
        ("EMBEDDINGS", "peer".to_owned()),
        ("TOKENS_PER_DAY", "0".to_owned()),
        ("SERVERS__PEER__MODEL", "all-MiniLM-L6-v2".to_owned()),
        ("SERVERS__PEER__URL", format!("{address}/v1")),
        ("SERVERS__PEER__TIMEOUT_SECONDS", "600".to_owned()),
    ] {
        stage.set(&format!("PARFOCAL_MODELS__{name}"), value);
    }
    let fused = ask(&stage, &input, true)?;
    let page = section(&input, every, &words, &fused);
    println!("\n{page}");
    keep_meaning(&page)
}

/// Some of the meetings with their questions.
fn part(input: Input, every: usize) -> Input {
    let place = |meeting: usize| meeting.is_multiple_of(every).then_some(meeting / every);
    Input {
        meetings: input.meetings.into_iter().step_by(every).collect(),
        questions: input
            .questions
            .into_iter()
            .filter_map(|mut question| {
                question.meeting = place(question.meeting)?;
                Some(question)
            })
            .collect(),
    }
}

fn title(meeting: usize) -> String {
    format!("m{meeting:03}")
}

/// The meetings as Zoom would have recorded them, one turn a cue.
fn write(folder: &Path, input: &Input) -> Result<()> {
    for (n, meeting) in input.meetings.iter().enumerate() {
        let folder = folder.join(title(n));
        std::fs::create_dir_all(&folder)?;
        let mut out = String::from("WEBVTT\r\n\r\n");
        let at = |second: usize| {
            format!(
                "{:02}:{:02}:{:02}.000",
                second / 3600,
                second / 60 % 60,
                second % 60
            )
        };
        for (turn, said) in meeting.turns.iter().enumerate() {
            let flat = |text: &str| {
                let text = text.replace("-->", " ");
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            };
            // Times tell the turn again: five seconds each.
            write!(
                out,
                "{}\r\n{} --> {}\r\n{}: {}\r\n\r\n",
                turn + 1,
                at(turn * 5),
                at(turn * 5 + 4),
                flat(&said.speaker).replace(':', " "),
                flat(&said.text)
            )?;
        }
        std::fs::write(folder.join("transcript.vtt"), out)?;
    }
    Ok(())
}

/// Starts the model behind its address.
fn model(python: &Path) -> Result<(Running, String)> {
    let mut running = Running(
        Command::new(python)
            .arg(root().join("peers/meaning/vectors.py"))
            .env("OMP_NUM_THREADS", "1")
            .env("OPENBLAS_NUM_THREADS", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the model")?,
    );
    let mut lines = BufReader::new(running.0.stdout.take().context("no standard output")?).lines();
    // Its package greets before it.
    while let Some(line) = lines.next().transpose()? {
        if let Ok(said) = serde_json::from_str::<Value>(&line) {
            let address = text(&said, "listening")?.to_owned();
            return Ok((running, address));
        }
    }
    anyhow::bail!("the model did not say where it listens")
}

/// Where the right ones stand among the hits of each question, from 0.
struct Ranks {
    meeting: Option<usize>,
    turn: Option<usize>,
}

fn ask(stage: &Stage, input: &Input, by_meaning: bool) -> Result<Vec<Ranks>> {
    let (_server, said) = stage.start(&["serve", "--listen", "127.0.0.1:0", "--json"])?;
    let address = text(&said, "listening")?.to_owned();
    if by_meaning {
        wait_for_vectors(&address)?;
    }
    let mut ranks = Vec::with_capacity(input.questions.len());
    for question in &input.questions {
        // Signs of the query language are no signs in a question.
        let words: String = question
            .text
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { ' ' })
            .collect();
        let page = get(&address, &["q", words.trim(), "limit", &LIMIT.to_string()])?;
        let used = &page["by_meaning"];
        ensure!(
            used.is_object() == by_meaning && used["unavailable"].is_null(),
            "by meaning: {used}"
        );
        ranks.push(rank(&page, question.meeting, &question.spans)?);
    }
    Ok(ranks)
}

fn rank(page: &Value, meeting: usize, spans: &[(u32, u32)]) -> Result<Ranks> {
    let hits = page["items"].as_array().context("no list of hits")?;
    let right = title(meeting);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut turn = None;
    for (place, hit) in hits.iter().enumerate() {
        let topic = hit["topic"].as_str().unwrap_or_default();
        let next = seen.len();
        seen.entry(topic).or_insert(next);
        let cues = hit["cues"][0].as_u64().zip(hit["cues"][1].as_u64());
        if topic == right
            && turn.is_none()
            && cues.is_some_and(|(first, last)| {
                spans
                    .iter()
                    .any(|(from, to)| first <= u64::from(*to) + 1 && u64::from(*from) < last)
            })
        {
            turn = Some(place);
        }
    }
    Ok(Ranks {
        meeting: seen.get(right.as_str()).copied(),
        turn,
    })
}

/// Waits until every transcript's passages have their vectors.
fn wait_for_vectors(address: &str) -> Result<()> {
    for _ in 0..36_000 {
        let jobs = fetch(&format!(
            "{address}/v1/jobs?kind=transcript.embed&limit=200"
        ))?;
        let items = jobs["items"].as_array().context("no list of jobs")?;
        let open = items
            .iter()
            .any(|job| matches!(job["state"].as_str(), Some("ready" | "waiting" | "running")));
        if !items.is_empty() && !open {
            ensure!(
                items.iter().all(|job| job["state"] == "done"),
                "vectors were given up: {jobs}"
            );
            return Ok(());
        }
        pause();
    }
    anyhow::bail!("the vectors are not made")
}

fn get(address: &str, pairs: &[&str]) -> Result<Value> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--get"]);
    for pair in pairs.chunks(2) {
        command.args(["--data-urlencode", &pair.join("=")]);
    }
    read(command.arg(format!("{address}/v1/search")))
}

fn fetch(address: &str) -> Result<Value> {
    read(Command::new("curl").args(["--silent", "--show-error", "--fail", address]))
}

fn read(command: &mut Command) -> Result<Value> {
    Ok(serde_json::from_str(&output(command)?)?)
}

#[expect(clippy::cast_precision_loss, reason = "some hundred questions")]
fn section(input: &Input, every: usize, words: &[Ranks], fused: &[Ranks]) -> String {
    let mut page = format!(
        "{} of those questions about {} of the meetings (one of {every}, for the time that vectors take), asked of the running \
         product, all meetings together: the right meeting among the first 1 and 5 that are named, and a turn that answers among \
         the first 1, 5 and 10 hits of a page of {LIMIT}. Vectors by all-MiniLM-L6-v2 (22 million parameters), a passage of 120 words \
         each; fused by reciprocal ranks as the product does it, nothing chosen on these figures.\n\n\
         | search | meeting @1 | @5 | turn of all meetings @1 | @5 | @10 |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
        input.questions.len(),
        input.meetings.len()
    );
    for (name, ranks) in [("by words", words), ("**by words and by meaning**", fused)] {
        let share = |of: fn(&Ranks) -> Option<usize>, first: usize| {
            let right = ranks
                .iter()
                .filter(|ranks| of(ranks).is_some_and(|rank| rank < first));
            right.count() as f64 / ranks.len() as f64
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| {name} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            share(|ranks| ranks.meeting, 1),
            share(|ranks| ranks.meeting, 5),
            share(|ranks| ranks.turn, 1),
            share(|ranks| ranks.turn, 5),
            share(|ranks| ranks.turn, 10),
        );
    }
    page
}

//! A generated account taken in with limits off: how fast, with how many calls; and searching what was said in it,
//! beside plain full-text search.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::Run;
use super::program::{Home, Http, fresh, kept, ready};
use crate::steps::{now, output};
use crate::workspace::root;

/// Users and meetings of the generated account; of 1,200 meetings some 950 have a transcript.
const SIZE: (&str, &str) = ("60", "1200");
/// The same, when only the way through is tried.
const LITTLE: (&str, &str) = ("6", "40");
/// Utterances that are searched, at least.
const UTTERANCES: u64 = 130_000;
const FOLDER: &str = "account";

/// Takes the account in and says how it went; what was taken in is left for [`search`].
pub(crate) fn backfill(run: &Run) -> Result<String> {
    let (users, meetings) = run.size(SIZE, LITTLE);
    let binary = run.program("parfocal", "parfocal")?;
    let home = Home::new(&binary, &fresh(FOLDER)?);
    let (_simulator, zoom) = home.simulate(&["--users", users, "--meetings", meetings])?;
    let home = home
        .with_account(zoom)
        .set("PARFOCAL_LIMITS__SHARE", "1.0")
        .set("PARFOCAL_LIMITS__PLAN", "off");
    home.json(&["connect", "s2s"])?;
    let connected = calls(zoom)?;
    let began = now();
    home.json(&["backfill", "start"])?;
    let seconds = began.elapsed().as_secs_f64();
    let made = calls(zoom)?;
    let status = home.json(&["status"])?;
    let figure = |name: &str| status["store"][name].as_u64().unwrap_or(0);
    let ended = figure("instances_ended");
    ensure!(ended > 0, "nothing was taken in: {status}");
    let knowable =
        Http::connect(zoom)?.json("/_sim/knowable?events=none&hashes=none&plan=business")?;
    let least = knowable["least_calls"]["total"].as_u64().unwrap_or(0);
    let count = |calls: &Value| calls["total"].as_u64().unwrap_or(0);
    let of_backfill = count(&made) - count(&connected);
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let (rate, each, floor) = (
        ended as f64 / seconds,
        of_backfill as f64 / ended as f64,
        least as f64 / ended as f64,
    );
    Ok(format!(
        "An account of {users} users made by the simulator; its rate limits and our pacing are off; on the same two cores; `parfocal backfill \
         start` from nothing to done. The least number of calls is the simulator's own reckoning for a client that asks for \
         each thing once. Downloads are counted apart.\n\n\
         | | figure |\n| --- | ---: |\n\
         | ended meetings taken in | {ended} |\n\
         | transcripts, utterances | {}, {} |\n\
         | time, s | {seconds:.1} |\n\
         | **meetings/s** | **{rate:.0}** |\n\
         | calls of the backfill | {of_backfill} |\n\
         | **calls per ended meeting** | **{each:.2}** |\n\
         | least calls that could do, per ended meeting | {floor:.2} |\n\
         | downloads | {} |\n",
        figure("transcripts"),
        figure("utterances"),
        made["downloads"].as_u64().unwrap_or(0) - connected["downloads"].as_u64().unwrap_or(0),
    ))
}

fn calls(zoom: SocketAddr) -> Result<Value> {
    Http::connect(zoom)?.json("/_sim/calls")
}

/// What the other search took, and what it was asked.
#[derive(Deserialize)]
struct Plain {
    queries: Vec<String>,
    rows: u64,
    p50_ms: f64,
    p95_ms: f64,
    and_p50_ms: f64,
    and_p95_ms: f64,
    version: String,
}

pub(crate) fn search(run: &Run) -> Result<String> {
    let folder = kept(FOLDER)?;
    let database = folder.join("parfocal-data/parfocal.db");
    if !database.is_file() {
        backfill(run)?;
    }
    let binary = run.program("parfocal", "parfocal")?;
    let home = Home::new(&binary, &folder);
    let (server, address) = home.serve()?;
    ready(address)?;
    let mut http = Http::connect(address)?;
    let utterances = http.json("/v1/status")?["store"]["utterances"]
        .as_u64()
        .unwrap_or(0);
    ensure!(
        utterances >= run.size(UTTERANCES, 1),
        "only {utterances} utterances are there: `cargo xtask bench backfill` takes in enough"
    );
    let plain = plain(&database, &folder.join("plain.db"), run.size("400", "40"))?;
    let mut times = Vec::with_capacity(plain.queries.len());
    let mut found = 0;
    // A first round, as the other search had one, so that both read from memory.
    for measured in [false, true] {
        for query in &plain.queries {
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
    drop(server);
    times.sort_by(f64::total_cmp);
    let at = |part: usize| {
        times
            .get(times.len() * part / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok(format!(
        "{utterances} utterances of the account above. {} queries of one to three words that stand together in some utterance, \
         the twenty best. Ours is measured over HTTP, with highlighting, names and times in the answer ({found} of {} found \
         something); the alternative inside its process: SQLite {}'s FTS5 over the same {} texts, `ORDER BY rank`.\n\n\
         | search | aimed at (p50, p95) | p50 ms | p95 ms |\n| --- | ---: | ---: | ---: |\n\
         | **Parfocal**, `GET /v1/search` | 3, 15 | {:.2} | {:.2} |\n\
         | plain FTS5, words joined by OR | | {:.2} | {:.2} |\n\
         | plain FTS5, all words | | {:.2} | {:.2} |\n",
        plain.queries.len(),
        plain.queries.len(),
        plain.version,
        plain.rows,
        at(50),
        at(95),
        plain.p50_ms,
        plain.p95_ms,
        plain.and_p50_ms,
        plain.and_p95_ms,
    ))
}

fn plain(database: &Path, index: &Path, queries: &str) -> Result<Plain> {
    let script: PathBuf = root().join("xtask/src/bench/plain_search.py");
    let said = output(
        Command::new("python3")
            .arg(script)
            .args([database, index])
            .arg(queries),
    )?;
    serde_json::from_str(&said).context("the plain search printed no figures")
}

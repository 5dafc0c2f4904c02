//! A generated account taken in with limits off: how fast, with how many calls.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Run;
use super::program::{Home, Http, fresh};
use crate::steps::now;

/// Users and meetings of the generated account; of 1,200 meetings some 950 have a transcript.
const SIZE: (&str, &str) = ("60", "1200");
/// The same, when only the way through is tried.
const LITTLE: (&str, &str) = ("6", "40");
/// Where what was taken in is left for the search over it.
pub(super) const FOLDER: &str = "account";

/// Takes the account in and says how it went; what was taken in is left in [`FOLDER`].
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

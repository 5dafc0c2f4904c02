//! From start to ready, idle memory, size of the program.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Run;
use super::program::{Home, Http, Running, SECRET, fresh, peers};
use crate::steps::{now, pause};

/// Starts that are measured.
const ROUNDS: usize = 15;
/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(4);

pub(crate) fn measure(run: &Run) -> Result<String> {
    let binary = run.program("parfocal", "parfocal")?;
    let rounds = run.size(ROUNDS, 3);
    let size = binary.metadata()?.len();
    let mut first = Vec::new();
    let mut again = Vec::new();
    for _ in 0..rounds {
        let home = Home::new(&binary, &fresh("start")?);
        first.push(start(&home)?.0);
        again.push(start(&home)?.0);
    }
    let home = Home::new(&binary, &fresh("start")?);
    let (_, server) = start(&home)?;
    let idle = idle(&server)?;
    drop(server);
    let (rivet_start, rivet_idle) = match rivet() {
        Ok((took, memory)) => (format!("{took:.0}"), format!("{memory:.0}")),
        Err(error) => {
            println!("   skipped: @zoom/rivet ({error:#})");
            ("not measured here".to_owned(), String::new())
        }
    };
    let (first, again) = (of(&mut first), of(&mut again));
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let size = size as f64 / 1e6;
    Ok(format!(
        "From starting the process to `GET /readyz` answering 200, {rounds} starts: median and the slowest. Idle memory is the \
         resident set after {} s.\n\n\
         | | aimed at | Parfocal | @zoom/rivet's receiver under node |\n| --- | ---: | ---: | ---: |\n\
         | start to ready, existing data, ms | 150 | {:.0} (slowest {:.0}) | {rivet_start} |\n\
         | start to ready, empty directory, ms | | {:.0} (slowest {:.0}) | |\n\
         | idle memory, MB | 40 | {idle:.1} | {rivet_idle} |\n\
         | stripped program, MB | 25 | {size:.1} | |\n",
        IDLE.as_secs(),
        again.0,
        again.1,
        first.0,
        first.1,
    ))
}

/// Milliseconds until the server is ready, and the server.
fn start(home: &Home) -> Result<(f64, Running)> {
    let began = now();
    let (server, address) = home.serve()?;
    until_ready(address, began)?;
    Ok((began.elapsed().as_secs_f64() * 1e3, server))
}

fn until_ready(address: SocketAddr, began: Instant) -> Result<()> {
    while began.elapsed() < Duration::from_secs(20) {
        if let Ok(mut http) = Http::connect(address)
            && matches!(http.get("/readyz"), Ok((200, _)))
        {
            return Ok(());
        }
        std::thread::yield_now();
    }
    bail!("not ready after 20 seconds")
}

fn rivet() -> Result<(f64, f64)> {
    let folder = peers("receivers").context("no receivers")?;
    let began = now();
    let (server, address) = Running::announced(
        Command::new("node")
            .arg("rivet.mjs")
            .current_dir(folder)
            .env("SECRET", SECRET),
        "listening",
    )?;
    Http::connect(address)?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    Ok((took, idle(&server)?))
}

/// Resident memory in megabytes once a server has been left alone.
fn idle(server: &Running) -> Result<f64> {
    let began = now();
    while began.elapsed() < IDLE {
        pause();
    }
    let path = format!("/proc/{}/status", server.pid());
    let status = std::fs::read_to_string(Path::new(&path))?;
    let kilobytes: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .context("no VmRSS")?;
    Ok(kilobytes * 1024.0 / 1e6)
}

/// Median and maximum.
fn of(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    (middle, times.last().copied().unwrap_or_default())
}

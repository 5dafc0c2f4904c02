//! Webhooks: how many a second become durable, how long senders wait, and whether what was accepted is there after
//! SIGKILL; beside receivers of others under the same load.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::Run;
use super::program::{Home, Http, Running, SECRET, disk, fresh, peers, ready};
use crate::steps::{now, output, pause, succeeds};

/// What is sent: events a second and how many.
struct Plan {
    ours: [(u32, usize); 3],
    theirs: [(u32, usize); 3],
    /// The stage in the middle of which the server is killed.
    killed: (u32, usize),
    /// How long that stage goes well.
    until_kill: Duration,
}

/// The fastest stage alone has two hundred thousand events; the others, who take longer than a stage lasts, get fewer at
/// the same rates.
const STAGES: Plan = Plan {
    ours: [(5_000, 40_000), (10_000, 80_000), (20_000, 200_000)],
    theirs: [(5_000, 30_000), (10_000, 60_000), (20_000, 120_000)],
    killed: (10_000, 60_000),
    until_kill: Duration::from_secs(4),
};

/// The same, when only the way through is tried.
const LITTLE: Plan = Plan {
    ours: [(200, 400), (500, 1_000), (1_000, 2_000)],
    theirs: [(200, 400), (500, 1_000), (1_000, 2_000)],
    killed: (1_000, 6_000),
    until_kill: Duration::from_secs(2),
};

#[derive(Deserialize)]
struct Figures {
    attempted: usize,
    accepted: usize,
    unanswered: u64,
    seconds: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    late_p99_ms: f64,
}

/// The sender, with the numbers it has used up.
struct Load {
    program: PathBuf,
    folder: PathBuf,
    next: u64,
}

struct Target<'a> {
    address: SocketAddr,
    path: &'a str,
    account: &'a str,
}

pub(crate) fn measure(run: &Run) -> Result<String> {
    let binary = run.program("parfocal", "parfocal")?;
    let load = run.program("xtask", "bench-load")?;
    let folder = fresh("webhooks")?;
    let mut load = Load {
        program: load,
        folder: folder.clone(),
        next: milliseconds() - 4_000_000,
    };
    let mut text = format!(
        "Unique signed events of some 700 bytes over 384 kept connections on loopback, signed beforehand, sent at a fixed \
         rate by one thread on the same two cores. Latency counts from the intended instant of sending, the sender's timer \
         of 1 ms included. Flushes are calls of fdatasync and fsync, \
         counted in the kernel. Disk: {}; {:.0} appends of 4 KiB a second survive with one fdatasync each.\n\n",
        disk(&folder)?,
        appends(&folder)?,
    );
    let mut table = String::from(
        "| receiver | asked for, /s | answered, /s | accepted | p50 ms | p99 ms | max ms | flushes/s | cores |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let plan = run.size(&STAGES, &LITTLE);
    let survived = ours(&binary, &folder, &mut load, plan, &mut table)?;
    for (name, script) in [
        ("@zoom/rivet (stores nothing)", "rivet.mjs"),
        ("node, better-sqlite3 (WAL, FULL)", "sqlite.mjs"),
    ] {
        if let Err(error) = theirs(name, script, &folder, &mut load, plan.theirs, &mut table) {
            println!("   skipped: {name} ({error:#})");
            let _ = writeln!(table, "| {name} | not measured here | | | | | | | |");
        }
    }
    let _ = writeln!(text, "{table}\n{survived}");
    Ok(text)
}

fn ours(
    binary: &Path,
    folder: &Path,
    load: &mut Load,
    plan: &Plan,
    table: &mut String,
) -> Result<String> {
    let home = Home::new(binary, folder);
    let (_simulator, zoom) = home.simulate(&[])?;
    let home = home.with_account(zoom);
    home.json(&["connect", "s2s"])?;
    let (mut server, address) = home.serve()?;
    ready(address)?;
    let durability = Http::connect(address)?.json("/v1/status")?["durability"].clone();
    ensure!(
        durability["synchronous"] == "full" && durability["journal"] == "wal",
        "the live writer does not flush each commit: {durability}"
    );
    let target = Target {
        address,
        path: "/webhooks/zoom",
        account: "simulator",
    };
    let mut accepted = BTreeSet::new();
    for (rate, count) in plan.ours {
        let (figures, spent) = load.run(server.pid(), &target, rate, count, &mut accepted)?;
        row(table, "**Parfocal**", rate, &figures, &spent);
    }
    let before = Http::connect(address)?.json("/v1/status")?;
    let sending = load.start(&target, plan.killed.0, plan.killed.1)?;
    wait(plan.until_kill);
    server.kill()?;
    let cut = sending.end(&mut accepted)?;
    ensure!(
        cut.unanswered > 0 && cut.accepted > 0,
        "the server was to be killed under load, but {} were accepted and {} not answered",
        cut.accepted,
        cut.unanswered
    );
    let (rows, lost) = stored(&folder.join("parfocal-data/parfocal.db"), &accepted)?;
    ensure!(
        lost == 0 && rows.events == rows.distinct,
        "{lost} accepted events are lost, {} rows of {} events",
        rows.events,
        rows.distinct
    );
    Ok(format!(
        "Meanwhile the server routed what it had taken in ({} of {} events when the last answer of the third stage had come). \
         Then it was killed with SIGKILL under {} events a second: of {} accepted events {} are in the store, none lost, \
         none twice. The live writer says `synchronous` = {}, `journal_mode` = {}.",
        before["store"]["inbox"]["events"].as_u64().unwrap_or(0)
            - before["store"]["inbox"]["waiting"].as_u64().unwrap_or(0),
        before["store"]["inbox"]["events"],
        plan.killed.0,
        accepted.len(),
        accepted.len() - lost,
        durability["synchronous"].as_str().unwrap_or_default(),
        durability["journal"].as_str().unwrap_or_default(),
    ))
}

fn theirs(
    name: &str,
    script: &str,
    folder: &Path,
    load: &mut Load,
    stages: [(u32, usize); 3],
    table: &mut String,
) -> Result<()> {
    let receivers = peers("receivers").context("no receivers")?;
    let database = folder.join(script).with_extension("db");
    let (running, address) = Running::announced(
        Command::new("node")
            .arg(script)
            .current_dir(&receivers)
            .env("SECRET", SECRET)
            .env("DATABASE", &database),
        "listening",
    )?;
    let target = Target {
        address,
        path: "/zoom/events",
        account: "simulator",
    };
    for (rate, count) in stages {
        let (figures, spent) =
            load.run(running.pid(), &target, rate, count, &mut BTreeSet::new())?;
        row(table, name, rate, &figures, &spent);
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people, to three digits"
)]
fn row(table: &mut String, name: &str, rate: u32, figures: &Figures, spent: &Spent) {
    println!(
        "   {name} at {rate}: {} of {} accepted, p50 {:.1} ms, p99 {:.1} ms, sent late by {:.1} ms (p99)",
        figures.accepted, figures.attempted, figures.p50_ms, figures.p99_ms, figures.late_p99_ms
    );
    let flushes = spent.flushes.map_or_else(String::new, |flushes| {
        format!("{:.0}", flushes as f64 / spent.seconds)
    });
    // Writing to a String cannot fail.
    let _ = writeln!(
        table,
        "| {name} | {rate} | {:.0} | {} | {:.1} | {:.1} | {:.0} | {flushes} | {:.2} |",
        figures.accepted as f64 / figures.seconds,
        figures.accepted,
        figures.p50_ms,
        figures.p99_ms,
        figures.max_ms,
        spent.processor / spent.seconds,
    );
}

impl Load {
    /// Sends one stage, and watches the receiver meanwhile.
    fn run(
        &mut self,
        receiver: u32,
        target: &Target<'_>,
        rate: u32,
        count: usize,
        accepted: &mut BTreeSet<u64>,
    ) -> Result<(Figures, Spent)> {
        let sending = self.start(target, rate, count)?;
        let watch = Watch::start(receiver);
        let figures = sending.end(accepted)?;
        Ok((figures, watch.end()?))
    }

    /// Starts a stage; when this returns, everything is signed and sending begins.
    fn start(&mut self, target: &Target<'_>, rate: u32, count: usize) -> Result<Sending> {
        let file = self.folder.join("accepted");
        let mut child = Command::new(&self.program)
            .args(["--target", &target.address.to_string()])
            .args(["--path", target.path, "--account", target.account])
            .args(["--secret", SECRET])
            .args(["--rate", &rate.to_string(), "--count", &count.to_string()])
            .args(["--first", &self.next.to_string(), "--accepted"])
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the sender")?;
        self.next += count as u64;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut said = BufReader::new(stdout);
        let mut line = String::new();
        said.read_line(&mut line)?;
        ensure!(line.trim() == "sending", "the sender said {line:?}");
        Ok(Sending { child, said, file })
    }
}

struct Sending {
    child: Child,
    said: BufReader<ChildStdout>,
    file: PathBuf,
}

impl Sending {
    fn end(mut self, accepted: &mut BTreeSet<u64>) -> Result<Figures> {
        let mut figures = String::new();
        self.said.read_to_string(&mut figures)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the sender: {status}");
        let lines = std::fs::read_to_string(self.file)?;
        for line in lines.lines() {
            accepted.insert(line.parse()?);
        }
        Ok(serde_json::from_str(&figures)?)
    }
}

/// What a process uses while it is watched.
struct Watch {
    pid: u32,
    began: std::time::Instant,
    processor: f64,
    perf: Option<(Child, PathBuf)>,
}

struct Spent {
    seconds: f64,
    processor: f64,
    flushes: Option<u64>,
}

impl Watch {
    fn start(pid: u32) -> Self {
        Self {
            pid,
            began: now(),
            processor: processor(pid),
            perf: perf(pid),
        }
    }

    fn end(self) -> Result<Spent> {
        let seconds = self.began.elapsed().as_secs_f64();
        let mut flushes = None;
        if let Some((mut child, file)) = self.perf {
            // perf writes its figures when it is interrupted.
            output(Command::new("kill").args(["-INT", &child.id().to_string()]))?;
            child.wait()?;
            let counted: Vec<u64> = std::fs::read_to_string(&file)?
                .lines()
                .filter(|line| line.contains("sync"))
                .filter_map(|line| line.split(',').next()?.parse().ok())
                .collect();
            flushes = (!counted.is_empty()).then(|| counted.iter().sum());
        }
        Ok(Spent {
            seconds,
            processor: processor(self.pid) - self.processor,
            flushes,
        })
    }
}

/// Counts a process's flushes in the kernel, which costs it nothing; where perf may not, none are shown.
fn perf(pid: u32) -> Option<(Child, PathBuf)> {
    // SQLite calls the one or the other, depending on how it was compiled.
    const EVENT: &str = "syscalls:sys_enter_fdatasync,syscalls:sys_enter_fsync";
    if !succeeds(Command::new("perf").args(["stat", "-e", EVENT, "true"])) {
        println!("   flushes are not counted: perf is missing or not allowed");
        return None;
    }
    let file = std::env::temp_dir().join(format!("parfocal-bench-perf-{pid}"));
    let child = Command::new("perf")
        .args(["stat", "-x,", "-e", EVENT, "-p", &pid.to_string(), "-o"])
        .arg(&file)
        .spawn()
        .ok()?;
    Some((child, file))
}

/// Seconds of processor time a process has used.
pub(super) fn processor(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| -> f64 {
        fields
            .get(at)
            .and_then(|field| field.parse().ok())
            .unwrap_or(0.0)
    };
    // utime and stime, in Linux's hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}

/// The disk's own limit: appends of one page, each made durable before the next.
fn appends(folder: &Path) -> Result<f64> {
    use std::io::Write as _;
    let path = folder.join("appends");
    let mut file = std::fs::File::create(&path)?;
    let page = [7_u8; 4096];
    let began = now();
    let mut count = 0.0;
    while began.elapsed() < Duration::from_secs(2) {
        file.write_all(&page)?;
        file.sync_data()?;
        count += 1.0;
    }
    let seconds = began.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(count / seconds)
}

#[derive(Deserialize)]
struct Rows {
    events: usize,
    distinct: usize,
}

/// What another reader of the same file, Python's sqlite3, finds of the accepted events, and how many it misses.
fn stored(database: &Path, accepted: &BTreeSet<u64>) -> Result<(Rows, usize)> {
    const READ: &str = "import json, sqlite3, sys\n\
        rows = [ts // 1000 for (ts,) in sqlite3.connect(sys.argv[1]).execute(\
        \"SELECT event_ts FROM inbox WHERE event = 'meeting.participant_joined'\")]\n\
        print(json.dumps({'events': len(rows), 'distinct': len(set(rows)), 'numbers': sorted(set(rows))}))";
    let said = output(Command::new("python3").args(["-c", READ]).arg(database))?;
    let said: Value = serde_json::from_str(&said)?;
    let numbers: BTreeSet<u64> = serde_json::from_value(said["numbers"].clone())?;
    let lost = accepted.difference(&numbers).count();
    Ok((serde_json::from_value(said)?, lost))
}

fn wait(time: Duration) {
    let began = now();
    while began.elapsed() < time {
        pause();
    }
}

/// Milliseconds since 1970: numbers of events begin a while before.
#[expect(
    clippy::disallowed_methods,
    reason = "events carry the time of the machine they are sent from"
)]
fn milliseconds() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

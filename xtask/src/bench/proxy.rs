//! The proxy of the Zoom App beside the simulated account itself and beside `http-proxy-middleware`: added latency, rate, memory
//! of thousands of sessions.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Run;
use super::program::{Home, Http, Running, fresh, peers, ready};
use super::webhooks::processor;
use crate::steps::{now, output};

/// The app that the simulated account knows.
const APP: (&str, &str) = ("simulator-user", "simulator-user-secret");
/// Sessions that are open, and those of them that call all the time.
const SESSIONS: (usize, usize) = (5_000, 200);
/// The same, when only the way through is tried.
const LITTLE: (usize, usize) = (30, 10);
/// People who have allowed the app.
const PEOPLE: usize = 40;
/// Calls a second, and how many, while the latency is looked at.
const CALM: (u32, usize) = (500, 6_000);
/// Calls a second that nobody reaches, and how many.
const RUSH: (u32, usize) = (20_000, 20_000);
/// What is aimed at: milliseconds added at half and at 99 of 100 answers, times of Node's rate, megabytes.
const AIM: (f64, f64, f64, f64) = (0.3, 2.0, 5.0, 200.0);

#[derive(Deserialize)]
struct Figures {
    attempted: usize,
    accepted: usize,
    seconds: f64,
    sent_p50_ms: f64,
    sent_p99_ms: f64,
    late_p99_ms: f64,
}

/// Whoever is asked.
struct Target {
    name: &'static str,
    address: SocketAddr,
    pid: u32,
    requests: PathBuf,
}

/// What came of one target.
struct Measured {
    name: &'static str,
    calm: Figures,
    rush: Figures,
    /// Processor time for one call of the rush, in microseconds.
    processor: f64,
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    fn rate(&self) -> f64 {
        self.rush.accepted as f64 / self.rush.seconds
    }
}

pub(crate) fn measure(run: &Run) -> Result<String> {
    let binary = run.program("parfocal", "parfocal")?;
    let load = run.program("xtask", "bench-load")?;
    let folder = fresh("proxy")?;
    let home = Home::new(&binary, &folder);
    let (simulator, zoom) = home.simulate(&["--users", "60", "--meetings", "60"])?;
    let base = format!("http://{zoom}");
    let home = home
        .with_account(zoom)
        .set("ZOOM_CLIENT_ID", APP.0)
        .set("ZOOM_CLIENT_SECRET", APP.1)
        .set("PARFOCAL_LIMITS__PLAN", "off");
    home.json(&["component", "activate", "zoomapp", "--anyway"])?;
    let (server, address) = home.serve()?;
    ready(address)?;
    let started = memory(server.pid());
    let mut stage = Stage {
        zoom: Http::connect(zoom)?,
        ours: Http::connect(address)?,
        home: format!("http://{address}/zoomapp"),
    };
    let (all, busy) = run.size(SESSIONS, LITTLE);
    let began = now();
    let cookies = stage.sessions(all)?;
    println!(
        "   opened {all} sessions in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    let token = stage.token()?;
    let bearer = [("authorization", format!("Bearer {token}"))];
    let of_session = |cookie: &String| [("cookie", format!("parfocal_zoomapp={cookie}"))];
    // Each once, so that all of them are in memory.
    for cookie in &cookies {
        stage.call(&of_session(cookie))?;
    }
    let held = memory(server.pid());
    let busy = &cookies[..busy];
    let target = |name, address, pid, file: &str, path: &str, headers: Vec<Header>| {
        Ok::<_, anyhow::Error>(Target {
            name,
            address,
            pid,
            requests: requests(&folder.join(file), path, &headers)?,
        })
    };
    let proxied = "/zoom/api/v2/users/me";
    let by_busy: Vec<Header> = busy.iter().map(of_session).collect();
    let mut targets = vec![
        target(
            "the simulated account itself",
            zoom,
            simulator.pid(),
            "direct",
            "/v2/users/me",
            vec![bearer],
        )?,
        target(
            "**Parfocal**",
            address,
            server.pid(),
            "busy",
            proxied,
            by_busy.clone(),
        )?,
        target(
            "**Parfocal**, every call of another session",
            address,
            server.pid(),
            "all",
            proxied,
            cookies.iter().map(of_session).collect(),
        )?,
    ];
    let node = node(&base, &token, busy);
    if let Some((running, at)) = &node {
        targets.push(target(
            "http-proxy-middleware 4 on Node",
            *at,
            running.pid(),
            "node",
            proxied,
            by_busy,
        )?);
    }
    let calm = run.size(CALM, (100, 200));
    let rush = run.size(RUSH, (2_000, 400));
    let measured = targets
        .iter()
        .map(|target| asked(&load, target, calm, rush))
        .collect::<Result<Vec<_>>>()?;
    told(&measured, (all, busy.len(), calm.0), (started, held))
}

/// Asks one target calmly, and then as fast as it answers.
fn asked(load: &Path, target: &Target, calm: (u32, usize), rush: (u32, usize)) -> Result<Measured> {
    // A first round fills what fills once.
    send(load, target, (calm.0, calm.1 / 10), 64)?;
    let quiet = send(load, target, calm, 64)?;
    let before = processor(target.pid);
    let rush = send(load, target, rush, 64)?;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let spent = (processor(target.pid) - before) * 1e6 / rush.accepted.max(1) as f64;
    let measured = Measured {
        name: target.name,
        calm: quiet,
        rush,
        processor: spent,
    };
    println!(
        "   {}: p50 {:.2} ms, p99 {:.2} ms, sent late by {:.2} ms (p99), {:.0}/s",
        target.name,
        measured.calm.sent_p50_ms,
        measured.calm.sent_p99_ms,
        measured.calm.late_p99_ms,
        measured.rate()
    );
    Ok(measured)
}

type Header = [(&'static str, String); 1];

fn told(
    measured: &[Measured],
    (all, busy, rate): (usize, usize, u32),
    (started, held): (f64, f64),
) -> Result<String> {
    let direct = measured.first().context("nothing was measured")?;
    let ours = measured.get(1).context("ours was not measured")?;
    let node = measured.get(3).map_or_else(
        || "Node is not here".to_owned(),
        |node| format!("{:.1} times Node's", ours.rate() / node.rate()),
    );
    let mut text = format!(
        "`GET /users/me`, each with a query of its own so that none is shared; {rate} calls a second over 64 kept connections in an open \
         loop, then as many as are answered. Sender, proxy and simulated account share the two cores; latency counts from the instant of \
         sending. {busy} sessions of {PEOPLE} people call in turns, or all {all}. Aimed at: at most {} ms added at half of the answers \
         and {} ms at 99 of 100, {} times Node's rate.\n\n\
         | asked | p50 ms | p99 ms | added p50 | added p99 | calls/s | processor for a call, µs |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        AIM.0, AIM.1, AIM.2
    );
    for one in measured {
        let (half, most) = (
            one.calm.sent_p50_ms - direct.calm.sent_p50_ms,
            one.calm.sent_p99_ms - direct.calm.sent_p99_ms,
        );
        let added = if std::ptr::eq(one, direct) {
            " | ".to_owned()
        } else {
            format!("{half:.2} | {most:.2}")
        };
        writeln!(
            text,
            "| {} | {:.2} | {:.2} | {added} | {:.0} | {:.0} |",
            one.name,
            one.calm.sent_p50_ms,
            one.calm.sent_p99_ms,
            one.rate(),
            one.processor,
        )?;
    }
    write!(
        text,
        "\nOur rate is {node}; the simulated account's own share of the processor is in both. With {all} sessions open, each of which \
         has called once, the whole server holds {held:.0} MB ({started:.0} before the first); aimed at: less than {} MB.\n",
        AIM.3
    )?;
    Ok(text)
}

/// The sessions of people who have allowed the app.
struct Stage {
    zoom: Http,
    ours: Http,
    home: String,
}

impl Stage {
    /// Cookies of so many sessions, each opened with a context of the simulated client.
    fn sessions(&mut self, count: usize) -> Result<Vec<String>> {
        let register = json!({"client_id": APP.0, "home_url": self.home});
        self.zoom.post("/_sim/zoomapp", &register)?;
        let window = self.zoom.ask("GET", "/zoomapp", &[], None)?;
        let page = String::from_utf8(window.body)?;
        let people: Vec<&str> = page
            .split("<option value=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .take(PEOPLE)
            .collect();
        ensure!(!people.is_empty(), "the simulated client names nobody");
        let mut cookies = Vec::with_capacity(count);
        for (at, person) in people.iter().cycle().take(count).enumerate() {
            let cookie = self.open(person)?;
            cookies.push(if at < people.len() {
                self.sign_in(person, &cookie)?
            } else {
                cookie
            });
        }
        Ok(cookies)
    }

    fn open(&mut self, person: &str) -> Result<String> {
        let address = format!(
            "/_sim/zoomapp/context?client_id={}&user={}",
            APP.0,
            escaped(person)
        );
        let context = self.zoom.json(&address)?["context"].clone();
        let body = json!({ "context": context });
        let reply = self
            .ours
            .ask("POST", "/api/zoomapp/context", &[], Some(&body.to_string()))?;
        ensure!(
            reply.status == 200,
            "a context was answered with {}",
            reply.status
        );
        cookie(reply.header("set-cookie"))
    }

    /// Challenge, consent at the simulated account, and the code for the server.
    fn sign_in(&mut self, person: &str, known: &str) -> Result<String> {
        let sent = format!("parfocal_zoomapp={known}");
        let headers = [("cookie", sent.as_str())];
        let begun = self
            .ours
            .ask("GET", "/api/zoomapp/authorize", &headers, None)?
            .json(200)?;
        let word = |name: &str| begun[name].as_str().unwrap_or_default().to_owned();
        let consent = format!(
            "/zoomapp/authorize?client_id={}&code_challenge={}&state={}&redirect_uri={}&sim_consent=allow&sim_user={}",
            APP.0,
            word("codeChallenge"),
            word("state"),
            escaped(&self.home),
            escaped(person)
        );
        let reply = self.zoom.ask("GET", &consent, &[], None)?;
        let code = reply
            .header("location")
            .and_then(|to| to.split("code=").nth(1)?.split('&').next())
            .with_context(|| format!("consent was answered with {}", reply.status))?
            .to_owned();
        let body = json!({"code": code, "state": begun["state"], "href": self.home});
        let reply = self.ours.ask(
            "POST",
            "/api/zoomapp/onauthorized",
            &headers,
            Some(&body.to_string()),
        )?;
        ensure!(
            reply.status == 200,
            "a code was answered with {}: {}",
            reply.status,
            String::from_utf8_lossy(&reply.body)
        );
        cookie(reply.header("set-cookie"))
    }

    /// A token of the whole account, for whoever calls without our server.
    fn token(&mut self) -> Result<String> {
        let headers = [("authorization", "Basic c2ltdWxhdG9yOnNpbXVsYXRvcg==")];
        let path = "/oauth/token?grant_type=account_credentials&account_id=simulator";
        let said = self.zoom.ask("POST", path, &headers, Some(""))?.json(200)?;
        Ok(said["access_token"]
            .as_str()
            .context("no token")?
            .to_owned())
    }

    fn call(&mut self, headers: &Header) -> Result<()> {
        let [(name, value)] = headers;
        let headers = [(*name, value.as_str())];
        self.ours
            .ask("GET", "/zoom/api/v2/users/me", &headers, None)?
            .json(200)?;
        Ok(())
    }
}

fn cookie(set: Option<&str>) -> Result<String> {
    let value = set.and_then(|set| set.split(';').next()?.split_once('='));
    Ok(value.context("no cookie was set")?.1.to_owned())
}

/// A text within a query.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Writes the calls of these headers in turns, each with a query of its own.
fn requests(file: &Path, path: &str, headers: &[Header]) -> Result<PathBuf> {
    let list: Vec<Value> = (0..headers.len().max(2_000))
        .map(|number| {
            let [(name, value)] = &headers[number % headers.len()];
            json!({"path": format!("{path}?n={number}"), "headers": {*name: value}})
        })
        .collect();
    std::fs::write(file, serde_json::to_vec(&list)?)?;
    Ok(file.to_owned())
}

/// Asks at a rate; every call has to be answered well.
fn send(
    load: &Path,
    target: &Target,
    (rate, count): (u32, usize),
    connections: usize,
) -> Result<Figures> {
    let said = output(
        Command::new(load)
            .args(["--target", &target.address.to_string(), "--requests"])
            .arg(&target.requests)
            .args(["--rate", &rate.to_string(), "--count", &count.to_string()])
            .args(["--connections", &connections.to_string()]),
    )?;
    let figures: Figures = serde_json::from_str(said.lines().last().unwrap_or_default())
        .with_context(|| format!("the sender said {said:?}"))?;
    ensure!(
        figures.accepted == figures.attempted && figures.accepted == count,
        "{}: {} of {count} calls were answered well: {said}",
        target.name,
        figures.accepted
    );
    Ok(figures)
}

/// The proxy on Node, with the same sessions in its memory; nothing where Node is missing, said aloud.
fn node(zoom: &str, token: &str, cookies: &[String]) -> Option<(Running, SocketAddr)> {
    let folder = peers("proxy")?;
    let started = Running::announced(
        Command::new("node")
            .arg("proxy.mjs")
            .current_dir(folder)
            .env("NODE_ENV", "production")
            .env("TARGET", zoom)
            .env("TOKEN", token)
            .env("COOKIES", json!(cookies).to_string()),
        "listening",
    );
    started
        .inspect_err(|error| println!("   skipped: the proxy on Node ({error:#})"))
        .ok()
}

/// Memory that a process holds, in megabytes.
fn memory(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().split(' ').next()?.parse::<f64>().ok())
        .map_or(0.0, |kilobytes| kilobytes * 1024.0 / 1e6)
}

//! Activation: a webinar's people into Brevo beside Brevo's limit, and outbound webhooks beside the same requests sent plainly.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::Run;
use super::program::{Home, Http, SECRET, fresh, ready};
use crate::steps::{now, output, pause};

const DATABASE: &str = "parfocal-data/parfocal.db";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// Brevo's calls a second for contacts, on plans without extras.
const A_SECOND: f64 = 10.0;
/// Plain senders side by side.
const PLAIN: usize = 8;

pub(crate) fn measure(run: &Run) -> Result<String> {
    let binary = run.program("parfocal", "parfocal")?;
    let folder = fresh("activate")?;
    let home = Home::new(&binary, &folder);
    let (_simulator, zoom) = home.simulate(&[])?;
    let home = home.with_account(zoom).set("PARFOCAL_LIMITS__PLAN", "off");
    home.json(&["connect", "s2s"])?;
    for component in ["activation", "brevo"] {
        home.json(&["component", "activate", component])?;
    }
    let (server, address) = home.serve()?;
    ready(address)?;
    let stage = Stage {
        home,
        zoom,
        server: address,
        database: folder.join(DATABASE).display().to_string(),
        fill: run.example("fill")?.display().to_string(),
    };
    let mut text = stage.brevo(run, &folder)?;
    text.push_str(&stage.webhooks(run)?);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok())
        .context("the kernel does not say how much memory was used")?;
    writeln!(
        text,
        "\nThe server used at most {:.0} MiB of memory in all of this.",
        peak / 1024.0
    )?;
    Ok(text)
}

struct Stage {
    home: Home,
    zoom: SocketAddr,
    server: SocketAddr,
    database: String,
    fill: String,
}

impl Stage {
    /// Writes a webinar of so many guests, or so many meetings, into the store of the running server.
    fn fill(&self, meetings: usize, guests: usize, word: &str) -> Result<()> {
        output(
            Command::new(&self.fill)
                .arg(meetings.to_string())
                .arg(&self.database)
                .args([guests.to_string(), word.to_owned()]),
        )?;
        Ok(())
    }

    /// Waits until a destination has read and sent everything; the seconds from `began` to then.
    fn sent(&self, name: &str, began: Instant, least: u64) -> Result<f64> {
        loop {
            let view = self.home.json(&["destination", "show", name])?;
            let counts = &view["deliveries"];
            let open =
                counts["pending"].as_u64().unwrap_or(1) + counts["waiting"].as_u64().unwrap_or(1);
            let done = counts["done"].as_u64().unwrap_or(0);
            ensure!(counts["dead"] == 0, "something could not be sent: {view}");
            let read = view["streams"].as_array().is_some_and(|all| {
                all.iter()
                    .all(|one| one["kind"] == "live" || one["state"] == "done")
            });
            if open == 0 && read && done >= least && view["unread"] == 0 {
                return Ok(began.elapsed().as_secs_f64());
            }
            ensure!(began.elapsed() < PATIENCE, "it takes too long: {view}");
            for _ in 0..10 {
                pause();
            }
        }
    }

    /// What the double has; over a connection of its own, since one that rests for long is closed there.
    fn double(&self) -> Result<Value> {
        Http::connect(self.zoom)?.json("/_sim/brevo")
    }

    fn brevo(&self, run: &Run, folder: &std::path::Path) -> Result<String> {
        let (past, live) = (run.size(5_000, 60), run.size(700, 40));
        let key = folder.join("key");
        std::fs::write(&key, "xkeysib-simulator")?;
        let key = key.to_str().context("a path that is no text")?;
        for order in [json!({ "limited": true }), json!({ "import_seconds": 5 })] {
            let (status, _) = Http::connect(self.zoom)?.post("/_sim/brevo", &order)?;
            ensure!(status == 200, "the double refused {order}");
        }
        self.fill(0, past, "past")?;
        let config = json!({ "base_url": format!("http://{}/brevo/v3", self.zoom) }).to_string();
        self.home.json(&[
            "destination",
            "add",
            "brevo",
            "brevo",
            "--config-json",
            &config,
            "--secret-file",
            key,
        ])?;
        let began = now();
        self.home.json(&["destination", "backfill", "brevo"])?;
        let took = self.sent("brevo", began, 1)?;
        let seen = self.double()?;
        let calls = |seen: &Value, class: &str, what: &str| {
            seen["calls"][class][what].as_f64().unwrap_or(0.0)
        };
        let (contacts, events) = (
            calls(&seen, "contacts", "calls"),
            calls(&seen, "events", "calls"),
        );
        let all = seen["counts"].clone();
        ensure!(
            all["contacts"].as_u64() == u64::try_from(past).ok(),
            "not everybody is there: {all}"
        );
        let mut text = format!(
            "**Into Brevo**: the simulator's double with Brevo's limits on, which counts; the release server sends. A webinar of \
             {past} people comes by a backfill, contacts by imports (the double takes 5 s for each; the first look is after 15 s); then \
             a webinar of {live} people comes live, contacts one by one, which is what the limit holds up.\n\n\
             | way | people | seconds | calls for contacts | for events | events there | refused for pace |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n\
             | backfill | {past} | {took:.1} | {contacts:.0} | {events:.0} | {} | {:.0} |\n",
            all["events"],
            calls(&seen, "contacts", "refused") + calls(&seen, "events", "refused"),
        );
        let began = now();
        self.fill(0, live, "live")?;
        let before = all["contacts"].as_u64().unwrap_or(0);
        let took = self.sent("brevo", began, before + 1)?;
        let after = self.double()?;
        let more = |class: &str, what: &str| calls(&after, class, what) - calls(&seen, class, what);
        let made = more("contacts", "calls");
        let refused = more("contacts", "refused") + more("events", "refused");
        let there = after["counts"]["events"].as_f64().unwrap_or(0.0)
            - all["events"].as_f64().unwrap_or(0.0);
        let began = now();
        self.home.json(&["destination", "backfill", "brevo"])?;
        self.sent("brevo", began, 1)?;
        let again = self.double()?;
        ensure!(
            again["calls"] == after["calls"],
            "a second backfill asked Brevo for something: {}",
            again["calls"]
        );
        writeln!(
            text,
            "| live | {live} | {took:.1} | {made:.0} | {:.0} | {there:.0} | {refused:.0} |\n\n\
             Live, {:.2} calls a second for contacts went out where Brevo allows {A_SECOND:.0}: {:.1} %, from the webinar's end being \
             known to everything being there. A second backfill of everything after that, {:.1} s, asked Brevo for nothing.",
            more("events", "calls"),
            made / took,
            made / took / A_SECOND * 100.0,
            began.elapsed().as_secs_f64(),
        )?;
        Ok(text)
    }

    fn webhooks(&self, run: &Run) -> Result<String> {
        let many = run.size(5_000, 100);
        let receiver = Receiver::start()?;
        self.fill(many, 0, "none")?;
        self.home.json(&[
            "destination",
            "add",
            "webhook",
            "hook",
            "--url",
            &receiver.url(),
            "--private-networks",
        ])?;
        let began = now();
        self.home
            .json(&["destination", "backfill", "hook", "--only", "meeting.*"])?;
        self.sent("hook", began, u64::try_from(many)?)?;
        let (count, sample, seconds) = receiver.span()?;
        let rate = f64::from(u32::try_from(count)?) / seconds;
        let plain = plain(receiver.address, &sample, many)?;
        let times = self.lag(&receiver, run.size(400, 20))?;
        Ok(format!(
            "\n**Outbound webhooks**: {count} signed messages of {} bytes, in order per meeting, from the first to the last at a \
             receiver on this machine; beside it the same requests, unsigned and nothing kept, over {PLAIN} plain connections.\n\n\
             | | a second |\n| --- | ---: |\n| outbound webhooks | {rate:.0} |\n| plain requests | {plain:.0} |\n\n\
             Live, 20 events a second: from Zoom's webhook `meeting.started` being sent to us to the message about it being at the \
             receiver, {:.0} ms in the middle, {:.0} ms for 99 of 100, {:.0} ms at most. A worker looks for news twice a second.\n",
            sample.len(),
            at(&times, 50),
            at(&times, 99),
            at(&times, 100),
        ))
    }

    /// Sends Zoom's webhooks at a pace, and says how long each took to come out again, in milliseconds, the fastest first.
    fn lag(&self, receiver: &Receiver, count: usize) -> Result<Vec<f64>> {
        receiver.clear()?;
        let mut door = Http::connect(self.server)?;
        let mut sent = HashMap::new();
        let began = now();
        for n in 0..count {
            while began.elapsed() < Duration::from_millis(50) * u32::try_from(n)? {
                std::thread::yield_now();
            }
            let uuid = format!("lag{n:017}==");
            let body = json!({ "event": "meeting.started", "event_ts": milliseconds(), "payload": { "account_id": "simulator",
                "object": { "id": (85_000_000_000_u64 + n as u64).to_string(), "uuid": uuid, "topic": "How long it takes",
                    "type": 2, "host_id": "bench", "timezone": "UTC", "duration": 30, "start_time": "2026-11-20T09:00:00Z" } } })
            .to_string();
            sent.insert(uuid, now());
            post_signed(&mut door, &body)?;
        }
        let end = now();
        loop {
            let got = receiver.got()?;
            let times: Vec<f64> = sent
                .iter()
                .filter_map(|(uuid, at)| {
                    let (there, _) = got.iter().find(|(_, body)| body.contains(uuid.as_str()))?;
                    Some(there.duration_since(*at).as_secs_f64() * 1e3)
                })
                .collect();
            if times.len() == count {
                let mut times = times;
                times.sort_by(f64::total_cmp);
                return Ok(times);
            }
            ensure!(
                end.elapsed() < Duration::from_secs(30),
                "{} of {count} events came out",
                times.len()
            );
            pause();
        }
    }
}

fn at(times: &[f64], part: usize) -> f64 {
    let place = (times.len() * part / 100).min(times.len().saturating_sub(1));
    times.get(place).copied().unwrap_or_default()
}

fn post_signed(door: &mut Http, body: &str) -> Result<()> {
    let at = (milliseconds() / 1_000).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(format!("v0:{at}:{body}").as_bytes());
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let headers = [
        ("x-zm-request-timestamp", at.as_str()),
        ("x-zm-signature", signature.as_str()),
    ];
    let (status, said) = door.send("/webhooks/zoom", &headers, body)?;
    ensure!(
        (200..300).contains(&status),
        "the door answered {status}: {}",
        String::from_utf8_lossy(&said)
    );
    Ok(())
}

/// The same requests without anything around them: how many a second.
fn plain(to: SocketAddr, body: &str, count: usize) -> Result<f64> {
    let began = now();
    let senders: Vec<_> = (0..PLAIN)
        .map(|_| {
            let body = body.to_owned();
            std::thread::spawn(move || -> Result<()> {
                let mut http = Http::connect(to)?;
                for _ in 0..count / PLAIN {
                    let (status, _) = http.send("/hook", &[], &body)?;
                    ensure!(status == 204, "the receiver answered {status}");
                }
                Ok(())
            })
        })
        .collect();
    for sender in senders {
        match sender.join() {
            Ok(done) => done?,
            Err(_) => bail!("a plain sender died"),
        }
    }
    let sent = u32::try_from(count / PLAIN * PLAIN)?;
    Ok(f64::from(sent) / began.elapsed().as_secs_f64())
}

type Got = Arc<Mutex<Vec<(Instant, String)>>>;

/// Takes messages and says when each came.
struct Receiver {
    address: SocketAddr,
    got: Got,
}

impl Receiver {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let got = Got::default();
        let kept = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let got = Arc::clone(&kept);
                std::thread::spawn(move || {
                    // A sender that hangs up ends its thread, and nothing else.
                    let _ = take(stream, &got);
                });
            }
        });
        Ok(Self { address, got })
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    fn got(&self) -> Result<Vec<(Instant, String)>> {
        match self.got.lock() {
            Ok(got) => Ok(got.clone()),
            Err(_) => bail!("the receiver died"),
        }
    }

    fn clear(&self) -> Result<()> {
        match self.got.lock() {
            Ok(mut got) => got.clear(),
            Err(_) => bail!("the receiver died"),
        }
        Ok(())
    }

    /// How many came, one of them, and the seconds from the first to the last.
    fn span(&self) -> Result<(usize, String, f64)> {
        let got = self.got()?;
        let (first, last) = got.first().zip(got.last()).context("nothing came")?;
        let seconds = last.0.duration_since(first.0).as_secs_f64();
        Ok((got.len(), last.1.clone(), seconds.max(0.001)))
    }
}

fn take(stream: TcpStream, got: &Got) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let at = now();
        stream
            .get_mut()
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        if let Ok(mut got) = got.lock() {
            got.push((at, String::from_utf8_lossy(&body).into_owned()));
        }
    }
}

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the server compares the timestamp of a webhook with the real clock"
)]
fn milliseconds() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

//! The API over a store with a hundred thousand meetings: how long each read takes, with Zoom's time apart; and answers
//! from the memory for slow reads.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Run;
use super::program::{Home, Http, fresh, ready};
use crate::steps::{now, output};
use crate::workspace::root;

const MEETINGS: &str = "100000";
const LITTLE: &str = "500";
const DATABASE: &str = "parfocal-data/parfocal.db";
/// What is aimed at, in milliseconds.
const AIM: f64 = 50.0;
const AIM_KEPT: f64 = 1.0;
/// How long one kind of request is asked, at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was asked, and how long the answers took.
struct Figure {
    name: String,
    times: Vec<f64>,
}

impl Figure {
    fn at(&self, part: usize) -> f64 {
        let last = self.times.len().saturating_sub(1);
        let place = (self.times.len() * part / 100).min(last);
        self.times.get(place).copied().unwrap_or_default()
    }

    fn line(&self, aim: f64) -> String {
        let p95 = self.at(95);
        let mark = if p95 <= aim { "" } else { "**" };
        format!(
            "| {} | {:.2} | {mark}{p95:.2}{mark} | {:.2} |\n",
            self.name,
            self.at(50),
            self.at(100)
        )
    }
}

/// What plain SQL took.
#[derive(Deserialize)]
struct Plain {
    version: String,
    rows: u64,
    page: Times,
    one: Times,
    count: Times,
}

#[derive(Deserialize)]
struct Times {
    p50_ms: f64,
    p95_ms: f64,
}

/// A server over a filled store, and who asks it.
struct Stage {
    http: Http,
    rounds: usize,
}

pub(crate) fn measure(run: &Run) -> Result<String> {
    let binary = run.program("parfocal", "parfocal")?;
    let folder = fresh("api")?;
    let home = Home::new(&binary, &folder);
    let (_simulator, zoom) = home.simulate(&[])?;
    let home = home.with_account(zoom).set("PARFOCAL_LIMITS__PLAN", "off");
    home.json(&["connect", "s2s"])?;
    for component in ["scheduling", "mail", "reminders", "calendar-feed"] {
        home.json(&["component", "activate", component])?;
    }
    let database = folder.join(DATABASE);
    let meetings = run.size(MEETINGS, LITTLE);
    let began = now();
    output(
        Command::new(run.example("fill")?)
            .arg(meetings)
            .arg(&database),
    )?;
    println!(
        "   filled with {meetings} meetings in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    let plain = plain(&database, run.size("400", "40"))?;
    let (_server, address) = home.serve()?;
    ready(address)?;
    let mut stage = Stage {
        http: Http::connect(address)?,
        rounds: run.size(200, 5),
    };
    let floor = [
        stage.time("`GET /healthz`", 200, |_| Asked::Get("/healthz".to_owned()))?,
        stage.time("an address that is not there", 404, |_| {
            Asked::Get("/v1/nothing".to_owned())
        })?,
    ];
    stage.schedule(run.size(200, 3))?;
    let reads = stage.reads()?;
    let (planned, stored) = stage.actions()?;
    let kept = stage.kept(zoom)?;
    let all: Vec<&Figure> = reads.iter().chain(&planned).chain(&stored).collect();
    let over = all.iter().filter(|figure| figure.at(95) > AIM).count();
    let mut text = format!(
        "A store of {} meetings held (three participants each, every third recorded, every seventeenth with a transcript), filled through the \
         store's own writing interface. The release server, one client on one kept connection, {} requests each after a first round; ids, \
         cursors and words vary. Aimed at: 95 of 100 answers within {AIM:.0} ms; {over} of {} miss it.\n\n\
         | request | p50 ms | p95 ms | slowest ms |\n| --- | ---: | ---: | ---: |\n",
        plain.rows,
        stage.rounds,
        all.len(),
    );
    for figure in floor.iter().chain(&reads) {
        text.push_str(&figure.line(AIM));
    }
    text.push_str(
        "\nActions without Zoom's time: what is asked of Zoom as a dry run, which does everything but the call; what is answered \
         from the store in full.\n\n| action | p50 ms | p95 ms | slowest ms |\n| --- | ---: | ---: | ---: |\n",
    );
    for figure in planned.iter().chain(&stored) {
        text.push_str(&figure.line(AIM));
    }
    text.push_str(
        "\nThe memory for reads that Zoom serves slowly; here Zoom is the simulator on the same two cores. Aimed at: within 1 ms.\n\n\
         | read | p50 ms | p95 ms | slowest ms |\n| --- | ---: | ---: | ---: |\n",
    );
    for figure in &kept {
        text.push_str(&figure.line(AIM_KEPT));
    }
    write!(
        text,
        "\nThe same database asked by SQLite {} alone, inside its process:\n\n\
         | question | p50 ms | p95 ms |\n| --- | ---: | ---: |\n\
         | fifty meetings somewhere in the list | {:.2} | {:.2} |\n\
         | one meeting by its id | {:.2} | {:.2} |\n\
         | how many meetings there are | {:.2} | {:.2} |\n",
        plain.version,
        plain.page.p50_ms,
        plain.page.p95_ms,
        plain.one.p50_ms,
        plain.one.p95_ms,
        plain.count.p50_ms,
        plain.count.p95_ms,
    )?;
    Ok(text)
}

fn plain(database: &Path, rounds: &str) -> Result<Plain> {
    let script = root().join("xtask/src/bench/plain_rows.py");
    let said = output(
        Command::new("python3")
            .arg(script)
            .arg(database)
            .arg(rounds),
    )?;
    serde_json::from_str(&said).context("plain SQL printed no figures")
}

/// One request.
enum Asked {
    Get(String),
    Post(String, Value),
}

impl Stage {
    /// Asks so often, each time what `ask` says, and expects that status.
    fn time(&mut self, name: &str, expected: u16, ask: impl Fn(usize) -> Asked) -> Result<Figure> {
        let mut times = Vec::with_capacity(self.rounds);
        let start = now();
        for round in 0..self.rounds * 2 {
            // What is far too slow shows after a few answers: the rest of the table is worth more than its exact figure.
            if start.elapsed() > PATIENCE && !times.is_empty() {
                break;
            }
            let asked = ask(round % self.rounds);
            let began = now();
            let (status, body) = match &asked {
                Asked::Get(path) => self.http.get(path)?,
                Asked::Post(path, body) => self.http.post(path, body)?,
            };
            let took = began.elapsed().as_secs_f64() * 1e3;
            ensure!(
                status == expected,
                "{name} was answered with {status}: {}",
                String::from_utf8_lossy(&body)
            );
            if round >= self.rounds || start.elapsed() > PATIENCE {
                times.push(took);
            }
        }
        times.sort_by(f64::total_cmp);
        Ok(Figure {
            name: name.to_owned(),
            times,
        })
    }

    /// Schedules meetings, for the lists that hang on them; those of one person stand an hour apart.
    fn schedule(&mut self, count: usize) -> Result<()> {
        let began = now();
        let (status, body) = self
            .http
            .post("/v1/actions/user.list", &json!({ "connection": "env" }))?;
        ensure!(status == 200, "user.list was answered with {status}");
        let answer: Value = serde_json::from_slice(&body)?;
        let host = answer["output"]["items"][0]["email"].clone();
        for n in 0..count {
            let (day, hour) = (1 + n / 24 % 28, n % 24);
            let body = json!({
                "title": format!("Planning {n}"), "start": format!("2030-01-{day:02}T{hour:02}:00"), "minutes": 30, "timezone": "UTC",
                "attendees": [{ "email": format!("person{n}@example.org") }, { "email": "everyone@example.org" }], "reminders": [{ "minutes": 5 }],
                "allow_conflicts": true, "connection": "env", "host": host
            });
            let (status, body) = self.http.post("/v1/schedules", &body)?;
            ensure!(
                matches!(status, 201 | 202),
                "a schedule was answered with {status}: {}",
                String::from_utf8_lossy(&body)
            );
        }
        println!(
            "   scheduled {count} meetings in {:.0} s",
            began.elapsed().as_secs_f64()
        );
        Ok(())
    }

    /// A member of every item of a list, from several places of it.
    fn sample(&mut self, list: &str, member: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut after = String::new();
        for _ in 0..8 {
            let joint = if list.contains('?') { '&' } else { '?' };
            let address = format!("{list}{joint}limit=100{after}");
            let (status, body) = self.http.get(&address)?;
            if status == 404 {
                // Its component is off.
                break;
            }
            ensure!(status == 200, "{address} was answered with {status}");
            let page: Value = serde_json::from_slice(&body)?;
            let items = page["items"].as_array().context("a list without items")?;
            found.extend(items.iter().filter_map(|item| text(&item[member])));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        Ok(found)
    }

    /// A key far down in a list.
    fn deep(&mut self, list: &str, pages: usize) -> Result<Option<String>> {
        let mut after = String::new();
        for _ in 0..pages {
            let page = self.http.json(&format!("{list}?limit=200{after}"))?;
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(None),
            }
        }
        Ok(Some(after.trim_start_matches("&after=").to_owned()))
    }

    /// Every GET of the description that is answered at once and in whole.
    fn reads(&mut self) -> Result<Vec<Figure>> {
        let description = self.http.json("/v1/openapi.json")?;
        let paths = description["paths"].as_object().context("no paths")?;
        let mut figures = Vec::new();
        for (path, operations) in paths {
            // The stream never ends, checks ask Zoom, and there are no files in this store.
            if operations.get("get").is_none()
                || path.ends_with("/stream")
                || path.ends_with("/check")
                || path.ends_with("/content")
            {
                continue;
            }
            let Some((list, rest)) = path.split_once("/{") else {
                let ask = match path.as_str() {
                    "/v1/search" => "/v1/search?q=customer+contract".to_owned(),
                    plain => plain.to_owned(),
                };
                let (status, body) = self.http.get(&ask)?;
                if status != 200 {
                    let why = String::from_utf8_lossy(&body);
                    println!("   skipped: GET {path}, {status} in this store: {why}");
                    continue;
                }
                figures
                    .push(self.time(&format!("`GET {path}`"), 200, |_| Asked::Get(ask.clone()))?);
                continue;
            };
            let rest = rest.split_once('}').map_or("", |(_, rest)| rest);
            // What hangs on a meeting is asked of those that have a transcript: they have all the rest.
            let source = if list == "/v1/meetings" && !rest.is_empty() {
                "/v1/meetings?has_transcript=true"
            } else {
                list
            };
            let member = if matches!(list, "/v1/actions") {
                "name"
            } else {
                "id"
            };
            let ids = self.sample(source, member)?;
            if ids.is_empty() {
                println!("   skipped: GET {path}, there is nothing to ask for");
                continue;
            }
            let (status, body) = self.http.get(&format!("{list}/{}{rest}", ids[0]))?;
            if status != 200 {
                let why = String::from_utf8_lossy(&body);
                println!("   skipped: GET {path}, {status} in this store: {why}");
                continue;
            }
            let ask = |round: usize| {
                let id = &ids[round * 7 % ids.len()];
                Asked::Get(format!("{list}/{id}{rest}"))
            };
            figures.push(self.time(&format!("`GET {path}`"), 200, ask)?);
        }
        for (list, more) in [
            (
                "/v1/meetings",
                &[
                    "topic=budget",
                    "host=person77",
                    "has_transcript=true",
                    "number=80000000042",
                ][..],
            ),
            ("/v1/recordings", &["topic=invoice"][..]),
            ("/v1/transcripts", &["host=person12"][..]),
            ("/v1/events", &["event=meeting.ended"][..]),
            ("/v1/jobs", &["state=dropped"][..]),
            ("/v1/domain-events", &[][..]),
        ] {
            for query in more {
                let path = format!("{list}?{query}");
                figures
                    .push(self.time(&format!("`GET {path}`"), 200, |_| Asked::Get(path.clone()))?);
            }
            if let Some(key) = self.deep(list, 20)? {
                let path = format!("{list}?after={key}");
                figures.push(self.time(
                    &format!("`GET {list}`, four thousand rows down"),
                    200,
                    |_| Asked::Get(path.clone()),
                )?);
            }
        }
        for words in ["plan", "customer+contract+risk", "wee*"] {
            let path = format!("/v1/search?q={words}");
            figures.push(self.time(&format!("`GET {path}`"), 200, |_| Asked::Get(path.clone()))?);
        }
        Ok(figures)
    }

    /// Every action: planned when it asks Zoom, done when it only reads the store.
    fn actions(&mut self) -> Result<(Vec<Figure>, Vec<Figure>)> {
        let transcripts = self.sample("/v1/meetings?has_transcript=true", "id")?;
        let names = self.sample("/v1/actions", "name")?;
        let (mut planned, mut stored) = (Vec::new(), Vec::new());
        for name in names {
            let described = self.http.json(&format!("/v1/actions/{name}"))?;
            let mut input = described["examples"][0].clone();
            input["connection"] = json!("env");
            let own = described["endpoints"].as_array().is_none_or(Vec::is_empty);
            let title = format!("`{name}`");
            if !own {
                let path = format!("/v1/actions/{name}?dry_run=true");
                if let (200, _) = self.http.post(&path, &input)? {
                    planned.push(
                        self.time(&title, 200, |_| Asked::Post(path.clone(), input.clone()))?,
                    );
                } else {
                    println!("   skipped: {name}, its plan needs something of Zoom first");
                }
                continue;
            }
            let path = format!("/v1/actions/{name}");
            if let Some(input) = input.as_object_mut() {
                input.remove("connection");
            }
            let ask = |round: usize| {
                let mut input = input.clone();
                if name == "transcript.get" && !transcripts.is_empty() {
                    input["meeting"] = json!(transcripts[round * 7 % transcripts.len()]);
                }
                Asked::Post(path.clone(), input)
            };
            // One example may speak of something that is not in this store.
            let first = match ask(0) {
                Asked::Post(path, input) if described["effect"] == "read" => {
                    self.http.post(&path, &input)?.0
                }
                _ => 0,
            };
            if first == 200 {
                stored.push(self.time(&title, 200, ask)?);
            } else {
                println!("   skipped: {name}, it changes something or speaks of what is not here");
            }
        }
        Ok((planned, stored))
    }

    /// Reads that are kept: asked anew, from memory, and of the simulator alone.
    fn kept(&mut self, zoom: SocketAddr) -> Result<Vec<Figure>> {
        let users = "/v1/actions/user.list";
        let (status, body) = self.http.post(users, &json!({ "connection": "env" }))?;
        ensure!(status == 200, "user.list was answered with {status}");
        let answer: Value = serde_json::from_slice(&body)?;
        let host = answer["output"]["items"][0]["email"].clone();
        let mut figures = Vec::new();
        for (path, input) in [
            (users, json!({ "connection": "env" })),
            (
                "/v1/actions/meeting.list",
                json!({ "connection": "env", "host": host }),
            ),
        ] {
            let name = path.trim_start_matches("/v1/actions/");
            figures.push(self.time(&format!("`{name}`, from memory"), 200, |_| {
                Asked::Post(path.to_owned(), input.clone())
            })?);
            let anew = format!("{path}?fresh=true");
            figures.push(
                self.time(&format!("`{name}`, asked of Zoom each time"), 200, |_| {
                    Asked::Post(anew.clone(), input.clone())
                })?,
            );
        }
        let mut alone = Stage {
            http: Http::connect(zoom)?,
            rounds: self.rounds,
        };
        figures.push(alone.time(
            "the simulator's own answer without work, for comparison",
            200,
            |_| Asked::Get("/_sim/health".to_owned()),
        )?);
        Ok(figures)
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

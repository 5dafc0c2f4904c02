//! Three processes on one store, killed at random moments, while access tokens keep expiring: Zoom is asked once for each
//! expiry, and no grant is lost; the same when answers get lost on the wire, with and without Zoom's grace.
//!
//! The processes are this test program itself, started with [`ORDERS`] set. `PARFOCAL_REFRESH_CALLS` is how many calls
//! each run makes (10,000 is the full count; an ordinary run makes fewer), `PARFOCAL_REFRESH_SEED` repeats a run.
#![expect(
    clippy::disallowed_methods,
    reason = "real processes are killed in real time"
)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use parfocal_engine::App;
use parfocal_engine::audit::{By, Surface};
use parfocal_engine::clock::{Chance, Clock};
use parfocal_engine::config::{Plan, Secret};
use parfocal_engine::connections::{
    BeginUser, Cloud, ConnectionView, NewUserApp, Purpose, Returned,
};
use parfocal_engine::store::{ConnectionId, ConnectionState};
use parfocal_simulator::{Config, Limits, Simulator};
use parfocal_zoom::ErrorKind;
use serde_json::{Value, json};

use crate::core_support::{command, config_for, control, on_both_stores};

on_both_stores! {
    killed_processes_refresh_once_for_each_expiry;
    without_grace_a_killed_process_takes_at_most_its_own_pair_along;
    a_lost_answer_costs_one_more_try_while_zoom_is_lenient;
    a_lost_answer_ends_the_grant_for_everybody_when_zoom_is_strict;
}

/// The environment of a process that is to make calls: where everything is, as JSON.
const ORDERS: &str = "PARFOCAL_REFRESH_ORDERS";
/// Where consent is sent to; nothing listens there, since the test plays the browser.
const REDIRECT: &str = "https://app.example/callback";
/// Simulated seconds in a second.
const SPEED: f64 = 20.0;
/// Life of an access token in simulated seconds; it is renewed after half of that.
const LIFE: u32 = 40;
const PROCESSES: usize = 3;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn by() -> By {
    By::new("test", Surface::System)
}

async fn open(dir: &Path, base: &str, clock_file: &Path, database: Option<String>) -> App {
    let mut config = config_for(dir, base);
    config.database.url = database.as_deref().map(Secret::new);
    config.limits.plan = Plan::Off;
    let clock = Clock::from_file(clock_file).unwrap();
    App::open_with(config, clock, Chance::system())
        .await
        .unwrap()
}

/// A process under way, and what it has said.
struct Process {
    child: Child,
}

/// What all processes of a run have said.
#[derive(Debug, Default)]
struct Heard {
    good: AtomicU64,
    dead: AtomicU64,
    other: AtomicU64,
    /// Everything else that was said, once each.
    words: Mutex<BTreeSet<String>>,
}

impl Process {
    fn start(orders: &Value, heard: &Arc<Heard>) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["refresh_processes::a_process", "--exact", "--nocapture"])
            .env(ORDERS, orders.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let heard = Arc::clone(heard);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let count = match line.strip_prefix('@') {
                    Some("ok") => &heard.good,
                    Some("dead") => &heard.dead,
                    Some(other) => {
                        heard.words.lock().unwrap().insert(other.to_owned());
                        &heard.other
                    }
                    None => continue,
                };
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { child }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL: nothing is said, nothing is given back.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process does: calls through the connection, from several tasks, for as long as it lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process() {
    let Ok(orders) = std::env::var(ORDERS) else {
        return;
    };
    let orders: Value = serde_json::from_str(&orders).unwrap();
    let text = |name: &str| orders[name].as_str().map(str::to_owned);
    let (dir, clock, base) = (text("dir"), text("clock"), text("base"));
    let app = open(
        dir.unwrap().as_ref(),
        &base.unwrap(),
        clock.unwrap().as_ref(),
        text("database"),
    )
    .await;
    let connection = text("connection").unwrap();
    let tasks: Vec<_> = (0..3)
        .map(|_| tokio::spawn(call_on(app.clone(), connection.clone())))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn call_on(app: App, connection: String) {
    loop {
        let row = app.connections().find(&connection).await.unwrap();
        let said = match app.connections().client(&row).await {
            Err(error) => format!("{:?}", error.code()),
            Ok(client) => {
                let call = client.call(http::Method::GET, "/users/me");
                match call.json::<Value>().await {
                    Ok(_) => "ok".to_owned(),
                    Err(error) if error.kind() == ErrorKind::GrantDead => "dead".to_owned(),
                    Err(error) => format!("{:?} {}", error.kind(), error.message()),
                }
            }
        };
        let pause = if said == "ok" { 0 } else { 20 };
        {
            let mut out = std::io::stdout().lock();
            writeln!(out, "@{said}").unwrap();
            out.flush().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// A simulated account with one user's grant in a store of its own.
struct World {
    simulator: Simulator,
    dir: tempfile::TempDir,
    clock: PathBuf,
    app: App,
    connection: ConnectionId,
    database: Option<String>,
    heard: Arc<Heard>,
    seed: u64,
}

impl World {
    async fn new(grace: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = dir.path().join("clock.json");
        let simulator = Simulator::start(Config {
            limits: Limits::Off,
            clock_file: Some(clock.clone()),
            speed: SPEED,
            access_life_secs: LIFE,
            refresh_grace_secs: grace,
            ..Config::default()
        })
        .await
        .unwrap();
        // A database on the server is named after the folder, and made here.
        let database = config_for(dir.path(), simulator.base_url()).database.url;
        let database = database.map(|url| url.expose().to_owned());
        let app = open(dir.path(), simulator.base_url(), &clock, database.clone()).await;
        let new = NewUserApp {
            name: None,
            client_id: "simulator-user".to_owned(),
            client_secret: Some("simulator-user-secret".into()),
            webhook_secrets: Vec::new(),
            cloud: Cloud::Commercial,
            family: None,
        };
        app.connections().add_app(new, &by()).await.unwrap();
        let view = consent(&app, Purpose::Install).await;
        Self {
            simulator,
            clock,
            connection: view.id,
            dir,
            app,
            database,
            heard: Arc::default(),
            seed: number("PARFOCAL_REFRESH_SEED", 1),
        }
    }

    fn orders(&self) -> Value {
        json!({
            "dir": self.dir.path(),
            "clock": self.clock,
            "base": self.simulator.base_url(),
            "connection": self.connection.to_string(),
            "database": self.database,
        })
    }

    fn start(&self) -> Vec<Process> {
        let orders = self.orders();
        (0..PROCESSES)
            .map(|_| Process::start(&orders, &self.heard))
            .collect()
    }

    /// The next number of the run's seed, below a bound (SplitMix64).
    fn chance(&mut self, bound: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// What the simulator has counted of the newest consent.
    async fn counted(&self) -> Value {
        let all = control(self.simulator.base_url(), "/grants?all=true").await;
        all.as_array().unwrap().last().unwrap().clone()
    }

    async fn view(&self) -> ConnectionView {
        let id = self.connection.to_string();
        self.app.connections().show(&id).await.unwrap()
    }

    async fn end(self) {
        self.app.stop().await;
        self.simulator.shutdown().await;
    }
}

/// A user who agrees, and the browser that carries the answer back.
async fn consent(app: &App, purpose: Purpose) -> ConnectionView {
    let begin = BeginUser {
        app: Some("simulator-user".to_owned()),
        redirect_uri: Some(REDIRECT.to_owned()),
        purpose,
        scopes: Vec::new(),
        begun_by: None,
    };
    let consent = app.connections().begin_user(begin).await.unwrap();
    let mut url = consent.url.clone();
    url.query_pairs_mut().append_pair("sim_consent", "allow");
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let answer = browser.get(url).send().await.unwrap();
    let back = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let find = |name: &str| {
        let found = back.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    };
    let returned = Returned {
        state: find("state"),
        code: find("code"),
        error: None,
        error_description: None,
        browser: Some(secrecy::ExposeSecret::expose_secret(&consent.browser).to_owned()),
    };
    let finished = app.connections().finish_user(returned, &by()).await;
    finished.unwrap().connection
}

fn count(record: &Value, name: &str) -> u64 {
    record[name].as_u64().unwrap()
}

/// Waits until something is so.
async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !so().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn killed_processes_refresh_once_for_each_expiry() {
    // Longer than a lease: a pair that died with its process is asked for again with the old token.
    let lost = kill_for_a_while(World::new(300).await).await;
    assert_eq!(lost, 0, "a grant was lost");
}

async fn without_grace_a_killed_process_takes_at_most_its_own_pair_along() {
    let lost = kill_for_a_while(World::new(0).await).await;
    eprintln!("{lost} pairs died with their process between Zoom's answer and the store");
}

/// Whether a grant was given up because nobody knows any more whether its token lives; kills alone are no reason.
fn doubtful(view: &ConnectionView) -> bool {
    let reason = view.reason.as_deref().unwrap_or_default();
    reason.contains("lost twice")
}

/// Kills processes at random moments until there were enough calls and expiries; gives how often the grant was lost
/// because the only copy of its newest pair was in a process that was killed.
async fn kill_for_a_while(mut world: World) -> u64 {
    let calls = number("PARFOCAL_REFRESH_CALLS", 1_500);
    let orders = world.orders();
    let mut processes = world.start();
    let (mut kills, mut lost, mut expiries) = (0, 0, 0);
    let started = Instant::now();
    loop {
        let pause = 100 + world.chance(600);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let victim = usize::try_from(world.chance(PROCESSES as u64)).unwrap();
        processes.remove(victim);
        processes.push(Process::start(&orders, &world.heard));
        kills += 1;
        let record = world.counted().await;
        let view = world.view().await;
        if view.state == ConnectionState::NeedsReconnect {
            eprintln!("{kills} kills: {:?}, {record}", view.reason);
            expiries += count(&record, "accepted");
            assert!(!doubtful(&view), "given up because of kills: {record}");
            // Zoom had made a pair that nobody could store any more, and was shown the old token once more.
            assert_eq!(count(&record, "replayed"), 1, "lost without need: {record}");
            assert_eq!(count(&record, "replays_accepted"), 0, "{record}");
            lost += 1;
            let purpose = Purpose::Reconnect {
                connection: world.connection,
            };
            consent(&world.app, purpose).await;
            continue;
        }
        let good = world.heard.good.load(Ordering::Relaxed);
        if good >= calls && expiries + count(&record, "accepted") >= 8 {
            break;
        }
        let stuck = started.elapsed() > Duration::from_secs(60 + calls / 20);
        assert!(!stuck, "{kills} kills, {:?}, {record}", world.heard);
    }
    drop(processes);
    let record = world.counted().await;
    let heard = &world.heard;
    eprintln!("{kills} kills, {lost} lost, {heard:?}, {record}");
    assert_eq!(
        count(&record, "early"),
        0,
        "a refresh that no expiry asked for"
    );
    // A refresh whose process was killed before it could store is asked for once more, by nobody twice.
    assert!(count(&record, "replayed") <= kills, "{record}");
    // A last look, by processes that have seen nothing of it.
    if lost == 0 {
        assert_eq!(record["replayed"], record["replays_accepted"], "{record}");
        let dead = world.heard.dead.load(Ordering::Relaxed);
        let fresh = world.start();
        let before = world.heard.good.load(Ordering::Relaxed);
        until("the grant outlives all of it", async || {
            world.heard.good.load(Ordering::Relaxed) > before + 50
                || world.view().await.state == ConnectionState::NeedsReconnect
        })
        .await;
        drop(fresh);
        let (view, record) = (world.view().await, world.counted().await);
        if view.state != ConnectionState::Healthy {
            eprintln!(
                "the last kill: {:?} {:?}, {record}",
                view.state, view.reason
            );
            assert!(!doubtful(&view), "given up because of kills: {record}");
            lost += 1;
        }
        let died = world.heard.dead.load(Ordering::Relaxed) > dead;
        assert_eq!(died, lost > 0, "{:?}", view.reason);
    }
    world.end().await;
    lost
}

async fn a_lost_answer_costs_one_more_try_while_zoom_is_lenient() {
    let world = World::new(300).await;
    let calls = number("PARFOCAL_REFRESH_CALLS", 1_000);
    let lost = json!({ "kind": "lost", "path": "/oauth/token", "grant_type": "refresh_token", "every": 3 });
    command(world.simulator.base_url(), "/faults", lost).await;
    let processes = world.start();
    let started = Instant::now();
    loop {
        let record = world.counted().await;
        let enough = world.heard.good.load(Ordering::Relaxed) >= calls;
        if enough && count(&record, "replayed") >= 3 {
            break;
        }
        let stuck = started.elapsed() > Duration::from_secs(60 + calls / 20);
        assert!(!stuck, "{:?} {record}", world.heard);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(processes);
    let faults = control(world.simulator.base_url(), "/faults").await;
    let record = world.counted().await;
    eprintln!("{:?}, {record}, {faults}", world.heard);
    assert_eq!(record["ended"], Value::Null);
    assert_eq!(world.heard.dead.load(Ordering::Relaxed), 0);
    assert_eq!(count(&record, "early"), 0);
    // Every lost answer has led to one more try, and to one only; the last may have come too late for it.
    let struck = count(&faults[0], "struck");
    let replayed = count(&record, "replayed");
    assert!(
        replayed == struck || replayed + 1 == struck,
        "{record} {faults}"
    );
    assert_eq!(record["replayed"], record["replays_accepted"]);
    world.end().await;
}

async fn a_lost_answer_ends_the_grant_for_everybody_when_zoom_is_strict() {
    let world = World::new(0).await;
    let base = world.simulator.base_url().to_owned();
    let processes = world.start();
    for round in 0..2 {
        let good = world.heard.good.load(Ordering::Relaxed);
        until("calls go through", async || {
            world.heard.good.load(Ordering::Relaxed) > good + 100
        })
        .await;
        let dead = world.heard.dead.load(Ordering::Relaxed);
        let lost = json!({ "kind": "lost", "path": "/oauth/token", "grant_type": "refresh_token", "times": 1 });
        command(&base, "/faults", lost).await;
        until("the grant is found dead", async || {
            world.view().await.state == ConnectionState::NeedsReconnect
        })
        .await;
        // Every task of every process hears of it, again and again; Zoom hears of it no more.
        until("everybody knows", async || {
            world.heard.dead.load(Ordering::Relaxed) > dead + 100
        })
        .await;
        let record = world.counted().await;
        eprintln!("round {round}: {:?}, {record}", world.heard);
        assert_eq!(
            count(&record, "replayed"),
            1,
            "one more try, and no more: {record}"
        );
        assert_eq!(
            count(&record, "asked"),
            count(&record, "accepted") + 1,
            "{record}"
        );
        assert_eq!(count(&record, "early"), 0);
        let view = world.view().await;
        assert!(view.reason.is_some(), "{view:?}");
        // Reconnecting keeps the connection, and everybody goes on by themselves.
        let purpose = Purpose::Reconnect {
            connection: world.connection,
        };
        let again = consent(&world.app, purpose).await;
        assert_eq!(again.id, world.connection);
        assert_eq!(again.state, ConnectionState::Healthy, "{:?}", again.reason);
    }
    let good = world.heard.good.load(Ordering::Relaxed);
    until("calls go through again", async || {
        world.heard.good.load(Ordering::Relaxed) > good + 100
    })
    .await;
    drop(processes);
    world.end().await;
}

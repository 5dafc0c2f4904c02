//! A storm: clients write and read at once and webhooks arrive, while Zoom refuses, fails, resets, loses answers, ends the
//! day's calls and forgets who had allowed the app. Afterwards nothing is lost, nothing was made twice as the simulator
//! counts, and whatever the server shows is so.
//!
//! `PARFOCAL_STORM_SECONDS` says how long it lasts (60 by default), `PARFOCAL_STORM_SEED` repeats the choices of a run.

mod clients;
mod truth;
mod weather;
mod zoom;

use std::fs::File;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use parfocal_simulator::{Config, Simulator};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use self::clients::Seen;
use self::zoom::Zoom;
use crate::kill::{SECRET, free_port, number};
use crate::support::World;

/// Somebody who has allowed the app.
struct Person {
    email: String,
    connection: String,
}

/// Everything that takes part.
struct Stage {
    seed: u64,
    http: reqwest::Client,
    zoom: Zoom,
    world: World,
    server: String,
    hosts: Vec<String>,
    people: Vec<Person>,
    seen: Mutex<Seen>,
    /// Held by who makes the weather.
    sky: Mutex<()>,
    stop: AtomicBool,
}

/// The server, with what it says in files; killed at the end.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !so().await {
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Shortly before a day's end, so that the day can end soon.
fn late_evening() -> jiff::Timestamp {
    let today = jiff::Timestamp::now().to_zoned(TimeZone::UTC).date();
    today
        .at(23, 50, 0, 0)
        .to_zoned(TimeZone::UTC)
        .unwrap()
        .timestamp()
}

fn world(base: &str, listen: &str, clock: &str) -> World {
    let mut world = World::new();
    for (name, value) in [
        ("ZOOM_API_URL", format!("{base}/v2")),
        ("ZOOM_OAUTH_URL", base.to_owned()),
        ("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1".to_owned()),
        ("ZOOM_ACCOUNT_ID", "simulator".to_owned()),
        ("ZOOM_S2S_CLIENT_ID", "simulator".to_owned()),
        ("ZOOM_S2S_CLIENT_SECRET", "simulator".to_owned()),
        ("ZOOM_CLIENT_ID", "simulator-user".to_owned()),
        ("ZOOM_CLIENT_SECRET", "simulator-user-secret".to_owned()),
        ("ZOOM_PUBLIC_CLIENT_ID", "simulator-public".to_owned()),
        (
            "ZOOM_REDIRECT_URI",
            format!("http://{listen}/oauth/zoom/callback"),
        ),
        ("ZOOM_WEBHOOK_SECRET_TOKEN", SECRET.to_owned()),
        ("PARFOCAL_CLOCK__FILE", clock.to_owned()),
        ("PARFOCAL_LIMITS__PLAN", "business".to_owned()),
        ("PARFOCAL_LIMITS__SHARE", "1.0".to_owned()),
    ] {
        world = world.env(name, value);
    }
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_untrue_in_a_storm() {
    let seconds = number("PARFOCAL_STORM_SECONDS", 60);
    let seed = number("PARFOCAL_STORM_SEED", 1);
    println!("a storm of {seconds} s, seed {seed}");
    let listen = format!("127.0.0.1:{}", free_port());
    let place = tempfile::tempdir().unwrap();
    let clock = place.path().join("clock.json");
    let simulator = Simulator::start(Config {
        clock_file: Some(clock.clone()),
        base_time: Some(late_evening()),
        // Tokens end often.
        access_life_secs: 180,
        seed,
        ..Config::default()
    })
    .await
    .unwrap();
    let world = world(simulator.base_url(), &listen, &clock.display().to_string());
    let http = reqwest::Client::builder()
        .timeout(Duration::from_mins(3))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let log = |name: &str| Stdio::from(File::create(world.path(name)).unwrap());
    let mut process = Process(
        world
            .command(&["serve", "--listen", &listen, "--json"])
            .stdout(log("serve.out"))
            .stderr(log("serve.err"))
            .spawn()
            .unwrap(),
    );
    let mut stage = Stage {
        seed,
        http: http.clone(),
        zoom: Zoom::new(http, simulator),
        world,
        server: format!("http://{listen}"),
        hosts: Vec::new(),
        people: Vec::new(),
        seen: Mutex::default(),
        sky: Mutex::default(),
        stop: AtomicBool::new(false),
    };
    begin(&mut stage).await;
    let stage = Arc::new(stage);

    // Bounded in number too, however fast the machine is.
    let most = seconds * 6;
    let writers: Vec<_> = (0..3)
        .map(|name| tokio::spawn(clients::write(stage.clone(), name, most)))
        .collect();
    let readers: Vec<_> = (0..2)
        .map(|name| tokio::spawn(clients::read(stage.clone(), name, most * 4)))
        .collect();
    let events = i64::try_from(most * 5).unwrap();
    let sender = tokio::spawn(clients::send(stage.clone(), events));
    let weather = tokio::spawn(weather::blow(stage.clone(), most));
    let mending = tokio::spawn(weather::mend(stage.clone()));
    let half = Duration::from_secs(seconds) / 2;
    tokio::time::sleep(half).await;
    weather::spend_the_day(&stage).await;
    // Somebody holds a meeting meanwhile.
    let live = json!({ "jump": true });
    stage.zoom.control("live", Some(live)).await;
    stage.zoom.synchronise().await;
    tokio::time::sleep(half).await;
    stage.stop.store(true, Ordering::Relaxed);

    let mut orders = Vec::new();
    for writer in writers {
        orders.extend(writer.await.unwrap());
    }
    let mut busy = 0;
    for reader in readers {
        busy += reader.await.unwrap();
    }
    let acknowledged = sender.await.unwrap();
    let faults = weather.await.unwrap();
    mending.await.unwrap();
    println!(
        "{} meetings ordered, {} webhooks acknowledged, {faults} faults; {busy} pages came late",
        orders.len(),
        acknowledged.len(),
    );
    assert!(orders.len() > 10 && faults > 10, "too little happened");

    truth::hold(&stage, &orders, &acknowledged).await;
    assert!(process.0.try_wait().unwrap().is_none(), "the server ended");
    drop(process);
    let said = std::fs::read_to_string(stage.world.path("serve.err")).unwrap();
    let panics: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("panicked"))
        .collect();
    assert!(panics.is_empty(), "{panics:#?}");
}

/// Waits for the server, connects two persons, begins a backfill, and has webhooks sent.
async fn begin(stage: &mut Stage) {
    eventually("the server's start", async || {
        let ready = stage
            .http
            .get(format!("{}/readyz", stage.server))
            .send()
            .await;
        ready.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    stage.zoom.synchronise().await;
    eventually("the first look at the account", async || {
        let env = stage.shown("/v1/connections/env").await;
        env["last_ok"].is_string()
    })
    .await;
    let order = json!({ "url": format!("{}/webhooks/zoom", stage.server), "events": ["*"], "secret_token": SECRET });
    let made = stage.zoom.control("subscriptions", Some(order)).await;
    assert_eq!(made["validated"], true, "{made}");
    let users = stage.zoom.users().await;
    assert!(users.len() >= 7, "{users:?}");
    stage.hosts = users[..5].iter().map(|(email, _)| email.clone()).collect();
    for (email, id) in &users[5..7] {
        let mut person = Person {
            email: email.clone(),
            connection: String::new(),
        };
        stage.consent(&person, None).await.unwrap();
        let list = stage.shown("/v1/connections").await;
        let mut rows = list["items"].as_array().unwrap().iter();
        let row = rows.find(|row| row["subject"] == id.as_str());
        let row: &Value = row.unwrap_or_else(|| panic!("{email} is not connected: {list}"));
        row["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut person.connection);
        stage.people.push(person);
    }
    stage
        .world
        .run(&["backfill", "start", "--detach", "--json"])
        .exits(0);
}

//! Killed at random moments, over and over: nothing that was acknowledged is lost, no effect happens twice.
//!
//! A sender keeps posting unique signed events while a backfill runs and meetings are held; the server is killed with
//! SIGKILL at random moments and started again. In the end every acknowledged event is in the store exactly once, and the
//! store holds what can be known of the account: no row less, none more. `PARFOCAL_KILL_ROUNDS` sets the rounds
//! (50 by default, a fifth of them on PostgreSQL), `PARFOCAL_KILL_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use parfocal_simulator::{Config, Simulator};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::Mutex;

use crate::support::{Running, World};

pub(crate) const SECRET: &str = "simulator-webhook-secret";
/// An event that is kept and changes no row, so that the sender can make any number of them.
pub(crate) const EVENT: &str = "user.presence_status_updated";
const SENDERS: usize = 4;

/// What the sender knows: every event's time stamp (its name) and whether it was acknowledged.
#[derive(Default)]
struct Ledger {
    sent: AtomicU64,
    acknowledged: Mutex<BTreeSet<i64>>,
    named: AtomicI64,
    /// Milliseconds between this machine's clock and the simulated one.
    shift: AtomicI64,
    stop: AtomicBool,
}

/// A small generator (SplitMix64), so that a run can be repeated by its seed.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

pub(crate) fn milliseconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_millis()).unwrap()
}

/// Zoom's signature over a body: HMAC-SHA256 of `v0:{timestamp}:{body}`.
pub(crate) fn sign(at: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("v0:{at}:{body}").as_bytes());
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

async fn send(client: reqwest::Client, url: String, ledger: Arc<Ledger>) {
    while !ledger.stop.load(Ordering::Relaxed) {
        let name = ledger.named.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "event": EVENT, "event_ts": name, "payload": { "account_id": "simulator", "object": {
            "id": "kill-harness", "email": "kill@example.org", "presence_status": "Available", "date_time": "2026-01-01T00:00:00Z" } } })
        .to_string();
        let at = ((milliseconds() + ledger.shift.load(Ordering::Relaxed)) / 1000).to_string();
        let signature = sign(&at, &body);
        let answer = client
            .post(&url)
            .header("content-type", "application/json")
            .header("x-zm-request-timestamp", at)
            .header("x-zm-signature", signature)
            .body(body)
            .send()
            .await;
        ledger.sent.fetch_add(1, Ordering::Relaxed);
        match answer {
            Ok(answer) if answer.status().is_success() => {
                ledger.acknowledged.lock().await.insert(name);
            }
            Ok(answer) => assert!(
                answer.status().is_server_error(),
                "a good event was refused: {}",
                answer.status()
            ),
            // Killed meanwhile: nothing was promised.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

struct Account {
    client: reqwest::Client,
    simulator: Simulator,
}

impl Account {
    async fn control(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_sim/{path}", self.simulator.base_url());
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap()
    }

    /// Reads how far the simulated clock is from this machine's.
    async fn synchronise(&self, ledger: &Ledger) {
        let clock = self.control("clock", None).await;
        let now: jiff::Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
        ledger
            .shift
            .store(now.as_millisecond() - milliseconds(), Ordering::Relaxed);
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Every stored event of the sender: its name → how many rows.
pub(crate) fn stored(world: &World) -> BTreeMap<i64, u64> {
    let mut rows = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let mut arguments = vec![
            "events", "list", "--event", EVENT, "--limit", "1000", "--json",
        ];
        if let Some(cursor) = &after {
            arguments.extend(["--after", cursor]);
        }
        let page = world.run(&arguments).exits(0).json();
        for item in page["items"].as_array().unwrap() {
            let at: jiff::Timestamp = item["event_ts"].as_str().unwrap().parse().unwrap();
            *rows.entry(at.as_millisecond()).or_default() += 1;
        }
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return rows,
        }
    }
}

/// What is stored and what can be known, figure beside figure.
pub(crate) fn figures(
    status: &Value,
    knowable: &Value,
) -> Vec<(&'static str, Option<u64>, Option<u64>)> {
    [
        ("users", "users"),
        ("meetings", "meetings"),
        ("instances", "instances"),
        ("attendance", "participant_rows"),
        ("recordings", "recordings"),
        ("files", "files"),
        ("transcripts", "transcripts"),
        ("cues", "cues"),
        ("chat_messages", "chat_messages"),
    ]
    .into_iter()
    .map(|(ours, theirs)| {
        (
            ours,
            status["store"][ours].as_u64(),
            knowable["totals"][theirs].as_u64(),
        )
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_happens_twice() {
    hold(World::new(), number("PARFOCAL_KILL_ROUNDS", 50)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_postgresql_either() {
    if let Some(url) = crate::postgres::database("kill") {
        let world = World::new().env("DATABASE_URL", url);
        hold(world, number("PARFOCAL_KILL_ROUNDS", 50).div_ceil(5)).await;
    }
}

async fn hold(mut world: World, rounds: u64) {
    let seed = number("PARFOCAL_KILL_SEED", 1);
    let mut chance = Chance(seed);
    let clock_file = world.path("clock.json");
    let account = Account {
        client: reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .no_proxy()
            .build()
            .unwrap(),
        simulator: Simulator::start(Config {
            clock_file: Some(clock_file.clone()),
            ..Config::default()
        })
        .await
        .unwrap(),
    };
    let base = account.simulator.base_url().to_owned();
    let listen = format!("127.0.0.1:{}", free_port());
    for (name, value) in [
        ("ZOOM_API_URL", format!("{base}/v2")),
        ("ZOOM_OAUTH_URL", base.clone()),
        ("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1".to_owned()),
        ("ZOOM_ACCOUNT_ID", "simulator".to_owned()),
        ("ZOOM_S2S_CLIENT_ID", "simulator".to_owned()),
        ("ZOOM_S2S_CLIENT_SECRET", "simulator".to_owned()),
        ("ZOOM_WEBHOOK_SECRET_TOKEN", SECRET.to_owned()),
        ("PARFOCAL_CLOCK__FILE", clock_file.display().to_string()),
        ("PARFOCAL_LIMITS__PLAN", "business".to_owned()),
        ("PARFOCAL_LIMITS__SHARE", "1.0".to_owned()),
        ("PARFOCAL_JOBS__LEASE_SECONDS", "10".to_owned()),
    ] {
        world = world.env(name, value);
    }
    let serve = |world: &World| world.start(&["serve", "--listen", &listen, "--json"]);
    let webhooks = format!("http://{listen}/webhooks/zoom");
    let mut server: Option<Running> = Some(serve(&world));
    world
        .run(&["backfill", "start", "--detach", "--json"])
        .exits(0);
    let subscription = account
        .control(
            "subscriptions",
            Some(json!({ "url": webhooks, "events": ["*"], "secret_token": SECRET })),
        )
        .await;
    assert_eq!(subscription["validated"], true, "{subscription}");

    let ledger = Arc::new(Ledger::default());
    ledger
        .named
        .store(milliseconds() - 1_000_000_000_000, Ordering::Relaxed);
    account.synchronise(&ledger).await;
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            tokio::spawn(send(
                account.client.clone(),
                webhooks.clone(),
                ledger.clone(),
            ))
        })
        .collect();
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_millis(20 + chance.below(400))).await;
        if round % 10 == 3 {
            // A meeting is held right before the end: its webhooks meet a server that lives, dies or is away.
            account.control("live", Some(json!({ "jump": true }))).await;
            account.synchronise(&ledger).await;
            tokio::time::sleep(Duration::from_millis(chance.below(200))).await;
        }
        // Dropping it sends SIGKILL.
        drop(server.take());
        tokio::time::sleep(Duration::from_millis(chance.below(60))).await;
        server = Some(serve(&world));
    }
    ledger.stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await.unwrap();
    }

    // Zoom's last retry comes 85 minutes after the first try.
    for _ in 0..9 {
        account
            .control("clock", Some(json!({ "advance_ms": 10 * 60 * 1000 })))
            .await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    // Whatever has piled up is worked off, however long it takes, as long as it goes on.
    let patience = Duration::from_secs(90);
    let mut deadline = Instant::now() + patience;
    let mut before = None;
    let (shown, knowable) = loop {
        let knowable = account
            .control("knowable?events=all&plan=business", None)
            .await;
        let status = world.run(&["status", "--json"]).json();
        let shown = figures(&status, &knowable);
        if shown
            .iter()
            .all(|(_, ours, theirs)| ours.is_some() && ours == theirs)
            || Instant::now() > deadline
        {
            break (shown, knowable);
        }
        let open = (shown, status["store"]["inbox"]["waiting"].as_u64());
        if before.as_ref() != Some(&open) {
            deadline = Instant::now() + patience;
            before = Some(open);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    drop(server.take());

    let acknowledged = ledger.acknowledged.lock().await.clone();
    let stored = stored(&world);
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|name| !stored.contains_key(*name))
        .collect();
    let twice: Vec<_> = stored.iter().filter(|(_, rows)| **rows != 1).collect();
    let calls = account.control("calls", None).await;
    println!(
        "{rounds} kills (seed {seed}): {} events sent, {} acknowledged, {} stored, {} lost, {} twice; {} calls to Zoom where {} are needed once",
        ledger.sent.load(Ordering::Relaxed),
        acknowledged.len(),
        stored.len(),
        lost.len(),
        twice.len(),
        calls["total"],
        knowable["least_calls"]["total"],
    );
    for (name, ours, theirs) in &shown {
        println!("  {name}: stored {ours:?}, knowable {theirs:?}");
    }
    assert!(lost.is_empty(), "acknowledged but lost: {lost:?}");
    assert!(twice.is_empty(), "stored twice: {twice:?}");
    assert!(
        u64::try_from(acknowledged.len()).unwrap() >= rounds,
        "too few events were acknowledged to show anything"
    );
    assert!(
        shown.iter().all(|(_, ours, theirs)| ours == theirs),
        "stored and knowable differ: {shown:?}"
    );
    let created = |path: &str| calls["by_endpoint"][path].as_u64().unwrap_or(0);
    assert_eq!(
        created("POST /users/{userId}/meetings"),
        0,
        "taking in writes nothing outside"
    );
    account.simulator.shutdown().await;
}

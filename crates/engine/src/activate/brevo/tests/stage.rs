//! A double of Brevo, a store and a clock that sleepers move; and what the frame does with deliveries, in small.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use parfocal_simulator::{Config as SimConfig, Limits, Simulator};
use parfocal_store::{DatabaseUrl, DeliveryId, OpenOptions, Store};
use parfocal_zoom::clock::Clock as _;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;

use crate::activate::Destination as _;
use crate::activate::brevo::{Brevo, BrevoConfig};
use crate::activate::model::{Delivery, Outcome, Reports};
use crate::clock::{Chance, Clock};

pub(super) const NOW: &str = "2026-11-20T12:00:00Z";
pub(super) const KEY: &str = "xkeysib-simulator";

/// A clock that sleepers move, with the double's.
#[derive(Debug)]
struct Shared {
    at: Mutex<Duration>,
    origin: Timestamp,
    base: String,
    http: reqwest::Client,
}

impl Shared {
    async fn move_to(&self, at: Duration) {
        let now = {
            let mut held = self.at.lock().unwrap();
            *held = at.max(*held);
            self.origin + jiff::SignedDuration::try_from(*held).unwrap()
        };
        control(&self.http, &self.base, "clock", &json!({ "set": now })).await;
    }
}

impl parfocal_zoom::clock::Clock for Shared {
    fn now(&self) -> Timestamp {
        self.origin + jiff::SignedDuration::try_from(self.monotonic()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        *self.at.lock().unwrap()
    }

    fn sleep_until(&self, at: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.move_to(at))
    }
}

async fn control(http: &reqwest::Client, base: &str, path: &str, body: &Value) {
    let answer = http
        .post(format!("{base}/_sim/{path}"))
        .json(body)
        .send()
        .await
        .unwrap();
    assert!(
        answer.status().is_success(),
        "{path}: {}",
        answer.text().await.unwrap()
    );
}

pub(super) struct Stage {
    _dir: TempDir,
    pub(super) simulator: Simulator,
    pub(super) store: Store,
    hands: Arc<Shared>,
    clock: Clock,
    pub(super) http: reqwest::Client,
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl Stage {
    pub(super) async fn set(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let origin: Timestamp = NOW.parse().unwrap();
        let simulator = Simulator::start(SimConfig {
            base_time: Some(origin),
            speed: 0.0,
            limits,
            ..SimConfig::default()
        })
        .await
        .unwrap();
        let http = client();
        let hands = Arc::new(Shared {
            at: Mutex::new(Duration::ZERO),
            origin,
            base: simulator.base_url().to_owned(),
            http: http.clone(),
        });
        let url: DatabaseUrl = format!("sqlite:{}/t.db", dir.path().display())
            .parse()
            .unwrap();
        let options = OpenOptions::new(Arc::new(Chance::system()));
        let store = Store::open(&url, options, origin).await.unwrap();
        Self {
            _dir: dir,
            simulator,
            store,
            clock: Clock::custom(hands.clone()),
            hands,
            http,
        }
    }

    pub(super) fn brevo(&self, more: &Value, at_once: usize) -> Brevo {
        let mut config = json!({
            "base_url": format!("{}/brevo/v3", self.simulator.base_url()),
            "timeout_seconds": 5,
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        let config = BrevoConfig::read(&config).unwrap();
        let mut brevo =
            Brevo::new(config, SecretString::from(KEY), &self.store, &self.clock).unwrap();
        brevo.at_once = at_once;
        brevo
    }

    pub(super) async fn order(&self, path: &str, body: Value) {
        control(&self.http, self.simulator.base_url(), path, &body).await;
    }

    /// What is there. No call of any test may have said that somebody is not blocked.
    pub(super) async fn look(&self) -> Value {
        let url = format!("{}/_sim/brevo", self.simulator.base_url());
        let answer = self.http.get(url).send().await.unwrap();
        let seen: Value = answer.json().await.unwrap();
        assert_eq!(seen["unblocking"], json!([]));
        assert_eq!(seen["resubscribed"], json!([]));
        seen
    }

    /// Sends until nothing is left to do, as the frame does: of each lane only the lowest rank. With `kills` the process dies now
    /// and then in the middle of a batch. Gives how everything ended.
    pub(super) async fn drive(&self, brevo: &Brevo, mut jobs: Vec<Job>, kills: bool) -> Vec<Job> {
        let mut rounds = 0_usize;
        loop {
            rounds += 1;
            assert!(rounds < 20_000, "it comes to no end");
            let now = self.clock.now();
            let mut first: HashMap<&str, u8> = HashMap::new();
            for job in jobs.iter().filter(|job| job.end.is_none()) {
                let rank = first.entry(job.lane.as_str()).or_insert(job.rank);
                *rank = job.rank.min(*rank);
            }
            if first.is_empty() {
                return jobs;
            }
            let open = |job: &&Job| job.end.is_none() && first[job.lane.as_str()] == job.rank;
            let next = jobs.iter().filter(open).map(|job| job.at).min().unwrap();
            if next > now {
                let by = Duration::try_from(now.duration_until(next)).unwrap();
                self.hands.move_to(self.hands.monotonic() + by).await;
                continue;
            }
            let due: HashSet<DeliveryId> = jobs
                .iter()
                .filter(open)
                .filter(|job| job.at <= now)
                .map(|job| job.delivery.id)
                .take(brevo.batch())
                .collect();
            let mut batch = Vec::new();
            for job in &mut jobs {
                if due.contains(&job.delivery.id) {
                    batch.push(job.delivery.clone());
                    // Whoever dies now leaves it in doubt.
                    job.delivery.uncertain = true;
                }
            }
            let place: HashMap<DeliveryId, usize> = jobs
                .iter()
                .enumerate()
                .map(|(place, job)| (job.delivery.id, place))
                .collect();
            let end = (kills && rounds.is_multiple_of(3)).then_some(batch.len() / 2);
            for (id, outcome) in hand(brevo, batch, end).await {
                jobs[place[&id]].take(outcome, self.clock.now());
            }
        }
    }
}

/// Hands a batch over, and stops listening after some outcomes when the process is to die.
async fn hand(
    brevo: &Brevo,
    batch: Vec<Delivery>,
    die_after: Option<usize>,
) -> Vec<(DeliveryId, Outcome)> {
    let (to, mut from) = unbounded_channel();
    let mut delivering = brevo.deliver(batch, Reports { to });
    let mut told = Vec::new();
    loop {
        tokio::select! {
            biased;
            Some(one) = from.recv() => {
                told.push(one);
                if die_after.is_some_and(|most| told.len() > most) {
                    return told;
                }
            }
            () = &mut delivering => break,
        }
    }
    while let Ok(one) = from.try_recv() {
        told.push(one);
    }
    told
}

/// A delivery with what the frame would keep of it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) delivery: Delivery,
    pub(super) lane: String,
    pub(super) rank: u8,
    pub(super) at: Timestamp,
    pub(super) end: Option<Outcome>,
}

impl Job {
    fn take(&mut self, outcome: Outcome, now: Timestamp) {
        self.delivery.uncertain = false;
        self.delivery.attempt += 1;
        let pause = jiff::SignedDuration::from_secs(5);
        match outcome {
            Outcome::Taken {
                progress, look_at, ..
            } => {
                self.delivery.progress = Some(progress);
                self.at = look_at;
            }
            Outcome::Retry { after, .. } => {
                self.at = now + after.unwrap_or(pause).max(pause);
            }
            outcome => self.end = Some(outcome),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.end, Some(Outcome::Done { .. }))
    }
}

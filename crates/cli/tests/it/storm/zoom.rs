//! The simulated account: its controls, and the truth about it as Zoom itself would tell it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use parfocal_simulator::Simulator;
use serde_json::{Value, json};

use crate::kill::milliseconds;

pub(super) struct Zoom {
    pub(super) http: reqwest::Client,
    pub(super) simulator: Simulator,
    /// Milliseconds between this machine's clock and the simulated one.
    shift: AtomicI64,
}

impl Zoom {
    pub(super) fn new(http: reqwest::Client, simulator: Simulator) -> Self {
        Self {
            http,
            simulator,
            shift: AtomicI64::new(0),
        }
    }

    pub(super) fn base(&self) -> &str {
        self.simulator.base_url()
    }

    pub(super) async fn control(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_sim/{path}", self.base());
        let request = match body {
            Some(body) => self.http.post(url).json(&body),
            None => self.http.get(url),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {body}");
        body
    }

    pub(super) async fn fault(&self, order: Value) -> u64 {
        self.control("faults", Some(order)).await["id"]
            .as_u64()
            .unwrap()
    }

    /// Takes every fault away.
    pub(super) async fn calm(&self) {
        let url = format!("{}/_sim/faults", self.base());
        let answer = self.http.delete(url).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// How often a fault has struck; none when it was taken away.
    pub(super) async fn struck(&self, id: u64) -> Option<u64> {
        let faults = self.control("faults", None).await;
        let mut list = faults.as_array().unwrap().iter();
        list.find(|fault| fault["id"] == id)
            .and_then(|fault| fault["struck"].as_u64())
    }

    pub(super) async fn advance(&self, minutes: i64) {
        let order = json!({ "advance_ms": minutes * 60 * 1000 });
        self.control("clock", Some(order)).await;
        self.synchronise().await;
    }

    pub(super) async fn synchronise(&self) {
        let clock = self.control("clock", None).await;
        let now: jiff::Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
        self.shift
            .store(now.as_millisecond() - milliseconds(), Ordering::Relaxed);
    }

    /// The simulated time, in milliseconds.
    pub(super) fn now(&self) -> i64 {
        milliseconds() + self.shift.load(Ordering::Relaxed)
    }

    async fn token(&self) -> String {
        let answer = self
            .http
            .post(format!("{}/oauth/token", self.base()))
            .basic_auth("simulator", Some("simulator"))
            .form(&[
                ("grant_type", "account_credentials"),
                ("account_id", "simulator"),
            ])
            .send()
            .await
            .unwrap();
        let body: Value = answer.json().await.unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A GET as any program could make it; nothing when there is no such thing.
    pub(super) async fn get(&self, path: &str) -> Option<Value> {
        let token = self.token().await;
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            let answer = self
                .http
                .get(format!("{}/v2{path}", self.base()))
                .bearer_auth(&token)
                .send()
                .await
                .unwrap();
            match answer.status().as_u16() {
                200 => return Some(answer.json().await.unwrap()),
                404 => return None,
                429 => {
                    assert!(Instant::now() < deadline, "{path} is refused for ever");
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                _ => panic!("{path}: {answer:?}"),
            }
        }
    }

    /// Active users: e-mail address and id.
    pub(super) async fn users(&self) -> Vec<(String, String)> {
        let list = self.get("/users?page_size=300").await.unwrap();
        let text = |user: &Value, name: &str| user[name].as_str().unwrap_or_default().to_owned();
        let users = list["users"].as_array().unwrap().iter();
        users
            .map(|user| (text(user, "email"), text(user, "id")))
            .collect()
    }

    /// Every meeting that was ever made, as the webhooks told at that moment: its topic, and its numbers.
    pub(super) async fn made(&self) -> BTreeMap<String, Vec<String>> {
        let deliveries = self.control("deliveries?event=meeting.created", None).await;
        let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for delivery in deliveries.as_array().unwrap() {
            let object = &delivery["body"]["payload"]["object"];
            let topic = object["topic"].as_str().unwrap_or_default().to_owned();
            let id = &object["id"];
            let number = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            made.entry(topic).or_default().push(number);
        }
        made
    }
}

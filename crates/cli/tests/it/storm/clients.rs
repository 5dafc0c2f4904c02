//! Those who use the server meanwhile: writers, readers, a sender of webhooks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::Stage;
use crate::kill::{Chance, EVENT, sign};

/// What the server answered.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn ok(&self) -> bool {
        self.status == 200
    }

    pub(super) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Whether the same request may get another answer later, without anybody doing anything.
    pub(super) fn passing(&self) -> bool {
        matches!(
            self.code(),
            "request_in_progress" | "zoom_unreachable" | "zoom_rate_limited" | "store_unavailable"
        )
    }

    /// The number of the meeting in the output.
    pub(super) fn number(&self) -> Option<String> {
        self.body["output"]["id"]
            .as_str()
            .or_else(|| self.body["output"]["number"].as_str())
            .map(str::to_owned)
    }
}

/// What is known of something that a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known<T> {
    /// Nobody asked.
    Not,
    /// It was asked for, and no answer said that it was done.
    Perhaps,
    /// The server said so.
    Told(T),
}

/// A meeting that a client asked for, under one key.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) key: String,
    pub(super) topic: String,
    pub(super) input: Value,
    pub(super) connection: String,
    /// All numbers that answers named; more than one is a doubled create.
    pub(super) numbers: BTreeSet<String>,
    pub(super) minutes: Known<u64>,
    pub(super) gone: Known<()>,
}

impl Order {
    pub(super) fn number(&self) -> Option<&String> {
        self.numbers.first()
    }
}

/// What the clients saw, to be told at the end.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) answers: BTreeMap<String, u64>,
    pub(super) hung_up: u64,
}

impl Stage {
    /// Asks for an action. Nothing when the client hung up or the connection broke.
    pub(super) async fn act(
        &self,
        action: &str,
        input: &Value,
        key: Option<&str>,
        patience: Option<Duration>,
    ) -> Option<Answer> {
        let mut request = self
            .http
            .post(format!("{}/v1/actions/{action}", self.server))
            .header("cache-control", "no-cache")
            .json(input);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let patience = patience.unwrap_or(Duration::from_mins(3));
        let exchange = async {
            let answer = request.send().await.ok()?;
            let status = answer.status().as_u16();
            let text = answer.text().await.ok()?;
            let body = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{action}: {status}: {error}: {text}"));
            Some(Answer { status, body })
        };
        let answer = tokio::time::timeout(patience, exchange)
            .await
            .ok()
            .flatten();
        let mut seen = self.seen.lock().await;
        if let Some(answer) = &answer {
            assert!(
                answer.status != 500 && answer.code() != "internal",
                "{action} {input}: {answer:?}"
            );
            let word = if answer.ok() { "ok" } else { answer.code() };
            *seen.answers.entry(format!("{action}: {word}")).or_default() += 1;
        } else {
            seen.hung_up += 1;
        }
        answer
    }

    pub(super) fn over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Schedules, changes and cancels meetings until the storm is over; all it knows in the end.
pub(super) async fn write(stage: Arc<Stage>, name: u64, most: u64) -> Vec<Order> {
    let mut chance = Chance(stage.seed.wrapping_mul(31).wrapping_add(name));
    let mut orders: Vec<Order> = Vec::new();
    for n in 0..most {
        if stage.over() {
            break;
        }
        let known: Vec<usize> = (0..orders.len())
            .filter(|at| orders[*at].number().is_some() && orders[*at].gone == Known::Not)
            .collect();
        match chance.below(10) {
            0..=1 if !known.is_empty() => {
                let at = known[below(&mut chance, known.len())];
                update(&stage, &mut chance, &mut orders[at]).await;
            }
            2 if !known.is_empty() => {
                let at = known[below(&mut chance, known.len())];
                cancel(&stage, &mut orders[at], 2).await;
            }
            _ => {
                let order = order(&stage, &mut chance, &format!("{name}-{n}"));
                orders.push(schedule(&stage, &mut chance, order).await);
            }
        }
        tokio::time::sleep(Duration::from_millis(20 + chance.below(200))).await;
    }
    orders
}

fn below(chance: &mut Chance, bound: usize) -> usize {
    usize::try_from(chance.below(u64::try_from(bound).unwrap())).unwrap()
}

fn order(stage: &Stage, chance: &mut Chance, name: &str) -> Order {
    let topic = format!("Storm {} {name}", stage.seed);
    let mut input = json!({ "topic": topic, "start": "2030-01-07T09:00:00", "timezone": "Europe/Berlin",
        "duration_minutes": 30 });
    let connection = if chance.below(3) == 0 {
        stage.people[below(chance, stage.people.len())]
            .connection
            .clone()
    } else {
        let host = &stage.hosts[below(chance, stage.hosts.len())];
        input["host"] = json!(host);
        "env".to_owned()
    };
    input["connection"] = json!(connection);
    Order {
        key: format!("storm-{}-{name}", stage.seed),
        topic,
        input,
        connection,
        numbers: BTreeSet::new(),
        minutes: Known::Told(30),
        gone: Known::Not,
    }
}

/// Asks for a meeting until an answer comes, or gives up and leaves the question open.
async fn schedule(stage: &Stage, chance: &mut Chance, mut order: Order) -> Order {
    for _ in 0..5 {
        // Some clients hang up before the answer, and ask again under the same key.
        let patience = (chance.below(5) == 0).then(|| Duration::from_millis(1 + chance.below(600)));
        let answer = stage
            .act("meeting.create", &order.input, Some(&order.key), patience)
            .await;
        match &answer {
            Some(answer) if answer.ok() => {
                order.numbers.extend(answer.number());
                break;
            }
            Some(answer) if !answer.passing() && answer.code() != "outcome_unknown" => break,
            _ => {}
        }
        if stage.over() || chance.below(8) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50 + chance.below(500))).await;
    }
    order
}

async fn update(stage: &Stage, chance: &mut Chance, order: &mut Order) {
    let minutes = 31 + chance.below(60);
    let input = json!({ "connection": order.connection, "meeting": order.number(), "duration_minutes": minutes });
    let answer = stage.act("meeting.update", &input, None, None).await;
    order.minutes = match answer {
        // One that was in doubt before may still take its effect after this one.
        Some(answer) if answer.ok() && order.minutes != Known::Perhaps => Known::Told(minutes),
        _ => Known::Perhaps,
    };
}

/// Cancels a meeting, asking under the same key so often at most.
pub(super) async fn cancel(stage: &Stage, order: &mut Order, most: u32) {
    let input = json!({ "connection": order.connection, "meeting": order.number() });
    let key = format!("{}-cancel", order.key);
    for _ in 0..most {
        order.gone = Known::Perhaps;
        let answer = stage.act("meeting.delete", &input, Some(&key), None).await;
        match answer {
            Some(answer) if answer.ok() => {
                order.gone = Known::Told(());
                return;
            }
            Some(answer) if !answer.passing() && answer.code() != "outcome_unknown" => return,
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Looks at everything, over and over: what is answered from the store is always answered.
pub(super) async fn read(stage: Arc<Stage>, name: u64, most: u64) -> u64 {
    let mut chance = Chance(stage.seed.wrapping_mul(37).wrapping_add(name));
    let pages = [
        "/v1/status",
        "/v1/connections",
        "/v1/meetings?limit=20",
        "/v1/jobs?limit=20",
        "/v1/events?limit=20",
        "/v1/recordings?limit=5",
        "/v1/backfills",
        "/v1/search?q=the+plan",
        "/healthz",
    ];
    let mut busy = 0;
    for _ in 0..most {
        if stage.over() {
            break;
        }
        if chance.below(3) == 0 {
            let host = &stage.hosts[below(&mut chance, stage.hosts.len())];
            let input = json!({ "connection": "env", "host": host, "limit": 5 });
            stage.act("meeting.list", &input, None, None).await;
        } else {
            let page = pages[below(&mut chance, pages.len())];
            let answer = stage
                .http
                .get(format!("{}{page}", stage.server))
                .send()
                .await;
            let status = answer.unwrap().status().as_u16();
            // The embedded database may be busy for a moment on a slow machine; it says so.
            assert!(matches!(status, 200 | 503), "{page}: {status}");
            busy += u64::from(status == 503);
        }
        tokio::time::sleep(Duration::from_millis(20 + chance.below(150))).await;
    }
    busy
}

/// Sends webhooks, each under a name of its own; the names of those that were acknowledged.
pub(super) async fn send(stage: Arc<Stage>, most: i64) -> BTreeSet<i64> {
    let mut acknowledged = BTreeSet::new();
    let first = crate::kill::milliseconds() - 1_000_000_000_000;
    for name in first..first + most {
        if stage.over() {
            break;
        }
        let body = json!({ "event": EVENT, "event_ts": name, "payload": { "account_id": "simulator", "object": {
            "id": "storm", "email": "storm@example.org", "presence_status": "Away", "date_time": "2026-01-01T00:00:00Z" } } })
        .to_string();
        let at = (stage.zoom.now() / 1000).to_string();
        let signature = sign(&at, &body);
        let answer = stage
            .http
            .post(format!("{}/webhooks/zoom", stage.server))
            .header("content-type", "application/json")
            .header("x-zm-request-timestamp", at)
            .header("x-zm-signature", signature)
            .body(body)
            .send()
            .await
            .unwrap();
        if answer.status().is_success() {
            acknowledged.insert(name);
        } else {
            assert!(answer.status().is_server_error(), "{answer:?}");
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    acknowledged
}

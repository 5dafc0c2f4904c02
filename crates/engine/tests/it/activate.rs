//! Destinations: outbound webhooks over domain events, their order, tries, secrets and verbs.

mod receiver;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use parfocal_engine::App;
use parfocal_engine::activate::{AddDestination, BackfillOrder};
use parfocal_engine::audit::{By, Surface};
use parfocal_engine::components::Activation;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{
    DeliveryFilter, DeliveryState, DestinationState, NewAccount, NewDomainEvent, NewInstance,
    PageRequest, Provider, SEQUENCER, Seen, Source, StreamState,
};
use parfocal_zoom::clock::ManualClock;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use crate::core_support::{config, manual, on_both_stores, open};
use receiver::{Got, Receiver};

on_both_stores! {
    an_event_is_posted_once_signed_and_in_its_meetings_order;
    a_receiver_that_is_down_for_a_day_gets_everything_in_order;
    a_refused_message_becomes_a_persons_and_holds_nothing_up_for_ever;
    two_secrets_are_valid_while_one_is_replaced;
    what_was_before_comes_by_backfill_and_what_arrived_by_replay_only;
    a_process_that_died_in_between_posts_again_under_the_same_id;
    addresses_in_private_networks_are_refused_unless_allowed;
}

struct Stage {
    _dir: TempDir,
    app: App,
    hands: ManualClock,
    instances: Vec<String>,
}

impl Stage {
    /// An application with the component on and runs of three meetings.
    async fn set() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (hands, clock) = manual();
        let app = open(config(dir.path()), &clock).await;
        app.components()
            .activate(
                "activation",
                &Activation::default(),
                &Caller::local(Surface::Cli),
            )
            .await
            .unwrap();
        let now = app.clock().now();
        let account = NewAccount {
            provider: Provider::Zoom,
            external_id: "acme".into(),
            name: None,
            plan: None,
            region: None,
            limits_share: None,
            capabilities: None,
        };
        let seen = Seen {
            at: now,
            source: Source::Detail,
            now,
        };
        let mut tx = app.store().begin(app.scope()).await.unwrap();
        let account = tx.upsert_account(&account, now).await.unwrap();
        let mut instances = Vec::new();
        for number in 0..3 {
            let new = NewInstance {
                external_id: format!("run-{number}=="),
                number: Some(format!("9000000{number}")),
                ..NewInstance::default()
            };
            let made = tx.upsert_instance(account, &new, &seen).await.unwrap();
            instances.push(made.id.to_string());
        }
        tx.commit().await.unwrap();
        Self {
            _dir: dir,
            app,
            hands,
            instances,
        }
    }

    /// Tells of things that happened to the runs, in turn, and numbers them.
    async fn tell(&self, from: usize, count: usize) {
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await.unwrap();
        for n in from..from + count {
            let event = NewDomainEvent {
                event_type: if n % 2 == 0 {
                    "meeting.started"
                } else {
                    "transcript.ready"
                }
                .into(),
                v: 1,
                subject_id: self.instances[n % self.instances.len()].clone(),
                data: json!({"n": n}),
            };
            tx.append_event(&event, now).await.unwrap();
        }
        tx.commit().await.unwrap();
        let lease = self
            .app
            .store()
            .acquire_lease(SEQUENCER, "test", now, now + Duration::from_mins(1))
            .await
            .unwrap()
            .unwrap();
        self.app
            .store()
            .sequence_events(&lease, 10_000, now)
            .await
            .unwrap();
    }

    async fn add(&self, name: &str, config: Value) -> String {
        let new = AddDestination {
            name: name.into(),
            kind: "webhook".into(),
            config,
        };
        let (view, secrets) = self
            .app
            .destinations()
            .add(&new, None, &By::system())
            .await
            .unwrap();
        assert_eq!(view.state, DestinationState::New);
        secrets.unwrap().current.expose_secret().to_owned()
    }

    async fn run(&self) {
        self.app.destinations().run().await.unwrap();
    }

    async fn counts(&self) -> [u64; 3] {
        let view = self.app.destinations().get("hook").await.unwrap();
        [
            view.deliveries.pending,
            view.deliveries.done,
            view.deliveries.dead,
        ]
    }
}

/// Whether a message verifies under a secret, by the specification's words and none of our code.
fn verifies(got: &Got, secret: &str) -> bool {
    let key = BASE64
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let (id, at) = (got.header("webhook-id"), got.header("webhook-timestamp"));
    mac.update(format!("{id}.{at}.{}", got.text).as_bytes());
    let wanted = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
    got.header("webhook-signature")
        .split(' ')
        .any(|one| one == wanted)
}

/// The order in which the events of each meeting came.
fn by_meeting(got: &[Got]) -> BTreeMap<String, Vec<i64>> {
    let mut out: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for one in got.iter().filter(|one| one.status < 300) {
        let body = one.body();
        out.entry(body["order_key"].as_str().unwrap().to_owned())
            .or_default()
            .push(body["data"]["n"].as_i64().unwrap());
    }
    out
}

fn all_in_order(got: &[Got], count: usize) {
    let lanes = by_meeting(got);
    assert_eq!(
        lanes.values().map(Vec::len).sum::<usize>(),
        count,
        "{lanes:?}"
    );
    for (lane, order) in lanes {
        assert!(lane.contains("/9000000"), "{lane}");
        assert!(order.is_sorted_by(|a, b| a < b), "{lane}: {order:?}");
    }
}

async fn an_event_is_posted_once_signed_and_in_its_meetings_order() {
    let stage = Stage::set().await;
    let receiver = Receiver::start().await;
    stage.tell(0, 2).await;
    let secret = stage
        .add(
            "hook",
            json!({"url": receiver.url, "private_networks": true}),
        )
        .await;
    stage.tell(2, 10).await;
    stage.run().await;
    stage.run().await;
    let got = receiver.take();
    assert_eq!(got.len(), 10, "what was before is not sent");
    all_in_order(&got, 10);
    for one in &got {
        assert!(verifies(one, &secret));
        let body = one.body();
        assert_eq!(
            (&body["version"], &body["timestamp"]),
            (&json!(1), &json!("2026-11-22T08:00:00Z"))
        );
        assert!(body["sequence"].as_i64().unwrap() > 2);
    }
    assert_eq!(stage.counts().await, [0, 10, 0]);
    let view = stage.app.destinations().get("hook").await.unwrap();
    assert_eq!(
        (view.state, view.unread, view.lag_seconds),
        (DestinationState::Working, 0, 0)
    );
    // Only the types that are wanted.
    let other = Receiver::start().await;
    stage
        .add(
            "some",
            json!({"url": other.url, "private_networks": true, "types": ["transcript.*"]}),
        )
        .await;
    stage.tell(12, 4).await;
    stage.run().await;
    assert_eq!(other.take().len(), 2);
    assert!(stage.app.destinations().test("some").await.unwrap().ok);
    assert_eq!(other.take()[0].body()["type"], "parfocal.test");
}

async fn a_receiver_that_is_down_for_a_day_gets_everything_in_order() {
    let stage = Stage::set().await;
    let receiver = Receiver::start().await;
    stage
        .add(
            "hook",
            json!({"url": receiver.url, "private_networks": true}),
        )
        .await;
    receiver.always(503);
    let mut told = 0;
    for _ in 0..24 {
        stage.tell(told, 3).await;
        told += 3;
        for _ in 0..4 {
            stage.run().await;
            stage.hands.advance(Duration::from_mins(15));
        }
    }
    let view = stage.app.destinations().get("hook").await.unwrap();
    assert_eq!(view.state, DestinationState::Failing);
    assert!(view.reason.unwrap().contains("503") && view.lag_seconds > 80_000);
    // One knock at a time, ever more seldom.
    let knocks = receiver.take().len();
    assert!((10..60).contains(&knocks), "{knocks}");
    receiver.always(200);
    stage.hands.advance(Duration::from_hours(2));
    stage.run().await;
    all_in_order(&receiver.take(), told);
    let view = stage.app.destinations().get("hook").await.unwrap();
    assert_eq!(
        (view.state, view.deliveries.pending),
        (DestinationState::Working, 0)
    );
    // Down for longer than the patience: it stops by itself, keeps everything, and goes on when a person says so.
    receiver.always(500);
    for _ in 0..8 {
        stage.tell(told, 1).await;
        told += 1;
        stage.run().await;
        stage.hands.advance(Duration::from_hours(24));
    }
    let view = stage.app.destinations().get("hook").await.unwrap();
    assert_eq!(view.state, DestinationState::Stopped, "{view:?}");
    receiver.take();
    receiver.always(200);
    stage.run().await;
    assert!(receiver.take().is_empty());
    stage
        .app
        .destinations()
        .switch("hook", true, &By::system())
        .await
        .unwrap();
    stage.run().await;
    all_in_order(&receiver.take(), 8);
}

async fn a_refused_message_becomes_a_persons_and_holds_nothing_up_for_ever() {
    let stage = Stage::set().await;
    let receiver = Receiver::start().await;
    stage
        .add(
            "hook",
            json!({"url": receiver.url, "private_networks": true}),
        )
        .await;
    // The first of the first meeting is refused each time it comes; its successor waits.
    stage.tell(0, 6).await;
    receiver.refuse(Some(0));
    stage.run().await;
    let came = |got: &[Got]| -> Vec<i64> {
        let of = |one: &Got| one.body()["data"]["n"].as_i64().unwrap();
        got.iter().map(of).collect()
    };
    let mut first = came(&receiver.take());
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2, 4, 5]);
    let mut later = Vec::new();
    for _ in 0..8 {
        stage.hands.advance(Duration::from_hours(8));
        stage.run().await;
        later.extend(came(&receiver.take()));
    }
    assert_eq!(later, [0, 0, 0, 0, 3]);
    assert_eq!(stage.counts().await, [0, 5, 1]);
    let dead = DeliveryFilter {
        state: Some(DeliveryState::Dead),
        ..DeliveryFilter::default()
    };
    let page = stage
        .app
        .destinations()
        .deliveries(Some("hook"), dead.clone(), &PageRequest::first(10))
        .await
        .unwrap();
    let one = stage
        .app
        .destinations()
        .delivery(page.items[0].id)
        .await
        .unwrap();
    assert_eq!(one.body["data"]["n"], 0);
    assert_eq!(one.tries.len(), 5);
    assert_eq!(one.tries[4].said.as_ref().unwrap()["status"], 422);
    assert!(
        one.delivery.reason.unwrap().contains("422")
            && one.delivery.advice.is_some()
            && !one.current
    );
    // Once the receiver takes it, a person has it sent again.
    receiver.refuse(None);
    let retried = stage
        .app
        .destinations()
        .retry_all(Some("hook"), DeliveryFilter::default(), &By::system())
        .await;
    assert_eq!(retried.unwrap(), 1);
    stage.run().await;
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(stage.counts().await, [0, 6, 0]);
    // Gone for good: the endpoint stops at once.
    receiver.then(410, None);
    stage.tell(6, 1).await;
    stage.run().await;
    let view = stage.app.destinations().get("hook").await.unwrap();
    assert_eq!(
        (view.state, view.deliveries.pending),
        (DestinationState::Stopped, 1)
    );
    // A redirect is not followed, and a pause that is asked for is kept.
    stage
        .app
        .destinations()
        .switch("hook", true, &By::system())
        .await
        .unwrap();
    receiver.take();
    receiver.then(302, Some(("location", "http://127.0.0.1:1/elsewhere")));
    stage.run().await;
    stage.hands.advance(Duration::from_secs(10));
    receiver.then(429, Some(("retry-after", "7200")));
    stage.run().await;
    stage.hands.advance(Duration::from_secs(7_000));
    stage.run().await;
    assert_eq!(receiver.take().len(), 2);
    stage.hands.advance(Duration::from_mins(5));
    stage.run().await;
    assert_eq!(receiver.take().len(), 1);
}

async fn two_secrets_are_valid_while_one_is_replaced() {
    let stage = Stage::set().await;
    let receiver = Receiver::start().await;
    let old = stage
        .add(
            "hook",
            json!({"url": receiver.url, "private_networks": true}),
        )
        .await;
    let secrets = stage
        .app
        .destinations()
        .rotate("hook", Some(2), &By::system())
        .await
        .unwrap();
    let new = secrets.current.expose_secret().to_owned();
    assert!(
        !format!("{secrets:?}").contains(&new[6..]),
        "secrets do not print"
    );
    stage.tell(0, 1).await;
    stage.run().await;
    let got = receiver.take();
    assert!(verifies(&got[0], &old) && verifies(&got[0], &new));
    stage.hands.advance(Duration::from_secs(2 * 3_600 + 1));
    stage.tell(1, 1).await;
    stage.run().await;
    let got = receiver.take();
    assert!(!verifies(&got[0], &old) && verifies(&got[0], &new));
}

async fn what_was_before_comes_by_backfill_and_what_arrived_by_replay_only() {
    let stage = Stage::set().await;
    let receiver = Receiver::start().await;
    stage.tell(0, 4).await;
    stage.hands.advance(Duration::from_hours(1));
    let since = stage.app.clock().now();
    stage.tell(4, 4).await;
    stage
        .add(
            "hook",
            json!({"url": receiver.url, "private_networks": true}),
        )
        .await;
    let verbs = stage.app.destinations();
    let some = BackfillOrder {
        since: Some(since),
        only: vec!["meeting.*".into()],
        replay: false,
    };
    verbs.backfill("hook", &some, &By::system()).await.unwrap();
    stage.run().await;
    assert_eq!(receiver.take().len(), 2);
    // A paused stream reads nothing until it goes on; what is there is not sent again.
    let all = verbs
        .backfill("hook", &BackfillOrder::default(), &By::system())
        .await
        .unwrap();
    verbs.pause(all.id, true, &By::system()).await.unwrap();
    stage.run().await;
    assert!(receiver.take().is_empty());
    verbs.pause(all.id, false, &By::system()).await.unwrap();
    stage.run().await;
    let got = receiver.take();
    assert_eq!(got.len(), 6);
    let ids: Vec<_> = got
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    verbs
        .backfill("hook", &BackfillOrder::default(), &By::system())
        .await
        .unwrap();
    stage.run().await;
    assert!(receiver.take().is_empty());
    let again = BackfillOrder {
        replay: true,
        ..BackfillOrder::default()
    };
    verbs.backfill("hook", &again, &By::system()).await.unwrap();
    stage.run().await;
    let got = receiver.take();
    all_in_order(&got, 8);
    assert!(
        ids.iter()
            .all(|id| got.iter().any(|one| one.header("webhook-id") == id))
    );
    let view = verbs.get("hook").await.unwrap();
    assert_eq!(
        view.streams
            .iter()
            .filter(|one| one.state == StreamState::Done)
            .count(),
        4
    );
}

async fn a_process_that_died_in_between_posts_again_under_the_same_id() {
    let stage = Stage::set().await;
    let receiver = Receiver::start().await;
    stage
        .add(
            "hook",
            json!({"url": receiver.url, "private_networks": true}),
        )
        .await;
    stage.tell(0, 3).await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let verbs = stage.app.destinations();
    let lost = json!({"url": format!("http://{}/", silent.local_addr().unwrap()), "private_networks": true});
    verbs.configure("hook", &lost, &By::system()).await.unwrap();
    // Cut off while the receiver has not answered yet.
    let app = stage.app.clone();
    let cut = tokio::spawn(async move { app.destinations().run().await });
    let (_kept, _) = tokio::task::spawn_blocking(move || silent.accept())
        .await
        .unwrap()
        .unwrap();
    cut.abort();
    let _ = cut.await;
    assert_eq!(stage.counts().await, [3, 0, 0]);
    verbs
        .configure(
            "hook",
            &json!({"url": receiver.url, "private_networks": true}),
            &By::system(),
        )
        .await
        .unwrap();
    // The role of the dead ends by itself.
    stage.hands.advance(Duration::from_secs(30));
    stage.run().await;
    let got = receiver.take();
    assert_eq!(got.len(), 3);
    assert_eq!(stage.counts().await, [0, 3, 0]);
    let page = verbs
        .deliveries(None, DeliveryFilter::default(), &PageRequest::first(10))
        .await
        .unwrap();
    for one in page.items {
        let id = format!("msg_{}", one.id);
        assert!(got.iter().any(|got| got.header("webhook-id") == id));
        let tries = verbs.delivery(one.id).await.unwrap().tries;
        assert_eq!(tries.last().unwrap().outcome, "done");
        assert_eq!((tries.len(), tries[0].ended), (2, None));
    }
}

async fn addresses_in_private_networks_are_refused_unless_allowed() {
    let stage = Stage::set().await;
    for url in [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost:8443/",
    ] {
        let new = AddDestination {
            name: "near".into(),
            kind: "webhook".into(),
            config: json!({"url": url}),
        };
        let refused = stage
            .app
            .destinations()
            .add(&new, None, &By::system())
            .await;
        assert_eq!(
            refused.unwrap_err().code().as_str(),
            "invalid_input",
            "{url}"
        );
    }
    // A name is looked up at the moment of the connection, and what it leads to is looked at then.
    stage
        .add(
            "hook",
            json!({"url": "https://localtest.localdomain.invalid/"}),
        )
        .await;
    let checked = stage.app.destinations().test("hook").await.unwrap();
    assert!(!checked.ok && checked.said.status.is_none(), "{checked:?}");
}

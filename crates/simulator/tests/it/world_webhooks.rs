//! Deliveries against an endpoint of our own, under a clock that is moved by hand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::SignedDuration;
use parfocal_simulator::clock::Clock;
use parfocal_simulator::webhooks::{
    DeliveryState, Event, Hub, HubOptions, Knobs, NewSubscription, encrypted_token, signature,
};
use parfocal_simulator::world::model::Plan;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::world::base;

const SECRET: &str = "a secret of the test";

/// What the endpoint saw, and what it shall answer next (200 when nothing is prepared, no answer at all for 0).
#[derive(Clone, Default)]
pub(crate) struct Endpoint {
    seen: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    challenges: Arc<Mutex<Vec<bool>>>,
    deaf: Arc<Mutex<bool>>,
}

impl Endpoint {
    pub(crate) fn events(&self) -> Vec<Value> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|(_, body)| serde_json::from_str(body).unwrap())
            .collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.events()
            .iter()
            .map(|event| event["event"].as_str().unwrap().to_owned())
            .collect()
    }

    fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// Serves on a free port; the address to subscribe.
    pub(crate) async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route("/hook", post(receive))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        format!("http://{address}/hook")
    }
}

async fn receive(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let value: Value = serde_json::from_str(&body).unwrap();
    if value["event"] == "endpoint.url_validation" {
        let deaf = *endpoint.deaf.lock().unwrap();
        endpoint.challenges.lock().unwrap().push(!deaf);
        if deaf {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let plain = value["payload"]["plainToken"].as_str().unwrap();
        let answer =
            json!({ "plainToken": plain, "encryptedToken": encrypted_token(SECRET, plain) });
        return answer.to_string().into_response();
    }
    endpoint.seen.lock().unwrap().push((headers, body));
    let status = endpoint.answers.lock().unwrap().pop_front().unwrap_or(200);
    if status == 0 {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(status).unwrap().into_response()
}

/// Polls until it holds; a deadline of ten seconds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .is_ok(),
        "never: {what}"
    );
}

struct Bench {
    hub: Arc<Hub>,
    clock: Arc<Clock>,
    endpoint: Endpoint,
    url: String,
    _stop: tokio_util::sync::DropGuard,
}

async fn bench(plan: Plan) -> Bench {
    let clock = Arc::new(Clock::by_hand(base()));
    let options = HubOptions {
        secret_token: SECRET.to_owned(),
        timeout: Duration::from_millis(400),
        ..HubOptions::new(1, plan)
    };
    let hub = Arc::new(Hub::new(clock.clone(), options).unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(hub.clone().run(stop.clone()));
    let endpoint = Endpoint::default();
    let url = endpoint.serve().await;
    Bench {
        hub,
        clock,
        endpoint,
        url,
        _stop: stop.drop_guard(),
    }
}

impl Bench {
    async fn subscribe(&self, events: &[&str]) -> String {
        let new = NewSubscription {
            url: self.url.clone(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            ..NewSubscription::default()
        };
        let sub = self.hub.subscribe(new).await.unwrap();
        assert!(sub.validated, "{:?}", sub.reason);
        sub.id
    }

    fn emit(&self, name: &'static str, n: u64) -> usize {
        self.hub.emit(&Event {
            name,
            at: self.clock.now(),
            user_id: None,
            payload: json!({ "account_id": "a", "object": { "n": n, "topic": "Zoë \"quoted\" / 会議" } }),
            download_token: (name == "recording.completed").then(|| "token".to_owned()),
        })
    }

    fn state(&self, place: usize) -> DeliveryState {
        self.hub.deliveries()[place].state
    }

    async fn attempts(&self, place: usize, count: usize) {
        until("attempts", || {
            self.hub.deliveries()[place].attempts.len() >= count
        })
        .await;
    }
}

#[tokio::test]
async fn events_are_signed_over_their_exact_bytes() {
    let bench = bench(Plan::Business).await;
    bench.subscribe(&["*"]).await;
    assert_eq!(bench.emit("recording.completed", 1), 1);
    until("delivery", || bench.state(0) == DeliveryState::Delivered).await;
    let (headers, body) = bench.endpoint.seen.lock().unwrap()[0].clone();
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let timestamp: i64 = header("x-zm-request-timestamp").parse().unwrap();
    assert_eq!(timestamp, base().as_second());
    assert_eq!(
        header("x-zm-signature"),
        signature(SECRET, timestamp, &body)
    );
    assert_eq!(header("content-type"), "application/json; charset=utf-8");
    assert_eq!(header("user-agent"), "Zoom Marketplace/1.0a");
    assert_eq!(header("clientid"), "simulator");
    assert!(header("x-zm-request-id").contains('_') && !header("x-zm-trackingid").is_empty());
    assert!(header("traceparent").starts_with("00-"));
    assert!(!body.contains(": ") && !body.contains('\n'), "compact JSON");
    let value: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(value["download_token"], "token");
    assert_eq!(value["event_ts"], base().as_millisecond());
}

#[tokio::test]
async fn server_errors_are_tried_again_after_5_25_and_85_minutes() {
    let bench = bench(Plan::Business).await;
    bench.subscribe(&["meeting.*", "meeting.started"]).await;
    bench.endpoint.answer(&[500, 503, 502, 500]);
    bench.emit("meeting.started", 1);
    bench.attempts(0, 1).await;
    for (minutes, attempts) in [(5, 2), (20, 3), (60, 4)] {
        bench
            .clock
            .advance(SignedDuration::from_secs(minutes * 60 - 1))
            .unwrap();
        tokio::task::yield_now().await;
        assert_eq!(bench.hub.deliveries()[0].attempts.len(), attempts - 1);
        bench.clock.advance(SignedDuration::from_secs(1)).unwrap();
        bench.attempts(0, attempts).await;
    }
    until("given up", || bench.state(0) == DeliveryState::Lost).await;
    let delivery = bench.hub.deliveries().remove(0);
    let minutes: Vec<i64> = delivery
        .attempts
        .iter()
        .map(|attempt| (attempt.at.as_second() - base().as_second()) / 60)
        .collect();
    assert_eq!(minutes, [0, 5, 25, 85]);
    // Retries carry the first try's signature: a receiver with a window of minutes loses them.
    let seen = bench.endpoint.seen.lock().unwrap().clone();
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].0["x-zm-signature"] == pair[1].0["x-zm-signature"])
    );
}

#[tokio::test]
async fn refusals_are_final_and_silence_is_not() {
    let bench = bench(Plan::Business).await;
    bench.subscribe(&["*"]).await;
    bench.endpoint.answer(&[401, 302, 0]);
    for n in 0..3 {
        bench.emit("meeting.started", n);
    }
    bench.attempts(2, 1).await;
    assert_eq!(bench.state(0), DeliveryState::Lost);
    assert_eq!(bench.state(1), DeliveryState::Lost);
    assert_eq!(bench.state(2), DeliveryState::Pending);
    assert_eq!(
        bench.hub.deliveries()[2].attempts[0].error.as_deref(),
        Some("timeout")
    );
    bench.clock.advance(SignedDuration::from_hours(3)).unwrap();
    until("the retry", || bench.state(2) == DeliveryState::Delivered).await;
    assert_eq!(bench.hub.deliveries()[0].attempts.len(), 1);

    let again = bench.hub.resend(1).unwrap();
    assert_eq!(again.state, DeliveryState::Pending);
    until("the second sending", || {
        bench.state(0) == DeliveryState::Delivered
    })
    .await;
    assert!(bench.hub.resend(99).is_err());
}

#[tokio::test]
async fn knobs_double_drop_delay_and_reorder() {
    let bench = bench(Plan::Business).await;
    bench.subscribe(&["*"]).await;
    bench.hub.set_knobs(Knobs {
        duplicate: 1.0,
        ..Knobs::default()
    });
    assert_eq!(bench.emit("meeting.started", 1), 2);
    until("both", || bench.endpoint.events().len() == 2).await;
    assert_eq!(bench.endpoint.events()[0], bench.endpoint.events()[1]);

    bench.hub.set_knobs(Knobs {
        drop: 1.0,
        ..Knobs::default()
    });
    assert_eq!(bench.emit("meeting.started", 2), 0);
    assert_eq!(bench.state(2), DeliveryState::Dropped);

    bench.hub.set_knobs(Knobs {
        delay_ms: 60_000,
        ..Knobs::default()
    });
    bench.emit("meeting.started", 3);
    until("nothing is due", || bench.hub.in_flight() == 0).await;
    assert_eq!(bench.endpoint.events().len(), 2);
    bench.clock.advance(SignedDuration::from_mins(1)).unwrap();
    until("the late one", || bench.endpoint.events().len() == 3).await;

    bench.hub.set_knobs(Knobs {
        reorder: 1.0,
        ..Knobs::default()
    });
    bench.emit("meeting.started", 4);
    bench.emit("meeting.started", 5);
    until("both orders", || bench.endpoint.events().len() == 5).await;
    let order: Vec<u64> = bench.endpoint.events()[3..]
        .iter()
        .map(|event| event["payload"]["object"]["n"].as_u64().unwrap())
        .collect();
    assert_eq!(order, [5, 4]);
    bench.emit("meeting.started", 6);
    bench.clock.advance(SignedDuration::from_secs(10)).unwrap();
    until("the held one", || bench.endpoint.events().len() == 6).await;
}

#[tokio::test]
async fn endpoints_are_challenged_every_72_hours_and_silenced_after_six_failures() {
    let bench = bench(Plan::Business).await;
    let id = bench.subscribe(&["*"]).await;
    *bench.endpoint.deaf.lock().unwrap() = true;
    for failures in 1..=6 {
        bench.clock.advance(SignedDuration::from_hours(72)).unwrap();
        until("the challenge", || {
            bench.hub.subscriptions()[0].failures == failures
        })
        .await;
    }
    assert!(bench.hub.subscriptions()[0].disabled);
    assert_eq!(bench.emit("meeting.started", 1), 0);
    *bench.endpoint.deaf.lock().unwrap() = false;
    let sub = bench.hub.revalidate(&id).await.unwrap();
    assert!(sub.validated && !sub.disabled);
    assert_eq!(bench.emit("meeting.started", 2), 1);
    assert_eq!(bench.endpoint.challenges.lock().unwrap().len(), 8);
}

#[tokio::test]
async fn unanswered_challenges_leave_a_subscription_silent() {
    let bench = bench(Plan::Business).await;
    *bench.endpoint.deaf.lock().unwrap() = true;
    let new = NewSubscription {
        url: bench.url.clone(),
        ..NewSubscription::default()
    };
    let sub = bench.hub.subscribe(new).await.unwrap();
    assert!(!sub.validated && sub.reason.unwrap().contains("500"));
    assert_eq!(bench.emit("meeting.started", 1), 0);
    let other = NewSubscription {
        url: "ftp://else.example/hook".to_owned(),
        ..NewSubscription::default()
    };
    assert!(bench.hub.subscribe(other).await.is_err());
    bench.hub.unsubscribe(&sub.id).unwrap();
    assert!(bench.hub.unsubscribe(&sub.id).is_err());
}

#[tokio::test]
async fn plans_and_filters_decide_what_is_sent() {
    let bench = bench(Plan::Free).await;
    bench
        .subscribe(&["meeting.started", "recording.completed"])
        .await;
    assert_eq!(bench.emit("recording.completed", 1), 0);
    assert_eq!(bench.emit("meeting.ended", 2), 0);
    assert_eq!(bench.emit("meeting.started", 3), 1);
    let id = bench.hub.subscriptions()[0].id.clone();
    bench.hub.set_users(&id, vec!["u1".to_owned()]).unwrap();
    let of = |user: &str| Event {
        name: "meeting.started",
        at: base(),
        user_id: Some(user.to_owned()),
        payload: json!({}),
        download_token: None,
    };
    assert_eq!(bench.hub.emit(&of("u2")), 0);
    assert_eq!(bench.hub.emit(&of("u1")), 1);
}

#[tokio::test]
async fn a_full_log_forgets_what_is_done_and_gives_up_what_is_too_much() {
    let clock = Arc::new(Clock::by_hand(base()));
    let options = HubOptions {
        secret_token: SECRET.to_owned(),
        capacity: 3,
        ..HubOptions::new(1, Plan::Business)
    };
    let hub = Arc::new(Hub::new(clock, options).unwrap());
    let endpoint = Endpoint::default();
    let url = endpoint.serve().await;
    hub.subscribe(NewSubscription {
        url,
        ..NewSubscription::default()
    })
    .await
    .unwrap();
    let event = Event {
        name: "meeting.started",
        at: base(),
        user_id: None,
        payload: json!({}),
        download_token: None,
    };
    // Nobody delivers yet: three are pending, the fourth is given up.
    for _ in 0..4 {
        hub.emit(&event);
    }
    assert_eq!((hub.deliveries().len(), hub.overflow()), (3, 1));
    let stop = CancellationToken::new();
    let guard = stop.clone().drop_guard();
    tokio::spawn(hub.clone().run(stop));
    until("all sent", || endpoint.events().len() == 3).await;
    until("all done", || {
        hub.deliveries()
            .iter()
            .all(|one| one.state == DeliveryState::Delivered)
    })
    .await;
    hub.emit(&event);
    assert_eq!(hub.deliveries().len(), 3);
    drop(guard);
}

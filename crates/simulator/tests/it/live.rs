//! Meetings that are played, and the webhooks they send.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use parfocal_simulator::{App, AppScopes, Config};

use crate::kit::{Sim, config, read, start, start_with, twice};

const SECRET: &str = "simulator-webhook-secret";

#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Value>>>);

fn mac(message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes) -> Response {
    let text = std::str::from_utf8(&body).unwrap();
    let at = headers["x-zm-request-timestamp"].to_str().unwrap();
    assert_eq!(
        headers["x-zm-signature"],
        format!("v0={}", mac(&format!("v0:{at}:{text}"))).as_str()
    );
    let event: Value = serde_json::from_str(text).unwrap();
    if event["event"] == "endpoint.url_validation" {
        let plain = event["payload"]["plainToken"].as_str().unwrap();
        return axum::Json(json!({ "plainToken": plain, "encryptedToken": mac(plain) }))
            .into_response();
    }
    inbox.0.lock().unwrap().push(event);
    "".into_response()
}

async fn listen() -> (String, Inbox) {
    let inbox = Inbox::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/hook", post(take))
        .with_state(inbox.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

async fn until(inbox: &Inbox, event: &str) -> Value {
    for _ in 0..5_000 {
        if let Some(found) = inbox
            .0
            .lock()
            .unwrap()
            .iter()
            .find(|one| one["event"] == event)
        {
            return found.clone();
        }
        // Only real time passes here: the sender works on sockets.
        tokio::task::spawn_blocking(|| {
            std::thread::park_timeout(std::time::Duration::from_millis(2));
        })
        .await
        .unwrap();
    }
    panic!(
        "{event} never came: {:?}",
        inbox
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|one| one["event"].clone())
            .collect::<Vec<_>>()
    );
}

async fn subscribed() -> (Sim, Inbox) {
    let sim = start().await;
    let (url, inbox) = listen().await;
    let made = sim
        .sim_post("/subscriptions", json!({ "url": url, "events": ["*"] }))
        .await;
    assert_eq!(made["validated"], true, "{made}");
    (sim, inbox)
}

#[tokio::test]
async fn a_meeting_is_played_and_its_recording_can_be_fetched_with_the_events_token() {
    let (sim, inbox) = subscribed().await;
    let played = sim
        .sim_post("/live", json!({ "topic": "Played live", "jump": true }))
        .await;
    let started = until(&inbox, "meeting.started").await;
    assert_eq!(started["payload"]["object"]["uuid"], played["uuid"]);
    until(&inbox, "meeting.ended").await;
    until(&inbox, "recording.completed").await;
    let event = until(&inbox, "recording.transcript_completed").await;
    let file = event["payload"]["object"]["recording_files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["file_type"] == "TRANSCRIPT")
        .unwrap();
    let door = read(
        sim.http
            .get(file["download_url"].as_str().unwrap())
            .bearer_auth(event["download_token"].as_str().unwrap()),
    )
    .await;
    assert_eq!(door.status, 302);
    let text = read(sim.http.get(door.header("location").unwrap()))
        .await
        .text();
    assert_eq!(
        u64::try_from(text.matches(" --> ").count()).unwrap(),
        played["transcript_cues"].as_u64().unwrap()
    );
    // The jump outlived the token.
    let token = sim.s2s().await;
    let got = sim
        .call_as(
            &token,
            Method::GET,
            &format!("/past_meetings/{}", twice(played["uuid"].as_str().unwrap())),
            None,
        )
        .await;
    assert_eq!(got.json()["topic"], "Played live");
    let got = sim
        .call_as(
            &token,
            Method::GET,
            &format!(
                "/meetings/{}/recordings",
                twice(played["uuid"].as_str().unwrap())
            ),
            None,
        )
        .await;
    assert_eq!(got.status, 200);
    let deliveries = sim.sim("/deliveries").await;
    assert!(
        deliveries
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["event"] == "meeting.ended" && one["body"]["event"] == "meeting.ended")
    );
    let known = sim.sim("/knowable").await;
    assert!(
        known["instances"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["uuid"] == played["uuid"])
    );
}

#[tokio::test]
async fn a_transcript_that_never_comes() {
    let (sim, inbox) = subscribed().await;
    sim.sim_post("/faults", json!({ "kind": "transcript_never" }))
        .await;
    let played = sim.sim_post("/live", json!({ "jump": true })).await;
    assert_eq!(played["transcript_cues"], 0);
    until(&inbox, "recording.completed").await;
    let known = sim.sim("/knowable").await;
    let one = known["instances"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["uuid"] == played["uuid"])
        .unwrap()
        .clone();
    assert_eq!(one["transcript_reason"], "no_transcript");
}

#[tokio::test]
async fn changes_by_rest_are_announced() {
    let (sim, inbox) = subscribed().await;
    let made = sim
        .post(
            "/users/me/meetings",
            &json!({ "topic": "Announced", "settings": { "approval_type": 0 } }),
        )
        .await
        .json();
    let event = until(&inbox, "meeting.created").await;
    assert_eq!(event["payload"]["object"]["id"], made["id"]);
    sim.send(
        Method::PATCH,
        &format!("/meetings/{}", made["id"]),
        &json!({ "topic": "Renamed" }),
    )
    .await;
    until(&inbox, "meeting.updated").await;
    sim.post(
        &format!("/meetings/{}/registrants", made["id"]),
        &json!({ "email": "a@b.example", "first_name": "A" }),
    )
    .await;
    until(&inbox, "meeting.registration_created").await;
    sim.delete(&format!("/meetings/{}", made["id"])).await;
    until(&inbox, "meeting.deleted").await;
}

#[tokio::test]
async fn subscriptions_by_api() {
    let sim = start().await;
    let (url, inbox) = listen().await;
    let body = json!({ "events": ["meeting.created"], "event_subscription_name": "mine", "event_webhook_url": url, "subscription_scope": "account" });
    let got = sim.post("/marketplace/app/event_subscription", &body).await;
    assert_eq!(got.status, 201, "{}", got.text());
    let id = got.json()["event_subscription_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let listed = sim
        .ok("/marketplace/app/event_subscription?user_id=me&account_id=simulator")
        .await;
    assert_eq!(
        listed["event_subscriptions"][0]["event_subscription_id"],
        id
    );
    sim.post("/users/me/meetings", &json!({ "topic": "x" }))
        .await;
    until(&inbox, "meeting.created").await;
    assert_eq!(
        sim.delete(&format!("/marketplace/app/event_subscription/{id}"))
            .await
            .status,
        204
    );
    assert_eq!(
        sim.delete(&format!("/marketplace/app/event_subscription/{id}"))
            .await
            .status,
        404
    );
    let dead = json!({ "events": ["meeting.created"], "event_webhook_url": "http://127.0.0.1:9/", "subscription_scope": "account" });
    assert_eq!(
        sim.post("/marketplace/app/event_subscription", &dead)
            .await
            .refusal(),
        (400, 300)
    );
}

#[tokio::test]
async fn the_delivery_log_shows_every_try() {
    let mut apps = App::defaults();
    apps[0].scopes = AppScopes::Only(vec![
        "marketplace_app:read:admin".to_owned(),
        "meeting:write:admin".to_owned(),
    ]);
    let sim = start_with(Config { apps, ..config() }).await;
    let (url, inbox) = listen().await;
    sim.sim_post("/subscriptions", json!({ "url": url })).await;
    sim.post("/users/me/meetings", &json!({ "topic": "x" }))
        .await;
    until(&inbox, "meeting.created").await;
    for _ in 0..1000 {
        let logs = sim.ok("/marketplace/apps/simulator/webhook_logs").await;
        if let Some(first) = logs["webhook_logs"].get(0) {
            assert_eq!(first["event"], "meeting.created");
            assert_eq!(first["status"], 200);
            return;
        }
    }
    panic!("the log stays empty");
}

//! The webhook door: what Zoom sends comes in, what others send stays out, and nothing is lost in between.

use jiff::SignedDuration;
use parfocal_engine::config::{Secret, ZoomApp};

use crate::support::{SECRET, Site, event, hmac, sign};

#[tokio::test]
async fn a_challenge_is_answered_with_the_secret_that_signed_it() {
    let site = Site::with(|config| {
        config.zoom.webhook_secret_token = vec![Secret::new("another"), Secret::new(SECRET)];
        let app = ZoomApp {
            client_id: None,
            webhook_secret_token: vec![Secret::new("crm-secret")],
        };
        config.zoom.apps.insert("crm".into(), app);
    })
    .await;
    let body = r#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}"#;
    let answer = site.deliver(body).await.is(200).json();
    assert_eq!(answer["plainToken"], "qgg8vlvZRS6UYooatFL8Aw");
    assert_eq!(
        answer["encryptedToken"],
        hmac(SECRET, "qgg8vlvZRS6UYooatFL8Aw")
    );

    let at = jiff::Timestamp::now().as_second().to_string();
    let signature = sign("crm-secret", &at, body);
    let answer = site
        .post(
            "/webhooks/zoom/crm",
            body.to_owned(),
            Some(&at),
            Some(&signature),
        )
        .await
        .is(200)
        .json();
    assert_eq!(
        answer["encryptedToken"],
        hmac("crm-secret", "qgg8vlvZRS6UYooatFL8Aw")
    );
    assert_eq!(
        site.get("/v1/events").await.is(200).json()["items"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn an_event_is_durable_when_it_is_answered_and_a_repeat_is_one_row() {
    let site = Site::start().await;
    let answer = site.deliver(&event(1)).await.is(204);
    assert!(answer.text.is_empty());
    site.deliver(&event(1)).await.is(204);
    site.deliver(&event(2)).await.is(204);
    let events = site.get("/v1/events").await.is(200).json();
    let events = events["items"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["event"], "meeting.started");
    assert_eq!(events[1]["repeats"], 1);
    let id = events[1]["id"].as_str().unwrap();
    let one = site.get(&format!("/v1/events/{id}")).await.is(200).json();
    assert_eq!(one["raw"]["payload"]["account_id"], "acc");
}

#[tokio::test]
async fn the_signature_covers_the_exact_bytes() {
    let site = Site::start().await;
    for body in [
        "{ \"event\" : \"meeting.started\",\n \"event_ts\": 1763790000001, \"payload\": {\"account_id\":\"a\",\"object\":{\"id\":1}}}  ",
        r#"{"event":"meeting.started","event_ts":1763790000002,"payload":{"account_id":"a","object":{"id":2,"topic":"caf\u00e9 \/ \"x\""}}}"#,
        r#"{"event":"meeting.started","event_ts":1763790000003,"payload":{"account_id":"a","object":{"id":3,"topic":"会議 – Übersicht 🎉"}}}"#,
    ] {
        site.deliver(body).await.is(204);
    }
    let body = event(5);
    let at = jiff::Timestamp::now().as_second().to_string();
    let signature = sign(SECRET, &at, &body);
    site.post(
        "/webhooks/zoom",
        format!("{body} "),
        Some(&at),
        Some(&signature),
    )
    .await
    .is(401);
}

#[tokio::test]
async fn a_late_retry_is_taken_and_a_replay_is_not() {
    let site = Site::start().await;
    site.deliver_at("/webhooks/zoom", &event(1), SignedDuration::from_mins(85))
        .await
        .is(204);
    site.deliver_at("/webhooks/zoom", &event(2), SignedDuration::from_mins(-4))
        .await
        .is(204);
    let old = site
        .deliver_at("/webhooks/zoom", &event(3), SignedDuration::from_mins(121))
        .await
        .is(401);
    old.problem("webhook_outside_window");
    let ahead = site
        .deliver_at("/webhooks/zoom", &event(4), SignedDuration::from_mins(-6))
        .await
        // Our clock is behind: Zoom never repeats what is answered with 401.
        .is(503);
    ahead.problem("webhook_outside_window");
    assert_eq!(
        site.get("/v1/events").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn what_is_forged_stays_out() {
    let site = Site::start().await;
    let body = event(1);
    let at = jiff::Timestamp::now().as_second().to_string();
    let forged = sign("a guess", &at, &body);
    site.post("/webhooks/zoom", body.clone(), Some(&at), Some(&forged))
        .await
        .is(401)
        .problem("webhook_forged");
    site.post("/webhooks/zoom", body.clone(), None, None)
        .await
        .is(401)
        .problem("webhook_unsigned");
    for signature in ["", "v0=", "v1=abc", "v0=zz", &"v0=".repeat(5000)] {
        site.post("/webhooks/zoom", body.clone(), Some(&at), Some(signature))
            .await
            .is(401);
    }
    for at in ["", "soon", "-1", "99999999999999999999"] {
        site.post(
            "/webhooks/zoom",
            body.clone(),
            Some(at),
            Some(&sign(SECRET, at, &body)),
        )
        .await
        .is(401);
    }
    site.deliver_at("/webhooks/zoom/nobody", &body, SignedDuration::ZERO)
        .await
        .is(404)
        .problem("webhook_unknown_app");
    assert_eq!(
        site.get("/v1/events").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn oversized_and_malformed_bodies_are_refused() {
    let site = Site::with(|config| {
        config.zoom.webhook_secret_token = vec![Secret::new(SECRET)];
        config.server.max_webhook_bytes = 2048;
    })
    .await;
    let large = format!(
        r#"{{"event":"x","event_ts":1,"payload":{{"pad":"{}"}}}}"#,
        "a".repeat(4000)
    );
    site.deliver(&large)
        .await
        .is(413)
        .problem("webhook_too_large");
    // Without a length announced, the limit holds while reading.
    let pieces =
        futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>("a".repeat(100))));
    let request = site
        .client
        .post(format!("{}/webhooks/zoom", site.url))
        .body(reqwest::Body::wrap_stream(pieces));
    let answer = crate::support::Answer::of(request.send().await.unwrap())
        .await
        .is(413);
    answer.problem("webhook_too_large");

    for body in [
        "",
        "[]",
        "null",
        "{\"event\":",
        "{\"no\":\"event\"}",
        "\u{0}\u{1}",
        &"[".repeat(1500),
    ] {
        site.deliver(body)
            .await
            .is(400)
            .problem("webhook_malformed");
    }
    site.client
        .get(format!("{}/webhooks/zoom", site.url))
        .send()
        .await
        .map(|answer| assert_eq!(answer.status(), 405))
        .unwrap();
    assert_eq!(
        site.get("/v1/events").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn zoom_is_asked_to_come_again_when_nothing_can_be_stored() {
    let site = Site::start().await;
    site.app.store().close().await;
    let answer = site.deliver(&event(1)).await.is(503);
    answer.problem("webhook_unavailable");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    assert!(
        !answer.text.to_lowercase().contains("sql"),
        "inner text leaves the house: {}",
        answer.text
    );
    site.get("/readyz").await.is(503);
    site.get("/healthz").await.is(200);
}

#[tokio::test]
async fn without_any_secret_zoom_keeps_its_events_for_later() {
    let site = Site::with(|_| {}).await;
    let answer = site.deliver(&event(1)).await.is(503);
    let problem = answer.problem("webhook_no_secret");
    assert!(
        problem["hint"]
            .as_str()
            .unwrap()
            .contains("ZOOM_WEBHOOK_SECRET_TOKEN")
    );
}

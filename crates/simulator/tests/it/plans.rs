//! What a plan does not have, Zoom refuses in its own words.

use parfocal_simulator::{Config, Plan};
use serde_json::json;

use crate::kit::{config, start_with};

#[tokio::test]
async fn a_free_account_schedules_and_no_more() {
    let sim = start_with(Config {
        plan: Plan::Free,
        ..config()
    })
    .await;
    assert_eq!(sim.get("/users").await.status, 200);
    let got = sim
        .post(
            "/users/me/meetings",
            &json!({ "topic": "x", "settings": { "approval_type": 0, "auto_recording": "cloud" } }),
        )
        .await;
    assert_eq!(got.status, 201);
    assert_eq!(
        got.json()["settings"]["approval_type"],
        2,
        "dropped silently"
    );
    assert_ne!(got.json()["settings"]["auto_recording"], "cloud");
    let number = got.json()["id"].as_u64().unwrap();
    for path in [
        format!("/past_meetings/{number}"),
        format!("/past_meetings/{number}/instances"),
        format!("/past_meetings/{number}/participants"),
        format!("/meetings/{number}/registrants"),
        "/users/me/recordings".to_owned(),
        "/users/me/webinars".to_owned(),
        "/report/history_meetings?from=2026-11-01&to=2026-11-02".to_owned(),
        "/report/users/me/meetings?from=2026-11-01&to=2026-11-02".to_owned(),
        "/meetings/meeting_summaries".to_owned(),
        "/metrics/meetings".to_owned(),
    ] {
        let got = sim.get(&path).await;
        assert_eq!(got.refusal(), (400, 200), "{path}: {}", got.text());
    }
    assert_eq!(
        sim.get(&format!("/meetings/{number}/recordings"))
            .await
            .refusal(),
        (404, 3301)
    );
    assert_eq!(sim.post("/users", &json!({})).await.refusal(), (400, 200));
    assert_eq!(
        sim.ok("/users/me/settings").await["recording"]["cloud_recording"],
        false
    );
}

#[tokio::test]
async fn pro_has_the_past_and_no_dashboards() {
    let sim = start_with(Config {
        plan: Plan::Pro,
        ..config()
    })
    .await;
    assert!(!sim.history().await.is_empty());
    assert!(!sim.recordings().await.is_empty());
    assert_eq!(sim.get("/metrics/meetings").await.refusal(), (400, 200));
    assert_eq!(sim.get("/tracking_fields").await.refusal(), (400, 200));
}

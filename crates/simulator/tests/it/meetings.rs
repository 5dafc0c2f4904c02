//! Meetings: create, read, change, delete, list, end, invite.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Sim, start};

async fn create(sim: &Sim, body: Value) -> Value {
    let got = sim.post("/users/me/meetings", &body).await;
    assert_eq!(got.status, 201, "{}", got.text());
    got.json()
}

#[tokio::test]
async fn a_meeting_lives_from_create_to_delete() {
    let sim = start().await;
    let made = create(
        &sim,
        json!({ "topic": "Plan <b>", "type": 2, "start_time": "2026-12-01T09:00:00", "timezone": "Europe/Oslo", "duration": 45, "agenda": "a", "settings": { "waiting_room": true, "no_such_setting": 1 } }),
    )
    .await;
    assert_eq!(
        made["start_time"], "2026-12-01T08:00:00Z",
        "local time of the zone"
    );
    assert_eq!(made["status"], "waiting");
    assert!(
        made["settings"].get("no_such_setting").is_none(),
        "dropped silently"
    );
    let number = made["id"].as_u64().unwrap();
    assert_eq!(number.to_string().len(), 11);
    let path = format!("/meetings/{number}");
    assert_eq!(sim.ok(&path).await["topic"], "Plan <b>");
    let listed = sim
        .all("/users/me/meetings?type=scheduled", "meetings")
        .await;
    assert!(listed.iter().any(|row| row["id"] == number));
    assert!(
        sim.all("/users/me/meetings?type=upcoming", "meetings")
            .await
            .iter()
            .any(|row| row["id"] == number)
    );
    assert_eq!(
        sim.send(
            Method::PATCH,
            &path,
            &json!({ "duration": 30, "start_time": "2020-01-01T00:00:00Z" })
        )
        .await
        .status,
        204
    );
    let read = sim.ok(&path).await;
    assert_eq!(read["duration"], 30);
    assert_eq!(
        read["start_time"], "2026-12-01T08:00:00Z",
        "a start in the past is ignored"
    );
    let text = sim.ok(&format!("{path}/invitation")).await["invitation"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(text.contains("Plan <b>") && text.contains(read["join_url"].as_str().unwrap()));
    assert_eq!(sim.delete(&path).await.status, 204);
    let got = sim.get(&path).await;
    assert_eq!(got.refusal(), (404, 3001));
    assert_eq!(
        got.json()["message"],
        format!("Meeting does not exist: {number}.")
    );
}

#[tokio::test]
async fn series_keep_their_wall_clock_and_their_occurrences() {
    let sim = start().await;
    let made = create(
        &sim,
        json!({ "topic": "Weekly", "type": 8, "start_time": "2027-03-22T09:00:00", "timezone": "Europe/Berlin", "duration": 30,
            "recurrence": { "type": 2, "repeat_interval": 1, "weekly_days": "2,4", "end_times": 4 } }),
    )
    .await;
    let times: Vec<&str> = made["occurrences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["start_time"].as_str().unwrap())
        .collect();
    assert_eq!(
        times,
        [
            "2027-03-22T08:00:00Z",
            "2027-03-24T08:00:00Z",
            "2027-03-29T07:00:00Z",
            "2027-03-31T07:00:00Z"
        ]
    );
    let path = format!("/meetings/{}", made["id"]);
    let second = made["occurrences"][1]["occurrence_id"].as_str().unwrap();
    let one = sim.ok(&format!("{path}?occurrence_id={second}")).await;
    assert_eq!(one["start_time"], "2027-03-24T08:00:00Z");
    assert_eq!(
        sim.send(
            Method::PATCH,
            &format!("{path}?occurrence_id={second}"),
            &json!({ "duration": 90 })
        )
        .await
        .status,
        204
    );
    assert_eq!(
        sim.delete(&format!("{path}?occurrence_id={second}"))
            .await
            .status,
        204
    );
    let status: Vec<Value> = sim.ok(&path).await["occurrences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(status, ["available", "deleted", "available", "available"]);
    assert_eq!(
        sim.get(&format!("{path}?occurrence_id=1")).await.refusal(),
        (400, 300)
    );
    assert_eq!(
        sim.delete(&format!("{path}?occurrence_id=1"))
            .await
            .refusal(),
        (400, 300)
    );
}

#[tokio::test]
async fn bad_fields_are_named() {
    let sim = start().await;
    for (body, field) in [
        (json!({ "type": 5 }), "type"),
        (json!({ "topic": "x".repeat(201) }), "topic"),
        (json!({ "duration": 0 }), "duration"),
        (json!({ "start_time": "tomorrow" }), "start_time"),
        (json!({ "timezone": "Middle/Earth" }), "timezone"),
        (json!({ "password": "01234567890" }), "password"),
        (
            json!({ "settings": { "auto_recording": "always" } }),
            "settings.auto_recording",
        ),
        (
            json!({ "type": 8, "recurrence": { "type": 2, "weekly_days": "8" } }),
            "recurrence.weekly_days",
        ),
        (
            json!({ "type": 8, "recurrence": { "type": 1, "end_times": 61 } }),
            "recurrence.end_times",
        ),
        (
            json!({ "type": 8, "recurrence": { "type": 1, "end_times": 2, "end_date_time": "2027-01-01T00:00:00Z" } }),
            "recurrence.end_times",
        ),
    ] {
        let got = sim.post("/users/me/meetings", &body).await;
        assert_eq!(got.refusal(), (400, 300), "{body}");
        let answer = got.json();
        assert_eq!(answer["message"], "Validation Failed.");
        assert_eq!(answer["errors"][0]["field"], field, "{answer}");
    }
    let got = crate::kit::read(
        sim.http
            .post(sim.url("/v2/users/me/meetings"))
            .bearer_auth(&sim.token)
            .header("content-type", "text/plain")
            .body("x"),
    )
    .await;
    assert_eq!(got.refusal(), (415, 300));
    let got = crate::kit::read(
        sim.http
            .post(sim.url("/v2/users/me/meetings"))
            .bearer_auth(&sim.token)
            .header("content-type", "application/json")
            .body("{"),
    )
    .await;
    assert_eq!(got.refusal(), (400, 300));
}

#[tokio::test]
async fn every_listed_meeting_and_webinar_can_be_read() {
    let sim = start().await;
    let mut kinds = std::collections::BTreeSet::new();
    for id in sim.user_ids().await {
        for row in sim.all(&format!("/users/{id}/meetings"), "meetings").await {
            let meeting = sim
                .ok(&format!(
                    "/meetings/{}?show_previous_occurrences=true",
                    row["id"]
                ))
                .await;
            kinds.insert(meeting["type"].as_u64().unwrap());
            assert_eq!(meeting["host_id"], id);
        }
        let got = sim.get(&format!("/users/{id}/webinars")).await;
        if got.status == 200 {
            for row in got.json()["webinars"].as_array().unwrap() {
                sim.ok(&format!("/webinars/{}", row["id"])).await;
                assert_eq!(
                    sim.get(&format!("/meetings/{}", row["id"])).await.refusal(),
                    (400, 3000)
                );
            }
        } else {
            assert_eq!(got.refusal(), (400, 200));
        }
        sim.ok(&format!("/users/{id}/upcoming_meetings")).await;
        let pmi = sim.ok(&format!("/users/{id}")).await["pmi"]
            .as_u64()
            .unwrap();
        assert_eq!(
            sim.delete(&format!("/meetings/{pmi}")).await.refusal(),
            (400, 3018)
        );
    }
    assert!(kinds.contains(&2) && kinds.contains(&8), "{kinds:?}");
}

#[tokio::test]
async fn unknown_paths_other_methods_and_gaps_are_three_things() {
    let sim = start().await;
    let got = sim.get("/no/such/path").await;
    assert_eq!(got.refusal(), (400, 2300));
    assert_eq!(
        got.json()["message"],
        "This API endpoint is not recognized."
    );
    let got = crate::kit::read(sim.http.put(sim.url("/v2/users")).bearer_auth(&sim.token)).await;
    assert_eq!(got.status, 405);
    let got = crate::kit::read(sim.http.get(sim.url("/v2/roles")).bearer_auth(&sim.token)).await;
    assert_eq!(got.status, 501);
    assert_eq!(got.header("x-sim-not-implemented"), Some("GET /roles"));
    let gaps = sim.sim("/gaps").await;
    assert_eq!(gaps[0]["path"], "/roles");
    assert_eq!(gaps[0]["count"], 1);
}

//! `/_sim/knowable` against what REST really tells.

use std::collections::BTreeSet;

use parfocal_simulator::{Config, Plan};
use serde_json::Value;
use sha2::Digest as _;

use crate::kit::{config, encode, read, start, start_with, twice};

fn uuids<'a>(rows: impl IntoIterator<Item = &'a Value>, name: &str) -> BTreeSet<String> {
    rows.into_iter()
        .map(|row| row[name].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn it_tells_exactly_what_rest_tells() {
    let sim = start().await;
    let known = sim.sim("/knowable").await;
    let instances = known["instances"].as_array().unwrap();
    // Instances: reports, series and rooms, recordings.
    let mut told = uuids(&sim.history().await, "meeting_uuid");
    let recordings = sim.recordings().await;
    told.extend(uuids(&recordings, "uuid"));
    let since = known["since"].as_str().unwrap().to_owned();
    let mut numbers = Vec::new();
    for user in sim.all("/users", "users").await {
        numbers.push(user["pmi"].as_u64().unwrap());
        for row in sim
            .all(
                &format!("/users/{}/meetings", user["id"].as_str().unwrap()),
                "meetings",
            )
            .await
        {
            if matches!(row["type"].as_u64(), Some(3 | 8)) {
                numbers.push(row["id"].as_u64().unwrap());
            }
        }
    }
    for number in numbers {
        let past = sim.ok(&format!("/past_meetings/{number}/instances")).await;
        told.extend(uuids(
            past["meetings"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|one| one["start_time"].as_str().unwrap() >= since.as_str()),
            "uuid",
        ));
    }
    assert_eq!(uuids(instances, "uuid"), told);
    // Attendance, files, bytes.
    let mut rows = 0;
    for one in instances {
        let path = twice(one["uuid"].as_str().unwrap());
        let webinar = matches!(one["type"].as_u64(), Some(5 | 6 | 9));
        let list = if webinar {
            "past_webinars"
        } else {
            "past_meetings"
        };
        let people = sim
            .all(&format!("/{list}/{path}/participants"), "participants")
            .await;
        match one["participants"].as_array() {
            Some(expected) => {
                assert_eq!(people.len(), expected.len());
                for (a, b) in people.iter().zip(expected) {
                    assert_eq!(
                        (&a["name"], &a["user_email"], &a["join_time"]),
                        (&b["name"], &b["user_email"], &b["join_time"])
                    );
                }
            }
            None => assert!(people.is_empty() && one["participants_reason"] == "single_person"),
        }
        rows += people.len();
        let got = sim.get(&format!("/meetings/{path}/recordings")).await;
        match one["recording"]["files"].as_array() {
            Some(files) => {
                let sizes: Vec<&Value> = files.iter().map(|file| &file["file_type"]).collect();
                let body = got.json();
                assert_eq!(
                    body["recording_files"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|file| &file["file_type"])
                        .collect::<Vec<_>>(),
                    sizes
                );
            }
            None => assert_eq!(got.refusal(), (404, 3301)),
        }
    }
    let totals = &known["totals"];
    assert_eq!(
        totals["participant_rows"].as_u64().unwrap(),
        u64::try_from(rows).unwrap()
    );
    assert_eq!(
        totals["recordings"].as_u64().unwrap(),
        u64::try_from(recordings.len()).unwrap()
    );
    assert!(totals["cues"].as_u64().unwrap() > 1000, "{totals}");
    assert!(known["unavailable"].as_array().unwrap().is_empty());
    // One transcript, byte for byte.
    let one = instances
        .iter()
        .find(|one| !one["transcript"].is_null())
        .unwrap();
    let recording = sim
        .ok(&format!(
            "/meetings/{}/recordings",
            twice(one["uuid"].as_str().unwrap())
        ))
        .await;
    let file = recording["recording_files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["file_type"] == "TRANSCRIPT")
        .unwrap();
    let door = read(
        sim.http
            .get(file["download_url"].as_str().unwrap())
            .bearer_auth(&sim.token),
    )
    .await;
    let bytes = read(sim.http.get(door.header("location").unwrap()))
        .await
        .bytes;
    assert_eq!(
        one["transcript"]["sha256"],
        hex::encode(sha2::Sha256::digest(&bytes))
    );
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(
        one["transcript"]["parts"][0]["cues"].as_u64().unwrap(),
        u64::try_from(text.matches(" --> ").count()).unwrap()
    );
    assert!(encode(one["uuid"].as_str().unwrap()).len() >= 24);
}

#[tokio::test]
async fn less_means_know_less_and_say_why() {
    let sim = start().await;
    let known = sim
        .sim("/knowable?scopes=user:read:list_users:admin,report:read:list_history_meetings:admin")
        .await;
    assert_eq!(known["totals"]["meetings"], 0);
    assert_eq!(known["totals"]["recordings"], 0);
    let some = &known["instances"][0];
    assert_eq!(some["participants_reason"], "scope");
    assert_eq!(some["transcript_reason"], "scope");
    let what = uuids(known["unavailable"].as_array().unwrap(), "what");
    assert!(
        what.contains("recordings") && what.contains("participants") && !what.contains("users")
    );
    let free = sim.sim("/knowable?plan=free").await;
    assert_eq!(free["instances"].as_array().unwrap().len(), 0);
    assert!(
        free["unavailable"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["what"] == "recordings" && one["reason"] == "plan")
    );
    assert!(free["least_calls"]["by_endpoint"]["GET /users/{userId}/recordings"] == 1);
    let late = sim.sim("/knowable?since=2026-11-15").await;
    assert!(
        late["totals"]["instances"].as_u64()
            < sim.sim("/knowable").await["totals"]["instances"].as_u64()
    );
}

#[tokio::test]
async fn the_least_calls_follow_the_plan() {
    let sim = start_with(Config {
        limits: parfocal_simulator::Limits::Plan(Plan::Free),
        ..config()
    })
    .await;
    let known = sim.sim("/knowable").await;
    let calls = &known["least_calls"];
    let at = |key: &str| calls["by_endpoint"][key].as_u64().unwrap_or(0);
    assert_eq!(at("GET /users"), 3);
    let hosts = sim.sim("/info").await;
    assert!(hosts["counts"]["users"].as_u64().unwrap() >= at("GET /users/{userId}/meetings"));
    assert_eq!(
        at("GET /report/history_meetings"),
        7,
        "181 days in windows of 30"
    );
    assert_eq!(
        at("GET /users/{userId}/recordings"),
        7 * at("GET /users/{userId}/meetings")
    );
    assert_eq!(
        at("GET /meetings/{meetingId}"),
        known["totals"]["meetings"].as_u64().unwrap()
    );
    assert_eq!(
        at("GET /past_meetings/{meetingId}/participants")
            + at("GET /past_webinars/{webinarId}/participants"),
        known["totals"]["instances"].as_u64().unwrap()
    );
    let sum: u64 = calls["by_label"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(calls["total"].as_u64().unwrap(), sum);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred calls")]
    let medium = calls["by_label"]["MEDIUM"].as_u64().unwrap() as f64 / 2.0;
    assert!(calls["seconds"].as_f64().unwrap() >= medium);
}

#[tokio::test]
async fn who_listens_knows_meetings_whose_numbers_have_expired_since() {
    let sim = start().await;
    let count = async |events: &str| {
        let known = sim.sim(&format!("/knowable?events={events}")).await;
        known["totals"]["meetings"].as_u64().unwrap()
    };
    let first = count("all").await;
    assert_eq!(count("none").await, first);
    sim.advance(40 * 24 * 3600).await;
    assert!(count("none").await < first, "one-off meetings live 30 days");
    assert_eq!(count("all").await, first);
}

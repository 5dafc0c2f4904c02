//! What was: instances, UUIDs in paths, attendance, reports, summaries, AI Companion transcripts.

use crate::kit::{encode, start, twice};

#[tokio::test]
async fn every_reported_instance_has_details_and_attendance() {
    let sim = start().await;
    let history = sim.history().await;
    assert!(history.len() >= 30, "{}", history.len());
    let mut awkward = 0;
    for row in &history {
        let uuid = row["meeting_uuid"].as_str().unwrap();
        let path = twice(uuid);
        if uuid.starts_with('/') || uuid.contains("//") {
            awkward += 1;
            let got = sim.get(&format!("/past_meetings/{}", encode(uuid))).await;
            assert_eq!(
                got.refusal(),
                (400, 2300),
                "encoded once is not enough: {uuid}"
            );
        }
        if row["type"] == "Webinar" {
            let rows = sim
                .all(
                    &format!("/past_webinars/{path}/participants"),
                    "participants",
                )
                .await;
            assert!(!rows.is_empty());
            sim.ok(&format!("/report/webinars/{path}")).await;
            sim.ok(&format!("/report/webinars/{path}/participants"))
                .await;
            assert_eq!(
                sim.get(&format!("/past_meetings/{path}")).await.refusal(),
                (400, 300)
            );
            assert_eq!(
                sim.get(&format!("/past_meetings/{path}/participants"))
                    .await
                    .refusal(),
                (404, 3001)
            );
            sim.ok(&format!("/past_webinars/{}/instances", row["meeting_id"]))
                .await;
            continue;
        }
        let details = sim.ok(&format!("/past_meetings/{path}")).await;
        assert_eq!(details["topic"], row["topic"]);
        assert_eq!(details["participants_count"], row["participants"]);
        let rows = sim
            .all(
                &format!("/past_meetings/{path}/participants"),
                "participants",
            )
            .await;
        assert!(rows.len() >= 2);
        let reported = sim
            .all(
                &format!("/report/meetings/{path}/participants?include_fields=registrant_id"),
                "participants",
            )
            .await;
        assert_eq!(rows.len(), reported.len());
        sim.ok(&format!("/report/meetings/{path}")).await;
    }
    assert!(
        awkward >= 2,
        "the account has UUIDs that need two encodings"
    );
}

#[tokio::test]
async fn a_number_means_the_latest_instance() {
    let sim = start().await;
    let mut tried = 0;
    for id in sim.user_ids().await {
        for row in sim
            .all(&format!("/users/{id}/meetings"), "meetings")
            .await
            .iter()
            .filter(|row| row["type"] == 8)
        {
            let instances = sim
                .ok(&format!("/past_meetings/{}/instances", row["id"]))
                .await["meetings"]
                .as_array()
                .unwrap()
                .clone();
            let Some(latest) = instances
                .iter()
                .max_by_key(|one| one["start_time"].as_str().unwrap().to_owned())
            else {
                continue;
            };
            assert_eq!(
                sim.ok(&format!("/past_meetings/{}", row["id"])).await["uuid"],
                latest["uuid"]
            );
            tried += 1;
        }
    }
    assert!(tried >= 2);
    assert_eq!(
        sim.get("/past_meetings/99999999999/instances")
            .await
            .refusal(),
        (404, 3001)
    );
}

#[tokio::test]
async fn meetings_of_one_person_have_no_attendance_and_no_report() {
    let sim = start().await;
    let history = sim.history().await;
    let mut alone = 0;
    for user in sim.all("/users", "users").await {
        let instances = sim
            .ok(&format!("/past_meetings/{}/instances", user["pmi"]))
            .await["meetings"]
            .as_array()
            .unwrap()
            .clone();
        for one in instances {
            let path = twice(one["uuid"].as_str().unwrap());
            let details = sim.ok(&format!("/past_meetings/{path}")).await;
            if details["participants_count"] == 1 {
                alone += 1;
                assert!(history.iter().all(|row| row["meeting_uuid"] != one["uuid"]));
                assert!(
                    sim.all(
                        &format!("/past_meetings/{path}/participants"),
                        "participants"
                    )
                    .await
                    .is_empty()
                );
            }
        }
    }
    eprintln!("{alone} meetings of one person in personal rooms");
}

#[tokio::test]
async fn addresses_of_outsiders_are_blank() {
    let sim = start().await;
    let mut blank = 0;
    let mut own = 0;
    for row in sim
        .history()
        .await
        .iter()
        .filter(|row| row["type"] == "Meeting")
    {
        let path = twice(row["meeting_uuid"].as_str().unwrap());
        for row in sim
            .all(
                &format!("/past_meetings/{path}/participants"),
                "participants",
            )
            .await
        {
            let email = row["user_email"].as_str().unwrap();
            if row["internal_user"] == true {
                own += usize::from(email.ends_with("@brightwater.example"));
            }
            blank += usize::from(email.is_empty());
            assert!(row["join_time"].as_str().unwrap() <= row["leave_time"].as_str().unwrap());
        }
    }
    assert!(blank > 0 && own > 0);
}

#[tokio::test]
async fn windows_are_demanded_and_bounded() {
    let sim = start().await;
    assert_eq!(
        sim.get("/report/history_meetings").await.refusal(),
        (400, 300)
    );
    assert_eq!(
        sim.get("/report/history_meetings?from=2026-09-01&to=2026-10-15")
            .await
            .refusal(),
        (400, 300)
    );
    assert_eq!(
        sim.get("/report/history_meetings?from=2026-10-15&to=2026-09-15")
            .await
            .refusal(),
        (400, 300)
    );
    assert_eq!(
        sim.get("/report/users/me/meetings?from=2026-09-01")
            .await
            .refusal(),
        (400, 300)
    );
    assert_eq!(
        sim.get("/users/me/recordings?from=2026-09-01&to=2026-10-15")
            .await
            .refusal(),
        (400, 300)
    );
    assert_eq!(
        sim.get("/users/me/recordings?from=yesterday")
            .await
            .refusal(),
        (400, 300)
    );
    assert!(
        sim.ok("/report/history_meetings?from=2025-01-01&to=2025-01-20")
            .await["history_meetings"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn both_reports_tell_the_same() {
    let sim = start().await;
    let mut of_users = Vec::new();
    for status in ["active", "inactive"] {
        for user in sim.all(&format!("/users?status={status}"), "users").await {
            for (from, to) in crate::kit::windows() {
                let path = format!(
                    "/report/users/{}/meetings?from={from}&to={to}",
                    user["id"].as_str().unwrap()
                );
                of_users.extend(
                    sim.all(&path, "meetings")
                        .await
                        .iter()
                        .map(|row| row["uuid"].as_str().unwrap().to_owned()),
                );
            }
        }
    }
    let mut of_account: Vec<String> = sim
        .history()
        .await
        .iter()
        .map(|row| row["meeting_uuid"].as_str().unwrap().to_owned())
        .collect();
    of_users.sort();
    of_account.sort();
    assert_eq!(of_users, of_account);
}

#[tokio::test]
async fn summaries_and_companion_transcripts() {
    let sim = start().await;
    let rows = sim
        .all(
            "/meetings/meeting_summaries?from=2026-06-01T00:00:00Z&to=2026-11-20T12:00:00Z",
            "summaries",
        )
        .await;
    assert!(!rows.is_empty());
    for row in &rows {
        let path = twice(row["meeting_uuid"].as_str().unwrap());
        let summary = sim.ok(&format!("/meetings/{path}/meeting_summary")).await;
        assert!(!summary["summary_content"].as_str().unwrap().is_empty());
        let transcript = sim.ok(&format!("/meetings/{path}/transcript")).await;
        assert_eq!(transcript["meeting_id"], row["meeting_uuid"]);
        if transcript["can_download"] == true {
            let url = transcript["download_url"].as_str().unwrap();
            let door = crate::kit::read(sim.http.get(url).bearer_auth(&sim.token)).await;
            let file = crate::kit::read(sim.http.get(door.header("location").unwrap())).await;
            assert!(file.text().starts_with("WEBVTT"));
        }
    }
    assert_eq!(
        sim.get("/meetings/99999999999/transcript").await.refusal(),
        (404, 3322)
    );
}

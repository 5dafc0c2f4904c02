//! Cloud recordings: lists, one meeting's, the trash.

use reqwest::Method;
use serde_json::json;

use crate::kit::{start, twice};

#[tokio::test]
async fn lists_and_single_answers_agree() {
    let sim = start().await;
    let rows = sim.recordings().await;
    assert!(rows.len() >= 20, "{}", rows.len());
    let mut kinds = std::collections::BTreeSet::new();
    for row in &rows {
        let uuid = row["uuid"].as_str().unwrap();
        let one = sim
            .ok(&format!("/meetings/{}/recordings", twice(uuid)))
            .await;
        assert_eq!(one["recording_files"], row["recording_files"]);
        assert!(row["type"].is_string(), "a string in lists");
        assert_eq!(
            row["recording_count"].as_u64().unwrap(),
            u64::try_from(row["recording_files"].as_array().unwrap().len()).unwrap()
        );
        for file in row["recording_files"].as_array().unwrap() {
            let kind = file["file_type"].as_str().unwrap();
            kinds.insert(kind.to_owned());
            assert_eq!(file["meeting_id"], row["uuid"]);
            for name in ["id", "status", "file_size", "recording_type", "play_url"] {
                assert_eq!(
                    file.get(name).is_none(),
                    matches!(kind, "CC" | "TIMELINE"),
                    "{kind} {name}"
                );
            }
        }
    }
    for kind in ["MP4", "M4A", "TRANSCRIPT", "CHAT", "TIMELINE"] {
        assert!(kinds.contains(kind), "{kinds:?}");
    }
    assert_eq!(
        sim.get("/meetings/99999999999/recordings").await.refusal(),
        (404, 3301)
    );
    assert_eq!(
        sim.get("/users/nobody@x.example/recordings")
            .await
            .refusal(),
        (404, 1001)
    );
    let account = sim
        .ok("/accounts/me/recordings?from=2026-11-01&to=2026-11-20")
        .await;
    assert!(account["meetings"].as_array().unwrap().len() <= rows.len());
}

#[tokio::test]
async fn the_trash_keeps_and_gives_back() {
    let sim = start().await;
    let row = sim
        .recordings()
        .await
        .into_iter()
        .find(|row| row["recording_files"].as_array().unwrap().len() > 2)
        .unwrap();
    let path = format!(
        "/meetings/{}/recordings",
        twice(row["uuid"].as_str().unwrap())
    );
    let trash = format!(
        "/users/{}/recordings?trash=true",
        row["host_id"].as_str().unwrap()
    );
    let before = sim.all(&trash, "meetings").await.len();
    assert_eq!(sim.delete(&path).await.status, 204);
    assert_eq!(sim.get(&path).await.refusal(), (404, 3301));
    let trashed = sim.all(&trash, "meetings").await;
    assert_eq!(trashed.len(), before + 1);
    assert!(
        trashed
            .iter()
            .all(|row| row["recording_files"][0]["deleted_time"].is_string())
    );
    assert_eq!(sim.delete(&path).await.refusal(), (404, 3301));
    assert_eq!(
        sim.send(
            Method::PUT,
            &format!("{path}/status"),
            &json!({ "action": "recover" })
        )
        .await
        .status,
        200
    );
    assert_eq!(
        sim.ok(&path).await["recording_files"],
        row["recording_files"]
    );
    let file = row["recording_files"][0]["id"].as_str().unwrap();
    assert_eq!(sim.delete(&format!("{path}/{file}")).await.status, 204);
    assert!(
        sim.ok(&path).await["recording_files"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["id"] != file)
    );
    assert_eq!(
        sim.send(
            Method::PUT,
            &format!("{path}/{file}/status"),
            &json!({ "action": "recover" })
        )
        .await
        .status,
        204
    );
    assert_eq!(
        sim.ok(&path).await["recording_files"],
        row["recording_files"]
    );
    assert_eq!(
        sim.delete(&format!("{path}?action=delete")).await.status,
        204
    );
    assert_eq!(sim.all(&trash, "meetings").await.len(), before);
    assert_eq!(
        sim.send(
            Method::PUT,
            &format!("{path}/status"),
            &json!({ "action": "recover" })
        )
        .await
        .refusal(),
        (404, 3301)
    );
    assert_eq!(
        sim.delete(&format!("{path}?action=burn")).await.refusal(),
        (400, 300)
    );
}

#[tokio::test]
async fn settings_show_the_passcode() {
    let sim = start().await;
    let row = &sim.recordings().await[0];
    let settings = sim
        .ok(&format!(
            "/meetings/{}/recordings/settings",
            twice(row["uuid"].as_str().unwrap())
        ))
        .await;
    assert_eq!(settings["topic"], row["topic"]);
}

//! Files: redirect, tokens, ranges, passcodes, the page that looks like success.

use serde_json::{Value, json};

use crate::kit::{Got, Sim, read, start, twice};

async fn transcript_of(sim: &Sim) -> (Value, Value) {
    for row in sim.recordings().await {
        for file in row["recording_files"].as_array().unwrap() {
            if file["file_type"] == "TRANSCRIPT" {
                return (row.clone(), file.clone());
            }
        }
    }
    panic!("no transcript in the account");
}

async fn fetch(sim: &Sim, url: &str, token: &str) -> Got {
    let door = read(sim.http.get(url).bearer_auth(token)).await;
    assert_eq!(door.status, 302, "{}", door.text());
    read(sim.http.get(door.header("location").unwrap())).await
}

fn is_sign_in(got: &Got) -> bool {
    got.status == 200
        && got.header("content-type").unwrap().starts_with("text/html")
        && got.text().contains("Sign In")
}

#[tokio::test]
async fn files_come_through_a_redirect_with_their_exact_bytes() {
    let sim = start().await;
    for row in sim.recordings().await.iter().take(6) {
        for file in row["recording_files"].as_array().unwrap() {
            let got = fetch(&sim, file["download_url"].as_str().unwrap(), &sim.token).await;
            assert_eq!(got.status, 200);
            if let Some(size) = file["file_size"].as_u64() {
                assert_eq!(u64::try_from(got.bytes.len()).unwrap(), size);
            }
            assert!(
                got.header("content-disposition")
                    .unwrap()
                    .contains("filename=\"GMT")
            );
            if file["file_type"] == "TRANSCRIPT" {
                assert!(got.text().starts_with("WEBVTT"));
                assert_eq!(got.header("content-type"), Some("text/vtt"));
            }
        }
    }
}

#[tokio::test]
async fn three_kinds_of_token_open_and_others_see_a_sign_in_page() {
    let sim = start().await;
    let (row, file) = transcript_of(&sim).await;
    let url = file["download_url"].as_str().unwrap();
    let path = format!(
        "/meetings/{}/recordings",
        twice(row["uuid"].as_str().unwrap())
    );
    let with = sim
        .ok(&format!(
            "{path}?include_fields=download_access_token&ttl=60"
        ))
        .await;
    let token = with["download_access_token"].as_str().unwrap().to_owned();
    assert!(sim.ok(&path).await.get("download_access_token").is_none());
    assert!(fetch(&sim, url, &token).await.text().starts_with("WEBVTT"));
    let by_query = read(sim.http.get(format!("{url}?access_token={token}"))).await;
    assert_eq!(by_query.status, 302);
    assert!(is_sign_in(&read(sim.http.get(url)).await));
    assert!(is_sign_in(
        &read(sim.http.get(url).bearer_auth("nonsense")).await
    ));
    let other = sim
        .recordings()
        .await
        .into_iter()
        .find(|other| other["uuid"] != row["uuid"])
        .unwrap();
    let foreign = read(
        sim.http
            .get(
                other["recording_files"][0]["download_url"]
                    .as_str()
                    .unwrap(),
            )
            .bearer_auth(&token),
    )
    .await;
    assert_eq!(foreign.status, 401);
    assert_eq!(
        foreign.json(),
        json!({ "status": false, "errorCode": 300, "errorMessage": "Forbidden" })
    );
    sim.advance(61).await;
    assert!(is_sign_in(
        &read(sim.http.get(url).bearer_auth(&token)).await
    ));
    assert_eq!(
        sim.get(&format!(
            "{path}?include_fields=download_access_token&ttl=604801"
        ))
        .await
        .refusal(),
        (400, 300)
    );
}

#[tokio::test]
async fn ranges_resume_a_download() {
    let sim = start().await;
    let (_, file) = transcript_of(&sim).await;
    let url = file["download_url"].as_str().unwrap();
    let whole = fetch(&sim, url, &sim.token).await.bytes;
    let door = read(sim.http.get(url).bearer_auth(&sim.token)).await;
    let storage = door.header("location").unwrap();
    let part = |range: &str| sim.http.get(storage).header("range", range);
    let got = read(part("bytes=10-")).await;
    assert_eq!(got.status, 206);
    assert_eq!(got.bytes, whole[10..]);
    assert_eq!(
        got.header("content-range").unwrap(),
        format!("bytes 10-{}/{}", whole.len() - 1, whole.len())
    );
    assert_eq!(read(part("bytes=0-5")).await.bytes, b"WEBVTT");
    assert_eq!(read(part("bytes=-4")).await.bytes, whole[whole.len() - 4..]);
    assert_eq!(
        read(part(&format!("bytes={}-", whole.len()))).await.status,
        416
    );
    assert_eq!(read(part("bytes=5-1")).await.status, 200);
    assert_eq!(
        read(part("bytes=10-").header("if-range", "\"other\""))
            .await
            .status,
        200
    );
    sim.advance(601).await;
    assert_eq!(
        read(sim.http.get(storage)).await.status,
        403,
        "storage addresses expire"
    );
}

#[tokio::test]
async fn the_error_page_comes_with_status_200_by_order() {
    let sim = start().await;
    let (_, file) = transcript_of(&sim).await;
    let url = file["download_url"].as_str().unwrap();
    sim.sim_post("/faults", json!({ "kind": "html_download", "times": 1 }))
        .await;
    assert!(is_sign_in(
        &read(sim.http.get(url).bearer_auth(&sim.token)).await
    ));
    assert!(
        fetch(&sim, url, &sim.token)
            .await
            .text()
            .starts_with("WEBVTT")
    );
}

#[tokio::test]
async fn players_ask_for_the_passcode() {
    let sim = start().await;
    let rows = sim.recordings().await;
    let row = rows
        .iter()
        .find(|row| row["recording_files"][0]["play_url"].is_string())
        .unwrap();
    let settings = sim
        .ok(&format!(
            "/meetings/{}/recordings/settings",
            twice(row["uuid"].as_str().unwrap())
        ))
        .await;
    let play = row["recording_files"][0]["play_url"].as_str().unwrap();
    if settings["password"]
        .as_str()
        .is_some_and(|password| !password.is_empty())
    {
        assert!(read(sim.http.get(play)).await.text().contains("passcode"));
        assert!(
            read(sim.http.post(play).form(&[("passcode", "wrong")]))
                .await
                .text()
                .contains("Wrong passcode")
        );
        let got = read(
            sim.http
                .post(play)
                .form(&[("passcode", settings["password"].as_str().unwrap())]),
        )
        .await;
        assert!(!got.text().contains("Enter the passcode"));
    }
    let trashed = row["uuid"].as_str().unwrap();
    sim.delete(&format!("/meetings/{}/recordings", twice(trashed)))
        .await;
    assert_eq!(
        read(
            sim.http
                .get(row["recording_files"][0]["download_url"].as_str().unwrap())
                .bearer_auth(&sim.token)
        )
        .await
        .status,
        404
    );
}

//! Transcripts from elsewhere, every form of a talk, what it was about, and what is to be done: the API and the pages.

use jiff::Timestamp;
use parfocal_engine::store::{
    AttendanceKind, InstanceId, InstanceState, NewAccount, NewAttendance, NewInstance, Provider,
    Seen, Source,
};
use serde_json::{Value, json};

use crate::support::{Answer, Site};

const TALK: &str = "WEBVTT\n\n\
    1\n00:00:01.000 --> 00:00:05.000\nEdda: I'll send the draft to the harbour office by Friday.\n\n\
    2\n00:00:05.500 --> 00:00:07.000\nLuan: Perfect, thank you. <script>alert(1)</script>\n\n\
    3\n00:00:08.000 --> 00:00:12.000\nEdda: We decided to paint the boat red, everybody agreed on that.\n\n\
    4\n00:00:12.500 --> 00:00:14.000\nLuan: Yes, agreed, red it is.\n";

async fn meeting(site: &Site) -> InstanceId {
    let now: Timestamp = "2026-03-03T10:00:00Z".parse().unwrap();
    let seen = Seen {
        at: now,
        source: Source::Detail,
        now,
    };
    let mut tx = site.app.store().begin(site.app.scope()).await.unwrap();
    let account = NewAccount {
        provider: Provider::Zoom,
        external_id: "acc".into(),
        name: None,
        plan: None,
        region: None,
        limits_share: None,
        capabilities: None,
    };
    let account = tx.upsert_account(&account, now).await.unwrap();
    let new = NewInstance {
        external_id: "uuid==".into(),
        number: Some("81234567890".into()),
        topic: Some("Harbour <b>round</b>".into()),
        state: Some(InstanceState::Ended),
        start: Some(now),
        end: Some("2026-03-03T10:30:00Z".parse().unwrap()),
        ..NewInstance::default()
    };
    let id = tx.upsert_instance(account, &new, &seen).await.unwrap().id;
    let stay = NewAttendance {
        match_key: "mail:edda@x.test".into(),
        name: Some("Edda Brandt".into()),
        email: Some("edda@x.test".into()),
        user_external_id: None,
        registrant_id: None,
        role: None,
        join_key: "1".into(),
        kind: AttendanceKind::Main,
        join: now,
        leave: Some("2026-03-03T10:20:00Z".parse().unwrap()),
        raw: None,
    };
    tx.join(id, &stay, &seen).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn send(site: &Site, path: &str, body: Value) -> Answer {
    let sent = site
        .client
        .post(format!("{}{path}", site.url))
        .json(&body)
        .send()
        .await
        .unwrap();
    Answer::of(sent).await
}

async fn form(site: &Site, path: &str, fields: &[(&str, &str)]) -> Answer {
    let sent = site
        .client
        .post(format!("{}{path}", site.url))
        .form(fields)
        .send()
        .await
        .unwrap();
    Answer::of(sent).await
}

#[tokio::test]
async fn a_talk_comes_in_and_goes_out_in_every_form() {
    let site = Site::start().await;
    let id = meeting(&site).await;
    let path = format!("/v1/meetings/{id}/transcripts");
    let first = send(&site, &path, json!({"content": TALK}))
        .await
        .is(200)
        .json();
    assert_eq!(
        (first["format"].as_str(), first["cues"].as_u64()),
        (Some("vtt"), Some(4))
    );
    let again = send(&site, &path, json!({"content": TALK, "format": "vtt"}))
        .await
        .is(200)
        .json();
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["transcript_id"], first["transcript_id"]);
    send(&site, &path, json!({"content": "{}", "format": "json"}))
        .await
        .is(400)
        .problem("invalid_input");

    let base = format!("/v1/meetings/{id}/transcript");
    let by_file = site.get(&base).await.is(200).json();
    assert_eq!(by_file["transcripts"][0]["source"], "import");
    for (format, kind, holds) in [
        ("text", "text/plain", "Edda Brandt: I'll send the draft"),
        ("markdown", "text/markdown", "**Edda Brandt** `0:00:01`"),
        ("model", "text/plain", "[0:00:01 #1] Edda Brandt: I'll send"),
        (
            "srt",
            "application/x-subrip",
            "00:00:01,000 --> 00:00:05,000",
        ),
        ("vtt", "text/vtt", "00:00:01.000 --> 00:00:05.000"),
        ("json", "application/json", "\"entries\""),
    ] {
        let answer = site.get(&format!("{base}?format={format}")).await.is(200);
        assert!(answer.header("content-type").starts_with(kind), "{format}");
        assert!(answer.text.contains(holds), "{format}: {}", answer.text);
    }
    site.get(&format!("{base}?format=pdf")).await.is(400);

    let speakers = format!("/v1/meetings/{id}/speakers");
    let who = site.get(&speakers).await.is(200).json();
    assert_eq!(who["items"][0]["email"], "edda@x.test");
    assert_eq!(who["items"][0]["source"], "part");
    let set = send(
        &site,
        &speakers,
        json!({"label": "Luan", "name": "Luan Reis"}),
    )
    .await
    .is(200)
    .json();
    assert_eq!(
        (set["name"].as_str(), set["source"].as_str()),
        (Some("Luan Reis"), Some("person"))
    );
    let back = send(&site, &speakers, json!({"label": "Luan"}))
        .await
        .is(200)
        .json();
    assert_eq!(
        (back["name"].as_str(), back["source"].as_str()),
        (Some("Luan"), Some("transcript"))
    );
    send(&site, &speakers, json!({"label": "Nobody", "name": "X"}))
        .await
        .is(404);

    let found = site
        .get("/v1/search?q=harbour+kind:said")
        .await
        .is(200)
        .json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_it_was_about_and_what_is_to_be_done() {
    let site = Site::start().await;
    let id = meeting(&site).await;
    send(
        &site,
        &format!("/v1/meetings/{id}/transcripts"),
        json!({"content": TALK}),
    )
    .await
    .is(200);

    let found = site
        .get(&format!("/v1/meetings/{id}/insights"))
        .await
        .is(200)
        .json();
    let item = &found["parts"][0]["action_items"][0];
    assert_eq!(
        (item["due"].as_str(), item["cue_from"].as_u64()),
        (Some("2026-03-06"), Some(1))
    );
    let listed = site
        .get("/v1/insights?kind=action_item")
        .await
        .is(200)
        .json();
    assert_eq!(listed["items"][0]["quote"], item["quote"]);
    site.get("/v1/insights?kind=chapter").await.is(200);
    let unknown = site.get("/v1/insights?kind=risks").await.is(404).json();
    assert!(
        unknown["hint"].as_str().unwrap().contains("action_item"),
        "{unknown}"
    );
    let items = site.get("/v1/action-items?state=open").await.is(200).json();
    let todo = items["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(items["items"][0]["owner"], "Edda Brandt");

    // The page tells it all, and nothing said becomes markup.
    let page = site.page(&format!("/meetings/{id}")).await.is(200);
    for part in [
        "What it was about",
        "Action items",
        "Who spoke",
        "Who was there when",
        "/minutes?format=docx",
        "<rect class=\"value\"",
    ] {
        assert!(
            page.text.contains(part),
            "{part} is missing in {}",
            page.text
        );
    }
    assert!(!page.text.contains("<script>alert") && !page.text.contains("<b>round"));

    for (format, begins) in [
        ("markdown", "# Harbour"),
        ("html", "<!doctype html>"),
        ("docx", "PK"),
    ] {
        for base in ["/v1", ""] {
            let answer = site
                .get(&format!("{base}/meetings/{id}/minutes?format={format}"))
                .await
                .is(200);
            assert!(answer.text.starts_with(begins), "{format}");
            assert!(
                answer
                    .header("content-disposition")
                    .starts_with("attachment")
            );
            assert!(!answer.text.contains("<script>"));
        }
    }
    let talk = site
        .get(&format!("/meetings/{id}/talk?format=srt"))
        .await
        .is(200);
    assert!(talk.header("content-disposition").contains(".srt"));

    let page = site.page("/actions").await.is(200);
    assert!(page.text.contains("harbour office") && page.text.contains("#c-"));
    let marked = form(&site, "/actions/mark", &[("id", &todo), ("state", "done")]).await;
    assert!(matches!(marked.status, 200 | 303), "{}", marked.text);
    let done = site
        .get(&format!("/v1/action-items/{todo}"))
        .await
        .is(200)
        .json();
    assert_eq!(
        (done["state"].as_str(), done["state_by"].as_str()),
        (Some("done"), Some("local"))
    );
    assert_eq!(done["sightings"][0]["cue_from"], 1);
    assert!(
        site.page("/actions")
            .await
            .is(200)
            .text
            .contains("Nothing here")
    );
    assert!(
        site.page("/actions?show=done")
            .await
            .is(200)
            .text
            .contains("Reopen")
    );
    let open = send(&site, &format!("/v1/action-items/{todo}/reopen"), json!({}))
        .await
        .is(200)
        .json();
    assert_eq!(open["state"], "open");
    // A form that wants to lead elsewhere leads to the list.
    let away = form(
        &site,
        "/actions/mark",
        &[
            ("id", &todo),
            ("state", "done"),
            ("back", "//evil.test/meetings/"),
        ],
    )
    .await;
    assert!(away.status == 200 || !away.header("location").contains("evil"));
    site.get("/v1/action-items/nonsense").await.is(404);
}

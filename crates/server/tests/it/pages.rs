//! The pages: what comes from outside stays text, lists page, empty ones say what to do.

use jiff::Timestamp;
use parfocal_engine::store::{
    ArtefactKind, ArtefactState, AttendanceKind, ChatMessage, Cue, InstanceId, InstanceState,
    NewAccount, NewArtefact, NewAttendance, NewInstance, NewTranscript, Provider, Seen, Source,
    TranscriptSource, utterances,
};

use crate::support::{Answer, Site};

const SCRIPT: &str = "<script>alert(1)</script>";
const IMAGE: &str = "<img src=x onerror=alert(2)>";

/// Puts a meeting in whose every text is markup.
async fn hostile(site: &Site, uuid: &str, topic: &str) -> InstanceId {
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let seen = Seen {
        at: now,
        source: Source::Detail,
        now,
    };
    let mut tx = site.app.store().begin(site.app.scope()).await.unwrap();
    let account = NewAccount {
        provider: Provider::Zoom,
        external_id: "acc".into(),
        name: Some(IMAGE.into()),
        plan: None,
        region: None,
        limits_share: None,
        capabilities: None,
    };
    let account = tx.upsert_account(&account, now).await.unwrap();
    let instance = NewInstance {
        external_id: uuid.into(),
        number: Some("81234567890".into()),
        topic: Some(topic.into()),
        host_email: Some(format!("{IMAGE}@example.org")),
        state: Some(InstanceState::Ended),
        start: Some(now),
        end: Some("2026-11-20T11:05:00Z".parse().unwrap()),
        ..NewInstance::default()
    };
    let instance = tx
        .upsert_instance(account, &instance, &seen)
        .await
        .unwrap()
        .id;
    let stay = NewAttendance {
        match_key: "name:x".into(),
        name: Some(SCRIPT.into()),
        email: Some(IMAGE.into()),
        user_external_id: None,
        registrant_id: None,
        role: None,
        join_key: "1".into(),
        kind: AttendanceKind::Main,
        join: now,
        leave: Some("2026-11-20T10:30:00Z".parse().unwrap()),
        raw: None,
    };
    tx.join(instance, &stay, &seen).await.unwrap();
    let cue = |n: u32, speaker: &str, text: &str| Cue {
        n,
        start_ms: n * 1000,
        end_ms: n * 1000 + 900,
        speaker: Some(speaker.into()),
        text: text.into(),
    };
    let cues = [
        cue(1, SCRIPT, "The zanzibar budget \"& more\""),
        cue(2, "Ana", &format!("zanzibar {SCRIPT} {IMAGE}")),
        cue(3, "Ana", "second line\nof talk"),
    ];
    let transcript = NewTranscript {
        instance_id: instance,
        file_id: None,
        source: TranscriptSource::Recording,
        sha256: uuid,
        lang: None,
        parser_v: 1,
        warnings: 0,
        cues: &cues,
        utterances: &utterances(&cues),
    };
    tx.store_transcript(&transcript, now).await.unwrap();
    let message = ChatMessage {
        n: 1,
        at_ms: 5000,
        sender: SCRIPT.into(),
        to: Some(IMAGE.into()),
        text: format!("{SCRIPT} hello"),
    };
    tx.store_chat(instance, None, &[message]).await.unwrap();
    let artefact = NewArtefact {
        owner_id: instance.into(),
        kind: ArtefactKind::Recording,
        state: ArtefactState::Unavailable,
        cause: Some("plan".into()),
        detail: Some(format!("Zoom said {SCRIPT}")),
        expected_by: None,
    };
    tx.put_artefact(&artefact, now).await.unwrap();
    tx.commit().await.unwrap();
    instance
}

#[track_caller]
fn harmless(text: &str) {
    assert!(
        !text.contains("<script>alert") && !text.contains("<img src=x"),
        "markup got through: {text}"
    );
}

#[tokio::test]
async fn markup_in_topics_names_and_talk_stays_text() {
    let site = Site::start().await;
    let id = hostile(&site, "/ab//c==", &format!("{SCRIPT} & \"friends\"")).await;

    let page = site.page("/").await.is(200);
    harmless(&page.text);
    assert!(
        page.text.contains("&lt;script&gt;alert(1)&lt;"),
        "{}",
        page.text
    );
    let page = site.page("/meetings").await.is(200);
    harmless(&page.text);

    let page = site.page(&format!("/meetings/{id}")).await.is(200);
    harmless(&page.text);
    for part in [
        "&lt;script&gt;alert(1)",
        "&lt;img src=x",
        "second line",
        "Zoom said &lt;script&gt;",
        "zanzibar",
        "hello",
        "1 h 5 min",
        "81234567890",
    ] {
        assert!(
            page.text.contains(part),
            "{part} is missing in {}",
            page.text
        );
    }
    // By Zoom's own UUID, slashes and all, and by number.
    site.page("/meetings/%2Fab%2F%2Fc%3D%3D").await.is(200);
    site.page("/meetings/81234567890").await.is(200);

    let page = site.page("/search?q=zanzibar").await.is(200);
    harmless(&page.text);
    assert!(page.text.contains("<mark>zanzibar</mark>"), "{}", page.text);
    assert!(
        page.text.contains(&format!("/meetings/{id}#c-")),
        "{}",
        page.text
    );
    let page = site
        .page("/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        .await
        .is(200);
    harmless(&page.text);
    let page = site
        .page(
            "/meetings?topic=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&host=%27%3E%3Cimg+src%3Dx%3E",
        )
        .await
        .is(200);
    harmless(&page.text);

    // The API gives the text as it is, as JSON.
    let found = site.get("/v1/search?q=zanzibar").await.is(200).json();
    assert_eq!(
        found["items"][0]["snippet"][0]["marked"]
            .as_bool()
            .map(|_| ()),
        Some(())
    );
    let transcript = site
        .get(&format!("/v1/meetings/{id}/transcript"))
        .await
        .is(200)
        .json();
    assert_eq!(transcript["transcripts"][0]["cues"][0]["speaker"], SCRIPT);
    let chat = site
        .get(&format!("/v1/meetings/{id}/chat"))
        .await
        .is(200)
        .json();
    assert_eq!(chat["messages"][0]["sender"], SCRIPT);
    let detail = site.get(&format!("/v1/meetings/{id}")).await.is(200).json();
    assert_eq!(detail["uuid"], "/ab//c==");
    assert_eq!(detail["people"][0]["name"], SCRIPT);
    assert_eq!(detail["cues"], 3);
}

#[tokio::test]
async fn lists_page_without_gaps() {
    let site = Site::start().await;
    for n in 0..55 {
        hostile(&site, &format!("uuid-{n}"), &format!("Topic {n}")).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut path = "/v1/meetings?limit=20".to_owned();
    loop {
        let page = site.get(&path).await.is(200).json();
        for item in page["items"].as_array().unwrap() {
            assert!(seen.insert(item["uuid"].as_str().unwrap().to_owned()));
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/v1/meetings?limit=20&after={next}");
    }
    assert_eq!(seen.len(), 55);
    let page = site.page("/meetings").await.is(200);
    assert!(page.text.contains("rel=\"next\""));
    let next = page
        .text
        .split("rel=\"next\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&#x2f;", "/")
        .replace("&amp;", "&");
    let page = site.page(&next).await.is(200);
    assert!(page.text.contains("First page"));
}

#[tokio::test]
async fn empty_pages_say_what_to_do() {
    let site = Site::start().await;
    let page = site.page("/").await.is(200);
    assert!(
        page.text.contains("parfocal connect s2s") && page.text.contains("parfocal backfill start"),
        "{}",
        page.text
    );
    assert!(
        site.page("/meetings")
            .await
            .is(200)
            .text
            .contains("No meetings yet")
    );
    assert!(
        site.page("/meetings?topic=x")
            .await
            .is(200)
            .text
            .contains("Nothing matches")
    );
    assert!(
        site.page("/search?q=nothing")
            .await
            .is(200)
            .text
            .contains("Nobody said that")
    );
    assert!(
        site.page("/search")
            .await
            .is(200)
            .text
            .contains("type=\"search\"")
    );
}

#[tokio::test]
async fn assets_are_served_with_their_fingerprint() {
    let site = Site::start().await;
    let page = site.page("/").await.is(200);
    let css = page
        .text
        .split("rel=\"stylesheet\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&#x2f;", "/");
    let answer = site.get(&css).await.is(200);
    assert!(answer.header("content-type").starts_with("text/css"));
    assert!(answer.header("cache-control").contains("immutable"));
    site.get("/assets/x/../../etc/passwd").await.is(404);
    site.get("/assets/x/nothing.css").await.is(404);
}

#[tokio::test]
async fn components_are_switched_and_the_log_tells_of_it() {
    let site = Site::start().await;
    let switch = async |name: &str, on: &str, origin: &str| {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let request = client
            .post(format!("{}/components/switch", site.url))
            .header("origin", origin)
            .header("accept", "text/html")
            .form(&[("name", name), ("on", on)]);
        Answer::of(request.send().await.unwrap()).await
    };
    assert_eq!(switch("ask", "true", "https://evil.test").await.status, 403);
    let done = switch("ask", "true", &site.url).await.is(303);
    assert_eq!(done.header("location"), "/components?check=ask");
    let page = site.page(done.header("location")).await.is(200);
    assert!(page.text.contains("ask has everything"), "{}", page.text);
    // One that lacks something says what.
    let alone = switch("calendar-feed", "true", &site.url).await;
    assert!(
        alone.status >= 400 && alone.text.contains("the component scheduling is off"),
        "{}",
        alone.text
    );
    let refused = switch("zoomapp", "true", &site.url).await;
    assert!(
        refused.status >= 400 && refused.text.contains("ZOOM_CLIENT_ID"),
        "{}",
        refused.text
    );
    switch("ask", "false", &site.url).await.is(303);
    let log = site
        .page("/audit?action=component.deactivate")
        .await
        .is(200);
    assert!(
        log.text.contains("component/ask") || log.text.contains("component&#x2f;ask"),
        "{}",
        log.text
    );
    assert!(!log.text.contains("component.activate"), "{}", log.text);
}

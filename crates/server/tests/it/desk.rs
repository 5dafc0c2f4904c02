//! Pages of the desk: the player with our copy of a recording, users, settings.

use jiff::Timestamp;
use parfocal_engine::config::Secret;
use parfocal_engine::media::Blobs;
use parfocal_engine::store::{
    Cue, FileId, InstanceId, InstanceState, NewAccount, NewBlob, NewFile, NewInstance,
    NewRecording, NewTranscript, NewUser, Provider, Seen, Source, TranscriptSource, utterances,
};

use crate::support::{Answer, Site};

/// A meeting in two stretches, of which the second one lies at Zoom only.
struct Recorded {
    meeting: InstanceId,
    video: FileId,
    timeline: FileId,
    away: FileId,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn recorded(site: &Site) -> Recorded {
    let now = at("2026-11-20T12:00:00Z");
    let seen = Seen {
        at: now,
        source: Source::Detail,
        now,
    };
    let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let blobs = Blobs::of(&site.app).unwrap();
    let scratch = blobs.scratch("made").unwrap();
    std::fs::write(&scratch, &bytes).unwrap();
    blobs.put_file("w/video.mp4", &scratch).await.unwrap();

    let mut tx = site.app.store().begin(site.app.scope()).await.unwrap();
    let account = NewAccount {
        provider: Provider::Zoom,
        external_id: "acc".into(),
        name: Some("Harbour Office".into()),
        plan: None,
        region: None,
        limits_share: None,
        capabilities: None,
    };
    let account = tx.upsert_account(&account, now).await.unwrap();
    for (id, name, kind) in [("u1", "Ana <b>Núñez</b>", "2"), ("u2", "Bo Berg", "1")] {
        let user = NewUser {
            external_id: id.into(),
            email: Some(format!("{id}@example.org")),
            name: Some(name.into()),
            kind: Some(kind.into()),
            status: Some("active".into()),
            raw: Some(r#"{"dept": "Cranes & Co"}"#.into()),
            ..NewUser::default()
        };
        tx.upsert_user(account, &user, &seen).await.unwrap();
    }
    let meeting = NewInstance {
        external_id: "two==".into(),
        number: Some("81234567890".into()),
        topic: Some("Crane safety".into()),
        host_user_id: Some("u1".into()),
        host_email: Some("u1@example.org".into()),
        state: Some(InstanceState::Ended),
        start: Some(at("2026-11-20T10:00:00Z")),
        ..NewInstance::default()
    };
    let meeting = tx
        .upsert_instance(account, &meeting, &seen)
        .await
        .unwrap()
        .id;
    let recording = NewRecording {
        external_id: "two==".into(),
        start: Some(at("2026-11-20T10:00:00Z")),
        ..NewRecording::default()
    };
    let recording = tx
        .upsert_recording(account, meeting, &recording, &seen)
        .await
        .unwrap()
        .id;
    let mut ids = Vec::new();
    for (name, kind, view, start) in [
        ("v1", "MP4", Some("gallery_view"), "2026-11-20T10:00:00Z"),
        (
            "v2",
            "MP4",
            Some("shared_screen_with_speaker_view"),
            "2026-11-20T10:00:00Z",
        ),
        ("t1", "TRANSCRIPT", None, "2026-11-20T10:00:00Z"),
        ("away", "M4A", Some("audio_only"), "2026-11-20T11:00:00Z"),
    ] {
        let file = NewFile {
            external_id: name.into(),
            file_type: kind.into(),
            recording_type: view.map(Into::into),
            start: Some(at(start)),
            end: Some(
                at(start)
                    .checked_add(jiff::SignedDuration::from_mins(30))
                    .unwrap(),
            ),
            size: Some(10_000),
            download_url: Some("https://zoom.us/rec/download/secret-address".into()),
            ..NewFile::default()
        };
        let id = tx
            .upsert_file(account, recording, meeting, &file, &seen)
            .await
            .unwrap()
            .id;
        ids.push(id);
    }
    let blob = NewBlob {
        key: "w/video.mp4".into(),
        sha256: "ab12".into(),
        size: 10_000,
        content_type: "text/html".into(),
    };
    let blob = tx.put_blob(&blob, now).await.unwrap();
    for id in &ids[..3] {
        tx.set_file_blob(*id, Some(blob), now).await.unwrap();
    }
    let cues = [1, 2, 3].map(|n| Cue {
        n,
        start_ms: n * 2_000,
        end_ms: n * 2_000 + 900,
        speaker: Some("Ana".into()),
        text: format!("line {n}"),
    });
    let transcript = NewTranscript {
        instance_id: meeting,
        file_id: Some(ids[2]),
        source: TranscriptSource::Recording,
        sha256: "two",
        lang: None,
        parser_v: 1,
        warnings: 0,
        cues: &cues,
        utterances: &utterances(&cues),
    };
    tx.store_transcript(&transcript, now).await.unwrap();
    tx.commit().await.unwrap();
    Recorded {
        meeting,
        video: ids[1],
        timeline: ids[2],
        away: ids[3],
    }
}

async fn piece(site: &Site, path: &str, headers: &[(&str, &str)]) -> (Answer, Vec<u8>) {
    let mut request = site.client.get(format!("{}{path}", site.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap().to_vec();
    let answer = Answer {
        status,
        headers,
        text: String::new(),
    };
    (answer, bytes)
}

#[tokio::test]
async fn a_recording_plays_from_our_copy_in_pieces() {
    let site = Site::start().await;
    let there = recorded(&site).await;
    let page = site
        .page(&format!("/meetings/{}", there.meeting))
        .await
        .is(200);
    let href = format!("/meetings/{}/media/{}", there.meeting, there.video);
    for part in [
        // Who speaks beside what is shown comes first.
        &format!(
            "<video data-screen controls playsinline preload=\"metadata\" src=\"{}\"",
            href.replace('/', "&#x2f;")
        ),
        "data-stretch=\"0\" data-offset=\"0\"",
        "data-ms=\"4000\"",
        "shared screen with speaker view",
        "kind=\"captions\"",
        "player.js",
    ] {
        assert!(
            page.text.contains(part),
            "{part} is missing in {}",
            page.text
        );
    }
    assert!(
        !page.text.contains("secret-address"),
        "Zoom's address is told"
    );
    assert!(
        page.header("content-security-policy")
            .contains("media-src 'self'")
    );
    assert!(page.text.len() < 150_000);

    let (whole, bytes) = piece(&site, &href, &[]).await;
    let whole = whole.is(200);
    assert_eq!(bytes.len(), 10_000);
    assert_eq!(whole.header("content-type"), "video/mp4");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let tag = whole.header("etag").to_owned();
    let (part, some) = piece(&site, &href, &[("range", "bytes=100-299")]).await;
    assert_eq!(part.is(206).header("content-range"), "bytes 100-299/10000");
    assert_eq!(some, bytes[100..300]);
    let (part, some) = piece(&site, &href, &[("range", "bytes=-7"), ("if-range", &tag)]).await;
    part.is(206);
    assert_eq!(some, bytes[9_993..]);
    let (other, some) = piece(
        &site,
        &href,
        &[("range", "bytes=5-6"), ("if-range", "\"x\"")],
    )
    .await;
    other.is(200);
    assert_eq!(some.len(), 10_000);
    let (beyond, _) = piece(&site, &href, &[("range", "bytes=10000-")]).await;
    assert_eq!(beyond.is(416).header("content-range"), "bytes */10000");
    let (known, none) = piece(&site, &href, &[("if-none-match", &tag)]).await;
    known.is(304);
    assert!(none.is_empty());
}

#[tokio::test]
async fn nothing_but_the_meetings_own_recordings_is_played() {
    let site = Site::start().await;
    let there = recorded(&site).await;
    let other = "0190f5fe-7c00-7000-8000-000000000001";
    for (meeting, file) in [
        (there.meeting.to_string(), there.timeline.to_string()),
        (there.meeting.to_string(), other.to_owned()),
        (there.meeting.to_string(), "x".to_owned()),
        (other.to_owned(), there.video.to_string()),
    ] {
        site.get(&format!("/meetings/{meeting}/media/{file}"))
            .await
            .is(404);
    }
    let away = format!("/meetings/{}/media/{}", there.meeting, there.away);
    let said = site.page(&away).await.is(404);
    assert!(
        said.text.contains("button that has it fetched"),
        "{}",
        said.text
    );
}

#[tokio::test]
async fn users_are_listed_and_each_has_a_page() {
    let site = Site::start().await;
    let empty = site.page("/users").await.is(200);
    assert!(
        empty.text.contains("parfocal backfill start"),
        "{}",
        empty.text
    );
    recorded(&site).await;
    let page = site.page("/users").await.is(200);
    for part in [
        "2 users",
        "1 with a licence",
        "&lt;b&gt;Núñez",
        "Licensed",
        "Basic",
        "Bo Berg",
    ] {
        assert!(
            page.text.contains(part),
            "{part} is missing in {}",
            page.text
        );
    }
    assert!(!page.text.contains("<b>Núñez"));
    let some = site.page("/users?kind=2&q=ana&status=").await.is(200);
    assert!(
        some.text.contains("u1@example.org") && !some.text.contains("Bo Berg"),
        "{}",
        some.text
    );
    let none = site.page("/users?q=nobody").await.is(200);
    assert!(none.text.contains("Nobody matches"), "{}", none.text);
    let href = some.text.split("href=\"/users/").nth(1).unwrap();
    let id = href.split('"').next().unwrap();
    let one = site.page(&format!("/users/{id}")).await.is(200);
    for part in [
        "Cranes &amp; Co",
        "Crane safety",
        "Harbour Office",
        "u1@example.org",
    ] {
        assert!(one.text.contains(part), "{part} is missing in {}", one.text);
    }
    site.page("/users/x").await.is(404);
}

#[tokio::test]
async fn settings_tell_what_is_given_and_no_secret() {
    let site = Site::with(|config| {
        config.zoom.s2s_client_secret = Some(Secret::new("swordfish-swordfish"));
        config.zoom.s2s_client_id = Some("the-client".into());
        config.zoom.account_id = Some("the-account".into());
        let from = "environment variable ZOOM_S2S_CLIENT_ID".to_owned();
        config.origins.insert("zoom.s2s_client_id".into(), from);
    })
    .await;
    let page = site.page("/settings").await.is(200);
    for part in [
        "server.listen",
        "PARFOCAL_SERVER__LISTEN",
        "the-client",
        "environment variable ZOOM_S2S_CLIENT_ID",
        "not set",
    ] {
        assert!(
            page.text.contains(part),
            "{part} is missing in {}",
            page.text
        );
    }
    assert!(!page.text.contains("swordfish"), "a secret is told");
    assert!(page.text.len() < 150_000, "{}", page.text.len());
    let given = site.page("/settings?show=given").await.is(200);
    assert!(given.text.contains("the-client") && !given.text.contains("server.listen"));
    let none = site.page("/settings?q=xyzzy").await.is(200);
    assert!(none.text.contains("Nothing matches"));
}

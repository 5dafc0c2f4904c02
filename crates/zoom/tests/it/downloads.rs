//! Downloads against single quirks.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::response::Response;
use parfocal_zoom::download::{Download, DownloadAuth, Downloaded, Expect, Progress};
use parfocal_zoom::{ErrorKind, Result};
use sha2::{Digest as _, Sha256};

use crate::fake::{Fake, broken, bytes, json, with_header};
use crate::kit::{builder, client};

fn contents(len: usize) -> Vec<u8> {
    let mut out = b"WEBVTT\n\n".to_vec();
    while out.len() < len {
        let n = out.len();
        out.extend_from_slice(
            format!("{n}\n00:00:01.000 --> 00:00:02.000\nÅsa: line {n}\n\n").as_bytes(),
        );
    }
    out.truncate(len);
    out
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn fetch(fake: &Fake, download: Download, path: &Path) -> Result<Downloaded> {
    client(fake)
        .downloads()
        .fetch(&download, path, |_| ())
        .await
}

fn vtt(fake: &Fake) -> Download {
    Download::new(format!("{}/rec/download/x", fake.url).as_str(), Expect::Vtt)
}

/// The part of the file that a `Range` asks for.
fn ranged(whole: &[u8], range: Option<&str>) -> Response {
    match range.and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<usize>()
            .ok()
    }) {
        Some(from) => {
            let mut part = bytes("text/vtt", whole[from..].to_vec());
            *part.status_mut() = axum::http::StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {from}-{}/{}", whole.len() - 1, whole.len());
            with_header(with_header(part, "content-range", &range), "etag", "\"v1\"")
        }
        None => with_header(bytes("text/vtt", whole.to_vec()), "etag", "\"v1\""),
    }
}

#[tokio::test]
async fn a_file_arrives_whole_and_is_told_about() {
    let whole = contents(300_000);
    let body = whole.clone();
    let fake = Fake::start(move |_, _| bytes("text/vtt", body.clone())).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transcript.vtt");
    let steps: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let log = Arc::clone(&steps);
    let download = vtt(&fake).size(Some(300_000));
    let done = client(&fake)
        .downloads()
        .fetch(&download, &path, move |step| log.lock().unwrap().push(step))
        .await
        .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    assert_eq!(
        (done.bytes, done.attempts, done.resumed_from),
        (300_000, 1, None)
    );
    assert_eq!(done.sha256, hex::encode(Sha256::digest(&whole)));
    assert_eq!(done.content_type.as_deref(), Some("text/vtt"));
    let steps = steps.lock().unwrap();
    assert_eq!(
        steps.last(),
        Some(&Progress {
            received: 300_000,
            total: Some(300_000)
        })
    );
    assert_eq!(names(folder.path()), ["transcript.vtt"]);
    let seen = fake.seen().remove(0);
    assert_eq!(
        seen.header("authorization"),
        Some("Bearer access-token-secret")
    );
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn an_error_page_is_never_a_file() {
    let pages: [(&str, &str); 4] = [
        (
            "text/html;charset=UTF-8",
            "<!DOCTYPE html><html><head><title>Sign In</title></head></html>",
        ),
        (
            "application/octet-stream",
            "\n\n<html>This recording does not exist</html>",
        ),
        (
            "application/json",
            r#"{"status":false,"errorCode":300,"errorMessage":"Forbidden"}"#,
        ),
        ("text/vtt", "Please sign in"),
    ];
    for (content_type, page) in pages {
        let fake = Fake::start(move |_, _| bytes(content_type, page)).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.vtt");
        std::fs::write(&path, "the file of yesterday").unwrap();
        for expect in [Expect::Vtt, Expect::Media] {
            let download = Download::new(format!("{}/rec/x", fake.url).as_str(), expect)
                .auth(DownloadAuth::Bearer("webhook-token".into()));
            let error = fetch(&fake, download, &path).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotTheFile, "{page}");
        }
        assert_eq!(names(folder.path()), ["t.vtt"]);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "the file of yesterday"
        );
    }
}

#[tokio::test]
async fn an_early_end_is_gone_on_with() {
    let whole = contents(200_000);
    let body = whole.clone();
    let fake = Fake::start(move |seen, n| match n {
        0 => with_header(
            broken(
                200,
                "text/vtt",
                body.len(),
                Bytes::copy_from_slice(&body[..50_000]),
            ),
            "etag",
            "\"v1\"",
        ),
        _ => ranged(&body, seen.header("range")),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.vtt");
    let done = fetch(&fake, vtt(&fake).size(Some(200_000)), &path)
        .await
        .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    assert_eq!((done.attempts, done.resumed_from), (2, Some(50_000)));
    assert_eq!(done.sha256, hex::encode(Sha256::digest(&whole)));
    let second = fake.seen().remove(1);
    assert_eq!(second.header("range"), Some("bytes=50000-"));
    assert_eq!(second.header("if-range"), Some("\"v1\""));
}

#[tokio::test]
async fn an_early_end_for_good_is_an_error_and_can_be_gone_on_with_later() {
    let whole = contents(100_000);
    let body = whole.clone();
    let fake = Fake::start(move |seen, n| match n {
        0 => with_header(
            broken(
                200,
                "text/vtt",
                body.len(),
                Bytes::copy_from_slice(&body[..40_000]),
            ),
            "etag",
            "\"v1\"",
        ),
        1 => json(503, ""),
        _ => ranged(&body, seen.header("range")),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.vtt");
    let error = fetch(&fake, vtt(&fake).attempts(1), &path)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert!(error.is_retryable());
    assert!(!path.exists());
    assert_eq!(
        fetch(&fake, vtt(&fake).attempts(1), &path)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Server
    );
    let done = fetch(&fake, vtt(&fake).attempts(1), &path).await.unwrap();
    assert_eq!(done.resumed_from, Some(40_000));
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    assert_eq!(names(folder.path()), ["t.vtt"]);
}

#[tokio::test]
async fn a_file_that_changed_meanwhile_is_fetched_anew() {
    let (old, new) = (contents(90_000), b"WEBVTT\n\nnew\n".repeat(5_000));
    let body = new.clone();
    let fake = Fake::start(move |_, n| match n {
        0 => with_header(
            broken(
                200,
                "text/vtt",
                old.len(),
                Bytes::copy_from_slice(&old[..40_000]),
            ),
            "etag",
            "\"v1\"",
        ),
        // If-Range does not match: the server sends all of it.
        _ => with_header(bytes("text/vtt", body.clone()), "etag", "\"v2\""),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.vtt");
    let done = fetch(&fake, vtt(&fake), &path).await.unwrap();
    assert_eq!((done.resumed_from, done.bytes), (None, 60_000));
    assert_eq!(std::fs::read(&path).unwrap(), new);
}

#[tokio::test]
async fn a_server_that_cannot_go_on_is_asked_for_all_of_it() {
    let whole = contents(90_000);
    let body = whole.clone();
    let fake = Fake::start(move |seen, n| match (n, seen.header("range")) {
        (0, _) => with_header(
            broken(
                200,
                "text/vtt",
                body.len(),
                Bytes::copy_from_slice(&body[..40_000]),
            ),
            "etag",
            "\"v1\"",
        ),
        (_, Some(_)) => json(416, ""),
        _ => bytes("text/vtt", body.clone()),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.vtt");
    fetch(&fake, vtt(&fake), &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
}

#[tokio::test]
async fn sizes_are_checked() {
    let fake = Fake::start(|_, _| bytes("text/vtt", contents(5_000))).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.vtt");
    let check = async |download: Download| {
        fetch(&fake, download, &path)
            .await
            .map(|done| done.bytes)
            .map_err(|e| e.kind())
    };
    assert_eq!(
        check(vtt(&fake).size(Some(4_999))).await,
        Err(ErrorKind::SizeMismatch)
    );
    assert_eq!(
        check(vtt(&fake).size(Some(5_001))).await,
        Err(ErrorKind::SizeMismatch)
    );
    assert_eq!(
        check(vtt(&fake).max_bytes(4_999)).await,
        Err(ErrorKind::TooLarge)
    );
    assert!(names(folder.path()).is_empty());
    assert_eq!(
        check(vtt(&fake).max_bytes(5_000).size(None)).await,
        Ok(5_000)
    );
}

#[tokio::test]
async fn the_token_is_not_shown_to_another_host() {
    let storage = Fake::start(|_, _| bytes("text/vtt", contents(100))).await;
    let target = format!("{}/bucket/x?signature=1", storage.url);
    let zoom = Fake::start(move |seen, _| match seen.path.as_str() {
        "/rec/download/x" => with_header(json(302, ""), "location", "/rec/second"),
        _ => with_header(json(302, ""), "location", &target),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    fetch(&zoom, vtt(&zoom), &folder.path().join("t.vtt"))
        .await
        .unwrap();
    assert!(
        zoom.seen()
            .iter()
            .all(|seen| seen.header("authorization").is_some())
    );
    assert_eq!(storage.seen()[0].header("authorization"), None);
    assert_eq!(storage.seen()[0].param("signature").as_deref(), Some("1"));
}

#[tokio::test]
async fn redirects_to_other_places_are_refused() {
    for target in [
        "https://evil.test/x",
        "http://us06web.zoom.us/x",
        "file:///etc/passwd",
        "https://169.254.169.254/",
        "/rec/download/x",
    ] {
        let fake = Fake::start(move |_, _| with_header(json(302, ""), "location", target)).await;
        let folder = tempfile::tempdir().unwrap();
        let error = fetch(&fake, vtt(&fake), &folder.path().join("t.vtt"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostRefused, "{target}");
    }
    let fake = Fake::start(|_, _| json(200, "")).await;
    let folder = tempfile::tempdir().unwrap();
    let away = Download::new("https://evil.test/rec/download/x", Expect::Vtt);
    assert_eq!(
        fetch(&fake, away, &folder.path().join("t"))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::HostRefused
    );
    assert_eq!(fake.count(), 0);
    // A client of the real Zoom does not fetch from this machine.
    let real = builder(&fake)
        .api_url("https://api.zoom.us/v2")
        .build()
        .unwrap();
    let error = real
        .downloads()
        .fetch(&vtt(&fake), &folder.path().join("t"), |_| ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostRefused);
}

#[tokio::test]
async fn tokens_travel_as_asked() {
    let fake = Fake::start(|_, _| bytes("text/vtt", contents(100))).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.vtt");
    for auth in [
        DownloadAuth::Bearer("webhook-token".into()),
        DownloadAuth::Query("webhook token&".into()),
        DownloadAuth::None,
    ] {
        let download = Download::new(
            format!("{}/rec/webhook_download/x?a=1", fake.url).as_str(),
            Expect::Vtt,
        )
        .auth(auth)
        .passcode("pass+code".into());
        fetch(&fake, download, &path).await.unwrap();
    }
    let seen = fake.seen();
    assert_eq!(
        seen[0].header("authorization"),
        Some("Bearer webhook-token")
    );
    assert_eq!(seen[1].header("authorization"), None);
    assert_eq!(
        seen[1].param("access_token").as_deref(),
        Some("webhook token&")
    );
    assert_eq!(seen[1].param("a").as_deref(), Some("1"));
    assert_eq!(seen[2].header("authorization"), None);
    assert!(
        seen.iter()
            .all(|seen| seen.param("pwd").as_deref() == Some("pass+code"))
    );
}

#[tokio::test]
async fn refusals_keep_their_meaning() {
    for (status, kind) in [
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
        (410, ErrorKind::NotFound),
        (418, ErrorKind::NotTheFile),
    ] {
        let fake = Fake::start(move |_, _| json(status, "")).await;
        let folder = tempfile::tempdir().unwrap();
        let error = fetch(&fake, vtt(&fake), &folder.path().join("t"))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        assert_eq!(error.tracking_id(), Some("WEB_track_1"));
        assert!(names(folder.path()).is_empty());
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let fake = Fake::start(|_, _| bytes("text/vtt", contents(100))).await;
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&fake, vtt(&fake), &folder.path().join("no such folder/t"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    #[cfg(target_os = "linux")]
    if Path::new("/dev/full").exists() {
        let path = folder.path().join("t");
        std::os::unix::fs::symlink("/dev/full", folder.path().join(".t.part")).unwrap();
        let error = fetch(&fake, vtt(&fake), &path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(names(folder.path()).is_empty());
    }
}

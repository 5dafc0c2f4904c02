//! The room of background work: dead letters with retry and drop, and pages that follow what changes.

use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use parfocal_engine::store::{AttemptReport, Claim, JobId, JobState, NewJob};

use crate::support::{Answer, Site, event};

const MARKUP: &str = "<script>alert(1)</script>";

/// Makes a job that was tried once and given up.
async fn dead(site: &Site, number: u32) -> JobId {
    let (store, scope) = (site.app.store(), site.app.scope());
    let now = Timestamp::now();
    let mut tx = store.begin(scope).await.unwrap();
    let new = NewJob {
        kind: "file.fetch".into(),
        v: 1,
        lane: Some(format!("{MARKUP}/{number}")),
        priority: 10,
        dedupe_key: None,
        payload: serde_json::json!({"file": MARKUP}),
        run_at: now - SignedDuration::from_secs(1),
        cause_id: None,
    };
    let id = tx.enqueue(&new, now).await.unwrap().id();
    tx.commit().await.unwrap();
    let claim = Claim {
        kinds: &[("file.fetch", 1)],
        limit: 1,
        lease_until: now + SignedDuration::from_secs(60),
        now,
    };
    let claimed = store.claim_jobs(&claim).await.unwrap().remove(0);
    let report = AttemptReport {
        request: Some("GET /rec/download".into()),
        status: Some(404),
        tracking_id: Some("v=2.0;rid=WEB_1".into()),
        error: Some(format!("Zoom said {MARKUP}")),
        advice: Some("Check that the recording still exists.".into()),
    };
    let mut tx = store.begin(scope).await.unwrap();
    tx.bury_job(&claimed.lease, &report, now).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn form(site: &Site, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = client
        .post(format!("{}{path}", site.url))
        .header("origin", &site.url)
        .form(pairs);
    Answer::of(request.send().await.unwrap()).await
}

async fn state_of(site: &Site, id: JobId) -> JobState {
    site.app
        .store()
        .job(site.app.scope(), id)
        .await
        .unwrap()
        .unwrap()
        .state
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_advice_retried_and_dropped() {
    let site = Site::start().await;
    assert!(
        site.page("/jobs")
            .await
            .is(200)
            .text
            .contains("Nothing was given up")
    );
    let ids = [
        dead(&site, 1).await,
        dead(&site, 2).await,
        dead(&site, 3).await,
    ];

    let page = site.page("/jobs").await.is(200);
    assert!(
        page.text.contains("file.fetch") && !page.text.contains("<script>alert"),
        "{}",
        page.text
    );
    let page = site.page(&format!("/jobs/{}", ids[0])).await.is(200);
    for part in [
        "Check that the recording still exists.",
        "GET &#x2f;rec&#x2f;download",
        "WEB_1",
        "answered 404",
    ] {
        assert!(
            page.text.contains(part),
            "{part} is missing in {}",
            page.text
        );
    }
    assert!(!page.text.contains("<script>alert"));
    let overview = site.page("/").await.is(200);
    assert!(
        overview
            .text
            .contains("Check that the recording still exists.")
    );

    let answer = form(&site, "/jobs/retry", &[("id", &ids[0].to_string())])
        .await
        .is(303);
    let back = answer.header("location").to_owned();
    assert!(
        site.page(&back)
            .await
            .is(200)
            .text
            .contains("1 job will be tried again now.")
    );
    assert_ne!(state_of(&site, ids[0]).await, JobState::Dead);

    form(&site, "/jobs/drop", &[("id", &ids[1].to_string())])
        .await
        .is(303);
    assert_eq!(state_of(&site, ids[1]).await, JobState::Dropped);
    form(&site, "/jobs/retry", &[("kind", "file.fetch")])
        .await
        .is(303);
    assert_ne!(state_of(&site, ids[2]).await, JobState::Dead);

    let missing = "0190aaaa-0000-7000-8000-000000000000";
    form(&site, "/jobs/retry", &[("id", missing)]).await.is(404);
    form(&site, "/jobs/retry", &[("id", "x")]).await.is(404);
    site.page("/jobs?show=lost").await.is(404);
    for show in ["running", "waiting", "done", "dropped"] {
        site.page(&format!("/jobs?show={show}&kind=file.fetch"))
            .await
            .is(200);
    }
}

#[tokio::test]
async fn another_site_cannot_retry_or_drop() {
    let site = Site::start().await;
    let id = dead(&site, 1).await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let request = site
            .client
            .post(format!("{}/jobs/drop", site.url))
            .header(name, value);
        Answer::of(
            request
                .form(&[("id", id.to_string())])
                .send()
                .await
                .unwrap(),
        )
        .await
        .is(403);
    }
    assert_eq!(state_of(&site, id).await, JobState::Dead);
}

#[tokio::test]
async fn pages_are_told_when_something_changed_and_the_stream_ends_with_the_server() {
    let site = Site::start().await;
    let answer = site
        .client
        .get(format!("{}/events/stream", site.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut stream = answer.bytes_stream();
    let mut heard = String::new();
    let hear = |heard: &str, wanted: &str| heard.contains(wanted);
    let mut sent = false;
    tokio::time::timeout(Duration::from_secs(20), async {
        while !hear(&heard, "event: change") {
            heard.push_str(&String::from_utf8_lossy(
                &stream.next().await.unwrap().unwrap(),
            ));
            if hear(&heard, "event: hello") && !sent {
                // The pulse has to have looked once before the change.
                tokio::time::sleep(Duration::from_millis(1200)).await;
                site.deliver(&event(1)).await.is(204);
                sent = true;
            }
        }
    })
    .await
    .unwrap();
    let told = heard.matches("\ndata: -").count();
    assert_eq!(told, 2, "browsers drop events without data: {heard}");
    site.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), async {
        while stream.next().await.is_some() {}
    })
    .await
    .unwrap();
}

//! Health, metrics, and an end that cuts nobody off.

use std::time::Duration;

use crate::support::{Site, event};

#[tokio::test]
async fn health_and_metrics_answer() {
    let site = Site::start().await;
    assert_eq!(site.get("/healthz").await.is(200).json()["status"], "ok");
    assert_eq!(site.get("/readyz").await.is(200).json()["status"], "ready");
    site.deliver(&event(1)).await.is(204);
    site.get("/metrics").await.is(200);
    let answer = site.get("/metrics").await.is(200);
    assert!(answer.header("content-type").starts_with("text/plain"));
}

#[tokio::test]
async fn a_stop_lets_running_requests_finish() {
    let site = Site::start().await;
    let (url, client) = (site.url.clone(), site.client.clone());
    let slow = tokio::spawn(async move {
        let pieces = futures_util::stream::unfold(0, |n| async move {
            if n == 4 {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            Some((Ok::<_, std::io::Error>("x".to_owned()), n + 1))
        });
        client
            .post(format!("{url}/webhooks/zoom"))
            .body(reqwest::Body::wrap_stream(pieces))
            .send()
            .await
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    site.stop.cancel();
    let answer = slow.await.unwrap().unwrap();
    assert_eq!(
        answer.status(),
        401,
        "the request was answered, not cut off"
    );
    drop(answer);
    drop(site.client);
    tokio::time::timeout(Duration::from_secs(10), site.task)
        .await
        .unwrap()
        .unwrap();
}

//! Failures are RFC 9457 problems for programs and pages for people.

use crate::support::Site;

#[tokio::test]
async fn unknown_paths_and_things_are_named() {
    let site = Site::start().await;
    let problem = site.get("/v1/nothing").await.is(404).problem("not_found");
    assert!(problem["detail"].as_str().unwrap().contains("/v1/nothing"));
    for path in [
        "/v1/meetings/0190aaaa-0000-7000-8000-000000000000",
        "/v1/meetings/%2Fab%2F%2Fc%3D%3D",
        "/v1/meetings/81234567890",
        "/v1/meetings/x/transcript",
        "/v1/jobs/x",
        "/v1/jobs/0190aaaa-0000-7000-8000-000000000000",
        "/v1/events/x",
        "/v1/backfills/x",
        "/v1/backfills/0190aaaa-0000-7000-8000-000000000000",
    ] {
        site.get(path).await.is(404).problem("not_found");
    }
}

#[tokio::test]
async fn queries_that_cannot_be_used_are_refused_with_the_reason() {
    let site = Site::start().await;
    for (path, part) in [
        ("/v1/meetings?limit=0", "limit 0"),
        ("/v1/meetings?limit=201", "201"),
        ("/v1/meetings?limit=many", "limit"),
        ("/v1/meetings?sort=topic", "sort"),
        ("/v1/meetings?from=yesterday", "from"),
        ("/v1/jobs?state=lost", "state"),
        ("/v1/search", "q"),
    ] {
        let problem = site.get(path).await.is(400).problem("query");
        assert!(
            problem["detail"].as_str().unwrap().contains(part),
            "{path}: {problem}"
        );
    }
    site.get("/v1/meetings?after=nonsense").await.is(400);
    site.get("/v1/events?after=nonsense").await.is(400);
    site.get("/v1/search?q=x&after=nonsense").await.is(400);
}

#[tokio::test]
async fn a_wrong_method_is_told() {
    let site = Site::start().await;
    let answer = site
        .client
        .delete(format!("{}/v1/meetings", site.url))
        .send()
        .await
        .unwrap();
    crate::support::Answer::of(answer)
        .await
        .is(405)
        .problem("method_not_allowed");
}

#[tokio::test]
async fn browsers_get_a_page() {
    let site = Site::start().await;
    let answer = site.page("/meetings/nothing").await.is(404);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert!(
        answer.text.contains("not_found") && answer.text.contains(answer.header("x-request-id"))
    );
    let answer = site
        .page("/nowhere/<script>alert(1)</script>")
        .await
        .is(404);
    assert!(!answer.text.contains("<script>alert"));
}

#[tokio::test]
async fn lists_have_the_same_shape() {
    let site = Site::start().await;
    for path in [
        "/v1/connections",
        "/v1/meetings",
        "/v1/events",
        "/v1/jobs",
        "/v1/backfills",
        "/v1/search?q=x",
    ] {
        let list = site.get(path).await.is(200).json();
        assert_eq!(list["items"].as_array().unwrap().len(), 0, "{path}");
        assert!(list["next"].is_null(), "{path}");
    }
    let status = site.get("/v1/status").await.is(200).json();
    assert_eq!(status["store"]["instances"], 0);
    assert_eq!(status["connections"].as_array().unwrap().len(), 0);
}

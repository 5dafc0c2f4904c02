//! Who may come in: this machine everywhere, everybody else only as far as the webhook door.

use parfocal_engine::App;
use parfocal_engine::config::Config;
use parfocal_server::{Server, ServerError};

use crate::support::{Answer, Site, event};

async fn with(site: &Site, path: &str, name: &str, value: &str) -> Answer {
    Answer::of(
        site.client
            .get(format!("{}{path}", site.url))
            .header(name, value)
            .send()
            .await
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn a_foreign_listen_address_is_refused_until_there_is_authentication() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.data.dir = directory.path().to_owned();
    config.server.listen = "0.0.0.0:0".parse().unwrap();
    // The configuration's own check says so first.
    let error = App::open(config.clone()).await.unwrap_err();
    assert!(error.to_string().contains("server.listen"), "{error}");
    assert!(
        ServerError::NotLoopback(config.server.listen)
            .to_string()
            .contains("authentication")
    );
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    let app = App::open(config).await.unwrap();
    assert!(
        Server::bind(app, None)
            .await
            .unwrap()
            .address()
            .ip()
            .is_loopback()
    );
}

#[tokio::test]
async fn a_foreign_host_reaches_nothing_but_the_door() {
    let site = Site::start().await;
    for path in [
        "/",
        "/v1/meetings",
        "/v1/search?q=x",
        "/metrics",
        "/search",
        "/readyz",
        "/nowhere",
    ] {
        with(&site, path, "host", "parfocal.example.org")
            .await
            .is(421)
            .problem("not_local");
        with(&site, path, "x-forwarded-for", "203.0.113.9")
            .await
            .is(421)
            .problem("not_local");
        with(&site, path, "host", "127.0.0.1.nip.io").await.is(421);
    }
    let port = site.url.rsplit(':').next().unwrap().to_owned();
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        with(&site, "/v1/meetings", "host", &format!("{host}:{port}"))
            .await
            .is(200);
    }
    let at = jiff::Timestamp::now().as_second().to_string();
    let body = event(1);
    let request = site
        .client
        .post(format!("{}/webhooks/zoom", site.url))
        .header("host", "tunnel.example.org")
        .header("x-forwarded-for", "170.114.0.1")
        .header("x-zm-request-timestamp", &at)
        .header(
            "x-zm-signature",
            crate::support::sign(crate::support::SECRET, &at, &body),
        )
        .body(body);
    Answer::of(request.send().await.unwrap()).await.is(204);
}

#[tokio::test]
async fn other_sites_cannot_post() {
    let site = Site::start().await;
    let request = site
        .client
        .post(format!("{}/search", site.url))
        .header("origin", "https://evil.example");
    let refused = Answer::of(
        request
            .header("sec-fetch-site", "cross-site")
            .send()
            .await
            .unwrap(),
    )
    .await
    .is(403);
    let problem = refused.problem("cross_site");
    let hint = problem["hint"].as_str().unwrap();
    assert!(
        hint.contains("console") && hint.contains("server.public_url"),
        "{hint}"
    );
}

#[tokio::test]
async fn a_request_keeps_the_id_that_it_came_with() {
    let site = Site::start().await;
    let ask = async |id: &str, path: &str| {
        let request = site.client.get(format!("{}{path}", site.url));
        Answer::of(request.header("x-request-id", id).send().await.unwrap()).await
    };
    let id = "0190b1c2-7e5f-7000-8000-abcdefabcdef";
    assert_eq!(
        ask(id, "/v1/status").await.is(200).header("x-request-id"),
        id
    );
    let missing = ask(id, "/v1/meetings/81234567890").await.is(404);
    assert_eq!(missing.problem("not_found")["request_id"], id);
    let forged = ask("two words", "/v1/status").await.is(200);
    assert_ne!(forged.header("x-request-id"), "two words");
}

#[tokio::test]
async fn pages_may_load_nothing_from_elsewhere() {
    let site = Site::start().await;
    for path in ["/", "/v1/meetings", "/nowhere", "/healthz"] {
        let answer = site.page(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
    }
}

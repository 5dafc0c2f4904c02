//! The control calls and the page for people.

use serde_json::json;

use crate::kit::{read, start};

#[tokio::test]
async fn health_info_and_clock() {
    let sim = start().await;
    assert_eq!(sim.sim("/health").await["status"], "ok");
    let info = sim.sim("/info").await;
    assert_eq!(info["plan"], "business");
    assert_eq!(info["limits"], "off");
    assert!(info["counts"]["instances"].as_u64().unwrap() >= 60);
    assert_eq!(sim.sim("/clock").await["speed"], 0.0);
    assert_eq!(
        sim.get("/users/me").await.header("date"),
        Some("Fri, 20 Nov 2026 12:00:00 GMT"),
        "answers carry the simulated time"
    );
    let moved = sim
        .sim_post(
            "/clock",
            json!({ "set": "2026-12-24T18:00:00Z", "speed": 2.0 }),
        )
        .await;
    assert_eq!(moved["speed"], 2.0);
    assert!(
        moved["now"]
            .as_str()
            .unwrap()
            .starts_with("2026-12-24T18:00:00")
    );
    for bad in [json!({}), json!({ "speed": 21 }), json!({ "set": "soon" })] {
        assert_eq!(
            read(sim.http.post(sim.url("/_sim/clock")).json(&bad))
                .await
                .status,
            400
        );
    }
    assert_eq!(
        read(sim.http.get(sim.url("/_sim/nothing"))).await.status,
        404
    );
}

#[tokio::test]
async fn a_reset_forgets_everything_and_the_same_seed_returns() {
    let sim = start().await;
    let before = sim.history().await;
    let made = sim
        .post("/users/me/meetings", &json!({ "topic": "gone soon" }))
        .await
        .json()["id"]
        .as_u64()
        .unwrap();
    sim.sim_post("/clock", json!({ "advance_ms": 1000 })).await;
    sim.sim_post("/reset", json!({})).await;
    assert_eq!(
        sim.get("/users/me").await.status,
        401,
        "tokens are forgotten"
    );
    let token = sim.s2s().await;
    let sim = crate::kit::Sim { token, ..sim };
    assert_eq!(
        sim.get(&format!("/meetings/{made}")).await.refusal(),
        (404, 3001)
    );
    assert_eq!(sim.history().await, before);
}

#[tokio::test]
async fn the_overview_lists_what_is_there_and_escapes_it() {
    let sim = start().await;
    let page = read(sim.http.get(sim.url("/"))).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("simulated Zoom account"));
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none'")
    );
    let made = sim
        .post(
            "/users/me/meetings",
            &json!({ "topic": "<script>x</script>" }),
        )
        .await
        .json();
    let page = read(sim.http.get(made["join_url"].as_str().unwrap()))
        .await
        .text();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
}

#[tokio::test]
async fn callers_behind_the_proxy_stay_on_zooms_hosts() {
    let sim = start().await;
    let got = read(
        sim.http
            .post(sim.url("/oauth/token"))
            .header("host", "zoom.us")
            .basic_auth("simulator", Some("simulator"))
            .form(&[
                ("grant_type", "account_credentials"),
                ("account_id", "simulator"),
            ]),
    )
    .await;
    assert_eq!(got.json()["api_url"], "https://api.zoom.us");
    let row = sim.recordings().await.remove(0);
    let path = format!(
        "/v2/meetings/{}/recordings",
        crate::kit::twice(row["uuid"].as_str().unwrap())
    );
    let got = read(
        sim.http
            .get(sim.url(&path))
            .header("host", "api.zoom.us")
            .bearer_auth(&sim.token),
    )
    .await;
    let url = got.json()["recording_files"][0]["download_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = url.strip_prefix("https://us05web.zoom.us").unwrap();
    let got = read(
        sim.http
            .get(sim.url(path))
            .header("host", "us05web.zoom.us")
            .bearer_auth(&sim.token),
    )
    .await;
    assert!(
        got.header("location")
            .unwrap()
            .starts_with("https://us05web.zoom.us/rec/storage/")
    );
}

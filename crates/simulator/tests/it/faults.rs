//! Faults come when they are ordered and go when they are spent.

use serde_json::json;

use crate::kit::{client, read, start};

#[tokio::test]
async fn refusals_by_order() {
    let sim = start().await;
    sim.sim_post("/faults", json!({ "kind": "rate_limit", "path": "/v2/users", "times": 1, "retry_after": "Fri, 20 Nov 2026 12:00:05 GMT" })).await;
    let got = sim.get("/users/me").await;
    assert_eq!(got.refusal(), (429, 429));
    assert_eq!(
        got.header("retry-after"),
        Some("Fri, 20 Nov 2026 12:00:05 GMT")
    );
    assert_eq!(sim.get("/users/me").await.status, 200);
    sim.sim_post(
        "/faults",
        json!({ "kind": "server_error", "status": 503, "method": "GET", "times": 1 }),
    )
    .await;
    let got = read(
        sim.http
            .get(sim.url("/v2/users/me"))
            .bearer_auth(&sim.token),
    )
    .await;
    assert_eq!(got.status, 503);
    assert_eq!(sim.get("/users/me").await.status, 200);
    assert_eq!(
        sim.sim("/calls").await["by_endpoint"]["GET /users/{userId}"],
        4,
        "refused calls count"
    );
}

#[tokio::test]
async fn tokens_expire_and_consent_is_withdrawn_by_order() {
    let sim = start().await;
    let token = sim.user_token("ingrid@brightwater.example").await;
    let me = |token: String| async move { token };
    sim.sim_post("/faults", json!({ "kind": "expired_token", "times": 1 }))
        .await;
    assert_eq!(sim.get("/users/me").await.refusal(), (401, 124));
    assert_eq!(
        sim.get("/users/me").await.refusal(),
        (401, 124),
        "that token is dead"
    );
    let fresh = sim.s2s().await;
    assert_eq!(
        sim.call_as(&fresh, reqwest::Method::GET, "/users/me", None)
            .await
            .status,
        200
    );
    sim.sim_post("/faults", json!({ "kind": "revoked_consent", "times": 1 }))
        .await;
    let token = me(token).await;
    assert_eq!(
        sim.call_as(&token, reqwest::Method::GET, "/users/me", None)
            .await
            .refusal(),
        (401, 124)
    );
    assert_eq!(
        sim.call_as(&fresh, reqwest::Method::GET, "/users/me", None)
            .await
            .status,
        200
    );
    let _ = sim.user_token("tobias@brightwater.example").await;
    assert_eq!(sim.sim("/grants").await.as_array().unwrap().len(), 1);
    assert_eq!(
        sim.sim_post("/deauthorize", json!({ "client_id": "simulator-user" }))
            .await["removed"],
        1
    );
    assert_eq!(sim.sim("/grants").await, json!([]));
}

#[tokio::test]
async fn answers_are_cut_in_the_middle() {
    let sim = start().await;
    sim.sim_post(
        "/faults",
        json!({ "kind": "cut", "path": "/v2/users", "after_bytes": 10, "times": 1 }),
    )
    .await;
    let answer = client()
        .get(sim.url("/v2/users"))
        .bearer_auth(&sim.token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
    assert_eq!(sim.get("/users").await.status, 200);
    let rows = sim.recordings().await;
    let url = rows[0]["recording_files"][0]["download_url"]
        .as_str()
        .unwrap();
    let id = sim
        .sim_post(
            "/faults",
            json!({ "kind": "cut", "path": "/rec/download", "times": 1 }),
        )
        .await["id"]
        .as_u64()
        .unwrap();
    let door = read(sim.http.get(url).bearer_auth(&sim.token)).await;
    assert_eq!(door.status, 302);
    let answer = client()
        .get(door.header("location").unwrap())
        .send()
        .await
        .unwrap();
    assert!(
        answer.bytes().await.is_err(),
        "the file, not the redirect, is cut"
    );
    let got = read(sim.http.delete(sim.url(&format!("/_sim/faults/{id}")))).await;
    assert_eq!(got.status, 200);
    assert_eq!(
        read(sim.http.delete(sim.url("/_sim/faults/99")))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn slow_answers_wait_for_the_clock() {
    let sim = start().await;
    sim.sim_post(
        "/faults",
        json!({ "kind": "slow", "delay_ms": 5000, "times": 1 }),
    )
    .await;
    let url = sim.url("/v2/users/me");
    let token = sim.token.clone();
    let slow = tokio::spawn(async move { read(client().get(url).bearer_auth(token)).await });
    while sim.sim("/faults").await[0]["struck"] == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!slow.is_finished());
    sim.advance(5).await;
    assert_eq!(slow.await.unwrap().status, 200);
}

#[tokio::test]
async fn nonsense_orders_are_refused() {
    let sim = start().await;
    for body in [
        json!({}),
        json!({ "kind": "flood" }),
        json!({ "kind": "slow", "odd": 1 }),
        json!({ "kind": "server_error", "status": 42 }),
    ] {
        let got = read(sim.http.post(sim.url("/_sim/faults")).json(&body)).await;
        assert_eq!(got.status, 400);
        assert!(got.json()["error"].is_string());
    }
}

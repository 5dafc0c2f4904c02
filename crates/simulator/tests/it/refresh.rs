//! Refreshing as a client has to fear it: answers that never come, come late, or are someone else's; and the counts.

use parfocal_simulator::Config;
use serde_json::{Value, json};

use crate::kit::{Got, Sim, config, read, start, start_with};

const APP: Option<(&str, &str)> = Some(("simulator-user", "simulator-user-secret"));
const USER: &str = "ingrid@brightwater.example";

async fn refresh_token(sim: &Sim) -> String {
    let redirect = "https://app.example/callback";
    let got = read(sim.http.get(sim.url("/oauth/authorize")).query(&[
        ("response_type", "code"),
        ("client_id", "simulator-user"),
        ("redirect_uri", redirect),
        ("sim_consent", "allow"),
        ("sim_user", USER),
    ]))
    .await;
    let back = url::Url::parse(got.header("location").unwrap()).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code");
    let code = code.unwrap().1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", redirect),
    ];
    let got = sim.token_call(APP, &form).await;
    got.json()["refresh_token"].as_str().unwrap().to_owned()
}

fn ask(sim: &Sim, token: &str) -> reqwest::RequestBuilder {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    sim.http
        .post(sim.url("/oauth/token"))
        .basic_auth("simulator-user", Some("simulator-user-secret"))
        .form(&form)
}

async fn refresh(sim: &Sim, token: &str) -> Got {
    read(ask(sim, token)).await
}

async fn record(sim: &Sim) -> Value {
    let all = sim.sim("/grants?all=true").await;
    all.as_array().unwrap().last().unwrap().clone()
}

#[tokio::test]
async fn an_answer_lost_on_the_wire_has_had_its_effect() {
    for (grace, works) in [(0, false), (60, true)] {
        let sim = start_with(Config {
            refresh_grace_secs: grace,
            ..config()
        })
        .await;
        let token = refresh_token(&sim).await;
        sim.sim_post(
            "/faults",
            json!({ "kind": "lost", "path": "/oauth/token", "grant_type": "refresh_token", "times": 1 }),
        )
        .await;
        let error = ask(&sim, &token).send().await.unwrap_err();
        assert!(error.status().is_none(), "not a byte comes back: {error}");
        assert!(!error.is_connect());
        let told = record(&sim).await;
        assert_eq!(
            (&told["asked"], &told["accepted"], &told["generation"]),
            (&json!(1), &json!(1), &json!(2))
        );
        assert_eq!(refresh(&sim, &token).await.status == 200, works);
        let told = record(&sim).await;
        assert_eq!(told["replayed"], 1);
        assert_eq!(told["replays_accepted"], u64::from(works));
    }
}

#[tokio::test]
async fn an_answer_that_comes_late_has_had_its_effect_before() {
    let sim = start().await;
    let token = refresh_token(&sim).await;
    sim.sim_post(
        "/faults",
        json!({ "kind": "late_answer", "path": "/oauth/token", "delay_ms": 5000, "times": 1 }),
    )
    .await;
    let late = tokio::spawn(ask(&sim, &token).send());
    while record(&sim).await["accepted"] == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!late.is_finished());
    sim.advance(5).await;
    assert_eq!(late.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn any_answer_can_be_ordered() {
    let sim = start().await;
    let token = refresh_token(&sim).await;
    let body = json!({ "reason": "Invalid Token!", "error": "invalid_request" });
    sim.sim_post(
        "/faults",
        json!({ "kind": "answer", "path": "/oauth/token", "status": 401, "body": body, "times": 1 }),
    )
    .await;
    let got = refresh(&sim, &token).await;
    assert_eq!((got.status.as_u16(), got.json()), (401, body));
    sim.sim_post(
        "/faults",
        json!({ "kind": "answer", "path": "/oauth/token", "status": 200, "body": "<html>", "times": 1 }),
    )
    .await;
    let got = refresh(&sim, &token).await;
    assert_eq!((got.status.as_u16(), got.text().as_str()), (200, "<html>"));
    assert_eq!(record(&sim).await["asked"], 0, "nothing was carried out");
    assert_eq!(refresh(&sim, &token).await.status, 200);
}

#[tokio::test]
async fn early_refreshes_are_told_from_due_ones() {
    let sim = start().await;
    let first = refresh_token(&sim).await;
    sim.advance(3_590).await;
    let second = refresh(&sim, &first).await.json();
    sim.advance(60).await;
    let second = second["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(&sim, second).await.status, 200);
    let told = record(&sim).await;
    assert_eq!(
        (&told["accepted"], &told["early"], &told["replayed"]),
        (&json!(2), &json!(1), &json!(0))
    );
    let user = sim.sim("/grants").await[0]["user_id"].clone();
    assert_eq!(told["user_id"], user);
    // What a client must keep to itself can be looked for.
    let secrets = sim.sim("/secrets").await;
    let held = |secret: &str| secrets.as_array().unwrap().contains(&json!(secret));
    assert!(held(&first) && held(second) && held(&sim.token));
    sim.sim_post("/deauthorize", json!({ "user": USER, "silent": true }))
        .await;
    assert_eq!(record(&sim).await["ended"], "removed");
    assert_eq!(sim.sim("/grants").await, json!([]));
}

#[tokio::test]
async fn life_grace_and_region_can_be_set_while_it_runs() {
    let sim = start().await;
    let set = json!({ "access_life_secs": 30, "refresh_grace_secs": 5, "api_url": "https://api-eu.zoom.us" });
    assert_eq!(sim.sim_post("/oauth", set.clone()).await, set);
    let token = refresh_token(&sim).await;
    let got = refresh(&sim, &token).await.json();
    assert_eq!(got["expires_in"], 30);
    assert_eq!(got["api_url"], "https://api-eu.zoom.us");
    assert_eq!(refresh(&sim, &token).await.status, 200, "within the grace");
    sim.sim_post("/oauth", json!({ "api_url": "" })).await;
    let access = sim.user_token(USER).await;
    assert_eq!(sim.sim("/oauth").await["api_url"], Value::Null);
    let me = || sim.call_as(&access, reqwest::Method::GET, "/users/me", None);
    assert_eq!(me().await.status, 200);
    sim.advance(30).await;
    assert_eq!(me().await.refusal(), (401, 124));
}

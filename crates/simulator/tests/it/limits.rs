//! Rate budgets: per second, per day, per host, and the record of everything over them.

use parfocal_simulator::{Config, Limits, Plan, RateHeaders};
use serde_json::json;

use crate::kit::{config, start, start_with};

fn limited(plan: Plan) -> Config {
    Config {
        limits: Limits::Plan(plan),
        ..config()
    }
}

#[tokio::test]
async fn the_fifth_light_call_of_a_second_is_too_much_on_free() {
    let sim = start_with(limited(Plan::Free)).await;
    for _ in 0..4 {
        assert_eq!(sim.get("/users/me").await.status, 200);
    }
    let got = sim.get("/users/me").await;
    assert_eq!(got.refusal(), (429, 429));
    assert_eq!(
        got.json()["message"],
        "You have reached the maximum per-second rate limit for this API. Try again later."
    );
    assert_eq!(got.header("x-ratelimit-category"), Some("Light"));
    assert_eq!(got.header("x-ratelimit-type"), Some("QPS"));
    assert_eq!(got.header("retry-after"), None);
    let violations = sim.sim("/violations").await;
    assert_eq!(violations["count"], 1);
    assert_eq!(violations["violations"][0]["label"], "LIGHT");
    assert_eq!(violations["violations"][0]["window"], "second");
    assert_eq!(violations["violations"][0]["seen"], 5);
    sim.advance(1).await;
    assert_eq!(sim.get("/users/me").await.status, 200);
    assert_eq!(sim.sim("/calls").await["by_label"]["LIGHT"], 6);
}

#[tokio::test]
async fn a_spent_day_says_when_it_ends() {
    let sim = start_with(limited(Plan::Free)).await;
    let path = "/report/history_meetings?from=2026-11-01&to=2026-11-02&page_size=1";
    for _ in 0..1000 {
        assert_eq!(sim.get(path).await.status, 200);
        sim.advance(1).await;
    }
    let got = sim.get(path).await;
    assert_eq!(got.refusal(), (429, 429));
    assert!(
        got.json()["message"]
            .as_str()
            .unwrap()
            .contains("maximum daily rate limit")
    );
    assert_eq!(got.header("retry-after"), Some("2026-11-21T00:00:00Z"));
    assert_eq!(got.header("x-ratelimit-type"), Some("Daily-limit"));
    sim.sim_post("/clock", json!({ "set": "2026-11-21T00:00:00Z" }))
        .await;
    // Tokens have died meanwhile; the budget is fresh.
    let token = sim.s2s().await;
    assert_eq!(
        sim.call_as(&token, reqwest::Method::GET, path, None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn hosts_may_be_written_to_a_hundred_times_a_day() {
    let sim = start_with(limited(Plan::Business)).await;
    let users = sim.user_ids().await;
    let path = format!("/users/{}/meetings", users[0]);
    let mut number = 0;
    for n in 0..100 {
        let got = sim
            .post(&path, &json!({ "topic": format!("meeting {n}") }))
            .await;
        assert_eq!(got.status, 201, "{}", got.text());
        number = got.json()["id"].as_u64().unwrap();
        sim.advance(1).await;
    }
    let got = sim
        .send(
            reqwest::Method::PATCH,
            &format!("/meetings/{number}"),
            &json!({ "topic": "x" }),
        )
        .await;
    assert_eq!(got.refusal(), (429, 429));
    assert!(
        got.json()["message"]
            .as_str()
            .unwrap()
            .contains("daily rate limit (100)")
    );
    assert_eq!(got.header("retry-after"), None);
    assert_eq!(
        sim.post(&format!("/users/{}/meetings", users[1]), &json!({}))
            .await
            .status,
        201
    );
    assert_eq!(
        sim.delete(&format!("/meetings/{number}")).await.status,
        204,
        "deleting is free"
    );
    let violations = sim.sim("/violations").await;
    assert_eq!(violations["violations"][0]["host_id"], users[0]);
    assert_eq!(violations["violations"][0]["window"], "day");
}

#[tokio::test]
async fn headers_are_a_switch_and_off_means_off() {
    let sim = start_with(Config {
        rate_headers: RateHeaders::CategoryOnly,
        ..limited(Plan::Pro)
    })
    .await;
    let got = sim.get("/users").await;
    assert_eq!(got.header("x-ratelimit-category"), Some("Medium"));
    assert_eq!(got.header("x-ratelimit-limit"), None);
    let sim = start_with(Config {
        rate_headers: RateHeaders::Off,
        ..limited(Plan::Pro)
    })
    .await;
    assert_eq!(sim.get("/users").await.header("x-ratelimit-category"), None);
    let sim = start().await;
    for _ in 0..200 {
        assert_eq!(sim.get("/users/me").await.status, 200);
    }
    assert_eq!(sim.sim("/violations").await["count"], 0);
}

//! Registration.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Sim, config, start, start_with};

async fn meeting(sim: &Sim, approval: u8) -> String {
    let body = json!({ "topic": "Open day", "type": 2, "start_time": "2026-12-01T09:00:00Z", "settings": { "approval_type": approval } });
    let got = sim.post("/users/me/meetings", &body).await;
    assert_eq!(got.status, 201, "{}", got.text());
    assert_eq!(got.json().get("registration_url").is_some(), approval < 2);
    format!("/meetings/{}", got.json()["id"])
}

fn person(n: u32) -> Value {
    json!({ "email": format!("guest{n}@elsewhere.example"), "first_name": "Guest", "last_name": n.to_string(), "org": "Elsewhere" })
}

#[tokio::test]
async fn people_register_and_hosts_decide() {
    let sim = start().await;
    let path = meeting(&sim, 1).await;
    let got = sim.post(&format!("{path}/registrants"), &person(1)).await;
    assert_eq!(got.status, 201, "{}", got.text());
    assert!(got.json().get("join_url").is_none(), "not before approval");
    let id = got.json()["registrant_id"].as_str().unwrap().to_owned();
    assert_eq!(
        sim.all(&format!("{path}/registrants?status=pending"), "registrants")
            .await
            .len(),
        1
    );
    let decide = json!({ "action": "approve", "registrants": [{ "id": id, "email": "guest1@elsewhere.example" }] });
    assert_eq!(
        sim.send(Method::PUT, &format!("{path}/registrants/status"), &decide)
            .await
            .status,
        204
    );
    let approved = sim.all(&format!("{path}/registrants"), "registrants").await;
    assert!(approved[0]["join_url"].as_str().unwrap().contains("tk="));
    assert_eq!(approved[0]["org"], "Elsewhere");
    assert_eq!(
        sim.ok(&format!("{path}/registrants/{id}")).await["status"],
        "approved"
    );
    let wrong = json!({ "action": "deny", "registrants": [{ "id": "nobody" }] });
    assert_eq!(
        sim.send(Method::PUT, &format!("{path}/registrants/status"), &wrong)
            .await
            .refusal(),
        (400, 3079)
    );
    assert_eq!(
        sim.delete(&format!("{path}/registrants/{id}")).await.status,
        204
    );
    assert_eq!(
        sim.all(&format!("{path}/registrants"), "registrants")
            .await
            .len(),
        0
    );
    assert_eq!(
        sim.delete(&format!("{path}/registrants/{id}"))
            .await
            .refusal(),
        (400, 300)
    );
}

#[tokio::test]
async fn bad_registrations_are_refused() {
    let sim = start().await;
    let path = meeting(&sim, 0).await;
    let add = format!("{path}/registrants");
    assert_eq!(
        sim.post(&add, &json!({ "email": "no address", "first_name": "x" }))
            .await
            .refusal(),
        (400, 300)
    );
    assert_eq!(
        sim.post(&add, &json!({ "email": "a@b.example" }))
            .await
            .refusal(),
        (400, 300)
    );
    let host = sim.ok("/users/me").await["email"].clone();
    assert_eq!(
        sim.post(&add, &json!({ "email": host, "first_name": "x" }))
            .await
            .refusal(),
        (400, 3027)
    );
    let closed = meeting(&sim, 2).await;
    assert_eq!(
        sim.post(&format!("{closed}/registrants"), &person(1))
            .await
            .refusal(),
        (400, 3000)
    );
    assert_eq!(
        sim.post("/meetings/12345678901/registrants", &person(1))
            .await
            .refusal(),
        (404, 1001)
    );
}

#[tokio::test]
async fn the_same_person_registers_three_times_a_day_at_most() {
    let sim = start_with(parfocal_simulator::Config {
        limits: parfocal_simulator::Limits::OfPlan,
        ..config()
    })
    .await;
    let path = meeting(&sim, 0).await;
    for _ in 0..3 {
        assert_eq!(
            sim.post(&format!("{path}/registrants"), &person(1))
                .await
                .status,
            201
        );
    }
    assert_eq!(
        sim.post(&format!("{path}/registrants"), &person(1))
            .await
            .refusal(),
        (429, 429)
    );
    assert_eq!(
        sim.post(&format!("{path}/registrants"), &person(2))
            .await
            .status,
        201
    );
}

//! Users and their settings.

use parfocal_simulator::{Config, Plan};
use reqwest::Method;
use serde_json::json;

use crate::kit::{config, start, start_with};

#[tokio::test]
async fn users_are_listed_by_status_and_read_by_id_or_address() {
    let sim = start().await;
    let active = sim.all("/users", "users").await;
    assert!(active.len() >= 10);
    for user in &active {
        let id = user["id"].as_str().unwrap();
        assert_eq!(id.len(), 22);
        let by_id = sim.ok(&format!("/users/{id}")).await;
        let by_mail = sim
            .ok(&format!(
                "/users/{}",
                crate::kit::encode(user["email"].as_str().unwrap())
            ))
            .await;
        assert_eq!(by_id, by_mail);
        assert_eq!(by_id["pmi"], user["pmi"]);
        sim.ok(&format!("/users/{id}/settings")).await;
        sim.ok(&format!("/users/{id}/permissions")).await;
    }
    for user in sim.all("/users?status=pending", "users").await {
        assert!(
            user.get("id").is_none(),
            "pending users have no id in lists"
        );
    }
    let summary = sim.ok("/users/summary").await;
    let inactive = sim.all("/users?status=inactive", "users").await.len();
    let pending = sim.all("/users?status=pending", "users").await.len();
    assert_eq!(
        summary["total_users_count"].as_u64().unwrap(),
        u64::try_from(active.len() + inactive + pending).unwrap()
    );
    assert_eq!(
        sim.get("/users/nobody@else.example").await.refusal(),
        (404, 1001)
    );
    assert_eq!(sim.get("/users?status=odd").await.refusal(), (400, 300));
}

#[tokio::test]
async fn users_come_change_and_go() {
    let sim = start().await;
    let new = json!({ "action": "autoCreate", "user_info": { "email": "new@brightwater.example", "type": 2, "first_name": "New" } });
    let got = sim.post("/users", &new).await;
    assert_eq!(got.status, 201, "{}", got.text());
    let id = got.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(sim.post("/users", &new).await.refusal(), (409, 1005));
    assert_eq!(
        sim.post("/users", &json!({ "action": "create", "user_info": {} }))
            .await
            .refusal(),
        (400, 300)
    );
    assert_eq!(
        sim.send(
            Method::PATCH,
            &format!("/users/{id}"),
            &json!({ "last_name": "Comer", "unknown": 1 })
        )
        .await
        .status,
        204
    );
    assert_eq!(sim.ok(&format!("/users/{id}")).await["last_name"], "Comer");
    let patch = json!({ "recording": { "cloud_recording": false } });
    assert_eq!(
        sim.send(Method::PATCH, &format!("/users/{id}/settings"), &patch)
            .await
            .status,
        204
    );
    assert_eq!(
        sim.ok(&format!("/users/{id}/settings")).await["recording"]["cloud_recording"],
        false
    );
    assert_eq!(
        sim.ok("/users/email?email=new%40brightwater.example").await["existed_email"],
        true
    );
    assert_eq!(
        sim.delete(&format!("/users/{id}?action=delete"))
            .await
            .status,
        204
    );
    assert_eq!(
        sim.get(&format!("/users/{id}")).await.refusal(),
        (404, 1001)
    );
}

#[tokio::test]
async fn keys_are_tokens() {
    let sim = start().await;
    assert!(
        sim.ok("/users/me/token?type=zak").await["token"]
            .as_str()
            .unwrap()
            .starts_with("eyJ")
    );
    let token = sim.user_token("ingrid@brightwater.example").await;
    assert_eq!(
        sim.call_as(&token, Method::GET, "/users/me/zak", None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn the_account_says_what_its_settings_allow() {
    let sim = start().await;
    let settings = sim.ok("/accounts/me/settings").await;
    assert_eq!(settings["recording"]["cloud_recording"], true);
    let got = sim.get("/accounts/another/settings").await;
    assert_eq!(got.refusal(), (400, 2001));
    let user = sim.user_token("ingrid@brightwater.example").await;
    let got = sim.call_as(&user, Method::GET, "/accounts/me/settings", None);
    assert_eq!(got.await.refusal(), (400, 4711), "an admin scope is needed");
    let free = start_with(Config {
        plan: Plan::Free,
        ..config()
    })
    .await;
    let settings = free.ok("/accounts/me/settings").await;
    assert_eq!(settings["recording"]["cloud_recording"], false);
}

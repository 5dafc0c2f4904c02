//! Scopes are asked for at every endpoint, in Zoom's words; `me` is what users' tokens say.

use parfocal_simulator::{App, AppScopes, Config};
use reqwest::Method;

use crate::kit::{config, start, start_with};

fn with_scopes(scopes: AppScopes) -> Config {
    let mut apps = App::defaults();
    apps[0].scopes = scopes;
    Config { apps, ..config() }
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let sim = start_with(with_scopes(AppScopes::Only(vec![
        "user:read:user:admin".to_owned(),
    ])))
    .await;
    assert_eq!(sim.get("/users/me").await.status, 200);
    let got = sim.get("/users").await;
    assert_eq!(got.refusal(), (400, 4711));
    assert_eq!(
        got.json()["message"],
        "Invalid access token, does not contain scopes:[user:read:list_users:admin]."
    );
    let got = sim.get("/meetings/123").await;
    assert_eq!(
        got.json()["message"],
        "Invalid access token, does not contain scopes:[meeting:read:meeting, meeting:read:meeting:admin]."
    );
}

#[tokio::test]
async fn classic_scopes_open_what_they_always_did() {
    let sim = start_with(with_scopes(AppScopes::Only(vec![
        "meeting:read:admin".to_owned(),
        "user:read:admin".to_owned(),
    ])))
    .await;
    assert_eq!(sim.get("/users").await.status, 200);
    let got = sim.get("/users/me/recordings").await;
    assert_eq!(got.refusal(), (400, 104));
    assert!(
        got.json()["message"]
            .as_str()
            .unwrap()
            .contains("recording:read:admin")
    );
    let sim = start_with(with_scopes(AppScopes::AllClassic)).await;
    assert_eq!(sim.get("/users/me/recordings").await.status, 200);
}

#[tokio::test]
async fn users_tokens_say_me_and_see_their_own() {
    let sim = start().await;
    let token = sim.user_token("tobias@brightwater.example").await;
    let me = sim
        .call_as(&token, Method::GET, "/users/me", None)
        .await
        .json();
    assert_eq!(me["email"], "tobias@brightwater.example");
    let id = me["id"].as_str().unwrap();
    let got = sim
        .call_as(&token, Method::GET, &format!("/users/{id}"), None)
        .await;
    assert_eq!(
        got.refusal(),
        (400, 4711),
        "an id is refused, even the own one"
    );
    assert!(
        got.json()["message"]
            .as_str()
            .unwrap()
            .contains("user:read:user:admin")
    );
    assert_eq!(
        sim.call_as(&token, Method::GET, "/users", None)
            .await
            .refusal(),
        (400, 4711)
    );
    let own = sim
        .call_as(&token, Method::GET, "/users/me/meetings", None)
        .await
        .json();
    let mut foreign = None;
    for other in sim.user_ids().await {
        if other != id {
            foreign = foreign.or(
                sim.ok(&format!("/users/{other}/meetings")).await["meetings"][0]["id"].as_u64(),
            );
        }
    }
    if let Some(mine) = own["meetings"][0]["id"].as_u64() {
        assert_eq!(
            sim.call_as(&token, Method::GET, &format!("/meetings/{mine}"), None)
                .await
                .status,
            200
        );
    }
    let foreign = foreign.unwrap();
    assert_eq!(
        sim.call_as(&token, Method::GET, &format!("/meetings/{foreign}"), None)
            .await
            .refusal(),
        (400, 4711)
    );
}

#[tokio::test]
async fn me_for_server_to_server_is_a_switch() {
    let sim = start_with(Config {
        s2s_me: false,
        ..config()
    })
    .await;
    assert_eq!(sim.get("/users/me").await.refusal(), (404, 1001));
    assert_eq!(
        sim.get("/users/ingrid%40brightwater.example").await.status,
        200
    );
}

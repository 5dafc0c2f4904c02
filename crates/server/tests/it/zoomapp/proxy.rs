//! Calls through the proxy, as front ends inside Zoom's client write them.

use parfocal_engine::App;
use parfocal_engine::zoomapp::Standing;
use serde_json::{Value, json};

use super::{Page, World};
use crate::support::Answer;

async fn fault(world: &World, fault: &Value) {
    world.zoom.control("faults", &fault.to_string()).await;
}

/// The next call to a path gets this answer of Zoom's.
async fn refuse(world: &World, path: &str, status: u16, body: &Value) {
    let order = json!({"kind": "answer", "status": status, "times": 1, "path": path, "body": body});
    fault(world, &order).await;
}

#[tokio::test]
async fn the_patterns_of_zooms_sample_work() {
    let world = World::start().await;
    let mut page = world.signed_in(world.me(), "").await;
    let session = world.get(&mut page, "/api/zoomapp/session").await.json();
    assert_eq!(session["status"], "authorized");
    let me = world
        .get(&mut page, "/zoom/api/v2/users/me")
        .await
        .is(200)
        .json();
    assert_eq!(me["id"], session["user"]);
    assert_eq!(me["email"], world.me());
    for number in 0..5 {
        let body = json!({"topic": format!("Standup {number}"), "type": 2, "start_time": "2030-01-01T10:00:00Z",
            "duration": 30, "timezone": "UTC", "settings": {"join_before_host": false, "approval_type": 2}});
        world
            .post(&mut page, "/zoom/api/v2/users/me/meetings", &body)
            .await
            .is(201);
    }
    // All pages, until there is no next one.
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!(
            "/zoom/api/v2/users/me/meetings?type=scheduled&page_size=2&next_page_token={}",
            super::encoded(&token)
        );
        let list = world.get(&mut page, &path).await.is(200).json();
        all.extend(list["meetings"].as_array().unwrap().clone());
        list["next_page_token"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut token);
        if token.is_empty() {
            break;
        }
    }
    let ours: Vec<&Value> = all
        .iter()
        .filter(|one| one["topic"].as_str().unwrap().starts_with("Standup"))
        .collect();
    assert_eq!(ours.len(), 5, "{all:?}");
    let path = format!("/zoom/api/v2/meetings/{}", ours[0]["id"]);
    let patch = json!({"settings": {"waiting_room": true}});
    let changed = world
        .send(&mut page, "PATCH", &path, Some(&patch), &[])
        .await
        .is(204);
    assert_eq!(changed.text, "");
    let meeting = world.get(&mut page, &path).await.is(200).json();
    assert_eq!(meeting["settings"]["waiting_room"], true);
    // No token was part of any of it.
    let secrets = Answer::of(
        world
            .zoom
            .site
            .client
            .get(format!("{}/_sim/secrets", world.zoom.zoom.base_url()))
            .send()
            .await
            .unwrap(),
    )
    .await
    .json();
    let answers = format!("{session}{me}{all:?}{meeting}");
    for secret in secrets.as_array().unwrap() {
        assert!(!answers.contains(secret.as_str().unwrap()));
    }
}

#[tokio::test]
async fn older_clients_take_a_plain_challenge() {
    let world = World::with(&[("challenge", "plain")]).await;
    let mut page = world.open(Some(world.me()), "").await;
    let begun = world
        .get(&mut page, "/api/zoomapp/authorize")
        .await
        .is(200)
        .json();
    assert_eq!(begun["codeChallengeMethod"], "plain");
    world.sign_in(&mut page, world.me()).await.is(200);
    let path = "/api/zoomapp/authorize?code_challenge_method=S256";
    let begun = world.get(&mut page, path).await.is(200).json();
    assert_eq!(begun["codeChallengeMethod"], "S256");
    let path = "/api/zoomapp/authorize?code_challenge_method=none";
    world.get(&mut page, path).await.is(400);
}

#[tokio::test]
async fn guests_and_those_who_have_not_allowed_it_are_told_apart() {
    let world = World::start().await;
    let mut nobody = Page::default();
    let path = "/zoom/api/v2/users/me";
    let refused = world.get(&mut nobody, path).await.is(401);
    assert_eq!(refused.problem("unauthorized")["error"], "unauthorized");
    let mut guest = world.open(None, "").await;
    let session = world.get(&mut guest, "/api/zoomapp/session").await.json();
    assert_eq!(
        (&session["status"], &session["user"]),
        (&json!("guest"), &Value::Null)
    );
    world.get(&mut guest, path).await.is(401);
    let mut known = world.open(Some(world.me()), "").await;
    let session = world.get(&mut known, "/api/zoomapp/session").await.json();
    assert_eq!(session["status"], "authenticated");
    let refused = world.get(&mut known, path).await.is(401);
    assert_eq!(refused.json()["error"], "unauthorized");
    world.sign_in(&mut known, world.me()).await.is(200);
    // Whoever has allowed it once is let in by their context alone.
    let mut again = world.open(Some(world.me()), "").await;
    world.get(&mut again, path).await.is(200);
    world
        .post(&mut again, "/api/zoomapp/signout", &json!({}))
        .await
        .is(204);
    assert_eq!(again.cookie, None);
    world.get(&mut known, path).await.is(200);
}

#[tokio::test]
async fn tokens_are_renewed_unnoticed_and_a_permission_taken_back_leads_to_sign_in() {
    let world = World::start().await;
    let mut page = world.signed_in(world.me(), "").await;
    let path = "/zoom/api/v2/users/me";
    // Before it is needed: an hour later the token is over.
    world.zoom.later(61).await;
    world.get(&mut page, path).await.is(200);
    // Once after Zoom refused it.
    fault(&world, &json!({"kind": "expired_token", "times": 1})).await;
    world.get(&mut page, path).await.is(200);
    let removal = json!({"client_id": super::APP, "silent": true});
    world
        .zoom
        .control("deauthorize", &removal.to_string())
        .await;
    let refused = world.get(&mut page, path).await.is(401);
    let problem = refused.problem("session_expired");
    assert_eq!(problem["error"], "session_expired");
    assert!(problem["message"].as_str().unwrap().contains("Sign in"));
    super::until("the session knows it", async || {
        let session = world
            .get(&mut page.clone(), "/api/zoomapp/session")
            .await
            .json();
        session["status"] == "authenticated"
    })
    .await;
    world.sign_in(&mut page, world.me()).await.is(200);
    world.get(&mut page, path).await.is(200);
}

#[tokio::test]
async fn zooms_refusals_say_what_to_do() {
    let world = World::start().await;
    let mut page = world.signed_in(world.me(), "").await;
    let path = "/zoom/api/v2/users/me";
    let daily = json!({"code": 429, "message": "You have reached the maximum daily rate limit for this API. Refer to the response header for details on when you can make another request."});
    for (status, body, expected, word) in [
        (
            400,
            json!({"code": 4711, "message": "Invalid access token, does not contain scopes:[user:read:x, user:read:x:admin]."}),
            403,
            "missing_scope",
        ),
        (
            400,
            json!({"code": 104, "message": "Invalid access token, does not contain scopes."}),
            403,
            "missing_scope",
        ),
        (
            403,
            json!({"code": 2306, "message": "Not allowed."}),
            403,
            "forbidden",
        ),
        (
            400,
            json!({"code": 200, "message": "Only available for paid account: x."}),
            403,
            "plan",
        ),
        (
            404,
            json!({"code": 3001, "message": "Meeting does not exist: 1."}),
            404,
            "not_found",
        ),
        (
            400,
            json!({"code": 1001, "message": "User does not exist."}),
            404,
            "not_found",
        ),
        (
            400,
            json!({"code": 300, "message": "Validation Failed.", "errors": [{"field": "type", "message": "Invalid field."}]}),
            400,
            "invalid_request",
        ),
        (
            400,
            json!({"code": 300, "message": "The next page token is invalid or expired."}),
            400,
            "page_token_expired",
        ),
        (
            409,
            json!({"code": 1005, "message": "Taken."}),
            409,
            "conflict",
        ),
        (429, daily.clone(), 429, "daily_limit"),
    ] {
        refuse(&world, "/v2/users/me", status, &body).await;
        let answer = world.get(&mut page, path).await.is(expected);
        let problem = answer.problem(word);
        assert_eq!(problem["error"], word, "{problem}");
        assert!(!problem["message"].as_str().unwrap().is_empty());
        assert_eq!(problem["zoom"]["code"], body["code"], "{problem}");
        if expected == 429 {
            let seconds: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=86_400).contains(&seconds));
            // The account is parked until then, so no more is asked.
            let again = world.get(&mut page, path).await;
            assert!([200, 429].contains(&again.status));
        }
        if word == "missing_scope" && body["code"] == 4711 {
            assert_eq!(
                problem["scopes"],
                json!(["user:read:x", "user:read:x:admin"])
            );
        }
        if word == "invalid_request" {
            assert_eq!(problem["errors"][0]["field"], "type", "{problem}");
        }
    }
}

#[tokio::test]
async fn only_what_is_on_the_list_is_passed_on() {
    let world = World::with(&[("allow", "GET /users/{userId}/permissions")]).await;
    let mut page = world.signed_in(world.me(), "").await;
    let live = "/zoom/api/v2/metrics/meetings/84410027731/participants";
    let refused = world.get(&mut page, live).await.is(403);
    let problem = refused.problem("not_allowed");
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("/api/zoomapp/events"),
        "{problem}"
    );
    let one = "/zoom/api/v2/meetings/84410027731";
    world
        .send(&mut page, "DELETE", one, None, &[])
        .await
        .is(405);
    let path = "/zoom/api/v2/users/me/permissions";
    world.get(&mut page, path).await.is(200);
}

#[tokio::test]
async fn a_page_is_told_that_it_has_an_answer_already() {
    let world = World::start().await;
    let mut page = world.signed_in(world.me(), "").await;
    let path = "/zoom/api/v2/users/me/settings";
    let first = world.get(&mut page, path).await.is(200);
    let etag = first.header("etag").to_owned();
    let known = [("if-none-match", etag.as_str())];
    let again = world
        .send(&mut page, "GET", path, None, &known)
        .await
        .is(304);
    assert_eq!(
        (again.text.as_str(), again.header("etag")),
        ("", etag.as_str())
    );
    let other = [("if-none-match", "\"other\"")];
    world
        .send(&mut page, "GET", path, None, &other)
        .await
        .is(200);
}

#[tokio::test]
async fn many_reads_go_in_one_request() {
    let world = World::start().await;
    let mut page = world.signed_in(world.me(), "").await;
    let requests = json!({"requests": [
        {"id": "a", "path": "/users/me"},
        {"id": "b", "path": "/v2/users/me/meetings?page_size=1"},
        {"id": "c", "url": "/zoom/api/v2/metrics/meetings"},
        {"id": "d", "path": "/meetings/84410099999"},
        {"id": "e", "path": "/users/me/meetings", "method": "POST"},
    ]});
    let answer = world
        .post(&mut page, "/zoom/api/batch", &requests)
        .await
        .is(200)
        .json();
    let of = |at: usize| &answer["responses"][at];
    assert_eq!((&of(0)["id"], &of(0)["status"]), (&json!("a"), &json!(200)));
    assert_eq!(of(0)["body"]["email"], world.me());
    assert!(of(1)["body"]["meetings"].is_array());
    assert_eq!(of(2)["body"]["error"], "not_allowed");
    assert_eq!(
        (&of(3)["status"], &of(3)["body"]["error"]),
        (&json!(404), &json!("not_found"))
    );
    assert_eq!(of(4)["body"]["error"], "invalid_request");
    let many: Vec<Value> = (0..21).map(|_| json!({"path": "/users/me"})).collect();
    for requests in [
        json!({"requests": many}),
        json!({"requests": []}),
        json!([]),
    ] {
        world
            .post(&mut page, "/zoom/api/batch", &requests)
            .await
            .is(400);
    }
}

#[tokio::test]
async fn sessions_survive_a_restart_and_lie_nowhere_in_the_clear() {
    let world = World::start().await;
    let page = world.signed_in(world.me(), "").await;
    let cookie = page.cookie.as_deref().unwrap();
    // Another process over the same data.
    let again = App::open(world.zoom.site.app.config().clone())
        .await
        .unwrap();
    let session = again.zoomapp().resume(cookie).await.unwrap().unwrap();
    assert_eq!(session.standing(), Standing::Authorized);
    let me: Value = again
        .zoomapp()
        .client(&session)
        .await
        .unwrap()
        .call(http::Method::GET, "/users/me")
        .json()
        .await
        .unwrap();
    assert_eq!(me["email"], world.me());
    let folder = &world.zoom.site.app.config().data.dir;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes
                .windows(cookie.len())
                .any(|part| part == cookie.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
    again.stop().await;
}

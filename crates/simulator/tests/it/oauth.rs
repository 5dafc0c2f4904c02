//! Tokens: every grant, PKCE, rotation, revocation, the consent page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parfocal_simulator::Config;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::kit::{Got, Sim, config, read, start, start_with};

const USER_APP: Option<(&str, &str)> = Some(("simulator-user", "simulator-user-secret"));
const REDIRECT: &str = "https://app.example/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-1234";

async fn consent(sim: &Sim, more: &[(&str, &str)]) -> Got {
    let mut query = vec![
        ("response_type", "code"),
        ("state", "s t/1"),
        ("sim_consent", "allow"),
    ];
    query.extend_from_slice(more);
    read(sim.http.get(sim.url("/oauth/authorize")).query(&query)).await
}

fn code(got: &Got) -> String {
    let location = got.header("location").unwrap();
    url::Url::parse(location)
        .unwrap()
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned()
}

fn no(got: &Got) -> (u16, String, String) {
    let body = got.json();
    (
        got.status.as_u16(),
        body["reason"].as_str().unwrap().to_owned(),
        body["error"].as_str().unwrap().to_owned(),
    )
}

fn told(status: u16, reason: &str, error: &str) -> (u16, String, String) {
    (status, reason.to_owned(), error.to_owned())
}

async fn exchange(sim: &Sim, code: &str) -> Got {
    sim.token_call(
        USER_APP,
        &[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
        ],
    )
    .await
}

async fn refresh(sim: &Sim, token: &str) -> Got {
    sim.token_call(
        USER_APP,
        &[("grant_type", "refresh_token"), ("refresh_token", token)],
    )
    .await
}

#[tokio::test]
async fn server_to_server_tokens_look_and_work_like_zooms() {
    let sim = start().await;
    let got = sim
        .token_call(
            Some(("simulator", "simulator")),
            &[
                ("grant_type", "account_credentials"),
                ("account_id", "simulator"),
            ],
        )
        .await;
    let body = got.json();
    assert_eq!(got.status, 200);
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["api_url"], sim.server.base_url());
    assert!(body.get("refresh_token").is_none());
    assert!(body["access_token"].as_str().unwrap().len() >= 600);
    assert!(
        body["scope"]
            .as_str()
            .unwrap()
            .split(' ')
            .any(|scope| scope == "user:read:list_users:admin")
    );
    assert!(
        sim.ok("/users/me").await["email"]
            .as_str()
            .unwrap()
            .contains('@')
    );
    // The query form still works for what is no secret.
    let got = read(
        sim.http
            .post(sim.url("/oauth/token?grant_type=account_credentials&account_id=simulator"))
            .basic_auth("simulator", Some("simulator")),
    )
    .await;
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn refusals_have_zooms_words() {
    let sim = start().await;
    let s2s = Some(("simulator", "simulator"));
    let got = sim
        .token_call(
            Some(("simulator", "wrong")),
            &[
                ("grant_type", "account_credentials"),
                ("account_id", "simulator"),
            ],
        )
        .await;
    assert_eq!(
        no(&got),
        told(400, "Invalid client_id or client_secret", "invalid_client")
    );
    let got = sim
        .token_call(
            s2s,
            &[
                ("grant_type", "account_credentials"),
                ("account_id", "other"),
            ],
        )
        .await;
    assert_eq!(
        no(&got),
        told(400, "Account does not exist", "invalid_request")
    );
    let got = sim
        .token_call(
            USER_APP,
            &[
                ("grant_type", "account_credentials"),
                ("account_id", "simulator"),
            ],
        )
        .await;
    assert_eq!(
        no(&got),
        told(
            400,
            "Account does not enabled the OAuth app type",
            "invalid_request"
        )
    );
    let got = sim.token_call(s2s, &[("grant_type", "password")]).await;
    assert_eq!(
        no(&got),
        told(400, "unsupported grant type", "unsupported_grant_type")
    );
    let got = exchange(&sim, "nonsense").await;
    assert_eq!(
        no(&got),
        told(
            400,
            "Invalid authorization code nonsense",
            "invalid_request"
        )
    );
    let got = refresh(&sim, "nonsense").await;
    assert_eq!(no(&got), told(400, "Invalid Token!", "invalid_grant"));
    let got = read(
        sim.http
            .post(sim.url("/oauth/token?grant_type=refresh_token&refresh_token=x"))
            .basic_auth("simulator-user", Some("simulator-user-secret")),
    )
    .await;
    assert_eq!(got.status, 400, "tokens in the query are refused");
}

#[tokio::test]
async fn a_code_works_once_for_five_minutes_at_its_own_address() {
    let sim = start().await;
    let app = [("client_id", "simulator-user"), ("redirect_uri", REDIRECT)];
    let got = consent(&sim, &app).await;
    assert_eq!(got.status, 302);
    assert!(got.header("location").unwrap().contains("state=s%20t%2F1"));
    let first = code(&got);
    let wrong = sim
        .token_call(
            USER_APP,
            &[
                ("grant_type", "authorization_code"),
                ("code", &first),
                ("redirect_uri", "https://app.example/callback2"),
            ],
        )
        .await;
    assert_eq!(
        no(&wrong),
        told(400, "Redirect URI mismatch.", "invalid_request")
    );
    let got = exchange(&sim, &first).await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert!(got.json()["refresh_token"].is_string());
    assert_eq!(exchange(&sim, &first).await.status, 400, "used");
    let late = code(&consent(&sim, &app).await);
    sim.advance(301).await;
    assert_eq!(exchange(&sim, &late).await.status, 400, "expired");
}

#[tokio::test]
async fn pkce_binds_the_code_and_lets_public_clients_in() {
    let sim = start().await;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let loopback = "http://127.0.0.1:4567/done";
    for (method, challenge) in [("S256", challenge.as_str()), ("plain", VERIFIER)] {
        let ask = [
            ("client_id", "simulator-public"),
            ("redirect_uri", loopback),
            ("code_challenge", challenge),
            ("code_challenge_method", method),
        ];
        let code = code(&consent(&sim, &ask).await);
        let form = |verifier| {
            [
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", loopback),
                ("client_id", "simulator-public"),
                ("code_verifier", verifier),
            ]
        };
        let wrong = "another-verifier-of-at-least-forty-three-letters-12";
        assert_eq!(sim.token_call(None, &form(wrong)).await.status, 400);
        let got = sim.token_call(None, &form(VERIFIER)).await;
        assert_eq!(got.status, 200, "{}", got.text());
        let token = got.json()["refresh_token"].as_str().unwrap().to_owned();
        let got = sim
            .token_call(
                None,
                &[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", &token),
                    ("client_id", "simulator-public"),
                ],
            )
            .await;
        assert_eq!(got.status, 200);
    }
    // A public client without a challenge gets nowhere.
    let got = consent(
        &sim,
        &[
            ("client_id", "simulator-public"),
            ("redirect_uri", loopback),
        ],
    )
    .await;
    assert_eq!(got.status, 400);
}

#[tokio::test]
async fn redirects_that_are_not_on_the_list_see_an_error_page() {
    let sim = start().await;
    for redirect in [
        "http://localhost:8080/x",
        "https://elsewhere.example/",
        "http://127.0.0.1:1/x",
        "",
    ] {
        let got = consent(
            &sim,
            &[("client_id", "simulator-user"), ("redirect_uri", redirect)],
        )
        .await;
        assert_eq!(got.status, 400, "{redirect}");
        assert!(got.text().contains("(4,700)"), "{}", got.text());
    }
}

#[tokio::test]
async fn the_consent_page_asks_and_takes_no_for_an_answer() {
    let sim = start().await;
    let query = [
        ("response_type", "code"),
        ("client_id", "simulator-user"),
        ("redirect_uri", REDIRECT),
        ("state", "<b>"),
    ];
    let got = read(sim.http.get(sim.url("/oauth/authorize")).query(&query)).await;
    let page = got.text();
    assert_eq!(got.status, 200);
    assert!(
        page.contains("value=\"allow\"")
            && page.contains("value=\"deny\"")
            && page.contains("&lt;b&gt;")
    );
    assert!(!page.contains("<b>"));
    let mut form = query.to_vec();
    form.push(("consent", "deny"));
    let got = read(sim.http.post(sim.url("/oauth/authorize")).form(&form)).await;
    assert_eq!(
        got.header("location"),
        Some("https://app.example/callback?error=access_denied&state=%3Cb%3E")
    );
    form.pop();
    form.push(("consent", "allow"));
    let got = read(sim.http.post(sim.url("/oauth/authorize")).form(&form)).await;
    assert_eq!(exchange(&sim, &code(&got)).await.status, 200);
}

#[tokio::test]
async fn refresh_rotates_and_the_old_token_dies_at_once_unless_there_is_grace() {
    for (grace, survives) in [(0, false), (30, true)] {
        let sim = start_with(Config {
            refresh_grace_secs: grace,
            ..config()
        })
        .await;
        let code = code(
            &consent(
                &sim,
                &[("client_id", "simulator-user"), ("redirect_uri", REDIRECT)],
            )
            .await,
        );
        let first = exchange(&sim, &code).await.json()["refresh_token"]
            .as_str()
            .unwrap()
            .to_owned();
        let second = refresh(&sim, &first).await;
        assert_eq!(second.status, 200);
        assert_ne!(second.json()["refresh_token"], first);
        assert_eq!(refresh(&sim, &first).await.status == 200, survives);
    }
}

#[tokio::test]
async fn access_tokens_live_an_hour_and_revoked_ones_not_at_all() {
    let sim = start().await;
    let token = sim.user_token("ingrid@brightwater.example").await;
    let me = || sim.call_as(&token, reqwest::Method::GET, "/users/me", None);
    assert_eq!(me().await.status, 200);
    sim.advance(3599).await;
    assert_eq!(me().await.status, 200);
    sim.advance(1).await;
    let got = me().await;
    assert_eq!(got.refusal(), (401, 124));
    assert_eq!(got.json()["message"], "Access token is expired.");
    let token = sim.user_token("ingrid@brightwater.example").await;
    let revoke = || {
        read(
            sim.http
                .post(sim.url("/oauth/revoke"))
                .basic_auth("simulator-user", Some("simulator-user-secret"))
                .form(&[("token", &token)]),
        )
    };
    assert_eq!(revoke().await.json(), json!({ "status": "success" }));
    assert_eq!(
        sim.call_as(&token, reqwest::Method::GET, "/users/me", None)
            .await
            .refusal(),
        (401, 124)
    );
    assert_eq!(revoke().await.status, 400);
}

#[tokio::test]
async fn a_second_authorisation_kills_the_first() {
    let sim = start().await;
    let app = [("client_id", "simulator-user"), ("redirect_uri", REDIRECT)];
    let first = exchange(&sim, &code(&consent(&sim, &app).await))
        .await
        .json();
    let second = exchange(&sim, &code(&consent(&sim, &app).await))
        .await
        .json();
    let got = refresh(&sim, first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(no(&got), told(400, "Invalid Token!", "invalid_grant"));
    assert_eq!(
        refresh(&sim, second["refresh_token"].as_str().unwrap())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn client_credentials_and_devices() {
    let sim = start().await;
    let got = sim
        .token_call(USER_APP, &[("grant_type", "client_credentials")])
        .await;
    assert!(got.json()["scope"].as_str().unwrap().contains("imchat:bot"));
    let got = read(
        sim.http
            .post(sim.url("/oauth/devicecode?client_id=simulator-user"))
            .basic_auth("simulator-user", Some("simulator-user-secret")),
    )
    .await;
    let device = got.json();
    assert_eq!(
        (device["expires_in"].as_i64(), device["interval"].as_i64()),
        (Some(900), Some(5))
    );
    let poll = || async {
        let code = device["device_code"].as_str().unwrap();
        sim.token_call(
            USER_APP,
            &[
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", code),
            ],
        )
        .await
    };
    assert_eq!(poll().await.json()["error"], "authorization_pending");
    assert_eq!(poll().await.json()["error"], "slow_down");
    let form = [
        ("user_code", device["user_code"].as_str().unwrap()),
        ("user", "ingrid@brightwater.example"),
        ("consent", "allow"),
    ];
    assert_eq!(
        read(sim.http.post(sim.url("/oauth_device")).form(&form))
            .await
            .status,
        200
    );
    assert!(poll().await.json()["refresh_token"].is_string());
}

#[tokio::test]
async fn bad_tokens_get_124() {
    let sim = start().await;
    for (request, message) in [
        (
            sim.http.get(sim.url("/v2/users/me")),
            "Invalid access token.",
        ),
        (
            sim.http.get(sim.url("/v2/users/me")).bearer_auth("x.y.z"),
            "Invalid access token.",
        ),
        (
            sim.http
                .get(sim.url(&format!("/v2/users/me?access_token={}", sim.token))),
            "Invalid access token, this access token is not supported as query parameter string.",
        ),
    ] {
        let got = read(request).await;
        assert_eq!(got.refusal(), (401, 124));
        assert_eq!(got.json()["message"], message);
    }
}

//! Every way to a token, against the simulated account.

use std::sync::Arc;

use parfocal_simulator::{Config, Limits};
use parfocal_zoom::auth::{
    App, AuthorizationRequest, EncryptedFileStore, EncryptionKey, MemoryStore, TokenSource,
    TokenStore,
};
use parfocal_zoom::clock::SeededRandom;
use parfocal_zoom::limit::Unlimited;
use parfocal_zoom::{Client, ErrorKind};
use serde_json::json;

use crate::simulator::Sim;

async fn sim() -> Sim {
    Sim::start(Config {
        limits: Limits::Off,
        ..Config::default()
    })
    .await
}

/// What the browser of a user who agrees brings back: code and state.
async fn agree(request: &AuthorizationRequest) -> (String, String) {
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let mut url = request.url.clone();
    url.query_pairs_mut().append_pair("sim_consent", "allow");
    let answer = browser.get(url).send().await.unwrap();
    let back = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert!(back.as_str().starts_with(&request.redirect_uri));
    let find = |name: &str| {
        back.query_pairs()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .into_owned()
    };
    (find("code"), find("state"))
}

fn client(tokens: &TokenSource) -> Client {
    Client::builder(tokens.clone())
        .budget(Arc::new(Unlimited))
        .backoff(crate::kit::QUICK)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_user_agrees_with_and_without_pkce_with_and_without_a_secret() {
    let sim = sim().await;
    let oauth = sim.oauth();
    let confidential = App::confidential("simulator-user", "simulator-user-secret");
    let public = App::public("simulator-public");
    let requests = [
        (
            &confidential,
            oauth
                .authorize(&confidential, "https://app.example/callback")
                .build()
                .unwrap(),
        ),
        (
            &confidential,
            oauth
                .authorize(&confidential, "https://app.example/callback")
                .without_pkce()
                .build()
                .unwrap(),
        ),
        (
            &public,
            oauth
                .authorize(&public, "http://127.0.0.1:9123/done")
                .build()
                .unwrap(),
        ),
    ];
    for (app, request) in requests {
        let (code, state) = agree(&request).await;
        let wrong = oauth
            .redeem(app, &request, "another state", &code)
            .await
            .unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::InvalidRequest);
        let grant = oauth.redeem(app, &request, &state, &code).await.unwrap();
        assert!(grant.refresh_token.is_some() && !grant.scopes.is_empty());
        let again = oauth
            .redeem(app, &request, &state, &code)
            .await
            .unwrap_err();
        assert_eq!(
            again.kind(),
            ErrorKind::Validation,
            "a code works once: {again}"
        );
        assert!(!again.to_string().contains(&code));

        let store = Arc::new(MemoryStore::new());
        let tokens = TokenSource::user(oauth.clone(), app.clone(), store.clone()).build();
        tokens.connect(grant).await.unwrap();
        let me = client(&tokens).users().me().await.unwrap();
        assert!(me.id.is_some() && me.email.is_some());
        // A renewal rotates the pair, and the next one works with the new one.
        for generation in [2, 3] {
            let used = tokens.access().await.unwrap();
            assert_eq!(tokens.renew(&used).await.unwrap().generation(), generation);
            client(&tokens).users().me().await.unwrap();
        }
        tokens.revoke().await.unwrap();
        assert!(store.current().is_none());
        assert_eq!(
            tokens.access().await.unwrap_err().kind(),
            ErrorKind::GrantDead
        );
    }
}

#[tokio::test]
async fn a_grant_in_an_encrypted_file_outlives_the_process() {
    let sim = sim().await;
    let oauth = sim.oauth();
    let app = App::confidential("simulator-user", "simulator-user-secret");
    let request = oauth
        .authorize(&app, "https://app.example/callback")
        .build()
        .unwrap();
    let (code, state) = agree(&request).await;
    let grant = oauth.redeem(&app, &request, &state, &code).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = || {
        let key = EncryptionKey::from_bytes([9; 32]);
        let random = Arc::new(SeededRandom::new(5));
        Arc::new(EncryptedFileStore::new(
            folder.path().join("grant"),
            app.client_id(),
            key,
            random,
        ))
    };
    let first = TokenSource::user(oauth.clone(), app.clone(), store()).build();
    first.connect(grant).await.unwrap();
    let used = first.access().await.unwrap();
    first.renew(&used).await.unwrap();
    drop(first);
    let second = TokenSource::user(oauth, app.clone(), store()).build();
    assert_eq!(second.access().await.unwrap().generation(), 2);
    client(&second).users().me().await.unwrap();
    assert_eq!(store().load().await.unwrap().unwrap().generation, 2);
}

#[tokio::test]
async fn the_user_removes_the_app() {
    let sim = sim().await;
    let oauth = sim.oauth();
    let app = App::confidential("simulator-user", "simulator-user-secret");
    let request = oauth
        .authorize(&app, "https://app.example/callback")
        .build()
        .unwrap();
    let (code, state) = agree(&request).await;
    let tokens =
        TokenSource::user(oauth.clone(), app.clone(), Arc::new(MemoryStore::new())).build();
    tokens
        .connect(oauth.redeem(&app, &request, &state, &code).await.unwrap())
        .await
        .unwrap();
    sim.fault(json!({"kind": "revoked_consent"})).await;
    let error = client(&tokens).users().me().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GrantDead, "{error}");
    assert!(error.needs_reconnect());
}

#[tokio::test]
async fn wrong_credentials_are_the_apps_fault() {
    let sim = sim().await;
    let cases = [
        ("simulator", "wrong", "simulator"),
        ("unknown", "simulator", "simulator"),
        ("simulator", "simulator", "no-such-account"),
    ];
    for (id, secret, account) in cases {
        let tokens =
            TokenSource::server_to_server(sim.oauth(), App::confidential(id, secret), account)
                .build();
        let error = tokens.access().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ClientRejected, "{error}");
    }
}

#[tokio::test]
async fn the_app_itself_gets_a_token() {
    let sim = sim().await;
    let app = App::confidential("simulator-user", "simulator-user-secret");
    let tokens = TokenSource::client_credentials(sim.oauth(), app).build();
    tokens.access().await.unwrap();
    assert!(!tokens.scopes().await.unwrap().is_empty());
}

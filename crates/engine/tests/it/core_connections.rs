//! Connections against a simulated account: credentials are tried first, kept safe, shared by processes.

use std::time::Duration;

use parfocal_engine::App;
use parfocal_engine::audit::By;
use parfocal_engine::clock::Clock;
use parfocal_engine::config::{Plan, Secret};
use parfocal_engine::connections::{Access, Cloud, NewServerToServer, Remove};
use parfocal_engine::store::{ConnectionOrigin, ConnectionState, EventState, InboxEvent};
use parfocal_engine::webhooks::Answer;
use parfocal_engine::{Code, config::Config};
use parfocal_simulator::{AppScopes, Simulator};
use serde_json::json;

use crate::core_support::{
    all_bytes, command, config_for, control, deliver, event, holds, on_both_stores, open, with_env,
};

on_both_stores! {
    events_that_came_before_their_account_are_picked_up;
    credentials_are_tried_before_anything_is_stored;
    a_connection_learns_its_account_and_keeps_its_id;
    a_missing_scope_degrades_and_is_named;
    removal_erases_the_secrets_and_the_webhook_door_closes;
    the_environments_connection_stores_no_secret;
    a_mistyped_account_of_the_environment_is_no_dead_end;
    a_wrong_vault_key_is_told_and_not_waited_out;
    two_processes_share_one_token_and_refresh_it_once;
    refused_credentials_need_a_person_and_checking_heals;
    the_accounts_own_plan_and_share_come_before_the_configuration;
}

fn s2s(name: &str) -> NewServerToServer {
    NewServerToServer {
        name: Some(name.into()),
        account_id: "simulator".into(),
        client_id: "simulator".into(),
        client_secret: "simulator".into(),
        webhook_secrets: Vec::new(),
        plan: None,
        share: None,
        cloud: Cloud::default(),
    }
}

async fn simulator() -> Simulator {
    Simulator::start(parfocal_simulator::Config::default())
        .await
        .unwrap()
}

async fn app_for(dir: &tempfile::TempDir, simulator: &Simulator) -> App {
    open(
        config_for(dir.path(), simulator.base_url()),
        &Clock::system(),
    )
    .await
}

async fn credentials_are_tried_before_anything_is_stored() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &simulator).await;
    let wrong = NewServerToServer {
        client_secret: "canary-wrong".into(),
        ..s2s("Acme")
    };
    let error = app
        .connections()
        .connect_s2s(wrong, &By::system())
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::CredentialsRefused);
    assert!(
        error
            .message()
            .contains("Invalid client_id or client_secret"),
        "{error}"
    );
    assert!(!format!("{error:?} {error} {}", error.hint()).contains("canary"));
    let stranger = NewServerToServer {
        account_id: "nobody".into(),
        ..s2s("Acme")
    };
    let error = app
        .connections()
        .connect_s2s(stranger, &By::system())
        .await
        .unwrap_err();
    assert!(
        matches!(error.code(), Code::CredentialsRefused | Code::ZoomRefused),
        "{error:?}"
    );
    let empty = NewServerToServer {
        client_secret: Secret::new(" "),
        ..s2s("Acme")
    };
    let error = app
        .connections()
        .connect_s2s(empty, &By::system())
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(app.connections().list().await.unwrap().is_empty());
    assert!(app.store().apps(app.scope()).await.unwrap().is_empty());
    assert!(app.store().secrets_by_key().await.unwrap().is_empty());
    simulator.shutdown().await;
}

async fn a_connection_learns_its_account_and_keeps_its_id() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &simulator).await;
    let view = app
        .connections()
        .connect_s2s(s2s("Acme"), &By::system())
        .await
        .unwrap();
    assert_eq!(view.state, ConnectionState::Healthy);
    assert_eq!(
        (view.name.as_str(), view.origin),
        ("Acme", ConnectionOrigin::Vault)
    );
    assert!(!view.scopes.is_empty() && view.missing_scopes.is_empty());
    assert!(view.last_ok.is_some());
    assert_eq!(
        (view.account.plan, view.account.plan_source),
        ("business", "configuration")
    );
    assert_eq!(view.account.capabilities.plan_hint.as_deref(), Some("pro"));
    let again = app
        .connections()
        .connect_s2s(s2s("Acme again"), &By::system())
        .await
        .unwrap();
    assert_eq!((again.id, again.account.id), (view.id, view.account.id));
    assert_eq!(app.connections().list().await.unwrap().len(), 1);
    assert_eq!(
        app.connections().show("Acme again").await.unwrap().id,
        view.id
    );
    let error = app.connections().show("nobody").await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    // Events may name the account by Zoom's own id; both lead to the connection.
    let own_id = view.account.capabilities.aliases.first().cloned();
    let apps = app.store().apps(app.scope()).await.unwrap();
    for id in own_id.iter().map(String::as_str).chain(["simulator"]) {
        assert_eq!(
            app.webhooks().route(apps[0].id, Some(id)).await.unwrap(),
            Ok(view.id)
        );
    }
    let (client, row) = app.connections().client_for(view.account.id).await.unwrap();
    assert_eq!(row.id, view.id);
    let users: serde_json::Value = client
        .call(http::Method::GET, "/users")
        .json()
        .await
        .unwrap();
    assert!(
        users["users"]
            .as_array()
            .is_some_and(|users| !users.is_empty())
    );
    app.stop().await;
    simulator.shutdown().await;
}

async fn a_missing_scope_degrades_and_is_named() {
    let mut config = parfocal_simulator::Config::default();
    config.apps[0].scopes = AppScopes::Only(vec![
        "user:read:list_users:admin".into(),
        "user:read:user:admin".into(),
        "meeting:read:list_meetings:admin".into(),
        "meeting:read:meeting:admin".into(),
    ]);
    let simulator = Simulator::start(config).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &simulator).await;
    let view = app
        .connections()
        .connect_s2s(s2s("Acme"), &By::system())
        .await
        .unwrap();
    assert_eq!(view.state, ConnectionState::Degraded);
    let reason = view.reason.unwrap();
    assert!(
        reason.contains("cloud_recording:read:list_user_recordings:admin"),
        "{reason}"
    );
    // What is refused later is remembered in Zoom's words.
    let (client, _) = app.connections().client_for(view.account.id).await.unwrap();
    let refused = client
        .call(http::Method::GET, "/users/me/recordings")
        .query("from", "2026-11-01")
        .query("to", "2026-11-20")
        .send()
        .await
        .unwrap_err();
    let cause = app
        .connections()
        .note_refused(view.account.id, "recordings", &refused)
        .await
        .unwrap();
    assert_eq!(cause, Some("scope"));
    let known = app
        .connections()
        .capability(view.account.id, "recordings")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(known.access, Access::Refused);
    assert!(known.detail.unwrap().contains("does not contain scopes"));
    app.connections()
        .note_given(view.account.id, "recordings")
        .await
        .unwrap();
    let known = app
        .connections()
        .capability(view.account.id, "recordings")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(known.access, Access::Given);
    simulator.shutdown().await;
}

async fn removal_erases_the_secrets_and_the_webhook_door_closes() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &simulator).await;
    let new = NewServerToServer {
        webhook_secrets: vec!["door".into()],
        ..s2s("Acme")
    };
    let view = app
        .connections()
        .connect_s2s(new, &By::system())
        .await
        .unwrap();
    let body = event("meeting.started", "simulator", 84_410_027_731, 1);
    deliver(&app, Some("acme"), "door", &body).await.unwrap();
    assert!(app.vault().keys().await.unwrap()[0].secrets >= 3);
    app.connections()
        .remove("Acme", Remove::default(), &By::system())
        .await
        .unwrap();
    assert_eq!(app.vault().keys().await.unwrap()[0].secrets, 0);
    assert!(app.connections().list().await.unwrap().is_empty());
    let refused = deliver(&app, Some("acme"), "door", &body)
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), "unknown_app");
    let error = app
        .connections()
        .for_account(view.account.id)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::ConnectionNeedsAttention);
    simulator.shutdown().await;
}

async fn the_environments_connection_stores_no_secret() {
    let mut sim = parfocal_simulator::Config::default();
    sim.apps[0].client_secret = "canary-env-secret".into();
    sim.apps[0].secret_token = "canary-webhook-secret".into();
    let simulator = Simulator::start(sim).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let mut config: Config = with_env(config_for(dir.path(), simulator.base_url()));
    config.zoom.s2s_client_secret = Some("canary-env-secret".into());
    config.zoom.webhook_secret_token = vec!["canary-webhook-secret".into()];
    let app = open(config.clone(), &clock).await;
    let checked = app.connections().check("env").await.unwrap();
    assert_eq!(
        (checked.origin, checked.state),
        (ConnectionOrigin::Env, ConnectionState::Healthy)
    );
    let body = event("meeting.started", "simulator", 84_410_027_731, 1);
    deliver(&app, None, "canary-webhook-secret", &body)
        .await
        .unwrap();
    for purpose in ["client_secret", "webhook_secret"] {
        for row in app.store().apps(app.scope()).await.unwrap() {
            let stored = app
                .store()
                .secret(app.scope(), purpose, &row.id.to_string())
                .await
                .unwrap();
            assert!(stored.is_none(), "{purpose} of {}", row.name);
        }
    }
    assert_eq!(
        app.connections()
            .remove("env", Remove::default(), &By::system())
            .await
            .unwrap_err()
            .code(),
        Code::EnvConnection
    );
    let shown = format!(
        "{:?} {}",
        app,
        serde_json::to_string(&app.status().await.unwrap()).unwrap()
    );
    assert!(!shown.contains("canary"), "a secret is shown");
    app.stop().await;
    assert!(!holds(&all_bytes(dir.path()), "canary"));

    // Without the credentials the connection is told to be gone; with them it is back under the same id.
    let mut without = config.clone();
    without.zoom.account_id = None;
    without.zoom.s2s_client_id = None;
    without.zoom.s2s_client_secret = None;
    let app = open(without, &clock).await;
    let gone = app.connections().show("env").await.unwrap();
    assert_eq!(gone.state, ConnectionState::Disconnected);
    assert!(gone.reason.unwrap().contains("not in the environment"));
    app.stop().await;
    let app = open(config, &clock).await;
    let back = app.connections().show("env").await.unwrap();
    assert_eq!(
        (back.id, back.state),
        (checked.id, ConnectionState::Healthy)
    );
    simulator.shutdown().await;
}

async fn a_mistyped_account_of_the_environment_is_no_dead_end() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let right: Config = with_env(config_for(dir.path(), simulator.base_url()));
    let mut wrong = right.clone();
    wrong.zoom.account_id = Some("simulatro".into());
    let app = open(wrong.clone(), &clock).await;
    let bad = app.connections().check("env").await.unwrap();
    assert_eq!(bad.state, ConnectionState::NeedsReconnect, "{bad:?}");
    app.stop().await;

    let app = open(right, &clock).await;
    let good = app.connections().check("env").await.unwrap();
    assert_eq!(good.state, ConnectionState::Healthy);
    assert_ne!(good.id, bad.id);
    assert_eq!(app.connections().list().await.unwrap().len(), 2);
    let forecast =
        parfocal_engine::backfill::plan(&app, &parfocal_engine::backfill::Request::default()).await;
    forecast.unwrap();
    app.stop().await;

    // Back to the wrong one: it never worked, so it is not called healthy; the other one is gone for now.
    let app = open(wrong, &clock).await;
    let back = app.connections().show("env").await.unwrap();
    assert_eq!((back.id, back.state), (bad.id, ConnectionState::Degraded));
    assert!(back.reason.unwrap().contains("Not checked"));
    app.connections()
        .remove(&good.id.to_string(), Remove::default(), &By::system())
        .await
        .unwrap();
    simulator.shutdown().await;
}

async fn a_wrong_vault_key_is_told_and_not_waited_out() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let mut config: Config = with_env(config_for(dir.path(), simulator.base_url()));
    config.vault.key = Some("11".repeat(32).as_str().into());
    let app = open(config.clone(), &clock).await;
    app.connections().check("env").await.unwrap();
    app.vault().check_keys().await.unwrap();
    app.stop().await;

    config.vault.key = Some("22".repeat(32).as_str().into());
    let app = open(config, &clock).await;
    let lost = app.vault().check_keys().await.unwrap_err();
    assert_eq!(lost.code(), Code::VaultKey, "{lost:?}");
    assert!(lost.hint().contains("TOKEN_ENCRYPTION_KEY_PREVIOUS"));
    let row = app.connections().find("env").await.unwrap();
    let client = app.connections().client(&row).await.unwrap();
    let error = client.tokens().access().await.unwrap_err();
    let error = parfocal_engine::EngineError::from(error);
    assert_eq!(error.code(), Code::VaultKey, "{error:?}");
    assert!(!error.is_retryable());
    let view = app.connections().check("env").await.unwrap();
    assert_eq!(view.state, ConnectionState::NeedsReconnect);

    // When the key is lost for good, removing makes room.
    app.connections()
        .remove("env", Remove::default(), &By::system())
        .await
        .unwrap();
    app.vault().check_keys().await.unwrap();
    simulator.shutdown().await;
}

async fn two_processes_share_one_token_and_refresh_it_once() {
    let simulator = simulator().await;
    let base = simulator.base_url().to_owned();
    let dir = tempfile::tempdir().unwrap();
    let config = with_env(config_for(dir.path(), &base));
    let clock = Clock::system();
    let apps = [
        open(config.clone(), &clock).await,
        open(config, &clock).await,
    ];
    let oauth = || async { control(&base, "/calls").await["oauth"].as_u64().unwrap() };
    let all = |apps: &[App; 2]| {
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..20 {
            let app = apps[n % 2].clone();
            tasks.spawn(async move {
                let row = app.connections().find("env").await.unwrap();
                let client = app.connections().client(&row).await.unwrap();
                client
                    .call(http::Method::GET, "/users")
                    .send()
                    .await
                    .map(|_| ())
            });
        }
        tasks.join_all()
    };
    let before = oauth().await;
    for outcome in all(&apps).await {
        outcome.unwrap();
    }
    assert_eq!(oauth().await - before, 1, "one token for both");
    // Zoom refuses the token that both hold: one of them fetches another, the other takes that.
    command(
        &base,
        "/faults",
        json!({"kind": "expired_token", "times": 1}),
    )
    .await;
    for outcome in all(&apps).await {
        outcome.unwrap();
    }
    assert_eq!(oauth().await - before, 2, "one more for both");
    simulator.shutdown().await;
}

async fn refused_credentials_need_a_person_and_checking_heals() {
    let mut sim = parfocal_simulator::Config::default();
    sim.apps[0].client_secret = "first".into();
    let simulator = Simulator::start(sim).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let mut config = with_env(config_for(dir.path(), simulator.base_url()));
    config.zoom.s2s_client_secret = Some("wrong".into());
    let app = open(config.clone(), &clock).await;
    let view = app.connections().check("env").await.unwrap();
    assert_eq!(view.state, ConnectionState::NeedsReconnect);
    assert!(
        view.reason
            .unwrap()
            .contains("Invalid client_id or client_secret")
    );
    // An app's tokens need no person, so it stays in use: asking again is how it is noticed that Zoom takes it again.
    let row = app
        .connections()
        .for_account(view.account.id)
        .await
        .unwrap();
    assert_eq!(row.state, ConnectionState::NeedsReconnect);
    let view = app.connections().check("env").await.unwrap();
    assert_eq!(view.state, ConnectionState::NeedsReconnect);
    app.stop().await;
    config.zoom.s2s_client_secret = Some("first".into());
    let app = open(config, &clock).await;
    let view = app.connections().check("env").await.unwrap();
    assert_eq!((view.state, view.reason), (ConnectionState::Healthy, None));
    simulator.shutdown().await;
    // Zoom out of reach is not the connection's fault.
    clock.sleep(Duration::from_millis(10)).await;
    let row = app.connections().find("env").await.unwrap();
    assert_eq!(row.state, ConnectionState::Healthy);
}

async fn the_accounts_own_plan_and_share_come_before_the_configuration() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &simulator).await;
    let new = NewServerToServer {
        plan: Some(Plan::Pro),
        share: Some(0.5),
        ..s2s("Acme")
    };
    let view = app
        .connections()
        .connect_s2s(new, &By::system())
        .await
        .unwrap();
    assert_eq!(
        (view.account.plan, view.account.plan_source),
        ("pro", "account")
    );
    let status = app.status().await.unwrap();
    let light = &status.budgets[0].labels[0];
    assert_eq!((light.label, light.per_window), ("LIGHT", 15));
    simulator.shutdown().await;
}

async fn events_that_came_before_their_account_are_picked_up() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = config_for(dir.path(), simulator.base_url());
    config.zoom.webhook_secret_token = vec!["door".into()];
    let app = open(config, &Clock::system()).await;
    let body = event("meeting.started", "simulator", 84_410_027_731, 1);
    let Ok(Answer::Accepted(id)) = deliver(&app, None, "door", &body).await else {
        panic!("not accepted")
    };
    app.start();
    let until = |done: fn(&InboxEvent) -> bool| {
        let app = app.clone();
        async move {
            let clock = Clock::system();
            for _ in 0..400 {
                let row = app
                    .store()
                    .inbox_event(app.scope(), id)
                    .await
                    .unwrap()
                    .unwrap();
                if done(&row) {
                    return row;
                }
                clock.sleep(Duration::from_millis(25)).await;
            }
            panic!("waited in vain");
        }
    };
    let kept = until(|row| row.state == EventState::Failed).await;
    assert_eq!(kept.connection_id, None);
    assert!(kept.note.unwrap().contains("not connected"));
    let view = app
        .connections()
        .connect_s2s(s2s("Acme"), &By::system())
        .await
        .unwrap();
    let routed = until(|row| row.connection_id.is_some()).await;
    assert_eq!(routed.connection_id, Some(view.id));
    app.stop().await;
    simulator.shutdown().await;
}

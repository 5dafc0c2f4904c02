//! Links, the end of connections, what is erased with them, and the audit log.

use std::path::Path;
use std::time::Duration;

use parfocal_engine::Code;
use parfocal_engine::audit::{Audit, AuditFilter, By, Entry, Surface};
use parfocal_engine::clock::Clock;
use parfocal_engine::connections::{
    BeginUser, Finished, FinishedPurpose, LinkState, NewLink, Purpose, Remove, Revoked,
};
use parfocal_engine::store::{ConnectionState, InstanceFilter, MeetingFilter, PageRequest};
use parfocal_zoom::clock::ManualClock;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::core_connections_user::{by, connect, install, people, with_user_app};
use crate::core_support::{config_for, deliver, on_both_stores, open};
use crate::work_stage::{Stage, both};

on_both_stores! {
    a_link_connects_one_person_once;
    the_audit_log_shows_when_it_was_tampered_with;
    somebody_who_removes_the_app_at_zoom_is_forgotten;
    a_removed_user_is_revoked_at_zoom_and_another_one_stays;
}

async fn a_link_connects_one_person_once() {
    let simulator = parfocal_simulator::Simulator::start(parfocal_simulator::Config::default())
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let manual = ManualClock::new(Clock::system().now());
    let clock = Clock::custom(std::sync::Arc::new(manual.clone()));
    let app = open(
        with_user_app(config_for(dir.path(), simulator.base_url())),
        &clock,
    )
    .await;
    let people = people(&simulator).await;
    let connections = app.connections();
    let make = async |name: &str| {
        let new = NewLink {
            name: Some(name.into()),
            ..NewLink::default()
        };
        connections.create_link(new, &by()).await.unwrap()
    };
    let through = |token: &str| BeginUser {
        purpose: Purpose::Link {
            token: token.to_owned().into(),
        },
        ..install()
    };
    let link = make("Ana").await;
    let token = link.token.expose_secret().to_owned();
    assert!(
        link.url
            .expose_secret()
            .ends_with(&format!("/connect/{token}"))
    );
    assert_eq!(
        (link.view.state, link.view.made_by.as_str()),
        (LinkState::Open, "tester")
    );
    // Looking at it, and beginning, do not use it up.
    for _ in 0..3 {
        assert_eq!(connections.open_link(&token).await.unwrap().app, "user");
        connections.begin_user(through(&token)).await.unwrap();
    }
    let done: Finished = connect(&app, through(&token), Some(&people[1]))
        .await
        .unwrap();
    assert_eq!(done.purpose, FinishedPurpose::Linked);
    assert_eq!(done.connection.name, people[1]);
    let code = async |token: &str| connections.open_link(token).await.unwrap_err().code();
    assert_eq!(code(&token).await, Code::LinkUsed);
    let listed = connections.links().await.unwrap();
    assert_eq!(listed[0].connection, Some(done.connection.id));
    assert_eq!(listed[0].state, LinkState::Used);
    // Two who began before either came back: the second one is connected nowhere.
    let link = make("one of two").await;
    let token = link.token.expose_secret().to_owned();
    let late = connections.begin_user(through(&token)).await.unwrap();
    connect(&app, through(&token), Some(&people[2]))
        .await
        .unwrap();
    let late = crate::core_connections_user::answer(&late, Some(&people[3]), true).await;
    let error = connections.finish_user(late, &by()).await.unwrap_err();
    assert_eq!(error.code(), Code::LinkUsed);
    assert_eq!(connections.list().await.unwrap().len(), 2);
    // Taken back, expired, made up.
    let link = make("never").await;
    let id = link.view.id.to_string();
    let revoked = connections.revoke_link(&id, &by()).await.unwrap();
    assert_eq!(revoked.state, LinkState::Revoked);
    assert_eq!(code(link.token.expose_secret()).await, Code::LinkRevoked);
    let again = connections.revoke_link(&id, &by()).await.unwrap_err();
    assert_eq!(again.code(), Code::Conflict);
    let link = make("too late").await;
    manual.advance(NewLink::DEFAULT_LIFE + Duration::from_secs(1));
    assert_eq!(code(link.token.expose_secret()).await, Code::LinkExpired);
    assert_eq!(code("made up").await, Code::LinkUnknown);
    simulator.shutdown().await;
}

/// The whole log, oldest first.
async fn log(audit: Audit<'_>) -> Vec<Entry> {
    let page = PageRequest::first(1000);
    let mut all = audit
        .list(&AuditFilter::default(), &page)
        .await
        .unwrap()
        .items;
    all.reverse();
    all
}

async fn the_audit_log_shows_when_it_was_tampered_with() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let app = open(crate::core_support::config(dir.path()), &clock).await;
    let other = open(crate::core_support::config(dir.path()), &clock).await;
    let (scope, store) = (app.scope(), app.store());
    assert_eq!(app.audit().verify().await.unwrap().entries, 0);
    // Two processes write at once: one order, one chain.
    let write = async |app: &parfocal_engine::App, n: u64| {
        let mut tx = app.store().begin(scope).await.unwrap();
        let change = parfocal_engine::audit::Change {
            action: "test.change",
            target: &format!("thing/{n}"),
            detail: json!({"n": n, "umlaut": "ä\u{0}", "half": 0.5}),
        };
        let by = By::new("tester", Surface::Api);
        parfocal_engine::audit::append(&mut tx, &by, &change, app.clock().now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    for n in 0..10 {
        tokio::join!(write(&app, n), write(&other, n + 100), write(&app, n + 200));
    }
    let found = app.audit().verify().await.unwrap();
    assert_eq!((found.entries, found.broken), (30, None));
    let all = log(app.audit()).await;
    assert!(all.windows(2).all(|pair| pair[1].prev_hash == pair[0].hash));
    let filter = AuditFilter {
        target: Some("thing/105".into()),
        ..AuditFilter::default()
    };
    let page = PageRequest::first(2);
    assert_eq!(
        app.audit().list(&filter, &page).await.unwrap().items.len(),
        1
    );
    let everything = app
        .audit()
        .list(&AuditFilter::default(), &page)
        .await
        .unwrap();
    assert_eq!(
        (everything.items[0].n, everything.next.is_some()),
        (30, true)
    );
    // What is rolled back is not in it.
    let mut tx = store.begin(scope).await.unwrap();
    tx.lock_audit().await.unwrap();
    tx.rollback().await.unwrap();
    // An entry with other words than its hash was made of.
    let mut tx = store.begin(scope).await.unwrap();
    let head = tx.lock_audit().await.unwrap();
    let forged = Entry {
        n: head.n + 1,
        actor: "somebody else".into(),
        prev_hash: head.hash,
        ..all[29].clone()
    };
    tx.put_audit(&forged).await.unwrap();
    tx.commit().await.unwrap();
    let broken = app.audit().verify().await.unwrap().broken.unwrap();
    assert_eq!((broken.n, broken.what.as_str()), (31, "it was changed"));
    other.stop().await;
    app.stop().await;
}

async fn somebody_who_removes_the_app_at_zoom_is_forgotten() {
    let simulator = parfocal_simulator::Simulator::start(parfocal_simulator::Config::default())
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut config = with_user_app(config_for(dir.path(), simulator.base_url()));
    config.zoom.apps.insert(
        "ours".into(),
        crate::core_support::webhook_app(Some("simulator-user"), "door"),
    );
    let app = open(config, &Clock::system()).await;
    app.start();
    let people = people(&simulator).await;
    let connections = app.connections();
    let ana = connect(&app, install(), Some(&people[0]))
        .await
        .unwrap()
        .connection;
    let ben = connect(&app, install(), Some(&people[1]))
        .await
        .unwrap()
        .connection;
    assert_eq!(ana.webhook_path.as_deref(), Some("/webhooks/zoom/ours"));
    let meeting = |host: &str, number: u64| {
        json!({
            "event": "meeting.created", "event_ts": app.clock().now().as_millisecond(),
            "payload": {"account_id": ana.account.external_id, "operator": "x",
                "object": {"id": number, "uuid": format!("u{number}=="), "host_id": host, "topic": "Secret plans", "type": 2,
                    "start_time": "2026-11-25T09:00:00Z", "duration": 30, "timezone": "UTC"}},
        })
        .to_string()
        .into_bytes()
    };
    for (host, number) in [
        (&ana.subject, 81_110_000_001),
        (&ben.subject, 81_110_000_002),
    ] {
        deliver(&app, Some("ours"), "door", &meeting(host, number))
            .await
            .unwrap();
    }
    let meetings = async || {
        let filter = MeetingFilter::default();
        let page = PageRequest::first(10);
        app.store()
            .meetings(app.scope(), &filter, &page)
            .await
            .unwrap()
            .items
            .len()
    };
    wait("both meetings are there", async || meetings().await == 2).await;
    let gone = json!({
        "event": "app_deauthorized",
        "payload": {"user_id": ana.subject, "account_id": ana.account.external_id, "client_id": "simulator-user",
            "deauthorization_time": "2026-11-22T09:00:00Z", "signature": "s", "event_ts": app.clock().now().as_millisecond()},
    });
    let gone = gone.to_string().into_bytes();
    deliver(&app, Some("ours"), "door", &gone).await.unwrap();
    wait("their meeting is erased", async || meetings().await == 1).await;
    let view = connections.show(&ana.id.to_string()).await.unwrap();
    assert_eq!(view.state, ConnectionState::Disconnected);
    assert!(view.reason.unwrap().contains(&people[0]));
    assert!(view.grant.unwrap().dead.is_some());
    let owner = app
        .store()
        .grant_of(
            app.scope(),
            app.store()
                .connection(app.scope(), ana.id)
                .await
                .unwrap()
                .unwrap()
                .app_id,
            &ana.subject,
        )
        .await
        .unwrap()
        .unwrap();
    assert!(
        app.store()
            .secrets_of(app.scope(), &owner.id.to_string())
            .await
            .unwrap()
            .is_empty()
    );
    // Checking what a person disconnected asks Zoom nothing; the other user's connection goes on.
    let checked = connections.check(&ana.id.to_string()).await.unwrap();
    assert_eq!(checked.state, ConnectionState::Disconnected);
    let other = connections.check(&ben.id.to_string()).await.unwrap();
    assert_eq!(other.state, ConnectionState::Healthy);
    // The receipts.
    wait("the receipt", async || {
        log(app.audit())
            .await
            .iter()
            .any(|entry| entry.action == "data.erased")
    })
    .await;
    let entries = log(app.audit()).await;
    let told = entries
        .iter()
        .find(|e| e.action == "connection.deauthorized")
        .unwrap();
    assert_eq!(
        (told.surface.as_str(), told.target.clone()),
        ("webhook", format!("connection/{}", ana.id))
    );
    let receipt = entries.iter().find(|e| e.action == "data.erased").unwrap();
    assert_eq!(receipt.detail["host"], json!(ana.subject));
    assert_eq!(receipt.detail["erased"]["meetings"], json!(1));
    assert_eq!(app.audit().verify().await.unwrap().broken, None);
    // They may come back: the same connection.
    let back = connect(&app, install(), Some(&people[0])).await.unwrap();
    assert_eq!(
        (back.connection.id, back.connection.state),
        (ana.id, ConnectionState::Healthy)
    );
    app.stop().await;
    simulator.shutdown().await;
}

async fn a_removed_user_is_revoked_at_zoom_and_another_one_stays() {
    let simulator = parfocal_simulator::Simulator::start(parfocal_simulator::Config::default())
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = with_user_app(config_for(dir.path(), simulator.base_url()));
    let app = open(config, &Clock::system()).await;
    let people = people(&simulator).await;
    let connections = app.connections();
    let ana = connect(&app, install(), Some(&people[0]))
        .await
        .unwrap()
        .connection;
    let ben = connect(&app, install(), Some(&people[1]))
        .await
        .unwrap()
        .connection;
    let living = async || {
        let grants = crate::core_support::control(simulator.base_url(), "/grants").await;
        grants.as_array().map_or(0, Vec::len)
    };
    assert_eq!(living().await, 2);
    let how = Remove { erase_data: true };
    let removed = connections.remove(&ana.name, how, &by()).await.unwrap();
    assert_eq!(removed.revoked, Revoked::Yes);
    assert!(
        removed
            .erased
            .unwrap()
            .kept
            .unwrap()
            .contains("another connection")
    );
    assert_eq!(living().await, 1);
    assert!(
        app.store()
            .account(app.scope(), ana.account.id)
            .await
            .unwrap()
            .is_some()
    );
    // A grant that died meanwhile is nothing to stumble over; now nobody reaches the account any more.
    let order = json!({"user": people[1], "silent": true});
    crate::core_support::command(simulator.base_url(), "/deauthorize", order).await;
    connections.check(&ben.name).await.unwrap();
    let removed = connections.remove(&ben.name, how, &by()).await.unwrap();
    assert_eq!(removed.revoked, Revoked::AlreadyDead);
    assert_eq!(removed.erased.unwrap().kept, None);
    assert!(
        app.store()
            .account(app.scope(), ben.account.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(app.store().grants(app.scope()).await.unwrap().is_empty());
    assert_eq!(app.vault().keys().await.unwrap()[0].secrets, 0);
    // The app stays: the next person may come.
    connect(&app, install(), Some(&people[0])).await.unwrap();
    let actions: Vec<String> = log(app.audit())
        .await
        .into_iter()
        .map(|e| e.action)
        .collect();
    let expected = [
        "connection.connect",
        "connection.connect",
        "connection.remove",
        "connection.remove",
        "data.erased",
        "connection.connect",
    ];
    assert_eq!(actions, expected);
    simulator.shutdown().await;
}

both! {
    a_whole_organisation_is_erased_with_its_files;
}

mod body {
    use super::*;
    use crate::work_stage::Engine;

    pub(super) async fn a_whole_organisation_is_erased_with_its_files(engine: Engine) {
        let stage = Stage::plain(engine).await;
        let app = &stage.app;
        let new = parfocal_engine::connections::NewServerToServer {
            name: Some("Acme".into()),
            account_id: "simulator".into(),
            client_id: "simulator".into(),
            client_secret: "simulator".into(),
            webhook_secrets: Vec::new(),
            plan: None,
            share: None,
            cloud: parfocal_engine::connections::Cloud::default(),
        };
        app.connections()
            .connect_s2s(new, &By::system())
            .await
            .unwrap();
        stage.work();
        stage.backfill().await;
        stage.quiet().await;
        let instances = async || {
            let page = PageRequest::first(500);
            let found = app
                .store()
                .instances(app.scope(), &InstanceFilter::default(), &page)
                .await;
            found.unwrap().items.len()
        };
        let before = instances().await;
        let hits = async || {
            let found = parfocal_engine::search::search(app, "the", None, 10, None).await;
            found.unwrap().hits.len()
        };
        assert!(hits().await > 0);
        let files = count(&app.config().blobs_dir());
        assert!(before > 5 && files > 5, "{before} {files}");
        let how = Remove { erase_data: true };
        let removed = app.connections().remove("Acme", how, &by()).await.unwrap();
        let erased = removed.erased.unwrap();
        assert_eq!(erased.counts.instances, before as u64);
        assert!(
            erased.files > 0 && erased.counts.users > 0 && erased.counts.meetings > 0,
            "{erased:?}"
        );
        assert_eq!((instances().await, hits().await), (0, 0));
        assert_eq!(count(&app.config().blobs_dir()), 0);
        assert!(app.connections().accounts().await.unwrap().is_empty());
        // The job that makes sure of it finds nothing left, and says nothing.
        stage.quiet().await;
        let receipts = log(app.audit()).await;
        assert_eq!(
            receipts
                .iter()
                .filter(|e| e.action == "data.erased")
                .count(),
            1
        );
        assert_eq!(app.store().verify().await.unwrap(), Vec::<String>::new());
        stage.app.stop().await;
    }
}

/// Files below a folder.
fn count(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() { count(&path) } else { 1 }
        })
        .sum()
}

/// Polls until something is so.
async fn wait(what: &str, test: impl AsyncFn() -> bool) {
    let clock = Clock::system();
    let start = clock.monotonic();
    while !test().await {
        let waited = clock.monotonic().saturating_sub(start);
        assert!(waited < Duration::from_mins(1), "waited in vain: {what}");
        clock.sleep(Duration::from_millis(20)).await;
    }
}

//! The vault on a real store: wrong keys, moved records, rotation while everything runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parfocal_engine::clock::Clock;
use parfocal_engine::store::Sealed;
use parfocal_engine::vault::Purpose;
use parfocal_engine::{App, Code};
use secrecy::ExposeSecret;

use crate::core_support::{config, key, on_both_stores, open};

on_both_stores! {
    a_wrong_key_is_an_error_that_says_what_to_do;
    a_record_that_is_moved_to_another_owner_does_not_open;
    keys_are_rotated_while_secrets_are_read_and_written;
    without_a_key_one_is_made_and_told;
    a_running_process_takes_a_new_key_over;
}

async fn put(app: &App, owner: &str, secret: &str) {
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    app.vault()
        .put(&mut tx, Purpose::ClientSecret, owner, secret.as_bytes())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn get(app: &App, owner: &str) -> parfocal_engine::Result<Option<String>> {
    let secret = app
        .vault()
        .get_text(app.scope(), Purpose::ClientSecret, owner)
        .await?;
    Ok(secret.map(|secret| secret.expose_secret().to_owned()))
}

async fn a_wrong_key_is_an_error_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let app = open(config(dir.path()), &clock).await;
    put(&app, "owner", "canary-secret").await;
    assert_eq!(
        get(&app, "owner").await.unwrap().as_deref(),
        Some("canary-secret")
    );
    assert_eq!(get(&app, "nobody").await.unwrap(), None);
    app.stop().await;
    assert!(!crate::core_support::holds(
        &crate::core_support::all_bytes(dir.path()),
        "canary"
    ));

    let mut other = config(dir.path());
    other.vault.key = Some(key(2));
    let app = open(other, &clock).await;
    let error = get(&app, "owner").await.unwrap_err();
    assert_eq!(error.code(), Code::VaultKey);
    assert!(error.hint().contains("TOKEN_ENCRYPTION_KEY_PREVIOUS"));
    let keys = app.vault().keys().await.unwrap();
    assert_eq!(
        keys.iter()
            .filter(|key| !key.readable && key.secrets == 1)
            .count(),
        1
    );
}

async fn a_record_that_is_moved_to_another_owner_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let app = open(config(dir.path()), &Clock::system()).await;
    put(&app, "mine", "secret").await;
    let row = app
        .store()
        .secret(app.scope(), "client_secret", "mine")
        .await
        .unwrap()
        .unwrap();
    let sealed = Sealed {
        key_id: row.key_id,
        nonce: row.nonce,
        ciphertext: row.ciphertext,
    };
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    tx.put_secret("client_secret", "yours", &sealed, app.clock().now())
        .await
        .unwrap();
    tx.put_secret("grant", "mine", &sealed, app.clock().now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        get(&app, "yours").await.unwrap_err().code(),
        Code::VaultForged
    );
    let grant = app.vault().get(app.scope(), Purpose::Grant, "mine").await;
    assert_eq!(grant.unwrap_err().code(), Code::VaultForged);
    assert_eq!(get(&app, "mine").await.unwrap().as_deref(), Some("secret"));
}

async fn keys_are_rotated_while_secrets_are_read_and_written() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let app = open(config(dir.path()), &clock).await;
    for n in 0..230 {
        put(&app, &format!("owner-{n:03}"), &format!("secret {n}")).await;
    }
    app.stop().await;

    let mut both = config(dir.path());
    both.vault.key = Some(key(2));
    both.vault.previous_key = Some(key(1));
    let app = open(both.clone(), &clock).await;
    let beside = open(both, &clock).await;
    let stop = Arc::new(AtomicBool::new(false));
    let worker = {
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            let mut rounds = 0_u32;
            while !stop.load(Ordering::Relaxed) || rounds < 20 {
                let n = rounds % 230;
                let owner = format!("owner-{n:03}");
                let now = get(&beside, &owner).await.unwrap().unwrap();
                assert!(
                    now == format!("secret {n}") || now == format!("newer {n}"),
                    "{now}"
                );
                put(&beside, &owner, &format!("newer {n}")).await;
                rounds += 1;
            }
            beside.stop().await;
            rounds
        })
    };
    let done = app
        .vault()
        .rotate(&parfocal_engine::audit::By::system())
        .await
        .unwrap();
    stop.store(true, Ordering::Relaxed);
    let rounds = worker.await.unwrap();
    assert!(rounds >= 20);
    assert_eq!(done.unreadable, 0);
    assert!(done.resealed + done.overtaken > 0 && done.resealed + done.overtaken <= 230);
    assert_eq!(
        app.vault()
            .rotate(&parfocal_engine::audit::By::system())
            .await
            .unwrap()
            .resealed,
        0,
        "a second run finds nothing"
    );
    app.stop().await;

    let mut new_only = config(dir.path());
    new_only.vault.key = Some(key(2));
    let app = open(new_only, &clock).await;
    for n in 0..230 {
        let secret = get(&app, &format!("owner-{n:03}")).await.unwrap().unwrap();
        assert!(secret.ends_with(&n.to_string()), "{secret}");
    }
    let keys = app.vault().keys().await.unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys[0].current && keys[0].secrets == 230);
}

async fn without_a_key_one_is_made_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let mut config = config(dir.path());
    config.vault.key = None;
    // Other notices, such as one about a folder that others can read, depend on the machine.
    let told = |app: &App| {
        app.notices()
            .iter()
            .any(|notice| notice.contains("vault.key"))
    };
    let app = open(config.clone(), &clock).await;
    assert!(told(&app), "{:?}", app.notices());
    put(&app, "owner", "secret").await;
    app.stop().await;
    let app = open(config, &clock).await;
    assert!(!told(&app), "{:?}", app.notices());
    assert_eq!(get(&app, "owner").await.unwrap().as_deref(), Some("secret"));
}

async fn a_running_process_takes_a_new_key_over() {
    let dir = tempfile::tempdir().unwrap();
    let (manual, clock) = crate::core_support::manual();
    // A server runs with the old key, and knows no other.
    let server = open(config(dir.path()), &clock).await;
    put(&server, "before", "canary-before").await;
    let mut both = config(dir.path());
    both.vault.key = Some(key(2));
    both.vault.previous_key = Some(key(1));
    let command = open(both, &clock).await;
    let done = command
        .vault()
        .rotate(&parfocal_engine::audit::By::system())
        .await
        .unwrap();
    assert_eq!((done.resealed, done.unreadable), (1, 0));
    put(&command, "after", "canary-after").await;
    // It reads what lies under the new key, and writes under it from then on.
    for owner in ["before", "after"] {
        let read = get(&server, owner).await.unwrap().unwrap();
        assert_eq!(read, format!("canary-{owner}"));
    }
    put(&server, "later", "canary-later").await;
    let keys = command.vault().keys().await.unwrap();
    assert_eq!((keys.len(), keys[0].secrets, keys[0].current), (1, 3, true));
    server.vault().check_keys().await.unwrap();
    // A process that starts late with the old key alone learns it too; after a day nobody does.
    let late = open(config(dir.path()), &clock).await;
    late.vault().check_keys().await.unwrap();
    assert!(get(&late, "later").await.unwrap().is_some());
    late.stop().await;
    manual.advance(std::time::Duration::from_hours(25));
    let too_late = open(config(dir.path()), &clock).await;
    let error = get(&too_late, "later").await.unwrap_err();
    assert_eq!(error.code(), Code::VaultKey);
    assert!(too_late.vault().check_keys().await.is_err());
    for app in [server, command, too_late] {
        app.stop().await;
    }
    assert!(!crate::core_support::holds(
        &crate::core_support::all_bytes(dir.path()),
        "canary"
    ));
}

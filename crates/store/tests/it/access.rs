use parfocal_store::{
    Change, ConnectionOrigin, ConnectionState, ErrorKind, NewAccount, NewApp, NewConnection,
    OAuthState, Provider, Scope, Sealed, WorkspaceId,
};
use serde_json::json;

use crate::support::{account, app, at, story};

story!(
    apps_accounts_and_connections_keep_their_ids,
    |world| async move {
        let scope = Scope::DEFAULT;
        let mut tx = world.begin().await;
        let first = tx.upsert_app(&app("c"), at(0)).await.unwrap();
        let same = tx.upsert_app(&app("c"), at(1)).await.unwrap();
        let renamed = tx
            .upsert_app(
                &NewApp {
                    name: "other".into(),
                    ..app("c")
                },
                at(2),
            )
            .await
            .unwrap();
        assert_eq!(
            (first.change, same.change, renamed.change),
            (Change::Inserted, Change::Unchanged, Change::Updated)
        );
        assert!(first.id == same.id && same.id == renamed.id);
        let account_id = tx.upsert_account(&account("a"), at(0)).await.unwrap();
        let more = NewAccount {
            plan: None,
            capabilities: Some(json!({"recording": true})),
            ..account("a")
        };
        assert_eq!(tx.upsert_account(&more, at(3)).await.unwrap(), account_id);
        let new = NewConnection {
            app_id: first.id,
            account_id,
            subject_id: "a".into(),
            name: "Acme".into(),
            origin: ConnectionOrigin::Env,
        };
        let connection = tx.upsert_connection(&new, at(0)).await.unwrap();
        assert!(
            tx.set_connection_state(
                connection,
                ConnectionState::Degraded,
                Some("no scope"),
                at(4)
            )
            .await
            .unwrap()
        );
        assert!(
            !tx.set_connection_state(
                connection,
                ConnectionState::Degraded,
                Some("no scope"),
                at(5)
            )
            .await
            .unwrap()
        );
        tx.note_connection_ok(connection, at(6)).await.unwrap();
        tx.note_connection_error(connection, "4711", at(7))
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let account = world
            .store
            .account_by_external(scope, Provider::Zoom, "a")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(account.plan.as_deref(), Some("business"));
        assert_eq!(account.limits_share, Some(0.8));
        assert_eq!(account.capabilities, json!({"recording": true}));
        let found = world
            .store
            .connection(scope, connection)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.state, ConnectionState::Degraded);
        assert_eq!(
            (found.last_ok, found.last_error.as_deref()),
            (Some(at(6)), Some("4711"))
        );
        assert_eq!(world.store.connections(scope).await.unwrap().len(), 1);
        assert_eq!(world.store.apps(scope).await.unwrap()[0].name, "other");

        let elsewhere = world.store.ensure_workspace("second", at(0)).await.unwrap();
        assert_eq!(
            world.store.ensure_workspace("second", at(1)).await.unwrap(),
            elsewhere
        );
        assert_ne!(elsewhere, WorkspaceId::DEFAULT);
        let elsewhere = Scope::of(elsewhere);
        assert_eq!(
            world.store.connection(elsewhere, connection).await.unwrap(),
            None
        );
        assert_eq!(world.store.apps(elsewhere).await.unwrap(), []);

        let mut tx = world.begin().await;
        let refused = tx.delete_app(first.id).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Constraint);
    }
);

story!(
    a_transaction_that_is_dropped_leaves_nothing,
    |world| async move {
        let mut tx = world.begin().await;
        tx.upsert_app(&app("c"), at(0)).await.unwrap();
        drop(tx);
        assert_eq!(world.store.apps(Scope::DEFAULT).await.unwrap(), []);
        // The writer is free again, also after a future that was cut in the middle.
        let cut = tokio::time::timeout(std::time::Duration::from_nanos(1), async {
            let mut tx = world.begin().await;
            tx.upsert_app(&app("d"), at(0)).await.unwrap();
            tx.commit().await
        });
        let _ = cut.await;
        let mut tx = world.begin().await;
        tx.upsert_app(&app("e"), at(0)).await.unwrap();
        tx.commit().await.unwrap();
        assert!(
            world
                .store
                .apps(Scope::DEFAULT)
                .await
                .unwrap()
                .iter()
                .any(|a| a.client_id == "e")
        );
    }
);

fn sealed(key: &str, byte: u8) -> Sealed {
    Sealed {
        key_id: key.into(),
        nonce: vec![byte; 12],
        ciphertext: vec![byte, 0, 255],
    }
}

story!(
    secrets_are_replaced_rotated_and_erased,
    |world| async move {
        let scope = Scope::DEFAULT;
        let mut tx = world.begin().await;
        let first = tx
            .put_secret("token", "g1", &sealed("old", 1), at(0))
            .await
            .unwrap();
        assert_eq!(
            tx.put_secret("token", "g1", &sealed("old", 2), at(1))
                .await
                .unwrap(),
            first
        );
        for owner in 0..5 {
            tx.put_secret("token", &format!("o{owner}"), &sealed("old", 3), at(0))
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let secret = world
            .store
            .secret(scope, "token", "g1")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (secret.ciphertext.as_slice(), secret.nonce.len()),
            (&[2, 0, 255][..], 12)
        );
        assert!(!format!("{secret:?}").contains("255"));

        let mut after = None;
        let mut rotated = 0;
        loop {
            let batch = world
                .store
                .secrets_not_under("new", after, 2)
                .await
                .unwrap();
            let Some(last) = batch.last() else { break };
            after = Some(last.id);
            let mut tx = world.begin().await;
            for old in &batch {
                assert!(
                    tx.reseal_secret(old, &sealed("new", 9), at(2))
                        .await
                        .unwrap()
                );
                // Whoever read the old one cannot overwrite the new one.
                assert!(
                    !tx.reseal_secret(old, &sealed("new", 8), at(2))
                        .await
                        .unwrap()
                );
                rotated += 1;
            }
            tx.commit().await.unwrap();
        }
        assert_eq!(rotated, 6);
        assert_eq!(
            world.store.secrets_by_key().await.unwrap(),
            [("new".to_owned(), 6)]
        );
        let mut tx = world.begin().await;
        assert_eq!(tx.delete_secrets_of("g1").await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(
            world.store.secret(scope, "token", "g1").await.unwrap(),
            None
        );
    }
);

story!(a_login_is_taken_once_and_in_time, |world| async move {
    let (app, _) = world.account().await;
    let state = |hash: &str, begun: i64| OAuthState {
        hash: hash.into(),
        purpose: "install".into(),
        app_id: app,
        verifier_ref: Some("v".into()),
        data: "{}".into(),
        created_at: at(begun),
        expires: at(begun + 600),
        used_at: None,
    };
    let mut tx = world.begin().await;
    for hash in ["h1", "h2", "h3"] {
        tx.put_oauth_state(&state(hash, 0)).await.unwrap();
        let sealed = Sealed {
            key_id: "k".into(),
            nonce: vec![1],
            ciphertext: vec![2],
        };
        tx.put_secret("verifier", hash, &sealed, at(0))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let found = world.store.oauth_state("h1").await.unwrap().unwrap();
    assert_eq!(found, (Scope::DEFAULT, state("h1", 0)));
    let take = async |hash: &str, now: i64| {
        let mut tx = world.begin().await;
        let taken = tx.take_oauth_state(hash, at(now)).await.unwrap();
        tx.commit().await.unwrap();
        taken
    };
    assert!(take("h1", 1).await);
    assert!(!take("h1", 1).await, "once");
    assert!(!take("h2", 600).await, "in time");
    // What was used or expired is still known for a day, so that it is told from a forged one; its verifier is gone.
    let mut tx = world.begin().await;
    tx.put_oauth_state(&state("h4", 700)).await.unwrap();
    tx.commit().await.unwrap();
    let (_, used) = world.store.oauth_state("h1").await.unwrap().unwrap();
    assert_eq!(used.used_at, Some(at(1)));
    let verifier = world.store.secret(Scope::DEFAULT, "verifier", "h3").await;
    assert_eq!(verifier.unwrap(), None);
    let mut tx = world.begin().await;
    tx.put_oauth_state(&state("h5", 2 * 86_400)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.store.oauth_state("h1").await.unwrap(), None);
    assert_eq!(world.store.oauth_state("never").await.unwrap(), None);
});

story!(
    one_account_under_two_ids_stays_one_row,
    |world| async move {
        // Two who connect it in the same moment, each knowing it by another id first.
        let connect = |mine: &'static str, other: &'static str| {
            let world = std::sync::Arc::clone(&world);
            tokio::spawn(async move {
                let mut tx = world.begin().await;
                let known = tx
                    .account_known_as(Provider::Zoom, &[mine, other])
                    .await
                    .unwrap();
                let name = known.map_or_else(|| mine.to_owned(), |known| known.external_id);
                let id = tx.upsert_account(&account(&name), at(0)).await.unwrap();
                tx.name_account(id, Provider::Zoom, &[mine, other])
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                id
            })
        };
        for round in [["typed", "told"], ["typed2", "told2"], ["typed3", "told3"]] {
            let [mine, other] = round;
            let (first, second) = tokio::join!(connect(mine, other), connect(other, mine));
            assert_eq!(first.unwrap(), second.unwrap(), "{round:?}");
        }
        let rows = world.store.accounts(Scope::DEFAULT).await.unwrap();
        assert_eq!(rows.len(), 3, "{rows:?}");
        // An id stays with the account that went by it first.
        let mut tx = world.begin().await;
        let another = tx.upsert_account(&account("another"), at(1)).await.unwrap();
        tx.name_account(another, Provider::Zoom, &["typed", "new"])
            .await
            .unwrap();
        let of = |known: Option<parfocal_store::Account>| known.map(|known| known.external_id);
        let typed = tx.account_known_as(Provider::Zoom, &["typed"]).await;
        assert_ne!(of(typed.unwrap()).as_deref(), Some("another"));
        let new = tx.account_known_as(Provider::Zoom, &["new"]).await;
        assert_eq!(of(new.unwrap()).as_deref(), Some("another"));
        tx.commit().await.unwrap();
    }
);

use parfocal_store::{
    ErrorKind, GrantId, GrantLease, GrantTokens, LatePair, LeaseAnswer, NewGrant, Provider,
    RefreshRelease, Scope, Sealed, Store,
};

use crate::support::{World, at, story};

const SCOPE: Scope = Scope::DEFAULT;

fn tokens(exp: i64) -> GrantTokens {
    GrantTokens {
        scopes: vec!["a:read".into(), "b:read".into()],
        api_url: None,
        access_exp: Some(at(exp)),
    }
}

async fn grant(world: &World) -> GrantId {
    let (app, _) = world.account().await;
    let mut tx = world.begin().await;
    let new = NewGrant {
        app_id: app,
        provider: Provider::Zoom,
        subject_external_id: "acc-1".into(),
        tokens: GrantTokens {
            api_url: Some("https://api-us.zoom.us".into()),
            ..tokens(3600)
        },
    };
    let id = tx.upsert_grant(&new, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn lease(store: &Store, id: GrantId, now: i64) -> Option<GrantLease> {
    match store
        .lease_grant(SCOPE, id, at(now), at(now + 30))
        .await
        .unwrap()
    {
        LeaseAnswer::Held { lease, .. } => Some(lease),
        LeaseAnswer::HeldElsewhere { .. } | LeaseAnswer::Paused { .. } | LeaseAnswer::Gone => None,
    }
}

story!(
    one_refresh_at_a_time_and_the_late_one_is_fenced_off,
    |world| async move {
        let id = grant(&world).await;
        let other = world.neighbour().await;
        let mine = lease(&world.store, id, 0).await.unwrap();
        let LeaseAnswer::HeldElsewhere { until } =
            other.lease_grant(SCOPE, id, at(1), at(31)).await.unwrap()
        else {
            panic!("two holders");
        };
        assert_eq!(until, at(30));
        world
            .store
            .begin_refresh(SCOPE, &mine, at(2))
            .await
            .unwrap();

        // I vanish; the other takes over when the lease has ended, and learns what I had begun.
        let LeaseAnswer::Held {
            lease: theirs,
            pending_refresh,
            ..
        } = other.lease_grant(SCOPE, id, at(30), at(60)).await.unwrap()
        else {
            panic!("an ended lease must be free");
        };
        assert_eq!(pending_refresh, Some(at(2)));
        let mut tx = other.begin(SCOPE).await.unwrap();
        tx.store_refreshed(&theirs, &tokens(7200), at(31))
            .await
            .unwrap();
        let sealed = Sealed {
            key_id: "k".into(),
            nonce: vec![1],
            ciphertext: vec![2],
        };
        tx.put_secret("access", &id.to_string(), &sealed, at(31))
            .await
            .unwrap();
        tx.commit().await.unwrap();

        // I come back: nothing I try has an effect.
        assert_eq!(
            world
                .store
                .begin_refresh(SCOPE, &mine, at(32))
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::LeaseLost
        );
        let mut tx = world.begin().await;
        let error = tx
            .store_refreshed(&mine, &tokens(1), at(32))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LeaseLost);
        drop(tx);
        let mut tx = world.begin().await;
        assert!(
            !tx.kill_grant(id, mine.generation, "invalid_grant", at(33))
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();

        let now = world.store.grant(SCOPE, id).await.unwrap().unwrap();
        assert_eq!(
            (now.generation, now.access_exp, now.pending_refresh),
            (2, Some(at(7200)), None)
        );
        assert_eq!(now.api_url.as_deref(), Some("https://api-us.zoom.us"));
        assert_eq!(now.scopes, ["a:read", "b:read"]);

        let mut tx = world.begin().await;
        assert!(tx.kill_grant(id, 2, "invalid_grant", at(40)).await.unwrap());
        tx.commit().await.unwrap();
        assert!(matches!(
            world
                .store
                .lease_grant(SCOPE, id, at(41), at(42))
                .await
                .unwrap(),
            LeaseAnswer::Gone
        ));
        // A new consent brings it back under the same id.
        assert_eq!(grant(&world).await, id);
        assert!(lease(&world.store, id, 50).await.is_some());
        other.close().await;
    }
);

story!(
    of_many_who_ask_at_once_one_gets_the_lease,
    |world| async move {
        let id = grant(&world).await;
        let other = world.neighbour().await;
        let mut asked = tokio::task::JoinSet::new();
        for n in 0..40 {
            let store = if n % 2 == 0 {
                world.store.clone()
            } else {
                other.clone()
            };
            asked.spawn(async move { lease(&store, id, 0).await.is_some() });
        }
        let won = asked
            .join_all()
            .await
            .into_iter()
            .filter(|won| *won)
            .count();
        assert_eq!(won, 1);
        other.close().await;
    }
);

story!(
    a_clock_that_was_ahead_and_is_set_back_does_not_hold_a_grant,
    |world| async move {
        let id = grant(&world).await;
        let ahead = lease(&world.store, id, 86_400).await.unwrap();
        assert!(lease(&world.store, id, 86_400 - 14 * 60).await.is_none());
        assert!(lease(&world.store, id, 1).await.is_some());
        let mut tx = world.begin().await;
        let late = tx.store_refreshed(&ahead, &tokens(1), at(2)).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::LeaseLost);
    }
);

story!(
    making_sure_of_a_grant_leaves_a_lease_on_it,
    |world| async move {
        let id = grant(&world).await;
        let (app, other) = (
            world.store.grant(SCOPE, id).await.unwrap().unwrap().app_id,
            world.neighbour().await,
        );
        let new = |subject: &str| NewGrant {
            app_id: app,
            provider: Provider::Zoom,
            subject_external_id: subject.into(),
            tokens: tokens(1),
        };
        let mine = lease(&world.store, id, 0).await.unwrap();
        let mut tx = other.begin(SCOPE).await.unwrap();
        assert_eq!(tx.ensure_grant(&new("acc-1"), at(1)).await.unwrap(), id);
        tx.commit().await.unwrap();
        assert!(lease(&other, id, 1).await.is_none(), "it is leased still");
        let mut tx = world.begin().await;
        tx.store_refreshed(&mine, &tokens(7200), at(2))
            .await
            .unwrap();
        tx.commit().await.unwrap();

        // Two make the same row at once: one row.
        let make = async |store: &Store| {
            let mut tx = store.begin(SCOPE).await.unwrap();
            let id = tx.ensure_grant(&new("acc-2"), at(3)).await.unwrap();
            tx.commit().await.unwrap();
            id
        };
        let (a, b) = tokio::join!(make(&world.store), make(&other));
        assert_eq!(a, b);
        other.close().await;
    }
);

/// How often the present token was shown without an answer.
async fn asked(world: &World, id: GrantId) -> i64 {
    world.store.grant(SCOPE, id).await.unwrap().unwrap().asked
}

story!(
    asks_without_an_answer_are_counted_and_failures_pause_everybody,
    |world| async move {
        let id = grant(&world).await;
        let other = world.neighbour().await;
        let store = &world.store;
        let first = lease(store, id, 0).await.unwrap();
        store.begin_refresh(SCOPE, &first, at(0)).await.unwrap();
        assert_eq!(asked(&world, id).await, 1);
        // No answer came: the lease is free at once, the ask stays counted, for other processes too.
        store
            .release_grant(SCOPE, &first, RefreshRelease::Unanswered { asked: 1 })
            .await
            .unwrap();
        let LeaseAnswer::Held {
            lease: second,
            asked: known,
            pending_refresh,
            ..
        } = other.lease_grant(SCOPE, id, at(1), at(31)).await.unwrap()
        else {
            panic!("given back");
        };
        assert_eq!((known, pending_refresh), (1, Some(at(0))));
        other.begin_refresh(SCOPE, &second, at(1)).await.unwrap();
        assert_eq!(asked(&world, id).await, 2);
        // This one was answered with a failure: it does not count, the one before still does; all pause.
        let pause_until = Some(at(10));
        other
            .release_grant(
                SCOPE,
                &second,
                RefreshRelease::WithoutEffect { pause_until },
            )
            .await
            .unwrap();
        let row = store.grant(SCOPE, id).await.unwrap().unwrap();
        assert_eq!(
            (row.asked, row.failures, row.refresh_after),
            (1, 1, pause_until)
        );
        assert!(row.pending_refresh.is_some());
        assert_eq!(
            store.lease_grant(SCOPE, id, at(9), at(39)).await.unwrap(),
            LeaseAnswer::Paused {
                until: at(10),
                failures: 1
            }
        );
        store.resume_grant(SCOPE, id).await.unwrap();
        let third = lease(store, id, 9).await.unwrap();
        // A release by one who lost the lease has no effect.
        other
            .release_grant(SCOPE, &second, RefreshRelease::Unanswered { asked: 1 })
            .await
            .unwrap();
        let mut tx = world.begin().await;
        tx.store_refreshed(&third, &tokens(7200), at(9))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(asked(&world, id).await, 0);
        other.close().await;
    }
);

story!(
    the_pair_of_an_overtaken_holder_is_kept_where_it_is_the_newest,
    |world| async move {
        let id = grant(&world).await;
        let late = async |made_from: i64, now: i64| {
            let mut tx = world.begin().await;
            let done = tx.store_late(id, made_from, &tokens(9000), at(now)).await;
            tx.commit().await.unwrap();
            done.unwrap()
        };
        let mine = lease(&world.store, id, 0).await.unwrap();
        // My lease ran out; another one asks with the token that I have used up.
        let theirs = lease(&world.store, id, 40).await.unwrap();
        assert_eq!(
            late(mine.generation, 41).await,
            LatePair::Wait { until: at(70) }
        );
        let mut tx = world.begin().await;
        assert!(
            tx.kill_grant(id, theirs.generation, "Invalid Token!", at(42))
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        // They were refused, since my pair is the living one.
        assert_eq!(late(mine.generation, 43).await, LatePair::Stored);
        let row = world.store.grant(SCOPE, id).await.unwrap().unwrap();
        assert_eq!((row.generation, row.dead_reason), (2, None));
        assert_eq!(late(mine.generation, 44).await, LatePair::Superseded);
        // What a person took back stays so.
        let mut tx = world.begin().await;
        assert!(tx.withdraw_grant(id, "removed", at(45)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(late(2, 46).await, LatePair::Superseded);
        assert!(lease(&world.store, id, 46).await.is_none());
    }
);

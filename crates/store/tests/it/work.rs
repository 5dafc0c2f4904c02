use parfocal_store::{
    BackfillState, ErrorKind, NewDomainEvent, NewSlice, SEQUENCER, Scope, SliceState, SliceUpdate,
};
use serde_json::json;

use crate::support::{at, story};

const SCOPE: Scope = Scope::DEFAULT;

story!(
    a_backfill_keeps_its_slices_and_figures,
    |world| async move {
        let (_, account) = world.account().await;
        let mut tx = world.begin().await;
        let id = tx
            .create_backfill(
                account,
                &json!({"since": "2026-01-01"}),
                Some(&json!({"calls": 9})),
                at(0),
            )
            .await
            .unwrap();
        let slice = |resource: &str, from: Option<i64>| NewSlice {
            resource: resource.into(),
            subject: String::new(),
            from: from.map(at),
            to: None,
        };
        let slices = [
            slice("users", None),
            slice("recordings", Some(0)),
            slice("recordings", Some(1)),
        ];
        let added = tx.add_slices(id, &slices, at(0)).await.unwrap();
        assert_eq!(
            (
                added.len(),
                tx.add_slices(id, &slices, at(1)).await.unwrap().len()
            ),
            (3, 0)
        );
        assert!(
            tx.set_backfill_state(id, BackfillState::Running, at(1))
                .await
                .unwrap()
        );
        let update = |state, items| SliceUpdate {
            state,
            checkpoint: Some(json!({"token": items})),
            items,
            calls: 1,
            error: None,
        };
        tx.update_slice(added[1], &update(SliceState::Running, 5), at(2))
            .await
            .unwrap();
        tx.update_slice(added[1], &update(SliceState::Done, 7), at(3))
            .await
            .unwrap();
        tx.note_backfill(id, None, Some(&json!({"ok": true})), at(4))
            .await
            .unwrap();
        assert!(
            tx.set_backfill_state(id, BackfillState::Done, at(5))
                .await
                .unwrap()
        );
        tx.set_cursor("sync", "users", "v1", 60, at(5))
            .await
            .unwrap();
        tx.set_cursor("sync", "users", "v2", 61, at(6))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let slice = world.store.slice(SCOPE, added[1]).await.unwrap().unwrap();
        assert_eq!(
            (slice.items, slice.calls, slice.from, slice.to),
            (12, 2, Some(at(0)), None)
        );
        assert_eq!(slice.checkpoint, Some(json!({"token": 7})));
        let counts = world.store.slice_counts(SCOPE, id).await.unwrap();
        assert_eq!(counts.iter().map(|c| c.slices).sum::<u64>(), 3);
        assert_eq!(
            world
                .store
                .slices(SCOPE, id, Some(SliceState::Pending))
                .await
                .unwrap()
                .len(),
            2
        );
        let backfill = world
            .store
            .backfills(SCOPE, Some(account), 5)
            .await
            .unwrap()
            .remove(0);
        assert_eq!(
            (backfill.state, backfill.finished_at),
            (BackfillState::Done, Some(at(5)))
        );
        assert_eq!(
            (backfill.forecast, backfill.summary),
            (Some(json!({"calls": 9})), Some(json!({"ok": true})))
        );
        let cursor = world
            .store
            .cursor(SCOPE, "sync", "users")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((cursor.value.as_str(), cursor.overlap_us), ("v2", 61));
    }
);

story!(
    a_role_is_played_by_one_and_the_fence_grows,
    |world| async move {
        let other = world.neighbour().await;
        let mine = world
            .store
            .acquire_lease("r", "me", at(0), at(10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            other
                .acquire_lease("r", "you", at(9), at(19))
                .await
                .unwrap(),
            None
        );
        let mine = world.store.renew_lease(&mine, at(9), at(20)).await.unwrap();
        assert_eq!(
            other
                .acquire_lease("r", "you", at(19), at(29))
                .await
                .unwrap(),
            None
        );
        let yours = other
            .acquire_lease("r", "you", at(20), at(30))
            .await
            .unwrap()
            .unwrap();
        assert!(yours.fence > mine.fence);
        assert_eq!(
            world
                .store
                .renew_lease(&mine, at(21), at(31))
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::LeaseLost
        );
        let mut tx = world.begin().await;
        assert_eq!(
            tx.check_lease(&mine, at(21)).await.unwrap_err().kind(),
            ErrorKind::LeaseLost
        );
        tx.check_lease(&yours, at(21)).await.unwrap();
        drop(tx);
        other.release_lease(&yours).await.unwrap();
        assert!(
            world
                .store
                .acquire_lease("r", "me", at(22), at(30))
                .await
                .unwrap()
                .is_some()
        );
        other.close().await;
    }
);

story!(
    a_clock_that_was_ahead_and_is_set_back_does_not_hold_a_role,
    |world| async move {
        let take = async |who: &str, now: i64| {
            world
                .store
                .acquire_lease("r", who, at(now), at(now + 10))
                .await
                .unwrap()
        };
        let ahead = take("me", 86_400).await.unwrap();
        assert_eq!(take("you", 86_400 - 14 * 60).await, None);
        let yours = take("you", 1).await.unwrap();
        assert!(yours.fence > ahead.fence);
        let mut tx = world.begin().await;
        assert!(tx.check_lease(&ahead, at(2)).await.is_err());
        tx.check_lease(&yours, at(2)).await.unwrap();
    }
);

story!(
    domain_events_are_numbered_without_gaps,
    |world| async move {
        let event = |n: i64| NewDomainEvent {
            event_type: "transcript.stored".into(),
            v: 1,
            subject_id: format!("s{}", n % 2),
            data: json!({"n": n}),
        };
        let lease = world
            .store
            .acquire_lease(SEQUENCER, "me", at(0), at(10))
            .await
            .unwrap()
            .unwrap();
        let mut tx = world.begin().await;
        for n in 0..5 {
            tx.append_event(&event(n), at(0)).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(
            world.store.events_after(SCOPE, 0, 10).await.unwrap(),
            [],
            "not numbered yet"
        );
        assert_eq!(
            world.store.sequence_events(&lease, 3, at(1)).await.unwrap(),
            3
        );
        let mut tx = world.begin().await;
        tx.append_event(&event(5), at(0)).await.unwrap();
        drop(tx);
        let mut tx = world.begin().await;
        tx.append_event(&event(6), at(0)).await.unwrap();
        tx.set_consumed("flows", 2, at(1)).await.unwrap();
        tx.set_consumed("flows", 1, at(1)).await.unwrap();
        tx.commit().await.unwrap();
        while world.store.sequence_events(&lease, 2, at(2)).await.unwrap() > 0 {}
        let all = world.store.events_after(SCOPE, 0, 10).await.unwrap();
        assert_eq!(
            all.iter().map(|e| e.seq).collect::<Vec<_>>(),
            [1, 2, 3, 4, 5, 6]
        );
        assert_eq!(all[5].data, json!({"n": 6}));
        assert_eq!(
            world.store.events_after(SCOPE, 5, 10).await.unwrap().len(),
            1
        );
        assert_eq!(world.store.consumed(SCOPE, "flows").await.unwrap(), 2);
        assert_eq!(
            world.store.events_of(SCOPE, "s1", 10).await.unwrap().len(),
            2
        );
        let mut tx = world.begin().await;
        tx.append_event(&event(7), at(0)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            world
                .store
                .sequence_events(&lease, 3, at(10))
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::LeaseLost
        );
    }
);

//! What is forgotten in time, and telling that something was written.

use parfocal_store::{AppId, Appended, EventState, NewEvent, Scope, WorkspaceId};

use crate::support::{at, story};

fn event(app: AppId, n: u8) -> NewEvent {
    NewEvent {
        workspace: WorkspaceId::DEFAULT,
        app_id: app,
        connection_id: None,
        dedupe_key: [n; 32],
        event: "recording.completed".into(),
        event_ts: at(i64::from(n)),
        lane: None,
        body: "{}".into(),
        download_token: Some(vec![n]),
        received: at(i64::from(n)),
        priority: 10,
    }
}

story!(
    tokens_and_routed_events_are_forgotten_in_time,
    |world| async move {
        let (app, _) = world.account().await;
        let mut ids = Vec::new();
        for n in 0..6 {
            match world.store.inbox().append(event(app, n)).await.unwrap() {
                Appended::Accepted(id) | Appended::Duplicate(id) => ids.push(id),
            }
        }
        let mut tx = world.begin().await;
        for (id, state) in ids.iter().zip([
            EventState::Routed,
            EventState::Ignored,
            EventState::Failed,
            EventState::Received,
            EventState::Routed,
        ]) {
            tx.mark_event(*id, state, None).await.unwrap();
        }
        tx.commit().await.unwrap();
        let store = &world.store;
        assert_eq!(store.clear_download_tokens(at(4), 3).await.unwrap(), 3);
        assert_eq!(store.clear_download_tokens(at(4), 3).await.unwrap(), 1);
        assert_eq!(store.clear_download_tokens(at(4), 3).await.unwrap(), 0);
        let token = |at: usize| {
            let (store, id) = (store.clone(), ids[at]);
            async move {
                let event = store.inbox_event(Scope::DEFAULT, id).await.unwrap();
                event.unwrap().download_token
            }
        };
        assert_eq!(token(3).await, None);
        assert_eq!(token(4).await, Some(vec![4]));
        // What failed or waits stays, and what is young.
        assert_eq!(store.prune_events(at(4), 1).await.unwrap(), 1);
        assert_eq!(store.prune_events(at(4), 10).await.unwrap(), 1);
        assert_eq!(store.prune_events(at(4), 10).await.unwrap(), 0);
        let left = store.inbox_status(Scope::DEFAULT).await.unwrap().events;
        assert_eq!(left, 4);
    }
);

story!(roles_of_long_ago_are_forgotten, |world| async move {
    let store = &world.store;
    store
        .acquire_lease("old", "me", at(0), at(10))
        .await
        .unwrap();
    store
        .acquire_lease("new", "me", at(0), at(100))
        .await
        .unwrap();
    assert_eq!(store.prune_roles(at(50), 10).await.unwrap(), 1);
    assert_eq!(store.prune_roles(at(50), 10).await.unwrap(), 0);
    let held = store.acquire_lease("new", "you", at(50), at(60)).await;
    assert!(held.unwrap().is_none(), "a role that is held stays held");
});

story!(a_watch_sees_what_any_process_writes, |world| async move {
    let (app, _) = world.account().await;
    let mut watch = world.store.watch().await.unwrap();
    let quiet = watch.mark().await.unwrap();
    let other = world.neighbour().await;
    let mut before = watch.mark().await.unwrap();
    for (n, store) in [(1, &world.store), (2, &other)] {
        store.inbox().append(event(app, n)).await.unwrap();
        let after = watch.mark().await.unwrap();
        assert_ne!(after, before);
        before = after;
    }
    assert_ne!(before, quiet);
    other.close().await;
});

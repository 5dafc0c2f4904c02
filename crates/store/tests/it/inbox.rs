use std::collections::HashSet;

use parfocal_store::{
    AppId, Appended, Claim, ErrorKind, EventFilter, EventState, JobFilter, NewEvent, PageRequest,
    ROUTE_JOB, Scope, Store, WorkspaceId,
};

use crate::support::{World, at, at_ms, eventually, options, story};

const SCOPE: Scope = Scope::DEFAULT;

fn event(app: AppId, n: u64) -> NewEvent {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&n.to_be_bytes());
    NewEvent {
        workspace: WorkspaceId::DEFAULT,
        app_id: app,
        connection_id: None,
        dedupe_key: key,
        event: if n.is_multiple_of(2) {
            "meeting.started"
        } else {
            "recording.completed"
        }
        .into(),
        event_ts: at_ms(i64::try_from(n).unwrap()),
        lane: Some(format!("acc/{}", n % 7)),
        body: format!("{{\"event\":\"x\",\"n\":{n},\"text\":\"ä \\u0000 日本\"}}"),
        download_token: None,
        received: at_ms(i64::try_from(n).unwrap()),
        priority: 10,
    }
}

async fn append(store: &Store, event: NewEvent) -> Appended {
    store.inbox().append(event).await.unwrap()
}

story!(
    many_at_once_and_none_is_lost_or_doubled,
    |world| async move {
        let (app, _) = world.account().await;
        let other = world.neighbour().await;
        let mut tasks = tokio::task::JoinSet::new();
        // 500 different events, each sent by three senders over two processes.
        for n in 0..1500_u64 {
            let store = if n % 2 == 0 {
                world.store.clone()
            } else {
                other.clone()
            };
            tasks.spawn(async move { (n % 500, append(&store, event(app, n % 500)).await) });
        }
        let mut accepted = HashSet::new();
        let mut ids: std::collections::HashMap<u64, HashSet<String>> =
            std::collections::HashMap::new();
        for (n, outcome) in tasks.join_all().await {
            let id = match outcome {
                Appended::Accepted(id) => {
                    assert!(accepted.insert(n), "event {n} was accepted twice");
                    id
                }
                Appended::Duplicate(id) => id,
            };
            ids.entry(n).or_default().insert(id.to_string());
        }
        assert_eq!(accepted.len(), 500);
        assert!(
            ids.values().all(|ids| ids.len() == 1),
            "a repetition names the first event"
        );
        let status = world.store.inbox_status(SCOPE).await.unwrap();
        assert_eq!(
            (status.events, status.waiting, status.failed),
            (500, 500, 0)
        );
        assert_eq!(status.oldest_waiting, Some(at_ms(0)));
        let filter = JobFilter {
            kind: Some(ROUTE_JOB.into()),
            ..JobFilter::default()
        };
        // Of a crowd the jobs are written when it is calm again, by whichever process comes to it.
        let jobs = eventually(async || {
            let page = PageRequest::first(1000);
            let jobs = world.store.jobs(SCOPE, &filter, &page).await.unwrap();
            (jobs.items.len() >= 500).then_some(jobs.items)
        })
        .await;
        assert_eq!(jobs.len(), 500, "one job for each event");
        other.close().await;
        // What was accepted is there for whoever opens the store next.
        let again = world.neighbour().await;
        assert_eq!(again.inbox_status(SCOPE).await.unwrap().events, 500);
        again.close().await;
    }
);

story!(
    what_a_crowd_left_without_jobs_gets_them_after_a_crash,
    |world| async move {
        let (app, _) = world.account().await;
        // More at once than fit into one batch, by a process that is gone as soon as it has answered.
        let other = world.neighbour().await;
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..900_u64 {
            let store = other.clone();
            tasks.spawn(async move { append(&store, event(app, n)).await });
        }
        assert_eq!(tasks.join_all().await.len(), 900);
        drop(other);
        let next = world.neighbour().await;
        let claim = Claim {
            kinds: &[(ROUTE_JOB, 1)],
            limit: 64,
            lease_until: at(60),
            now: at(2),
        };
        let mut routed = HashSet::new();
        eventually(async || {
            let jobs = next.claim_jobs(&claim).await.unwrap();
            let mut tx = next.begin(SCOPE).await.unwrap();
            for job in jobs {
                let event = job.job.payload["event_id"].as_str().unwrap().to_owned();
                assert!(routed.insert(event), "an event has two jobs");
                tx.complete_job(&job.lease, None, at(2)).await.unwrap();
            }
            tx.commit().await.unwrap();
            (routed.len() >= 900).then_some(())
        })
        .await;
        assert_eq!(routed.len(), 900);
        next.close().await;
    }
);

story!(
    a_repetition_refreshes_the_download_token,
    |world| async move {
        let (app, _) = world.account().await;
        let first = NewEvent {
            download_token: Some(vec![1]),
            ..event(app, 1)
        };
        let Appended::Accepted(id) = append(&world.store, first).await else {
            panic!()
        };
        let again = NewEvent {
            download_token: Some(vec![2, 0]),
            ..event(app, 1)
        };
        assert_eq!(append(&world.store, again).await, Appended::Duplicate(id));
        assert_eq!(
            append(&world.store, event(app, 1)).await,
            Appended::Duplicate(id)
        );
        let stored = world.store.inbox_event(SCOPE, id).await.unwrap().unwrap();
        assert_eq!(
            (stored.download_token, stored.repeats),
            (Some(vec![2, 0]), 2)
        );
        assert_eq!(stored.body, event(app, 1).body);
        // One event through two apps: two rows.
        let mut tx = world.begin().await;
        let second = tx
            .upsert_app(&crate::support::app("client-2"), at(0))
            .await
            .unwrap()
            .id;
        tx.commit().await.unwrap();
        assert!(matches!(
            append(&world.store, event(second, 1)).await,
            Appended::Accepted(_)
        ));
    }
);

story!(events_are_listed_marked_and_replayed, |world| async move {
    let (app, _) = world.account().await;
    let mut ids = Vec::new();
    for n in 0..10 {
        let Appended::Accepted(id) = append(&world.store, event(app, n)).await else {
            panic!()
        };
        ids.push(id);
    }
    let mut seen = Vec::new();
    let mut page = PageRequest::first(4);
    loop {
        let piece = world
            .store
            .inbox_events(SCOPE, &EventFilter::default(), &page)
            .await
            .unwrap();
        seen.extend(piece.items.into_iter().map(|event| event.id));
        let Some(next) = piece.next else { break };
        page.after = Some(next);
    }
    seen.reverse();
    assert_eq!(seen, ids);
    let count = async |filter: EventFilter| {
        world
            .store
            .inbox_events(SCOPE, &filter, &PageRequest::first(100))
            .await
            .unwrap()
            .items
            .len()
    };
    assert_eq!(
        count(EventFilter {
            event: Some("recording.*".into()),
            ..EventFilter::default()
        })
        .await,
        5
    );
    assert_eq!(
        count(EventFilter {
            event: Some("recording".into()),
            ..EventFilter::default()
        })
        .await,
        0
    );
    assert_eq!(
        count(EventFilter {
            from: Some(at_ms(8)),
            ..EventFilter::default()
        })
        .await,
        2
    );
    assert_eq!(
        count(EventFilter {
            lane: Some("acc/1".into()),
            ..EventFilter::default()
        })
        .await,
        2
    );

    // Route one, then have it routed again.
    let claim = Claim {
        kinds: &[(ROUTE_JOB, 1)],
        limit: 1,
        lease_until: at(60),
        now: at(1),
    };
    let job = world.store.claim_jobs(&claim).await.unwrap().remove(0);
    assert_eq!(job.job.payload["event_id"], ids[0].to_string());
    let mut tx = world.begin().await;
    tx.mark_event(ids[0], EventState::Routed, Some("ok"))
        .await
        .unwrap();
    tx.complete_job(&job.lease, None, at(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.store.inbox_status(SCOPE).await.unwrap().waiting, 9);
    for _ in 0..2 {
        let mut tx = world.begin().await;
        assert!(tx.replay_event(ids[0], at(2)).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(
        count(EventFilter {
            state: Some(EventState::Received),
            ..EventFilter::default()
        })
        .await,
        10
    );
    let job = world.store.claim_jobs(&claim).await.unwrap().remove(0);
    assert_eq!(
        job.job.payload["event_id"],
        ids[0].to_string(),
        "a replay is most urgent"
    );
});

story!(
    a_full_queue_refuses_and_a_closed_store_says_so,
    |world| async move {
        let (app, _) = world.account().await;
        let mut small = options();
        small.inbox_queue = 2;
        let store = Store::open(&world.url, small, at(0)).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..200 {
            let store = store.clone();
            tasks.spawn(async move { store.inbox().append(event(app, n)).await });
        }
        let (mut written, mut refused) = (0, 0);
        for outcome in tasks.join_all().await {
            match outcome {
                Ok(_) => written += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Overloaded);
                    assert!(error.is_retryable());
                    refused += 1;
                }
            }
        }
        assert!(refused > 0, "200 at once do not fit into 2 places");
        let there = world.store.inbox_status(SCOPE).await.unwrap().events;
        assert_eq!(
            there, written,
            "what was refused is not there, what was accepted is"
        );
        store.close().await;
        let error = store.inbox().append(event(app, 999)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
);

story!(closing_writes_what_was_handed_in, |world| async move {
    let (app, _) = world.account().await;
    let store = world.neighbour().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..100 {
        let store = store.clone();
        tasks.spawn(async move { store.inbox().append(event(app, n)).await });
    }
    tokio::task::yield_now().await;
    store.close().await;
    let mut written = 0;
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(_) => written += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Closed),
        }
    }
    assert_eq!(
        world.store.inbox_status(SCOPE).await.unwrap().events,
        written
    );
});

#[tokio::test]
async fn the_live_writer_flushes_fully() {
    let world = World::sqlite().await;
    let (synchronous, journal) = world.store.writer_durability().await.unwrap().unwrap();
    assert_eq!((synchronous, journal.as_str()), (2, "wal"));
    world.end().await;
}

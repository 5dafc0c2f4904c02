use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use parfocal_store::{
    AttemptReport, Claim, ClaimedJob, Enqueued, ErrorKind, JobFilter, JobState, NewJob,
    PageRequest, Scope, Store,
};
use serde_json::json;

use crate::support::{World, at, story};

const SCOPE: Scope = Scope::DEFAULT;
const KINDS: &[(&str, i64)] = &[("a.do", 1), ("b.do", 1)];

fn job(kind: &str, lane: Option<&str>, key: Option<&str>) -> NewJob {
    NewJob {
        kind: kind.into(),
        v: 1,
        lane: lane.map(Into::into),
        priority: 10,
        dedupe_key: key.map(Into::into),
        payload: json!({"x": 1}),
        run_at: at(0),
        cause_id: Some("cause".into()),
    }
}

async fn enqueue(world: &World, new: &NewJob, now: i64) -> Enqueued {
    let mut tx = world.begin().await;
    let outcome = tx.enqueue(new, at(now)).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

async fn claim(store: &Store, limit: u32, now: i64) -> Vec<ClaimedJob> {
    let claim = Claim {
        kinds: KINDS,
        limit,
        lease_until: at(now + 30),
        now: at(now),
    };
    store.claim_jobs(&claim).await.unwrap()
}

fn failed(text: &str) -> AttemptReport {
    AttemptReport {
        error: Some(text.into()),
        status: Some(500),
        ..AttemptReport::default()
    }
}

story!(order_lanes_versions_and_kinds, |world| async move {
    enqueue(
        &world,
        &NewJob {
            priority: 20,
            ..job("a.do", None, Some("late"))
        },
        0,
    )
    .await;
    enqueue(
        &world,
        &NewJob {
            priority: 0,
            ..job("b.do", None, Some("urgent"))
        },
        0,
    )
    .await;
    enqueue(&world, &job("a.do", Some("lane"), Some("first")), 0).await;
    enqueue(&world, &job("b.do", Some("lane"), Some("second")), 1).await;
    enqueue(
        &world,
        &NewJob {
            v: 2,
            ..job("a.do", None, Some("newer"))
        },
        0,
    )
    .await;
    enqueue(&world, &job("c.do", None, Some("unknown")), 0).await;
    enqueue(
        &world,
        &NewJob {
            run_at: at(100),
            ..job("a.do", None, Some("future"))
        },
        0,
    )
    .await;
    let keys = |jobs: &[ClaimedJob]| -> Vec<String> {
        jobs.iter()
            .map(|j| j.job.dedupe_key.clone().unwrap())
            .collect()
    };
    let first = claim(&world.store, 10, 5).await;
    assert_eq!(keys(&first), ["urgent", "first", "late"]);
    assert!(
        claim(&world.store, 10, 5).await.is_empty(),
        "the lane is busy"
    );
    let mut tx = world.begin().await;
    tx.complete_job(&first[1].lease, None, at(6)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(keys(&claim(&world.store, 10, 6).await), ["second"]);
    assert_eq!(
        world.store.next_job_at(&["a.do"]).await.unwrap(),
        Some(at(0)),
        "a newer version waits for a newer worker"
    );
    assert_eq!(
        keys(&claim(&world.store, 10, 100).await).len(),
        4,
        "the future, and three whose lease ended"
    );
});

story!(
    a_key_is_open_once_and_a_running_job_runs_again,
    |world| async move {
        let Enqueued::Inserted(id) = enqueue(
            &world,
            &NewJob {
                run_at: at(50),
                ..job("a.do", None, Some("k"))
            },
            0,
        )
        .await
        else {
            panic!()
        };
        assert!(claim(&world.store, 1, 10).await.is_empty());
        // A duplicate pulls it forward.
        let again = NewJob {
            run_at: at(10),
            priority: 0,
            payload: json!({"x": 2}),
            ..job("a.do", None, Some("k"))
        };
        assert_eq!(enqueue(&world, &again, 10).await, Enqueued::Duplicate(id));
        let running = claim(&world.store, 1, 10).await.remove(0);
        assert_eq!(
            (running.job.priority, &running.job.payload),
            (0, &json!({"x": 2}))
        );
        // While it runs, the world changes once more.
        let newer = NewJob {
            payload: json!({"x": 3}),
            ..again.clone()
        };
        assert_eq!(enqueue(&world, &newer, 11).await, Enqueued::Duplicate(id));
        let mut tx = world.begin().await;
        tx.complete_job(&running.lease, None, at(12)).await.unwrap();
        tx.commit().await.unwrap();
        let rerun = claim(&world.store, 1, 12).await.remove(0);
        assert_eq!((rerun.job.id, rerun.job.attempts), (id, 1));
        assert_eq!(
            rerun.job.payload,
            json!({"x": 3}),
            "what was asked for while it ran"
        );
        let mut tx = world.begin().await;
        tx.complete_job(&rerun.lease, Some(&AttemptReport::default()), at(13))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            world.store.job(SCOPE, id).await.unwrap().unwrap().state,
            JobState::Done
        );
        assert!(
            matches!(enqueue(&world, &again, 14).await, Enqueued::Inserted(_)),
            "a done job's key is free"
        );
    }
);

story!(
    an_open_job_gets_what_the_merge_makes_of_both_payloads,
    |world| async move {
        let id = enqueue(&world, &job("a.do", None, Some("k")), 0).await.id();
        let sum = |older: &serde_json::Value, newer: &serde_json::Value| json!({"x": older["x"].as_i64().unwrap() + newer["x"].as_i64().unwrap()});
        let payload = async || {
            let job = world.store.job(SCOPE, id).await.unwrap().unwrap();
            (job.v, job.payload)
        };
        for (now, expected) in [(1, 2), (2, 3)] {
            let mut tx = world.begin().await;
            let new = job("a.do", None, Some("k"));
            let outcome = tx.enqueue_merged(&new, at(now), sum).await.unwrap();
            assert_eq!(outcome, Enqueued::Duplicate(id));
            tx.commit().await.unwrap();
            assert_eq!(payload().await, (1, json!({"x": expected})));
        }
        // Another version's payload is not understood by the merge.
        let mut tx = world.begin().await;
        let new = NewJob {
            v: 2,
            ..job("a.do", None, Some("k"))
        };
        tx.enqueue_merged(&new, at(3), |_, _| panic!("merged two versions"))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(payload().await, (2, json!({"x": 1})));
    }
);

story!(
    retries_snoozes_dead_letters_and_redrive,
    |world| async move {
        let id = enqueue(&world, &job("a.do", None, Some("k")), 0).await.id();
        let first = claim(&world.store, 1, 1).await.remove(0);
        let mut tx = world.begin().await;
        tx.snooze_job(&first.lease, at(10), "not ready", None, at(2))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let second = claim(&world.store, 1, 10).await.remove(0);
        assert_eq!(second.job.attempts, 1, "a snooze does not count");
        let mut tx = world.begin().await;
        tx.retry_job(&second.lease, at(20), &failed("boom"), at(11))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert!(claim(&world.store, 1, 19).await.is_empty());
        assert_eq!(
            world.store.next_job_at(&["a.do", "b.do"]).await.unwrap(),
            Some(at(20))
        );
        let third = claim(&world.store, 1, 20).await.remove(0);
        assert_eq!(
            (third.job.attempts, third.job.note.as_deref()),
            (2, Some("boom"))
        );
        let mut tx = world.begin().await;
        tx.bury_job(&third.lease, &failed("gone"), at(21))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert!(claim(&world.store, 1, 1000).await.is_empty());
        let outcomes: Vec<String> = world
            .store
            .attempts(SCOPE, id)
            .await
            .unwrap()
            .into_iter()
            .map(|a| format!("{} {} {}", a.no, a.outcome, a.report.error.unwrap()))
            .collect();
        assert_eq!(outcomes, ["1 retry boom", "2 dead gone"]);

        // An open job with the same key: the dead one stays dead.
        let open = enqueue(&world, &job("a.do", None, Some("k")), 30).await;
        assert_eq!(
            world
                .store
                .redrive_jobs(SCOPE, &JobFilter::default(), at(31))
                .await
                .unwrap(),
            0
        );
        let filter = JobFilter {
            id: Some(open.id()),
            ..JobFilter::default()
        };
        assert_eq!(
            world
                .store
                .drop_jobs(SCOPE, &filter, "not needed", at(32))
                .await
                .unwrap(),
            1
        );
        let filter = JobFilter {
            note_contains: Some("gon".into()),
            ..JobFilter::default()
        };
        assert_eq!(
            world
                .store
                .redrive_jobs(SCOPE, &filter, at(33))
                .await
                .unwrap(),
            1
        );
        let redriven = claim(&world.store, 1, 34).await.remove(0);
        assert_eq!((redriven.job.id, redriven.job.attempts), (id, 1));
        let open = world.store.open_jobs_of("cause").await.unwrap();
        assert_eq!(open.counts.len(), 1);
        let counts = world.store.job_counts(SCOPE).await.unwrap();
        assert_eq!(
            counts
                .iter()
                .map(|c| (c.state, c.count))
                .collect::<Vec<_>>(),
            [(JobState::Dropped, 1), (JobState::Running, 1)]
        );
        let page = world
            .store
            .jobs(SCOPE, &JobFilter::default(), &PageRequest::first(1))
            .await
            .unwrap();
        assert_eq!((page.items.len(), page.next.is_some()), (1, true));
    }
);

story!(a_lost_lease_cannot_finish, |world| async move {
    let id = enqueue(&world, &job("a.do", Some("lane"), None), 0)
        .await
        .id();
    let slow = claim(&world.store, 1, 0).await.remove(0);
    world.store.extend_job(&slow.lease, at(40)).await.unwrap();
    assert!(claim(&world.store, 1, 39).await.is_empty());
    let quick = claim(&world.store, 1, 40).await.remove(0);
    assert_eq!((quick.job.id, quick.job.attempts), (id, 2));
    let mut tx = world.begin().await;
    enqueue_in(&mut tx).await;
    assert_eq!(
        tx.check_job(&slow.lease).await.unwrap_err().kind(),
        ErrorKind::LeaseLost
    );
    let error = tx
        .complete_job(&slow.lease, None, at(41))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LeaseLost);
    drop(tx);
    assert_eq!(
        world
            .store
            .extend_job(&slow.lease, at(99))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::LeaseLost
    );
    assert_eq!(
        world.store.attempts(SCOPE, id).await.unwrap()[0].outcome,
        "lease_lost"
    );
    let mut tx = world.begin().await;
    tx.check_job(&quick.lease).await.unwrap();
    tx.complete_job(&quick.lease, None, at(41)).await.unwrap();
    tx.commit().await.unwrap();
    let all = world
        .store
        .jobs(SCOPE, &JobFilter::default(), &PageRequest::first(10))
        .await
        .unwrap();
    assert_eq!(
        all.items.len(),
        1,
        "what the slow one wanted to enqueue is not there"
    );
    assert_eq!(world.store.prune_jobs(at(100), 10).await.unwrap(), 1);
});

async fn enqueue_in(tx: &mut parfocal_store::Tx) {
    tx.enqueue(&job("b.do", None, None), at(41)).await.unwrap();
}

story!(a_long_lane_hides_no_other_one, |world| async move {
    let mut tx = world.begin().await;
    // As after a webinar: hundreds of jobs of one lane come before all others.
    for _ in 0..400 {
        tx.enqueue(&job("a.do", Some("webinar"), None), at(0))
            .await
            .unwrap();
    }
    for lane in [Some("meeting"), None, Some("meeting"), Some("zebra")] {
        tx.enqueue(&job("a.do", lane, None), at(1)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let lanes = |jobs: &[ClaimedJob]| -> Vec<Option<String>> {
        jobs.iter()
            .map(|claimed| claimed.job.lane.clone())
            .collect()
    };
    let first = claim(&world.store, 8, 2).await;
    assert_eq!(
        lanes(&first),
        [
            Some("webinar".to_owned()),
            Some("meeting".to_owned()),
            None,
            Some("zebra".to_owned())
        ]
    );
    assert!(claim(&world.store, 8, 2).await.is_empty());
    let mut tx = world.begin().await;
    for claimed in &first {
        tx.complete_job(&claimed.lease, None, at(3)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let second = claim(&world.store, 8, 4).await;
    assert_eq!(
        lanes(&second),
        [Some("webinar".to_owned()), Some("meeting".to_owned())]
    );
});

story!(
    claimers_share_the_work_and_never_a_lane,
    |world| async move {
        let mut tx = world.begin().await;
        for n in 0..300 {
            let lane = format!("lane {}", n % 12);
            tx.enqueue(
                &job(if n % 2 == 0 { "a.do" } else { "b.do" }, Some(&lane), None),
                at(0),
            )
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        let other = world.neighbour().await;
        let busy: Arc<Mutex<HashSet<String>>> = Arc::default();
        let done: Arc<Mutex<HashSet<String>>> = Arc::default();
        let mut workers = tokio::task::JoinSet::new();
        for n in 0..6 {
            let store = if n % 2 == 0 {
                world.store.clone()
            } else {
                other.clone()
            };
            let (busy, done) = (Arc::clone(&busy), Arc::clone(&done));
            workers.spawn(async move {
                loop {
                    let jobs = claim(&store, 4, 1).await;
                    if jobs.is_empty() {
                        if done.lock().unwrap().len() == 300 {
                            return;
                        }
                        tokio::task::yield_now().await;
                        continue;
                    }
                    for claimed in &jobs {
                        let lane = claimed.job.lane.clone().unwrap();
                        assert!(
                            busy.lock().unwrap().insert(lane),
                            "a lane ran twice at the same time"
                        );
                    }
                    tokio::task::yield_now().await;
                    for claimed in jobs {
                        assert!(
                            done.lock().unwrap().insert(claimed.job.id.to_string()),
                            "a job ran twice"
                        );
                        // Free in our books before it is free in the store, else the next claimer is right and we are late.
                        busy.lock()
                            .unwrap()
                            .remove(claimed.job.lane.as_ref().unwrap());
                        let mut tx = store.begin(SCOPE).await.unwrap();
                        tx.complete_job(&claimed.lease, None, at(2)).await.unwrap();
                        tx.commit().await.unwrap();
                    }
                }
            });
        }
        workers.join_all().await;
        assert_eq!(done.lock().unwrap().len(), 300);
        other.close().await;
    }
);

story!(
    a_clock_that_was_ahead_and_is_set_back_does_not_hold_jobs,
    |world| async move {
        const DAY: i64 = 86_400;
        enqueue(&world, &job("a.do", Some("lane"), None), 0).await;
        let ahead = claim(&world.store, 1, DAY).await.remove(0);
        // A clock that is a little ahead of ours is no reason.
        assert!(claim(&world.store, 1, DAY - 14 * 60).await.is_empty());
        let mine = claim(&world.store, 1, 1).await.remove(0);
        assert_eq!((mine.job.id, mine.job.attempts), (ahead.job.id, 2));
        let mut tx = world.begin().await;
        let late = tx.complete_job(&ahead.lease, None, at(2)).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::LeaseLost);
        drop(tx);
        let tries = world.store.attempts(SCOPE, mine.job.id).await.unwrap();
        assert_eq!(tries[0].outcome, "lease_lost");
    }
);

story!(what_is_let_go_is_ready_at_once, |world| async move {
    enqueue(&world, &job("a.do", Some("lane"), None), 0).await;
    enqueue(&world, &job("b.do", Some("lane"), None), 0).await;
    let first = claim(&world.store, 2, 1).await.remove(0);
    assert!(claim(&world.store, 2, 2).await.is_empty());
    let leases = [first.lease.clone()];
    let free = world.store.let_go(&leases, "stopped", at(3)).await;
    assert_eq!(free.unwrap(), 1);
    let again = claim(&world.store, 2, 3).await.remove(0);
    assert_eq!(again.job.id, first.job.id);
    assert_eq!(again.job.attempts, 1, "the try that was let go counts not");
    // The lease is another's now.
    assert_eq!(world.store.let_go(&leases, "late", at(4)).await.unwrap(), 0);
    let mut tx = world.begin().await;
    tx.complete_job(&again.lease, None, at(5)).await.unwrap();
    tx.commit().await.unwrap();
});

story!(only_the_latest_tries_are_kept, |world| async move {
    enqueue(&world, &job("a.do", None, None), 0).await;
    let tries = i64::from(parfocal_store::ATTEMPTS_KEPT) + 7;
    for n in 0..tries {
        let claimed = claim(&world.store, 1, n * 100).await.remove(0);
        let mut tx = world.begin().await;
        let (again, now) = (at(n * 100 + 50), at(n * 100 + 1));
        tx.snooze_job(&claimed.lease, again, "wait", Some(&failed("429")), now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let id = world
        .store
        .jobs(SCOPE, &JobFilter::default(), &PageRequest::first(1))
        .await
        .unwrap()
        .items[0]
        .id;
    let kept = world.store.attempts(SCOPE, id).await.unwrap();
    assert_eq!(kept.len(), parfocal_store::ATTEMPTS_KEPT as usize);
    let last = kept.iter().map(|attempt| attempt.ended).max();
    assert_eq!(last, Some(at((tries - 1) * 100 + 1)));
});

story!(
    what_a_clock_ahead_put_off_does_not_wait_for_it,
    |world| async move {
        const DAY: i64 = 86_400;
        for (key, now) in [("ahead", DAY), ("right", 0)] {
            enqueue(&world, &job("a.do", None, Some(key)), now).await;
            let claimed = claim(&world.store, 1, now).await.remove(0);
            let mut tx = world.begin().await;
            tx.snooze_job(&claimed.lease, at(now + 60), "later", None, at(now))
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        // Clocks of several machines differ; a day is more than that.
        assert_eq!(world.store.pull_in_jobs(at(DAY - 60)).await.unwrap(), 0);
        assert_eq!(world.store.pull_in_jobs(at(10)).await.unwrap(), 1);
        assert_eq!(claim(&world.store, 2, 69).await.len(), 1);
        assert_eq!(claim(&world.store, 2, 70).await.len(), 1);
        assert_eq!(world.store.pull_in_jobs(at(71)).await.unwrap(), 0);
    }
);

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use parfocal_store::{DayBudget, HostQuota, RateAnswer, RateGrant, RateRequest, RateWindow, Store};

use crate::support::{at, at_ms, story};

const SECOND: Duration = Duration::from_secs(1);

fn request<'r>(
    windows: &'r [RateWindow<'r>],
    days: &'r [DayBudget<'r>],
    now: Timestamp,
) -> RateRequest<'r> {
    RateRequest {
        account: "zoom/a",
        windows,
        days,
        host: None,
        now,
        lease: Duration::from_secs(30),
    }
}

fn light(capacity: u32) -> RateWindow<'static> {
    RateWindow {
        label: "LIGHT",
        capacity,
        window: SECOND,
    }
}

async fn ask(store: &Store, capacity: u32, now: Timestamp) -> Result<RateGrant, Timestamp> {
    ask_for(store, capacity, now, Duration::from_secs(30)).await
}

async fn ask_for(
    store: &Store,
    capacity: u32,
    now: Timestamp,
    lease: Duration,
) -> Result<RateGrant, Timestamp> {
    let windows = [light(capacity)];
    let one = RateRequest {
        lease,
        ..request(&windows, &[], now)
    };
    match store.rates().acquire(&one).await.unwrap() {
        RateAnswer::Granted(grant) => Ok(grant),
        RateAnswer::Wait { until, .. } => Err(until),
        RateAnswer::DaySpent { .. } => panic!("no day was asked for"),
    }
}

story!(
    slots_come_back_a_window_after_the_answer,
    |world| async move {
        let store = &world.store;
        let first = ask(store, 2, at_ms(0)).await.unwrap();
        let second = ask(store, 2, at_ms(1)).await.unwrap();
        assert_eq!(
            ask(store, 2, at_ms(2)).await.unwrap_err(),
            at(30),
            "both are out: the lease is the only promise"
        );
        store.rates().release(&first, at_ms(200)).await.unwrap();
        assert_eq!(ask(store, 2, at_ms(300)).await.unwrap_err(), at_ms(1200));
        assert_eq!(
            store
                .rates()
                .busy("zoom/a", "LIGHT", 2, at_ms(300))
                .await
                .unwrap(),
            2
        );
        let third = ask(store, 2, at_ms(1200)).await.unwrap();
        // The second never came back; its lease ends. A late release of it changes nothing.
        assert!(ask(store, 2, at_ms(29_999)).await.is_err());
        let fourth = ask(store, 2, at_ms(30_001)).await.unwrap();
        store.rates().release(&second, at_ms(30_002)).await.unwrap();
        assert!(ask(store, 2, at_ms(31_003)).await.is_err());
        store.rates().cancel(&fourth, at_ms(31_003)).await.unwrap();
        let fifth = ask(store, 2, at_ms(31_003)).await.unwrap();
        store.rates().extend(&fifth, at(500)).await.unwrap();
        store.rates().release(&third, at_ms(31_003)).await.unwrap();
        // A smaller plan: the slots beyond it are not given any more.
        assert!(
            ask(store, 1, at(40))
                .await
                .is_ok_and(|grant| grant != fifth)
                || ask(store, 1, at(40)).await.is_err()
        );
        // A clock that was set back by a day does not stop everything for a day.
        let grants = [
            ask(store, 9, at(86_400)).await.unwrap(),
            ask(store, 9, at(86_400)).await.unwrap(),
        ];
        for grant in &grants {
            store.rates().release(grant, at(86_400)).await.unwrap();
        }
        for _ in 0..7 {
            assert!(ask(store, 9, at(600)).await.is_ok());
        }
        assert!(
            ask(store, 9, at(600)).await.is_ok(),
            "a slot of tomorrow counts as free"
        );
    }
);

story!(days_hosts_and_parking, |world| async move {
    let rates = world.store.rates();
    let windows = [light(10)];
    let days = [DayBudget {
        label: "day",
        cap: 2,
    }];
    for used in 1..=2 {
        let RateAnswer::Granted(grant) = rates
            .acquire(&request(&windows, &days, at(0)))
            .await
            .unwrap()
        else {
            panic!("within the budget")
        };
        assert_eq!(grant.day_used, [("day".to_owned(), used)]);
    }
    let RateAnswer::DaySpent {
        until, host: false, ..
    } = rates
        .acquire(&request(&windows, &days, at(0)))
        .await
        .unwrap()
    else {
        panic!("the day is spent")
    };
    assert_eq!(until.to_string(), "2026-11-23T00:00:00Z");
    assert_eq!(
        rates.busy("zoom/a", "LIGHT", 10, at(0)).await.unwrap(),
        2,
        "what was refused took no slot"
    );
    assert!(matches!(
        rates
            .acquire(&request(&windows, &days, until))
            .await
            .unwrap(),
        RateAnswer::Granted(_)
    ));
    rates
        .day_used_at_least("zoom/a", "other", 77, at(0))
        .await
        .unwrap();
    rates
        .day_used_at_least("zoom/a", "other", 5, at(0))
        .await
        .unwrap();

    let host = Some(HostQuota {
        subject: "u1",
        kind: "meeting_write",
        cap: 1,
    });
    let one = RateRequest {
        host,
        ..request(&windows, &[], at(0))
    };
    assert!(matches!(
        rates.acquire(&one).await.unwrap(),
        RateAnswer::Granted(_)
    ));
    assert!(matches!(
        rates.acquire(&one).await.unwrap(),
        RateAnswer::DaySpent { host: true, .. }
    ));
    assert_eq!(
        rates
            .host_used("zoom/a", "u1", "meeting_write", at(0))
            .await
            .unwrap(),
        1
    );

    rates.park("zoom/a", "LIGHT", at(60)).await.unwrap();
    rates.park("zoom/a", "LIGHT", at(20)).await.unwrap();
    let RateAnswer::Wait {
        until,
        parked: true,
        ..
    } = rates
        .acquire(&request(&windows, &[], at(30)))
        .await
        .unwrap()
    else {
        panic!("parked")
    };
    assert_eq!(until, at(60));
    assert!(matches!(
        rates
            .acquire(&request(&windows, &[], at(60)))
            .await
            .unwrap(),
        RateAnswer::Granted(_)
    ));
    let status = rates.status("zoom/a", at(30)).await.unwrap();
    assert_eq!(status.parked, [("LIGHT".to_owned(), at(60))]);
    assert_eq!(
        status.used_today,
        [("day".to_owned(), 2), ("other".to_owned(), 77)]
    );
});

story!(several_windows_are_all_or_nothing, |world| async move {
    let rates = world.store.rates();
    let heavy = RateWindow {
        label: "HEAVY",
        capacity: 1,
        window: SECOND,
    };
    let both = [light(5), heavy];
    assert!(matches!(
        rates.acquire(&request(&both, &[], at(0))).await.unwrap(),
        RateAnswer::Granted(_)
    ));
    let RateAnswer::Wait { label, .. } = rates.acquire(&request(&both, &[], at(0))).await.unwrap()
    else {
        panic!("HEAVY is out")
    };
    assert_eq!(label, "HEAVY");
    assert_eq!(rates.busy("zoom/a", "LIGHT", 5, at(0)).await.unwrap(), 1);
});

story!(never_more_than_allowed_in_any_window, |world| async move {
    const CAPACITY: u32 = 5;
    // The clock runs as fast as the machine here: nobody may lose a slot only because a thread slept.
    const LEASE: Duration = Duration::from_hours(9);
    let other = world.neighbour().await;
    // Simulated time for all: every step of anybody moves it on.
    let clock = Arc::new(AtomicI64::new(at(0).as_millisecond()));
    let moment = |millis: i64| Timestamp::from_millisecond(millis).unwrap();
    let arrivals: Arc<Mutex<Vec<i64>>> = Arc::default();
    let mut askers = tokio::task::JoinSet::new();
    for n in 0..8_i64 {
        let store = if n % 2 == 0 {
            world.store.clone()
        } else {
            other.clone()
        };
        let (arrivals, clock) = (Arc::clone(&arrivals), Arc::clone(&clock));
        askers.spawn(async move {
            let mut calls = 0;
            while calls < 15 {
                let sent = clock.load(Ordering::SeqCst);
                match ask_for(&store, CAPACITY, moment(sent), LEASE).await {
                    Ok(grant) => {
                        tokio::task::yield_now().await;
                        let answered = clock.fetch_add(9, Ordering::SeqCst) + 9;
                        // The provider counts the call somewhere between sending and answer.
                        let counted = sent + (n * 7 + calls * 13) % (answered - sent + 1);
                        arrivals.lock().unwrap().push(counted);
                        store
                            .rates()
                            .release(&grant, moment(answered))
                            .await
                            .unwrap();
                        calls += 1;
                    }
                    Err(_) => {
                        clock.fetch_add(5, Ordering::SeqCst);
                    }
                }
            }
        });
    }
    askers.join_all().await;
    let mut arrivals = arrivals.lock().unwrap().clone();
    arrivals.sort_unstable();
    assert_eq!(arrivals.len(), 120);
    let mut worst: BTreeMap<i64, usize> = BTreeMap::new();
    for (n, start) in arrivals.iter().enumerate() {
        let inside = arrivals[n..]
            .iter()
            .take_while(|t| **t < start + 1000)
            .count();
        worst.insert(*start, inside);
    }
    let most = worst.values().max().unwrap();
    assert!(*most <= CAPACITY as usize, "{most} calls within a second");
    other.close().await;
});

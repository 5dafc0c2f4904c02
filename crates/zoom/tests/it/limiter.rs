//! The limiter under a clock that tests move.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use parfocal_zoom::clock::{Clock, ManualClock, Random, SeededRandom};
use parfocal_zoom::limit::{
    Answer, Budget, BudgetRequest, Label, LimitError, LimitEvent, MemoryBudget, Plan, Pool,
    Priority, Quota, RateHeaders, Refusal, RetryAfter, Settlement,
};
use proptest::prelude::*;

fn clock() -> ManualClock {
    ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap())
}

fn budget(clock: &ManualClock, plan: Plan, share: f64) -> MemoryBudget {
    MemoryBudget::builder(plan)
        .share(share)
        .build(Arc::new(clock.clone()))
}

fn request(label: Label, priority: Priority) -> BudgetRequest {
    BudgetRequest {
        account: "a".into(),
        label,
        priority,
        quotas: Vec::new(),
        max_wait: Duration::from_hours(1),
    }
}

fn ok() -> Settlement {
    Settlement::Answered(Answer {
        status: 200,
        headers: RateHeaders::default(),
        refusal: None,
    })
}

fn refused(refusal: Refusal) -> Settlement {
    Settlement::Answered(Answer {
        status: 429,
        headers: RateHeaders::default(),
        refusal: Some(refusal),
    })
}

/// Lets every task that can run do so.
async fn settle_down() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

fn on_one_thread<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Calls with random latencies arrive somewhere between grant and answer; no sliding window ever holds too many,
    /// and all of them get through.
    #[test]
    fn no_sliding_window_is_ever_exceeded(
        seed: u64,
        plan in prop_oneof![Just(Plan::Free), Just(Plan::Pro)],
        share in 0.4_f64..=1.0,
        label in prop_oneof![Just(Label::Light), Just(Label::Medium), Just(Label::Heavy)],
        calls in 5_usize..40,
        slowest in 0_u64..2_000,
    ) {
        let arrivals = on_one_thread(async move {
            let clock = clock();
            let budget = budget(&clock, plan, share);
            let random = Arc::new(SeededRandom::new(seed));
            let arrivals: Arc<Mutex<Vec<Duration>>> = Arc::default();
            let mut tasks = Vec::new();
            for n in 0..calls {
                let (clock, budget, random, arrivals) =
                    (clock.clone(), budget.clone(), Arc::clone(&random), Arc::clone(&arrivals));
                tasks.push(tokio::spawn(async move {
                    let priority = [Priority::Interactive, Priority::Live, Priority::Backfill][n % 3];
                    let permit = budget.acquire(&request(label, priority)).await.unwrap();
                    let there = random.up_to(Duration::from_millis(slowest));
                    let back = random.up_to(Duration::from_millis(slowest));
                    clock.sleep_until(clock.monotonic() + there).await;
                    if random.next_u64().is_multiple_of(10) {
                        drop(permit);
                        return;
                    }
                    arrivals.lock().unwrap().push(clock.monotonic());
                    clock.sleep_until(clock.monotonic() + back).await;
                    match random.next_u64() % 10 {
                        0 => drop(permit),
                        1 => permit.settle(Settlement::Unanswered).await,
                        _ => permit.settle(ok()).await,
                    }
                }));
            }
            let mut steps = 0;
            while tasks.iter().any(|task| !task.is_finished()) {
                settle_down().await;
                clock.advance(Duration::from_millis(23));
                steps += 1;
                assert!(steps < 200_000, "the calls do not get through");
            }
            for task in tasks {
                task.await.unwrap();
            }
            let mut arrivals = arrivals.lock().unwrap().clone();
            arrivals.sort();
            arrivals
        });
        let rate = plan.limits().rate(label);
        for (n, first) in arrivals.iter().enumerate() {
            let within = arrivals[n..].iter().take_while(|at| at.saturating_sub(*first) <= rate.window).count();
            prop_assert!(within <= rate.count as usize, "{within} calls within a window of {:?}", rate);
        }
    }
}

#[tokio::test]
async fn the_rate_is_used_up_to_the_full() {
    let clock = clock();
    let budget = budget(&clock, Plan::Free, 1.0);
    let mut granted = 0;
    let started = clock.monotonic();
    while clock.monotonic().saturating_sub(started) < Duration::from_secs(100) {
        let want = request(Label::Medium, Priority::Backfill);
        let now = BudgetRequest {
            max_wait: Duration::ZERO,
            ..want
        };
        match budget.acquire(&now).await {
            Ok(permit) => {
                granted += 1;
                permit.settle(ok()).await;
            }
            Err(_) => clock.advance(Duration::from_millis(1)),
        }
    }
    assert!(
        (198..=202).contains(&granted),
        "{granted} calls in 100 s at 2/s"
    );
}

#[tokio::test]
async fn who_is_waited_for_goes_first() {
    let clock = clock();
    let budget = budget(&clock, Plan::Free, 1.0);
    budget
        .acquire(&request(Label::Heavy, Priority::Backfill))
        .await
        .unwrap()
        .settle(ok())
        .await;
    let order: Arc<Mutex<Vec<&str>>> = Arc::default();
    let mut tasks = Vec::new();
    for (name, priority) in [
        ("backfill 1", Priority::Backfill),
        ("live", Priority::Live),
        ("backfill 2", Priority::Backfill),
        ("interactive", Priority::Interactive),
    ] {
        let (budget, order) = (budget.clone(), Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            let permit = budget
                .acquire(&request(Label::Heavy, priority))
                .await
                .unwrap();
            order.lock().unwrap().push(name);
            permit.settle(ok()).await;
        }));
        settle_down().await;
    }
    while tasks.iter().any(|task| !task.is_finished()) {
        clock.advance(Duration::from_millis(100));
        settle_down().await;
    }
    assert_eq!(
        *order.lock().unwrap(),
        ["interactive", "live", "backfill 1", "backfill 2"]
    );
}

#[tokio::test]
async fn a_waiter_that_goes_away_leaves_nothing_behind() {
    let clock = clock();
    let budget = budget(&clock, Plan::Free, 1.0);
    let held = budget
        .acquire(&request(Label::Heavy, Priority::Live))
        .await
        .unwrap();
    let first = {
        let budget = budget.clone();
        tokio::spawn(async move {
            budget
                .acquire(&request(Label::Heavy, Priority::Interactive))
                .await
                .map(drop)
        })
    };
    settle_down().await;
    let second = {
        let budget = budget.clone();
        tokio::spawn(async move {
            budget
                .acquire(&request(Label::Heavy, Priority::Backfill))
                .await
                .map(drop)
        })
    };
    settle_down().await;
    first.abort();
    settle_down().await;
    held.settle(Settlement::Unused).await;
    settle_down().await;
    assert!(second.is_finished(), "the next one in line was not woken");
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_daily_budget_warns_parks_and_resets() {
    let clock = clock();
    let events: Arc<Mutex<Vec<LimitEvent>>> = Arc::default();
    let heard = Arc::clone(&events);
    let limits = Plan::Pro
        .limits()
        .with_per_day(Pool::HeavyShared, Some(100));
    let budget = MemoryBudget::with_limits(limits)
        .share(1.0)
        .on_event(move |event| heard.lock().unwrap().push(event.clone()))
        .build(Arc::new(clock.clone()));
    let take = async |label, priority| {
        clock.advance(Duration::from_secs(7));
        let now = BudgetRequest {
            max_wait: Duration::from_secs(1),
            ..request(label, priority)
        };
        match budget.acquire(&now).await {
            Ok(permit) => {
                permit.settle(ok()).await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    };
    for _ in 0..45 {
        take(Label::Heavy, Priority::Backfill).await.unwrap();
        take(Label::ResourceIntensive, Priority::Backfill)
            .await
            .unwrap();
    }
    let midnight: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    let spent = LimitError::Daily {
        pool: Pool::HeavyShared,
        until: midnight,
    };
    assert_eq!(
        take(Label::Heavy, Priority::Backfill).await,
        Err(spent.clone()),
        "the reserve is for live work"
    );
    for _ in 0..10 {
        take(Label::Heavy, Priority::Live).await.unwrap();
    }
    assert_eq!(take(Label::Heavy, Priority::Interactive).await, Err(spent));
    let expected = LimitEvent::DailyNearing {
        account: "a".into(),
        pool: Pool::HeavyShared,
        used: 80,
        budget: 100,
    };
    assert_eq!(*events.lock().unwrap(), [expected]);
    take(Label::Light, Priority::Backfill).await.unwrap();

    clock.jump_to("2026-11-23T00:00:01Z".parse().unwrap());
    take(Label::Heavy, Priority::Backfill).await.unwrap();
    assert_eq!(budget.used_today("a", Pool::HeavyShared), Some((1, 100)));
}

#[tokio::test]
async fn a_call_under_way_at_midnight_counts_for_both_days() {
    let clock = clock();
    let limits = Plan::Pro.limits().with_per_day(Pool::HeavyShared, Some(2));
    let budget = MemoryBudget::with_limits(limits)
        .share(1.0)
        .build(Arc::new(clock.clone()));
    let permit = budget
        .acquire(&request(Label::Heavy, Priority::Live))
        .await
        .unwrap();
    clock.jump_to("2026-11-23T00:00:00Z".parse().unwrap());
    assert_eq!(budget.used_today("a", Pool::HeavyShared), Some((1, 2)));
    permit.settle(ok()).await;
    assert_eq!(budget.used_today("a", Pool::HeavyShared), Some((1, 2)));
}

#[tokio::test]
async fn a_hosts_quota_is_its_own() {
    let clock = clock();
    let budget = budget(&clock, Plan::Business, 1.0);
    let create = |host: &str| BudgetRequest {
        quotas: vec![Quota::HostWrites { host: host.into() }],
        max_wait: Duration::from_secs(5),
        ..request(Label::Light, Priority::Interactive)
    };
    for _ in 0..100 {
        clock.advance(Duration::from_millis(50));
        budget
            .acquire(&create("ann"))
            .await
            .unwrap()
            .settle(ok())
            .await;
    }
    let error = budget.acquire(&create("ann")).await.unwrap_err();
    let midnight: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    assert_eq!(
        error,
        LimitError::Quota {
            kind: "host_writes",
            subject: "ann".into(),
            until: midnight
        }
    );
    // Zoom's count may be ahead of ours: its refusal parks the other host, and nobody else.
    let until = midnight;
    budget
        .acquire(&create("bob"))
        .await
        .unwrap()
        .settle(refused(Refusal::Quota { until }))
        .await;
    assert!(matches!(
        budget.acquire(&create("bob")).await,
        Err(LimitError::Quota { .. })
    ));
    budget
        .acquire(&create("eve"))
        .await
        .unwrap()
        .settle(Settlement::Unused)
        .await;
    budget
        .acquire(&request(Label::Light, Priority::Backfill))
        .await
        .unwrap()
        .settle(ok())
        .await;
    clock.jump_to("2026-11-23T00:00:01Z".parse().unwrap());
    budget
        .acquire(&create("ann"))
        .await
        .unwrap()
        .settle(ok())
        .await;
    budget
        .acquire(&create("bob"))
        .await
        .unwrap()
        .settle(ok())
        .await;
}

#[tokio::test]
async fn a_refusal_per_second_makes_everybody_wait() {
    let clock = clock();
    let budget = budget(&clock, Plan::Business, 1.0);
    budget
        .acquire(&request(Label::Light, Priority::Live))
        .await
        .unwrap()
        .settle(refused(Refusal::PerSecond))
        .await;
    let waiting = {
        let budget = budget.clone();
        tokio::spawn(async move {
            budget
                .acquire(&request(Label::Light, Priority::Live))
                .await
                .map(drop)
        })
    };
    settle_down().await;
    clock.advance(Duration::from_millis(900));
    settle_down().await;
    assert!(!waiting.is_finished());
    clock.advance(Duration::from_millis(200));
    settle_down().await;
    assert!(waiting.is_finished());
}

#[tokio::test]
async fn a_daily_refusal_parks_until_zooms_time() {
    let clock = clock();
    let budget = budget(&clock, Plan::Business, 1.0);
    let until = RetryAfter::parse("2026-11-22T09:00:00Z")
        .unwrap()
        .at(clock.now());
    budget
        .acquire(&request(Label::Medium, Priority::Live))
        .await
        .unwrap()
        .settle(refused(Refusal::Daily { until }))
        .await;
    let patient = {
        let budget = budget.clone();
        tokio::spawn(async move {
            budget
                .acquire(&request(Label::Medium, Priority::Backfill))
                .await
                .map(drop)
        })
    };
    settle_down().await;
    let hasty = BudgetRequest {
        max_wait: Duration::from_mins(1),
        ..request(Label::Medium, Priority::Interactive)
    };
    assert_eq!(
        budget.acquire(&hasty).await.unwrap_err(),
        LimitError::Daily {
            pool: Pool::Medium,
            until
        }
    );
    budget
        .acquire(&request(Label::Light, Priority::Live))
        .await
        .unwrap()
        .settle(ok())
        .await;
    for _ in 0..120 {
        assert!(!patient.is_finished());
        clock.advance(Duration::from_secs(30));
        settle_down().await;
    }
    assert!(
        patient.is_finished(),
        "the parked call did not go on after Zoom's reset"
    );
}

#[tokio::test]
async fn a_clock_that_jumps_neither_frees_nor_freezes() {
    let clock = clock();
    let limits = Plan::Pro.limits().with_per_day(Pool::HeavyShared, Some(1));
    let budget = MemoryBudget::with_limits(limits)
        .share(1.0)
        .daily_reserve(0.0)
        .build(Arc::new(clock.clone()));
    let quick = BudgetRequest {
        max_wait: Duration::from_secs(5),
        ..request(Label::Heavy, Priority::Live)
    };
    budget.acquire(&quick).await.unwrap().settle(ok()).await;
    // Back by a day: the count stays, since it is not a new day.
    clock.jump_to("2026-11-21T08:00:00Z".parse().unwrap());
    assert!(matches!(
        budget.acquire(&quick).await,
        Err(LimitError::Daily { .. })
    ));
    // Years ahead and back again: what was learnt there does not park anything for years.
    clock.jump_to("2036-01-01T00:00:00Z".parse().unwrap());
    let until = "2036-01-02T00:00:00Z".parse().unwrap();
    clock.advance(Duration::from_secs(5));
    budget
        .acquire(&quick)
        .await
        .unwrap()
        .settle(refused(Refusal::Daily { until }))
        .await;
    assert!(matches!(
        budget.acquire(&quick).await,
        Err(LimitError::Daily { .. })
    ));
    clock.jump_to("2026-11-22T08:00:00Z".parse().unwrap());
    clock.advance(Duration::from_secs(5));
    // What was used is not forgotten with the jump, but it ends with the day.
    assert!(matches!(
        budget.acquire(&quick).await,
        Err(LimitError::Daily { .. })
    ));
    clock.jump_to("2026-11-23T08:00:00Z".parse().unwrap());
    budget.acquire(&quick).await.unwrap().settle(ok()).await;
    // The per-second window runs on the monotonic clock and does not care.
    let light = |wait| BudgetRequest {
        max_wait: wait,
        ..request(Label::Light, Priority::Live)
    };
    for _ in 0..30 {
        budget
            .acquire(&light(Duration::ZERO))
            .await
            .unwrap()
            .settle(ok())
            .await;
    }
    clock.jump_to("2026-11-25T08:00:00Z".parse().unwrap());
    assert!(matches!(
        budget.acquire(&light(Duration::ZERO)).await,
        Err(LimitError::Patience { .. })
    ));
}

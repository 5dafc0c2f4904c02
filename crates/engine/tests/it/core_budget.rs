//! The shared rate budget: windows kept by several processes together, days, quotas, priorities.

use std::sync::Arc;
use std::time::Duration;

use parfocal_engine::App;
use parfocal_engine::budget::{AccountLimits, SharedBudget};
use parfocal_engine::clock::Clock;
use parfocal_engine::store::{NewAccount, NewUser, Provider, Seen, Source};
use parfocal_zoom::limit::{
    Answer, Budget, BudgetRequest, Label, LimitError, Permit, Plan, Priority, Quota, RateHeaders,
    Refusal, Settlement,
};

use crate::core_support::{config, manual, on_both_stores, open};

on_both_stores! {
    two_processes_keep_a_window_together;
    a_window_is_waited_for_in_real_time_and_never_exceeded;
    priorities_are_served_first_and_a_dropped_wait_leaves_nothing;
    days_and_quotas_end_at_midnight_and_backfill_leaves_a_reserve;
    a_host_is_one_count_by_address_and_by_id;
    a_refusal_per_second_slows_and_a_clock_set_back_does_not_stop;
    off_means_no_pacing_at_all;
}

const LONGEST: Duration = Duration::from_secs(30);

fn budget(app: &App, share: f64) -> SharedBudget {
    let limits = AccountLimits::Paced {
        plan: Plan::Free,
        share,
    };
    SharedBudget::new(app.store().clone(), app.clock().clone(), limits, LONGEST)
}

fn request(label: Label) -> BudgetRequest {
    BudgetRequest {
        account: "zoom/a".into(),
        label,
        priority: Priority::Interactive,
        quotas: Vec::new(),
        max_wait: Duration::ZERO,
    }
}

fn answered(refusal: Option<Refusal>) -> Settlement {
    let status = if refusal.is_some() { 429 } else { 200 };
    Settlement::Answered(Answer {
        status,
        headers: RateHeaders::default(),
        refusal,
    })
}

async fn take(budget: &SharedBudget, request: &BudgetRequest) -> Result<Permit, LimitError> {
    budget.acquire(request).await
}

async fn two_processes_keep_a_window_together() {
    let dir = tempfile::tempdir().unwrap();
    let (time, clock) = manual();
    let apps = [
        open(config(dir.path()), &clock).await,
        open(config(dir.path()), &clock).await,
    ];
    let budgets = [budget(&apps[0], 1.0), budget(&apps[1], 1.0)];
    let light = request(Label::Light);
    let mut granted = Vec::new();
    for n in 0..10 {
        if let Ok(permit) = take(&budgets[n % 2], &light).await {
            granted.push(permit);
        }
    }
    assert_eq!(
        granted.len(),
        4,
        "four light calls a second on the free plan"
    );
    // A slot is free one window after the answer, not after the sending.
    time.advance(Duration::from_secs(3));
    assert!(take(&budgets[0], &light).await.is_err());
    for permit in granted {
        permit.settle(answered(None)).await;
    }
    time.advance(Duration::from_millis(990));
    assert!(matches!(
        take(&budgets[1], &light).await,
        Err(LimitError::Patience { .. })
    ));
    time.advance(Duration::from_millis(12));
    let permit = take(&budgets[1], &light).await.unwrap();
    permit.settle(Settlement::Unused).await;
    let status = budgets[0].status("zoom/a").await.unwrap();
    assert_eq!(
        (status[0].used_today, status[0].per_day),
        (4, Some(6000)),
        "an unused call does not count"
    );
}

async fn a_window_is_waited_for_in_real_time_and_never_exceeded() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let app = open(config(dir.path()), &clock).await;
    let budget = Arc::new(budget(&app, 1.0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..9 {
        let (budget, clock) = (Arc::clone(&budget), clock.clone());
        tasks.spawn(async move {
            let request = BudgetRequest {
                max_wait: Duration::from_secs(20),
                ..request(Label::Light)
            };
            let permit = budget.acquire(&request).await.unwrap();
            let at = clock.monotonic();
            permit.settle(answered(None)).await;
            at
        });
    }
    let mut times = tasks.join_all().await;
    times.sort();
    for window in times.windows(5) {
        assert!(
            window[4] >= window[0] + Duration::from_secs(1),
            "{window:?}"
        );
    }
    assert!(
        times[8] < times[0] + Duration::from_millis(2600),
        "slower than the limit asks for"
    );
}

async fn priorities_are_served_first_and_a_dropped_wait_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let app = open(config(dir.path()), &clock).await;
    let budget = Arc::new(budget(&app, 1.0));
    let first = take(&budget, &request(Label::Heavy)).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for priority in [Priority::Backfill, Priority::Live, Priority::Interactive] {
        let (budget, order) = (Arc::clone(&budget), Arc::clone(&order));
        tasks.spawn(async move {
            let request = BudgetRequest {
                priority,
                max_wait: Duration::from_secs(20),
                ..request(Label::Heavy)
            };
            let permit = budget.acquire(&request).await.unwrap();
            order.lock().unwrap().push(priority);
            permit.settle(answered(None)).await;
        });
        tokio::task::yield_now().await;
    }
    // One that gives up in the middle.
    let impatient = BudgetRequest {
        max_wait: Duration::from_secs(20),
        ..request(Label::Heavy)
    };
    let waiting = budget.acquire(&impatient);
    assert!(
        tokio::time::timeout(Duration::from_millis(150), waiting)
            .await
            .is_err()
    );
    first.settle(answered(None)).await;
    while tasks.join_next().await.is_some() {}
    assert_eq!(
        *order.lock().unwrap(),
        [Priority::Interactive, Priority::Live, Priority::Backfill]
    );
    let status = budget.status("zoom/a").await.unwrap();
    assert_eq!((status[2].waiting, status[2].used_today), (0, 4));
}

async fn days_and_quotas_end_at_midnight_and_backfill_leaves_a_reserve() {
    let dir = tempfile::tempdir().unwrap();
    let (time, clock) = manual();
    let app = open(config(dir.path()), &clock).await;
    let budget = budget(&app, 1.0);
    // The day's heavy calls are nearly used up, as Zoom would tell.
    let rates = app.store().rates();
    rates
        .day_used_at_least("zoom/a", "heavy", 900, clock.now())
        .await
        .unwrap();
    let backfill = BudgetRequest {
        priority: Priority::Backfill,
        ..request(Label::Heavy)
    };
    let midnight = "2026-11-23T00:00:00Z".parse().unwrap();
    match take(&budget, &backfill).await {
        Err(LimitError::Daily { until, .. }) => assert_eq!(until, midnight),
        other => panic!("{other:?}"),
    }
    take(&budget, &request(Label::Heavy))
        .await
        .unwrap()
        .settle(Settlement::Unused)
        .await;
    // Zoom says that the day is over although we counted less: every label of the pool rests.
    let permit = take(&budget, &request(Label::Heavy)).await.unwrap();
    permit
        .settle(answered(Some(Refusal::Daily { until: midnight })))
        .await;
    assert!(matches!(
        take(&budget, &request(Label::Heavy)).await,
        Err(LimitError::Daily { .. })
    ));
    take(&budget, &request(Label::Light))
        .await
        .unwrap()
        .settle(answered(None))
        .await;
    // A host's quota does not hold up other hosts.
    let write = |host: &str| BudgetRequest {
        quotas: vec![Quota::HostWrites { host: host.into() }],
        ..request(Label::Light)
    };
    for _ in 0..100 {
        take(&budget, &write("ada"))
            .await
            .unwrap()
            .settle(answered(None))
            .await;
        time.advance(Duration::from_secs(2));
    }
    match take(&budget, &write("ada")).await {
        Err(LimitError::Quota { subject, until, .. }) => {
            assert_eq!((subject.as_str(), until), ("ada", midnight));
        }
        other => panic!("{other:?}"),
    }
    let permit = take(&budget, &write("grace")).await.unwrap();
    permit
        .settle(answered(Some(Refusal::Quota { until: midnight })))
        .await;
    time.advance(Duration::from_secs(2));
    assert!(matches!(
        take(&budget, &write("grace")).await,
        Err(LimitError::Quota { .. })
    ));
    time.jump_to("2026-11-23T00:00:01Z".parse().unwrap());
    for request in [write("ada"), write("grace"), backfill] {
        take(&budget, &request)
            .await
            .unwrap()
            .settle(answered(None))
            .await;
    }
}

async fn a_host_is_one_count_by_address_and_by_id() {
    let dir = tempfile::tempdir().unwrap();
    let (time, clock) = manual();
    let app = open(config(dir.path()), &clock).await;
    let budget = budget(&app, 1.0);
    let now = clock.now();
    let account = NewAccount {
        provider: Provider::Zoom,
        external_id: "a".into(),
        name: None,
        plan: None,
        region: None,
        limits_share: None,
        capabilities: None,
    };
    let user = NewUser {
        external_id: "idOfAda".into(),
        email: Some("Ada@Example.org".into()),
        ..NewUser::default()
    };
    let seen = Seen {
        at: now,
        source: Source::List,
        now,
    };
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    let account = tx.upsert_account(&account, now).await.unwrap();
    tx.upsert_user(account, &user, &seen).await.unwrap();
    tx.commit().await.unwrap();
    let write = |host: &str| BudgetRequest {
        quotas: vec![Quota::HostWrites { host: host.into() }],
        ..request(Label::Light)
    };
    for n in 0..100 {
        let host = ["idOfAda", "ada@example.org"][n % 2];
        take(&budget, &write(host))
            .await
            .unwrap()
            .settle(answered(None))
            .await;
        time.advance(Duration::from_secs(2));
    }
    for host in ["idOfAda", "ada@example.org"] {
        assert!(
            matches!(
                take(&budget, &write(host)).await,
                Err(LimitError::Quota { .. })
            ),
            "{host}"
        );
    }
    // Somebody else, and an address that nobody told of, have their own.
    for host in ["idOfBo", "bo@example.org"] {
        let permit = take(&budget, &write(host)).await.unwrap();
        permit.settle(answered(None)).await;
    }
}

async fn a_refusal_per_second_slows_and_a_clock_set_back_does_not_stop() {
    let dir = tempfile::tempdir().unwrap();
    let (time, clock) = manual();
    let app = open(config(dir.path()), &clock).await;
    let budget = budget(&app, 1.0);
    let medium = request(Label::Medium);
    let permit = take(&budget, &medium).await.unwrap();
    permit.settle(answered(Some(Refusal::PerSecond))).await;
    assert!(take(&budget, &medium).await.is_err());
    time.advance(Duration::from_millis(1100));
    let permit = take(&budget, &medium).await.unwrap();
    permit.settle(answered(Some(Refusal::PerSecond))).await;
    // Two hours back: what was taken at the later time must not block until then.
    time.jump_to("2026-11-22T06:00:00Z".parse().unwrap());
    time.advance(Duration::from_secs(1));
    take(&budget, &medium)
        .await
        .unwrap()
        .settle(answered(None))
        .await;
}

async fn off_means_no_pacing_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(config(dir.path()), &clock).await;
    let budget = budget(&app, 1.0);
    budget.set_account("zoom/a", AccountLimits::Off);
    for _ in 0..500 {
        drop(take(&budget, &request(Label::Heavy)).await.unwrap());
    }
    assert!(budget.status("zoom/a").await.unwrap().is_empty());
}

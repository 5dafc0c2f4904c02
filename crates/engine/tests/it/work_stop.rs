//! Stopping: nothing new is begun, what is cut off is free for others at once. And tidying up, once a day.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parfocal_engine::App;
use parfocal_engine::clock::Clock;
use parfocal_engine::jobs::{JobKind, MeetingRefresh, Tidied, tidy};
use parfocal_store::{
    Claim, EventFilter, EventState, Job, JobId, JobState, NewJob, PageRequest, Scope,
};

use crate::core_support::{config, deliver, event, manual, on_both_stores, open, with_env};

on_both_stores! {
    what_is_cut_off_is_free_at_once_and_nothing_new_is_begun;
    old_jobs_events_and_tokens_are_forgotten_once_a_day;
}

fn refresh(account: parfocal_store::AccountId, number: &str, now: Timestamp) -> NewJob {
    let wanted = MeetingRefresh {
        account,
        number: number.to_owned(),
        backfill: None,
        also: None,
    };
    let kind = JobKind::MeetingRefresh;
    NewJob {
        kind: kind.as_str().into(),
        v: kind.version(),
        lane: None,
        priority: 0,
        dedupe_key: None,
        payload: serde_json::to_value(wanted).unwrap(),
        run_at: now - SignedDuration::from_hours(1),
        cause_id: None,
    }
}

async fn enqueue(app: &App, new: &NewJob) -> JobId {
    let mut tx = app.store().begin(Scope::DEFAULT).await.unwrap();
    let id = tx.enqueue(new, app.clock().now()).await.unwrap().id();
    tx.commit().await.unwrap();
    id
}

async fn job(app: &App, id: JobId) -> Job {
    app.store().job(Scope::DEFAULT, id).await.unwrap().unwrap()
}

async fn what_is_cut_off_is_free_at_once_and_nothing_new_is_begun() {
    // A Zoom that takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut settings = with_env(config(dir.path()));
    let address = format!("http://{}", silent.local_addr().unwrap());
    settings.zoom.oauth_url = address.parse().unwrap();
    settings.zoom.api_url = Some(format!("{address}/v2").parse().unwrap());
    settings.server.shutdown_seconds = 1;
    settings.jobs.lease_seconds = 600;
    let clock = Clock::system();
    let app = open(settings.clone(), &clock).await;
    let account = app.store().accounts(Scope::DEFAULT).await.unwrap()[0].id;
    let hangs = enqueue(&app, &refresh(account, "84410027731", clock.now())).await;
    app.start();
    let deadline = clock.now() + SignedDuration::from_secs(20);
    while job(&app, hangs).await.state != JobState::Running {
        assert!(clock.now() < deadline, "{:?}", job(&app, hangs).await);
        clock.sleep(Duration::from_millis(10)).await;
    }

    // It is at Zoom: a job that was only claimed would be let go with the rest.
    silent.set_nonblocking(true).unwrap();
    let _held_open = loop {
        if let Ok(connection) = silent.accept() {
            break connection;
        }
        assert!(clock.now() < deadline, "{:?}", job(&app, hangs).await);
        clock.sleep(Duration::from_millis(10)).await;
    };

    app.drain();
    let late = enqueue(&app, &refresh(account, "84410027732", clock.now())).await;
    // Longer than it takes to notice a job, had it been looked for.
    clock.sleep(Duration::from_millis(1500)).await;
    assert_eq!(job(&app, late).await.state, JobState::Ready);
    assert_eq!(job(&app, hangs).await.state, JobState::Running);
    let began = clock.now();
    app.stop().await;
    assert!(clock.now().duration_since(began) < SignedDuration::from_secs(5));

    let app = open(settings, &clock).await;
    let cut = job(&app, hangs).await;
    assert_eq!((cut.state, cut.attempts), (JobState::Ready, 0), "{cut:?}");
    assert!(cut.note.unwrap().contains("its process stopped"));
    let kind = JobKind::MeetingRefresh;
    let claim = Claim {
        kinds: &[(kind.as_str(), kind.version())],
        limit: 5,
        lease_until: clock.now() + SignedDuration::from_secs(60),
        now: clock.now(),
    };
    assert_eq!(app.store().claim_jobs(&claim).await.unwrap().len(), 2);
    app.stop().await;
}

async fn events(app: &App) -> u64 {
    app.store()
        .inbox_status(Scope::DEFAULT)
        .await
        .unwrap()
        .events
}

async fn old_jobs_events_and_tokens_are_forgotten_once_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let (hands, clock) = manual();
    let mut settings = config(dir.path());
    settings.zoom.webhook_secret_token = vec!["secret".into()];
    settings.inbox.keep_days = 7;
    settings.jobs.keep_days = 2;
    let app = open(settings, &clock).await;
    let mut body: serde_json::Value =
        serde_json::from_slice(&event("recording.completed", "acc", 81, 1)).unwrap();
    body["download_token"] = "canary".into();
    deliver(&app, None, "secret", body.to_string().as_bytes())
        .await
        .unwrap();
    let scope = Scope::DEFAULT;
    let page = PageRequest::first(10);
    let all = EventFilter::default();
    let of = |app: &App| {
        let (app, all, page) = (app.clone(), all.clone(), page.clone());
        async move { app.store().inbox_events(scope, &all, &page).await.unwrap() }
    };
    let first = of(&app).await.items.remove(0);
    assert!(first.download_token.is_some());
    let kind = JobKind::EventRoute;
    let claim = Claim {
        kinds: &[(kind.as_str(), kind.version())],
        limit: 5,
        lease_until: clock.now() + SignedDuration::from_secs(60),
        now: clock.now(),
    };
    let claimed = app.store().claim_jobs(&claim).await.unwrap().remove(0);
    let mut tx = app.store().begin(scope).await.unwrap();
    tx.mark_event(first.id, EventState::Routed, None)
        .await
        .unwrap();
    tx.complete_job(&claimed.lease, None, clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    // Nothing is old enough, then one thing after the other is.
    assert_eq!(tidy(&app).await.unwrap(), Tidied::default());
    let day = Duration::from_hours(24);
    hands.advance(day + Duration::from_secs(1));
    let done = tidy(&app).await.unwrap();
    assert_eq!((done.tokens, done.events, done.jobs), (1, 0, 0));
    assert!(of(&app).await.items[0].download_token.is_none());
    hands.advance(day);
    let done = tidy(&app).await.unwrap();
    assert_eq!((done.tokens, done.events, done.jobs), (0, 0, 1));
    hands.advance(day * 5);
    assert_eq!(tidy(&app).await.unwrap().events, 1);
    assert_eq!(events(&app).await, 0);

    // By itself: a minute after the start, by one process, and the next day again.
    app.start();
    let role = |app: &App| {
        let app = app.clone();
        async move {
            let now = app.clock().now();
            let until = now + SignedDuration::from_hours(24);
            let lease = app.store().acquire_lease("tidy", "test", now, until).await;
            let lease = lease.unwrap();
            if let Some(lease) = &lease {
                app.store().release_lease(lease).await.unwrap();
            }
            lease.is_none()
        }
    };
    let mut held = false;
    for _ in 0..500 {
        hands.advance(Duration::from_secs(5));
        tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>())
            .await
            .unwrap_err();
        held = role(&app).await;
        if held {
            break;
        }
    }
    assert!(held, "nobody tidied up by itself");
    app.stop().await;
}

//! Opening the application: what cannot be used is said before anything runs.

use jiff::SignedDuration;
use parfocal_engine::clock::{Chance, Clock};
use parfocal_engine::config::Secret;
use parfocal_engine::jobs::JobKind;
use parfocal_engine::{App, Code};
use parfocal_store::{Claim, JobState, NewJob, Scope};

use crate::core_support::{config, on_both_stores, open, with_env};

on_both_stores! {
    it_opens_works_and_closes;
    a_job_whose_process_died_each_time_is_put_before_a_person;
}

async fn it_opens_works_and_closes() {
    let dir = tempfile::tempdir().unwrap();
    let app = open(with_env(config(dir.path())), &Clock::system()).await;
    app.ready().await.unwrap();
    let status = app.status().await.unwrap();
    assert_eq!((status.connections.len(), status.budgets.len()), (1, 1));
    assert_eq!(status.budgets[0].labels.len(), 4);
    assert!(status.failures.is_empty() && status.ingest_lag_seconds.abs() < f64::EPSILON);
    app.start();
    app.stop().await;
    assert_eq!(app.ready().await.unwrap_err().code(), Code::ShuttingDown);
}

async fn a_job_whose_process_died_each_time_is_put_before_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let app = open(with_env(config(dir.path())), &clock).await;
    let hour = SignedDuration::from_hours(1);
    let mut now = clock.now() - hour;
    let kind = JobKind::BackfillFinish;
    let mut tx = app.store().begin(Scope::DEFAULT).await.unwrap();
    let new = NewJob {
        kind: kind.as_str().into(),
        v: kind.version(),
        lane: None,
        priority: 0,
        dedupe_key: None,
        payload: serde_json::json!({"backfill": "0190b5a0-0000-7000-8000-000000000001"}),
        run_at: now,
        cause_id: None,
    };
    let id = tx.enqueue(&new, now).await.unwrap().id();
    tx.commit().await.unwrap();
    // Its process dies as often as the job may be tried; nobody says how the tries ended.
    for _ in 0..kind.policy(app.config()).max_attempts {
        let claim = Claim {
            kinds: &[(kind.as_str(), kind.version())],
            limit: 1,
            lease_until: now + SignedDuration::from_secs(1),
            now,
        };
        assert_eq!(app.store().claim_jobs(&claim).await.unwrap().len(), 1);
        now += SignedDuration::from_secs(2);
    }
    app.start();
    let deadline = clock.now() + SignedDuration::from_secs(20);
    let dead = loop {
        let job = app.store().job(Scope::DEFAULT, id).await.unwrap().unwrap();
        if job.state == JobState::Dead {
            break job;
        }
        assert!(clock.now() < deadline, "{job:?}");
        clock.sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(dead.note.unwrap().contains("its process died"));
    let tries = app.store().attempts(Scope::DEFAULT, id).await.unwrap();
    assert_eq!(tries.first().unwrap().outcome, "lease_lost");
    assert_eq!(tries.last().unwrap().outcome, "dead");
    app.stop().await;
}

async fn refused(config: parfocal_engine::config::Config) -> parfocal_engine::EngineError {
    App::open_with(config, Clock::system(), Chance::system())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_wrong_setting_is_named_with_its_mend() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = config(dir.path());
    wrong.limits.share = 0.0;
    wrong.vault.key = Some(Secret::new("canary-not-a-key"));
    let error = refused(wrong).await;
    assert_eq!(error.code(), Code::ConfigInvalid);
    assert!(error.message().contains("limits.share") && error.message().contains("vault.key"));
    assert!(error.message().contains("openssl rand") && !error.message().contains("canary"));

    let mut wrong = config(dir.path());
    wrong.clock.file = Some(dir.path().join("none.json"));
    let error = App::open(wrong).await.unwrap_err();
    assert_eq!(error.code(), Code::ClockFile);
}

#[tokio::test]
async fn a_database_that_is_none_is_told_from_a_damaged_folder() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("parfocal.db"),
        "this is not a database\n".repeat(1000),
    )
    .unwrap();
    let error = refused(config(dir.path())).await;
    assert_eq!(error.code(), Code::StoreCorrupt);
    assert!(error.hint().contains("backup"), "{}", error.hint());

    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let mut below = config(dir.path());
    below.data.dir = file.join("data");
    assert_eq!(refused(below).await.code(), Code::FileFailed);

    let mut nobody = config(dir.path());
    nobody.database.url = Some(Secret::new("postgres://user:canary@127.0.0.1:1/none"));
    let error = refused(nobody).await;
    assert_eq!(error.code(), Code::StoreUnavailable);
    assert!(!format!("{error} {error:?}").contains("canary"));
}

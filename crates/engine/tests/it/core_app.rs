//! Opening the application: what cannot be used is said before anything runs.

use parfocal_engine::clock::{Chance, Clock};
use parfocal_engine::config::Secret;
use parfocal_engine::{App, Code};

use crate::core_support::{config, on_both_stores, open, with_env};

on_both_stores! {
    it_opens_works_and_closes;
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

//! Bad discs, bad files, bad addresses: each is told apart and comes with advice.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use parfocal_store::{DatabaseUrl, ErrorKind, Scope, Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::support::{World, app, at, options};

async fn refused(url: &DatabaseUrl) -> StoreError {
    Store::open(url, options(), at(0))
        .await
        .map(|_| ())
        .unwrap_err()
}

#[tokio::test]
async fn a_file_that_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    std::fs::write(
        &path,
        "this is no database, and it is longer than a header would be: ".repeat(40),
    )
    .unwrap();
    let error = refused(&DatabaseUrl::sqlite(&path)).await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.advice().contains("backup"));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn the_files_of_a_database_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::sqlite().await;
    let mut tx = world.begin().await;
    tx.upsert_app(&app("client"), at(0)).await.unwrap();
    tx.commit().await.unwrap();
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(world.folder()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
        seen.push(entry.file_name().into_string().unwrap());
    }
    for name in ["story.db", "story.db-wal", "story.limits.db"] {
        assert!(seen.iter().any(|seen| seen == name), "{name}: {seen:?}");
    }
}

#[tokio::test]
async fn a_damaged_database() {
    let world = World::sqlite().await;
    let mut tx = world.begin().await;
    for n in 0..300 {
        tx.upsert_app(&app(&format!("client {n}")), at(0))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    world.store.close().await;
    let path = world.folder().join("story.db");
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    // Everything behind the schema's first page.
    for page in 1..length / 4096 {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xA5; 4096]).unwrap();
    }
    drop(file);
    let error = match Store::open(&world.url, options(), at(0)).await {
        Err(error) => error,
        Ok(store) => store.apps(Scope::DEFAULT).await.unwrap_err(),
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

#[tokio::test]
async fn a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(folder.path().join("x.db"));
    let mut small = options();
    small.max_page_count = Some(500);
    let store = Store::open(&url, small, at(0)).await.unwrap();
    let mut kept = 0;
    let error = loop {
        let mut tx = store.begin(Scope::DEFAULT).await.unwrap();
        let new = parfocal_store::NewApp {
            secret_ref: Some("x".repeat(20_000)),
            ..app(&format!("client {kept}"))
        };
        match tx.upsert_app(&new, at(0)).await {
            Ok(_) => {}
            Err(error) => break error,
        }
        match tx.commit().await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 10_000, "the disk never filled");
    };
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error}");
    assert!(error.advice().contains("room"));
    // What was committed is there, and reading goes on.
    assert_eq!(store.apps(Scope::DEFAULT).await.unwrap().len(), kept);
    store.close().await;
    let store = Store::open(&url, options(), at(0)).await.unwrap();
    assert_eq!(store.verify().await.unwrap(), Vec::<String>::new());
    let mut tx = store.begin(Scope::DEFAULT).await.unwrap();
    tx.upsert_app(&app("with room again"), at(0)).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_database_another_program_holds() {
    let world = World::sqlite().await;
    let mut hurried = options();
    hurried.busy_timeout = Duration::from_millis(50);
    let store = Store::open(&world.url, hurried, at(0)).await.unwrap();
    let path = world.folder().join("story.db");
    let mut holder = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let error = store.begin(Scope::DEFAULT).await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.is_retryable());
    assert_eq!(
        store.apps(Scope::DEFAULT).await.unwrap(),
        [],
        "reading goes on"
    );
    holder.execute("ROLLBACK").await.unwrap();
    store
        .begin(Scope::DEFAULT)
        .await
        .unwrap()
        .rollback()
        .await
        .unwrap();
    holder.close().await.unwrap();
    store.close().await;
    world.end().await;
}

#[tokio::test]
async fn a_database_of_a_newer_version() {
    let world = World::sqlite().await;
    world.store.close().await;
    let path = world.folder().join("story.db");
    let mut connection = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    connection
        .execute("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)")
        .await
        .unwrap();
    connection.close().await.unwrap();
    let error = refused(&world.url).await;
    assert_eq!(error.kind(), ErrorKind::SchemaTooNew);
    assert!(error.to_string().contains("9999"), "{error}");
    assert!(error.advice().contains("newer"));
}

#[tokio::test]
async fn places_where_no_database_is() {
    let error = refused(&DatabaseUrl::sqlite("/nowhere/at/all/x.db")).await;
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    // Nobody listens on port 1.
    let url = DatabaseUrl::parse("postgres://u:geheim@127.0.0.1:1/x").unwrap();
    assert!(!format!("{url:?} {url}").contains("geheim"));
    let error = refused(&url).await;
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(!format!("{error:?} {error}").contains("geheim"));
    for bad in ["", ":memory:", "mysql://x/y", "sqlite:"] {
        assert_eq!(
            DatabaseUrl::parse(bad).unwrap_err().kind(),
            ErrorKind::Invalid
        );
    }
    assert_eq!(
        DatabaseUrl::parse("sqlite:a/b.db").unwrap(),
        DatabaseUrl::sqlite("a/b.db")
    );
}

#[tokio::test]
async fn a_backup_is_a_database_of_its_own() {
    let world = World::sqlite().await;
    world.account().await;
    let copy = world.folder().join("copy.db");
    world.store.backup(&copy).await.unwrap();
    assert_eq!(
        world.store.backup(&copy).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let opened = Store::open(&DatabaseUrl::sqlite(&copy), options(), at(0))
        .await
        .unwrap();
    assert_eq!(opened.apps(Scope::DEFAULT).await.unwrap().len(), 1);
    opened.close().await;
    world.end().await;
}

#[tokio::test]
async fn processes_that_open_a_new_file_together() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(folder.path().join("x.db"));
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        opening.spawn(async move { Store::open(&url, options(), at(0)).await });
    }
    for store in opening.join_all().await {
        store.unwrap().close().await;
    }
}

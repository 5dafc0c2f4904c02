//! A fresh store per story and engine.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    AccountId, AppId, AppKind, DatabaseUrl, InstanceId, InstanceState, NewAccount, NewApp,
    NewInstance, OpenOptions, Provider, Scope, SeededIds, Seen, Source, Store, Tx,
};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};

/// Declares a story and has it told on both engines.
macro_rules! story {
    ($(#[$meta:meta])* $name:ident, $body:expr) => {
        mod $name {
            use super::*;

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let world = $crate::support::World::sqlite().await;
                let tell: fn(std::sync::Arc<$crate::support::World>) -> _ = $body;
                tell(std::sync::Arc::clone(&world)).await;
                world.end().await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let Some(world) = $crate::support::World::postgres(stringify!($name)).await else {
                    return;
                };
                let tell: fn(std::sync::Arc<$crate::support::World>) -> _ = $body;
                tell(std::sync::Arc::clone(&world)).await;
                world.end().await;
            }
        }
    };
}
pub(crate) use story;

/// 2026-11-22T12:00:00Z plus so many seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_348_800 + seconds).unwrap()
}

/// The same in milliseconds.
pub(crate) fn at_ms(millis: i64) -> Timestamp {
    at(0)
        .checked_add(SignedDuration::from_millis(millis))
        .unwrap()
}

/// A fact of `source` that was true at `at(seconds)`.
pub(crate) fn seen(seconds: i64, source: Source) -> Seen {
    Seen {
        at: at(seconds),
        source,
        now: at(seconds),
    }
}

/// Asks until there is an answer; fails after a minute.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..6_000 {
        if let Some(answer) = ask().await {
            return answer;
        }
        let pause = std::future::pending::<()>();
        let _ = tokio::time::timeout(std::time::Duration::from_millis(10), pause).await;
    }
    panic!("it did not come to be within a minute");
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) url: DatabaseUrl,
    folder: Option<tempfile::TempDir>,
    database: Option<(String, String)>,
}

static COUNT: AtomicU64 = AtomicU64::new(0);

pub(crate) fn options() -> OpenOptions {
    let seed = COUNT.fetch_add(1, Ordering::Relaxed) * 1_000_003 + u64::from(std::process::id());
    OpenOptions::new(Arc::new(SeededIds::new(seed)))
}

impl World {
    pub(crate) async fn sqlite() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(folder.path().join("story.db"));
        let store = Store::open(&url, options(), at(0)).await.unwrap();
        Arc::new(Self {
            store,
            url,
            folder: Some(folder),
            database: None,
        })
    }

    pub(crate) async fn postgres(story: &str) -> Option<Arc<Self>> {
        let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
            eprintln!("skipped: TEST_DATABASE_URL is not set, {story} was not told on PostgreSQL");
            return None;
        };
        let name = format!(
            "it_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        admin(&server, format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = DatabaseUrl::parse(&format!("{base}/{name}")).unwrap();
        let store = Store::open(&url, options(), at(0)).await.unwrap();
        Some(Arc::new(Self {
            store,
            url,
            folder: None,
            database: Some((server, name)),
        }))
    }

    /// Another handle with its own connections, as another process would have.
    pub(crate) async fn neighbour(&self) -> Store {
        Store::open(&self.url, options(), at(0)).await.unwrap()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().to_owned()
    }

    pub(crate) async fn begin(&self) -> Tx {
        self.store.begin(Scope::DEFAULT).await.unwrap()
    }

    /// An app and an account to hang things on.
    pub(crate) async fn account(&self) -> (AppId, AccountId) {
        let mut tx = self.begin().await;
        let app = tx.upsert_app(&app("client-1"), at(0)).await.unwrap().id;
        let account = tx.upsert_account(&account("acc-1"), at(0)).await.unwrap();
        tx.commit().await.unwrap();
        (app, account)
    }

    /// An ended instance of that account.
    pub(crate) async fn instance(
        &self,
        account: AccountId,
        uuid: &str,
        topic: &str,
        start: i64,
    ) -> InstanceId {
        let mut tx = self.begin().await;
        let new = NewInstance {
            external_id: uuid.into(),
            number: Some("81234567890".into()),
            topic: Some(topic.into()),
            host_user_id: Some("host-1".into()),
            state: Some(InstanceState::Ended),
            start: Some(at(start)),
            end: Some(at(start + 3600)),
            ..NewInstance::default()
        };
        let id = tx
            .upsert_instance(account, &new, &seen(start + 3600, Source::Detail))
            .await
            .unwrap()
            .id;
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn end(&self) {
        self.store.close().await;
        if let Some((server, name)) = &self.database {
            admin(server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

async fn admin(server: &str, sql: String) {
    let mut connection = PgConnectOptions::from_str(server)
        .unwrap()
        .connect()
        .await
        .unwrap();
    connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
}

pub(crate) fn app(client: &str) -> NewApp {
    NewApp {
        provider: Provider::Zoom,
        kind: AppKind::ServerToServer,
        name: "main".into(),
        client_id: client.into(),
        secret_ref: Some("ZOOM_S2S_CLIENT_SECRET".into()),
        webhook_secrets: vec!["ZOOM_WEBHOOK_SECRET_TOKEN".into()],
        public: false,
    }
}

pub(crate) fn account(external: &str) -> NewAccount {
    NewAccount {
        provider: Provider::Zoom,
        external_id: external.into(),
        name: None,
        plan: Some("business".into()),
        region: None,
        limits_share: Some(0.8),
        capabilities: None,
    }
}

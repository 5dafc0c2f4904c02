//! A simulated Zoom account and an application beside it, sharing one clock.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parfocal_engine::App;
use parfocal_engine::audit::By;
use parfocal_engine::backfill::{self, BackfillView, Request};
use parfocal_engine::clock::{Chance, Clock};
use parfocal_engine::config::{Config, Plan, Secret};
use parfocal_engine::jobs;
use parfocal_engine::store::{BackfillState, JobFilter, SEQUENCER};
use parfocal_engine::told;
use parfocal_engine::webhooks::{Answer, sign};
use parfocal_simulator::{Config as SimConfig, Limits, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::core_support::{command, config_for, control, with_env};

/// Secret under which the simulator signs.
pub(crate) const SECRET: &str = "simulator-webhook-secret";
/// How long anything in these tests may take.
const PATIENCE: Duration = Duration::from_secs(200);

/// The database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Runs a test on both databases.
macro_rules! both {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        mod $name {
            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::body::$name(crate::work_stage::Engine::Sqlite).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if crate::work_stage::has_postgres() {
                    super::body::$name(crate::work_stage::Engine::Postgres).await;
                }
            }
        }
    )+};
}
pub(crate) use both;

/// Whether a PostgreSQL server is given; says so aloud when not.
pub(crate) fn has_postgres() -> bool {
    let given = std::env::var_os("TEST_DATABASE_URL").is_some();
    if !given {
        eprintln!("skipped: TEST_DATABASE_URL is not set, so nothing is tried on PostgreSQL");
    }
    given
}

/// A database of its own on the server that is given; dropped with the value.
struct OwnDatabase {
    server: String,
    name: String,
}

impl OwnDatabase {
    fn make() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("TEST_DATABASE_URL").unwrap();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("engine_{}_{number}", std::process::id());
        let own = Self { server, name };
        own.psql(&format!("CREATE DATABASE {}", own.name));
        own
    }

    fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    fn psql(&self, sql: &str) {
        let done = Command::new("psql")
            .args([&self.server, "-q", "-c", sql])
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "psql: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        self.psql(&format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.name
        ));
    }
}

/// A simulated account, and an application that follows its clock.
pub(crate) struct Stage {
    pub(crate) sim: Simulator,
    pub(crate) app: App,
    pub(crate) config: Config,
    _dir: TempDir,
    _database: Option<OwnDatabase>,
}

impl Stage {
    /// The built-in organisation without limits.
    pub(crate) async fn plain(engine: Engine) -> Self {
        Self::new(
            engine,
            SimConfig {
                limits: Limits::Off,
                ..SimConfig::default()
            },
            |_| {},
        )
        .await
    }

    pub(crate) async fn new(
        engine: Engine,
        sim: SimConfig,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock_file = dir.path().join("clock.json");
        let sim = Simulator::start(SimConfig {
            clock_file: Some(clock_file.clone()),
            ..sim
        })
        .await
        .unwrap();
        let database = (engine == Engine::Postgres).then(OwnDatabase::make);
        let mut config = with_env(config_for(dir.path(), sim.base_url()));
        config.zoom.webhook_secret_token = vec![SECRET.into()];
        config.limits.plan = Plan::Off;
        config.clock.file = Some(clock_file);
        config.database.url = database.as_ref().map(|own| Secret::new(&own.url()));
        change(&mut config);
        let app = open(&config).await;
        Self {
            sim,
            app,
            config,
            _dir: dir,
            _database: database,
        }
    }

    /// Starts the background work.
    pub(crate) fn work(&self) {
        self.app.start();
    }

    /// Opens another application on the same files, as a restarted process would.
    pub(crate) async fn reopen(&mut self) {
        self.app = open(&self.config).await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock().now()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        control(self.sim.base_url(), path).await
    }

    pub(crate) async fn tell(&self, path: &str, body: Value) -> Value {
        command(self.sim.base_url(), path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client
            .delete(format!("{}/_sim{path}", self.sim.base_url()))
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_success(),
            "DELETE {path}: {}",
            answer.status()
        );
    }

    /// Moves the shared clock, and waits until the application sees it.
    pub(crate) async fn advance(&self, by: SignedDuration) {
        let before = self.now();
        self.tell("/clock", json!({"advance_ms": by.as_millis()}))
            .await;
        self.until("the clock moves", async || {
            self.now() >= before.saturating_add(by).unwrap()
        })
        .await;
    }

    /// Runs a whole backfill and waits for its end.
    pub(crate) async fn backfill(&self) -> BackfillView {
        let started = backfill::start(&self.app, &Request::default(), &By::system())
            .await
            .unwrap();
        self.backfilled(&started).await
    }

    /// Waits for the end of a backfill.
    pub(crate) async fn backfilled(&self, started: &BackfillView) -> BackfillView {
        self.until("the backfill ends", async || {
            let view = backfill::status(&self.app, started.id).await.unwrap();
            !matches!(view.state, BackfillState::Running | BackfillState::Planning)
        })
        .await;
        backfill::status(&self.app, started.id).await.unwrap()
    }

    /// Waits until nothing is to be done in the next minutes.
    pub(crate) async fn quiet(&self) {
        self.until("the work is done", async || {
            let open = jobs::open(&self.app).await.unwrap();
            let soon = self
                .now()
                .saturating_add(SignedDuration::from_mins(2))
                .unwrap();
            open.busy == 0 && open.next_at.is_none_or(|at| at > soon)
        })
        .await;
        self.told_fits().await;
    }

    /// Whatever was told so far is a message as its type's schema says it; the types that were told.
    pub(crate) async fn told_fits(&self) -> BTreeSet<&'static str> {
        let (store, scope, now) = (self.app.store(), self.app.scope(), self.now());
        // The application's own sequencer may hold the role; it has numbered all but the last, then.
        let until = now + Duration::from_secs(5);
        let lease = store.acquire_lease(SEQUENCER, "told", now, until).await;
        if let Some(lease) = lease.unwrap() {
            store.sequence_events(&lease, 100_000, now).await.unwrap();
            store.release_lease(&lease).await.unwrap();
        }
        let mut validators = BTreeMap::new();
        let mut after = 0;
        loop {
            let events = store.events_after(scope, after, 500).await.unwrap();
            let Some(last) = events.last() else {
                return validators.into_keys().collect();
            };
            after = last.seq;
            for event in events {
                let kind = told::kind(&event.event_type)
                    .unwrap_or_else(|| panic!("{} has no schema", event.event_type));
                let validator = validators.entry(kind.name).or_insert_with(|| {
                    jsonschema::validator_for(&kind.message()).expect("schemas can be used")
                });
                let message = json!({
                    "type": event.event_type, "timestamp": event.at, "version": event.v, "sequence": event.seq,
                    "subject": event.subject_id, "order_key": event.subject_id, "data": event.data,
                });
                let faults: Vec<String> = validator
                    .iter_errors(&message)
                    .map(|fault| fault.to_string())
                    .collect();
                assert!(faults.is_empty(), "{message}: {faults:?}");
            }
        }
    }

    /// Polls until something is so.
    pub(crate) async fn until(&self, what: &str, test: impl AsyncFn() -> bool) {
        let clock = Clock::system();
        let start = clock.monotonic();
        while !test().await {
            let waited = clock.monotonic().saturating_sub(start);
            assert!(
                waited <= PATIENCE,
                "waited in vain: {what}\n{}",
                self.state().await
            );
            clock.sleep(Duration::from_millis(15)).await;
        }
    }

    /// What a failed test wants to see.
    pub(crate) async fn state(&self) -> String {
        let store = self.app.store();
        let mut out = format!(
            "at {}: {:#?}\n",
            self.now(),
            store.job_counts(self.app.scope()).await
        );
        let page = parfocal_engine::store::PageRequest::first(200);
        if let Ok(found) = store
            .jobs(self.app.scope(), &JobFilter::default(), &page)
            .await
        {
            for job in found.items {
                if !matches!(job.state, parfocal_engine::store::JobState::Done) {
                    let _ = writeln!(
                        out,
                        "{} {} {:?} {} try {}, written {}: {:?}",
                        job.kind,
                        job.state,
                        job.lane,
                        job.run_at,
                        job.attempts,
                        job.updated_at,
                        job.note
                    );
                }
            }
        }
        if let Ok(list) = backfill::list(&self.app).await {
            let _ = write!(out, "{list:#?}");
        }
        out
    }

    /// Delivers an event as Zoom would, signed at the application's time.
    pub(crate) async fn deliver(&self, body: &[u8]) -> Answer {
        let at = self.now().as_second().to_string();
        let signature = sign(&SECRET.into(), &at, body);
        self.app
            .webhooks()
            .accept(None, Some(&at), Some(&signature), body)
            .await
            .unwrap()
    }

    /// Everything the simulator has sent or tried to send, oldest first.
    pub(crate) async fn deliveries(&self) -> Vec<Value> {
        self.get("/deliveries")
            .await
            .as_array()
            .cloned()
            .unwrap_or_default()
    }
}

async fn open(config: &Config) -> App {
    let clock = Clock::from_file(config.clock.file.as_ref().unwrap()).unwrap();
    App::open_with(config.clone(), clock, Chance::system())
        .await
        .unwrap()
}

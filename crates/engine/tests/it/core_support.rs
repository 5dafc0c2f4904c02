//! What the tests of the core share: an application in a folder of its own, signed deliveries, a simulator's counters.

use std::path::Path;
use std::sync::Arc;

use parfocal_engine::App;
use parfocal_engine::clock::{Chance, Clock};
use parfocal_engine::config::{Config, Plan, Secret, ZoomApp};
use parfocal_engine::webhooks::{Answer, Refused, sign};
use parfocal_zoom::clock::ManualClock;
use serde_json::{Value, json};

/// A key of 32 equal bytes, as an operator would write it.
pub(crate) fn key(byte: u8) -> Secret {
    Secret::new(&hex::encode([byte; 32]))
}

tokio::task_local! {
    /// The server on which the running test has its databases; none means SQLite files.
    pub(crate) static SERVER: Option<String>;
}

/// The PostgreSQL server of the test command; without one a test on it is skipped aloud.
pub(crate) fn server(test: &str) -> Option<String> {
    let url = std::env::var("TEST_DATABASE_URL").ok();
    if url.is_none() {
        eprintln!("skipped: {test} on PostgreSQL, since TEST_DATABASE_URL is not set");
    }
    url
}

/// Makes each test run on both stores.
macro_rules! on_both_stores {
    ($($name:ident;)+) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                crate::core_support::SERVER.scope(None, super::$name()).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $name() {
                if let Some(url) = crate::core_support::server(stringify!($name)) {
                    crate::core_support::SERVER.scope(Some(url), super::$name()).await;
                }
            })+
        }
    };
}
pub(crate) use on_both_stores;

/// The database of a folder: a file in it, or one of its own on the server.
fn database(dir: &Path) -> Option<Secret> {
    let server = SERVER.try_with(Clone::clone).ok().flatten()?;
    let name: String = dir
        .file_name()?
        .to_str()?
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let name = format!("core_{}_{}", std::process::id(), hex::encode(name));
    let made = std::process::Command::new("psql")
        .args([&server, "-q", "-c", &format!("CREATE DATABASE {name}")])
        .output()
        .expect("psql comes with PostgreSQL");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(
        made.status.success() || said.contains("already exists"),
        "{said}"
    );
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(Secret::new(&format!("{base}/{name}")))
}

/// A configuration whose files are in `dir` and that knows no Zoom.
pub(crate) fn config(dir: &Path) -> Config {
    let mut config = Config::default();
    config.database.url = database(dir);
    config.database.max_connections = 2;
    dir.clone_into(&mut config.data.dir);
    config.vault.key = Some(key(1));
    config.limits.share = 1.0;
    config
}

/// The same, for a simulator on this machine.
pub(crate) fn config_for(dir: &Path, simulator: &str) -> Config {
    let mut config = config(dir);
    config.zoom.oauth_url = simulator.parse().unwrap();
    config.zoom.api_url = Some(format!("{simulator}/v2").parse().unwrap());
    config.limits.plan = Plan::Business;
    config
}

/// The simulator's server-to-server app as the connection `env`.
pub(crate) fn with_env(mut config: Config) -> Config {
    config.zoom.account_id = Some("simulator".into());
    config.zoom.s2s_client_id = Some("simulator".into());
    config.zoom.s2s_client_secret = Some("simulator".into());
    config
}

/// An app that only receives webhooks.
pub(crate) fn webhook_app(client_id: Option<&str>, secret: &str) -> ZoomApp {
    ZoomApp {
        client_id: client_id.map(str::to_owned),
        webhook_secret_token: vec![secret.into()],
    }
}

/// A clock that stands at a fixed time until it is moved.
pub(crate) fn manual() -> (ManualClock, Clock) {
    let manual = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
    (manual.clone(), Clock::custom(Arc::new(manual)))
}

/// Opens an application with a clock of the test's.
pub(crate) async fn open(config: Config, clock: &Clock) -> App {
    App::open_with(config, clock.clone(), Chance::system())
        .await
        .unwrap()
}

/// An event as Zoom would send it.
pub(crate) fn event(name: &str, account: &str, number: u64, n: u64) -> Vec<u8> {
    json!({
        "event": name,
        "event_ts": 1_795_334_000_000_u64 + n,
        "payload": {"account_id": account, "object": {"id": number.to_string(), "topic": format!("Talk {n}")}},
    })
    .to_string()
    .into_bytes()
}

/// Delivers a body signed with `secret` at the clock's time.
pub(crate) async fn deliver(
    app: &App,
    name: Option<&str>,
    secret: &str,
    body: &[u8],
) -> Result<Answer, Refused> {
    let at = app.clock().now().as_second().to_string();
    let signature = sign(&secret.into(), &at, body);
    app.webhooks()
        .accept(name, Some(&at), Some(&signature), body)
        .await
}

/// A simulator's control answer.
pub(crate) async fn control(base: &str, path: &str) -> Value {
    http()
        .get(format!("{base}/_sim{path}"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// Takes every fault away.
pub(crate) async fn calm(base: &str) {
    let sent = http().delete(format!("{base}/_sim/faults")).send().await;
    assert!(sent.unwrap().status().is_success());
}

/// Sends JSON to a simulator's control.
pub(crate) async fn command(base: &str, path: &str, body: Value) -> Value {
    let sent = http()
        .post(format!("{base}/_sim{path}"))
        .json(&body)
        .send()
        .await
        .unwrap();
    sent.json().await.unwrap_or(Value::Null)
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// All bytes of all files under a folder, to look for what must not be there.
pub(crate) fn all_bytes(dir: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(all_bytes(&path));
        } else {
            out.extend(std::fs::read(path).unwrap());
        }
    }
    out
}

/// Whether `needle` stands somewhere in `hay`.
pub(crate) fn holds(hay: &[u8], needle: &str) -> bool {
    hay.windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

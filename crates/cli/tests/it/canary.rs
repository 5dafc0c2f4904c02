//! Canaries: every kind of credential is a text that can be recognised, the program is used in every way there is, and
//! then everything that it has written anywhere is searched for them: logs at their loudest, output, errors, pages, API
//! answers, dumps, files, database.

mod net;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use parfocal_simulator::{App, Config, Limits, Simulator};
use reqwest::header;
use serde_json::{Value, json};

use self::net::Net;
use crate::kill::free_port;
use crate::support::World;

const S2S_SECRET: &str = "canary-s2s-secret-Q7fK2mWx";
const STORED_SECRET: &str = "canary-stored-secret-Zt41bbRy";
const USER_SECRET: &str = "canary-user-secret-Lp0vXcNe";
const WEBHOOK_SECRET: &str = "canary-webhook-secret-Hs83dTjA";
const BREVO_KEY: &str = "canary-brevo-key-Vw55gQoU";
const WRONG_SECRET: &str = "canary-wrong-secret-Ek92yPzB";
const DATABASE_PASSWORD: &str = "canary-database-password-Mn66";
const CODE: &str = "canary-authorization-code-Jb17rDs";
const STATE: &str = "canary-state-Xo38uFh";
/// The vault's key, as an operator writes it.
const KEY: &str = "9f3c5b1e7a2d48606b8e0c4fd17390a5c2e86d1b4f7a93508e2c6d0b1f4a7395";

/// The apps of the simulated marketplace, with the canaries as their secrets.
fn apps() -> Vec<App> {
    let mut apps = App::defaults();
    S2S_SECRET.clone_into(&mut apps[0].client_secret);
    USER_SECRET.clone_into(&mut apps[1].client_secret);
    for app in &mut apps {
        WEBHOOK_SECRET.clone_into(&mut app.secret_token);
        app.redirects.push("https://parfocal.example/".to_owned());
    }
    let stored = App {
        name: "Another".to_owned(),
        client_id: "simulator-stored".to_owned(),
        client_secret: STORED_SECRET.to_owned(),
        ..apps[0].clone()
    };
    apps.push(stored);
    apps
}

/// The server, with its logs at their loudest in files.
struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(world: &World) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let log = |name: &str| {
            let file = File::options()
                .create(true)
                .append(true)
                .open(world.path(name));
            Stdio::from(file.unwrap())
        };
        let child = world
            .command(&["-vvv", "serve", "--listen", &listen, "--json"])
            .stdout(log("serve.out"))
            .stderr(log("serve.err"))
            .spawn()
            .unwrap();
        Self {
            child,
            base: format!("http://{listen}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Browser {
    http: reqwest::Client,
    server: String,
}

impl Browser {
    async fn ready(&self) {
        eventually("the server's start", async || {
            let ready = self
                .http
                .get(format!("{}/readyz", self.server))
                .send()
                .await;
            ready.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Gets a page, keeps head and body, and gives what it leads to.
    async fn get(
        &self,
        net: &mut Net,
        path: &str,
    ) -> (reqwest::StatusCode, header::HeaderMap, String) {
        let answer = self
            .http
            .get(format!("{}{path}", self.server))
            .send()
            .await
            .unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.unwrap_or_default();
        let mut head = headers.clone();
        // A browser is handed its own login; it is nobody else's to see.
        head.remove(header::SET_COOKIE);
        head.remove(header::LOCATION);
        let place = path.split('?').next().unwrap_or(path);
        net.keep(format!("GET {place}"), format!("{status} {head:?}"));
        net.keep(format!("GET {place}"), body.to_vec());
        (status, headers, String::from_utf8_lossy(&body).into_owned())
    }

    /// Every page that can be reached by links, up to a bound.
    async fn crawl(&self, net: &mut Net) -> usize {
        let mut queue: VecDeque<String> = [
            "/",
            "/connections",
            "/v1/connections",
            "/v1/status",
            "/v1/meetings",
            "/v1/events?limit=200",
            "/v1/jobs?limit=200",
            "/v1/backfills",
            "/v1/search?q=the",
            "/v1/openapi.json",
            "/v1/nothing",
            "/metrics",
            "/healthz",
            "/readyz",
            "/nothing",
        ]
        .map(str::to_owned)
        .into();
        let mut seen = BTreeSet::new();
        while let Some(path) = queue.pop_front() {
            if seen.len() >= 150 || !seen.insert(path.clone()) || path.contains("/stream") {
                continue;
            }
            let (_, _, body) = self.get(net, &path).await;
            for part in body.split("href=\"").skip(1) {
                let link = part
                    .split('"')
                    .next()
                    .unwrap_or_default()
                    .replace("&amp;", "&");
                if link.starts_with('/') && !link.starts_with("//") {
                    queue.push_back(link);
                }
            }
            // Each event and job in full, as the API tells it.
            if let Ok(page) = serde_json::from_str::<Value>(&body) {
                for (list, one) in [("/v1/events", "/v1/events"), ("/v1/jobs", "/v1/jobs")] {
                    let items = page["items"].as_array().filter(|_| path.starts_with(list));
                    for id in items
                        .into_iter()
                        .flatten()
                        .filter_map(|it| it["id"].as_str())
                        .take(20)
                    {
                        queue.push_back(format!("{one}/{id}"));
                    }
                }
            }
        }
        seen.len()
    }
}

/// Every text of these names, anywhere in a JSON value.
fn texts(value: &Value, names: &[&str], out: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(text) = value.as_str().filter(|_| names.contains(&name.as_str())) {
                    out.insert(text.to_owned());
                }
                texts(value, names, out);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| texts(value, names, out)),
        _ => {}
    }
}

async fn control(base: &str, path: &str, body: Option<Value>) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{base}/_sim/{path}");
    let request = match body {
        Some(body) => http.post(url).json(&body),
        None => http.get(url),
    };
    request.send().await.unwrap().json().await.unwrap()
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !so().await {
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn world(base: &str) -> World {
    World::new()
        .env("ZOOM_API_URL", format!("{base}/v2"))
        .env("ZOOM_OAUTH_URL", base)
        .env("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1")
        .env("ZOOM_ACCOUNT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_ID", "simulator")
        .env("ZOOM_S2S_CLIENT_SECRET", S2S_SECRET)
        .env("ZOOM_CLIENT_ID", "simulator-user")
        .env("ZOOM_CLIENT_SECRET", USER_SECRET)
        .env(
            "ZOOM_REDIRECT_URI",
            "https://parfocal.example/oauth/zoom/callback",
        )
        .env("ZOOM_WEBHOOK_SECRET_TOKEN", WEBHOOK_SECRET)
        .env("TOKEN_ENCRYPTION_KEY", KEY)
        .env("BREVO_API_KEY", BREVO_KEY)
        .env("PARFOCAL_LIMITS__PLAN", "off")
        .file("stored-secret", STORED_SECRET)
        .file("wrong-secret", WRONG_SECRET)
}

/// Runs commands and keeps all they say.
fn commands(world: &World, net: &mut Net, list: &[&[&str]]) {
    for arguments in list {
        let said = world.run(arguments);
        net.keep(format!("{arguments:?} (output)"), said.stdout);
        net.keep(format!("{arguments:?} (errors)"), said.stderr);
    }
}

/// A user connects by browser; then a stranger tries with codes of his own.
async fn connect_user(browser: &Browser, net: &mut Net) {
    let host = "parfocal.example";
    let ask = |path: String| {
        browser
            .http
            .get(format!("{}{path}", browser.server))
            .header("host", host)
    };
    let begun = ask("/oauth/zoom/install".to_owned()).send().await.unwrap();
    let location = |answer: &reqwest::Response| {
        let text = answer.headers().get("location");
        text.and_then(|text| text.to_str().ok()).map(str::to_owned)
    };
    let to = location(&begun).unwrap_or_else(|| panic!("no consent page: {begun:?}"));
    let cookies: Vec<String> = begun
        .headers()
        .get_all("set-cookie")
        .iter()
        .filter_map(|text| text.to_str().ok()?.split(';').next().map(str::to_owned))
        .collect();
    let mut consent: url::Url = to.parse().unwrap();
    consent
        .query_pairs_mut()
        .append_pair("sim_consent", "allow");
    let agreed = browser.http.get(consent).send().await.unwrap();
    let back: url::Url = location(&agreed).unwrap().parse().unwrap();
    let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
    for turn in ["first", "again"] {
        // The second time the code and the login are used up.
        let done = ask(path.clone())
            .header("cookie", cookies.join("; "))
            .send()
            .await
            .unwrap();
        let said = format!("{} {:?}", done.status(), done.headers());
        net.keep(format!("callback, {turn}"), said);
        net.keep(
            format!("callback, {turn}"),
            done.bytes().await.unwrap().to_vec(),
        );
    }
    let forged = format!("/oauth/zoom/callback?code={CODE}&state={STATE}");
    let done = ask(forged).send().await.unwrap();
    net.keep("callback, forged", done.bytes().await.unwrap().to_vec());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_ever_written_anywhere() {
    let simulator = Simulator::start(Config {
        limits: Limits::Off,
        apps: apps(),
        access_life_secs: 20,
        ..Config::default()
    })
    .await
    .unwrap();
    let base = simulator.base_url().to_owned();
    let world = world(&base);
    let mut net = Net::default();
    let server = Server::start(&world);
    let browser = Browser {
        http: reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap(),
        server: server.base.clone(),
    };
    browser.ready().await;
    // No core file can ever hold them either.
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.child.id()));
    if let Ok(limits) = limits {
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let soft = line.and_then(|line| line.split_whitespace().nth(4));
        assert_eq!(soft, Some("0"), "{limits}");
    }

    let webhooks = format!("{}/webhooks/zoom", server.base);
    let order = json!({ "url": webhooks, "events": ["*"], "secret_token": WEBHOOK_SECRET });
    let made = control(&base, "subscriptions", Some(order)).await;
    assert_eq!(made["validated"], true, "{made}");
    let stored = [
        "connect",
        "s2s",
        "--name",
        "stored",
        "--account-id",
        "simulator",
        "--client-id",
        "simulator-stored",
        "--client-secret-file",
        "stored-secret",
        "--json",
    ];
    let wrong = [
        "connect",
        "s2s",
        "--account-id",
        "simulator",
        "--client-id",
        "simulator-stored",
        "--client-secret-file",
        "wrong-secret",
    ];
    world.run(&stored).exits(0);
    commands(
        &world,
        &mut net,
        &[&stored, &wrong, &["-vvv", "connections", "check", "stored"]],
    );
    connect_user(&browser, &mut net).await;
    world
        .run(&["backfill", "start", "--detach", "--json"])
        .exits(0);
    control(&base, "live", Some(json!({ "jump": true }))).await;
    eventually("the backfill's end", async || {
        let status = world.run(&["status", "--json"]).json();
        status["store"]["transcripts"]
            .as_u64()
            .is_some_and(|count| count > 10)
    })
    .await;

    // Refusals in Zoom's words, which like to repeat what was sent.
    let echo = json!({ "kind": "answer", "path": "/oauth/token", "status": 400, "times": 6, "body": {
        "reason": "Invalid secret {client_secret}", "error": "invalid_client" } });
    control(&base, "faults", Some(echo)).await;
    commands(
        &world,
        &mut net,
        &[
            &["-vvv", "connections", "check", "stored", "--json"],
            &["-vvv", "connections", "check", "env"],
        ],
    );
    let every: &[&[&str]] = &[
        &["connections", "list", "--json"],
        &["connections", "show", "env", "--json"],
        &["connections", "show", "stored"],
        &["config", "check", "--json"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["-vvv", "doctor", "--json"],
        &["doctor"],
        &["-vvv", "status", "--json"],
        &["status"],
        &["events", "list", "--json", "--limit", "500"],
        &["jobs", "list", "--json", "--limit", "500"],
        &["meetings", "list", "--json"],
        &["recordings", "list", "--json"],
        &["-vvv", "search", "the", "--json"],
        &["backfill", "status", "--json"],
        &["-vvv", "vault", "rotate", "--json"],
        &["nonsense", S2S_SECRET.get(..3).unwrap_or_default()],
    ];
    commands(&world, &mut net, every);
    let pages = browser.crawl(&mut net).await;

    // A database that cannot be reached, and one that can, each with a password in its address.
    let unreachable = format!("postgres://user:{DATABASE_PASSWORD}@127.0.0.1:9/nothing");
    let elsewhere = self::world(&base).env("DATABASE_URL", unreachable);
    let short: &[&[&str]] = &[
        &["-vvv", "status", "--json"],
        &["doctor"],
        &["config", "show", "--json"],
        &["serve", "--listen", "127.0.0.1:0"],
    ];
    commands(&elsewhere, &mut net, short);
    if let Some(url) = crate::postgres::database("canary") {
        // The test server trusts every password.
        let (scheme, rest) = url.split_once("://").unwrap();
        let (user, place) = rest.split_once('@').unwrap_or(("postgres", rest));
        let user = user.split(':').next().unwrap_or(user);
        let url = format!("{scheme}://{user}:{DATABASE_PASSWORD}@{place}");
        let elsewhere = self::world(&base).env("DATABASE_URL", url);
        commands(&elsewhere, &mut net, &short[..3]);
    }

    // What Zoom gave us on the way.
    let mut secrets: BTreeMap<String, &str> = BTreeMap::new();
    let given = control(&base, "secrets", None).await;
    for secret in given.as_array().unwrap() {
        secrets.insert(
            secret.as_str().unwrap().to_owned(),
            "a token or code that Zoom gave",
        );
    }
    let tokens = secrets.len();
    let mut passcodes = BTreeSet::new();
    let deliveries = control(&base, "deliveries", None).await;
    let hidden = ["download_token", "download_access_token"];
    texts(&deliveries, &hidden, &mut passcodes);
    let completed = deliveries.as_array().unwrap().iter().filter(|one| {
        let event = one["event"].as_str().unwrap_or_default();
        event.starts_with("recording.")
    });
    for delivery in completed {
        texts(
            &delivery["body"],
            &["password", "recording_play_passcode"],
            &mut passcodes,
        );
    }
    passcodes.retain(|text| text.len() >= 6);
    assert!(passcodes.len() >= 3, "{passcodes:?}");
    for secret in passcodes {
        secrets.insert(secret, "a recording's passcode or a download token");
    }
    for (secret, what) in [
        (S2S_SECRET, "the server-to-server secret"),
        (STORED_SECRET, "the stored client secret"),
        (USER_SECRET, "the user app's secret"),
        (WEBHOOK_SECRET, "the webhook secret"),
        (BREVO_KEY, "the Brevo key"),
        (WRONG_SECRET, "a mistyped secret"),
        (DATABASE_PASSWORD, "the database's password"),
        (CODE, "a forged code"),
        (STATE, "a forged state"),
        (KEY, "the vault's key"),
    ] {
        secrets.insert(secret.to_owned(), what);
    }
    drop(server);
    let own = ["stored-secret", "wrong-secret"];
    net.folder(&world.path("."), &own);
    let sources: BTreeSet<&String> = net.caught.iter().map(|(source, _)| source).collect();
    let bytes: usize = net.caught.iter().map(|(_, bytes)| bytes.len()).sum();
    println!(
        "{} secrets ({tokens} tokens and codes) looked for in {} places, {bytes} bytes, {pages} pages",
        secrets.len(),
        sources.len()
    );
    assert!(tokens >= 5 && pages >= 20, "{tokens} tokens, {pages} pages");

    // The net itself holds: what is no secret is found in it.
    let known = net.find(["simulator-stored", "simulator-user"]);
    assert!(known.len() > 2, "{known:?}");
    assert!(
        net.caught
            .iter()
            .any(|(source, _)| source == "file serve.err")
    );
    let leaks: BTreeSet<String> = net
        .find(secrets.keys().map(String::as_str))
        .into_iter()
        .map(|(secret, place)| format!("{} in {place}", secrets[secret]))
        .collect();
    let leaks: Vec<String> = leaks.into_iter().collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    simulator.shutdown().await;
}

//! A simulator with a client that checks every answer against the reference's field names.

use std::time::Duration;

use parfocal_simulator::{Config, Limits, Simulator};
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

use crate::schema;

/// Now, in tests.
pub(crate) const NOW: &str = "2026-11-20T12:00:00Z";

/// A running simulator, a client and a token.
pub(crate) struct Sim {
    pub(crate) server: Simulator,
    pub(crate) http: Client,
    pub(crate) token: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// HTTP status and Zoom's code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, i64) {
        (
            self.status.as_u16(),
            self.json()["code"].as_i64().unwrap_or(0),
        )
    }
}

/// A standing clock, no limits, the built-in account.
pub(crate) fn config() -> Config {
    Config {
        base_time: Some(NOW.parse().unwrap()),
        speed: 0.0,
        limits: Limits::Off,
        ..Config::default()
    }
}

pub(crate) fn client() -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .no_proxy()
        .build()
        .unwrap()
}

pub(crate) async fn read(request: RequestBuilder) -> Got {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    Got {
        status,
        headers,
        bytes: answer.bytes().await.unwrap().to_vec(),
    }
}

/// Starts the usual simulator and gets a server-to-server token.
pub(crate) async fn start() -> Sim {
    start_with(config()).await
}

pub(crate) async fn start_with(config: Config) -> Sim {
    let server = Simulator::start(config).await.unwrap();
    let http = client();
    let mut sim = Sim {
        server,
        http,
        token: String::new(),
    };
    sim.token = sim.s2s().await;
    sim
}

impl Sim {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.base_url())
    }

    pub(crate) async fn s2s(&self) -> String {
        let got = self
            .token_call(
                Some(("simulator", "simulator")),
                &[
                    ("grant_type", "account_credentials"),
                    ("account_id", "simulator"),
                ],
            )
            .await;
        got.json()["access_token"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) async fn token_call(
        &self,
        basic: Option<(&str, &str)>,
        form: &[(&str, &str)],
    ) -> Got {
        let mut request = self.http.post(self.url("/oauth/token")).form(form);
        if let Some((id, secret)) = basic {
            request = request.basic_auth(id, Some(secret));
        }
        read(request).await
    }

    /// A token of the user app for one user.
    pub(crate) async fn user_token(&self, email: &str) -> String {
        let redirect = "https://app.example/callback";
        let got = read(self.http.get(self.url("/oauth/authorize")).query(&[
            ("response_type", "code"),
            ("client_id", "simulator-user"),
            ("redirect_uri", redirect),
            ("sim_consent", "allow"),
            ("sim_user", email),
        ]))
        .await;
        let location = got.header("location").unwrap().to_owned();
        let code = location
            .split("code=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap()
            .to_owned();
        let got = self
            .token_call(
                Some(("simulator-user", "simulator-user-secret")),
                &[
                    ("grant_type", "authorization_code"),
                    ("code", &code),
                    ("redirect_uri", redirect),
                ],
            )
            .await;
        got.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A REST call whose JSON answer must hold known fields only.
    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Got {
        let mut request = self
            .http
            .request(method.clone(), self.url(&format!("/v2{path}")))
            .bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let got = read(request).await;
        assert!(got.header("x-zm-trackingid").is_some());
        if got.status == StatusCode::NO_CONTENT {
            assert!(got.bytes.is_empty());
            assert!(got.header("content-type").is_none());
        } else if !got.bytes.is_empty() {
            schema::check(method.as_str(), path, got.status.as_u16(), &got.json());
        }
        got
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.call_as(&self.token, Method::GET, path, None).await
    }

    /// A read that must succeed.
    pub(crate) async fn ok(&self, path: &str) -> Value {
        let got = self.get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        got.json()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Got {
        self.call_as(&self.token, method, path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.call_as(&self.token, Method::DELETE, path, None).await
    }

    /// A control call that must succeed.
    pub(crate) async fn sim(&self, path: &str) -> Value {
        let got = read(self.http.get(self.url(&format!("/_sim{path}")))).await;
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()
    }

    pub(crate) async fn sim_post(&self, path: &str, body: Value) -> Value {
        let got = read(
            self.http
                .post(self.url(&format!("/_sim{path}")))
                .json(&body),
        )
        .await;
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()
    }

    pub(crate) async fn advance(&self, seconds: i64) {
        self.sim_post("/clock", json!({ "advance_ms": seconds * 1000 }))
            .await;
    }

    /// All rows of a list, following page tokens.
    pub(crate) async fn all(&self, path: &str, item: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut next = String::new();
        loop {
            let joiner = if path.contains('?') { '&' } else { '?' };
            let page = self
                .ok(&format!(
                    "{path}{joiner}page_size=300&next_page_token={next}"
                ))
                .await;
            rows.extend(page[item].as_array().unwrap().iter().cloned());
            page["next_page_token"]
                .as_str()
                .unwrap()
                .clone_into(&mut next);
            if next.is_empty() {
                return rows;
            }
        }
    }

    /// Ids of the active users.
    pub(crate) async fn user_ids(&self) -> Vec<String> {
        self.all("/users", "users")
            .await
            .iter()
            .map(|user| user["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Every recording of the last six months: rows of the lists.
    pub(crate) async fn recordings(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for id in self.user_ids().await {
            for (from, to) in windows() {
                rows.extend(
                    self.all(
                        &format!("/users/{id}/recordings?from={from}&to={to}"),
                        "meetings",
                    )
                    .await,
                );
            }
        }
        rows
    }

    /// Every reported instance of the last six months.
    pub(crate) async fn history(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for (from, to) in windows() {
            rows.extend(
                self.all(
                    &format!("/report/history_meetings?from={from}&to={to}"),
                    "history_meetings",
                )
                .await,
            );
        }
        rows
    }
}

/// Windows of 30 days over the 180 days before now.
pub(crate) fn windows() -> Vec<(String, String)> {
    use jiff::ToSpan as _;
    let today: jiff::civil::Date = NOW[..10].parse().unwrap();
    let mut first = today - 180.days();
    let mut out = Vec::new();
    while first <= today {
        let last = (first + 29.days()).min(today);
        out.push((first.to_string(), last.to_string()));
        first = last + 1.day();
    }
    out
}

/// A UUID for a path, encoded once or twice.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

pub(crate) fn twice(uuid: &str) -> String {
    encode(&encode(uuid))
}

//! A server of its own for each test, and Zoom's hand on its door.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use parfocal_engine::App;
use parfocal_engine::config::{Config, Secret};
use parfocal_server::{Metrics, Server};
use reqwest::header::HeaderMap;
use serde_json::Value;
use sha2::Sha256;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const SECRET: &str = "secret-token-of-the-app";

/// A running server.
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
    _directory: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}"))
            .to_str()
            .unwrap()
    }

    /// The answer is a problem with this code.
    #[track_caller]
    pub(crate) fn problem(&self, code: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert_eq!(problem["type"], format!("urn:parfocal:problem:{code}"));
        problem
    }
}

impl Site {
    /// A server whose webhooks are signed with [`SECRET`].
    pub(crate) async fn start() -> Self {
        Self::with(|config| config.zoom.webhook_secret_token = vec![Secret::new(SECRET)]).await
    }

    /// A server with changes to its configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.data.dir = directory.path().to_owned();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.server.shutdown_seconds = 2;
        change(&mut config);
        let app = App::open(config).await.unwrap();
        let server = Server::bind(app.clone(), Some(Metrics::install()))
            .await
            .unwrap();
        let url = format!("http://{}", server.address());
        let stop = CancellationToken::new();
        let until = stop.clone();
        let task = tokio::spawn(async move { server.run(until).await.unwrap() });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            app,
            url,
            client,
            stop,
            task,
            _directory: directory,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(
            self.client
                .get(format!("{}{path}", self.url))
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// A page as a browser asks for it.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        let request = self
            .client
            .get(format!("{}{path}", self.url))
            .header("accept", "text/html,*/*;q=0.8");
        Answer::of(request.send().await.unwrap()).await
    }

    /// A delivery signed by Zoom now.
    pub(crate) async fn deliver(&self, body: &str) -> Answer {
        self.deliver_at("/webhooks/zoom", body, SignedDuration::ZERO)
            .await
    }

    /// A delivery to an address, signed a while ago (or ahead).
    pub(crate) async fn deliver_at(&self, path: &str, body: &str, ago: SignedDuration) -> Answer {
        let at = (Timestamp::now() - ago).as_second().to_string();
        self.post(
            path,
            body.to_owned(),
            Some(&at),
            Some(&sign(SECRET, &at, body)),
        )
        .await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        body: String,
        at: Option<&str>,
        signature: Option<&str>,
    ) -> Answer {
        let mut request = self.client.post(format!("{}{path}", self.url)).body(body);
        if let Some(at) = at {
            request = request.header("x-zm-request-timestamp", at);
        }
        if let Some(signature) = signature {
            request = request.header("x-zm-signature", signature);
        }
        Answer::of(
            request
                .header("content-type", "application/json")
                .send()
                .await
                .unwrap(),
        )
        .await
    }
}

/// Zoom's signature, made here and not by the code under test.
pub(crate) fn sign(secret: &str, at: &str, body: &str) -> String {
    format!("v0={}", hmac(secret, &format!("v0:{at}:{body}")))
}

pub(crate) fn hmac(secret: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// An event that no connection waits for, told apart by a number.
pub(crate) fn event(number: u64) -> String {
    format!(
        r#"{{"event":"meeting.started","event_ts":1763790000000,"payload":{{"account_id":"acc","object":{{"id":"{}","uuid":"abc==","topic":"t"}}}}}}"#,
        90_000_000_000 + number
    )
}

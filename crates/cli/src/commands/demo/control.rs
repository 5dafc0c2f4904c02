//! The demo's hand on the simulator: its control calls.

use std::time::Duration;

use reqwest::{Client, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::knowable::Knowable;
use crate::failure::{Context as _, Failure};

/// Longest time for one control call; a whole live meeting is one of them.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A client of the simulator's control calls.
pub(super) struct Control {
    client: Client,
    base: String,
}

/// A meeting that was played.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Live {
    pub(super) uuid: String,
    pub(super) topic: String,
    pub(super) transcript_cues: u64,
    pub(super) chat_messages: u64,
}

#[derive(Deserialize)]
struct Subscribed {
    validated: bool,
    #[serde(default)]
    reason: Option<String>,
}

impl Control {
    /// A client for the simulator at an address.
    pub(super) fn new(base: &str) -> Result<Self, Failure> {
        let client = Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()
            .doing("http_client", "the HTTP client could not be made")?;
        Ok(Self {
            client,
            base: base.to_owned(),
        })
    }

    /// Subscribes an address to all events; the simulator challenges it at once.
    pub(super) async fn subscribe(&self, url: &str) -> Result<(), Failure> {
        let answer: Subscribed = self
            .call(
                Method::POST,
                "subscriptions",
                Some(json!({"url": url, "events": ["*"]})),
            )
            .await?;
        if answer.validated {
            return Ok(());
        }
        Err(Failure::failed(
            "webhook_challenge",
            format!("{url} did not pass the challenge"),
        )
        .detail(answer.reason.unwrap_or_default()))
    }

    /// Tells the simulated client where an app's home page is; the address of the client's window.
    pub(super) async fn open_app(&self, client_id: &str, home: &str) -> Result<String, Failure> {
        let order = json!({"client_id": client_id, "home_url": home});
        let _: Value = self.call(Method::POST, "zoomapp", Some(order)).await?;
        Ok(format!("{}/zoomapp?client_id={client_id}", self.base))
    }

    /// Plays a whole meeting, moving the clock instead of waiting.
    pub(super) async fn play(&self) -> Result<Live, Failure> {
        self.call(Method::POST, "live", Some(json!({"jump": true})))
            .await
    }

    /// What an ideal client could know since a day, hearing all events.
    pub(super) async fn knowable(&self, since: &str) -> Result<Knowable, Failure> {
        self.call(
            Method::GET,
            &format!("knowable?events=all&since={since}"),
            None,
        )
        .await
    }

    /// How often a rate limit was broken.
    pub(super) async fn violations(&self) -> Result<(u64, Vec<Value>), Failure> {
        #[derive(Deserialize)]
        struct Answer {
            count: u64,
            violations: Vec<Value>,
        }
        let answer: Answer = self.call(Method::GET, "violations", None).await?;
        Ok((answer.count, answer.violations))
    }

    /// How many REST calls were made, downloads apart.
    pub(super) async fn calls(&self) -> Result<u64, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            total: u64,
        }
        let answer: Answer = self.call(Method::GET, "calls", None).await?;
        Ok(answer.total)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, Failure> {
        let url = format!("{}/_sim/{path}", self.base);
        let mut request = self.client.request(method, &url);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let what = format!("the simulator's control call {path}");
        let response = request.send().await.doing("simulator", &what)?;
        let status = response.status();
        let bytes = response.bytes().await.doing("simulator", &what)?;
        if !status.is_success() {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            return Err(
                Failure::failed("simulator", format!("{what} answered {status}")).detail(text),
            );
        }
        serde_json::from_slice(&bytes).doing("simulator", &what)
    }
}

//! HTTP to calendars: one client for each, answers of bounded size, failures in the words of the application.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use url::{Host, Url};

use crate::clock::Clock;
use crate::error::{Code, EngineError, Result};

/// Largest answer that is read, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Pause that is proposed when a calendar is busy and does not say for how long.
const PAUSE: SignedDuration = SignedDuration::from_secs(15);
/// Pause after a quota of the day is spent.
const LONG_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Whether an address is on this machine.
pub(super) fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Reads an address that credentials may go to: HTTPS, or this machine.
///
/// # Errors
/// `invalid_input` for anything else.
pub(super) fn address(text: &str) -> Result<Url> {
    let url: Url = text
        .parse()
        .map_err(|_| EngineError::invalid(format!("{text:?} is no address")))?;
    if url.scheme() == "https" || (url.scheme() == "http" && is_near(&url)) {
        return Ok(url);
    }
    Err(EngineError::invalid(format!(
        "{url} is not HTTPS, and credentials go there"
    )))
}

/// A client for one calendar.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client,
    clock: Clock,
    system: &'static str,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Got {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; null when it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Http {
    /// A client for the system of this name at an address.
    pub(super) fn new(system: &'static str, clock: &Clock, at: &Url) -> Result<Self> {
        let mut builder = Client::builder()
            .user_agent(concat!("parfocal/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(30))
            // An answer that sends elsewhere would carry the credentials along.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        if is_near(at) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            EngineError::new(
                Code::Internal,
                "the client for calendars could not be built",
            )
            .with_source(error)
        })?;
        Ok(Self {
            client,
            clock: clock.clone(),
            system,
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends a request; whatever status comes back is an answer.
    ///
    /// # Errors
    /// `calendar_unavailable` when no whole answer came: what was asked for may have happened.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Got> {
        let lost = |error: reqwest::Error| {
            let error = error.without_url();
            EngineError::new(
                Code::CalendarUnavailable,
                format!("{} did not answer: {error}", self.system),
            )
            .with_source(error)
        };
        let mut answer = request.send().await.map_err(lost)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(EngineError::new(
                    Code::CalendarRefused,
                    format!("{} answered with more than 16 MiB", self.system),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Got {
            status,
            headers,
            body: body.freeze(),
        })
    }

    /// The failure that an answer tells.
    pub(super) fn refusal(&self, doing: &str, got: &Got) -> EngineError {
        let (word, message) = words(&got.json());
        let now = self.now();
        let busy = matches!(got.status, 408 | 423 | 425 | 429 | 500..=599)
            || matches!(word.as_str(), "rateLimitExceeded" | "userRateLimitExceeded");
        let spent = matches!(word.as_str(), "quotaExceeded" | "dailyLimitExceeded");
        let told = format!(
            "{} refused {doing}: HTTP {}{}{}",
            self.system,
            got.status,
            if word.is_empty() { "" } else { " " },
            if message.is_empty() {
                word
            } else {
                format!("{word} ({message})")
            },
        );
        if busy || spent {
            let pause = got
                .header("retry-after")
                .and_then(|text| text.trim().parse::<i64>().ok())
                .map_or(if spent { LONG_PAUSE } else { PAUSE }, |seconds| {
                    SignedDuration::from_secs(seconds.clamp(1, 86_400))
                });
            return EngineError::new(Code::CalendarUnavailable, told)
                .with_retry_at(now.checked_add(pause).ok());
        }
        EngineError::new(Code::CalendarRefused, told)
    }
}

/// The reason and the message of a refusal, in whichever form: Google's, Graph's, OAuth's. Bounded.
fn words(body: &Value) -> (String, String) {
    let error = &body["error"];
    let word = error["errors"][0]["reason"]
        .as_str()
        .or_else(|| error["code"].as_str())
        .or_else(|| error.as_str())
        .unwrap_or("");
    let message = error["message"]
        .as_str()
        .or_else(|| body["error_description"].as_str())
        .unwrap_or("");
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(300).collect();
    (short(word), short(message))
}

//! What the hub is told and what it shows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that happened, ready to be delivered.
#[derive(Clone, Debug)]
pub struct Event {
    /// Zoom's name, such as `meeting.started`.
    pub name: &'static str,
    /// When (becomes `event_ts`).
    pub at: Timestamp,
    /// Host or user it belongs to; user-managed subscriptions see only theirs.
    pub user_id: Option<String>,
    /// The `payload` object.
    pub payload: Value,
    /// Top-level `download_token` of events with files.
    pub download_token: Option<String>,
}

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
pub struct NewSubscription {
    /// Where events are posted.
    pub url: String,
    /// Event names, or `*`; empty means `*`.
    pub events: Vec<String>,
    /// Key of the signature; the hub's default when none.
    pub secret_token: Option<String>,
    /// Client id of the app, sent in the `clientid` header; the hub's default when none.
    pub client_id: Option<String>,
    /// Name shown to people.
    pub name: String,
    /// Only events of these users (empty: the whole account).
    pub user_ids: Vec<String>,
}

/// A subscription as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Subscription {
    /// 22-character id.
    pub id: String,
    /// Where events are posted.
    pub url: String,
    /// Event names, or `*`.
    pub events: Vec<String>,
    /// Client id of the app.
    pub client_id: String,
    /// Name shown to people.
    pub name: String,
    /// Only events of these users (empty: the whole account).
    pub user_ids: Vec<String>,
    /// The last challenge was answered; only then events are sent.
    pub validated: bool,
    /// Six challenges in a row failed: silent until validated again.
    pub disabled: bool,
    /// Challenges failed in a row.
    pub failures: u32,
    /// Why the last challenge failed.
    pub reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the next challenge is due.
    pub next_validation: Timestamp,
    /// Key of the signature.
    #[serde(skip)]
    pub secret_token: String,
}

impl Subscription {
    /// Whether an event of this name and user is sent to it.
    #[must_use]
    pub fn wants(&self, name: &str, user_id: Option<&str>) -> bool {
        let named = self
            .events
            .iter()
            .any(|event| event == "*" || event == name);
        let scoped = self.user_ids.is_empty()
            || user_id.is_none_or(|user| self.user_ids.iter().any(|other| other == user));
        named && scoped
    }
}

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waits for its first or next attempt.
    Pending,
    /// Answered with 2xx.
    Delivered,
    /// Refused (3xx, 4xx) or out of retries.
    Lost,
    /// Never sent, on request.
    Dropped,
}

/// One try.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// Status answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One event on its way to one subscription.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// Number of the delivery, growing.
    pub id: u64,
    /// Subscription.
    pub subscription: String,
    /// Event name.
    pub event: &'static str,
    /// Milliseconds.
    pub event_ts: i64,
    /// Where it goes.
    pub url: String,
    /// Tries so far.
    pub attempts: Vec<Attempt>,
    /// State.
    pub state: DeliveryState,
    /// When the next try is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Timestamp>,
    /// Exact body.
    #[serde(serialize_with = "as_text")]
    pub body: std::sync::Arc<str>,
}

fn as_text<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// What goes wrong on request; probabilities between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// An event is delivered twice.
    pub duplicate: f64,
    /// An event is never sent.
    pub drop: f64,
    /// An event is sent after the one that follows it.
    pub reorder: f64,
    /// Every first attempt waits so many simulated milliseconds.
    pub delay_ms: u64,
}

/// Why the hub refuses.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// No such subscription.
    #[error("no such subscription: {0}")]
    UnknownSubscription(String),
    /// No such delivery (or forgotten: only the latest are kept).
    #[error("no such delivery: {0}")]
    UnknownDelivery(u64),
    /// An app may have 20.
    #[error("an app can have at most 20 subscriptions")]
    TooMany,
    /// Not an http or https address.
    #[error("not an http or https address: {0}")]
    Url(String),
    /// The HTTP client could not be built.
    #[error("cannot build the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

//! Events for any other system, in the format of Standard Webhooks (<https://www.standardwebhooks.com>).
//!
//! A message's `webhook-id` is the delivery's, the same at every try and replay; its signature is over id, time of the try and
//! body, with each secret that is valid. 2xx is arrival. 410 stops the endpoint. 400, 413, 415 and 422 are said of the message;
//! everything else, redirects among it, of the endpoint.

pub(crate) mod sign;

mod reach;

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use parfocal_store::DestinationRow;
use reqwest::Client;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::model::{Again, Checked, Delivery, LanedEvent, Outcome, Planned, Reports, Said, Takes};
use super::{Destination, secret};
use crate::App;
use crate::clock::{Chance, Clock};
use crate::error::{Code, EngineError, Result};
use crate::told::{self, Told};

/// The kind.
pub(super) const KIND: &str = "webhook";
/// Largest body that is sent, in bytes; what is larger is told without its data, which can be fetched.
const MOST_BYTES: usize = 20_000;
/// Most of an answer that is read, in bytes.
const MOST_ANSWER: usize = 2_000;
/// Messages under way at once, each of another meeting.
const AT_ONCE: usize = 8;
/// How long an endpoint may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest pause that an endpoint may ask for.
const LONGEST_PAUSE: i64 = 24 * 60 * 60;

/// Where events go, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// The address that is posted to.
    #[schemars(with = "String", extend("format" = "uri"))]
    pub url: Url,
    /// Which types of event; `meeting.*` stands for all that begin so. Empty: all.
    #[serde(default)]
    pub types: Vec<String>,
    /// Whether the address may be in a private network, and without TLS.
    #[serde(default)]
    pub private_networks: bool,
}

impl WebhookConfig {
    /// Reads a configuration and refuses what cannot be used.
    ///
    /// # Errors
    /// `invalid_input` with the field and the reason.
    pub fn read(config: &Value) -> Result<Self> {
        let read: Self = serde_path_to_error::deserialize(config).map_err(|error| {
            EngineError::invalid(format!("the webhook's configuration: {error}"))
        })?;
        reach::check(&read.url, read.private_networks)?;
        for wanted in &read.types {
            let plain = wanted.strip_suffix(".*").unwrap_or(wanted);
            let fits = !plain.is_empty()
                && plain.chars().all(|c| {
                    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_')
                });
            if !fits {
                return Err(
                    EngineError::invalid(format!("{wanted:?} is no type of event")).with_hint(
                        "Types are such as meeting.ended, or meeting.* for all that begin so.",
                    ),
                );
            }
        }
        Ok(read)
    }

    fn wants(&self, event: &str) -> bool {
        self.types.is_empty()
            || self
                .types
                .iter()
                .any(|wanted| match wanted.strip_suffix('*') {
                    Some(beginning) => event.starts_with(beginning),
                    None => wanted == event,
                })
    }
}

/// The secrets of an endpoint as they lie in the vault.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The one that holds.
    pub(super) current: String,
    /// The one before, and until when it signs as well.
    pub(super) previous: Option<(String, Timestamp)>,
}

impl Kept {
    pub(super) fn new(chance: &Chance) -> Self {
        Self {
            current: sign::secret(&chance.bytes()),
            previous: None,
        }
    }

    /// Another secret, while this one goes on signing until then.
    pub(super) fn rotated(self, chance: &Chance, until: Timestamp) -> Self {
        Self {
            current: sign::secret(&chance.bytes()),
            previous: Some((self.current, until)),
        }
    }
}

/// One endpoint.
pub(super) struct Webhook {
    name: String,
    config: WebhookConfig,
    keys: Vec<(Zeroizing<Vec<u8>>, Option<Timestamp>)>,
    client: Client,
    clock: Clock,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("name", &self.name)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Makes an endpoint from its row.
pub(super) async fn open(app: &App, row: &DestinationRow) -> Result<Webhook> {
    let config = WebhookConfig::read(&row.config)?;
    let kept = secret(app, row.id).await?.ok_or_else(|| {
        EngineError::new(Code::ConfigInvalid, format!("{} has no secret", row.name))
            .with_hint("`parfocal destination rotate NAME` makes one.")
    })?;
    let kept: Kept = serde_json::from_str(kept.expose_secret()).map_err(|_| {
        EngineError::new(
            Code::Internal,
            format!("the secret of {} cannot be read", row.name),
        )
    })?;
    let mut keys = vec![(sign::key("the secret", &kept.current)?, None)];
    if let Some((previous, until)) = &kept.previous {
        keys.push((sign::key("the secret before", previous)?, Some(*until)));
    }
    Ok(Webhook {
        name: row.name.clone(),
        client: client(config.private_networks)?,
        config,
        keys,
        clock: app.clock().clone(),
    })
}

fn client(private: bool) -> Result<Client> {
    let mut builder = Client::builder()
        .user_agent(concat!("parfocal/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(PATIENCE)
        // A redirect would lead to an address that nobody looked at, and so would a proxy that resolves names itself.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy();
    if !private {
        builder = builder.dns_resolver(std::sync::Arc::new(reach::PublicOnly));
    }
    builder.build().map_err(|error| {
        EngineError::new(Code::Internal, "the client for webhooks could not be built")
            .with_source(error)
    })
}

/// The message of an event: type, time and data as the specification says, with the version of the data, the event's place in the
/// order of all, and what it is about.
fn body(event: &LanedEvent) -> Value {
    let LanedEvent { event, lane } = event;
    let with = |data: Value| {
        json!({
            "type": event.event_type,
            "timestamp": event.at,
            "version": event.v,
            "sequence": event.seq,
            "subject": event.subject_id,
            "order_key": lane,
            "data": data,
        })
    };
    let whole = with(event.data.clone());
    if whole.to_string().len() <= MOST_BYTES {
        return whole;
    }
    with(
        json!({"left_out": true, "fetch": format!("/v1/domain-events?after={}&limit=1", event.seq - 1)}),
    )
}

impl Destination for Webhook {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn takes(&self) -> Takes {
        Takes::Events
    }

    fn plan_event(&self, event: &LanedEvent) -> Option<Planned> {
        self.config.wants(&event.event.event_type).then(|| Planned {
            key: format!("event/{}", event.event.id),
            kind: KIND,
            rank: 0,
            ord: event.event.seq,
            lane: event.lane.clone(),
            body: body(event),
            again: Again::Never,
            at: Some(event.event.at),
            rule: None,
        })
    }

    fn deliver(&self, batch: Vec<Delivery>, reports: Reports) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            stream::iter(batch)
                .for_each_concurrent(AT_ONCE, |delivery| {
                    let reports = reports.clone();
                    async move {
                        let id = format!("msg_{}", delivery.id);
                        let outcome = self.post(&id, &delivery.body.to_string()).await;
                        reports.tell(delivery.id, outcome);
                    }
                })
                .await;
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<Checked>> {
        Box::pin(async move {
            let now = self.clock.now();
            let test = Told::Test(told::Test {
                message: "A test. Nothing has happened.".to_owned(),
            });
            let message = json!({
                "type": test.name(), "timestamp": now, "version": test.version(), "data": test.data(),
            });
            let id = format!("msg_test_{}", now.as_microsecond());
            Ok(match self.post(&id, &message.to_string()).await {
                Outcome::Done { said, .. } => Checked {
                    ok: true,
                    said,
                    advice: None,
                },
                Outcome::Halt { said, advice, .. } | Outcome::Refused { said, advice } => Checked {
                    ok: false,
                    said,
                    advice: Some(advice),
                },
                Outcome::Retry { said, .. }
                | Outcome::Drop { said, .. }
                | Outcome::Mend { said, .. }
                | Outcome::Taken { said, .. } => Checked {
                    ok: false,
                    said,
                    advice: Some(
                        "Look at the receiver; it has to answer 2xx within 20 seconds.".into(),
                    ),
                },
            })
        })
    }
}

impl Webhook {
    async fn post(&self, id: &str, body: &str) -> Outcome {
        let request = format!("POST {}", self.config.url);
        let now = self.clock.now();
        let keys: Vec<_> = self
            .keys
            .iter()
            .filter(|(_, until)| until.is_none_or(|until| now < until))
            .map(|(key, _)| key.clone())
            .collect();
        let second = now.as_second();
        let sent = self
            .client
            .post(self.config.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", second)
            .header("webhook-signature", sign::sign(&keys, id, second, body))
            .body(body.to_owned())
            .send()
            .await;
        let mut answer = match sent {
            Ok(answer) => answer,
            Err(error) => {
                return Outcome::Retry {
                    after: None,
                    said: Said::text(&chain(&error.without_url())).of(request, None),
                };
            }
        };
        let status = answer.status();
        let after = answer
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.trim().parse::<i64>().ok())
            .map(|seconds| SignedDuration::from_secs(seconds.clamp(1, LONGEST_PAUSE)));
        let mut words = Vec::new();
        while words.len() < MOST_ANSWER {
            match answer.chunk().await {
                Ok(Some(chunk)) => words.extend_from_slice(&chunk[..chunk.len().min(MOST_ANSWER)]),
                // What it said is a courtesy; the status is the answer.
                Ok(None) | Err(_) => break,
            }
        }
        words.truncate(MOST_ANSWER);
        let said =
            Said::text(String::from_utf8_lossy(&words).trim()).of(request, Some(status.as_u16()));
        match status.as_u16() {
            200..300 => Outcome::Done {
                remote_id: None,
                said,
            },
            410 => Outcome::Halt {
                reason: "the receiver says that it is gone for good (410)".into(),
                advice: "Remove the destination, or correct its address and switch it on again.".into(),
                said,
            },
            400 | 413 | 415 | 422 => Outcome::Refused {
                said,
                advice: "The receiver refuses this very message: look into its log for the webhook-id. Retry it once the receiver takes it.".into(),
            },
            _ => Outcome::Retry { after, said },
        }
    }
}

/// The words of an error and of what led to it.
fn chain(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words.push_str(": ");
            words.push_str(&inner_words);
        }
        source = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use parfocal_store::{DomainEvent, DomainEventId};

    use super::*;

    fn event(data: Value) -> LanedEvent {
        LanedEvent {
            event: DomainEvent {
                id: DomainEventId::from(uuid::Uuid::from_u128(7)),
                seq: 12,
                event_type: "meeting.ended".into(),
                v: 1,
                subject_id: "s".into(),
                data,
                at: Timestamp::UNIX_EPOCH,
            },
            lane: "a/1".into(),
        }
    }

    #[test]
    fn large_events_are_told_without_their_data() {
        let small = body(&event(json!({"uuid": "x=="})));
        assert_eq!(small["data"]["uuid"], "x==");
        let large = body(&event(json!({"text": "x".repeat(MOST_BYTES)})));
        assert_eq!(large["data"]["fetch"], "/v1/domain-events?after=11&limit=1");
        assert_eq!(large["sequence"], 12);
    }

    #[test]
    fn types_are_picked_by_name_or_beginning() {
        let config = |types: &[&str]| {
            WebhookConfig::read(&json!({"url": "https://hooks.example.com/", "types": types}))
        };
        assert!(config(&[]).unwrap().wants("meeting.ended"));
        let some = config(&["meeting.*", "transcript.ready"]).unwrap();
        assert!(some.wants("meeting.ended") && some.wants("transcript.ready"));
        assert!(!some.wants("transcript.readying") && !some.wants("meetings.ended"));
        assert!(config(&["*"]).is_err() && config(&["Meeting.ended"]).is_err());
        assert!(WebhookConfig::read(&json!({"url": "https://a.example/", "typos": []})).is_err());
    }
}

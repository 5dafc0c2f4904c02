//! Calls to Brevo: one client, within Brevo's limits, what came back in one form.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{RateAnswer, RateGrant, RateRequest, RateWindow, Store};
use reqwest::{Client, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use url::Url;

use super::settings::{BrevoConfig, BrevoPlan};
use crate::activate::model::Said;
use crate::clock::{Clock, later, span};
use crate::error::{Code, EngineError, Result};

/// Largest answer that is read, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Added to each window, against times that are equal to the microsecond.
const SLACK: Duration = Duration::from_millis(2);
/// How often it is looked again while all slots are in use.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Longest wait for a place; what takes longer is left for later.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often a call that came too fast is made again here.
const TOO_FAST: u32 = 4;
/// Longest pause that a refusal for pace is believed.
const LONGEST_RESET: i64 = 3_600;

/// Endpoints that share a budget at Brevo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Contacts,
    Events,
    Mail,
    Sent,
    Rest,
}

impl Class {
    const fn label(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Events => "events",
            Self::Mail => "mail",
            Self::Sent => "sent",
            Self::Rest => "rest",
        }
    }

    /// Calls in a window, by plan. Mail has a thousand a second there; no more than fifty are wanted here.
    const fn allowance(self, plan: BrevoPlan) -> (u32, Duration) {
        let (quick, rest) = match plan {
            BrevoPlan::General => (10, 100),
            BrevoPlan::Advanced => (20, 200),
            BrevoPlan::Extended => (60, 200),
        };
        match self {
            Self::Contacts | Self::Events => (quick, Duration::from_secs(1)),
            Self::Mail => (50, Duration::from_secs(1)),
            Self::Sent => (2, Duration::from_secs(1)),
            Self::Rest => (rest, Duration::from_hours(1)),
        }
    }
}

/// An answer, whatever it says.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) said: Said,
}

impl Reply {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn code(&self) -> &str {
        self.said.code.as_deref().unwrap_or_default()
    }
}

/// No answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// The call may have been carried out.
    Lost(Said),
    /// It never left, or never arrived.
    NotSent(Said, Option<SignedDuration>),
}

/// Brevo, as one key sees it.
pub(super) struct Api {
    client: Client,
    base: Url,
    key: SecretString,
    plan: BrevoPlan,
    store: Store,
    clock: Clock,
    /// Whose budget it is: everything that uses one key shares it.
    account: String,
    lease: Duration,
    /// Only the first of a line asks the store.
    line: [Mutex<()>; 5],
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("base", &self.base.as_str())
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl Api {
    pub(super) fn new(
        config: &BrevoConfig,
        key: SecretString,
        store: &Store,
        clock: &Clock,
    ) -> Result<Self> {
        let timeout = Duration::from_secs(config.timeout_seconds);
        let mut builder = Client::builder()
            .user_agent(concat!("parfocal/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .timeout(timeout)
            // An answer that sends elsewhere would carry the key along.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        if super::settings::is_near(&config.base_url) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            EngineError::new(Code::Internal, "the client for Brevo could not be built")
                .with_source(error)
        })?;
        let hash = Sha256::digest(key.expose_secret().as_bytes());
        Ok(Self {
            client,
            base: config.base_url.clone(),
            key,
            plan: config.plan,
            store: store.clone(),
            clock: clock.clone(),
            account: format!("brevo/{}", hex::encode(hash.get(..8).unwrap_or(&hash))),
            lease: timeout * 2 + Duration::from_secs(30),
            line: Default::default(),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes a call within the limits. `path` begins with `/` and may have a query.
    ///
    /// # Errors
    /// When no answer came.
    pub(super) async fn call(
        &self,
        class: Class,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> std::result::Result<Reply, Silence> {
        let shown = format!("{method} {}", path.split('?').next().unwrap_or(path));
        let mut refused = 0;
        loop {
            let grant = self.place(class, &shown).await?;
            let answer = self.send(method.clone(), path, &shown, body).await;
            let now = self.clock.fresh();
            if let Err(error) = self.store.rates().release(&grant, now).await {
                tracing::warn!(%error, "a place in the budget was not given back; it comes free by itself");
            }
            let (reply, reset) = answer?;
            if reply.status != 429 {
                return Ok(reply);
            }
            // Somebody else uses the same key: stay away as long as Brevo says, and no call of ours with it.
            refused += 1;
            let seconds = reset.unwrap_or(1 << refused).clamp(1, LONGEST_RESET);
            let until = later(now, Duration::from_secs(seconds.unsigned_abs()));
            let parked = self.store.rates().park(&self.account, class.label(), until);
            if let Err(error) = parked.await {
                tracing::warn!(%error, "the budget was not closed");
            }
            if refused >= TOO_FAST || span(now, until) > PATIENCE {
                return Ok(reply);
            }
        }
    }

    /// A place in the budget, as soon as there is one.
    async fn place(&self, class: Class, shown: &str) -> std::result::Result<RateGrant, Silence> {
        let (capacity, window) = class.allowance(self.plan);
        let windows = [RateWindow {
            label: class.label(),
            capacity,
            window: window + SLACK,
        }];
        let began = self.clock.monotonic();
        let _first = self.line[class as usize].lock().await;
        loop {
            let now = self.clock.fresh();
            let request = RateRequest {
                account: &self.account,
                windows: &windows,
                days: &[],
                host: None,
                now,
                lease: self.lease,
            };
            let not_sent =
                |text: String, after| Silence::NotSent(Said::text(&text).of(shown, None), after);
            match self.store.rates().acquire(&request).await {
                Ok(RateAnswer::Granted(grant)) => return Ok(grant),
                Ok(RateAnswer::Wait { until, parked, .. }) => {
                    let left = span(now, until);
                    let waited = self.clock.monotonic().saturating_sub(began);
                    // A slot in use says when its lease ends, which is long after it is given back.
                    let in_use = !parked && left > window + SLACK;
                    if !in_use && waited + left > PATIENCE {
                        let after = SignedDuration::try_from(left).ok();
                        return Err(not_sent(
                            format!("the budget of {} is used up until {until}", class.label()),
                            after,
                        ));
                    }
                    self.clock
                        .sleep(if in_use { LOOK_AGAIN } else { left })
                        .await;
                }
                Ok(RateAnswer::DaySpent { until, .. }) => {
                    let after = SignedDuration::try_from(span(now, until)).ok();
                    return Err(not_sent("the day's budget is used up".to_owned(), after));
                }
                Err(error) => {
                    return Err(not_sent(
                        format!("the budget cannot be asked: {error}"),
                        None,
                    ));
                }
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        shown: &str,
        body: Option<&Value>,
    ) -> std::result::Result<(Reply, Option<i64>), Silence> {
        let address = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let mut request = self
            .client
            .request(method, address)
            .header("api-key", self.key.expose_secret())
            .header("accept", "application/json");
        if let Some(body) = body {
            request = request.json(body);
        }
        let lost = |error: reqwest::Error| {
            let never = error.is_connect() || error.is_builder();
            let said = Said::text(&format!("no answer: {}", error.without_url())).of(shown, None);
            if never {
                Silence::NotSent(said, None)
            } else {
                Silence::Lost(said)
            }
        };
        let mut answer = request.send().await.map_err(lost)?;
        let status = answer.status().as_u16();
        let reset = answer
            .headers()
            .get("x-sib-ratelimit-reset")
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                let said = Said::text("an answer of more than 16 MiB").of(shown, Some(status));
                return Err(Silence::Lost(said));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let text = match body["message"].as_str() {
            Some(message) => message.to_owned(),
            None if (200..300).contains(&status) => "done".to_owned(),
            None => String::from_utf8_lossy(&bytes).chars().take(300).collect(),
        };
        let mut said = Said::text(&text).of(shown, Some(status));
        said.code = body["code"]
            .as_str()
            .map(|code| code.chars().take(60).collect());
        Ok((Reply { status, body, said }, reset))
    }
}

//! The hub: who listens, and what is on its way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::queue::Inner;
use super::schedule::{FAILURES_TO_DISABLE, REVALIDATION_HOURS};
use super::send::{Request, judge_challenge, post};
use super::types::{Delivery, DeliveryState, HubError, Knobs, NewSubscription, Subscription};
use crate::clock::Clock;
use crate::world::chance::Chance;
use crate::world::ids::short_id;
use crate::world::model::Plan;

/// How the hub is set up.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// Names the choices of the knobs and the challenge tokens.
    pub seed: u64,
    /// Plan of the account: decides which events there are.
    pub plan: Plan,
    /// Client id of subscriptions that name none.
    pub client_id: String,
    /// Secret token of subscriptions that name none.
    pub secret_token: String,
    /// Real time an endpoint has to answer.
    pub timeout: Duration,
    /// Deliveries kept at most, sent ones and pending ones.
    pub capacity: usize,
    /// Sign every retry anew; otherwise retries carry the first try's time (what Zoom does is unverified).
    pub fresh_timestamps: bool,
}

impl HubOptions {
    /// Zoom's three seconds, room for 20,000 deliveries.
    #[must_use]
    pub fn new(seed: u64, plan: Plan) -> Self {
        Self {
            seed,
            plan,
            client_id: "simulator".to_owned(),
            secret_token: "simulator-webhook-secret".to_owned(),
            timeout: Duration::from_secs(3),
            capacity: 20_000,
            fresh_timestamps: false,
        }
    }
}

/// Subscriptions and deliveries of the account.
#[derive(Debug)]
pub struct Hub {
    pub(super) clock: Arc<Clock>,
    pub(super) options: HubOptions,
    pub(super) client: reqwest::Client,
    inner: Mutex<Inner>,
    pub(super) changed: Notify,
}

impl Hub {
    /// A hub without subscriptions; nothing is sent before [`Self::run`].
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(clock: Arc<Clock>, options: HubOptions) -> Result<Self, HubError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(options.timeout)
            .no_proxy()
            .build()?;
        let inner = Inner::new(Chance::of(options.seed, "webhooks", 0));
        Ok(Self {
            clock,
            options,
            client,
            inner: Mutex::new(inner),
            changed: Notify::new(),
        })
    }

    /// Saves a subscription and challenges its endpoint at once.
    ///
    /// A failed challenge is no error: the subscription is there, not validated, with the reason.
    ///
    /// # Errors
    /// When the address is no http or https one, or the app has twenty.
    pub async fn subscribe(&self, new: NewSubscription) -> Result<Subscription, HubError> {
        let url = url::Url::parse(&new.url).map_err(|_| HubError::Url(new.url.clone()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HubError::Url(new.url));
        }
        let now = self.clock.now();
        let id = {
            let mut inner = self.lock();
            let client_id = new
                .client_id
                .unwrap_or_else(|| self.options.client_id.clone());
            if inner
                .subscriptions
                .iter()
                .filter(|sub| sub.client_id == client_id)
                .count()
                >= 20
            {
                return Err(HubError::TooMany);
            }
            let id = short_id(&mut inner.chance);
            let events = if new.events.is_empty() {
                vec!["*".to_owned()]
            } else {
                new.events
            };
            inner.subscriptions.push(Subscription {
                id: id.clone(),
                url: new.url,
                events,
                client_id,
                name: new.name,
                user_ids: new.user_ids,
                validated: false,
                disabled: false,
                failures: 0,
                reason: None,
                created_at: now,
                next_validation: now,
                secret_token: new
                    .secret_token
                    .unwrap_or_else(|| self.options.secret_token.clone()),
            });
            id
        };
        self.revalidate(&id).await
    }

    /// Challenges an endpoint now; a right answer also revives a disabled subscription.
    ///
    /// # Errors
    /// When there is no such subscription.
    pub async fn revalidate(&self, id: &str) -> Result<Subscription, HubError> {
        let unknown = || HubError::UnknownSubscription(id.to_owned());
        let now = self.clock.now();
        let (request, plain, secret) = {
            let mut inner = self.lock();
            let plain = short_id(&mut inner.chance);
            let number = inner.chance.next_u64();
            let sub = inner
                .subscriptions
                .iter_mut()
                .find(|sub| sub.id == id)
                .ok_or_else(unknown)?;
            sub.next_validation = now
                .checked_add(SignedDuration::from_hours(REVALIDATION_HOURS))
                .unwrap_or(Timestamp::MAX);
            let body = serde_json::json!({
                "event": "endpoint.url_validation",
                "event_ts": now.as_millisecond(),
                "payload": { "plainToken": plain },
            });
            let request = Request {
                url: sub.url.clone(),
                secret: sub.secret_token.clone(),
                client_id: sub.client_id.clone(),
                body: body.to_string().into(),
                signed_at: now,
                id: number,
            };
            (request, plain, sub.secret_token.clone())
        };
        let answer = post(&self.client, &request).await;
        let outcome = judge_challenge(&secret, &plain, answer);
        let mut inner = self.lock();
        let sub = inner
            .subscriptions
            .iter_mut()
            .find(|sub| sub.id == id)
            .ok_or_else(unknown)?;
        match outcome {
            Ok(()) => {
                sub.validated = true;
                sub.disabled = false;
                sub.failures = 0;
                sub.reason = None;
            }
            Err(reason) => {
                sub.failures += 1;
                sub.reason = Some(reason);
                sub.disabled |= sub.failures >= FAILURES_TO_DISABLE;
            }
        }
        let sub = sub.clone();
        drop(inner);
        self.changed.notify_one();
        Ok(sub)
    }

    /// All subscriptions.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.lock().subscriptions.clone()
    }

    /// Removes a subscription; what is on its way to it is given up.
    ///
    /// # Errors
    /// When there is none.
    pub fn unsubscribe(&self, id: &str) -> Result<(), HubError> {
        let mut inner = self.lock();
        let before = inner.subscriptions.len();
        inner.subscriptions.retain(|sub| sub.id != id);
        if inner.subscriptions.len() == before {
            return Err(HubError::UnknownSubscription(id.to_owned()));
        }
        Ok(())
    }

    /// Says whose events a subscription gets (none: the whole account's).
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn set_users(&self, id: &str, user_ids: Vec<String>) -> Result<(), HubError> {
        let mut inner = self.lock();
        let sub = inner.subscriptions.iter_mut().find(|sub| sub.id == id);
        sub.ok_or_else(|| HubError::UnknownSubscription(id.to_owned()))?
            .user_ids = user_ids;
        Ok(())
    }

    /// The latest deliveries, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.lock().deliveries.values().cloned().collect()
    }

    /// Number of events given up because too many were pending.
    pub fn overflow(&self) -> u64 {
        self.lock().overflow
    }

    /// Sends a delivery once more, signed anew.
    ///
    /// # Errors
    /// When it is not known (any more).
    pub fn resend(&self, id: u64) -> Result<Delivery, HubError> {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.queue.retain(|_, other| *other != id);
        inner.held.retain(|_, (_, other)| *other != id);
        inner.finished.retain(|other| *other != id);
        inner.signed_at.remove(&id);
        let delivery = inner
            .deliveries
            .get_mut(&id)
            .ok_or(HubError::UnknownDelivery(id))?;
        delivery.state = DeliveryState::Pending;
        delivery.next_attempt = Some(now);
        // Its retries start over.
        delivery.attempts.clear();
        let delivery = delivery.clone();
        inner.enqueue(id, now);
        drop(inner);
        self.changed.notify_one();
        Ok(delivery)
    }

    /// Sets what goes wrong from now on.
    pub fn set_knobs(&self, knobs: Knobs) {
        self.lock().knobs = knobs;
    }

    /// What goes wrong at present.
    pub fn knobs(&self) -> Knobs {
        self.lock().knobs
    }

    /// Forgets subscriptions, deliveries and knobs.
    pub fn reset(&self) {
        let mut inner = self.lock();
        inner.subscriptions.clear();
        inner.deliveries.clear();
        inner.queue.clear();
        inner.held.clear();
        inner.finished.clear();
        inner.signed_at.clear();
        inner.knobs = Knobs::default();
        inner.overflow = 0;
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

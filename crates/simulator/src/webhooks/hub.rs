//! The hub: who listens, what is on its way, and the loop that delivers it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::schedule::{
    FAILURES_TO_DISABLE, REVALIDATION_HOURS, Verdict, needs_plan, next_attempt, verdict,
};
use super::send::{Request, judge_challenge, post};
use super::types::{
    Attempt, Delivery, DeliveryState, Event, HubError, Knobs, NewSubscription, Subscription,
};
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

/// A delivery held back so that the next one overtakes it is sent at the latest after so many simulated seconds.
const HELD_SECONDS: i64 = 10;

#[derive(Debug)]
struct Inner {
    subscriptions: Vec<Subscription>,
    deliveries: BTreeMap<u64, Delivery>,
    /// Order of sending: (due, turn) → delivery.
    queue: BTreeMap<(Timestamp, u64), u64>,
    /// Deliveries that wait for the next event of their subscription.
    held: BTreeMap<String, (Timestamp, u64)>,
    /// Finished deliveries, oldest first.
    finished: VecDeque<u64>,
    signed_at: BTreeMap<u64, Timestamp>,
    busy: BTreeSet<String>,
    knobs: Knobs,
    chance: Chance,
    next: u64,
    turn: u64,
    overflow: u64,
}

/// Subscriptions and deliveries of the account.
#[derive(Debug)]
pub struct Hub {
    clock: Arc<Clock>,
    options: HubOptions,
    client: reqwest::Client,
    inner: Mutex<Inner>,
    changed: Notify,
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
        let inner = Inner {
            subscriptions: Vec::new(),
            deliveries: BTreeMap::new(),
            queue: BTreeMap::new(),
            held: BTreeMap::new(),
            finished: VecDeque::new(),
            signed_at: BTreeMap::new(),
            busy: BTreeSet::new(),
            knobs: Knobs::default(),
            chance: Chance::of(options.seed, "webhooks", 0),
            next: 1,
            turn: 0,
            overflow: 0,
        };
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

    /// Queues an event for every validated subscription that wants it; the number of deliveries queued.
    ///
    /// Events that the plan does not have are not queued at all.
    pub fn emit(&self, event: &Event) -> usize {
        if self.options.plan < needs_plan(event.name) {
            return 0;
        }
        let mut inner = self.lock();
        let wanted: Vec<(String, String)> = inner
            .subscriptions
            .iter()
            .filter(|sub| {
                sub.validated && !sub.disabled && sub.wants(event.name, event.user_id.as_deref())
            })
            .map(|sub| (sub.id.clone(), sub.url.clone()))
            .collect();
        if wanted.is_empty() {
            return 0;
        }
        let body: Arc<str> = body_of(event).into();
        let now = self.clock.now();
        let mut queued = 0;
        let knobs = inner.knobs;
        for (subscription, url) in wanted {
            let copies = 1 + usize::from(inner.happens(knobs.duplicate));
            for _ in 0..copies {
                if !inner.make_room(self.options.capacity) {
                    inner.overflow += 1;
                    tracing::warn!(
                        event = event.name,
                        "too many webhooks pending: event given up"
                    );
                    continue;
                }
                let dropped = inner.happens(knobs.drop);
                let held = !dropped && inner.happens(knobs.reorder);
                let delay =
                    SignedDuration::from_millis(i64::try_from(knobs.delay_ms).unwrap_or(i64::MAX));
                let due = now.checked_add(delay).unwrap_or(Timestamp::MAX);
                let id = inner.next;
                inner.next += 1;
                inner.deliveries.insert(
                    id,
                    Delivery {
                        id,
                        subscription: subscription.clone(),
                        event: event.name,
                        event_ts: event.at.as_millisecond(),
                        url: url.clone(),
                        attempts: Vec::new(),
                        state: if dropped {
                            DeliveryState::Dropped
                        } else {
                            DeliveryState::Pending
                        },
                        next_attempt: (!dropped).then_some(due),
                        body: body.clone(),
                    },
                );
                if dropped {
                    inner.finished.push_back(id);
                    continue;
                }
                queued += 1;
                if held && !inner.held.contains_key(&subscription) {
                    let latest = due
                        .checked_add(SignedDuration::from_secs(HELD_SECONDS))
                        .unwrap_or(Timestamp::MAX);
                    inner.held.insert(subscription.clone(), (latest, id));
                } else {
                    inner.enqueue(id, due);
                    if let Some((_, earlier)) = inner.held.remove(&subscription) {
                        inner.enqueue(earlier, due);
                    }
                }
            }
        }
        drop(inner);
        self.changed.notify_one();
        queued
    }

    /// Number of deliveries that are due now or are being sent.
    pub fn in_flight(&self) -> usize {
        let now = self.clock.now();
        let inner = self.lock();
        inner.busy.len() + inner.queue.range(..=(now, u64::MAX)).count()
    }

    /// Delivers until `stop`; one request at a time for each subscription, in order of queueing.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        loop {
            let next = self.start_due(&tasks);
            let until = next.unwrap_or(Timestamp::MAX);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.changed.notified() => {}
                () = self.clock.sleep_until(until) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    /// Starts what is due; the instant of the next thing that will be.
    fn start_due(self: &Arc<Self>, tasks: &TaskTracker) -> Option<Timestamp> {
        let now = self.clock.now();
        let mut inner = self.lock();
        let released: Vec<String> = inner
            .held
            .iter()
            .filter(|(_, (latest, _))| *latest <= now)
            .map(|(subscription, _)| subscription.clone())
            .collect();
        for subscription in released {
            if let Some((latest, id)) = inner.held.remove(&subscription) {
                inner.enqueue(id, latest);
            }
        }
        for (place, id) in inner.due(now) {
            let Some(subscription) = inner
                .deliveries
                .get(&id)
                .map(|one| one.subscription.clone())
            else {
                inner.queue.remove(&place);
                continue;
            };
            let Some(sub) = inner
                .subscriptions
                .iter()
                .find(|sub| sub.id == subscription)
                .cloned()
            else {
                inner.queue.remove(&place);
                inner.finish(id, DeliveryState::Lost);
                continue;
            };
            if !inner.busy.insert(subscription) {
                continue;
            }
            inner.queue.remove(&place);
            let signed_at = if self.options.fresh_timestamps {
                now
            } else {
                *inner.signed_at.entry(id).or_insert(now)
            };
            let number = inner.chance.next_u64();
            let Some(delivery) = inner.deliveries.get(&id) else {
                continue;
            };
            let request = Request {
                url: sub.url,
                secret: sub.secret_token,
                client_id: sub.client_id,
                body: delivery.body.clone(),
                signed_at,
                id: number,
            };
            let hub = self.clone();
            tasks.spawn(async move { hub.attempt(id, sub.id, request, now).await });
        }
        let revalidate: Vec<String> = inner
            .subscriptions
            .iter_mut()
            .filter(|sub| sub.validated && !sub.disabled && sub.next_validation <= now)
            .map(|sub| {
                // Moved on at once, so that the loop does not start it twice.
                sub.next_validation = now
                    .checked_add(SignedDuration::from_hours(REVALIDATION_HOURS))
                    .unwrap_or(Timestamp::MAX);
                sub.id.clone()
            })
            .collect();
        for id in revalidate {
            let hub = self.clone();
            tasks.spawn(async move {
                if let Err(error) = hub.revalidate(&id).await {
                    tracing::debug!(%error, "the subscription went away while it was challenged");
                }
            });
        }
        inner.next_wake(now)
    }

    async fn attempt(
        self: Arc<Self>,
        id: u64,
        subscription: String,
        request: Request,
        at: Timestamp,
    ) {
        let answer = post(&self.client, &request).await;
        let mut inner = self.lock();
        inner.busy.remove(&subscription);
        let (status, error) = match answer {
            Ok((status, _)) => (Some(status), None),
            Err(error) => (None, Some(error)),
        };
        if let Some(delivery) = inner.deliveries.get_mut(&id) {
            delivery.attempts.push(Attempt { at, status, error });
            let tried = delivery.attempts.len();
            let next = match verdict(status) {
                Verdict::Done => Err(DeliveryState::Delivered),
                Verdict::Refused => Err(DeliveryState::Lost),
                Verdict::Again => next_attempt(tried, at).ok_or(DeliveryState::Lost),
            };
            match next {
                Ok(due) => {
                    delivery.next_attempt = Some(due);
                    inner.enqueue(id, due);
                }
                Err(state) => inner.finish(id, state),
            }
        }
        drop(inner);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.chance.happens(share)
    }

    /// The first due delivery of each subscription that is free, and those whose subscription is gone.
    fn due(&self, now: Timestamp) -> Vec<((Timestamp, u64), u64)> {
        let mut taken: BTreeSet<&str> = self.busy.iter().map(String::as_str).collect();
        let mut out = Vec::new();
        for (place, id) in self.queue.range(..=(now, u64::MAX)) {
            if taken.len() >= self.subscriptions.len() && !self.subscriptions.is_empty() {
                break;
            }
            let Some(delivery) = self.deliveries.get(id) else {
                out.push((*place, *id));
                continue;
            };
            let known = self
                .subscriptions
                .iter()
                .any(|sub| sub.id == delivery.subscription);
            if !known || taken.insert(&delivery.subscription) {
                out.push((*place, *id));
            }
        }
        out
    }

    fn enqueue(&mut self, id: u64, due: Timestamp) {
        self.turn += 1;
        self.queue.insert((due, self.turn), id);
    }

    fn finish(&mut self, id: u64, state: DeliveryState) {
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            delivery.state = state;
            delivery.next_attempt = None;
        }
        self.signed_at.remove(&id);
        self.finished.push_back(id);
    }

    /// Forgets the oldest finished delivery when full; false when all are pending.
    fn make_room(&mut self, capacity: usize) -> bool {
        while self.deliveries.len() >= capacity {
            let Some(oldest) = self.finished.pop_front() else {
                return false;
            };
            self.deliveries.remove(&oldest);
        }
        true
    }

    /// When something is due next, busy subscriptions apart (their end wakes the loop).
    fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        let queued = self
            .queue
            .keys()
            .map(|(due, _)| *due)
            .find(|due| *due > now);
        let held = self.held.values().map(|(latest, _)| *latest).min();
        let challenge = self
            .subscriptions
            .iter()
            .filter(|sub| sub.validated && !sub.disabled)
            .map(|sub| sub.next_validation)
            .min();
        [queued, held, challenge].into_iter().flatten().min()
    }
}

/// The exact bytes of a delivery: compact JSON, the event first.
fn body_of(event: &Event) -> String {
    let token = event
        .download_token
        .as_ref()
        .map(|token| {
            format!(
                ",\"download_token\":{}",
                serde_json::Value::from(token.as_str())
            )
        })
        .unwrap_or_default();
    format!(
        "{{\"event\":\"{}\",\"payload\":{},\"event_ts\":{}{token}}}",
        event.name,
        event.payload,
        event.at.as_millisecond(),
    )
}

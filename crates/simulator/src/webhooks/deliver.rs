//! From event to endpoint: queueing, the loop, attempts.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::hub::Hub;
use super::schedule::{REVALIDATION_HOURS, Verdict, needs_plan, next_attempt, verdict};
use super::send::{Request, post};
use super::types::{Attempt, Delivery, DeliveryState, Event};

/// A delivery held back so that the next one overtakes it is sent at the latest after so many simulated seconds.
const HELD_SECONDS: i64 = 10;

impl Hub {
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
        self.clock.settle().await;
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

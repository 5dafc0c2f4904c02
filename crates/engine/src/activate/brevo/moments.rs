//! Lists and events: what tells Brevo that something happened, and starts automations there.
//!
//! Brevo has no key against repeats of events. What was sent and not answered is therefore looked for, by its `event_id`, before
//! it is sent again.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::account::{encoded, stop};
use super::api::{Class, Silence};
use super::contacts::tell_all;
use super::mapping::BackfillEvents;
use super::{Brevo, verdict};
use crate::activate::model::{Delivery, Outcome, Reports, Said};

/// Most contacts that a list takes in one call.
const JOIN: usize = 150;
/// Most events of a batch, and their size in bytes, with room to spare.
const BATCH: (usize, usize) = (200, 450_000);
/// Events of a page when they are looked for, and most pages.
const PAGE: usize = 1_000;
const PAGES: usize = 20;

impl Brevo {
    pub(super) async fn memberships(&self, batch: Vec<Delivery>, reports: &Reports) {
        let mut lists: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        for delivery in batch {
            let list = delivery.body["list"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            lists.entry(list).or_default().push(delivery);
        }
        for (name, mut deliveries) in lists {
            let list = match self.account.list(&self.api, &self.mapping, &name).await {
                Ok(list) => list,
                Err(outcome) => {
                    tell_all(&deliveries, &outcome, reports);
                    continue;
                }
            };
            while !deliveries.is_empty() {
                let some: Vec<Delivery> = deliveries.drain(..deliveries.len().min(JOIN)).collect();
                self.join(list, some, reports).await;
            }
        }
    }

    async fn join(&self, list: u64, deliveries: Vec<Delivery>, reports: &Reports) {
        let emails: Vec<&Value> = deliveries.iter().map(|one| &one.body["email"]).collect();
        let path = format!("/contacts/lists/{list}/contacts/add");
        let body = json!({ "emails": emails });
        let answer = self
            .api
            .call(Class::Contacts, Method::POST, &path, Some(&body))
            .await;
        let reply = match answer {
            Ok(reply) => reply,
            // To be put on a list twice is to be on it.
            Err(silence) => return tell_all(&deliveries, &stop(silence), reports),
        };
        let joined: BTreeSet<String> = match reply.status {
            200..300 => reply.body["contacts"]["success"]
                .as_array()
                .map(|all| {
                    all.iter()
                        .filter_map(Value::as_str)
                        .map(str::to_lowercase)
                        .collect()
                })
                .unwrap_or_default(),
            400 if reply.code() == "invalid_parameter" => BTreeSet::new(),
            404 => {
                self.account.forget().await;
                let outcome = Outcome::Retry {
                    after: None,
                    said: reply.said,
                };
                return tell_all(&deliveries, &outcome, reports);
            }
            _ => return tell_all(&deliveries, &verdict::outcome(reply.said, None), reports),
        };
        let mut doubtful = Vec::new();
        for delivery in deliveries {
            if joined.contains(delivery.body["email"].as_str().unwrap_or_default()) {
                reports.tell(
                    delivery.id,
                    Outcome::Done {
                        remote_id: None,
                        said: reply.said.clone(),
                    },
                );
            } else {
                doubtful.push(delivery);
            }
        }
        // Either on the list already, or no contact: Brevo does not say which.
        stream::iter(doubtful)
            .for_each_concurrent(self.at_once, |delivery| async move {
                let outcome = self.is_on(list, &delivery).await;
                reports.tell(delivery.id, outcome);
            })
            .await;
    }

    async fn is_on(&self, list: u64, delivery: &Delivery) -> Outcome {
        let email = delivery.body["email"].as_str().unwrap_or_default();
        let path = format!("/contacts/{}?identifierType=email_id", encoded(email));
        let reply = match self
            .api
            .call(Class::Contacts, Method::GET, &path, None)
            .await
        {
            Ok(reply) => reply,
            Err(silence) => return *stop(silence),
        };
        let on = reply.body["listIds"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one.as_u64() == Some(list)));
        match reply.status {
            200 if on => Outcome::Done {
                remote_id: None,
                said: Said::text("on the list already").of(path, Some(200)),
            },
            200 | 404 => Outcome::Refused {
                said: Said::text("Brevo did not put the contact on the list").of(path, Some(reply.status)),
                advice: "Look whether the contact and the list are still at Brevo; retry the contact, then this."
                    .to_owned(),
            },
            _ => verdict::outcome(reply.said, delivery.rule.as_ref()),
        }
    }

    pub(super) async fn events(&self, batch: Vec<Delivery>, reports: &Reports) {
        let mut ready = Vec::new();
        let mut doubtful = Vec::new();
        for delivery in batch {
            if delivery.backfill && self.mapping.backfill_events() == BackfillEvents::None {
                reports.tell(
                    delivery.id,
                    Outcome::Drop {
                        reason: "events of a backfill are not sent (backfill.events)".to_owned(),
                        said: Said::default(),
                    },
                );
            } else if delivery.progress.is_some() {
                doubtful.push(delivery);
            } else if delivery.uncertain {
                // It may be on its way through Brevo still, where it could not be found.
                reports.tell(
                    delivery.id,
                    self.look_later(Said::text("an earlier try ended without a word")),
                );
            } else {
                ready.push(delivery);
            }
        }
        if !doubtful.is_empty() {
            ready.extend(self.not_there(doubtful, reports).await);
        }
        while !ready.is_empty() {
            let mut size = 0;
            let fitting = ready
                .iter()
                .take(BATCH.0)
                .take_while(|one| {
                    size += one.body.to_string().len() + 64;
                    size <= BATCH.1
                })
                .count()
                .max(1);
            let some: Vec<Delivery> = ready.drain(..fitting).collect();
            self.send(some, reports).await;
        }
    }

    fn look_later(&self, said: Said) -> Outcome {
        let now = self.api.now();
        let settle = SignedDuration::from_secs(i64::from(self.config.settle_seconds));
        Outcome::Taken {
            progress: json!({ "look": true }),
            look_at: now.checked_add(settle).unwrap_or(now),
            said,
        }
    }

    /// The event as it is sent.
    fn event(&self, delivery: &Delivery) -> Value {
        let body = &delivery.body;
        let mut event = json!({
            "event_name": self.event_name(delivery),
            "event_date": body["event_date"],
            "identifiers": { "email_id": body["email"] },
            "event_properties": body["event_properties"],
        });
        if delivery.backfill {
            event["event_properties"]["backfill"] = json!(true);
        }
        event
    }

    fn event_name(&self, delivery: &Delivery) -> String {
        let name = delivery.body["event_name"].as_str().unwrap_or_default();
        if delivery.backfill && self.mapping.backfill_events() == BackfillEvents::Suffixed {
            format!("{name}_backfill")
        } else {
            name.to_owned()
        }
    }

    async fn send(&self, deliveries: Vec<Delivery>, reports: &Reports) {
        let done = |said: &Said| Outcome::Done {
            remote_id: None,
            said: said.clone(),
        };
        let (path, body) = match deliveries.as_slice() {
            [one] => ("/events", self.event(one)),
            all => {
                let events: Vec<Value> = all.iter().map(|one| self.event(one)).collect();
                ("/events/batch", json!({ "events": events }))
            }
        };
        let answer = self
            .api
            .call(Class::Events, Method::POST, path, Some(&body))
            .await;
        let reply = match answer {
            Ok(reply) => reply,
            Err(Silence::Lost(said)) => {
                return tell_all(&deliveries, &self.look_later(said), reports);
            }
            Err(silence) => return tell_all(&deliveries, &stop(silence), reports),
        };
        match reply.status {
            207 => {
                let mut failed: BTreeMap<u64, String> = BTreeMap::new();
                for error in reply.body["errors"].as_array().unwrap_or(&Vec::new()) {
                    let words = error["message"].as_str().unwrap_or("refused").to_owned();
                    for index in error["eventIndex"].as_array().unwrap_or(&Vec::new()) {
                        failed.insert(index.as_u64().unwrap_or(u64::MAX), words.clone());
                    }
                }
                for (delivery, index) in deliveries.iter().zip(0_u64..) {
                    let outcome = match failed.get(&index) {
                        None => done(&reply.said),
                        Some(words) => {
                            let mut said = Said::text(words).of("POST /events/batch", Some(400));
                            said.code = Some("invalid_parameter".to_owned());
                            verdict::outcome(said, delivery.rule.as_ref())
                        }
                    };
                    reports.tell(delivery.id, outcome);
                }
            }
            200..300 => tell_all(&deliveries, &done(&reply.said), reports),
            // Whether it was taken before it went wrong, nobody knows.
            500..=599 => tell_all(&deliveries, &self.look_later(reply.said), reports),
            // One of many is wrong: each by itself says which.
            400 | 413 | 422 if deliveries.len() > 1 => {
                for delivery in deliveries {
                    Box::pin(self.send(vec![delivery], reports)).await;
                }
            }
            _ => {
                for delivery in &deliveries {
                    let outcome = verdict::outcome(reply.said.clone(), delivery.rule.as_ref());
                    reports.tell(delivery.id, outcome);
                }
            }
        }
    }

    /// Of events that may be there, those that are not; the others are told as done.
    async fn not_there(&self, deliveries: Vec<Delivery>, reports: &Reports) -> Vec<Delivery> {
        let mut by_name: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        for delivery in deliveries {
            by_name
                .entry(self.event_name(&delivery))
                .or_default()
                .push(delivery);
        }
        let mut missing = Vec::new();
        for (name, deliveries) in by_name {
            let there = match self.ids(&name, &deliveries).await {
                Ok(there) => there,
                Err(outcome) => {
                    // As it is, it stays in doubt; it must come again with its progress.
                    let said = match *outcome {
                        Outcome::Retry { said, .. } => said,
                        other => {
                            tell_all(&deliveries, &other, reports);
                            continue;
                        }
                    };
                    tell_all(&deliveries, &self.look_later(said), reports);
                    continue;
                }
            };
            for delivery in deliveries {
                let id = delivery.body["event_properties"]["event_id"].as_str();
                if id.is_some_and(|id| there.contains(id)) {
                    let said =
                        Said::text("found at Brevo: it had arrived").of("GET /events", Some(200));
                    reports.tell(
                        delivery.id,
                        Outcome::Done {
                            remote_id: None,
                            said,
                        },
                    );
                } else {
                    missing.push(delivery);
                }
            }
        }
        missing
    }

    /// The ids of the events of a name that are at Brevo, over the time of some deliveries.
    async fn ids(
        &self,
        name: &str,
        deliveries: &[Delivery],
    ) -> Result<BTreeSet<String>, super::account::Stop> {
        let dates: Vec<Timestamp> = deliveries
            .iter()
            .filter_map(|one| one.body["event_date"].as_str()?.parse().ok())
            .collect();
        let minute = SignedDuration::from_mins(1);
        let around = |at: Option<&Timestamp>, by: SignedDuration| {
            let at = at.copied().unwrap_or_else(|| self.api.now());
            at.checked_add(by)
                .unwrap_or(at)
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string()
        };
        let from = around(dates.iter().min(), -minute);
        let to = around(dates.iter().max(), minute);
        let mut ids = BTreeSet::new();
        for page in 0..PAGES {
            let path = format!(
                "/events?event_name={name}&startDate={from}&endDate={to}&limit={PAGE}&offset={}",
                page * PAGE
            );
            let reply = self
                .api
                .call(Class::Events, Method::GET, &path, None)
                .await
                .map_err(stop)?;
            if !reply.is_success() {
                return Err(Box::new(verdict::outcome(reply.said, None)));
            }
            let empty = Vec::new();
            let some = reply.body["events"].as_array().unwrap_or(&empty);
            ids.extend(
                some.iter()
                    .filter_map(|one| one["event_properties"]["event_id"].as_str())
                    .map(str::to_owned),
            );
            if some.len() < PAGE {
                return Ok(ids);
            }
        }
        Ok(ids)
    }
}

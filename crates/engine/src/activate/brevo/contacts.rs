//! Contacts: written one by one, or many at once by an import that ends later.
//!
//! A new contact is made without being allowed to update: what comes back when it is there already says so, and only then is it
//! looked whose `ext_id` it has. Nothing here can subscribe anybody again: `emailBlacklisted` is only ever `true`.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::account::{encoded, stop};
use super::api::{Class, Reply, Silence};
use super::mapping::ExtId;
use super::{Brevo, verdict};
use crate::activate::model::{Delivery, Outcome, Reports, Said};

/// Largest content of one import, in bytes; Brevo takes ten million and advises eight.
const IMPORT: usize = 7_000_000;
/// When an import is looked after, in seconds; the last pause stays. All looks share a hundred calls an hour.
const LOOKS: [i64; 5] = [15, 60, 180, 600, 1_800];

impl Brevo {
    pub(super) async fn contacts(&self, batch: Vec<Delivery>, reports: &Reports) {
        let mut single = Vec::new();
        let mut fresh = Vec::new();
        let mut imports: BTreeMap<u64, Vec<Delivery>> = BTreeMap::new();
        for delivery in batch {
            let process = delivery
                .progress
                .as_ref()
                .and_then(|progress| progress["process"].as_u64());
            if let Some(process) = process {
                imports.entry(process).or_default().push(delivery);
            } else if self.may_be_imported(&delivery) {
                fresh.push(delivery);
            } else {
                single.push(delivery);
            }
        }
        for (process, deliveries) in imports {
            single.extend(self.look_after(process, deliveries, reports).await);
        }
        if fresh.len() >= usize::try_from(self.config.import_from).unwrap_or(usize::MAX) {
            self.import(fresh, reports).await;
        } else {
            single.append(&mut fresh);
        }
        stream::iter(single)
            .for_each_concurrent(self.at_once, |delivery| async move {
                let outcome = self.contact(&delivery).await;
                reports.tell(delivery.id, outcome);
            })
            .await;
    }

    /// What is new at Brevo, as far as is known, and says nothing that an import cannot say of a single contact.
    fn may_be_imported(&self, delivery: &Delivery) -> bool {
        delivery.backfill
            && delivery.remote_id.is_none()
            && delivery.progress.is_none()
            && !delivery.uncertain
            && self.mapping.ext_id() != ExtId::Careful
            && delivery.body.get("emailBlacklisted").is_none()
    }

    async fn everybody(&self) -> Result<u64, super::account::Stop> {
        self.account
            .list(&self.api, &self.mapping, self.mapping.everybody())
            .await
    }

    async fn import(&self, deliveries: Vec<Delivery>, reports: &Reports) {
        let list = match self.everybody().await {
            Ok(list) => list,
            Err(outcome) => return tell_all(&deliveries, &outcome, reports),
        };
        let mut rows = Vec::new();
        let mut size = 0;
        let mut chunk = Vec::new();
        for delivery in deliveries {
            let row = row(&delivery.body);
            let length = row.to_string().len();
            if size + length > IMPORT && !chunk.is_empty() {
                self.start(
                    std::mem::take(&mut rows),
                    std::mem::take(&mut chunk),
                    list,
                    reports,
                )
                .await;
                size = 0;
            }
            size += length;
            rows.push(row);
            chunk.push(delivery);
        }
        self.start(rows, chunk, list, reports).await;
    }

    async fn start(
        &self,
        rows: Vec<Value>,
        deliveries: Vec<Delivery>,
        list: u64,
        reports: &Reports,
    ) {
        let body = json!({
            "jsonBody": rows, "listIds": [list], "updateExistingContacts": true,
            "emptyContactsAttributes": false, "disableNotification": true,
        });
        let answer = self
            .api
            .call(
                Class::Contacts,
                Method::POST,
                "/contacts/import",
                Some(&body),
            )
            .await;
        let outcome = match answer {
            Ok(reply) if reply.is_success() => match reply.body["processId"].as_u64() {
                Some(process) => self.taken(process, 0, reply.said),
                None => verdict::outcome(Said::text("the import has no number"), None),
            },
            Ok(reply) => verdict::outcome(reply.said, None),
            // A second import of the same changes nothing.
            Err(silence) => *stop(silence),
        };
        tell_all(&deliveries, &outcome, reports);
    }

    fn taken(&self, process: u64, looks: usize, said: Said) -> Outcome {
        let pause = LOOKS.get(looks).or(LOOKS.last()).copied().unwrap_or(60);
        let now = self.api.now();
        Outcome::Taken {
            progress: json!({ "process": process, "looks": looks + 1 }),
            look_at: now
                .checked_add(SignedDuration::from_secs(pause))
                .unwrap_or(now),
            said,
        }
    }

    /// Looks whether an import has ended. What it did not take whole is given back, to be written one by one.
    async fn look_after(
        &self,
        process: u64,
        deliveries: Vec<Delivery>,
        reports: &Reports,
    ) -> Vec<Delivery> {
        let path = format!("/processes/{process}");
        let reply = match self.api.call(Class::Rest, Method::GET, &path, None).await {
            Ok(reply) if reply.is_success() => reply,
            // It is forgotten there: to write again is safe.
            Ok(reply) if reply.status == 404 => return deliveries,
            Ok(reply) => {
                tell_all(&deliveries, &verdict::outcome(reply.said, None), reports);
                return Vec::new();
            }
            Err(silence) => {
                tell_all(&deliveries, &stop(silence), reports);
                return Vec::new();
            }
        };
        let clean = reply.body["info"]["import"]
            .as_object()
            .is_none_or(|info| info.values().all(Value::is_null));
        match reply.body["status"].as_str().unwrap_or_default() {
            "completed" if clean => {
                let said = Said::text(&format!("import {process} completed")).of(path, Some(200));
                let outcome = Outcome::Done {
                    remote_id: None,
                    said,
                };
                tell_all(&deliveries, &outcome, reports);
                Vec::new()
            }
            "completed" | "failed" | "cancelled" => deliveries,
            other => {
                let said = Said::text(&format!("import {process} is {other}")).of(path, Some(200));
                for delivery in &deliveries {
                    let looks = delivery
                        .progress
                        .as_ref()
                        .and_then(|progress| progress["looks"].as_u64())
                        .and_then(|looks| usize::try_from(looks).ok());
                    let outcome = self.taken(process, looks.unwrap_or(0), said.clone());
                    reports.tell(delivery.id, outcome);
                }
                Vec::new()
            }
        }
    }

    /// Writes one contact.
    async fn contact(&self, delivery: &Delivery) -> Outcome {
        let known = delivery
            .remote_id
            .as_ref()
            .and_then(|id| id.parse::<u64>().ok());
        match self.write(delivery, known).await {
            Ok(outcome) => outcome,
            Err(silence) => *stop(silence),
        }
    }

    async fn write(&self, delivery: &Delivery, known: Option<u64>) -> Result<Outcome, Silence> {
        let body = &delivery.body;
        let failed = |reply: Reply| verdict::outcome(reply.said, delivery.rule.as_ref());
        let done = |id: u64, said: Said| Outcome::Done {
            remote_id: Some(id.to_string()),
            said,
        };
        if let Some(id) = known {
            let reply = self.update(id, body, false, None).await?;
            if reply.is_success() {
                return Ok(done(id, reply.said));
            }
            // Somebody took it away there; a change of it makes it anew.
            if reply.status != 404 {
                return Ok(failed(reply));
            }
        }
        let list = match self.everybody().await {
            Ok(list) => list,
            Err(outcome) => return Ok(*outcome),
        };
        let mut new = body.clone();
        new["listIds"] = json!([list]);
        // A new contact has nothing to be emptied.
        if let Some(attributes) = new["attributes"].as_object_mut() {
            attributes.retain(|_, value| value != "");
        }
        let reply = self
            .api
            .call(Class::Contacts, Method::POST, "/contacts", Some(&new))
            .await?;
        if reply.is_success() {
            let id = reply.body["id"].as_u64();
            return Ok(Outcome::Done {
                remote_id: id.map(|id| id.to_string()),
                said: reply.said,
            });
        }
        if reply.code() != "duplicate_parameter" {
            if reply.said.text.starts_with("List ") {
                self.account.forget().await;
            }
            return Ok(failed(reply));
        }
        // There is one already: by its address, or by our id under another address.
        let email = body["email"].as_str().unwrap_or_default();
        let ours = body["ext_id"].as_str();
        let held = match self.find(email, "email_id").await? {
            Some(held) => Some((held, false)),
            None => match ours {
                Some(ours) => self.find(ours, "ext_id").await?.map(|held| (held, true)),
                None => None,
            },
        };
        let Some((held, moved)) = held else {
            return Ok(failed(reply));
        };
        let id = held["id"].as_u64().unwrap_or_default();
        let theirs = held["attributes"]["EXT_ID"].as_str();
        let foreign = theirs.is_some_and(|theirs| !theirs.is_empty() && Some(theirs) != ours);
        let mut body = body.clone();
        if foreign && let Some(body) = body.as_object_mut() {
            body.remove("ext_id");
        }
        let reply = self.update(id, &body, moved, Some(list)).await?;
        Ok(if reply.is_success() {
            done(id, reply.said)
        } else {
            failed(reply)
        })
    }

    async fn update(
        &self,
        id: u64,
        body: &Value,
        moved: bool,
        list: Option<u64>,
    ) -> Result<Reply, Silence> {
        let mut attributes = body["attributes"].as_object().cloned().unwrap_or_default();
        if moved || list.is_none() {
            attributes.insert("EMAIL".to_owned(), body["email"].clone());
        }
        let mut change = json!({ "attributes": attributes });
        for name in ["ext_id", "emailBlacklisted"] {
            if let Some(value) = body.get(name) {
                change[name] = value.clone();
            }
        }
        if let Some(list) = list {
            change["listIds"] = json!([list]);
        }
        let path = format!("/contacts/{id}?identifierType=contact_id");
        self.api
            .call(Class::Contacts, Method::PUT, &path, Some(&change))
            .await
    }

    /// A contact, by one of its names.
    pub(super) async fn find(&self, name: &str, kind: &str) -> Result<Option<Value>, Silence> {
        let path = format!("/contacts/{}?identifierType={kind}", encoded(name));
        let reply = self
            .api
            .call(Class::Contacts, Method::GET, &path, None)
            .await?;
        Ok(match reply.status {
            200 => Some(reply.body),
            404 => None,
            _ => return Err(Silence::NotSent(reply.said, None)),
        })
    }
}

/// A contact as a row of an import.
fn row(body: &Value) -> Value {
    let mut attributes: Map<String, Value> =
        body["attributes"].as_object().cloned().unwrap_or_default();
    attributes.retain(|_, value| value != "");
    if let Some(ext_id) = body.get("ext_id") {
        attributes.insert("EXT_ID".to_owned(), ext_id.clone());
    }
    json!({ "email": body["email"], "attributes": attributes })
}

pub(super) fn tell_all(deliveries: &[Delivery], outcome: &Outcome, reports: &Reports) {
    for delivery in deliveries {
        reports.tell(delivery.id, outcome.clone());
    }
}

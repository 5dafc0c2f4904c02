//! Mails, notes and tasks: made one by one, and looked for before they are made again.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::account::{encoded, stop};
use super::api::{Class, Reply, Silence};
use super::{Brevo, verdict};
use crate::activate::model::{Delivery, Outcome, Said};

/// What tells a mail of ours among others.
fn tag(delivery: &Delivery) -> String {
    format!("parfocal-{}", delivery.id)
}

/// The key under which Brevo sends a mail once within half an hour: the same for the same delivery.
fn idempotency_key(delivery: &Delivery) -> String {
    let hash = Sha256::digest(format!("parfocal mail {}", delivery.id).as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

impl Brevo {
    pub(super) async fn mail(&self, delivery: &Delivery) -> Outcome {
        if delivery.backfill && !self.mapping.backfill_mails() {
            return Outcome::Drop {
                reason: "mails of a backfill are not sent (backfill.mails)".to_owned(),
                said: Said::default(),
            };
        }
        if delivery.uncertain || delivery.progress.is_some() {
            match self.is_mailed(delivery).await {
                Ok(None) => {}
                Ok(Some(outcome)) => return outcome,
                Err(outcome) => return self.in_doubt(*outcome),
            }
        }
        let body = &delivery.body;
        let mut to = json!({ "email": body["email"] });
        if let Some(name) = body["name"].as_str().filter(|name| !name.is_empty()) {
            to["name"] = json!(name.chars().take(70).collect::<String>());
        }
        let mail = json!({
            "templateId": body["template"],
            "to": [to],
            "params": body["params"],
            "headers": { "idempotencyKey": idempotency_key(delivery) },
            "tags": ["zoom", tag(delivery)],
        });
        match self
            .api
            .call(Class::Mail, Method::POST, "/smtp/email", Some(&mail))
            .await
        {
            Ok(reply) if reply.is_success() => Outcome::Done {
                remote_id: reply.body["messageId"].as_str().map(str::to_owned),
                said: reply.said,
            },
            Ok(reply) if matches!(reply.code(), "duplicate_request" | "duplicate_parameter") => {
                Outcome::Done {
                    remote_id: None,
                    said: reply.said,
                }
            }
            Ok(reply) => self.failed(delivery, reply),
            Err(silence) => self.silent(silence),
        }
    }

    async fn is_mailed(
        &self,
        delivery: &Delivery,
    ) -> Result<Option<Outcome>, super::account::Stop> {
        let email = delivery.body["email"].as_str().unwrap_or_default();
        let path = format!("/smtp/emails?limit=100&email={}", encoded(email));
        let reply = self
            .api
            .call(Class::Sent, Method::GET, &path, None)
            .await
            .map_err(stop)?;
        if !reply.is_success() {
            return Err(Box::new(verdict::outcome(reply.said, None)));
        }
        let tag = tag(delivery);
        let ours = |one: &&Value| {
            one["tags"]
                .as_array()
                .is_some_and(|tags| tags.iter().any(|held| held == tag.as_str()))
        };
        let empty = Vec::new();
        let found = reply.body["transactionalEmails"]
            .as_array()
            .unwrap_or(&empty);
        Ok(found.iter().find(ours).map(|one| Outcome::Done {
            remote_id: one["messageId"].as_str().map(str::to_owned),
            said: Said::text("found at Brevo: it was sent").of("GET /smtp/emails", Some(200)),
        }))
    }

    /// A refusal; one that leaves it open whether it was carried out is looked into later.
    fn failed(&self, delivery: &Delivery, reply: Reply) -> Outcome {
        if reply.status >= 500 {
            return self.look_again(reply.said);
        }
        verdict::outcome(reply.said, delivery.rule.as_ref())
    }

    fn silent(&self, silence: Silence) -> Outcome {
        match silence {
            Silence::Lost(said) => self.look_again(said),
            silence @ Silence::NotSent(..) => *stop(silence),
        }
    }

    fn look_again(&self, said: Said) -> Outcome {
        let now = self.api.now();
        let settle = jiff::SignedDuration::from_secs(i64::from(self.config.settle_seconds));
        Outcome::Taken {
            progress: json!({ "look": true }),
            look_at: now.checked_add(settle).unwrap_or(now),
            said,
        }
    }

    /// What could not be looked into stays in doubt.
    fn in_doubt(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Retry { said, .. } => self.look_again(said),
            other => other,
        }
    }

    pub(super) async fn crm(&self, delivery: &Delivery) -> Outcome {
        let email = delivery.body["email"].as_str().unwrap_or_default();
        let contact = match self.find(email, "email_id").await {
            Ok(Some(contact)) => contact["id"].as_u64().unwrap_or_default(),
            Ok(None) => {
                return Outcome::Refused {
                    said: Said::text("the contact is not at Brevo"),
                    advice: "Retry the contact, then this.".to_owned(),
                };
            }
            Err(silence) => return *stop(silence),
        };
        let note = delivery.kind == "note";
        if delivery.uncertain || delivery.progress.is_some() {
            match self.is_made(delivery, contact, note).await {
                Ok(None) => {}
                Ok(Some(outcome)) => return outcome,
                Err(outcome) => return self.in_doubt(*outcome),
            }
        }
        let body = &delivery.body;
        let (path, made) = if note {
            let note = json!({ "text": body["text"], "contactIds": [contact] });
            ("/crm/notes", note)
        } else {
            let title = body["type"].as_str().unwrap_or_default();
            let kind = match self.account.task_type(&self.api, title).await {
                Ok(kind) => kind,
                Err(outcome) => return *outcome,
            };
            let mut task = json!({
                "name": body["name"], "taskTypeId": kind, "date": body["date"],
                "contactsIds": [contact], "done": false,
            });
            if let Some(notes) = body["notes"].as_str() {
                task["notes"] = json!(notes);
            }
            ("/crm/tasks", task)
        };
        match self
            .api
            .call(Class::Rest, Method::POST, path, Some(&made))
            .await
        {
            Ok(reply) if reply.is_success() => Outcome::Done {
                remote_id: named(&delivery.kind, &reply.body),
                said: reply.said,
            },
            Ok(reply) => self.failed(delivery, reply),
            Err(silence) => self.silent(silence),
        }
    }

    /// A note or task like this one at Brevo.
    async fn is_made(
        &self,
        delivery: &Delivery,
        contact: u64,
        note: bool,
    ) -> Result<Option<Outcome>, super::account::Stop> {
        let path = if note {
            format!("/crm/notes?entity=contacts&entityIds={contact}&limit=100&sort=desc")
        } else {
            format!("/crm/tasks?filter%5Bcontacts%5D={contact}&limit=100&sort=desc")
        };
        let reply = self
            .api
            .call(Class::Rest, Method::GET, &path, None)
            .await
            .map_err(stop)?;
        if !reply.is_success() {
            return Err(Box::new(verdict::outcome(reply.said, None)));
        }
        let body = &delivery.body;
        let linked = |one: &Value, key: &str| {
            one[key]
                .as_array()
                .is_some_and(|all| all.iter().any(|id| id.as_u64() == Some(contact)))
        };
        let empty = Vec::new();
        let all = reply
            .body
            .as_array()
            .or(reply.body["items"].as_array())
            .unwrap_or(&empty);
        let found = all.iter().find(|one| {
            if note {
                one["text"] == body["text"] && linked(one, "contactIds")
            } else {
                one["name"] == body["name"]
                    && one["date"] == body["date"]
                    && linked(one, "contactsIds")
            }
        });
        Ok(found.map(|one| Outcome::Done {
            remote_id: named(&delivery.kind, one),
            said: Said::text("found at Brevo: it had been made"),
        }))
    }
}

/// Notes and tasks have ids of one form, so their kind goes before.
fn named(kind: &str, made: &Value) -> Option<String> {
    made["id"].as_str().map(|id| format!("{kind}:{id}"))
}

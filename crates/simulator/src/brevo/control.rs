//! `/_sim/brevo`: what arrived, and what a person or Brevo itself does.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Brevo, KEY, imports};
use crate::control::{No, Told};
use crate::http::route::Ctx;

/// What can be turned.
#[derive(Debug)]
pub(super) struct Knobs {
    pub(super) key: String,
    pub(super) limited: bool,
    /// How long an import takes, in simulated seconds.
    pub(super) import_seconds: i64,
    /// How long an event stays invisible, in simulated seconds.
    pub(super) event_lag_seconds: i64,
    /// How many mails can still be sent (none: without end).
    pub(super) credits: Option<u64>,
    /// Templates by number.
    pub(super) templates: BTreeMap<u64, String>,
}

impl Knobs {
    pub(super) fn new(limited: bool) -> Self {
        Self {
            key: KEY.to_owned(),
            limited,
            import_seconds: 2,
            event_lag_seconds: 0,
            credits: None,
            templates: BTreeMap::from([(1, "Thank you for coming".to_owned())]),
        }
    }
}

/// What a control call may order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Order {
    /// Somebody unsubscribes from campaigns.
    Unsubscribe(String),
    /// Limits on or off.
    Limited(bool),
    /// Another key.
    Key(String),
    /// How long an import takes.
    ImportSeconds(i64),
    /// How long an event stays invisible.
    EventLagSeconds(i64),
    /// How many mails can still be sent.
    Credits(Option<u64>),
    /// A template more.
    Template { id: u64, name: String },
}

/// `GET /_sim/brevo`.
pub(crate) fn look(ctx: Ctx<'_>) -> Value {
    let mut brevo = ctx.site.brevo();
    imports::settle(&mut brevo, ctx);
    brevo.look()
}

/// `POST /_sim/brevo`.
pub(crate) fn order(ctx: Ctx<'_>) -> Told {
    let order: Order = serde_json::from_slice(&ctx.call.body)
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let mut brevo = ctx.site.brevo();
    imports::settle(&mut brevo, ctx);
    match order {
        Order::Unsubscribe(email) => {
            let missing = || -> No { (StatusCode::NOT_FOUND, format!("no contact {email}")) };
            let id = brevo.identified("email_id", &email).ok_or_else(missing)?;
            if let Some(contact) = brevo.contacts.get_mut(&id) {
                contact.email_blacklisted = true;
                contact.modified = ctx.now;
            }
        }
        Order::Limited(limited) => brevo.knobs.limited = limited,
        Order::Key(key) => brevo.knobs.key = key,
        Order::ImportSeconds(seconds) => brevo.knobs.import_seconds = seconds,
        Order::EventLagSeconds(seconds) => brevo.knobs.event_lag_seconds = seconds,
        Order::Credits(credits) => brevo.knobs.credits = credits,
        Order::Template { id, name } => {
            brevo.knobs.templates.insert(id, name);
        }
    }
    Ok(brevo.look())
}

impl Brevo {
    /// Everything that arrived, with how often.
    fn look(&self) -> Value {
        let named = |list: &u64| {
            self.lists
                .get(list)
                .map_or_else(|| list.to_string(), |list| list.name.clone())
        };
        let contacts: Vec<Value> = self
            .contacts
            .iter()
            .map(|(id, one)| {
                json!({
                    "id": id, "email": one.email, "ext_id": one.ext_id, "attributes": one.attributes,
                    "lists": one.lists.iter().map(named).collect::<Vec<_>>(),
                    "joined": one.joined.iter().map(|(list, times)| (named(list), *times)).collect::<BTreeMap<_, _>>(),
                    "unsubscribed": one.email_blacklisted, "made_by": one.made_by, "writes": one.writes,
                })
            })
            .collect();
        let events: Vec<Value> = self
            .events
            .iter()
            .map(|one| {
                json!({
                    "name": one.name, "properties": one.properties,
                    "email": self.contacts.get(&one.contact).and_then(|contact| contact.email.as_ref()),
                })
            })
            .collect();
        let mails: Vec<Value> = self
            .mails
            .iter()
            .map(|one| json!({ "id": one.id, "to": one.to, "template": one.template, "body": one.body }))
            .collect();
        json!({
            "counts": {
                "contacts": self.contacts.len(),
                "memberships": self.contacts.values().map(|one| one.lists.len()).sum::<usize>(),
                "joined": self.contacts.values().flat_map(|one| one.joined.values()).sum::<u64>(),
                "events": self.events.len(), "mails": self.mails.len(), "notes": self.notes.len(),
                "tasks": self.tasks.len(), "imports": self.processes.len(),
                "imported_rows": self.processes.values().map(|one| one.rows_total).sum::<usize>(),
            },
            "contacts": contacts,
            "events": events,
            "mails": mails,
            "notes": self.notes.values().collect::<Vec<_>>(),
            "tasks": self.tasks.values().collect::<Vec<_>>(),
            "attributes": self.attributes.iter().map(|(name, one)| (name.clone(), json!({
                "category": one.category, "type": one.kind,
            }))).collect::<BTreeMap<_, _>>(),
            "lists": self.lists.iter().map(|(id, one)| json!({
                "id": id, "name": one.name, "folder": self.folders.get(&one.folder),
            })).collect::<Vec<_>>(),
            "dropped": self.dropped,
            "resubscribed": self.resubscribed,
            "unblocking": self.unblocking,
            "calls": self.pace.look(),
            "limited": self.knobs.limited,
        })
    }
}

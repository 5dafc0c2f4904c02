//! Brevo: contacts, lists, events, mails, notes and tasks of what happened in meetings.
//!
//! What goes there is the [`mapping`]'s; here it is sent within Brevo's limits, each thing once in effect. Campaigns and
//! automations cannot be started by a call: they start on an event's name, on a list, or on an attribute, which is what is sent.

mod account;
mod api;
mod contacts;
pub mod mapping;
mod moments;
mod preview;
mod settings;
mod single;
pub mod verdict;

#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;

use futures_util::future::{BoxFuture, join};
use futures_util::stream::{self, StreamExt as _};
use parfocal_store::{DestinationRow, Store};
use reqwest::Method;
use secrecy::SecretString;

use self::api::{Api, Class};
use self::mapping::Mapping;
pub use self::preview::{Preview, PreviewOrder, PreviewThing};
pub use self::settings::{BrevoConfig, BrevoPlan};
use super::model::{Checked, Delivery, Gone, Outcome, PersonFile, Plan, Reports, Said, Takes};
use super::{Destination, secret};
use crate::App;
use crate::clock::Clock;
use crate::error::{Code, EngineError, Result};

/// The kind.
pub(super) const KIND: &str = "brevo";
/// Calls under way at once, unless a test says otherwise; the budget decides how many go out.
const AT_ONCE: usize = 10;
/// Most deliveries in one call: an import of that many contacts, three batches of events.
const BATCH: usize = 500;

/// One account at Brevo.
#[derive(Debug)]
pub(super) struct Brevo {
    config: BrevoConfig,
    mapping: Mapping,
    api: Api,
    account: account::Account,
    /// Calls under way at once.
    at_once: usize,
}

/// Makes a destination from its row.
///
/// # Errors
/// `invalid_input` with the mistakes of the mapping, `config_invalid` without a key.
pub(super) async fn open(app: &App, row: &DestinationRow) -> Result<Brevo> {
    let config = BrevoConfig::read(&row.config)?;
    let key = secret(app, row.id).await?.ok_or_else(|| {
        EngineError::new(Code::ConfigInvalid, format!("{} has no key", row.name))
            .with_hint("Give the key of Brevo (SMTP & API) when the destination is added.")
    })?;
    Brevo::new(config, key, app.store(), app.clock())
}

impl Brevo {
    fn new(config: BrevoConfig, key: SecretString, store: &Store, clock: &Clock) -> Result<Self> {
        Ok(Self {
            mapping: config.mapping()?,
            api: Api::new(&config, key, store, clock)?,
            config,
            account: account::Account::default(),
            at_once: AT_ONCE,
        })
    }

    /// Hands out by kind. Contacts with their lists and events have budgets of their own, and go side by side.
    async fn hand_out(&self, batch: Vec<Delivery>, reports: &Reports) {
        if let Err(outcome) = self.account.attributes(&self.api, &self.mapping).await {
            contacts::tell_all(&batch, &outcome, reports);
            return;
        }
        let (mut people, mut lists, mut events, mut single) = (vec![], vec![], vec![], vec![]);
        for delivery in batch {
            match delivery.kind.as_str() {
                "contact" => people.push(delivery),
                "membership" => lists.push(delivery),
                "event" => events.push(delivery),
                _ => single.push(delivery),
            }
        }
        let written = async {
            self.contacts(people, reports).await;
            self.memberships(lists, reports).await;
        };
        let told = async {
            self.events(events, reports).await;
            stream::iter(single)
                .for_each_concurrent(self.at_once, |delivery| async move {
                    let outcome = match delivery.kind.as_str() {
                        "mail" => self.mail(&delivery).await,
                        "note" | "task" => self.crm(&delivery).await,
                        other => Outcome::Drop {
                            reason: format!("nothing of the kind {other} goes to Brevo"),
                            said: Said::default(),
                        },
                    };
                    reports.tell(delivery.id, outcome);
                })
                .await;
        };
        join(written, told).await;
    }

    async fn look(&self) -> Checked {
        let answer = self
            .api
            .call(Class::Rest, Method::GET, "/account", None)
            .await;
        let reply = match answer {
            Ok(reply) => reply,
            Err(silence) => return checked(*account::stop(silence)),
        };
        if !reply.is_success() {
            return checked(verdict::outcome(reply.said, None));
        }
        if let Err(outcome) = self.account.attributes(&self.api, &self.mapping).await {
            return checked(*outcome);
        }
        let company = reply.body["companyName"].as_str().unwrap_or("the account");
        Checked {
            ok: true,
            said: Said::text(&format!(
                "{company} answers; its attributes are there with the mapping's types"
            ))
            .of("GET /account", Some(reply.status)),
            advice: None,
        }
    }

    async fn take_away(&self, gone: &Gone) -> Outcome {
        let mut paths = Vec::new();
        for id in &gone.remote_ids {
            if let Some(note) = id.strip_prefix("note:") {
                paths.push((Class::Rest, format!("/crm/notes/{note}")));
            } else if let Some(task) = id.strip_prefix("task:") {
                paths.push((Class::Rest, format!("/crm/tasks/{task}")));
            } else if id.parse::<u64>().is_ok() {
                paths.push((
                    Class::Contacts,
                    format!("/contacts/{id}?identifierType=contact_id"),
                ));
            }
        }
        let ext_id = account::encoded(&format!("parfocal:{}", gone.person));
        paths.push((
            Class::Contacts,
            format!("/contacts/{ext_id}?identifierType=ext_id"),
        ));
        for email in &gone.emails {
            let email = account::encoded(email);
            paths.push((
                Class::Contacts,
                format!("/contacts/{email}?identifierType=email_id"),
            ));
        }
        let mut taken = 0;
        for (class, path) in paths {
            match self.api.call(class, Method::DELETE, &path, None).await {
                Ok(reply) if reply.is_success() => taken += 1,
                Ok(reply) if reply.status == 404 => {}
                Ok(reply) => return verdict::outcome(reply.said, None),
                Err(silence) => return *account::stop(silence),
            }
        }
        Outcome::Done {
            remote_id: None,
            said: Said::text(&format!("{taken} taken away at Brevo")),
        }
    }
}

/// A test's result out of an outcome that is none.
fn checked(outcome: Outcome) -> Checked {
    let (said, advice) = match outcome {
        Outcome::Halt {
            said,
            advice,
            reason,
        } => (
            Said {
                text: reason,
                ..said
            },
            advice,
        ),
        Outcome::Mend { said, advice, .. } | Outcome::Refused { said, advice } => (said, advice),
        Outcome::Retry { said, .. } | Outcome::Taken { said, .. } => (
            said,
            "Brevo does not answer, or has enough for now: try again in a while.".to_owned(),
        ),
        Outcome::Drop { said, reason } => (said, reason),
        Outcome::Done { said, .. } => (said, String::new()),
    };
    Checked {
        ok: false,
        said,
        advice: Some(advice),
    }
}

impl Destination for Brevo {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn takes(&self) -> Takes {
        Takes::People
    }

    fn plan_person(&self, file: &PersonFile) -> Plan {
        self.mapping.plan(file)
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn deliver(&self, batch: Vec<Delivery>, reports: Reports) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.hand_out(batch, &reports).await })
    }

    fn check(&self) -> BoxFuture<'_, Result<Checked>> {
        Box::pin(async move { Ok(self.look().await) })
    }

    fn erase<'a>(&'a self, gone: &'a Gone) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.take_away(gone).await })
    }
}

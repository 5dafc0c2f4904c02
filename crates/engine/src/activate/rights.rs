//! What is done for a person's sake: what they said about being written to, taking them away, and taking back that two are one.

use std::collections::BTreeSet;

use parfocal_store::{NewDelivery, PersonId};
use serde_json::json;

use super::content_hash;
use super::history::PersonView;
use super::manage::{COMPONENT, Destinations};
use crate::audit::{self, By, Change};
use crate::error::{Code, EngineError, Result};
use crate::told::{self, PersonConsent, PersonSplit, Told};

/// The kind of a delivery that takes somebody away.
pub(super) const ERASE: &str = "erase";

impl Destinations<'_> {
    /// Writes what a person said about being written to; kept apart from registrations, which say nothing of it.
    ///
    /// # Errors
    /// `not_found`; `invalid_input` for a source without words.
    pub async fn consent(
        self,
        which: &str,
        granted: bool,
        source: &str,
        by: &By,
    ) -> Result<PersonView> {
        let app = self.app();
        let source = source.trim();
        if source.is_empty() || source.len() > 200 {
            return Err(EngineError::invalid(
                "say in 1 to 200 letters who or what says so",
            ));
        }
        let id = self.person_named(which).await?;
        let now = app.clock().now();
        let mut tx = app.store().begin(app.scope()).await?;
        tx.set_consent(id, granted, source, now).await?;
        let event = Told::PersonConsent(PersonConsent {
            granted,
            source: source.to_owned(),
        });
        told::tell(&mut tx, id, event, now).await?;
        let change = Change {
            action: "person.consent",
            target: &format!("person/{id}"),
            detail: json!({"granted": granted, "source": source}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        self.person(which).await
    }

    /// Takes a person away: at every destination that has something of them (tried until it is done, like everything that is
    /// sent), and here out of registrations, attendance and deliveries. How many rows were erased here.
    ///
    /// # Errors
    /// `not_found`; `component_off`, since nobody would tell the destinations.
    pub async fn erase(self, which: &str, by: &By) -> Result<u64> {
        let app = self.app();
        app.components().require(COMPONENT).await?;
        let id = self.person_named(which).await?;
        let (store, scope) = (app.store(), app.scope());
        let emails: Vec<String> = store
            .person_identities(scope, id)
            .await?
            .into_iter()
            .filter_map(|(kind, value)| (kind == "email").then_some(value))
            .collect();
        let known = store.deliveries_of_person(scope, id).await?;
        let now = app.clock().now();
        let mut tx = store.begin(scope).await?;
        for row in store.destinations(scope).await? {
            let there: Vec<_> = known
                .iter()
                .filter(|one| one.destination_id == row.id && one.sent_hash.is_some())
                .collect();
            if there.is_empty() {
                continue;
            }
            let remote: BTreeSet<&String> = there
                .iter()
                .filter_map(|one| one.remote_id.as_ref())
                .collect();
            let body = json!({"person": id, "emails": emails, "remote_ids": remote});
            let new = NewDelivery {
                record_key: format!("erase/{id}"),
                kind: ERASE.to_owned(),
                lane: format!("person/{id}"),
                rank: 0,
                ord: 0,
                person: Some(id),
                subject: None,
                content_hash: content_hash(&body),
                body,
                rule: None,
                again: true,
                backfill: false,
            };
            tx.queue_delivery(row.id, &new, now).await?;
        }
        let erased = tx.erase_person(id).await?;
        let change = Change {
            action: "person.erase",
            target: &format!("person/{id}"),
            detail: json!({"rows": erased}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        Ok(erased)
    }

    /// Takes back that somebody turned out to be another person: `which` is the id under which they were known before. They are
    /// two from then on, whatever names both; what was told once of the joint person is not told again.
    ///
    /// # Errors
    /// `not_found`; `conflict` when they are one with nobody.
    pub async fn split(self, which: &str, by: &By) -> Result<PersonView> {
        let app = self.app();
        let missing = || {
            EngineError::not_found("person", which).with_hint(
                "Name the id under which they were known before, as the person's page and `parfocal people show` list it.",
            )
        };
        let id: PersonId = which.parse().map_err(|_| missing())?;
        if app.store().person(app.scope(), id).await?.is_none() {
            return Err(missing());
        }
        let now = app.clock().now();
        let mut tx = app.store().begin(app.scope()).await?;
        let why = "it was told when they were taken for one person";
        let Some(other) = tx.split_person(id, why, now).await? else {
            return Err(EngineError::new(
                Code::Conflict,
                format!("person {id} is one with nobody"),
            )
            .with_hint("Only who turned out to be another person can be split off."));
        };
        for (of, other) in [(id, other), (other, id)] {
            told::tell(&mut tx, of, Told::PersonSplit(PersonSplit { other }), now).await?;
        }
        let change = Change {
            action: "person.split",
            target: &format!("person/{id}"),
            detail: json!({"from": other}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        self.person(&id.to_string()).await
    }
}

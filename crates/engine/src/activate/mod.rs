//! Activation: what happened in meetings reaches other systems, once, explained.
//!
//! A [`Destination`] is one such system. A *stream* (`stream`) reads what happened (`live`, the domain events by their number) or
//! what is kept (`backfill`) and asks the destination what it is to have of it ([`Destination::plan_person`],
//! [`Destination::plan_event`]: pure, so that a preview and the answer to "why is this not there?" ask the same). What is to be
//! there lies in one row per destination and key, with the hash of what the destination sees: the same state is never queued twice,
//! whichever stream it comes from, in whatever order. A *sender* (`sender`) takes what is due, of each lane only the first, and
//! writes down what came back. One process at a time plays each role, by a lease.
//!
//! What fails is of three sorts: the destination does not answer (nothing is wrong with the record: it waits as long as
//! `sender::PATIENCE`), it refuses this record (tried a few times, then a person's), or it refuses everything (the destination
//! stops and says why).

pub mod brevo;
mod facts;
mod history;
mod manage;
pub mod model;
mod people;
mod rights;
mod sender;
mod stream;
#[cfg(test)]
mod tests;
mod verbs;
mod view;
mod webhook;
mod work;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use parfocal_store::{DestinationId, DestinationRow};
use secrecy::SecretString;

pub use history::{
    Answer, AtDestination, IdentityView, MergedView, PersonLine, PersonView, ThingView, WhyView,
};
pub use manage::{AddDestination, BackfillOrder, Destinations, Secrets};
pub use model::{
    Again, Checked, Consent, Delivery, Gone, LanedEvent, LastMeeting, LeftOut, MeetingFacts,
    Moment, MomentKind, Outcome, Person, PersonFile, Plan, Planned, Reports, Rule, Said, Takes,
};
pub use view::{DeliveryDetail, DeliveryView, DestinationView, StreamView, Tally};
pub use webhook::WebhookConfig;
pub(crate) use webhook::sign;
pub(crate) use work::TASK;

use crate::App;
use crate::error::{EngineError, Result};
use crate::vault::Purpose;

/// The kinds of destination there are.
pub const KINDS: [&str; 2] = [webhook::KIND, brevo::KIND];

/// A system that records go to.
pub trait Destination: fmt::Debug + Send + Sync {
    /// Which sort of system.
    fn kind(&self) -> &'static str;

    /// What it is asked about.
    fn takes(&self) -> Takes;

    /// Everything that it is to have of this person, each thing under a stable key. Pure: the same file gives the same plan.
    fn plan_person(&self, _file: &PersonFile) -> Plan {
        Plan::default()
    }

    /// What it is to have of this event. Pure.
    fn plan_event(&self, _event: &LanedEvent) -> Option<Planned> {
        None
    }

    /// Most deliveries in one call.
    fn batch(&self) -> usize {
        50
    }

    /// Sends. Each outcome is told as soon as it is known, so that a crash loses no other; what is never told comes again as
    /// [`Delivery::uncertain`].
    fn deliver(&self, batch: Vec<Delivery>, reports: Reports) -> BoxFuture<'_, ()>;

    /// Whether it can be reached and lets us in: what the test button does.
    fn check(&self) -> BoxFuture<'_, Result<Checked>>;

    /// Takes a person away there, as far as the system has people.
    fn erase<'a>(&'a self, _gone: &'a Gone) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            Outcome::Done {
                remote_id: None,
                said: Said::text("keeps nothing of people that could be taken away"),
            }
        })
    }
}

/// Makes a destination from its row, with its secrets of this moment.
///
/// # Errors
/// `invalid_input` when its configuration cannot be used, with the place of the fault.
pub(crate) async fn open(app: &App, row: &DestinationRow) -> Result<Arc<dyn Destination>> {
    match row.kind.as_str() {
        webhook::KIND => Ok(Arc::new(webhook::open(app, row).await?)),
        brevo::KIND => Ok(Arc::new(brevo::open(app, row).await?)),
        other => Err(EngineError::invalid(format!(
            "{}: nothing here knows destinations of the kind {other:?}",
            row.name
        ))
        .with_hint("A newer version of the program made it; this one leaves it alone.")),
    }
}

/// The secret of a destination.
pub(crate) async fn secret(app: &App, id: DestinationId) -> Result<Option<SecretString>> {
    app.vault()
        .get_text(app.scope(), Purpose::Destination, &id.to_string())
        .await
}

/// The hash of what a destination sees; objects have their keys in order, so that the same content has the same hash.
pub(crate) fn content_hash(body: &serde_json::Value) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(body.to_string().as_bytes()))
}

//! Telling people: invitations, changes, cancellations.
//!
//! [`Invitations`] is what scheduling calls once a meeting stands; a mail that has left cannot be called back, so it is never
//! called before. Which ways of telling there are is in the registry [`App::invitations`](crate::App::invitations).

pub mod answers;
mod compose;
mod folder;
pub mod mail;
pub mod mailbox;
mod outbox;
pub mod push;
pub mod reminders;
mod smtp;
mod words;

use std::fmt;
use std::sync::Arc;

use jiff::civil::DateTime;
use parfocal_store::ScheduleId;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::calendar::{Attendee, CalendarEvent};
pub use crate::registry::{Answering, Registry};

/// What somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationKind {
    /// To come, for the first time (`METHOD:REQUEST`).
    Request,
    /// That something changed (`METHOD:REQUEST` with a higher sequence).
    Update,
    /// That it was called off (`METHOD:CANCEL`).
    Cancel,
}

impl InvitationKind {
    /// The name, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Update => "update",
            Self::Cancel => "cancel",
        }
    }
}

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its key: schedule, sequence, kind, occurrence and address. The same key is the same message, and leaves once.
    pub key: String,
    /// What is told.
    pub kind: InvitationKind,
    /// The schedule.
    pub schedule: ScheduleId,
    /// Who is told.
    pub attendee: Attendee,
    /// `SEQUENCE` of this statement.
    pub sequence: u32,
    /// The one occurrence that it is about, by the start that the rule gives it; none for all.
    pub occurrence: Option<DateTime>,
    /// The event as it stands now, all attendees in it.
    pub event: CalendarEvent,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its id, such as a `Message-ID`.
    pub id: String,
    /// Whether it had left before, by an earlier call with the same key.
    pub before: bool,
}

/// A way of telling people.
///
/// # Errors
/// Failures whose [`Kind`](crate::Kind) is `Unavailable` or `Limited` may be tried again later; every other failure is about
/// this person's message, such as an address that is refused, and would come again.
pub trait Invitations: fmt::Debug + Send + Sync {
    /// The name it is registered under, such as `mail`.
    fn name(&self) -> &str;

    /// Sends a message. The same key leaves once, however often it is called: what may have left is not sent again without
    /// the receiver being able to know the repetition by its id.
    fn send<'a>(&'a self, app: &'a App, invitation: &'a Invitation) -> Answering<'a, Sent>;
}

/// Registers what is there: mail.
pub(crate) fn register(app: &App) {
    app.invitations()
        .register(mail::NAME, Arc::new(mail::ByMail));
}

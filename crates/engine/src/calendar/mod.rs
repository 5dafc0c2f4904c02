//! Calendars: where a meeting stands in people's days.
//!
//! A [`Calendar`] is one system that holds events, for one account. The orchestrator of scheduling writes each schedule as one
//! [`CalendarEvent`] and knows nothing of the system behind; which there are is in the registry
//! [`App::calendars`](crate::App::calendars).
//!
//! Repeating must be safe: the id of an event at the calendar is made from [`CalendarEvent::key`], so that a second
//! [`Calendar::put`] meets the first one's event instead of making another.

mod accounts;
mod api;
mod caldav;
mod consent;
mod echo;
mod feed;
mod google;
mod http;
pub(crate) mod ics;
mod microsoft;
mod model;
mod sync;
mod tokens;
pub(crate) mod work;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::App;

pub use accounts::{CalendarAccountView, CalendarAccounts, Opener, Settings};
pub use consent::{ConsentBegun, ConsentOutcome, ConsentRequest};
pub use feed::Feed;
pub use sync::{ConflictView, SyncReport};

pub use crate::registry::{Answering, Registry};
pub use model::{
    Answer, Attendee, Busy, CalendarEvent, Changed, Changes, EventRef, Override, OverrideChange,
    Recurrence, Reminder, ReminderMethod, Role, TimeSpan, When,
};

/// One system that holds events, for one account.
///
/// # Errors
/// Failures whose [`Kind`](crate::Kind) is `Unavailable` or `Limited` may be tried again later (at
/// [`EngineError::retry_at`](crate::EngineError::retry_at) where it says so), every other failure would come again. Since
/// everything here may be repeated, an answer that was lost is `calendar_unavailable`.
pub trait Calendar: fmt::Debug + Send + Sync {
    /// The name it is registered under, such as `google`.
    fn name(&self) -> &str;

    /// Refuses what it cannot hold, such as a rule that the system does not know; asks nobody.
    ///
    /// # Errors
    /// `invalid_input` with the reason and a way out.
    fn check(&self, event: &CalendarEvent) -> crate::Result<()>;

    /// Whether this calendar mails the attendees itself when it is given them; then nobody else may.
    fn invites(&self) -> bool {
        false
    }

    /// Writes an event: makes it, or brings the one that is there to this state. `known` is what the last call answered; without
    /// it an event of the same key is taken over, never doubled. Attendees that others added are kept, and answers that people
    /// gave are not taken back.
    fn put<'a>(
        &'a self,
        event: &'a CalendarEvent,
        known: Option<&'a EventRef>,
    ) -> Answering<'a, EventRef>;

    /// Where the event of this key is, if a [`Calendar::put`] of it ever arrived: what an undo needs when the answer was lost.
    fn find<'a>(&'a self, key: &'a str) -> Answering<'a, Option<EventRef>>;

    /// An event as it is now; none when it is gone.
    fn get<'a>(&'a self, event: &'a EventRef) -> Answering<'a, Option<CalendarEvent>>;

    /// Takes an event away; that it is gone already is a success.
    fn remove<'a>(&'a self, event: &'a EventRef) -> Answering<'a, ()>;

    /// When people are busy, by their addresses. Each of `people` is answered for: whose calendar cannot be read is
    /// [`Busy::Unknown`], never free.
    fn busy<'a>(
        &'a self,
        window: TimeSpan,
        people: &'a [String],
    ) -> Answering<'a, BTreeMap<String, Busy>>;

    /// What changed since a token of an earlier answer; without a token, everything.
    fn changes<'a>(&'a self, since: Option<&'a str>) -> Answering<'a, Changes>;
}

/// Registers the calendars that come with the program.
pub(crate) fn register(app: &App) {
    let calendars = app.calendars();
    calendars.register_with(feed::NAME, |app, _| {
        Box::pin(async move { Ok(Arc::new(Feed::of(app)) as Arc<dyn Calendar>) })
    });
    for adapter in [google::NAME, microsoft::NAME, caldav::NAME] {
        calendars.register_with(adapter, move |app, account| {
            Box::pin(accounts::open(app, adapter, account))
        });
    }
}

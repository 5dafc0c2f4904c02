//! What Zoom says becomes rows: the same functions for live events, replays and backfill.
//!
//! An event or an answer is turned into statements about users, series, instances, stays, recordings and
//! registrations. Each statement is merged field by field with what is known ([`merge`]), so that nothing depends on
//! the order in which things arrive, and written together with the jobs and domain events that follow from it.

pub mod artefacts;
pub mod attendance;
mod domain;
pub mod events;
pub mod instances;
pub mod interactions;
pub mod meetings;
pub mod merge;
pub mod presence;
pub mod recordings;
pub mod registrants;
mod route;
pub mod summaries;
pub mod users;

use jiff::Timestamp;
use parfocal_store::{AccountId, ConnectionId, Seen, Source};

pub use domain::tell;
pub use merge::{Facts, Rank, Stamp};
pub use route::{Routed, route};

use crate::jobs::Follow;

/// Where a statement comes from, and what shall follow from it.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The account whose data it is.
    pub account: AccountId,
    /// Zoom's id of the account, which begins its lanes.
    pub account_key: String,
    /// The connection through which it was heard.
    pub connection: Option<ConnectionId>,
    /// When it was said, and by what.
    pub stamp: Stamp,
    /// The present.
    pub now: Timestamp,
    /// Priority of the jobs that follow.
    pub priority: i64,
    /// The event or backfill that led to it.
    pub cause: Option<String>,
}

impl Origin {
    /// The lane of a meeting number, as the webhook door forms it.
    pub fn lane(&self, number: Option<&str>) -> String {
        match number {
            Some(number) => format!("{}/{number}", self.account_key),
            None => self.account_key.clone(),
        }
    }

    /// What follows in the lane of a meeting, now.
    pub(crate) fn follow(&self, number: Option<&str>) -> Follow {
        Follow {
            lane: self.lane(number),
            priority: self.priority,
            cause: self.cause.clone(),
            run_at: self.now,
        }
    }

    /// The same origin with another stamp.
    #[must_use]
    pub fn stamped(&self, stamp: Stamp) -> Self {
        Self {
            stamp,
            ..self.clone()
        }
    }

    /// How the store is told about merged facts: as the best source, at the time of the youngest statement.
    pub(crate) fn seen(&self, facts: &Facts) -> Seen {
        let at = facts
            .latest()
            .and_then(|stamp| Timestamp::from_millisecond(stamp.at_ms).ok())
            .unwrap_or(self.now);
        Seen {
            at,
            source: Source::Detail,
            now: self.now,
        }
    }
}

//! One shared budget per Zoom account.
//!
//! Zoom counts the calls of *all* apps of an account together, per label and second, per label and UTC day, and some
//! per host or registrant and day. Every call of this crate asks a [`Budget`] first. [`MemoryBudget`] serves one
//! process; a program with several processes implements [`Budget`] over its database.
//!
//! # The rule that keeps every sliding second
//!
//! When Zoom judges a call is not known: it happens between sending and the answer. So a slot is taken when a call is
//! granted and becomes free one window after its *answer* was seen. Then all calls that arrive within any window
//! hold a slot at its end, and there are no more slots than calls allowed.

mod account;
mod headers;
mod memory;
mod plan;
mod window;

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

pub use account::LimitEvent;
pub use headers::{RateHeaders, RateType, Refusal, RetryAfter};
pub use memory::{MemoryBudget, MemoryBudgetBuilder};
pub use plan::{HOST_WRITES_PER_DAY, Plan, REGISTRANT_ADDS_PER_DAY, REGISTRANT_CHANGES_PER_DAY};
pub use plan::{Limits, Pool, Rate};
pub use window::SlidingWindow;

/// The rate label of an endpoint; Zoom gives each endpoint exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Single objects, mostly.
    Light,
    /// Lists, mostly.
    Medium,
    /// Reports and dashboards.
    Heavy,
    /// The big dashboard lists, counted per minute.
    ResourceIntensive,
}

impl Label {
    /// All labels.
    pub const ALL: [Self; 4] = [
        Self::Light,
        Self::Medium,
        Self::Heavy,
        Self::ResourceIntensive,
    ];

    /// The label as Zoom's reference writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "LIGHT",
            Self::Medium => "MEDIUM",
            Self::Heavy => "HEAVY",
            Self::ResourceIntensive => "RESOURCE-INTENSIVE",
        }
    }

    /// Reads the label in any of Zoom's spellings (`Light`, `HEAVY`, `Resource-intensive`, …).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL.into_iter().find(|label| {
            label.as_str().eq_ignore_ascii_case(text)
                || (*label == Self::ResourceIntensive
                    && text.to_ascii_uppercase().starts_with("RESOURCE"))
        })
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Light => 0,
            Self::Medium => 1,
            Self::Heavy => 2,
            Self::ResourceIntensive => 3,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who waits for a call; lower comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// A person waits.
    #[default]
    Interactive,
    /// Something that just happened is being taken in.
    Live,
    /// History is being read.
    Backfill,
}

/// A daily quota that is not the account's but of one host or registrant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quota {
    /// Creates and updates of meetings and webinars of one host: 100 per UTC day.
    HostWrites {
        /// The host, by id or e-mail; use one form throughout.
        host: String,
    },
    /// Additions of one registrant to one meeting: 3 per UTC day.
    RegistrantAdd {
        /// Meeting or webinar number.
        meeting: u64,
        /// E-mail of the registrant.
        email: String,
    },
    /// Status changes of one registrant: 10 per UTC day.
    RegistrantStatus {
        /// Meeting or webinar number.
        meeting: u64,
        /// Registrant id or e-mail.
        registrant: String,
    },
}

impl Quota {
    /// How many calls per UTC day Zoom allows.
    #[must_use]
    pub const fn per_day(&self) -> u32 {
        match self {
            Self::HostWrites { .. } => HOST_WRITES_PER_DAY,
            Self::RegistrantAdd { .. } => REGISTRANT_ADDS_PER_DAY,
            Self::RegistrantStatus { .. } => REGISTRANT_CHANGES_PER_DAY,
        }
    }

    /// A stable name of the kind (`host_writes`, `registrant_add`, `registrant_status`).
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::HostWrites { .. } => "host_writes",
            Self::RegistrantAdd { .. } => "registrant_add",
            Self::RegistrantStatus { .. } => "registrant_status",
        }
    }

    /// The subject as one text, unique within its kind.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::HostWrites { host } => host.clone(),
            Self::RegistrantAdd { meeting, email } => format!("{meeting}/{}", email.to_lowercase()),
            Self::RegistrantStatus {
                meeting,
                registrant,
            } => format!("{meeting}/{registrant}"),
        }
    }
}

/// What a call asks of the budget.
#[derive(Debug, Clone)]
pub struct BudgetRequest {
    /// Key of the Zoom account whose budget it is.
    pub account: String,
    /// Label of the endpoint.
    pub label: Label,
    /// Who waits.
    pub priority: Priority,
    /// Further quotas that the call counts against.
    pub quotas: Vec<Quota>,
    /// Longest wait; a budget that knows it will take longer says so at once.
    pub max_wait: Duration,
}

/// Why a budget does not grant a call in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The account's calls of this pool are used up until Zoom's reset.
    #[error("the daily budget of {pool} calls is used up until {until}")]
    Daily {
        /// The pool.
        pool: Pool,
        /// When it resets.
        until: Timestamp,
    },
    /// A quota of a host or registrant is used up until Zoom's reset.
    #[error("the daily quota {kind} of {subject} is used up until {until}")]
    Quota {
        /// Kind of the quota, see [`Quota::kind`].
        kind: &'static str,
        /// Whose it is, see [`Quota::subject`].
        subject: String,
        /// When it resets.
        until: Timestamp,
    },
    /// The call would have had to wait longer than it may.
    #[error("no {label} call became free in time")]
    Patience {
        /// Label of the call.
        label: Label,
        /// When a slot may be free, when that is known.
        retry_after: Option<Duration>,
    },
    /// The budget itself failed (its database, for example).
    #[error("the budget could not be read: {0}")]
    Broken(String),
}

/// What came back for a granted call.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The rate-limit headers, as far as there were any.
    pub headers: RateHeaders,
    /// Which limit refused the call, for status 429.
    pub refusal: Option<Refusal>,
}

/// How a granted call ended.
#[derive(Debug, Clone)]
pub enum Settlement {
    /// An answer was seen just now.
    Answered(Answer),
    /// It was sent, but no answer came (or nobody waits for it any more).
    Unanswered,
    /// It was never sent: the slot and the counts go back.
    Unused,
}

/// What a [`Budget`] keeps behind a [`Permit`].
pub trait PermitHolder: fmt::Debug + Send {
    /// Takes the end of the call into account; called once, at the moment it is known.
    fn settle(self: Box<Self>, settlement: Settlement) -> BoxFuture<'static, ()>;

    /// The permit was dropped without a settlement (its task was cancelled): counts as unanswered, now.
    fn abandon(self: Box<Self>);
}

/// The right to send one call; must be settled.
#[derive(Debug)]
#[must_use = "a permit that is not settled counts as an unanswered call"]
pub struct Permit {
    holder: Option<Box<dyn PermitHolder>>,
}

impl Permit {
    /// A permit backed by a budget's own bookkeeping.
    pub fn new(holder: impl PermitHolder + 'static) -> Self {
        Self {
            holder: Some(Box::new(holder)),
        }
    }

    /// A permit of a budget that counts nothing.
    pub fn free() -> Self {
        Self { holder: None }
    }

    /// Reports how the call ended.
    pub async fn settle(mut self, settlement: Settlement) {
        if let Some(holder) = self.holder.take() {
            holder.settle(settlement).await;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(holder) = self.holder.take() {
            holder.abandon();
        }
    }
}

/// Something that says when a call may be sent.
///
/// # Cancellation
///
/// A dropped [`Budget::acquire`] future must leave nothing behind.
pub trait Budget: fmt::Debug + Send + Sync + 'static {
    /// Waits until the call may be sent, or says why it will not be in time.
    fn acquire<'a>(
        &'a self,
        request: &'a BudgetRequest,
    ) -> BoxFuture<'a, Result<Permit, LimitError>>;
}

/// A budget without limits; for tests and for tools that pace themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Budget for Unlimited {
    fn acquire<'a>(
        &'a self,
        _request: &'a BudgetRequest,
    ) -> BoxFuture<'a, Result<Permit, LimitError>> {
        Box::pin(std::future::ready(Ok(Permit::free())))
    }
}

/// The next 00:00 UTC after `now`, when Zoom's daily limits reset.
#[must_use]
pub fn next_utc_midnight(now: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400;
    Timestamp::from_second((now.as_second().div_euclid(DAY) + 1) * DAY).unwrap_or(Timestamp::MAX)
}

/// Number of the UTC day of `now`, counted from 1970-01-01.
#[must_use]
pub fn utc_day(now: Timestamp) -> i64 {
    now.as_second().div_euclid(86_400)
}

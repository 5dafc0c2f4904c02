//! Brevo's rate limits, per account and class of endpoint, as sliding windows judged when a call arrives.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Brevo;

/// Endpoints that share a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Class {
    /// `/contacts/…`, lists, folders, attributes and imports included.
    Contacts,
    /// `/events…`.
    Events,
    /// `POST /smtp/email`.
    Send,
    /// `GET /smtp/emails`.
    Sent,
    /// The rest of `/smtp/…`.
    Smtp,
    /// Everything else: account, processes, CRM.
    Rest,
}

impl Class {
    fn of(method: &str, parts: &[&str]) -> Self {
        match (method, parts) {
            (_, ["contacts", ..]) => Self::Contacts,
            (_, ["events", ..]) => Self::Events,
            ("POST", ["smtp", "email"]) => Self::Send,
            ("GET", ["smtp", "emails"]) => Self::Sent,
            (_, ["smtp", ..]) => Self::Smtp,
            _ => Self::Rest,
        }
    }

    /// How many calls in how long, on plans without extras.
    const fn allowance(self) -> (usize, SignedDuration) {
        match self {
            Self::Contacts | Self::Events => (10, SignedDuration::from_secs(1)),
            Self::Send => (1000, SignedDuration::from_secs(1)),
            Self::Sent => (2, SignedDuration::from_secs(1)),
            Self::Smtp => (300, SignedDuration::from_hours(1)),
            Self::Rest => (100, SignedDuration::from_hours(1)),
        }
    }
}

/// What was let in, and when.
#[derive(Debug, Default)]
pub(super) struct Pace {
    windows: BTreeMap<Class, VecDeque<Timestamp>>,
    counts: BTreeMap<Class, Count>,
}

/// The calls of one class.
#[derive(Debug, Default, Serialize)]
struct Count {
    calls: u64,
    refused: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Most calls let in during any second of the clock, and in how many seconds there were any.
    busiest_second: u64,
    seconds: u64,
    #[serde(skip)]
    this_second: (i64, u64),
}

/// Whether a call may go on, and what its headers say.
pub(super) struct Paced {
    pub(super) admitted: bool,
    pub(super) limit: Option<usize>,
    pub(super) remaining: usize,
    pub(super) reset: i64,
}

impl Brevo {
    /// Takes a place in the budget of a call.
    pub(super) fn let_in(&mut self, method: &str, parts: &[&str], now: Timestamp) -> Paced {
        let class = Class::of(method, parts);
        let count = self.pace.counts.entry(class).or_default();
        count.calls += 1;
        count.first.get_or_insert(now);
        count.last = Some(now);
        if !self.knobs.limited {
            count.second(now);
            return Paced {
                admitted: true,
                limit: None,
                remaining: 0,
                reset: 0,
            };
        }
        let (limit, window) = class.allowance();
        let seen = self.pace.windows.entry(class).or_default();
        while seen
            .front()
            .is_some_and(|at| now.duration_since(*at) >= window)
        {
            seen.pop_front();
        }
        let admitted = seen.len() < limit;
        if admitted {
            seen.push_back(now);
            count.second(now);
        } else {
            count.refused += 1;
        }
        let left = seen
            .front()
            .map_or(window, |at| window - now.duration_since(*at));
        Paced {
            admitted,
            limit: Some(limit),
            remaining: limit - seen.len(),
            // Whole seconds, rounded up: who sleeps that long is let in again.
            reset: left.as_secs() + i64::from(left.subsec_nanos() > 0),
        }
    }
}

impl Count {
    fn second(&mut self, now: Timestamp) {
        let second = now.as_second();
        if self.this_second.0 != second || self.seconds == 0 {
            self.this_second = (second, 0);
            self.seconds += 1;
        }
        self.this_second.1 += 1;
        self.busiest_second = self.busiest_second.max(self.this_second.1);
    }
}

impl Pace {
    /// For `/_sim`.
    pub(super) fn look(&self) -> serde_json::Value {
        serde_json::json!(self.counts)
    }
}

//! The rate budget: judged at arrival in simulated time, and a record of everything that went over it.

pub mod ledger;
pub mod rates;

use std::collections::{HashMap, VecDeque};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::config::Plan;
use crate::http::reply::Refusal;
use crate::rest::table::Label;
use rates::{Rates, Window};

/// A request that went over a budget.
#[derive(Debug, Clone, Serialize)]
pub struct Violation {
    /// When it arrived.
    pub at: Timestamp,
    /// Rate label of its endpoint.
    pub label: &'static str,
    /// The host, when a host's budget was at stake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_id: Option<String>,
    /// `GET /v2/users`.
    pub path: String,
    /// `second`, `minute` or `day`.
    pub window: &'static str,
    /// The budget.
    pub limit: u64,
    /// Which request of the window it was.
    pub seen: u64,
}

/// What the limiter says of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its label.
    pub label: Label,
    /// The budget that is nearest to its end, or the one that is spent.
    pub limit: Option<u64>,
    /// What is left of it.
    pub remaining: u64,
    /// Whether that budget is the day's.
    pub daily: bool,
    /// When the window ends.
    pub reset: Timestamp,
    /// Whether the request goes over.
    pub over: bool,
}

/// What is asked of a budget per person and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Create and update of meetings and webinars: 100 per host.
    HostWrites,
    /// Adding the same registrant to the same meeting: 3.
    RegistrantAdds,
    /// Changing the same registrant's status: 10.
    RegistrantStatus,
    /// Creating users, by plan.
    UserCreates,
}

impl Quota {
    const fn limit(self, plan: Plan) -> u64 {
        match (self, plan) {
            (Self::HostWrites, _) => 100,
            (Self::RegistrantAdds, _) => 3,
            (Self::RegistrantStatus, _) => 10,
            (Self::UserCreates, Plan::Free) => 50,
            (Self::UserCreates, Plan::Pro) => 1500,
            (Self::UserCreates, Plan::Business) => 10_000,
        }
    }

    fn refusal(self) -> Refusal {
        let what = match self {
            Self::HostWrites => {
                return Refusal::new(
                    429,
                    429,
                    "You have exceeded the daily rate limit (100) of Meeting Create/Update API requests permitted for this particular user. You may resume these requests at GMT 00:00:00.",
                );
            }
            Self::RegistrantAdds => {
                "(3) of Add Registrant API requests permitted for this particular registrant"
            }
            Self::RegistrantStatus => {
                "(10) of Update Registrant Status API requests permitted for this particular registrant"
            }
            Self::UserCreates => "of Create User API requests permitted for this account",
        };
        Refusal::new(
            429,
            429,
            format!(
                "You have exceeded the daily rate limit {what}. You may resume these requests at GMT 00:00:00."
            ),
        )
    }
}

/// The budget of the account.
#[derive(Debug)]
pub struct Limiter {
    plan: Option<Plan>,
    windows: HashMap<Label, VecDeque<Timestamp>>,
    day: Date,
    used: HashMap<Label, u64>,
    quotas: HashMap<(Quota, String), u64>,
    violations: Vec<Violation>,
    count: u64,
}

/// Violations kept; the count goes on beyond.
const KEPT: usize = 10_000;

/// The UTC day of an instant.
pub fn utc_day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The next 00:00 UTC.
pub fn next_midnight(at: Timestamp) -> Timestamp {
    utc_day(at)
        .tomorrow()
        .and_then(|day| day.to_zoned(TimeZone::UTC))
        .map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

impl Limiter {
    /// An untouched budget of a plan; `None` counts without limiting.
    pub fn new(plan: Option<Plan>, now: Timestamp) -> Self {
        Self {
            plan,
            windows: HashMap::new(),
            day: utc_day(now),
            used: HashMap::new(),
            quotas: HashMap::new(),
            violations: Vec::new(),
            count: 0,
        }
    }

    fn roll(&mut self, now: Timestamp) {
        let day = utc_day(now);
        if day != self.day {
            self.day = day;
            self.used.clear();
            self.quotas.clear();
        }
    }

    /// Judges a request at its arrival and books it when it is within the budget.
    pub fn arrive(&mut self, label: Label, path: &str, now: Timestamp) -> Verdict {
        self.roll(now);
        let free = Verdict {
            label,
            limit: None,
            remaining: 0,
            daily: false,
            reset: now,
            over: false,
        };
        let Some(rates) = self.plan.and_then(|plan| Rates::of(plan, label)) else {
            return free;
        };
        let span = rates.window.span();
        let times = self.windows.entry(label).or_default();
        while times.front().is_some_and(|first| *first + span <= now) {
            times.pop_front();
        }
        // A clock set back leaves arrivals of the future behind.
        while times.back().is_some_and(|last| *last > now) {
            times.pop_back();
        }
        let in_window = u64::try_from(times.len()).unwrap_or(u64::MAX);
        if in_window >= rates.per_window {
            let reset = times.front().map_or(now, |first| *first + span);
            self.note(Violation {
                at: now,
                label: label.name(),
                host_id: None,
                path: path.to_owned(),
                window: rates.window.name(),
                limit: rates.per_window,
                seen: in_window + 1,
            });
            return Verdict {
                limit: Some(rates.per_window),
                remaining: 0,
                reset,
                over: true,
                ..free
            };
        }
        if let Some(per_day) = rates.per_day {
            let used: u64 = rates
                .pool
                .iter()
                .map(|label| self.used.get(label).copied().unwrap_or(0))
                .sum();
            if used >= per_day {
                self.note(Violation {
                    at: now,
                    label: label.name(),
                    host_id: None,
                    path: path.to_owned(),
                    window: "day",
                    limit: per_day,
                    seen: used + 1,
                });
                return Verdict {
                    limit: Some(per_day),
                    remaining: 0,
                    daily: true,
                    reset: next_midnight(now),
                    over: true,
                    ..free
                };
            }
        }
        if let Some(times) = self.windows.get_mut(&label) {
            times.push_back(now);
        }
        *self.used.entry(label).or_default() += 1;
        match rates.per_day {
            Some(per_day) => {
                let used: u64 = rates
                    .pool
                    .iter()
                    .map(|label| self.used.get(label).copied().unwrap_or(0))
                    .sum();
                Verdict {
                    limit: Some(per_day),
                    remaining: per_day.saturating_sub(used),
                    daily: true,
                    reset: next_midnight(now),
                    ..free
                }
            }
            None => Verdict {
                limit: Some(rates.per_window),
                remaining: rates.per_window - in_window - 1,
                reset: now + span,
                ..free
            },
        }
    }

    /// Books one use of a person's daily quota, or refuses in Zoom's words.
    pub fn spend(
        &mut self,
        quota: Quota,
        who: &str,
        label: Label,
        path: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.roll(now);
        let Some(plan) = self.plan else { return Ok(()) };
        let limit = quota.limit(plan);
        let used = self.quotas.entry((quota, who.to_owned())).or_default();
        if *used < limit {
            *used += 1;
            return Ok(());
        }
        let seen = *used + 1;
        self.note(Violation {
            at: now,
            label: label.name(),
            host_id: Some(who.to_owned()),
            path: path.to_owned(),
            window: "day",
            limit,
            seen,
        });
        Err(quota.refusal())
    }

    fn note(&mut self, violation: Violation) {
        self.count += 1;
        if self.violations.len() < KEPT {
            self.violations.push(violation);
        }
    }

    /// How many requests went over, and the first ten thousand of them.
    pub fn violations(&self) -> (u64, &[Violation]) {
        (self.count, &self.violations)
    }

    /// Used today per label.
    pub fn used_today(&self, label: Label) -> u64 {
        self.used.get(&label).copied().unwrap_or(0)
    }
}

impl Window {
    const fn span(self) -> SignedDuration {
        match self {
            Self::Second => SignedDuration::from_secs(1),
            Self::Minute => SignedDuration::from_secs(60),
        }
    }
}

/// Zoom's 429 for a verdict that goes over.
pub fn refusal(verdict: &Verdict) -> Refusal {
    if verdict.daily {
        Refusal::new(
            429,
            429,
            "You have reached the maximum daily rate limit for this API. Refer to the response header for details on when you can make another request.",
        )
    } else {
        Refusal::new(
            429,
            429,
            "You have reached the maximum per-second rate limit for this API. Try again later.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + millis).unwrap()
    }

    #[test]
    fn the_second_slides() {
        let mut limiter = Limiter::new(Some(Plan::Free), at(0));
        for t in [0, 300, 600, 900] {
            assert!(!limiter.arrive(Label::Light, "p", at(t)).over);
        }
        assert!(limiter.arrive(Label::Light, "p", at(999)).over);
        assert!(
            !limiter.arrive(Label::Light, "p", at(1000)).over,
            "the first has left the window"
        );
        assert!(limiter.arrive(Label::Light, "p", at(1001)).over);
        assert_eq!(limiter.violations().0, 2);
        assert_eq!(limiter.violations().1[0].seen, 5);
    }

    #[test]
    fn labels_do_not_share_a_second_but_heavy_and_intensive_share_the_day() {
        let mut limiter = Limiter::new(Some(Plan::Pro), at(0));
        assert!(!limiter.arrive(Label::Heavy, "p", at(0)).over);
        let verdict = limiter.arrive(Label::Intensive, "p", at(0));
        assert_eq!((verdict.limit, verdict.remaining), (Some(30_000), 29_998));
    }

    #[test]
    fn the_day_ends_at_midnight_utc() {
        let mut limiter = Limiter::new(Some(Plan::Free), at(0));
        for n in 0..1000 {
            assert!(!limiter.arrive(Label::Heavy, "p", at(n * 1000)).over);
        }
        let verdict = limiter.arrive(Label::Heavy, "p", at(1_000_000));
        assert!(verdict.over && verdict.daily);
        assert!(!limiter.arrive(Label::Heavy, "p", verdict.reset).over);
    }

    #[test]
    fn hosts_write_a_hundred_times_a_day() {
        let mut limiter = Limiter::new(Some(Plan::Business), at(0));
        for _ in 0..100 {
            limiter
                .spend(Quota::HostWrites, "h", Label::Light, "p", at(0))
                .unwrap();
        }
        assert_eq!(
            limiter
                .spend(Quota::HostWrites, "h", Label::Light, "p", at(0))
                .unwrap_err()
                .status,
            429
        );
        limiter
            .spend(Quota::HostWrites, "other", Label::Light, "p", at(0))
            .unwrap();
        limiter
            .spend(
                Quota::HostWrites,
                "h",
                Label::Light,
                "p",
                next_midnight(at(0)),
            )
            .unwrap();
    }

    #[test]
    fn off_means_off() {
        let mut limiter = Limiter::new(None, at(0));
        assert!((0..10_000).all(|_| !limiter.arrive(Label::Heavy, "p", at(0)).over));
        assert_eq!(limiter.violations().0, 0);
    }
}

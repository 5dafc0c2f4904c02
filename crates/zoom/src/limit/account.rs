//! The counts and waiting calls of one account.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{
    Answer, BudgetRequest, Label, LimitError, Limits, Pool, Priority, Quota, RateType, Refusal,
    RetryAfter, SlidingWindow, next_utc_midnight,
};

/// Something about the budget that an operator may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitEvent {
    /// 80 % of a daily budget are used; told once per day and pool.
    DailyNearing {
        /// Key of the account.
        account: String,
        /// The pool.
        pool: Pool,
        /// Calls used today.
        used: u32,
        /// Calls we may use per day.
        budget: u32,
    },
    /// Zoom refused a call because the day's calls are used up; the pool rests until then.
    DailyParked {
        /// Key of the account.
        account: String,
        /// The pool.
        pool: Pool,
        /// When it resets.
        until: Timestamp,
    },
    /// Zoom refused a call because a host's or registrant's quota is used up.
    QuotaParked {
        /// Key of the account.
        account: String,
        /// The quota.
        quota: Quota,
        /// When it resets.
        until: Timestamp,
    },
    /// Zoom refused a call for too many calls in a second: somebody else uses the same budget, or the plan is lower.
    Slowed {
        /// Key of the account.
        account: String,
        /// Label of the call.
        label: Label,
    },
}

pub(super) struct Account {
    pub(super) limits: Limits,
    pub(super) share: f64,
    pub(super) windows: [SlidingWindow; 4],
    pub(super) day: i64,
    pub(super) used: [u32; 5],
    pub(super) in_flight: [u32; 5],
    pub(super) warned: [bool; 5],
    pub(super) parked: [Option<Timestamp>; 5],
    pub(super) quotas: HashMap<Quota, QuotaUse>,
    pub(super) waiting: [BTreeMap<(Priority, u64), Arc<Notify>>; 4],
    pub(super) next_ticket: u64,
}

#[derive(Default, Clone, Copy)]
pub(super) struct QuotaUse {
    pub(super) used: u32,
    pub(super) in_flight: u32,
    pub(super) parked: Option<Timestamp>,
}

/// What a call has to wait for.
pub(super) enum Wait {
    /// Somebody else's turn, or an answer: a notification comes.
    Turn,
    /// A slot that is free at this monotonic time.
    Slot(Duration),
    /// A reset of a day's budget; others may go first.
    Reset(LimitError, Timestamp),
}

impl Account {
    /// An account of which nothing is known yet.
    pub(super) fn new(limits: Limits, share: f64, slack: Duration, today: i64) -> Self {
        let windows =
            Label::ALL.map(|label| SlidingWindow::new(limits.rate(label).shared(share), slack));
        Self {
            limits,
            share,
            windows,
            day: today,
            used: [0; 5],
            in_flight: [0; 5],
            warned: [false; 5],
            parked: [None; 5],
            quotas: HashMap::new(),
            waiting: std::array::from_fn(|_| BTreeMap::new()),
            next_ticket: 0,
        }
    }

    pub(super) fn budget(&self, pool: Pool) -> Option<u32> {
        let per_day = f64::from(self.limits.per_day(pool)?);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between zero and a u32 count"
        )]
        Some((per_day * self.share.clamp(0.0, 1.0)).floor().max(1.0) as u32)
    }

    /// Starts a new UTC day: calls still on their way count for it too, since Zoom may judge them after midnight.
    pub(super) fn roll(&mut self, today: i64) {
        if today > self.day {
            self.used = self.in_flight;
            self.warned = [false; 5];
            self.quotas.retain(|_, quota| {
                quota.used = quota.in_flight;
                quota.in_flight > 0 || quota.parked.is_some()
            });
        }
        // A clock that was set back must not freeze the counts on a day in the future.
        self.day = today;
    }

    pub(super) fn wake_first(&self, label: Label) {
        if let Some((_, notify)) = self.waiting[label.index()].first_key_value() {
            notify.notify_one();
        }
    }

    pub(super) fn wake_firsts(&self) {
        for label in Label::ALL {
            self.wake_first(label);
        }
    }

    /// Why a reset has to come first, if so.
    pub(super) fn resting(
        &mut self,
        request: &BudgetRequest,
        reserve: f64,
        now: Timestamp,
    ) -> Option<Wait> {
        // A rest that ends further ahead than any of Zoom's is the trace of a clock that jumped.
        let rests = |until: Option<Timestamp>| {
            until.filter(|at| *at > now && RetryAfter::At(*at).at(now) == *at)
        };
        for quota in &request.quotas {
            let state = self.quotas.entry(quota.clone()).or_default();
            state.parked = rests(state.parked);
            let full = (state.used >= quota.per_day()).then(|| next_utc_midnight(now));
            if let Some(until) = state.parked.or(full) {
                let error = LimitError::Quota {
                    kind: quota.kind(),
                    subject: quota.subject(),
                    until,
                };
                return Some(Wait::Reset(error, until));
            }
        }
        let pool = self.limits.pool(request.label);
        let index = pool.index();
        self.parked[index] = rests(self.parked[index]);
        let full = self.budget(pool).is_some_and(|budget| {
            let kept = if request.priority == Priority::Backfill {
                f64::from(budget) * reserve
            } else {
                0.0
            };
            f64::from(self.used[index]) >= f64::from(budget) - kept.floor()
        });
        let until = self.parked[index].or_else(|| full.then(|| next_utc_midnight(now)))?;
        Some(Wait::Reset(LimitError::Daily { pool, until }, until))
    }

    pub(super) fn count(
        &mut self,
        request: &BudgetRequest,
        account: &str,
        events: &mut Vec<LimitEvent>,
    ) {
        let pool = self.limits.pool(request.label);
        let index = pool.index();
        self.used[index] = self.used[index].saturating_add(1);
        self.in_flight[index] = self.in_flight[index].saturating_add(1);
        for quota in &request.quotas {
            let state = self.quotas.entry(quota.clone()).or_default();
            state.used = state.used.saturating_add(1);
            state.in_flight = state.in_flight.saturating_add(1);
        }
        if let Some(budget) = self.budget(pool)
            && !self.warned[index]
            && u64::from(self.used[index]) * 100 >= u64::from(budget) * 80
        {
            self.warned[index] = true;
            events.push(LimitEvent::DailyNearing {
                account: account.to_owned(),
                pool,
                used: self.used[index],
                budget,
            });
        }
    }
}

impl Account {
    /// Takes over what the answer says about the limits.
    pub(super) fn learn(
        &mut self,
        request: &BudgetRequest,
        answer: &Answer,
        now: Timestamp,
        monotonic: Duration,
        events: &mut Vec<LimitEvent>,
    ) {
        let pool = self.limits.pool(request.label);
        if answer.headers.kind == Some(RateType::Daily)
            && let (Some(budget), Some(remaining)) = (self.budget(pool), answer.headers.remaining)
        {
            let seen = budget.saturating_sub(u32::try_from(remaining).unwrap_or(u32::MAX));
            self.used[pool.index()] = self.used[pool.index()].max(seen);
        }
        match answer.refusal {
            None | Some(Refusal::Concurrent) => {}
            Some(Refusal::PerSecond) => {
                let window = self.limits.rate(request.label).window;
                let asked = answer
                    .headers
                    .retry_after
                    .map_or(Duration::ZERO, |retry| retry.delay(now));
                self.windows[request.label.index()]
                    .block(monotonic.saturating_add(window.max(asked)));
                events.push(LimitEvent::Slowed {
                    account: request.account.clone(),
                    label: request.label,
                });
            }
            Some(Refusal::Daily { until }) => {
                self.parked[pool.index()] = Some(until);
                events.push(LimitEvent::DailyParked {
                    account: request.account.clone(),
                    pool,
                    until,
                });
            }
            Some(Refusal::Quota { until }) => {
                for quota in &request.quotas {
                    self.quotas.entry(quota.clone()).or_default().parked = Some(until);
                    events.push(LimitEvent::QuotaParked {
                        account: request.account.clone(),
                        quota: quota.clone(),
                        until,
                    });
                }
            }
        }
    }
}

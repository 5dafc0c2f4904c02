//! The budget of one process, in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::Notify;

use super::account::{Account, LimitEvent, Wait};
use super::{
    Budget, BudgetRequest, LimitError, Limits, Permit, PermitHolder, Plan, Pool, Priority,
    RetryAfter, Settlement, utc_day,
};
use crate::clock::Clock;

type Observer = Arc<dyn Fn(&LimitEvent) + Send + Sync>;

/// Settings of a [`MemoryBudget`].
#[must_use]
pub struct MemoryBudgetBuilder {
    limits: Limits,
    share: f64,
    daily_reserve: f64,
    slack: Duration,
    observer: Option<Observer>,
}

impl MemoryBudgetBuilder {
    /// The part of the account's limits that is ours (0 to 1, default 0.8); other apps spend the same budget.
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// The part of each daily budget that backfill leaves to live and interactive work (0 to 1, default 0.1).
    pub fn daily_reserve(mut self, reserve: f64) -> Self {
        self.daily_reserve = if reserve.is_finite() {
            reserve.clamp(0.0, 1.0)
        } else {
            0.0
        };
        self
    }

    /// Added to each window against clocks that are coarse or a little apart (default 5 ms).
    pub fn slack(mut self, slack: Duration) -> Self {
        self.slack = slack;
        self
    }

    /// Called for every [`LimitEvent`]; must not block.
    pub fn on_event(mut self, observer: impl Fn(&LimitEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The budget.
    pub fn build(self, clock: Arc<dyn Clock>) -> MemoryBudget {
        MemoryBudget {
            shared: Arc::new(Shared {
                clock,
                settings: self,
                accounts: Mutex::new(HashMap::new()),
            }),
        }
    }
}

/// A [`Budget`] for one process: per label and window, per pool and day, per host and day, by priority.
///
/// Waiting calls of a label are served by priority, then in order of arrival. A call whose quota or pool rests until
/// Zoom's reset does not hold up others.
#[derive(Clone)]
pub struct MemoryBudget {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    settings: MemoryBudgetBuilder,
    accounts: Mutex<HashMap<String, Account>>,
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget")
            .field("share", &self.shared.settings.share)
            .finish_non_exhaustive()
    }
}

impl MemoryBudget {
    /// A budget for accounts of this plan.
    pub fn builder(plan: Plan) -> MemoryBudgetBuilder {
        Self::with_limits(plan.limits())
    }

    /// A budget for accounts with these limits.
    pub fn with_limits(limits: Limits) -> MemoryBudgetBuilder {
        MemoryBudgetBuilder {
            limits,
            share: 0.8,
            daily_reserve: 0.1,
            slack: Duration::from_millis(5),
            observer: None,
        }
    }

    /// Gives one account limits and a share of its own; its counts of today start at nothing.
    pub fn set_account(&self, account: &str, limits: Limits, share: f64) {
        let fresh = self.shared.new_account(limits, share);
        self.shared.lock().insert(account.to_owned(), fresh);
    }

    /// Calls used today, and the day's budget, of a pool (`None` when Zoom publishes no daily limit).
    #[must_use]
    pub fn used_today(&self, account: &str, pool: Pool) -> Option<(u32, u32)> {
        let mut accounts = self.shared.lock();
        let account = accounts.get_mut(account)?;
        account.roll(utc_day(self.shared.clock.now()));
        Some((account.used[pool.index()], account.budget(pool)?))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_account(&self, limits: Limits, share: f64) -> Account {
        Account::new(
            limits,
            share,
            self.settings.slack,
            utc_day(self.clock.now()),
        )
    }

    /// Runs `work` on the account and reports what it found worth telling, outside the lock.
    fn with<T>(&self, key: &str, work: impl FnOnce(&mut Account, &mut Vec<LimitEvent>) -> T) -> T {
        let mut events = Vec::new();
        let result = {
            let mut accounts = self.lock();
            if !accounts.contains_key(key) {
                let fresh = self.new_account(self.settings.limits.clone(), self.settings.share);
                accounts.insert(key.to_owned(), fresh);
            }
            let account = accounts
                .get_mut(key)
                .expect("the account was just inserted");
            account.roll(utc_day(self.clock.now()));
            work(account, &mut events)
        };
        for event in &events {
            match event {
                LimitEvent::Slowed { label, .. } => {
                    tracing::info!(%label, "Zoom asked to slow down");
                }
                LimitEvent::DailyNearing {
                    pool, used, budget, ..
                } => {
                    tracing::warn!(%pool, used, budget, "80 % of the daily budget of calls are used");
                }
                LimitEvent::DailyParked { pool, until, .. } => {
                    tracing::warn!(%pool, %until, "the daily budget of calls is used up");
                }
                LimitEvent::QuotaParked { quota, until, .. } => {
                    tracing::warn!(quota = quota.kind(), %until, "a daily quota is used up");
                }
            }
            if let Some(observer) = &self.settings.observer {
                observer(event);
            }
        }
        result
    }
}

/// A place in the queue of a label; leaves it when dropped, granted or not.
struct Ticket<'a> {
    shared: &'a Shared,
    request: &'a BudgetRequest,
    key: (Priority, u64),
    notify: Arc<Notify>,
}

impl<'a> Ticket<'a> {
    fn draw(shared: &'a Shared, request: &'a BudgetRequest) -> Self {
        let number = shared.with(&request.account, |account, _| {
            account.next_ticket += 1;
            account.next_ticket
        });
        Self {
            shared,
            request,
            key: (request.priority, number),
            notify: Arc::new(Notify::new()),
        }
    }

    fn attempt(&self) -> Result<(), Wait> {
        let (now, monotonic) = (self.shared.clock.now(), self.shared.clock.monotonic());
        let request = self.request;
        let label = request.label;
        self.shared.with(&request.account, |account, events| {
            if let Some(wait) = account.resting(request, self.shared.settings.daily_reserve, now) {
                if account.waiting[label.index()].remove(&self.key).is_some() {
                    account.wake_first(label);
                }
                return Err(wait);
            }
            let queue = &mut account.waiting[label.index()];
            queue
                .entry(self.key)
                .or_insert_with(|| Arc::clone(&self.notify));
            if queue
                .first_key_value()
                .is_none_or(|(first, _)| *first != self.key)
            {
                return Err(Wait::Turn);
            }
            match account.windows[label.index()].take(monotonic) {
                Ok(()) => {
                    account.waiting[label.index()].remove(&self.key);
                    account.count(request, &request.account, events);
                    account.wake_first(label);
                    Ok(())
                }
                Err(Some(at)) => Err(Wait::Slot(at)),
                Err(None) => Err(Wait::Turn),
            }
        })
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.shared.with(&self.request.account, |account, _| {
            if account.waiting[self.request.label.index()]
                .remove(&self.key)
                .is_some()
            {
                account.wake_first(self.request.label);
            }
        });
    }
}

impl Budget for MemoryBudget {
    fn acquire<'a>(
        &'a self,
        request: &'a BudgetRequest,
    ) -> BoxFuture<'a, Result<Permit, LimitError>> {
        Box::pin(async move {
            /// Waits for a wall-clock time are cut up, so that a jump of the clock is noticed.
            const LONGEST_NAP: Duration = Duration::from_secs(30);
            let shared = &*self.shared;
            let deadline = shared.clock.monotonic().saturating_add(request.max_wait);
            let ticket = Ticket::draw(shared, request);
            loop {
                let wait = match ticket.attempt() {
                    Ok(()) => break,
                    Err(wait) => wait,
                };
                let monotonic = shared.clock.monotonic();
                let left = deadline.saturating_sub(monotonic);
                let wake = match &wait {
                    Wait::Slot(at) if *at > deadline => None,
                    Wait::Slot(at) => Some(*at),
                    Wait::Turn => Some(deadline),
                    Wait::Reset(_, until) => {
                        let pause = RetryAfter::At(*until).delay(shared.clock.now());
                        (pause <= left).then(|| monotonic.saturating_add(pause.min(LONGEST_NAP)))
                    }
                };
                let Some(wake) = wake.filter(|_| !left.is_zero()) else {
                    return Err(match wait {
                        Wait::Reset(error, _) => error,
                        Wait::Slot(at) => LimitError::Patience {
                            label: request.label,
                            retry_after: Some(at.saturating_sub(monotonic)),
                        },
                        Wait::Turn => LimitError::Patience {
                            label: request.label,
                            retry_after: None,
                        },
                    });
                };
                let notified = std::pin::pin!(ticket.notify.notified());
                match select(notified, shared.clock.sleep_until(wake)).await {
                    Either::Left(_) | Either::Right(_) => {}
                }
            }
            drop(ticket);
            Ok(Permit::new(Held {
                shared: Arc::clone(&self.shared),
                request: request.clone(),
            }))
        })
    }
}

struct Held {
    shared: Arc<Shared>,
    request: BudgetRequest,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("label", &self.request.label)
            .finish_non_exhaustive()
    }
}

impl Held {
    fn end(&self, settlement: &Settlement) {
        let (now, monotonic) = (self.shared.clock.now(), self.shared.clock.monotonic());
        let request = &self.request;
        self.shared.with(&request.account, |account, events| {
            let pool = account.limits.pool(request.label);
            let unused = matches!(settlement, Settlement::Unused);
            account.in_flight[pool.index()] = account.in_flight[pool.index()].saturating_sub(1);
            if unused {
                account.used[pool.index()] = account.used[pool.index()].saturating_sub(1);
            }
            for quota in &request.quotas {
                if let Some(state) = account.quotas.get_mut(quota) {
                    state.in_flight = state.in_flight.saturating_sub(1);
                    if unused {
                        state.used = state.used.saturating_sub(1);
                    }
                }
            }
            let window = &mut account.windows[request.label.index()];
            if unused {
                window.unused();
            } else {
                window.answered(monotonic);
            }
            if let Settlement::Answered(answer) = settlement {
                account.learn(request, answer, now, monotonic, events);
            }
            account.wake_firsts();
        });
    }
}

impl PermitHolder for Held {
    fn settle(self: Box<Self>, settlement: Settlement) -> BoxFuture<'static, ()> {
        self.end(&settlement);
        Box::pin(std::future::ready(()))
    }

    fn abandon(self: Box<Self>) {
        self.end(&Settlement::Unanswered);
    }
}

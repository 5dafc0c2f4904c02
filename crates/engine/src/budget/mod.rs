//! One rate budget per Zoom account, shared by everything that uses the store.
//!
//! Slots, daily counters, quotas of hosts and parking are rows, so several processes keep the limits together. Within
//! a process calls wait in line by priority, and only the first of each line asks the store.

mod host;
mod queue;
mod status;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use jiff::Timestamp;
use parfocal_store::{DayBudget, HostQuota, RateAnswer, RateGrant, RateRequest, RateWindow, Store};
use parfocal_zoom::limit::{
    Answer, Budget, BudgetRequest, Label, LimitError, Limits, Permit, PermitHolder, Plan, Pool,
    Priority, Quota, RateType, Refusal, Settlement, next_utc_midnight, utc_day,
};

use crate::clock::{Clock, later, span};
use queue::Queue;
pub use status::LabelBudget;

/// Added to each window, against times that are equal to the microsecond.
const SLACK: Duration = Duration::from_millis(2);
/// How often the first of a line looks again while slots are in use: another process may have given one back.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Part of each daily budget that backfill leaves to live and interactive work.
const RESERVE: f64 = 0.1;
/// Part of a daily budget at which a warning is due.
const WARN_AT: f64 = 0.8;

/// The limits of one account, as they are applied.
#[derive(Debug, Clone, PartialEq)]
pub enum AccountLimits {
    /// The plan's limits, and the part of them that is ours.
    Paced {
        /// The plan.
        plan: Plan,
        /// Above 0 up to 1.
        share: f64,
    },
    /// No pacing.
    Off,
}

/// A budget over the rows of the store; cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    clock: Clock,
    /// For accounts that were not named.
    default: AccountLimits,
    /// A slot whose holder vanished is free after this.
    lease: Duration,
    state: Mutex<State>,
    queue: Queue,
}

#[derive(Debug, Default)]
struct State {
    accounts: HashMap<String, AccountLimits>,
    /// Day and pool for which the warning was given.
    warned: HashMap<(String, Pool), i64>,
    /// Labels for which Zoom asked to slow down, until this monotonic time: a pause of seconds, so each process finds
    /// out by itself and a wall clock that is set back cannot prolong it.
    paused: HashMap<(String, Label), Duration>,
    /// Quotas that Zoom said are used up, although our count did not know.
    quotas: HashMap<(String, Quota), Timestamp>,
}

impl SharedBudget {
    /// A budget whose accounts have these limits unless [`SharedBudget::set_account`] says otherwise.
    ///
    /// `longest_call` is the longest time from sending to the answer.
    pub fn new(store: Store, clock: Clock, default: AccountLimits, longest_call: Duration) -> Self {
        let lease = longest_call
            .saturating_mul(2)
            .saturating_add(Duration::from_secs(30));
        let state = Mutex::default();
        let queue = Queue::default();
        Self {
            shared: Arc::new(Shared {
                store,
                clock,
                default,
                lease,
                state,
                queue,
            }),
        }
    }

    /// Sets the limits of an account, from now on.
    pub fn set_account(&self, account: &str, limits: AccountLimits) {
        self.shared
            .lock()
            .accounts
            .insert(account.to_owned(), limits);
    }
}

/// Calls of a pool that may be made per day at a priority.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a published limit, between one and 60,000"
)]
fn day_cap(limits: &Limits, pool: Pool, share: f64, priority: Priority) -> Option<u64> {
    let budget = (f64::from(limits.per_day(pool)?) * share.clamp(0.0, 1.0)).floor();
    let kept = if priority == Priority::Backfill {
        (budget * RESERVE).floor()
    } else {
        0.0
    };
    Some((budget - kept).max(1.0) as u64)
}

/// What to do after asking the store.
enum Asked {
    Granted(RateGrant),
    /// Ask again then, or when something becomes free.
    Again(Timestamp),
    /// Nothing before then; others may go first.
    Rest(LimitError, Timestamp),
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limits(&self, account: &str) -> AccountLimits {
        self.lock()
            .accounts
            .get(account)
            .unwrap_or(&self.default)
            .clone()
    }

    /// Asks the store on a task of its own: a caller that goes away in the middle leaves no slot taken.
    async fn ask(
        self: &Arc<Self>,
        request: &BudgetRequest,
        plan: Plan,
        share: f64,
    ) -> Result<Asked, LimitError> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let shared = Arc::clone(self);
        let request = request.clone();
        tokio::spawn(async move {
            let asked = shared.ask_store(&request, plan, share).await;
            if let Err(Ok(Asked::Granted(grant))) = answer.send(asked)
                && let Err(error) = shared
                    .store
                    .rates()
                    .cancel(&grant, shared.clock.now())
                    .await
            {
                tracing::warn!(%error, "a rate slot could not be given back");
            }
        });
        answered
            .await
            .map_err(|_| LimitError::Broken("the program is stopping".to_owned()))?
    }

    async fn ask_store(
        &self,
        request: &BudgetRequest,
        plan: Plan,
        share: f64,
    ) -> Result<Asked, LimitError> {
        let now = self.clock.now();
        let limits = plan.limits();
        let rate = limits.rate(request.label).shared(share);
        let pool = limits.pool(request.label);
        if let Some(left) = self.pause_left(request) {
            return Ok(Asked::Again(later(now, left)));
        }
        let quota = request.quotas.first();
        if let Some(quota) = quota
            && let Some(until) = self.quota_rest(&request.account, quota, now)
        {
            return Ok(Asked::Rest(quota_spent(quota, until), until));
        }
        let subject = quota.map(Quota::subject);
        // Counted also where Zoom publishes no daily limit, so that people see what is used.
        let day = DayBudget {
            label: pool.as_str(),
            cap: day_cap(&limits, pool, share, request.priority).unwrap_or(u64::MAX),
        };
        let asked = RateRequest {
            account: &request.account,
            windows: &[RateWindow {
                label: request.label.as_str(),
                capacity: rate.count,
                window: rate.window.saturating_add(SLACK),
            }],
            days: &[day],
            host: quota
                .zip(subject.as_deref())
                .map(|(quota, subject)| HostQuota {
                    subject,
                    kind: quota.kind(),
                    cap: u64::from(quota.per_day()),
                }),
            now,
            lease: self.lease,
        };
        let answer = self
            .store
            .rates()
            .acquire(&asked)
            .await
            .map_err(|error| LimitError::Broken(error.to_string()))?;
        Ok(match answer {
            RateAnswer::Granted(grant) => {
                self.warn(&request.account, pool, &grant, &limits, share, now);
                Asked::Granted(grant)
            }
            RateAnswer::Wait {
                until,
                parked: true,
                ..
            } if span(now, until) > request.max_wait => {
                Asked::Rest(LimitError::Daily { pool, until }, until)
            }
            RateAnswer::Wait {
                until,
                parked: true,
                ..
            } => Asked::Again(until),
            RateAnswer::Wait { until, .. } => Asked::Again(until.min(later(now, LOOK_AGAIN))),
            RateAnswer::DaySpent {
                until, host: true, ..
            } => match quota {
                Some(quota) => Asked::Rest(quota_spent(quota, until), until),
                None => Asked::Rest(LimitError::Daily { pool, until }, until),
            },
            RateAnswer::DaySpent { until, .. } => {
                Asked::Rest(LimitError::Daily { pool, until }, until)
            }
        })
    }

    fn pause_left(&self, request: &BudgetRequest) -> Option<Duration> {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        state.paused.retain(|_, until| *until > now);
        let until = state
            .paused
            .get(&(request.account.clone(), request.label))?;
        Some(until.saturating_sub(now))
    }

    fn quota_rest(&self, account: &str, quota: &Quota, now: Timestamp) -> Option<Timestamp> {
        let mut state = self.lock();
        // Midnight is the furthest a quota can rest: what lies beyond is the trace of a clock that was set back.
        state
            .quotas
            .retain(|_, until| *until > now && *until <= next_utc_midnight(now));
        state
            .quotas
            .get(&(account.to_owned(), quota.clone()))
            .copied()
    }

    /// Warns once per day and pool when most of the day's calls are used.
    fn warn(
        &self,
        account: &str,
        pool: Pool,
        grant: &RateGrant,
        limits: &Limits,
        share: f64,
        now: Timestamp,
    ) {
        let Some(cap) = day_cap(limits, pool, share, Priority::Interactive) else {
            return;
        };
        let Some((_, used)) = grant
            .day_used
            .iter()
            .find(|(label, _)| label == pool.as_str())
        else {
            return;
        };
        #[expect(clippy::cast_precision_loss, reason = "counts of a day")]
        let nearing = *used as f64 >= cap as f64 * WARN_AT;
        if nearing {
            let today = utc_day(now);
            let before = self.lock().warned.insert((account.to_owned(), pool), today);
            if before != Some(today) {
                metrics::counter!("parfocal_zoom_daily_budget_nearing_total", "pool" => pool.as_str()).increment(1);
                tracing::warn!(
                    account,
                    pool = pool.as_str(),
                    used,
                    cap,
                    "80 % of the daily budget of calls are used"
                );
            }
        }
    }

    async fn acquire(
        self: &Arc<Self>,
        request: &BudgetRequest,
    ) -> Result<Option<RateGrant>, LimitError> {
        let AccountLimits::Paced { plan, share } = self.limits(&request.account) else {
            return Ok(None);
        };
        let deadline = self.clock.monotonic().saturating_add(request.max_wait);
        let mut ticket = self
            .queue
            .join(&request.account, request.label, request.priority);
        let mut retry_at = None;
        loop {
            let left = deadline.saturating_sub(self.clock.monotonic());
            if !ticket.is_first() {
                let timeout = std::pin::pin!(self.clock.sleep(left));
                if let Either::Right(_) = select(std::pin::pin!(ticket.woken()), timeout).await {
                    return Err(LimitError::Patience {
                        label: request.label,
                        retry_after: None,
                    });
                }
                continue;
            }
            match self.ask(request, plan, share).await? {
                Asked::Granted(grant) => return Ok(Some(grant)),
                Asked::Again(at) => {
                    let now = self.clock.now();
                    if left.is_zero() {
                        return Err(LimitError::Patience {
                            label: request.label,
                            retry_after: retry_at.map(|at| span(now, at)),
                        });
                    }
                    retry_at = Some(at);
                    let pause = span(now, at).min(left).max(Duration::from_micros(200));
                    let timeout = std::pin::pin!(self.clock.sleep(pause));
                    select(std::pin::pin!(ticket.woken()), timeout).await;
                }
                Asked::Rest(error, until) => {
                    drop(ticket);
                    if span(self.clock.now(), until) > left {
                        return Err(error);
                    }
                    self.clock.wait_until(until).await;
                    ticket = self
                        .queue
                        .join(&request.account, request.label, request.priority);
                }
            }
        }
    }

    /// Takes into account what an answer said about the limits.
    async fn learn(&self, held: &Held, answer: &Answer) -> Result<(), parfocal_store::StoreError> {
        let now = self.clock.now();
        let rates = self.store.rates();
        let label = held.request.label;
        let AccountLimits::Paced { plan, .. } = self.limits(&held.request.account) else {
            return Ok(());
        };
        let limits = plan.limits();
        let pool = limits.pool(label);
        if answer.headers.kind == Some(RateType::Daily)
            && let (Some(limit), Some(remaining)) = (answer.headers.limit, answer.headers.remaining)
        {
            let used = limit.saturating_sub(remaining);
            rates
                .day_used_at_least(&held.request.account, pool.as_str(), used, now)
                .await?;
        }
        let Some(refusal) = &answer.refusal else {
            return Ok(());
        };
        let kind = match refusal {
            Refusal::PerSecond => "per_second",
            Refusal::Daily { .. } => "daily",
            Refusal::Quota { .. } => "quota",
            Refusal::Concurrent => "concurrent",
        };
        metrics::counter!("parfocal_zoom_rate_refusals_total", "label" => label.as_str(), "kind" => kind).increment(1);
        match refusal {
            Refusal::PerSecond => {
                let pause = answer
                    .headers
                    .retry_after
                    .map_or(limits.rate(label).window, |retry| retry.delay(now))
                    .min(Duration::from_mins(2));
                let until = self.clock.monotonic().saturating_add(pause);
                let key = (held.request.account.clone(), label);
                let mut state = self.lock();
                let paused = state.paused.entry(key).or_default();
                *paused = until.max(*paused);
            }
            Refusal::Daily { until } => {
                tracing::warn!(account = held.request.account, pool = pool.as_str(), %until, "the daily budget of calls is used up");
                for other in Label::ALL
                    .into_iter()
                    .filter(|other| limits.pool(*other) == pool)
                {
                    rates
                        .park(&held.request.account, other.as_str(), *until)
                        .await?;
                }
            }
            Refusal::Quota { until } => {
                if let Some(quota) = held.request.quotas.first() {
                    tracing::warn!(account = held.request.account, quota = quota.kind(), %until, "a daily quota is used up");
                    let key = (held.request.account.clone(), quota.clone());
                    self.lock()
                        .quotas
                        .insert(key, (*until).min(next_utc_midnight(now)));
                }
            }
            Refusal::Concurrent => {}
        }
        Ok(())
    }

    async fn settle(&self, held: &Held, settlement: Settlement) {
        let now = self.clock.fresh();
        let rates = self.store.rates();
        let done = match &settlement {
            Settlement::Unused => rates.cancel(&held.grant, now).await,
            Settlement::Answered(answer) => match rates.release(&held.grant, now).await {
                Ok(()) => self.learn(held, answer).await,
                Err(error) => Err(error),
            },
            Settlement::Unanswered => rates.release(&held.grant, now).await,
        };
        if let Err(error) = done {
            // The slot comes back by itself when its lease ends.
            tracing::warn!(%error, "a rate slot could not be given back");
        }
        self.queue
            .wake_first(&held.request.account, held.request.label);
    }
}

fn quota_spent(quota: &Quota, until: Timestamp) -> LimitError {
    LimitError::Quota {
        kind: quota.kind(),
        subject: quota.subject(),
        until,
    }
}

/// A granted call.
#[derive(Debug)]
struct Held {
    shared: Arc<Shared>,
    grant: RateGrant,
    request: BudgetRequest,
}

impl PermitHolder for Held {
    fn settle(self: Box<Self>, settlement: Settlement) -> BoxFuture<'static, ()> {
        Box::pin(async move { Arc::clone(&self.shared).settle(&self, settlement).await })
    }

    fn abandon(self: Box<Self>) {
        // Without a runtime the process is ending; the lease then gives the slot back.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                Arc::clone(&self.shared)
                    .settle(&self, Settlement::Unanswered)
                    .await;
            });
        }
    }
}

impl Budget for SharedBudget {
    fn acquire<'a>(
        &'a self,
        request: &'a BudgetRequest,
    ) -> BoxFuture<'a, Result<Permit, LimitError>> {
        Box::pin(async move {
            let request = host::by_id(&self.shared.store, request).await;
            Ok(match self.shared.acquire(&request).await? {
                Some(grant) => Permit::new(Held {
                    shared: Arc::clone(&self.shared),
                    grant,
                    request,
                }),
                None => Permit::free(),
            })
        })
    }
}

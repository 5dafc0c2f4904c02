//! A provider's limits as a budget that all processes share.
//!
//! **Windows.** A limit of `c` calls per window is `c` slots. A call takes the slot that has been free
//! longest and gives it back as free *from the end of the answer plus the window*. Whenever the
//! provider counted the call, its window has passed by then: the limit is kept exactly, whatever
//! the network does, as long as all calls go through here. A holder that vanishes blocks its slot
//! until the lease ends.
//!
//! A slot that seems taken for far longer than any lease and window was taken before the clock was set
//! back, and counts as free.
//!
//! **Days and hosts** are counters per UTC day. **Parking** closes a label until an instant.
//!
//! On SQLite the rows are in a file of their own (`NAME.limits.db`) and not flushed at each commit:
//! the writer of the inbox never waits for them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::{Postgres, Sqlite, Transaction};

use crate::db::{Args, Cells, Db, Link, Sql, args, one, statements, two};
use crate::error::Result;
use crate::store::Inner;

statements! {
    PARKED = one("SELECT MAX(until) FROM rate_parked WHERE account = $1 AND label IN ($2, '*') AND until > $3 AND until <= $4");
    TAKE = two(
        "UPDATE rate_slots SET free_at = $4, holder = $5 WHERE account = $1 AND label = $2 AND slot = (
            SELECT slot FROM rate_slots WHERE account = $1 AND label = $2 AND slot < $6 AND (free_at <= $3 OR free_at > $7) ORDER BY free_at LIMIT 1)
         RETURNING slot",
        "UPDATE rate_slots SET free_at = $4, holder = $5 WHERE account = $1 AND label = $2 AND slot = (
            SELECT slot FROM rate_slots WHERE account = $1 AND label = $2 AND slot < $6 AND (free_at <= $3 OR free_at > $7) ORDER BY free_at LIMIT 1
            FOR UPDATE SKIP LOCKED)
         RETURNING slot",
    );
    SLOTS = one("SELECT COUNT(*), MIN(free_at) FROM rate_slots WHERE account = $1 AND label = $2 AND slot < $3");
    FREE_SLOTS = one("SELECT COUNT(*) FROM rate_slots WHERE account = $1 AND label = $2 AND free_at <= $3");
    ADD_SLOT = one("INSERT INTO rate_slots (account, label, slot, free_at) VALUES ($1, $2, $3, 0) ON CONFLICT (account, label, slot) DO NOTHING");
    RELEASE = one("UPDATE rate_slots SET free_at = $4, holder = NULL WHERE account = $1 AND label = $2 AND slot = $3 AND holder = $5");
    EXTEND = one("UPDATE rate_slots SET free_at = $4 WHERE account = $1 AND label = $2 AND slot = $3 AND holder = $5");
    DAY_ADD = one("INSERT INTO rate_days AS t (account, label, utc_day, used) VALUES ($1, $2, $3, 1)
        ON CONFLICT (account, label, utc_day) DO UPDATE SET used = t.used + 1 RETURNING used");
    DAY_BACK = one("UPDATE rate_days SET used = used - 1 WHERE account = $1 AND label = $2 AND utc_day = $3 AND used > 0");
    DAY_AT_LEAST = one("INSERT INTO rate_days AS t (account, label, utc_day, used) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account, label, utc_day) DO UPDATE SET used = CASE WHEN t.used < $4 THEN $4 ELSE t.used END");
    DAYS = one("SELECT label, used FROM rate_days WHERE account = $1 AND utc_day = $2 ORDER BY label");
    HOST_ADD = one("INSERT INTO host_quota AS t (account, subject, kind, utc_day, used) VALUES ($1, $2, $3, $4, 1)
        ON CONFLICT (account, subject, kind, utc_day) DO UPDATE SET used = t.used + 1 RETURNING used");
    HOST_USED = one("SELECT used FROM host_quota WHERE account = $1 AND subject = $2 AND kind = $3 AND utc_day = $4");
    PARK = one("INSERT INTO rate_parked AS t (account, label, until) VALUES ($1, $2, $3)
        ON CONFLICT (account, label) DO UPDATE SET until = CASE WHEN t.until < $3 THEN $3 ELSE t.until END");
    PARKS = one("SELECT label, until FROM rate_parked WHERE account = $1 AND until > $2 ORDER BY label");
    TIDY_DAYS = one("DELETE FROM rate_days WHERE utc_day < $1");
    TIDY_HOSTS = one("DELETE FROM host_quota WHERE utc_day < $1");
    LOCK = two("SELECT $1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtext($1), 7)) AS l");
}

/// What is asked of the budget for one call. All of it is granted, or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct RateRequest<'r> {
    /// The provider's account, in the engine's own words (`zoom/abc`).
    pub account: &'r str,
    /// The windows this call counts in.
    pub windows: &'r [RateWindow<'r>],
    /// The daily budgets this call counts in.
    pub days: &'r [DayBudget<'r>],
    /// The quota of the host this call acts on.
    pub host: Option<HostQuota<'r>>,
    /// The present.
    pub now: Timestamp,
    /// How long a slot is kept for a holder who never gives it back; longer than the longest call.
    pub lease: Duration,
}

/// So many calls per window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateWindow<'r> {
    /// The label (`LIGHT` …).
    pub label: &'r str,
    /// How many calls; at least one.
    pub capacity: u32,
    /// In how long.
    pub window: Duration,
}

/// So many calls per UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayBudget<'r> {
    /// The pool they count in.
    pub label: &'r str,
    /// How many calls.
    pub cap: u64,
}

/// So many calls per host and UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostQuota<'r> {
    /// The host: a user id.
    pub subject: &'r str,
    /// What is counted (`meeting_write`).
    pub kind: &'r str,
    /// How many.
    pub cap: u64,
}

/// The answer of the budget.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum RateAnswer {
    /// Go ahead; give it back with the moment the answer arrived.
    Granted(RateGrant),
    /// Not now: ask again then. Somebody may be faster.
    Wait {
        /// When a slot is free at the earliest; for slots in use that is when their lease ends, so ask again sooner when one is given back.
        until: Timestamp,
        /// The label that has none.
        label: String,
        /// Whether it is closed on purpose (the provider said so), rather than used up.
        parked: bool,
    },
    /// The day's budget is used up; it begins anew at 00:00 UTC.
    DaySpent {
        /// The pool, or the host's subject.
        label: String,
        /// How many were allowed.
        cap: u64,
        /// When the next day begins.
        until: Timestamp,
        /// Whether it is the host's quota.
        host: bool,
    },
}

/// Slots that are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateGrant {
    account: String,
    token: String,
    slots: Vec<(String, i64, Duration)>,
    /// Calls counted today per daily pool, this one among them.
    pub day_used: Vec<(String, u64)>,
}

/// What is known of an account's budget.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct RateStatus {
    /// Calls counted today, per pool.
    pub used_today: Vec<(String, u64)>,
    /// Labels that are closed, until when.
    pub parked: Vec<(String, Timestamp)>,
}

/// The shared rate limits; see the module.
#[derive(Clone, Copy)]
pub struct Rates<'s> {
    store: &'s Inner,
}

impl std::fmt::Debug for Rates<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rates").finish_non_exhaustive()
    }
}

enum LimitTx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl LimitTx {
    fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(tx) => Link::Sqlite(tx),
            Self::Postgres(tx) => Link::Postgres(tx),
        }
    }

    async fn execute(&mut self, sql: Sql, args: Args) -> Result<u64> {
        self.link().execute(sql, args).await
    }

    async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// Nothing is parked further ahead than to the next UTC day; what seems so was written by a clock that was set back since.
const LONGEST_PARK: Duration = Duration::from_hours(25);

/// How much further ahead than any lease and window a slot must be taken to be taken for one of a clock that was set back since;
/// a caller who was kept waiting asks with a `now` that is a little old, the more so under a clock that runs fast.
const SET_BACK: Duration = Duration::from_mins(15);

const MICROS_PER_DAY: i64 = 86_400_000_000;

fn utc_day(now: Timestamp) -> i64 {
    now.as_microsecond().div_euclid(MICROS_PER_DAY)
}

fn next_day(now: Timestamp) -> Timestamp {
    Timestamp::from_microsecond((utc_day(now) + 1) * MICROS_PER_DAY).unwrap_or(Timestamp::MAX)
}

fn plus(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX))
        .unwrap_or(Timestamp::MAX)
}

impl<'s> Rates<'s> {
    pub(crate) fn new(store: &'s Inner) -> Self {
        Self { store }
    }

    async fn begin(self) -> Result<LimitTx> {
        Ok(match &self.store.db {
            Db::Sqlite { limits, .. } => {
                LimitTx::Sqlite(limits.begin_with("BEGIN IMMEDIATE").await?)
            }
            Db::Postgres { urgent, .. } => LimitTx::Postgres(urgent.begin().await?),
        })
    }

    /// Takes what one call needs, or says until when to wait.
    ///
    /// # Cancellation
    /// Dropping the future may leave slots taken until their lease ends.
    pub async fn acquire(self, request: &RateRequest<'_>) -> Result<RateAnswer> {
        let RateRequest { account, now, .. } = *request;
        let mut tx = self.begin().await?;
        for window in request.windows {
            let until = tx
                .link()
                .exactly(
                    PARKED,
                    args![account, window.label, now, plus(now, LONGEST_PARK)],
                    Cells::opt_instant,
                )
                .await?;
            if let Some(until) = until {
                return Ok(wait(window.label, until, true));
            }
        }
        let token = self.store.ids.uuid(now).to_string();
        let mut slots = Vec::with_capacity(request.windows.len());
        let hold = plus(now, request.lease);
        for window in request.windows {
            match take(&mut tx, account, window, now, hold, &token).await? {
                Ok(slot) => slots.push((window.label.to_owned(), slot, window.window)),
                // Dropping the transaction gives back what was taken so far.
                Err(until) => return Ok(wait(window.label, until, false)),
            }
        }
        let day = utc_day(now);
        let mut day_used = Vec::with_capacity(request.days.len());
        for budget in request.days {
            let used = tx
                .link()
                .exactly(DAY_ADD, args![account, budget.label, day], Cells::count)
                .await?;
            if used > budget.cap {
                return Ok(RateAnswer::DaySpent {
                    label: budget.label.to_owned(),
                    cap: budget.cap,
                    until: next_day(now),
                    host: false,
                });
            }
            day_used.push((budget.label.to_owned(), used));
        }
        if let Some(quota) = request.host {
            let used = tx
                .link()
                .exactly(
                    HOST_ADD,
                    args![account, quota.subject, quota.kind, day],
                    Cells::count,
                )
                .await?;
            if used > quota.cap {
                return Ok(RateAnswer::DaySpent {
                    label: quota.subject.to_owned(),
                    cap: quota.cap,
                    until: next_day(now),
                    host: true,
                });
            }
        }
        tx.commit().await?;
        Ok(RateAnswer::Granted(RateGrant {
            account: account.to_owned(),
            token,
            slots,
            day_used,
        }))
    }

    /// Gives slots back: `answered` is when the answer arrived (or when the call was given up).
    pub async fn release(self, grant: &RateGrant, answered: Timestamp) -> Result<()> {
        self.set(RELEASE, grant, |window| plus(answered, window))
            .await
    }

    /// Gives slots back of a call that was never sent: they are free at once, and the day's counters
    /// forget it.
    pub async fn cancel(self, grant: &RateGrant, now: Timestamp) -> Result<()> {
        self.set(RELEASE, grant, |_| now).await?;
        let mut tx = self.begin().await?;
        for (label, _) in &grant.day_used {
            tx.execute(DAY_BACK, args![&grant.account, label, utc_day(now)])
                .await?;
        }
        tx.commit().await
    }

    /// Keeps slots for a call that takes longer than the lease.
    pub async fn extend(self, grant: &RateGrant, until: Timestamp) -> Result<()> {
        self.set(EXTEND, grant, |_| until).await
    }

    async fn set(
        self,
        sql: Sql,
        grant: &RateGrant,
        free_at: impl Fn(Duration) -> Timestamp,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        for (label, slot, window) in &grant.slots {
            tx.execute(
                sql,
                args![&grant.account, label, *slot, free_at(*window), &grant.token],
            )
            .await?;
        }
        tx.commit().await
    }

    /// Closes a label until an instant (`*` closes all); never opens it earlier than it was closed for.
    pub async fn park(self, account: &str, label: &str, until: Timestamp) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.execute(PARK, args![account, label, until]).await?;
        tx.commit().await
    }

    /// Corrects a daily counter upwards, when the provider says that more is used than we counted.
    pub async fn day_used_at_least(
        self,
        account: &str,
        label: &str,
        used: u64,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.execute(DAY_AT_LEAST, args![account, label, utc_day(now), used])
            .await?;
        tx.commit().await
    }

    /// How much of a host's quota is used today.
    pub async fn host_used(
        self,
        account: &str,
        subject: &str,
        kind: &str,
        now: Timestamp,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        let used = tx
            .link()
            .one(
                HOST_USED,
                args![account, subject, kind, utc_day(now)],
                Cells::count,
            )
            .await?;
        tx.commit().await?;
        Ok(used.unwrap_or(0))
    }

    /// How many slots of a label are taken or in their window's shadow at this moment.
    pub async fn busy(
        self,
        account: &str,
        label: &str,
        capacity: u32,
        now: Timestamp,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        let (made, _) = tx
            .link()
            .exactly(SLOTS, args![account, label, capacity], |row| {
                Ok((row.count()?, row.opt_instant()?))
            })
            .await?;
        let free = tx
            .link()
            .exactly(FREE_SLOTS, args![account, label, now], Cells::count)
            .await?;
        tx.commit().await?;
        Ok(made.saturating_sub(free))
    }

    /// What is used and closed today.
    pub async fn status(self, account: &str, now: Timestamp) -> Result<RateStatus> {
        let mut tx = self.begin().await?;
        let used_today = tx
            .link()
            .all(DAYS, args![account, utc_day(now)], |row| {
                Ok((row.text()?, row.count()?))
            })
            .await?;
        let parked = tx
            .link()
            .all(PARKS, args![account, now], |row| {
                Ok((row.text()?, row.instant()?))
            })
            .await?;
        tx.commit().await?;
        Ok(RateStatus { used_today, parked })
    }

    /// Forgets counters of days that are over (two days are kept).
    pub(crate) async fn tidy(self, now: Timestamp) -> Result<()> {
        let mut tx = self.begin().await?;
        for sql in [TIDY_DAYS, TIDY_HOSTS] {
            tx.execute(sql, args![utc_day(now) - 2]).await?;
        }
        tx.commit().await
    }
}

fn wait(label: &str, until: Timestamp, parked: bool) -> RateAnswer {
    RateAnswer::Wait {
        until,
        label: label.to_owned(),
        parked,
    }
}

/// Takes the slot that has been free longest, or says when the next one may be.
async fn take(
    tx: &mut LimitTx,
    account: &str,
    window: &RateWindow<'_>,
    now: Timestamp,
    hold: Timestamp,
    token: &str,
) -> Result<std::result::Result<i64, Timestamp>> {
    let capacity = window.capacity.max(1);
    loop {
        let slot = tx
            .link()
            .one(
                TAKE,
                args![
                    account,
                    window.label,
                    now,
                    hold,
                    token,
                    capacity,
                    plus(hold, window.window + SET_BACK)
                ],
                Cells::int,
            )
            .await?;
        if let Some(slot) = slot {
            return Ok(Ok(slot));
        }
        let (made, first_free) = tx
            .link()
            .exactly(SLOTS, args![account, window.label, capacity], |row| {
                Ok((row.count()?, row.opt_instant()?))
            })
            .await?;
        if made >= u64::from(capacity) {
            // With PostgreSQL a slot that was free may be in another's hands this very moment.
            let soon = plus(now, Duration::from_millis(1));
            return Ok(Err(first_free.map_or(soon, |at| at.max(soon))));
        }
        // The first calls under this label, or a larger plan than before: make the slots.
        tx.execute(LOCK, args![account]).await?;
        for slot in 0..i64::from(capacity) {
            tx.execute(ADD_SLOT, args![account, window.label, slot])
                .await?;
        }
    }
}

//! Claiming: which jobs a worker gets, and keeping them.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{job_columns, read_job};
use crate::db::{Args, Cells, Engine, Tx, args, one, statements, two};
use crate::error::{Result, StoreError};
use crate::id::JobId;
use crate::model::{Claim, ClaimedJob, JobLease};
use crate::store::{Scope, Store, set_back};

/// The kinds of parameter $1, a JSON array: one question for all of them, since it is asked after every commit.
macro_rules! sqlite_kinds {
    () => {
        "json_each($1) AS k"
    };
}
macro_rules! postgres_kinds {
    () => {
        "jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS jsonb)) AS k(value)"
    };
}

macro_rules! peek {
    ($kinds:expr) => {
        concat!(
            "SELECT k.value FROM ",
            $kinds,
            " WHERE EXISTS (SELECT 1 FROM jobs WHERE state = 'ready' AND kind = k.value)
                OR EXISTS (SELECT 1 FROM jobs WHERE state = 'waiting' AND kind = k.value AND run_at <= $2)"
        )
    };
}

macro_rules! promote {
    ($kinds:expr) => {
        concat!(
            "UPDATE jobs SET state = 'ready' WHERE state = 'waiting' AND run_at <= $2 AND kind IN (SELECT k.value FROM ",
            $kinds,
            ")"
        )
    };
}

// Each part is answered by the first entry of an index, however many jobs there are. Of the ready ones it is the most
// urgent: all their instants have passed.
macro_rules! next {
    ($kinds:expr) => {
        concat!(
            "SELECT MIN(n.ready), MIN(n.waiting) FROM (SELECT
                (SELECT run_at FROM jobs WHERE state = 'ready' AND kind = k.value ORDER BY priority, run_at, id LIMIT 1) AS ready,
                (SELECT MIN(run_at) FROM jobs WHERE state = 'waiting' AND kind = k.value) AS waiting
            FROM ",
            $kinds,
            ") AS n"
        )
    };
}

/// The lane of `j` has no running job, or it has no lane.
macro_rules! free {
    () => {
        "(j.lane IS NULL OR NOT EXISTS (SELECT 1 FROM jobs r WHERE r.lane = j.lane AND r.state = 'running' AND r.lane IS NOT NULL))"
    };
}

// The first jobs of a kind, of which those are taken whose lane is free; $4 bounds how many are looked at. SQLite ends with the
// last one taken; PostgreSQL can lock rows of a table only.
macro_rules! sqlite_candidates {
    () => {
        concat!(
            "SELECT j.id, j.lane, j.priority, j.run_at FROM (SELECT id, lane, priority, run_at, v FROM jobs INDEXED BY jobs_ready
                WHERE state = 'ready' AND kind = $1 ORDER BY priority, run_at, id LIMIT $4) j
             WHERE j.v <= $2 AND ",
            free!(),
            " LIMIT $3"
        )
    };
}
macro_rules! postgres_candidates {
    () => {
        concat!(
            "SELECT j.id, j.lane, j.priority, j.run_at FROM jobs j WHERE j.id IN (SELECT id FROM jobs
                WHERE state = 'ready' AND kind = $1 ORDER BY priority, run_at, id LIMIT $4)
             AND j.state = 'ready' AND j.v <= $2 AND ",
            free!(),
            " ORDER BY j.priority, j.run_at, j.id LIMIT $3 FOR UPDATE OF j SKIP LOCKED"
        )
    };
}

// The first job of each free lane, of the first $4 lanes: each step goes from one lane to the next one in the index.
macro_rules! heads {
    ($lock:literal) => {
        concat!(
            "WITH RECURSIVE lanes(lane, n) AS (
                SELECT (SELECT MIN(q.lane) FROM jobs q WHERE q.state = 'ready' AND q.kind = $1), 1
                UNION ALL
                SELECT (SELECT MIN(q.lane) FROM jobs q WHERE q.state = 'ready' AND q.kind = $1 AND q.lane > l.lane), l.n + 1
                FROM lanes l WHERE l.lane IS NOT NULL AND l.n < $4)
            SELECT j.id, j.lane, j.priority, j.run_at FROM lanes l JOIN jobs j ON j.id =
                (SELECT h.id FROM jobs h WHERE h.state = 'ready' AND h.kind = $1 AND h.lane = l.lane AND h.v <= $2
                 ORDER BY h.priority, h.run_at, h.id LIMIT 1)
            WHERE j.state = 'ready' AND ",
            free!(),
            " ORDER BY j.priority, j.run_at, j.id LIMIT $3",
            $lock
        )
    };
}

macro_rules! loose {
    ($lock:literal) => {
        concat!(
            "SELECT j.id, j.lane, j.priority, j.run_at FROM jobs j WHERE j.state = 'ready' AND j.kind = $1 AND j.v <= $2
                AND j.lane IS NULL ORDER BY j.priority, j.run_at, j.id LIMIT $3",
            $lock
        )
    };
}

statements! {
    PEEK = two(peek!(sqlite_kinds!()), peek!(postgres_kinds!()));
    PEEK_LEASES = one("SELECT CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE state = 'running' AND (lease_until <= $1 OR lease_until > $2)) THEN 1 ELSE 0 END");
    // Two claimers must not pick two jobs of one lane at the same time: with PostgreSQL they take turns.
    LOCK = two("SELECT 1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7446, 1)) AS l");
    LEASES_LOST = one("INSERT INTO attempts (job_id, no, started, ended, outcome, error)
        SELECT id, attempts, COALESCE(started_at, lease_until), $1, 'lease_lost', 'its worker vanished or was too slow'
        FROM jobs WHERE state = 'running' AND (lease_until <= $1 OR lease_until > $2) ON CONFLICT (job_id, no, ended) DO NOTHING");
    FREE_LEASES = one("UPDATE jobs SET state = 'ready', lease_token = NULL, lease_until = NULL, again = 0, updated_at = $1
        WHERE state = 'running' AND (lease_until <= $1 OR lease_until > $2)");
    PROMOTE = two(promote!(sqlite_kinds!()), promote!(postgres_kinds!()));
    CANDIDATES = two(sqlite_candidates!(), postgres_candidates!());
    BEYOND = one("SELECT CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE state = 'ready' AND kind = $1 ORDER BY priority, run_at, id LIMIT 1 OFFSET $2)
        THEN 1 ELSE 0 END");
    HEADS = two(heads!(""), heads!(" FOR UPDATE OF j SKIP LOCKED"));
    LOOSE = two(loose!(""), loose!(" FOR UPDATE OF j SKIP LOCKED"));
    TAKE = one(concat!("UPDATE jobs SET state = 'running', lease_token = $2, lease_until = $3, started_at = $4, attempts = attempts + 1, updated_at = $4
        WHERE id = $1 AND state = 'ready' RETURNING ", job_columns!()));
    EXTEND = one("UPDATE jobs SET lease_until = $3 WHERE id = $1 AND lease_token = $2 AND state = 'running'");
    NEXT = two(next!(sqlite_kinds!()), next!(postgres_kinds!()));
}

/// How often a claim looks again when the candidates it saw were all of the same few lanes.
const ROUNDS: usize = 8;
/// How many of the first jobs of a kind are looked at. Where they all are of lanes that are taken, as after a webinar of
/// thousands, the lanes are gone through instead.
const WINDOW: usize = 256;
/// How many lanes of a kind are gone through.
const LANES: usize = 128;

struct Candidate {
    order: (i64, i64),
    id: JobId,
    lane: Option<String>,
}

impl Store {
    /// Claims jobs of all workspaces, most urgent first, at most one per lane and none of a lane with a
    /// running job. What an expired lease held is free again. Costs no write when there is nothing.
    pub async fn claim_jobs(&self, claim: &Claim<'_>) -> Result<Vec<ClaimedJob>> {
        let (mut kinds, ended) = self.kinds_with_work(claim).await?;
        if kinds.is_empty() && !ended {
            return Ok(Vec::new());
        }
        let mut tx = self.begin(Scope::DEFAULT).await?;
        if tx.engine() == Engine::Postgres {
            tx.execute(LOCK, args![]).await?;
        }
        let lost = tx.exactly(PEEK_LEASES, leases(claim), Cells::flag).await?;
        if lost {
            tx.execute(LEASES_LOST, leases(claim)).await?;
            tx.execute(FREE_LEASES, leases(claim)).await?;
            // What was freed may be of any kind.
            kinds = claim.kinds.to_vec();
        }
        tx.execute(PROMOTE, args![list(&kinds), claim.now]).await?;
        let limit = claim.limit as usize;
        let mut claimed = Vec::new();
        for _ in 0..ROUNDS {
            let room = limit - claimed.len();
            let (mut candidates, more) = candidates(&mut tx, &kinds, room).await?;
            candidates.sort_by_key(|a| (a.order, a.id));
            let mut lanes = HashSet::new();
            for candidate in candidates {
                if claimed.len() == limit {
                    break;
                }
                let free = candidate.lane.is_none_or(|lane| lanes.insert(lane));
                if free && let Some(job) = take(&mut tx, candidate.id, claim).await? {
                    claimed.push(job);
                }
            }
            if claimed.len() == limit || !more {
                break;
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// The kinds of which there is a job to do, and whether a lease has ended.
    async fn kinds_with_work<'c>(&self, claim: &Claim<'c>) -> Result<(Vec<(&'c str, i64)>, bool)> {
        let mut read = self.read().await?;
        let mut link = read.link();
        let busy: HashSet<String> = link
            .all(PEEK, args![list(claim.kinds), claim.now], Cells::text)
            .await?
            .into_iter()
            .collect();
        let kinds = claim
            .kinds
            .iter()
            .copied()
            .filter(|(kind, _)| busy.contains(*kind))
            .collect();
        let ended = link
            .exactly(PEEK_LEASES, leases(claim), Cells::flag)
            .await?;
        Ok((kinds, ended))
    }

    /// Keeps a job for longer.
    ///
    /// # Errors
    /// `LeaseLost`: stop working on it.
    pub async fn extend_job(&self, lease: &JobLease, until: Timestamp) -> Result<()> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let done = tx
            .execute(EXTEND, args![lease.id, &lease.token, until])
            .await?;
        super::finish::held(done, lease)?;
        tx.commit().await
    }

    /// When the next job of these kinds may run (an instant that has passed: there is one now).
    pub async fn next_job_at(&self, kinds: &[&str]) -> Result<Option<Timestamp>> {
        let kinds: serde_json::Value = kinds.iter().copied().collect();
        let (ready, waiting) = self
            .exactly(NEXT, args![kinds], |row| {
                Ok((row.opt_instant()?, row.opt_instant()?))
            })
            .await?;
        Ok(ready.into_iter().chain(waiting).min())
    }

    /// Waits until something in this process enqueued jobs. Other processes are not heard: look now and
    /// then by the clock as well.
    pub async fn jobs_enqueued(&self) {
        self.inner.job_signal.notified().await;
    }
}

/// Kinds as the statements read them.
fn list(kinds: &[(&str, i64)]) -> serde_json::Value {
    kinds.iter().map(|(kind, _)| *kind).collect()
}

/// What tells an ended lease: it ended before now, or it ends so late that its clock was set back since.
fn leases(claim: &Claim<'_>) -> Args {
    args![claim.now, set_back(claim.lease_until)]
}

async fn candidates(
    tx: &mut Tx,
    kinds: &[(&str, i64)],
    room: usize,
) -> Result<(Vec<Candidate>, bool)> {
    // A little more than needed, since several may be of one lane.
    let limit = room * 2 + 8;
    let mut out = Vec::new();
    let mut more = false;
    for (kind, v) in kinds {
        let first = args![*kind, *v, limit, WINDOW];
        let mut rows = tx.all(CANDIDATES, first, read_candidate).await?;
        more |= rows.len() == limit;
        if rows.len() < limit
            && tx
                .exactly(BEYOND, args![*kind, WINDOW], Cells::flag)
                .await?
        {
            rows = tx
                .all(HEADS, args![*kind, *v, limit, LANES], read_candidate)
                .await?;
            rows.extend(
                tx.all(LOOSE, args![*kind, *v, limit], read_candidate)
                    .await?,
            );
        }
        out.extend(rows);
    }
    Ok((out, more))
}

fn read_candidate(row: &mut Cells) -> Result<Candidate> {
    let id = row.id()?;
    let lane = row.opt_text()?;
    Ok(Candidate {
        order: (row.int()?, row.int()?),
        id,
        lane,
    })
}

async fn take(tx: &mut Tx, id: JobId, claim: &Claim<'_>) -> Result<Option<ClaimedJob>> {
    let token = tx.store.ids.uuid(claim.now).to_string();
    let job = tx
        .one(
            TAKE,
            args![id, &token, claim.lease_until, claim.now],
            read_job,
        )
        .await?;
    Ok(job.map(|job| ClaimedJob {
        lease: JobLease {
            id,
            attempt: job.attempts,
            started: claim.now,
            token,
        },
        job,
    }))
}

pub(super) fn lost(lease: &JobLease) -> StoreError {
    StoreError::lease_lost(format_args!("job {}", lease.id))
}

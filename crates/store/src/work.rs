//! Backfills and their slices, cursors, and roles that one process at a time plays.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::{Result, StoreError};
use crate::id::{AccountId, BackfillId, SliceId};
use crate::model::{
    Backfill, BackfillState, Cursor, Lease, NewSlice, Slice, SliceCount, SliceState, SliceUpdate,
};
use crate::store::{Scope, Store, set_back};

macro_rules! backfill {
    () => {
        "id, account_id, spec, forecast, summary, state, created_at, updated_at, finished_at"
    };
}
macro_rules! slice {
    () => {
        "id, backfill_id, resource, subject, from_at, to_at, checkpoint, state, items, calls, error, updated_at"
    };
}

statements! {
    CURSOR = one("SELECT owner, name, value, overlap_us, updated_at FROM cursors WHERE workspace_id = $1 AND owner = $2 AND name = $3");
    CURSORS = one("SELECT owner, name, value, overlap_us, updated_at FROM cursors WHERE workspace_id = $1 AND owner = $2 ORDER BY name");
    CURSOR_PUT = one("INSERT INTO cursors (workspace_id, owner, name, value, overlap_us, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, owner, name) DO UPDATE SET value = $4, overlap_us = $5, updated_at = $6");

    BACKFILL = one(concat!("SELECT ", backfill!(), " FROM backfills WHERE workspace_id = $1 AND id = $2"));
    BACKFILL_LOCKED = locked!("SELECT ", backfill!(), " FROM backfills WHERE workspace_id = $1 AND id = $2");
    BACKFILLS = one(concat!("SELECT ", backfill!(), " FROM backfills WHERE workspace_id = $1 AND (CAST($2 AS TEXT) IS NULL OR account_id = $2) ORDER BY created_at DESC, id DESC LIMIT $3"));
    BACKFILL_NEW = one("INSERT INTO backfills (id, workspace_id, account_id, spec, forecast, state, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, 'planning', $6, $6)");
    BACKFILL_STATE = one("UPDATE backfills SET state = $3, updated_at = $4,
            finished_at = CASE WHEN $3 IN ('done', 'failed', 'cancelled') THEN COALESCE(finished_at, $4) ELSE NULL END
        WHERE workspace_id = $1 AND id = $2 AND state <> $3");
    BACKFILL_NOTES = one("UPDATE backfills SET forecast = COALESCE($3, forecast), summary = COALESCE($4, summary), updated_at = $5 WHERE workspace_id = $1 AND id = $2");

    SLICE = one(concat!("SELECT ", slice!(), " FROM slices WHERE workspace_id = $1 AND id = $2"));
    SLICE_LOCKED = locked!("SELECT ", slice!(), " FROM slices WHERE workspace_id = $1 AND id = $2");
    SLICES = one(concat!("SELECT ", slice!(), " FROM slices WHERE workspace_id = $1 AND backfill_id = $2
        AND (CAST($3 AS TEXT) IS NULL OR state = $3) ORDER BY resource, subject, from_at, id"));
    SLICE_NEW = one("INSERT INTO slices (id, workspace_id, backfill_id, resource, subject, from_at, to_at, state, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8) ON CONFLICT (backfill_id, resource, subject, from_at, to_at) DO NOTHING");
    SLICE_SET = one("UPDATE slices SET state = $3, checkpoint = COALESCE($4, checkpoint), items = items + $5, calls = calls + $6, error = $7, updated_at = $8
        WHERE workspace_id = $1 AND id = $2");
    SLICE_COUNTS = one("SELECT resource, state, COUNT(*), CAST(SUM(items) AS BIGINT), CAST(SUM(calls) AS BIGINT) FROM slices
        WHERE workspace_id = $1 AND backfill_id = $2 GROUP BY resource, state ORDER BY resource, state");

    LEASE = one("INSERT INTO singletons AS t (name, holder, fence, until) VALUES ($1, $2, 1, $4)
        ON CONFLICT (name) DO UPDATE SET holder = $2, until = $4, fence = CASE WHEN t.holder = $2 AND t.until > $3 THEN t.fence ELSE t.fence + 1 END
        WHERE t.until <= $3 OR t.until > $5 OR t.holder = $2
        RETURNING fence");
    RENEW = one("UPDATE singletons SET until = $5 WHERE name = $1 AND holder = $2 AND fence = $3 AND until > $4");
    GIVE_BACK = one("UPDATE singletons SET until = 0 WHERE name = $1 AND holder = $2 AND fence = $3");
    CHECK = locked!("SELECT fence FROM singletons WHERE name = $1 AND holder = $2 AND fence = $3 AND until > $4");
}

fn cursor(row: &mut Cells) -> Result<Cursor> {
    Ok(Cursor {
        owner: row.text()?,
        name: row.text()?,
        value: row.text()?,
        overlap_us: row.int()?,
        updated_at: row.instant()?,
    })
}

fn backfill(row: &mut Cells) -> Result<Backfill> {
    Ok(Backfill {
        id: row.id()?,
        account_id: row.id()?,
        spec: row.json()?,
        forecast: row.opt_json()?,
        summary: row.opt_json()?,
        state: row.parsed()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
        finished_at: row.opt_instant()?,
    })
}

/// Stands for an open end of a slice's window in its key.
const OPEN: i64 = -1;

fn open_end(row: &mut Cells) -> Result<Option<Timestamp>> {
    Ok(Some(row.int()?)
        .filter(|&micros| micros != OPEN)
        .and_then(|micros| Timestamp::from_microsecond(micros).ok()))
}

fn slice(row: &mut Cells) -> Result<Slice> {
    Ok(Slice {
        id: row.id()?,
        backfill_id: row.id()?,
        resource: row.text()?,
        subject: row.text()?,
        from: open_end(row)?,
        to: open_end(row)?,
        checkpoint: row.opt_json()?,
        state: row.parsed()?,
        items: row.int()?,
        calls: row.int()?,
        error: row.opt_text()?,
        updated_at: row.instant()?,
    })
}

impl Store {
    /// Where an owner stands in one of its streams.
    pub async fn cursor(&self, scope: Scope, owner: &str, name: &str) -> Result<Option<Cursor>> {
        self.one(CURSOR, args![scope.workspace, owner, name], cursor)
            .await
    }

    /// All cursors of an owner.
    pub async fn cursors(&self, scope: Scope, owner: &str) -> Result<Vec<Cursor>> {
        self.all(CURSORS, args![scope.workspace, owner], cursor)
            .await
    }

    /// A backfill.
    pub async fn backfill(&self, scope: Scope, id: BackfillId) -> Result<Option<Backfill>> {
        self.one(BACKFILL, args![scope.workspace, id], backfill)
            .await
    }

    /// Backfills (of an account), the latest first, at most `limit`.
    pub async fn backfills(
        &self,
        scope: Scope,
        account: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Backfill>> {
        self.all(BACKFILLS, args![scope.workspace, account, limit], backfill)
            .await
    }

    /// A slice.
    pub async fn slice(&self, scope: Scope, id: SliceId) -> Result<Option<Slice>> {
        self.one(SLICE, args![scope.workspace, id], slice).await
    }

    /// The slices of a backfill (in a state), by resource, subject and window.
    pub async fn slices(
        &self,
        scope: Scope,
        backfill: BackfillId,
        state: Option<SliceState>,
    ) -> Result<Vec<Slice>> {
        self.all(SLICES, args![scope.workspace, backfill, state], slice)
            .await
    }

    /// How far a backfill is: slices, items and calls by resource and state.
    pub async fn slice_counts(
        &self,
        scope: Scope,
        backfill: BackfillId,
    ) -> Result<Vec<SliceCount>> {
        self.all(SLICE_COUNTS, args![scope.workspace, backfill], |row| {
            Ok(SliceCount {
                resource: row.text()?,
                state: row.parsed()?,
                slices: row.count()?,
                items: row.count()?,
                calls: row.count()?,
            })
        })
        .await
    }

    /// Takes a role, or keeps it: none while another holder's lease lasts. Roles belong to the whole
    /// database, not to a workspace. All holders of a role ask for about the same time: a lease that ends far
    /// later than this one would was taken by a clock that was set back since, and does not count.
    pub async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let fence = tx
            .one(
                LEASE,
                args![name, holder, now, until, set_back(until)],
                Cells::int,
            )
            .await?;
        tx.commit().await?;
        Ok(fence.map(|fence| Lease {
            name: name.to_owned(),
            holder: holder.to_owned(),
            fence,
            until,
        }))
    }

    /// Keeps a role for longer.
    ///
    /// # Errors
    /// `LeaseLost` when it ended or another holder has it.
    pub async fn renew_lease(
        &self,
        lease: &Lease,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let done = tx
            .execute(
                RENEW,
                args![&lease.name, &lease.holder, lease.fence, now, until],
            )
            .await?;
        tx.commit().await?;
        if done == 0 {
            return Err(StoreError::lease_lost(format_args!(
                "the role {}",
                lease.name
            )));
        }
        Ok(Lease {
            until,
            ..lease.clone()
        })
    }

    /// Gives a role back at once.
    pub async fn release_lease(&self, lease: &Lease) -> Result<()> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        tx.execute(GIVE_BACK, args![&lease.name, &lease.holder, lease.fence])
            .await?;
        tx.commit().await
    }
}

impl Tx {
    /// Makes sure that a role is still held; with PostgreSQL nobody can take it before this transaction ends.
    ///
    /// # Errors
    /// `LeaseLost`: roll back.
    pub async fn check_lease(&mut self, lease: &Lease, now: Timestamp) -> Result<()> {
        self.one(
            CHECK,
            args![&lease.name, &lease.holder, lease.fence, now],
            |_| Ok(()),
        )
        .await?
        .ok_or_else(|| StoreError::lease_lost(format_args!("the role {}", lease.name)))
    }

    /// Moves a cursor. `overlap_us` is how far to step back when reading on, in microseconds.
    pub async fn set_cursor(
        &mut self,
        owner: &str,
        name: &str,
        value: &str,
        overlap_us: i64,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(CURSOR_PUT, args![w, owner, name, value, overlap_us, now])
            .await?;
        Ok(())
    }

    /// Begins a backfill, in state planning.
    pub async fn create_backfill(
        &mut self,
        account: AccountId,
        spec: &Json,
        forecast: Option<&Json>,
        now: Timestamp,
    ) -> Result<BackfillId> {
        let w = self.w();
        let id: BackfillId = self.new_id(now);
        let forecast = forecast.map(ToString::to_string);
        self.execute(BACKFILL_NEW, args![id, w, account, spec, forecast, now])
            .await?;
        Ok(id)
    }

    /// A backfill, locked until this transaction ends.
    pub async fn backfill(&mut self, id: BackfillId) -> Result<Option<Backfill>> {
        let w = self.w();
        self.one(BACKFILL_LOCKED, args![w, id], backfill).await
    }

    /// Sets a backfill's state; whether that was a change.
    pub async fn set_backfill_state(
        &mut self,
        id: BackfillId,
        state: BackfillState,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(BACKFILL_STATE, args![w, id, state, now])
            .await?
            > 0)
    }

    /// Keeps a backfill's forecast or summary; what is none stays.
    pub async fn note_backfill(
        &mut self,
        id: BackfillId,
        forecast: Option<&Json>,
        summary: Option<&Json>,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        let forecast = forecast.map(ToString::to_string);
        let summary = summary.map(ToString::to_string);
        self.execute(BACKFILL_NOTES, args![w, id, forecast, summary, now])
            .await?;
        Ok(())
    }

    /// Adds slices that are not there yet; the ids of those that were added.
    pub async fn add_slices(
        &mut self,
        backfill: BackfillId,
        slices: &[NewSlice],
        now: Timestamp,
    ) -> Result<Vec<SliceId>> {
        let w = self.w();
        let mut added = Vec::new();
        for new in slices {
            let id: SliceId = self.new_id(now);
            let micros = |at: Option<Timestamp>| at.map_or(OPEN, Timestamp::as_microsecond);
            let done = self
                .execute(
                    SLICE_NEW,
                    args![
                        id,
                        w,
                        backfill,
                        &new.resource,
                        &new.subject,
                        micros(new.from),
                        micros(new.to),
                        now
                    ],
                )
                .await?;
            if done > 0 {
                added.push(id);
            }
        }
        Ok(added)
    }

    /// A slice, locked until this transaction ends.
    pub async fn slice(&mut self, id: SliceId) -> Result<Option<Slice>> {
        let w = self.w();
        self.one(SLICE_LOCKED, args![w, id], slice).await
    }

    /// Writes down what happened to a slice.
    pub async fn update_slice(
        &mut self,
        id: SliceId,
        update: &SliceUpdate,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        let done = self
            .execute(
                SLICE_SET,
                args![
                    w,
                    id,
                    update.state,
                    update.checkpoint.clone(),
                    update.items,
                    update.calls,
                    update.error.clone(),
                    now
                ],
            )
            .await?;
        Ok(done > 0)
    }
}

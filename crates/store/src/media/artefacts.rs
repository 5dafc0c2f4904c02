//! What is to be had, whether we have it, and why not.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::OwnerId;
use crate::model::{
    Artefact, ArtefactCount, ArtefactKind, ArtefactState, Change, NewArtefact, Sweep, SweptInstance,
};
use crate::store::{Scope, Store};

macro_rules! artefact {
    () => {
        "owner_id, kind, state, cause, detail, expected_by, checked_at"
    };
}

statements! {
    OF = one(concat!("SELECT ", artefact!(), " FROM artefacts WHERE workspace_id = $1 AND owner_id = $2 ORDER BY kind"));
    ONE_LOCKED = locked!("SELECT ", artefact!(), " FROM artefacts WHERE workspace_id = $1 AND owner_id = $2 AND kind = $3");
    PUT = one("INSERT INTO artefacts (workspace_id, owner_id, kind, state, cause, detail, expected_by, checked_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (owner_id, kind) DO UPDATE SET state = $4, cause = $5, detail = $6, expected_by = $7, checked_at = $8");
    OVERDUE = one(concat!("SELECT ", artefact!(), " FROM artefacts WHERE workspace_id = $1 AND state = 'expected' AND expected_by <= $2 ORDER BY expected_by LIMIT $3"));
    SWEEP = one("SELECT i.id, i.external_id, i.number, i.kind, i.start_at, i.end_at FROM instances i
        LEFT JOIN artefacts a ON a.owner_id = i.id AND a.kind = $3
        WHERE i.workspace_id = $1 AND i.account_id = $2 AND i.deleted_at IS NULL
        AND COALESCE(a.state, '') = COALESCE(CAST($4 AS TEXT), '')
        AND (CAST($5 AS TEXT) IS NULL OR a.cause = $5)
        AND (CAST($6 AS BIGINT) IS NULL OR i.sort_at >= $6)
        AND (CAST($7 AS BIGINT) IS NULL OR i.sort_at < $7)
        AND i.id > $8 ORDER BY i.id LIMIT $9");
    COUNTS = one("SELECT kind, state, cause, COUNT(*) FROM artefacts WHERE workspace_id = $1 GROUP BY kind, state, cause ORDER BY kind, state, cause");
}

fn artefact(row: &mut Cells) -> Result<Artefact> {
    Ok(Artefact {
        owner_id: row.id()?,
        kind: row.parsed()?,
        state: row.parsed()?,
        cause: row.opt_text()?,
        detail: row.opt_text()?,
        expected_by: row.opt_instant()?,
        checked_at: row.instant()?,
    })
}

impl Store {
    /// The states of what an owner has.
    pub async fn artefacts(&self, scope: Scope, owner: OwnerId) -> Result<Vec<Artefact>> {
        self.all(OF, args![scope.workspace, owner], artefact).await
    }

    /// What should be here by now and is not, the longest overdue first.
    pub async fn overdue_artefacts(
        &self,
        scope: Scope,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Artefact>> {
        self.all(OVERDUE, args![scope.workspace, now, limit], artefact)
            .await
    }

    /// Instances by the state of one thing of theirs, by id: for sweeps that go on after the last id.
    pub async fn sweep_instances(&self, scope: Scope, sweep: &Sweep) -> Result<Vec<SweptInstance>> {
        let after = sweep.after.map_or_else(String::new, |id| id.to_string());
        self.all(
            SWEEP,
            args![
                scope.workspace,
                sweep.account,
                sweep.kind,
                sweep.state,
                sweep.cause.clone(),
                sweep.from,
                sweep.before,
                after,
                sweep.limit
            ],
            |row| {
                Ok(SweptInstance {
                    id: row.id()?,
                    external_id: row.text()?,
                    number: row.opt_text()?,
                    kind: row.parsed()?,
                    start: row.opt_instant()?,
                    end: row.opt_instant()?,
                })
            },
        )
        .await
    }

    /// How many things are in which state for which cause.
    pub async fn artefact_counts(&self, scope: Scope) -> Result<Vec<ArtefactCount>> {
        self.all(COUNTS, args![scope.workspace], |row| {
            Ok(ArtefactCount {
                kind: row.parsed()?,
                state: row.parsed()?,
                cause: row.opt_text()?,
                count: row.count()?,
            })
        })
        .await
    }
}

impl Tx {
    /// The state of one thing, locked until this transaction ends.
    pub async fn artefact(
        &mut self,
        owner: OwnerId,
        kind: ArtefactKind,
    ) -> Result<Option<Artefact>> {
        let w = self.w();
        self.one(ONE_LOCKED, args![w, owner, kind], artefact).await
    }

    /// Sets the state of one thing.
    pub async fn put_artefact(&mut self, new: &NewArtefact, now: Timestamp) -> Result<Change> {
        let w = self.w();
        let old = self
            .one(ONE_LOCKED, args![w, new.owner_id, new.kind], artefact)
            .await?;
        self.write_artefact(old.as_ref(), new, now).await
    }

    /// Sets the state of one thing, unless we have it or know for certain that it cannot be had: for
    /// expectations, which may come late.
    pub async fn expect_artefact(&mut self, new: &NewArtefact, now: Timestamp) -> Result<Change> {
        let w = self.w();
        let old = self
            .one(ONE_LOCKED, args![w, new.owner_id, new.kind], artefact)
            .await?;
        if let Some(old) = &old
            && matches!(
                old.state,
                ArtefactState::Present | ArtefactState::Unavailable
            )
        {
            return Ok(Change::Unchanged);
        }
        self.write_artefact(old.as_ref(), new, now).await
    }

    async fn write_artefact(
        &mut self,
        old: Option<&Artefact>,
        new: &NewArtefact,
        now: Timestamp,
    ) -> Result<Change> {
        let w = self.w();
        self.execute(
            PUT,
            args![
                w,
                new.owner_id,
                new.kind,
                new.state,
                new.cause.clone(),
                new.detail.clone(),
                new.expected_by,
                now
            ],
        )
        .await?;
        Ok(match old {
            None => Change::Inserted,
            Some(old)
                if old.state == new.state && old.cause == new.cause && old.detail == new.detail =>
            {
                Change::Unchanged
            }
            Some(_) => Change::Updated,
        })
    }
}

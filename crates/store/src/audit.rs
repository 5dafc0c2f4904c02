//! The audit log: entries in one order for each workspace, each carrying the hash of the one before.
//!
//! What is hashed, and how, is the engine's: here entries are put into their order. [`Tx::lock_audit`] holds the last
//! entry's place until the transaction ends, on both engines, so that two writers never follow the same entry.

use jiff::Timestamp;
use serde::Serialize;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::model::{Page, PageRequest};
use crate::page::Key;
use crate::store::{Scope, Store};

macro_rules! entry {
    () => {
        "n, at, actor, surface, action, target, detail, prev_hash, hash"
    };
}

statements! {
    HEAD_MAKE = one("INSERT INTO audit_heads (workspace_id, n, hash) VALUES ($1, 0, '') ON CONFLICT (workspace_id) DO NOTHING");
    HEAD_LOCKED = locked!("SELECT n, hash FROM audit_heads WHERE workspace_id = $1");
    HEAD = one("SELECT n, hash FROM audit_heads WHERE workspace_id = $1");
    HEAD_SET = one("UPDATE audit_heads SET n = $2, hash = $3 WHERE workspace_id = $1");
    ENTRY_PUT = one("INSERT INTO audit (workspace_id, n, at, actor, surface, action, target, detail, prev_hash, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    NEWEST = one(concat!("SELECT ", entry!(), " FROM audit WHERE workspace_id = $1
        AND (CAST($2 AS BIGINT) IS NULL OR n < $2) AND (CAST($3 AS TEXT) IS NULL OR action = $3)
        AND (CAST($4 AS TEXT) IS NULL OR target = $4) AND (CAST($5 AS TEXT) IS NULL OR actor = $5) ORDER BY n DESC LIMIT $6"));
    OLDEST = one(concat!("SELECT ", entry!(), " FROM audit WHERE workspace_id = $1 AND n > $2 ORDER BY n LIMIT $3"));
}

/// The last entry of a workspace's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// Its number; 0 before the first.
    pub n: i64,
    /// Its hash, in hex; empty before the first.
    pub hash: String,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Its place in the order, from 1.
    pub n: i64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// Through what.
    pub surface: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub target: String,
    /// What else is to be known; no secrets.
    pub detail: serde_json::Value,
    /// Hash of the entry before, in hex; empty for the first.
    pub prev_hash: String,
    /// Hash of this entry, in hex.
    pub hash: String,
}

/// Which entries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this action.
    pub action: Option<String>,
    /// Only this target.
    pub target: Option<String>,
    /// Only this actor.
    pub actor: Option<String>,
}

fn entry(row: &mut Cells) -> Result<AuditEntry> {
    Ok(AuditEntry {
        n: row.int()?,
        at: row.instant()?,
        actor: row.text()?,
        surface: row.text()?,
        action: row.text()?,
        target: row.text()?,
        detail: row.json()?,
        prev_hash: row.text()?,
        hash: row.text()?,
    })
}

fn head(row: &mut Cells) -> Result<AuditHead> {
    Ok(AuditHead {
        n: row.int()?,
        hash: row.text()?,
    })
}

impl Store {
    /// The audit log, newest first.
    pub async fn audit(
        &self,
        scope: Scope,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>> {
        let limit = page.bounded();
        let before = Key::one(page)?;
        let mut items = self
            .all(
                NEWEST,
                args![
                    scope.workspace,
                    before,
                    filter.action.clone(),
                    filter.target.clone(),
                    filter.actor.clone(),
                    limit + 1
                ],
                entry,
            )
            .await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| last.n.to_string());
        Ok(Page { items, next })
    }

    /// Entries after a number, oldest first: for whoever checks the whole log.
    pub async fn audit_after(&self, scope: Scope, n: i64, limit: u32) -> Result<Vec<AuditEntry>> {
        self.all(OLDEST, args![scope.workspace, n, limit], entry)
            .await
    }

    /// The last entry of the log, as it was written down when it was put in.
    pub async fn audit_head(&self, scope: Scope) -> Result<Option<AuditHead>> {
        self.one(HEAD, args![scope.workspace], head).await
    }
}

impl Tx {
    /// The last entry, held until the transaction ends: nobody else puts one in meanwhile.
    pub async fn lock_audit(&mut self) -> Result<AuditHead> {
        let w = self.w();
        self.execute(HEAD_MAKE, args![w]).await?;
        self.exactly(HEAD_LOCKED, args![w], head).await
    }

    /// Puts an entry in that follows the one of [`Tx::lock_audit`].
    pub async fn put_audit(&mut self, entry: &AuditEntry) -> Result<()> {
        let w = self.w();
        self.execute(
            ENTRY_PUT,
            args![
                w,
                entry.n,
                entry.at,
                &entry.actor,
                &entry.surface,
                &entry.action,
                &entry.target,
                &entry.detail,
                &entry.prev_hash,
                &entry.hash
            ],
        )
        .await?;
        self.execute(HEAD_SET, args![w, entry.n, &entry.hash])
            .await?;
        Ok(())
    }
}

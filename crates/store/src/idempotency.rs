//! Requests that carry a key, so that a repetition gets the first one's answer, whichever process it reaches.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::{Result, StoreError};
use crate::store::Scope;
use crate::store::Store;

/// A request with a key, as it is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyedRequest<'k> {
    /// Whose keys these are: callers do not meet each other's.
    pub caller: &'k str,
    /// The key.
    pub key: &'k str,
    /// The action that is asked for.
    pub action: &'k str,
    /// SHA-256 of the request, as hex.
    pub request_hash: &'k str,
    /// A random text that tells this try from others.
    pub lease_token: &'k str,
    /// Until when others take this try for alive.
    pub lease_until: Timestamp,
    /// When the row may be forgotten.
    pub expires: Timestamp,
}

/// What a claim found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyClaim {
    /// Nobody came with this key before: do it, then [`Store::keep_answer`].
    Fresh,
    /// An earlier try ended without an answer, or nobody knows what came of it: find out before doing it again.
    Abandoned,
    /// It was done: the answer as it was kept.
    Answered(Vec<u8>),
    /// Another try is under way, at the latest until then.
    Running(Timestamp),
    /// The key belongs to another request.
    Mismatch,
}

statements! {
    TIDY = one("DELETE FROM idempotency WHERE expires <= $1");
    NEW = one("INSERT INTO idempotency (workspace_id, caller, key, action, request_hash, state, lease_token, lease_until, created_at, expires)
        VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, $8, $9) ON CONFLICT (workspace_id, caller, key) DO NOTHING");
    LOOK = locked!("SELECT action, request_hash, state, answer, lease_until FROM idempotency WHERE workspace_id = $1 AND caller = $2 AND key = $3");
    TAKE = one("UPDATE idempotency SET state = 'running', lease_token = $4, lease_until = $5, expires = $6 WHERE workspace_id = $1 AND caller = $2 AND key = $3");
    ANSWER = one("UPDATE idempotency SET state = 'done', answer = $5 WHERE workspace_id = $1 AND caller = $2 AND key = $3 AND lease_token = $4");
    UNKNOWN = one("UPDATE idempotency SET state = 'unknown', lease_until = 0 WHERE workspace_id = $1 AND caller = $2 AND key = $3 AND lease_token = $4");
    RELEASE = one("DELETE FROM idempotency WHERE workspace_id = $1 AND caller = $2 AND key = $3 AND lease_token = $4 AND state = 'running'");
}

impl Store {
    /// Claims a key for a request, or tells what is known of it.
    pub async fn claim_key(
        &self,
        scope: Scope,
        request: &KeyedRequest<'_>,
        now: Timestamp,
    ) -> Result<KeyClaim> {
        let mut tx = self.begin(scope).await?;
        let claim = tx.claim_key(request, now).await?;
        tx.commit().await?;
        Ok(claim)
    }

    /// Keeps the answer of a claimed request for its repetitions; whether the claim was still ours.
    pub async fn keep_answer(
        &self,
        scope: Scope,
        request: &KeyedRequest<'_>,
        answer: &[u8],
    ) -> Result<bool> {
        let mut tx = self.begin(scope).await?;
        let args = args![
            scope.workspace,
            request.caller,
            request.key,
            request.lease_token,
            answer
        ];
        let kept = tx.execute(ANSWER, args).await?;
        tx.commit().await?;
        Ok(kept == 1)
    }

    /// Notes that nobody knows what came of a claimed request: the next try has to find out first.
    pub async fn leave_unknown(&self, scope: Scope, request: &KeyedRequest<'_>) -> Result<()> {
        self.end_claim(scope, UNKNOWN, request).await
    }

    /// Gives a key back whose request had no effect, so that it can be tried again.
    pub async fn release_key(&self, scope: Scope, request: &KeyedRequest<'_>) -> Result<()> {
        self.end_claim(scope, RELEASE, request).await
    }

    async fn end_claim(
        &self,
        scope: Scope,
        sql: crate::db::Sql,
        request: &KeyedRequest<'_>,
    ) -> Result<()> {
        let mut tx = self.begin(scope).await?;
        let args = args![
            scope.workspace,
            request.caller,
            request.key,
            request.lease_token
        ];
        tx.execute(sql, args).await?;
        tx.commit().await
    }
}

struct Row {
    action: String,
    request_hash: String,
    state: String,
    answer: Option<Vec<u8>>,
    lease_until: Timestamp,
}

fn row(cells: &mut Cells) -> Result<Row> {
    Ok(Row {
        action: cells.text()?,
        request_hash: cells.text()?,
        state: cells.text()?,
        answer: cells.opt_bytes()?,
        lease_until: cells.instant()?,
    })
}

impl Tx {
    async fn claim_key(&mut self, request: &KeyedRequest<'_>, now: Timestamp) -> Result<KeyClaim> {
        let w = self.w();
        self.execute(TIDY, args![now]).await?;
        let added = self
            .execute(
                NEW,
                args![
                    w,
                    request.caller,
                    request.key,
                    request.action,
                    request.request_hash,
                    request.lease_token,
                    request.lease_until,
                    now,
                    request.expires
                ],
            )
            .await?;
        if added == 1 {
            return Ok(KeyClaim::Fresh);
        }
        let known = self
            .one(LOOK, args![w, request.caller, request.key], row)
            .await?
            .ok_or_else(|| StoreError::data("a key vanished while it was claimed"))?;
        if known.action != request.action || known.request_hash != request.request_hash {
            return Ok(KeyClaim::Mismatch);
        }
        match (known.state.as_str(), known.answer) {
            ("done", Some(answer)) => Ok(KeyClaim::Answered(answer)),
            ("running", _) if known.lease_until > now => Ok(KeyClaim::Running(known.lease_until)),
            _ => {
                let args = args![
                    w,
                    request.caller,
                    request.key,
                    request.lease_token,
                    request.lease_until,
                    request.expires
                ];
                self.execute(TAKE, args).await?;
                Ok(KeyClaim::Abandoned)
            }
        }
    }
}

//! OAuth grants, and the protocol by which one process at a time refreshes one.
//!
//! 1. [`Store::lease_grant`]: one holder, until an instant.
//! 2. [`Store::begin_refresh`]: the intent is durable before the provider is asked, and counted.
//! 3. [`Tx::store_refreshed`] in the transaction that writes the new tokens into the vault: only with
//!    the lease still held and on top of the generation it was given for; or [`Tx::kill_grant`], or
//!    [`Store::release_grant`] when nothing came of it, which takes the count back only when it is
//!    certain that the provider made no pair.
//! 4. A holder who was overtaken while the provider answered may still have the only living pair:
//!    [`Tx::store_late`].

use jiff::Timestamp;

use crate::db::{Args, Cells, Tx, args, locked, one, statements};
use crate::error::{Result, StoreError};
use crate::id::{AppId, GrantId};
use crate::model::{
    Grant, GrantLease, GrantTokens, LatePair, LeaseAnswer, NewGrant, RefreshRelease,
};
use crate::store::{Scope, Store, set_back};

macro_rules! grant {
    () => {
        "id, workspace_id, app_id, provider, subject_external_id, scopes, api_url, access_exp, generation, lease_until, pending_refresh, asked, failures, refresh_after, dead_reason, updated_at"
    };
}

statements! {
    GRANT = one(concat!("SELECT ", grant!(), " FROM grants WHERE workspace_id = $1 AND id = $2"));
    GRANT_OF = one(concat!("SELECT ", grant!(), " FROM grants WHERE workspace_id = $1 AND app_id = $2 AND subject_external_id = $3"));
    GRANTS = one(concat!("SELECT ", grant!(), " FROM grants WHERE workspace_id = $1 ORDER BY updated_at, id"));
    GRANT_ELSEWHERE = one(concat!("SELECT ", grant!(), " FROM grants WHERE subject_external_id = $1 AND workspace_id <> $2 AND dead_reason IS NULL
        AND app_id IN (SELECT a.id FROM apps a WHERE COALESCE(a.family, a.client_id) =
            (SELECT COALESCE(b.family, b.client_id) FROM apps b WHERE b.id = $3)) ORDER BY updated_at LIMIT 1"));
    GRANT_FAMILY = one(concat!("SELECT ", grant!(), " FROM grants WHERE workspace_id = $1 AND subject_external_id = $2
        AND app_id IN (SELECT a.id FROM apps a WHERE a.workspace_id = $1 AND COALESCE(a.family, a.client_id) =
            (SELECT COALESCE(b.family, b.client_id) FROM apps b WHERE b.id = $3)) ORDER BY updated_at, id"));
    GRANT_PUT = one("INSERT INTO grants AS t (id, workspace_id, app_id, provider, subject_external_id, scopes, api_url, access_exp, generation, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)
        ON CONFLICT (workspace_id, app_id, subject_external_id) DO UPDATE SET
            scopes = $6, api_url = COALESCE($7, t.api_url), access_exp = $8, generation = t.generation + 1,
            lease_token = NULL, lease_until = NULL, pending_refresh = NULL, asked = 0, failures = 0, refresh_after = NULL,
            dead_reason = NULL, updated_at = $9
        RETURNING id");
    GRANT_MAKE = one("INSERT INTO grants (id, workspace_id, app_id, provider, subject_external_id, scopes, api_url, access_exp, generation, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)
        ON CONFLICT (workspace_id, app_id, subject_external_id) DO NOTHING");
    LEASE = one("UPDATE grants SET lease_token = $3, lease_until = $4
        WHERE workspace_id = $1 AND id = $2 AND dead_reason IS NULL AND (lease_until IS NULL OR lease_until <= $5 OR lease_until > $6)
        AND (refresh_after IS NULL OR refresh_after <= $5 OR refresh_after > $6)
        RETURNING generation, pending_refresh, asked, failures");
    LEASE_UNTIL = one("SELECT lease_until, refresh_after, failures FROM grants WHERE workspace_id = $1 AND id = $2 AND dead_reason IS NULL");
    PENDING = one("UPDATE grants SET pending_refresh = $4, asked = asked + 1
        WHERE workspace_id = $1 AND id = $2 AND lease_token = $3 AND lease_until > $5 AND generation = $6");
    RELEASE_UNANSWERED = one("UPDATE grants SET lease_token = NULL, lease_until = NULL,
            asked = CASE WHEN asked < $4 THEN CAST($4 AS BIGINT) ELSE asked END
        WHERE workspace_id = $1 AND id = $2 AND lease_token = $3");
    RELEASE_WITHOUT_EFFECT = one("UPDATE grants SET lease_token = NULL, lease_until = NULL,
            asked = CASE WHEN asked > 0 THEN asked - 1 ELSE 0 END,
            pending_refresh = CASE WHEN asked > 1 THEN pending_refresh END,
            failures = CASE WHEN CAST($4 AS BIGINT) IS NULL THEN failures ELSE failures + 1 END, refresh_after = $4
        WHERE workspace_id = $1 AND id = $2 AND lease_token = $3");
    RESUME = one("UPDATE grants SET failures = 0, refresh_after = NULL WHERE workspace_id = $1 AND id = $2 AND refresh_after IS NOT NULL");
    REFRESHED = one("UPDATE grants SET scopes = $5, api_url = COALESCE($6, api_url), access_exp = $7, generation = generation + 1,
            lease_token = NULL, lease_until = NULL, pending_refresh = NULL, asked = 0, failures = 0, refresh_after = NULL, updated_at = $8
        WHERE workspace_id = $1 AND id = $2 AND lease_token = $3 AND generation = $4");
    STATE_LOCKED = locked!("SELECT generation, lease_token, lease_until FROM grants WHERE workspace_id = $1 AND id = $2");
    REVIVED = one("UPDATE grants SET scopes = $4, api_url = COALESCE($5, api_url), access_exp = $6, generation = generation + 1,
            lease_token = NULL, lease_until = NULL, pending_refresh = NULL, asked = 0, failures = 0, refresh_after = NULL,
            dead_reason = NULL, updated_at = $7
        WHERE workspace_id = $1 AND id = $2 AND generation = $3");
    KILL = one("UPDATE grants SET dead_reason = $4, lease_token = NULL, lease_until = NULL, pending_refresh = NULL, refresh_after = NULL, updated_at = $5
        WHERE workspace_id = $1 AND id = $2 AND generation = $3 AND dead_reason IS NULL");
    WITHDRAW = one("UPDATE grants SET dead_reason = $3, generation = generation + 1, lease_token = NULL, lease_until = NULL, pending_refresh = NULL,
            asked = 0, failures = 0, refresh_after = NULL, updated_at = $4
        WHERE workspace_id = $1 AND id = $2");
    DELETE = one("DELETE FROM grants WHERE workspace_id = $1 AND id = $2");
}

fn grant(row: &mut Cells) -> Result<Grant> {
    Ok(Grant {
        id: row.id()?,
        workspace: row.id()?,
        app_id: row.id()?,
        provider: row.parsed()?,
        subject_external_id: row.text()?,
        scopes: row
            .text()?
            .split(' ')
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect(),
        api_url: row.opt_text()?,
        access_exp: row.opt_instant()?,
        generation: row.int()?,
        lease_until: row.opt_instant()?,
        pending_refresh: row.opt_instant()?,
        asked: row.int()?,
        failures: row.int()?,
        refresh_after: row.opt_instant()?,
        dead_reason: row.opt_text()?,
        updated_at: row.instant()?,
    })
}

impl Store {
    /// A grant.
    pub async fn grant(&self, scope: Scope, id: GrantId) -> Result<Option<Grant>> {
        self.one(GRANT, args![scope.workspace, id], grant).await
    }

    /// The grant of an identity to an app.
    pub async fn grant_of(&self, scope: Scope, app: AppId, subject: &str) -> Result<Option<Grant>> {
        self.one(GRANT_OF, args![scope.workspace, app, subject], grant)
            .await
    }

    /// The grants of a workspace.
    pub async fn grants(&self, scope: Scope) -> Result<Vec<Grant>> {
        self.all(GRANTS, args![scope.workspace], grant).await
    }

    /// A grant of the same identity to the same client id in another workspace, if there is one:
    /// refreshing either would break the other.
    pub async fn grant_elsewhere(
        &self,
        scope: Scope,
        app: AppId,
        subject: &str,
    ) -> Result<Option<Grant>> {
        self.one(GRANT_ELSEWHERE, args![subject, scope.workspace, app], grant)
            .await
    }

    /// The grants of an identity to all clients of the same app in this workspace: at the provider they are one.
    pub async fn grants_of_family(
        &self,
        scope: Scope,
        app: AppId,
        subject: &str,
    ) -> Result<Vec<Grant>> {
        self.all(GRANT_FAMILY, args![scope.workspace, subject, app], grant)
            .await
    }

    /// Takes a grant for a refresh, until `until`, if nobody else has it and no pause is on. A lease that ends far later than this
    /// one would was taken by a clock that was set back since, and does not count.
    pub async fn lease_grant(
        &self,
        scope: Scope,
        id: GrantId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<LeaseAnswer> {
        let mut tx = self.begin(scope).await?;
        let token = self.inner.ids.uuid(now).to_string();
        let held = tx
            .one(
                LEASE,
                args![scope.workspace, id, &token, until, now, set_back(until)],
                |row| Ok((row.int()?, row.opt_instant()?, row.int()?, row.int()?)),
            )
            .await?;
        let answer = match held {
            Some((generation, pending_refresh, asked, failures)) => LeaseAnswer::Held {
                lease: GrantLease {
                    grant: id,
                    generation,
                    until,
                    token,
                },
                pending_refresh,
                asked,
                failures,
            },
            None => match tx
                .one(LEASE_UNTIL, args![scope.workspace, id], |row| {
                    Ok((row.opt_instant()?, row.opt_instant()?, row.int()?))
                })
                .await?
            {
                Some((held_until, Some(paused), failures))
                    if paused > now && held_until.is_none_or(|until| until <= now) =>
                {
                    LeaseAnswer::Paused {
                        until: paused,
                        failures,
                    }
                }
                // A lease that was given back between the two statements may be asked for at once.
                Some((until, _, _)) => LeaseAnswer::HeldElsewhere {
                    until: until.unwrap_or(now),
                },
                None => LeaseAnswer::Gone,
            },
        };
        tx.commit().await?;
        Ok(answer)
    }

    /// Writes down, and counts, that a refresh is about to be asked for.
    ///
    /// # Errors
    /// `LeaseLost`: then the provider must not be asked.
    pub async fn begin_refresh(
        &self,
        scope: Scope,
        lease: &GrantLease,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.begin(scope).await?;
        let done = tx
            .execute(
                PENDING,
                args![
                    scope.workspace,
                    lease.grant,
                    &lease.token,
                    now,
                    now,
                    lease.generation
                ],
            )
            .await?;
        held(done, lease)?;
        tx.commit().await
    }

    /// Gives a grant back without a new token pair; how it is counted depends on what is known of the provider's side.
    pub async fn release_grant(
        &self,
        scope: Scope,
        lease: &GrantLease,
        release: RefreshRelease,
    ) -> Result<()> {
        let mut tx = self.begin(scope).await?;
        let mut row = args![scope.workspace, lease.grant, &lease.token];
        match release {
            RefreshRelease::Unanswered { asked } => {
                row.extend(args![asked]);
                tx.execute(RELEASE_UNANSWERED, row).await?
            }
            RefreshRelease::WithoutEffect { pause_until } => {
                row.extend(args![pause_until]);
                tx.execute(RELEASE_WITHOUT_EFFECT, row).await?
            }
        };
        tx.commit().await
    }

    /// Ends the pause after failed refreshes: something was mended, and may be tried at once.
    pub async fn resume_grant(&self, scope: Scope, id: GrantId) -> Result<()> {
        let mut tx = self.begin(scope).await?;
        tx.execute(RESUME, args![scope.workspace, id]).await?;
        tx.commit().await
    }
}

fn held(rows: u64, lease: &GrantLease) -> Result<()> {
    if rows == 0 {
        return Err(StoreError::lease_lost(format_args!(
            "grant {}",
            lease.grant
        )));
    }
    Ok(())
}

impl Tx {
    /// Puts in what a consent (or a first token) granted. A grant of the same identity to the same app
    /// is replaced: next generation, alive again, nobody's lease on it.
    pub async fn upsert_grant(&mut self, new: &NewGrant, now: Timestamp) -> Result<GrantId> {
        let (_, args) = self.new_grant(new, now);
        self.exactly(GRANT_PUT, args, Cells::id).await
    }

    /// The grant of an identity to an app, made if it is not there. One that is there stays as it is, and with
    /// it whatever lease somebody has on it.
    pub async fn ensure_grant(&mut self, new: &NewGrant, now: Timestamp) -> Result<GrantId> {
        let (id, args) = self.new_grant(new, now);
        if self.execute(GRANT_MAKE, args).await? > 0 {
            return Ok(id);
        }
        let w = self.w();
        let there = args![w, new.app_id, &new.subject_external_id];
        self.exactly(GRANT_OF, there, grant)
            .await
            .map(|grant| grant.id)
    }

    fn new_grant(&self, new: &NewGrant, now: Timestamp) -> (GrantId, Args) {
        let id: GrantId = self.new_id(now);
        let args = args![
            id,
            self.w(),
            new.app_id,
            new.provider,
            &new.subject_external_id,
            new.tokens.scopes.join(" "),
            new.tokens.api_url.clone(),
            new.tokens.access_exp,
            now
        ];
        (id, args)
    }

    /// Records a new token pair (whose secrets go into the vault in this transaction) and gives the
    /// lease back.
    ///
    /// # Errors
    /// `LeaseLost` when somebody else took the grant or stored another pair meanwhile: roll back.
    pub async fn store_refreshed(
        &mut self,
        lease: &GrantLease,
        tokens: &GrantTokens,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        let done = self
            .execute(
                REFRESHED,
                args![
                    w,
                    lease.grant,
                    &lease.token,
                    lease.generation,
                    tokens.scopes.join(" "),
                    tokens.api_url.clone(),
                    tokens.access_exp,
                    now
                ],
            )
            .await?;
        held(done, lease)
    }

    /// Records the pair of a holder who was overtaken: only on top of the generation it was made from, and not while
    /// somebody else holds the lease, whose pair may be newer. It revives a grant that was killed at that generation
    /// ([`Tx::kill_grant`]): the refusal was about the token that this pair has replaced.
    pub async fn store_late(
        &mut self,
        id: GrantId,
        made_from: i64,
        tokens: &GrantTokens,
        now: Timestamp,
    ) -> Result<LatePair> {
        let w = self.w();
        let row = self
            .one(STATE_LOCKED, args![w, id], |row| {
                Ok((row.int()?, row.opt_text()?, row.opt_instant()?))
            })
            .await?;
        let Some((generation, holder, until)) = row else {
            return Ok(LatePair::Superseded);
        };
        if generation != made_from {
            return Ok(LatePair::Superseded);
        }
        if let (Some(_), Some(until)) = (holder, until)
            && until > now
        {
            return Ok(LatePair::Wait { until });
        }
        self.execute(
            REVIVED,
            args![
                w,
                id,
                made_from,
                tokens.scopes.join(" "),
                tokens.api_url.clone(),
                tokens.access_exp,
                now
            ],
        )
        .await?;
        Ok(LatePair::Stored)
    }

    /// Ends a grant because a person or the provider took it back: nothing that is under way brings it back, only a
    /// new consent does.
    pub async fn withdraw_grant(
        &mut self,
        id: GrantId,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(WITHDRAW, args![w, id, reason, now]).await? > 0)
    }

    /// Marks a grant as never usable again, if it still is the generation that was refused; whether it was.
    pub async fn kill_grant(
        &mut self,
        id: GrantId,
        generation: i64,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(KILL, args![w, id, generation, reason, now])
            .await?
            > 0)
    }

    /// Removes a grant; its secrets are removed by [`Tx::delete_secrets_of`].
    pub async fn delete_grant(&mut self, id: GrantId) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(DELETE, args![w, id]).await? > 0)
    }
}

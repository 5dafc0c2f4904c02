//! The destinations themselves.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::DestinationId;
use crate::model::{DestinationHealth, DestinationRow};
use crate::store::{Scope, Store};

macro_rules! destination {
    () => {
        "id, kind, name, config, enabled, state, reason, advice, failing_since, failures, retry_at, last_ok, from_at, created_at, updated_at"
    };
}

statements! {
    ALL = one(concat!("SELECT ", destination!(), " FROM destinations WHERE workspace_id = $1 ORDER BY name"));
    ONE = one(concat!("SELECT ", destination!(), " FROM destinations WHERE workspace_id = $1 AND id = $2"));
    ADD = one("INSERT INTO destinations (id, workspace_id, kind, name, config, enabled, state, from_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, 1, 'new', $6, $7, $7) ON CONFLICT (workspace_id, name) DO NOTHING");
    CONFIG = one("UPDATE destinations SET config = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2");
    ENABLE = one("UPDATE destinations SET enabled = $3, state = CASE WHEN CAST($3 AS BIGINT) = 1 AND last_ok IS NOT NULL THEN 'working' WHEN CAST($3 AS BIGINT) = 1 THEN 'new' ELSE state END,
            reason = CASE WHEN CAST($3 AS BIGINT) = 1 THEN NULL ELSE reason END, advice = CASE WHEN CAST($3 AS BIGINT) = 1 THEN NULL ELSE advice END,
            failing_since = NULL, failures = 0, retry_at = NULL, updated_at = $4 WHERE workspace_id = $1 AND id = $2");
    TOUCH = one("UPDATE destinations SET updated_at = $3 WHERE workspace_id = $1 AND id = $2");
    HEALTH = one("UPDATE destinations SET state = $3, reason = $4, advice = $5, failing_since = $6, failures = $7, retry_at = $8,
            last_ok = COALESCE($9, last_ok) WHERE workspace_id = $1 AND id = $2");
    REMOVE = one("DELETE FROM destinations WHERE workspace_id = $1 AND id = $2");
}

fn destination(row: &mut Cells) -> Result<DestinationRow> {
    Ok(DestinationRow {
        id: row.id()?,
        kind: row.text()?,
        name: row.text()?,
        config: row.json()?,
        enabled: row.flag()?,
        state: row.parsed()?,
        reason: row.opt_text()?,
        advice: row.opt_text()?,
        failing_since: row.opt_instant()?,
        failures: row.int()?,
        retry_at: row.opt_instant()?,
        last_ok: row.opt_instant()?,
        from_at: row.instant()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
    })
}

impl Store {
    /// All destinations, by name.
    pub async fn destinations(&self, scope: Scope) -> Result<Vec<DestinationRow>> {
        self.all(ALL, args![scope.workspace], destination).await
    }

    /// A destination.
    pub async fn destination(
        &self,
        scope: Scope,
        id: DestinationId,
    ) -> Result<Option<DestinationRow>> {
        self.one(ONE, args![scope.workspace, id], destination).await
    }
}

impl Tx {
    /// Adds a destination; none when its name is taken.
    pub async fn add_destination(
        &mut self,
        kind: &str,
        name: &str,
        config: &Json,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<Option<DestinationId>> {
        let w = self.w();
        let id: DestinationId = self.new_id(now);
        let made = self
            .execute(ADD, args![id, w, kind, name, config, from, now])
            .await?;
        Ok((made == 1).then_some(id))
    }

    /// Changes what a destination gets and where it is.
    pub async fn set_destination_config(
        &mut self,
        id: DestinationId,
        config: &Json,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(CONFIG, args![w, id, config, now]).await? > 0)
    }

    /// Notes that a person changed something of a destination that lies elsewhere, such as its secret.
    pub async fn touch_destination(&mut self, id: DestinationId, now: Timestamp) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(TOUCH, args![w, id, now]).await? > 0)
    }

    /// Switches a destination on or off; switching on forgets how it failed.
    pub async fn enable_destination(
        &mut self,
        id: DestinationId,
        on: bool,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(ENABLE, args![w, id, on, now]).await? > 0)
    }

    /// Writes how a destination does; its `updated_at` tells of changes by people only.
    pub async fn set_destination_health(
        &mut self,
        id: DestinationId,
        health: &DestinationHealth,
    ) -> Result<bool> {
        let w = self.w();
        let done = self
            .execute(
                HEALTH,
                args![
                    w,
                    id,
                    health.state,
                    health.reason.clone(),
                    health.advice.clone(),
                    health.failing_since,
                    health.failures,
                    health.retry_at,
                    health.last_ok
                ],
            )
            .await?;
        Ok(done > 0)
    }

    /// Removes a destination with its streams and deliveries; its secrets go by [`Tx::delete_secrets_of`].
    pub async fn remove_destination(&mut self, id: DestinationId) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(REMOVE, args![w, id]).await? > 0)
    }
}

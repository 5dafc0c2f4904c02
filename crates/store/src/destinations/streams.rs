//! What destinations read, and how far they are.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{DestinationId, StreamId};
use crate::model::{StreamKind, StreamRow, StreamState};
use crate::store::{Scope, Store};

macro_rules! stream {
    () => {
        "id, destination_id, kind, spec, position, state, seen, queued, created_at, updated_at, finished_at"
    };
}

statements! {
    OF = one(concat!("SELECT ", stream!(), " FROM streams WHERE workspace_id = $1 AND destination_id = $2 ORDER BY created_at, id"));
    ONE = one(concat!("SELECT ", stream!(), " FROM streams WHERE workspace_id = $1 AND id = $2"));
    LOCKED = locked!("SELECT ", stream!(), " FROM streams WHERE workspace_id = $1 AND id = $2");
    ADD = one("INSERT INTO streams (id, workspace_id, destination_id, kind, spec, position, state, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $7)");
    MOVE = one("UPDATE streams SET position = $3, seen = seen + $4, queued = queued + $5, state = CASE WHEN CAST($6 AS BIGINT) = 1 THEN 'done' ELSE state END,
        finished_at = CASE WHEN CAST($6 AS BIGINT) = 1 THEN $7 ELSE finished_at END, updated_at = $7 WHERE workspace_id = $1 AND id = $2");
    STATE = one("UPDATE streams SET state = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2 AND state <> 'done'");
}

fn stream(row: &mut Cells) -> Result<StreamRow> {
    Ok(StreamRow {
        id: row.id()?,
        destination_id: row.id()?,
        kind: row.parsed()?,
        spec: row.json()?,
        position: row.text()?,
        state: row.parsed()?,
        seen: row.count()?,
        queued: row.count()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
        finished_at: row.opt_instant()?,
    })
}

impl Store {
    /// The streams of a destination, the oldest first.
    pub async fn streams(
        &self,
        scope: Scope,
        destination: DestinationId,
    ) -> Result<Vec<StreamRow>> {
        self.all(OF, args![scope.workspace, destination], stream)
            .await
    }

    /// A stream.
    pub async fn stream(&self, scope: Scope, id: StreamId) -> Result<Option<StreamRow>> {
        self.one(ONE, args![scope.workspace, id], stream).await
    }
}

impl Tx {
    /// Adds a stream that begins at a position.
    ///
    /// # Errors
    /// `Constraint` when the destination has a live one already.
    pub async fn add_stream(
        &mut self,
        destination: DestinationId,
        kind: StreamKind,
        spec: &Json,
        position: &str,
        now: Timestamp,
    ) -> Result<StreamId> {
        let w = self.w();
        let id: StreamId = self.new_id(now);
        self.execute(ADD, args![id, w, destination, kind, spec, position, now])
            .await?;
        Ok(id)
    }

    /// A stream, locked until this transaction ends: whoever moves it reads it here first.
    pub async fn stream(&mut self, id: StreamId) -> Result<Option<StreamRow>> {
        let w = self.w();
        self.one(LOCKED, args![w, id], stream).await
    }

    /// Moves a stream on; `done` ends it.
    pub async fn move_stream(
        &mut self,
        id: StreamId,
        position: &str,
        seen: u64,
        queued: u64,
        done: bool,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(MOVE, args![w, id, position, seen, queued, done, now])
            .await?;
        Ok(())
    }

    /// Pauses a stream or lets it go on; whether there is such a stream that has not ended.
    pub async fn set_stream_state(
        &mut self,
        id: StreamId,
        state: StreamState,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(STATE, args![w, id, state, now]).await? > 0)
    }
}

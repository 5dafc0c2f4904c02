//! Domain events: appended with the change they tell of, numbered afterwards by one sequencer.
//!
//! A number given inside the transaction could become visible after a higher one, and a reader that
//! remembers "up to 7" would never see 6. So events get their number once they are committed, from
//! whoever holds the role [`SEQUENCER`]; readers only see numbered ones.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::DomainEventId;
use crate::model::{DomainEvent, Lease, NewDomainEvent};
use crate::store::{Scope, Store};

/// The role (see [`Store::acquire_lease`]) whose holder numbers the events.
pub const SEQUENCER: &str = "sequencer";

macro_rules! event {
    () => {
        "id, COALESCE(seq, 0), type, v, subject_id, data, at"
    };
}

statements! {
    APPEND = one("INSERT INTO domain_events (id, workspace_id, type, v, subject_id, data, at) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    NUMBER = one("UPDATE domain_events SET seq = fresh.seq FROM (
            SELECT n, (SELECT COALESCE(MAX(d.seq), 0) FROM domain_events d WHERE d.workspace_id = $1 AND d.seq IS NOT NULL) + ROW_NUMBER() OVER (ORDER BY n) AS seq
            FROM (SELECT n FROM domain_events WHERE workspace_id = $1 AND seq IS NULL ORDER BY n LIMIT $2) AS oldest) AS fresh
        WHERE domain_events.n = fresh.n");
    WITH_NEWS = one("SELECT DISTINCT workspace_id FROM domain_events WHERE seq IS NULL");
    AFTER = one(concat!("SELECT ", event!(), " FROM domain_events WHERE workspace_id = $1 AND seq IS NOT NULL AND seq > $2 ORDER BY seq LIMIT $3"));
    OF_SUBJECT = one(concat!("SELECT ", event!(), " FROM domain_events WHERE workspace_id = $1 AND subject_id = $2 ORDER BY n DESC LIMIT $3"));
    CONSUMER = one("SELECT cursor_seq FROM consumers WHERE workspace_id = $1 AND name = $2");
    CONSUMED = one("INSERT INTO consumers AS t (workspace_id, name, cursor_seq, updated_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, name) DO UPDATE SET cursor_seq = $3, updated_at = $4 WHERE t.cursor_seq < $3");
}

fn event(row: &mut Cells) -> Result<DomainEvent> {
    Ok(DomainEvent {
        id: row.id()?,
        seq: row.int()?,
        event_type: row.text()?,
        v: row.int()?,
        subject_id: row.text()?,
        data: row.json()?,
        at: row.instant()?,
    })
}

impl Store {
    /// Numbers events of all workspaces that have no number yet, at most `limit` of each; how many.
    ///
    /// # Errors
    /// `LeaseLost` when the role is not held (any more).
    pub async fn sequence_events(&self, lease: &Lease, limit: u32, now: Timestamp) -> Result<u64> {
        let workspaces: Vec<crate::WorkspaceId> = self.all(WITH_NEWS, args![], Cells::id).await?;
        if workspaces.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin(Scope::DEFAULT).await?;
        tx.check_lease(lease, now).await?;
        let mut numbered = 0;
        for workspace in workspaces {
            numbered += tx.execute(NUMBER, args![workspace, limit]).await?;
        }
        tx.commit().await?;
        Ok(numbered)
    }

    /// Events after a number, in order.
    pub async fn events_after(
        &self,
        scope: Scope,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<DomainEvent>> {
        self.all(AFTER, args![scope.workspace, seq, limit], event)
            .await
    }

    /// The latest events about a subject, numbered or not, the latest first.
    pub async fn events_of(
        &self,
        scope: Scope,
        subject_id: &str,
        limit: u32,
    ) -> Result<Vec<DomainEvent>> {
        self.all(OF_SUBJECT, args![scope.workspace, subject_id, limit], event)
            .await
    }

    /// The number up to which a consumer has read; 0 at the beginning.
    pub async fn consumed(&self, scope: Scope, name: &str) -> Result<i64> {
        Ok(self
            .one(CONSUMER, args![scope.workspace, name], Cells::int)
            .await?
            .unwrap_or(0))
    }
}

impl Tx {
    /// Tells of something, if and only if this transaction is committed.
    pub async fn append_event(
        &mut self,
        new: &NewDomainEvent,
        now: Timestamp,
    ) -> Result<DomainEventId> {
        let w = self.w();
        let id: DomainEventId = self.new_id(now);
        self.execute(
            APPEND,
            args![
                id,
                w,
                &new.event_type,
                new.v,
                &new.subject_id,
                &new.data,
                now
            ],
        )
        .await?;
        Ok(id)
    }

    /// Moves a consumer forward (never back).
    pub async fn set_consumed(&mut self, name: &str, seq: i64, now: Timestamp) -> Result<()> {
        let w = self.w();
        self.execute(CONSUMED, args![w, name, seq, now]).await?;
        Ok(())
    }
}

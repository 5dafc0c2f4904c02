//! Looking into the inbox, and saying what became of an event.

use jiff::Timestamp;
use serde_json::json;

use super::ROUTE_JOB;
use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::EventId;
use crate::model::{EventFilter, EventState, InboxEvent, InboxStatus, NewJob, Page, PageRequest};
use crate::page::{Key, like_prefix};
use crate::store::{Scope, Store};

macro_rules! event {
    ($body:literal) => {
        concat!(
            "n, id, workspace_id, app_id, connection_id, event, event_ts, lane, ",
            $body,
            ", download_token, received, state, note, repeats"
        )
    };
}

macro_rules! listed {
    ($state:literal) => {
        concat!(
            "SELECT ",
            event!("''"),
            " FROM inbox WHERE workspace_id = $1
        AND (CAST($2 AS TEXT) IS NULL OR event LIKE $2 ESCAPE '\\')
        AND ",
            $state,
            "
        AND (CAST($4 AS TEXT) IS NULL OR lane = $4)
        AND (CAST($5 AS BIGINT) IS NULL OR received >= $5)
        AND (CAST($6 AS BIGINT) IS NULL OR received < $6)
        AND n < $7 ORDER BY n DESC LIMIT $8"
        )
    };
}

statements! {
    EVENT = one(concat!("SELECT ", event!("body"), " FROM inbox WHERE workspace_id = $1 AND id = $2"));
    EVENTS = one(listed!("(CAST($3 AS TEXT) IS NULL OR state = $3)"));
    // The few that failed have an index of their own, which is found by this word and not by a parameter.
    FAILED = one(listed!("state = 'failed' AND CAST($3 AS TEXT) = 'failed'"));
    MARK = one("UPDATE inbox SET state = $3, note = $4 WHERE workspace_id = $1 AND id = $2");
    CONNECTION = one("UPDATE inbox SET connection_id = $3 WHERE workspace_id = $1 AND id = $2");
    REPLAY = one("UPDATE inbox SET state = 'received', note = NULL WHERE workspace_id = $1 AND id = $2 RETURNING lane");
    COUNTS = one("SELECT
        (SELECT COUNT(*) FROM inbox WHERE workspace_id = $1),
        (SELECT COUNT(*) FROM inbox WHERE workspace_id = $1 AND state = 'received'),
        (SELECT COUNT(*) FROM inbox WHERE workspace_id = $1 AND state = 'failed'),
        (SELECT MIN(received) FROM inbox WHERE workspace_id = $1 AND state = 'received'),
        (SELECT received FROM inbox WHERE workspace_id = $1 ORDER BY n DESC LIMIT 1)");
    PRUNE = one("DELETE FROM inbox WHERE n IN (SELECT n FROM inbox WHERE state IN ('routed', 'ignored') AND received < $1 ORDER BY n LIMIT $2)");
}

fn event(row: &mut Cells) -> Result<(i64, InboxEvent)> {
    let n = row.int()?;
    let event = InboxEvent {
        id: row.id()?,
        workspace: row.id()?,
        app_id: row.id()?,
        connection_id: row.opt_id()?,
        event: row.text()?,
        event_ts: row.instant()?,
        lane: row.opt_text()?,
        body: row.text()?,
        download_token: row.opt_bytes()?,
        received: row.instant()?,
        state: row.parsed()?,
        note: row.opt_text()?,
        repeats: row.int()?,
    };
    Ok((n, event))
}

impl Store {
    /// An event with its body.
    pub async fn inbox_event(&self, scope: Scope, id: EventId) -> Result<Option<InboxEvent>> {
        Ok(self
            .one(EVENT, args![scope.workspace, id], event)
            .await?
            .map(|(_, event)| event))
    }

    /// Events, the latest first, without bodies.
    pub async fn inbox_events(
        &self,
        scope: Scope,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<InboxEvent>> {
        let name = filter.event.as_deref().map(like_prefix);
        let before = Key::one(page)?.unwrap_or(i64::MAX);
        let limit = page.bounded();
        let mut rows = self
            .all(
                if filter.state == Some(EventState::Failed) {
                    FAILED
                } else {
                    EVENTS
                },
                args![
                    scope.workspace,
                    name,
                    filter.state,
                    filter.lane.clone(),
                    filter.from,
                    filter.before,
                    before,
                    limit + 1
                ],
                event,
            )
            .await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(n, _)| n.to_string());
        Ok(Page {
            items: rows.into_iter().map(|(_, event)| event).collect(),
            next,
        })
    }

    /// The inbox in figures.
    pub async fn inbox_status(&self, scope: Scope) -> Result<InboxStatus> {
        self.exactly(COUNTS, args![scope.workspace], |row| {
            Ok(InboxStatus {
                events: row.count()?,
                waiting: row.count()?,
                failed: row.count()?,
                oldest_waiting: row.opt_instant()?,
                last_received: row.opt_instant()?,
            })
        })
        .await
    }
}

impl Store {
    /// Forgets events that were routed (or ignored) and arrived before an instant, at most `limit`; how many. One that
    /// failed, or waits, stays.
    pub async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let done = tx.execute(PRUNE, args![before, limit]).await?;
        tx.commit().await?;
        Ok(done)
    }
}

impl Tx {
    /// An event with its body.
    pub async fn inbox_event(&mut self, id: EventId) -> Result<Option<InboxEvent>> {
        let w = self.w();
        Ok(self
            .one(EVENT, args![w, id], event)
            .await?
            .map(|(_, event)| event))
    }

    /// Says what became of an event.
    pub async fn mark_event(
        &mut self,
        id: EventId,
        state: EventState,
        note: Option<&str>,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(MARK, args![w, id, state, note]).await? > 0)
    }

    /// Says which connection an event belongs to.
    pub async fn set_event_connection(
        &mut self,
        id: EventId,
        connection: crate::ConnectionId,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(CONNECTION, args![w, id, connection]).await? > 0)
    }

    /// Has an event routed once more; whether there is such an event.
    pub async fn replay_event(&mut self, id: EventId, now: Timestamp) -> Result<bool> {
        let w = self.w();
        let Some(lane) = self.one(REPLAY, args![w, id], Cells::opt_text).await? else {
            return Ok(false);
        };
        let job = NewJob {
            kind: ROUTE_JOB.to_owned(),
            v: 1,
            lane,
            priority: 0,
            dedupe_key: Some(format!("replay:{id}")),
            payload: json!({ "event_id": id }),
            run_at: now,
            cause_id: Some(id.to_string()),
        };
        self.enqueue(&job, now).await?;
        Ok(true)
    }
}

//! The task that writes events in batches.
//!
//! An event and the job that routes it are written together, unless so many events come at once that the jobs would keep
//! senders waiting: then only the span of the events' ids is written with them, and their jobs follow when it is calmer.

use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Postgres, Sqlite, Transaction};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::{ROUTE_JOB, Waiting, route_job};
use crate::db::{Args, Bulk, Cells, Column, Db, Link, Sql, Value, args, one, two};
use crate::error::{ErrorKind, Result, StoreError};
use crate::id::EventId;
use crate::model::{Appended, NewEvent};
use crate::store::Inner;

/// The most events of one transaction: it bounds how long the first of them waits for the last.
const BATCH: usize = 512;
/// Batches of more events than this leave their jobs for later: senders come faster than the disk flushes.
const CROWD: usize = 100;
/// How long nothing must come before jobs that were left are written.
const CALM: Duration = Duration::from_millis(20);
/// After this many crowded batches in a row the jobs of one are written all the same: a rush may last for hours.
const PATIENCE: usize = 64;
/// Pause after jobs that were left could not be written.
const TROUBLE: Duration = Duration::from_secs(1);

/// The statements that insert many rows, made once and kept for the life of the program.
static EVENTS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO inbox (id, workspace_id, app_id, connection_id, dedupe_key, event, event_ts, lane, body, download_token, received)",
        &[Column::Plain; 11],
        " ON CONFLICT (app_id, dedupe_key) DO NOTHING",
    )
});

static JOBS: LazyLock<Bulk> = LazyLock::new(|| {
    let mut columns = [Column::Plain; 11];
    columns[9] = Column::Fixed("1");
    columns[10] = Column::Fixed("'ready'");
    Bulk::new(
        "INSERT INTO jobs (id, workspace_id, lane, priority, payload, run_at, created_at, updated_at, kind, v, state)",
        &columns,
        "",
    )
});

const EXISTING: Sql = one("SELECT id FROM inbox WHERE app_id = $1 AND dedupe_key = $2");
const REPEATED: Sql = one(
    "UPDATE inbox SET repeats = repeats + 1, download_token = COALESCE($3, download_token) WHERE app_id = $1 AND dedupe_key = $2",
);
const LATER: Sql =
    one("INSERT INTO inbox_later (first_id, last_id, events, priority) VALUES ($1, $2, $3, $4)");
const LEFT: Sql = two(
    "SELECT first_id, last_id, events, priority FROM inbox_later ORDER BY first_id LIMIT 1",
    "SELECT first_id, last_id, events, priority FROM inbox_later ORDER BY first_id LIMIT 1 FOR UPDATE SKIP LOCKED",
);
// A job has the id of its event, so that no event gets two by this, whoever else wrote events meanwhile.
const ENQUEUE: Sql = one(concat!(
    "INSERT INTO jobs (id, workspace_id, lane, priority, payload, run_at, created_at, updated_at, kind, v, state)
     SELECT id, workspace_id, lane, $3, '{\"event_id\":\"' || id || '\"}', received, received, received, '",
    route_job!(),
    "', 1, 'ready' FROM inbox WHERE id >= $1 AND id <= $2 AND state = 'received' ON CONFLICT (id) DO NOTHING"
));
const CAUGHT_UP: Sql = one("DELETE FROM inbox_later WHERE first_id = $1");

/// All statements of the writer, for the test that prepares them.
#[cfg(test)]
pub(crate) fn statements() -> Vec<Sql> {
    EVENTS
        .statements()
        .chain(JOBS.statements())
        .chain([EXISTING, REPEATED, LATER, LEFT, ENQUEUE, CAUGHT_UP])
        .collect()
}

pub(crate) async fn run(
    mut waiting: mpsc::Receiver<Waiting>,
    store: Weak<Inner>,
    mut stop: watch::Receiver<bool>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    // A process that was killed may have left events without jobs.
    let mut behind = Behind {
        left: true,
        crowded: 0,
        pause: CALM,
    };
    loop {
        tokio::select! {
            biased;
            received = behind.next(&mut waiting, &mut batch) => if received == Some(0) { return },
            () = stopped(&mut stop) => {
                // Refuse newcomers, finish what is in the queue.
                waiting.close();
                if waiting.recv_many(&mut batch, BATCH).await == 0 {
                    return;
                }
            }
        }
        let Some(store) = store.upgrade() else {
            return;
        };
        let calm = behind.left && batch.len() <= CROWD;
        if calm || behind.crowded >= PATIENCE {
            behind.catch_up(&store).await;
        }
        if !batch.is_empty() {
            let later = behind.left || batch.len() > CROWD;
            behind.crowded = if later { behind.crowded + 1 } else { 0 };
            behind.left = later;
            write_batch(&store, std::mem::take(&mut batch), later).await;
        }
    }
}

/// What is known of events that were left without jobs.
struct Behind {
    /// There may be some.
    left: bool,
    /// Batches in a row that left some.
    crowded: usize,
    /// How long it must be calm before they get them.
    pause: Duration,
}

impl Behind {
    /// Waits for events; none when jobs can be written meanwhile, zero when there will be none any more.
    async fn next(
        &self,
        waiting: &mut mpsc::Receiver<Waiting>,
        batch: &mut Vec<Waiting>,
    ) -> Option<usize> {
        let received = waiting.recv_many(batch, BATCH);
        if self.left {
            tokio::time::timeout(self.pause, received).await.ok()
        } else {
            Some(received.await)
        }
    }

    /// Gives the oldest events without jobs theirs, some hundreds at once.
    async fn catch_up(&mut self, store: &Arc<Inner>) {
        self.crowded = 0;
        match enqueue(store).await {
            Ok(more) => {
                self.left = more;
                self.pause = CALM;
                store.job_signal.notify_waiters();
            }
            Err(error) => {
                tracing::warn!(%error, "the jobs of events that were taken in could not be written; they are tried again");
                self.pause = TROUBLE;
            }
        }
    }
}

/// Gives the oldest batches without jobs theirs; whether there may be more of them.
async fn enqueue(store: &Arc<Inner>) -> Result<bool> {
    let mut tx = Batch::begin(&store.db).await?;
    let mut done = 0;
    while done < BATCH {
        let left = tx
            .link()
            .one(LEFT, args![], |row| {
                Ok((row.text()?, row.text()?, row.count()?, row.int()?))
            })
            .await?;
        let Some((first, last, events, priority)) = left else {
            break;
        };
        tx.link()
            .execute(ENQUEUE, args![&first, &last, priority])
            .await?;
        tx.link().execute(CAUGHT_UP, args![&first]).await?;
        done += usize::try_from(events).unwrap_or(BATCH).max(1);
    }
    if done > 0 {
        tx.commit().await?;
        if matches!(store.db, Db::Sqlite { .. }) {
            store.committed();
        }
    }
    Ok(done >= BATCH)
}

/// Ends when the store is being closed (or is gone).
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn write_batch(store: &Arc<Inner>, batch: Vec<Waiting>, later: bool) {
    let (events, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|w| (w.event, w.answer)).unzip();
    match transaction(store, &events, later).await {
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // A caller that went away does not matter: the event is there.
                let _ = answer.send(Ok(outcome));
            }
        }
        Err(error) if events.len() == 1 || !is_about_one_row(&error) => {
            let kind = error.kind();
            let message = error.to_string();
            for answer in answers {
                let _ = answer.send(Err(StoreError::new(kind, message.clone())));
            }
            return;
        }
        Err(_) => {
            // One event that the database refuses must not take the others with it.
            for (event, answer) in events.into_iter().zip(answers) {
                let outcome = transaction(store, std::slice::from_ref(&event), later).await;
                let _ = answer.send(outcome.and_then(|mut outcomes| {
                    outcomes
                        .pop()
                        .ok_or_else(|| StoreError::data("an event without an outcome"))
                }));
            }
        }
    }
    if !later {
        store.job_signal.notify_waiters();
    }
}

fn is_about_one_row(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Constraint | ErrorKind::Data | ErrorKind::Other
    )
}

enum Batch {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Batch {
    async fn begin(db: &Db) -> Result<Self> {
        Ok(match db {
            Db::Sqlite { writer, .. } => Self::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Db::Postgres { urgent, .. } => Self::Postgres(urgent.begin().await?),
        })
    }

    fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(tx) => Link::Sqlite(tx),
            Self::Postgres(tx) => Link::Postgres(tx),
        }
    }

    async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

async fn transaction(
    store: &Arc<Inner>,
    events: &[NewEvent],
    later: bool,
) -> Result<Vec<Appended>> {
    let ids: Vec<Uuid> = events
        .iter()
        .map(|event| store.ids.uuid(event.received))
        .collect();
    let keys: Vec<String> = events
        .iter()
        .map(|event| stored_key(event.event_ts, &event.dedupe_key))
        .collect();
    let mut tx = Batch::begin(&store.db).await?;

    let rows: Vec<usize> = (0..events.len()).collect();
    let short = EVENTS
        .put(&mut tx.link(), &rows, |&at, args| {
            event_args(args, ids[at], &events[at], &keys[at]);
        })
        .await?;

    let mut outcomes: Vec<Appended> = ids
        .iter()
        .map(|id| Appended::Accepted(EventId::new(*id)))
        .collect();
    for at in short.into_iter().flatten() {
        let (app, key) = (events[at].app_id, &keys[at]);
        let first = tx
            .link()
            .exactly(EXISTING, args![app, key], Cells::id::<EventId>)
            .await?;
        if first.uuid() != ids[at] {
            let token = events[at].download_token.clone();
            tx.link().execute(REPEATED, args![app, key, token]).await?;
            outcomes[at] = Appended::Duplicate(first);
        }
    }

    let fresh: Vec<usize> = rows
        .into_iter()
        .filter(|&at| matches!(outcomes[at], Appended::Accepted(_)))
        .collect();
    if later {
        leave(&mut tx.link(), &ids, events, &fresh).await?;
    } else {
        JOBS.put(&mut tx.link(), &fresh, |&at, args| {
            job_args(args, ids[at], &events[at]);
        })
        .await?;
    }
    tx.commit().await?;
    if matches!(store.db, Db::Sqlite { .. }) {
        store.committed();
    }
    Ok(outcomes)
}

/// Notes that the events of this batch have no jobs yet.
async fn leave(
    link: &mut Link<'_>,
    ids: &[Uuid],
    events: &[NewEvent],
    fresh: &[usize],
) -> Result<()> {
    let new = || fresh.iter().map(|&at| ids[at]);
    let (Some(first), Some(last)) = (new().min(), new().max()) else {
        return Ok(());
    };
    let urgent = fresh.iter().map(|&at| events[at].priority).min();
    let note = args![first, last, fresh.len(), urgent.unwrap_or_default()];
    link.execute(LATER, note).await?;
    Ok(())
}

/// The dedupe key as it is stored. It begins with the event's instant, which every repetition shares:
/// events come in the order of their instants, so the index grows at its end instead of everywhere.
fn stored_key(event_ts: Timestamp, hash: &[u8; 32]) -> String {
    format!(
        "{:013x}{}",
        event_ts.as_millisecond().max(0),
        hex::encode(hash)
    )
}

fn event_args(args: &mut Args, id: Uuid, event: &NewEvent, key: &str) {
    args.extend([
        Value::from(id),
        event.workspace.into(),
        event.app_id.into(),
        event.connection_id.into(),
        key.into(),
        (&event.event).into(),
        event.event_ts.into(),
        event.lane.clone().into(),
        (&event.body).into(),
        event.download_token.clone().into(),
        event.received.into(),
    ]);
}

/// The job has the id of its event.
fn job_args(args: &mut Args, event_id: Uuid, event: &NewEvent) {
    args.extend([
        Value::from(event_id),
        event.workspace.into(),
        event.lane.clone().into(),
        event.priority.into(),
        format!("{{\"event_id\":\"{event_id}\"}}").into(),
        event.received.into(),
        event.received.into(),
        event.received.into(),
        ROUTE_JOB.into(),
    ]);
}

//! The task that writes events in batches.

use std::sync::{Arc, LazyLock, Weak};

use jiff::Timestamp;
use sqlx::{Postgres, Sqlite, Transaction};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::{ROUTE_JOB, Waiting};
use crate::db::{Args, Bulk, Cells, Column, Db, Link, Sql, Value, args, one};
use crate::error::{ErrorKind, Result, StoreError};
use crate::id::EventId;
use crate::model::{Appended, NewEvent};
use crate::store::Inner;

/// The most events of one transaction: it bounds how long the first of them waits for the last.
const BATCH: usize = 512;

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

/// All statements of the writer, for the test that prepares them.
#[cfg(test)]
pub(crate) fn statements() -> Vec<Sql> {
    EVENTS
        .statements()
        .chain(JOBS.statements())
        .chain([EXISTING, REPEATED])
        .collect()
}

pub(crate) async fn run(
    mut waiting: mpsc::Receiver<Waiting>,
    store: Weak<Inner>,
    mut stop: watch::Receiver<bool>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            received = waiting.recv_many(&mut batch, BATCH) => if received == 0 { return },
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
        write_batch(&store, std::mem::take(&mut batch)).await;
    }
}

/// Ends when the store is being closed (or is gone).
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn write_batch(store: &Arc<Inner>, batch: Vec<Waiting>) {
    let (events, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|w| (w.event, w.answer)).unzip();
    match transaction(store, &events).await {
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // A caller that went away does not matter: the event is there.
                let _ = answer.send(Ok(outcome));
            }
            store.job_signal.notify_waiters();
        }
        Err(error) if events.len() == 1 || !is_about_one_row(&error) => {
            let kind = error.kind();
            let message = error.to_string();
            for answer in answers {
                let _ = answer.send(Err(StoreError::new(kind, message.clone())));
            }
        }
        Err(_) => {
            // One event that the database refuses must not take the others with it.
            for (event, answer) in events.into_iter().zip(answers) {
                let outcome = transaction(store, std::slice::from_ref(&event)).await;
                let _ = answer.send(outcome.and_then(|mut outcomes| {
                    outcomes
                        .pop()
                        .ok_or_else(|| StoreError::data("an event without an outcome"))
                }));
            }
            store.job_signal.notify_waiters();
        }
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

async fn transaction(store: &Arc<Inner>, events: &[NewEvent]) -> Result<Vec<Appended>> {
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
    JOBS.put(&mut tx.link(), &fresh, |&at, args| {
        job_args(args, store, ids[at], &events[at]);
    })
    .await?;
    tx.commit().await?;
    if matches!(store.db, Db::Sqlite { .. }) {
        store.committed();
    }
    Ok(outcomes)
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

fn job_args(args: &mut Args, store: &Inner, event_id: Uuid, event: &NewEvent) {
    args.extend([
        Value::from(store.ids.uuid(event.received)),
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

//! Moves SQLite's write-ahead log into the database file, away from the writer.
//!
//! The writer's own checkpoint would stop every webhook for as long as it lasts. Here it runs on a
//! connection of its own: first passively (nobody waits), and only when the log has grown large does
//! it make the writer wait, for the little that the passive pass left.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;

use crate::db::{Link, Sql, one};
use crate::error::Result;

/// Frames (pages of 4 KiB) in the log before a passive checkpoint is worth it.
const PASSIVE_FRAMES: i64 = 4_000;
/// Frames in the log before the writer is made to wait, so that the file does not grow without end.
const RESTART_FRAMES: i64 = 24_000;

const PASSIVE: Sql = one("PRAGMA wal_checkpoint(PASSIVE)");
const RESTART: Sql = one("PRAGMA wal_checkpoint(RESTART)");

pub(crate) struct Checkpointer {
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Checkpointer {
    pub(crate) fn start(path: &Path) -> Self {
        let wake = Arc::new(Notify::new());
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(path.to_owned(), Arc::clone(&wake), stopped));
        Self {
            wake,
            stop,
            task: Mutex::new(Some(task)),
        }
    }

    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the checkpointer did not end cleanly");
        }
    }
}

async fn run(path: PathBuf, wake: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
    let mut connection = None;
    loop {
        tokio::select! {
            () = wake.notified() => {}
            () = ended(&mut stopped) => break,
        }
        if log_frames(&path) < PASSIVE_FRAMES {
            continue;
        }
        if let Err(error) = pass(&path, &mut connection).await {
            // The net of the writer's own checkpoint is below; trouble with the file shows there, too.
            tracing::debug!(%error, "a checkpoint did not come through");
            connection = None;
        }
    }
    if let Some(connection) = connection {
        let _ = SqliteConnection::close(connection).await;
    }
}

/// Ends when the store is being closed.
async fn ended(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Frames the log file has room for; it is not cut when it is begun anew, so this is an upper bound.
fn log_frames(path: &Path) -> i64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).map_or(0, |meta| {
        i64::try_from(meta.len() / 4120).unwrap_or(i64::MAX)
    })
}

async fn pass(path: &Path, slot: &mut Option<SqliteConnection>) -> Result<()> {
    if slot.is_none() {
        *slot = Some(connect(path).await?);
    }
    let Some(connection) = slot else {
        return Ok(());
    };
    let left = checkpoint(connection, false).await?;
    if left > RESTART_FRAMES {
        checkpoint(connection, true).await?;
    }
    Ok(())
}

/// A connection beside the pools, for work that is neither reading nor the writer's.
pub(crate) async fn connect(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .pragma("synchronous", "FULL")
        .pragma("wal_autocheckpoint", "0")
        .thread_name(|_| "parfocal-checkpoint".to_owned());
    Ok(options.connect().await?)
}

/// Runs one checkpoint; the number of frames the log had.
async fn checkpoint(connection: &mut SqliteConnection, restart: bool) -> Result<i64> {
    let sql = if restart { RESTART } else { PASSIVE };
    Link::Sqlite(connection)
        .exactly(sql, vec![], |row| {
            row.int()?;
            row.int()
        })
        .await
}

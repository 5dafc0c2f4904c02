//! The handle everything begins with.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite};
use tokio::sync::{Mutex, Notify};

use crate::checkpoint::Checkpointer;
use crate::db::{
    Args, Cells, DatabaseUrl, Db, Engine, Kind, Link, OpenOptions, Ready, SCHEMA_VERSION, Sql, Tx,
};
use crate::error::Result;
use crate::id::{Ids, WorkspaceId};
use crate::inbox::Inbox;
use crate::rates::Rates;

/// Whose data a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The tenant.
    pub workspace: WorkspaceId,
}

impl Scope {
    /// The workspace that is always there.
    pub const DEFAULT: Self = Self {
        workspace: WorkspaceId::DEFAULT,
    };

    /// The scope of a workspace.
    pub const fn of(workspace: WorkspaceId) -> Self {
        Self { workspace }
    }
}

/// An open store. Clones share everything.
///
/// Reads are methods that take a [`Scope`]; writes go through a [`Tx`] from [`Store::begin`], except
/// the few that are a transaction of their own (the inbox, claims, leases, rate slots).
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) ids: Ids,
    pub(crate) job_signal: Notify,
    turn: Arc<Mutex<()>>,
    inbox: Inbox,
    checkpointer: Option<Checkpointer>,
    commits: AtomicU64,
}

/// How many commits are let pass before the write-ahead log is looked at.
const COMMITS_PER_CHECKPOINT: u64 = 64;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("engine", &self.engine())
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Called after each commit of the SQLite writer.
    pub(crate) fn committed(&self) {
        let count = self.commits.fetch_add(1, Ordering::Relaxed);
        if count % COMMITS_PER_CHECKPOINT == COMMITS_PER_CHECKPOINT - 1
            && let Some(checkpointer) = &self.checkpointer
        {
            checkpointer.wake();
        }
    }
}

impl Store {
    /// Opens a database and brings its schema up to date.
    ///
    /// Must be called within a tokio runtime: the inbox's writer runs on it until [`Store::close`].
    /// `now` is when `done` rate counters of former days are tidied up.
    ///
    /// # Errors
    /// [`ErrorKind`](crate::ErrorKind) `SchemaTooNew` for a database of a newer Parfocal, `Corrupt` for a damaged file,
    /// `Unreachable` for a server that does not answer or a folder that is not there, `Locked` for a
    /// file that another program keeps.
    pub async fn open(url: &DatabaseUrl, options: OpenOptions, now: Timestamp) -> Result<Self> {
        let Ready { db } = Ready::open(url, &options).await?;
        let checkpointer = match &db {
            Db::Sqlite { path, .. } => Some(Checkpointer::start(path)),
            Db::Postgres { .. } => None,
        };
        let (inbox, writer) = Inbox::new(options.inbox_queue);
        let store = Self {
            inner: Arc::new(Inner {
                db,
                ids: Ids::new(options.ids),
                job_signal: Notify::new(),
                turn: Arc::new(Mutex::new(())),
                inbox,
                checkpointer,
                commits: AtomicU64::new(0),
            }),
        };
        store.inner.inbox.start(writer, &store.inner);
        store.rates().tidy(now).await?;
        store.catch_up_with_search().await?;
        Ok(store)
    }

    /// Begins a write transaction.
    ///
    /// On SQLite writers take turns, in the order they asked.
    pub async fn begin(&self, scope: Scope) -> Result<Tx> {
        let kind = match &self.inner.db {
            Db::Sqlite { writer, .. } => {
                let turn = Arc::clone(&self.inner.turn).lock_owned().await;
                Kind::Sqlite {
                    tx: writer.begin_with("BEGIN IMMEDIATE").await?,
                    _turn: turn,
                }
            }
            Db::Postgres { pool, .. } => Kind::Postgres(pool.begin().await?),
        };
        Ok(Tx::new(kind, scope, Arc::clone(&self.inner)))
    }

    /// The webhook inbox.
    pub fn inbox(&self) -> &Inbox {
        &self.inner.inbox
    }

    /// The shared rate limits.
    pub fn rates(&self) -> Rates<'_> {
        Rates::new(&self.inner)
    }

    /// Which database is behind it.
    pub fn engine(&self) -> Engine {
        match self.inner.db {
            Db::Sqlite { .. } => Engine::Sqlite,
            Db::Postgres { .. } => Engine::Postgres,
        }
    }

    /// The schema version of the database.
    pub fn schema_version(&self) -> i64 {
        SCHEMA_VERSION
    }

    /// The file of a SQLite database.
    pub fn path(&self) -> Option<&Path> {
        match &self.inner.db {
            Db::Sqlite { path, .. } => Some(path),
            Db::Postgres { .. } => None,
        }
    }

    /// Stops the background tasks and closes every connection; events already handed to the inbox are
    /// still written. Calls on other clones fail with [`ErrorKind`](crate::ErrorKind) `Closed` from then on.
    pub async fn close(&self) {
        self.inner.inbox.stop().await;
        if let Some(checkpointer) = &self.inner.checkpointer {
            checkpointer.stop().await;
        }
        match &self.inner.db {
            Db::Sqlite {
                writer,
                readers,
                limits,
                ..
            } => {
                readers.close().await;
                limits.close().await;
                writer.close().await;
            }
            Db::Postgres { pool, urgent } => {
                urgent.close().await;
                pool.close().await;
            }
        }
    }

    pub(crate) async fn read(&self) -> Result<Conn> {
        Ok(match &self.inner.db {
            Db::Sqlite { readers, .. } => Conn::Sqlite(readers.acquire().await?),
            Db::Postgres { pool, .. } => Conn::Postgres(pool.acquire().await?),
        })
    }

    pub(crate) async fn one<T>(
        &self,
        sql: Sql,
        args: Args,
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<Option<T>> {
        self.read().await?.link().one(sql, args, map).await
    }

    pub(crate) async fn exactly<T>(
        &self,
        sql: Sql,
        args: Args,
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<T> {
        self.read().await?.link().exactly(sql, args, map).await
    }

    pub(crate) async fn all<T>(
        &self,
        sql: Sql,
        args: Args,
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.read().await?.link().all(sql, args, map).await
    }
}

/// A borrowed connection for reading.
pub(crate) enum Conn {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Conn {
    pub(crate) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(connection) => Link::Sqlite(connection),
            Self::Postgres(connection) => Link::Postgres(connection),
        }
    }
}

/// How much further ahead than any lease of its kind a lease must end to be taken for one of a clock that was
/// set back since; clocks of several machines differ by less.
const SET_BACK: SignedDuration = SignedDuration::from_mins(15);

/// The instant after which no lease can end, if one taken now ends at `until`.
pub(crate) fn set_back(until: Timestamp) -> Timestamp {
    until.saturating_add(SET_BACK).unwrap_or(Timestamp::MAX)
}

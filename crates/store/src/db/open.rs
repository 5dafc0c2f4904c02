//! Addresses, options, pools, and the schema check.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use super::Engine;
use crate::error::{ErrorKind, Result, StoreError};
use crate::id::IdSource;
use crate::migrations;

pub(crate) use crate::migrations::SCHEMA_VERSION;

/// Where the database is: a SQLite file or a PostgreSQL server.
///
/// `sqlite:PATH`, `sqlite://PATH` and a bare path are files; `postgres://` and `postgresql://` are servers.
/// `Debug` and `Display` never show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Address);

#[derive(Clone, PartialEq, Eq)]
enum Address {
    Sqlite(PathBuf),
    Postgres(String),
}

impl DatabaseUrl {
    /// A SQLite file; it is made if it is not there (its folder is not).
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Address::Sqlite(path.into()))
    }

    /// Reads an address as people write it.
    ///
    /// # Errors
    /// Empty text, an in-memory database, or the scheme of another database.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            PgConnectOptions::from_str(text).map_err(|_| {
                StoreError::new(ErrorKind::Invalid, "the PostgreSQL address cannot be read (postgres://user:password@host:5432/name is expected)")
            })?;
            return Ok(Self(Address::Postgres(text.to_owned())));
        }
        let path = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
            .unwrap_or(text);
        if path.is_empty() || path == ":memory:" || (path == text && text.contains("://")) {
            return Err(StoreError::new(
                ErrorKind::Invalid,
                "the database address must be sqlite:PATH or postgres://user:password@host/name",
            ));
        }
        Ok(Self::sqlite(path))
    }

    /// Which engine the address belongs to.
    pub fn engine(&self) -> Engine {
        match self.0 {
            Address::Sqlite(_) => Engine::Sqlite,
            Address::Postgres(_) => Engine::Postgres,
        }
    }

    /// The file of a SQLite database.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Address::Sqlite(path) => Some(path),
            Address::Postgres(_) => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Address::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Address::Postgres(url) => match PgConnectOptions::from_str(url) {
                Ok(options) => write!(
                    f,
                    "postgres://{}@{}:{}/{}",
                    options.get_username(),
                    options.get_host(),
                    options.get_port(),
                    options.get_database().unwrap_or_default()
                ),
                Err(_) => f.write_str("postgres://"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Where ids and lease tokens take their chance from.
    pub ids: Arc<dyn IdSource>,
    /// Connections for reading (SQLite), or for reading and writing but for five more (PostgreSQL).
    pub connections: u32,
    /// How long a SQLite writer waits for another process.
    pub busy_timeout: Duration,
    /// Upper bound of the SQLite file in pages of 4096 bytes; for tests of a full disk.
    pub max_page_count: Option<u32>,
    /// How many webhook events may wait for the writer before `append` refuses.
    pub inbox_queue: usize,
}

impl OpenOptions {
    /// The usual settings: 4 connections, 5 s of patience with other processes, 8192 waiting events.
    pub fn new(ids: Arc<dyn IdSource>) -> Self {
        Self {
            ids,
            connections: 4,
            busy_timeout: Duration::from_secs(5),
            max_page_count: None,
            inbox_queue: 8192,
        }
    }
}

/// The open pools of one database.
#[derive(Debug, Clone)]
pub(crate) enum Db {
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        /// A file of its own: rate slots are written often, may be lost, and must never wait for the writer.
        limits: SqlitePool,
        path: PathBuf,
    },
    Postgres {
        pool: PgPool,
        /// Connections of their own for the inbox and the rate slots: they never wait for workers.
        urgent: PgPool,
    },
}

/// An open database whose schema is this program's.
pub(crate) struct Ready {
    pub(crate) db: Db,
}

/// PostgreSQL connections of the inbox writer and the rate slots.
const URGENT_CONNECTIONS: u32 = 3;

/// No SQLite pool of ours waits on a timer: callers queue on locks of the store instead.
const PATIENCE: Duration = Duration::from_hours(1);

impl Ready {
    pub(crate) async fn open(url: &DatabaseUrl, options: &OpenOptions) -> Result<Self> {
        let db = match &url.0 {
            Address::Sqlite(path) => sqlite(path, options).await?,
            Address::Postgres(url) => postgres(url, options).await?,
        };
        Ok(Self { db })
    }
}

/// Makes a database's file for its owner only, before SQLite makes it for everybody; SQLite gives `-wal` and `-shm` the
/// mode of the database. What is wrong with the path is left for SQLite to say.
fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _made = options.open(path);
}

async fn sqlite(path: &Path, options: &OpenOptions) -> Result<Db> {
    make_private(path);
    make_private(&limits_path(path));
    let base = SqliteConnectOptions::new()
        .busy_timeout(options.busy_timeout)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .statement_cache_capacity(512)
        .create_if_missing(true);

    let mut write = base
        .clone()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .thread_name(|_| "parfocal-writer".to_owned())
        // The store checkpoints in the background; this is only the net below.
        .pragma("wal_autocheckpoint", "32768")
        .pragma("journal_size_limit", "67108864")
        .pragma("cache_size", "-65536");
    if let Some(pages) = options.max_page_count {
        write = write.pragma("max_page_count", pages.to_string());
    }
    let migrating = one_connection(write.clone()).await?;
    migrations::sqlite(&migrating).await?;
    migrating.close().await;
    // What a statement of many rows would have to take back is kept in memory: as a file it would be made, written and removed
    // for nearly every batch of events. Migrations, which sort whole tables, keep theirs on the disk.
    let writer = one_connection(write.pragma("temp_store", "MEMORY")).await?;

    let read = base
        .clone()
        .filename(path)
        .create_if_missing(false)
        .pragma("query_only", "1")
        // A search reads some megabytes of its index: from the memory of the system, without a call and a copy for each page.
        .pragma("mmap_size", "1073741824")
        .pragma("cache_size", "-16384");
    let readers = SqlitePoolOptions::new()
        .max_connections(options.connections.max(1))
        .test_before_acquire(false)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(read);

    let limits = one_connection(
        base.filename(limits_path(path))
            .synchronous(SqliteSynchronous::Normal),
    )
    .await?;
    migrations::limits(&limits).await?;

    Ok(Db::Sqlite {
        writer,
        readers,
        limits,
        path: path.to_owned(),
    })
}

async fn one_connection(options: SqliteConnectOptions) -> Result<SqlitePool> {
    Ok(SqlitePoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?)
}

/// The file of rate slots that stands beside the database.
pub(crate) fn limits_path(path: &Path) -> PathBuf {
    path.with_extension("limits.db")
}

async fn postgres(url: &str, options: &OpenOptions) -> Result<Db> {
    let connect = PgConnectOptions::from_str(url)?
        .application_name("parfocal")
        .statement_cache_capacity(512);
    let pool = PgPoolOptions::new()
        .max_connections(options.connections.max(1) + 2)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(connect.clone())
        .await?;
    migrations::postgres(&pool).await?;
    let urgent = PgPoolOptions::new()
        .max_connections(URGENT_CONNECTIONS)
        .acquire_timeout(Duration::from_secs(30))
        .connect_lazy_with(connect);
    Ok(Db::Postgres { pool, urgent })
}

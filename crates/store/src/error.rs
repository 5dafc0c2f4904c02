//! The one error type of the store: what kind of trouble, and what to do about it.

use std::error::Error as StdError;
use std::fmt;

/// What kind of trouble the store had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another process held the database for longer than the busy timeout.
    Locked,
    /// No room: the disk, the quota, or the page limit of the database.
    DiskFull,
    /// The file is not a database, or is damaged.
    Corrupt,
    /// The database cannot be reached or opened: server down, wrong address, missing folder, no permission.
    Unreachable,
    /// The database was written by a newer Parfocal.
    SchemaTooNew,
    /// A migration that was applied is not the one this program carries, or one failed.
    Migration,
    /// A row refers to something that is not there, or breaks a rule of the schema.
    Constraint,
    /// The lease under which the caller works is held by somebody else now.
    LeaseLost,
    /// Too much is waiting to be written: try again, or answer "unavailable".
    Overloaded,
    /// The store was closed.
    Closed,
    /// An argument makes no sense: a cursor of another list, an unreadable address.
    Invalid,
    /// A stored value cannot be read back as what it should be.
    Data,
    /// Anything else the database said.
    Other,
}

/// An error of the store.
pub struct StoreError(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What store calls return.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl StoreError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: Some(source.into()),
        }))
    }

    pub(crate) fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    pub(crate) fn lease_lost(what: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::LeaseLost,
            format!("the lease on {what} was lost"),
        )
    }

    /// The kind of trouble.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same call may succeed a little later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Locked | ErrorKind::Unreachable | ErrorKind::Overloaded
        )
    }

    /// What a person can do about it; empty when there is nothing to say.
    pub fn advice(&self) -> &'static str {
        match self.0.kind {
            ErrorKind::Locked => {
                "another program keeps the database busy: look for a long-running command or backup and let it finish"
            }
            ErrorKind::DiskFull => {
                "make room on the disk that holds the data folder (or raise the page limit); nothing that was accepted is lost"
            }
            ErrorKind::Corrupt => {
                "stop Parfocal, keep a copy of the database files, run `parfocal store verify`, and restore the last backup if it finds damage"
            }
            ErrorKind::Unreachable => {
                "check DATABASE_URL, that the database server is running and accepts this user, and that the data folder exists and can be written"
            }
            ErrorKind::SchemaTooNew => {
                "this database was written by a newer Parfocal: run that version, or restore a backup made before the upgrade"
            }
            ErrorKind::Migration => {
                "the database's schema is not what this version expects: restore the last backup or report the message above"
            }
            ErrorKind::Overloaded => {
                "the writer cannot keep up: the sender should try again in a moment"
            }
            ErrorKind::Closed => "the program is shutting down",
            _ => "",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let kind = classify(&error);
        let message = match kind {
            ErrorKind::Locked => "the database is locked by another program".to_owned(),
            ErrorKind::DiskFull => "the database cannot grow: no room left".to_owned(),
            ErrorKind::Corrupt => format!("the database is damaged or not a database: {error}"),
            ErrorKind::Unreachable => format!("the database cannot be reached: {error}"),
            ErrorKind::Closed => "the store is closed".to_owned(),
            _ => format!("the database refused: {error}"),
        };
        Self::with_source(kind, message, error)
    }
}

fn classify(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            if let Some(sqlite) = database.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
                let _ = sqlite;
                return sqlite_kind(code.parse().unwrap_or(0));
            }
            postgres_kind(&code)
        }
        sqlx::Error::PoolClosed => ErrorKind::Closed,
        sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => ErrorKind::DiskFull,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => ErrorKind::Unreachable,
        sqlx::Error::Configuration(_) => ErrorKind::Invalid,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => ErrorKind::Data,
        _ => ErrorKind::Other,
    }
}

/// SQLite's result codes (<https://www.sqlite.org/rescode.html>); the low byte is the primary code.
fn sqlite_kind(code: i64) -> ErrorKind {
    const IOERR_CORRUPTFS: i64 = 0x210A;
    const IOERR_WRITE: i64 = 0x030A;
    match (code, code & 0xff) {
        (IOERR_CORRUPTFS, _) | (_, 11 | 26) => ErrorKind::Corrupt,
        // A write that comes back short (a file size limit, a quota) is reported as an I/O error of writing.
        (IOERR_WRITE, _) | (_, 13) => ErrorKind::DiskFull,
        (_, 5 | 6) => ErrorKind::Locked,
        (_, 3 | 8 | 10 | 14 | 23) => ErrorKind::Unreachable,
        (_, 19) => ErrorKind::Constraint,
        _ => ErrorKind::Other,
    }
}

/// PostgreSQL's error classes (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn postgres_kind(code: &str) -> ErrorKind {
    match code {
        "53100" => ErrorKind::DiskFull,
        "XX001" | "XX002" => ErrorKind::Corrupt,
        "55P03" | "40P01" | "40001" => ErrorKind::Locked,
        "57P01" | "57P02" | "57P03" | "53300" | "3D000" | "28000" | "28P01" | "42501" => {
            ErrorKind::Unreachable
        }
        _ if code.starts_with("08") => ErrorKind::Unreachable,
        _ if code.starts_with("23") => ErrorKind::Constraint,
        _ => ErrorKind::Other,
    }
}

//! Backup, verification, and forgetting what nobody needs any more.

use std::path::Path;

use jiff::Timestamp;

use crate::db::{Cells, Db, Sql, args, one, statements, two};
use crate::error::{ErrorKind, Result, StoreError};
use crate::store::{Scope, Store};

const BACKUP: Sql = one("VACUUM INTO $1");
const CHECK: Sql = one("PRAGMA integrity_check(100)");
const ORPHANS: Sql = one("SELECT COUNT(*) FROM pragma_foreign_key_check");
const SYNCHRONOUS: Sql = one("PRAGMA synchronous");
const JOURNAL: Sql = one("PRAGMA journal_mode");
const INDEX_CHECK: Sql = one("INSERT INTO search_index (search_index) VALUES ('integrity-check')");

statements! {
    CLEAR_TOKENS = one("UPDATE inbox SET download_token = NULL WHERE n IN (
        SELECT n FROM inbox WHERE download_token IS NOT NULL AND received < $1 ORDER BY n LIMIT $2)");
    PRUNE_ROLES = one("DELETE FROM singletons WHERE name IN (SELECT name FROM singletons WHERE until < $1 LIMIT $2)");
    // Whether anything was committed since, as cheaply as each engine can tell.
    CHANGES = two("PRAGMA data_version", "SELECT CAST(pg_current_wal_insert_lsn() - CAST('0/0' AS pg_lsn) AS BIGINT)");
}

/// Tells whether anything was written, at a cost that does not grow with what is stored; see [`Store::watch`].
pub struct Watch {
    store: Store,
    /// SQLite counts the commits of others per connection, so one connection is kept for it.
    connection: Option<sqlx::sqlite::SqliteConnection>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    /// A number that differs from the last one if anything was committed in between, by whomever.
    ///
    /// With PostgreSQL it may also differ because of the server's own housekeeping.
    pub async fn mark(&mut self) -> Result<i64> {
        match &mut self.connection {
            Some(connection) => {
                let mut link = crate::db::Link::Sqlite(connection);
                link.exactly(CHANGES, args![], Cells::int).await
            }
            None => self.store.exactly(CHANGES, args![], Cells::int).await,
        }
    }
}

impl Store {
    /// Begins to watch for changes.
    pub async fn watch(&self) -> Result<Watch> {
        let connection = match &self.inner.db {
            Db::Sqlite { path, .. } => Some(crate::checkpoint::connect(path).await?),
            Db::Postgres { .. } => None,
        };
        Ok(Watch {
            store: self.clone(),
            connection,
        })
    }

    /// Forgets the download tokens of events that arrived before an instant, at most `limit`; how many.
    pub async fn clear_download_tokens(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.tidy(CLEAR_TOKENS, before, limit).await
    }

    /// Forgets roles (see [`Store::acquire_lease`]) that nobody has held since an instant, at most `limit`; how many.
    pub async fn prune_roles(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.tidy(PRUNE_ROLES, before, limit).await
    }

    async fn tidy(&self, sql: Sql, before: Timestamp, limit: u32) -> Result<u64> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let done = tx.execute(sql, args![before, limit]).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Writes a consistent copy of a SQLite database into a new file, while everything goes on.
    ///
    /// # Errors
    /// `Invalid` for PostgreSQL (use its own tools) and when the file is there already.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        let Db::Sqlite { path, .. } = &self.inner.db else {
            return Err(StoreError::new(
                ErrorKind::Invalid,
                "a PostgreSQL database is backed up with pg_dump",
            ));
        };
        if to.exists() {
            return Err(StoreError::new(
                ErrorKind::Invalid,
                format!("{} is there already", to.display()),
            ));
        }
        let to = to.to_str().ok_or_else(|| {
            StoreError::new(
                ErrorKind::Invalid,
                "the path of the backup is not readable text",
            )
        })?;
        let mut connection = crate::checkpoint::connect(path).await?;
        let done = crate::db::Link::Sqlite(&mut connection)
            .execute(BACKUP, args![to])
            .await;
        let _ = sqlx::Connection::close(connection).await;
        done.map(|_| ())
    }

    /// Checks a SQLite database from end to end; what is wrong, one line each. Empty: nothing.
    /// (PostgreSQL has its own checks; the answer is empty.)
    pub async fn verify(&self) -> Result<Vec<String>> {
        let Db::Sqlite { path, .. } = &self.inner.db else {
            return Ok(Vec::new());
        };
        let mut connection = crate::checkpoint::connect(path).await?;
        let mut link = crate::db::Link::Sqlite(&mut connection);
        let mut wrong: Vec<String> = link
            .all(CHECK, args![], Cells::text)
            .await?
            .into_iter()
            .filter(|line| line != "ok")
            .collect();
        let orphans = link.exactly(ORPHANS, args![], Cells::count).await?;
        if orphans > 0 {
            wrong.push(format!("{orphans} rows refer to rows that are not there"));
        }
        if let Err(error) = link.execute(INDEX_CHECK, args![]).await {
            wrong.push(format!("the search index: {error}"));
        }
        let _ = sqlx::Connection::close(connection).await;
        Ok(wrong)
    }

    /// How the live writer of a SQLite database flushes: (`synchronous`, `journal_mode`), as the
    /// database itself says (`2` is FULL).
    pub async fn writer_durability(&self) -> Result<Option<(i64, String)>> {
        let Db::Sqlite { writer, .. } = &self.inner.db else {
            return Ok(None);
        };
        let mut connection = writer.acquire().await?;
        let mut link = crate::db::Link::Sqlite(&mut connection);
        let synchronous = link.exactly(SYNCHRONOUS, args![], Cells::int).await?;
        let journal = link.exactly(JOURNAL, args![], Cells::text).await?;
        Ok(Some((synchronous, journal)))
    }
}

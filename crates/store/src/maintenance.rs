//! Backup and verification.

use std::path::Path;

use crate::db::{Cells, Db, Sql, args, one};
use crate::error::{ErrorKind, Result, StoreError};
use crate::store::Store;

const BACKUP: Sql = one("VACUUM INTO $1");
const CHECK: Sql = one("PRAGMA integrity_check(100)");
const ORPHANS: Sql = one("SELECT COUNT(*) FROM pragma_foreign_key_check");
const SYNCHRONOUS: Sql = one("PRAGMA synchronous");
const JOURNAL: Sql = one("PRAGMA journal_mode");
const INDEX_CHECK: Sql = one("INSERT INTO talk_index (talk_index) VALUES ('integrity-check')");

impl Store {
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

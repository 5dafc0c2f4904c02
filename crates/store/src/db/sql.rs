//! Statements and the connection they run on.

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, Executor as _};

#[cfg(test)]
use super::Engine;
use super::value::{Args, Cells, Row, Value};
use crate::error::{ErrorKind, Result, StoreError};

/// One statement, as text for each engine (mostly the same text).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

/// A statement that both engines understand as it is.
pub(crate) const fn one(text: &'static str) -> Sql {
    Sql {
        sqlite: text,
        postgres: text,
    }
}

/// A statement that has to be said differently.
pub(crate) const fn two(sqlite: &'static str, postgres: &'static str) -> Sql {
    Sql { sqlite, postgres }
}

/// A SELECT whose rows stay locked until the transaction ends (SQLite has but one writer: nothing to add).
macro_rules! locked {
    ($($text:expr),* $(,)?) => {
        $crate::db::two(concat!($($text),*), concat!($($text,)* " FOR UPDATE"))
    };
}
pub(crate) use locked;

/// Declares the statements of a module, and the list of them that the tests prepare on both engines.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$meta])* const $name: $crate::db::Sql = $sql;)*

        /// Every statement of this module, by name.
        #[cfg(test)]
        pub(crate) const STATEMENTS: &[(&str, $crate::db::Sql)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use statements;

#[cfg(test)]
impl Sql {
    /// The text for an engine.
    pub(crate) const fn text(self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// A borrowed connection of either engine.
pub(crate) enum Link<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Link<'_> {
    /// Runs a statement; the number of rows it touched.
    pub(crate) async fn execute(&mut self, sql: Sql, args: Args) -> Result<u64> {
        match self {
            Self::Sqlite(link) => {
                let query = sqlx::query_with(sql.sqlite, sqlite(args)?);
                Ok(link.execute(query).await?.rows_affected())
            }
            Self::Postgres(link) => {
                let query = sqlx::query_with(sql.postgres, postgres(args)?);
                Ok(link.execute(query).await?.rows_affected())
            }
        }
    }

    /// The first row of the answer, mapped.
    pub(crate) async fn one<T>(
        &mut self,
        sql: Sql,
        args: Args,
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<Option<T>> {
        let row = match self {
            Self::Sqlite(link) => {
                let query = sqlx::query_with(sql.sqlite, sqlite(args)?);
                link.fetch_optional(query).await?.map(Row::Sqlite)
            }
            Self::Postgres(link) => {
                let query = sqlx::query_with(sql.postgres, postgres(args)?);
                link.fetch_optional(query).await?.map(Row::Postgres)
            }
        };
        row.map(|row| map(&mut Cells::of(row))).transpose()
    }

    /// All rows of the answer, mapped one by one as they arrive.
    pub(crate) async fn all<T>(
        &mut self,
        sql: Sql,
        args: Args,
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut out = Vec::new();
        match self {
            Self::Sqlite(link) => {
                let mut rows = link.fetch(sqlx::query_with(sql.sqlite, sqlite(args)?));
                while let Some(row) = rows.try_next().await? {
                    out.push(map(&mut Cells::of(Row::Sqlite(row)))?);
                }
            }
            Self::Postgres(link) => {
                let mut rows = link.fetch(sqlx::query_with(sql.postgres, postgres(args)?));
                while let Some(row) = rows.try_next().await? {
                    out.push(map(&mut Cells::of(Row::Postgres(row)))?);
                }
            }
        }
        Ok(out)
    }

    /// The single row that this statement always answers with.
    pub(crate) async fn exactly<T>(
        &mut self,
        sql: Sql,
        args: Args,
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<T> {
        self.one(sql, args, map)
            .await?
            .ok_or_else(|| StoreError::data("an answer that always has a row had none"))
    }
}

fn sqlite(args: Args) -> Result<SqliteArguments> {
    let mut out = SqliteArguments::default();
    out.reserve(args.len(), 0);
    for value in args {
        match value {
            Value::Text(v) => out.add(v),
            Value::Int(v) => out.add(v),
            Value::Real(v) => out.add(v),
            Value::Bytes(v) => out.add(v),
        }
        .map_err(unencodable)?;
    }
    Ok(out)
}

fn postgres(args: Args) -> Result<PgArguments> {
    let mut out = PgArguments::default();
    out.reserve(args.len(), 0);
    for value in args {
        match value {
            // PostgreSQL's text cannot hold U+0000; nothing that matters to anybody is lost without it.
            Value::Text(v) => out.add(v.map(|v| {
                if v.contains('\0') {
                    v.replace('\0', "")
                } else {
                    v
                }
            })),
            Value::Int(v) => out.add(v),
            Value::Real(v) => out.add(v),
            Value::Bytes(v) => out.add(v),
        }
        .map_err(unencodable)?;
    }
    Ok(out)
}

fn unencodable(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::with_source(
        ErrorKind::Data,
        "a value cannot be sent to the database",
        error,
    )
}

//! The schema, forward only, a folder per engine; and the refusal of a newer one.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr as _, SqlitePool};

use crate::error::{ErrorKind, Result, StoreError};

/// The schema version this program writes.
pub(crate) const SCHEMA_VERSION: i64 = 11;

const SQLITE: &[(i64, &str, &str)] = &[
    (
        1,
        "the thread",
        include_str!("../migrations/sqlite/0001_the_thread.sql"),
    ),
    (
        2,
        "connections",
        include_str!("../migrations/sqlite/0002_connections.sql"),
    ),
    (
        3,
        "actions",
        include_str!("../migrations/sqlite/0003_actions.sql"),
    ),
    (
        4,
        "insights",
        include_str!("../migrations/sqlite/0004_insights.sql"),
    ),
    (
        5,
        "talk",
        include_str!("../migrations/sqlite/0005_talk.sql"),
    ),
    (
        6,
        "models",
        include_str!("../migrations/sqlite/0006_models.sql"),
    ),
    (
        7,
        "filters",
        include_str!("../migrations/sqlite/0007_filters.sql"),
    ),
    (
        8,
        "search",
        include_str!("../migrations/sqlite/0008_search.sql"),
    ),
    (
        9,
        "schedule",
        include_str!("../migrations/sqlite/0009_schedule.sql"),
    ),
    (
        10,
        "calendar",
        include_str!("../migrations/sqlite/0010_calendar.sql"),
    ),
    (
        11,
        "notify",
        include_str!("../migrations/sqlite/0011_notify.sql"),
    ),
];

const POSTGRES: &[(i64, &str, &str)] = &[
    (
        1,
        "the thread",
        include_str!("../migrations/postgres/0001_the_thread.sql"),
    ),
    (
        2,
        "connections",
        include_str!("../migrations/postgres/0002_connections.sql"),
    ),
    (
        3,
        "actions",
        include_str!("../migrations/postgres/0003_actions.sql"),
    ),
    (
        4,
        "insights",
        include_str!("../migrations/postgres/0004_insights.sql"),
    ),
    (
        5,
        "talk",
        include_str!("../migrations/postgres/0005_talk.sql"),
    ),
    (
        6,
        "models",
        include_str!("../migrations/postgres/0006_models.sql"),
    ),
    (
        7,
        "filters",
        include_str!("../migrations/postgres/0007_filters.sql"),
    ),
    (
        8,
        "search",
        include_str!("../migrations/postgres/0008_search.sql"),
    ),
    (
        9,
        "schedule",
        include_str!("../migrations/postgres/0009_schedule.sql"),
    ),
    (
        10,
        "calendar",
        include_str!("../migrations/postgres/0010_calendar.sql"),
    ),
    (
        11,
        "notify",
        include_str!("../migrations/postgres/0011_notify.sql"),
    ),
];

const LIMITS: &[(i64, &str, &str)] = &[(
    1,
    "rate slots",
    include_str!("../migrations/limits/0001_rate_slots.sql"),
)];

fn migrator(list: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = list
        .iter()
        .map(|(version, name, sql)| {
            Migration::new(
                *version,
                Cow::Borrowed(*name),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        })
        .collect();
    Migrator {
        migrations: Cow::Owned(migrations),
        ..Migrator::DEFAULT
    }
}

pub(crate) async fn sqlite(pool: &SqlitePool) -> Result<()> {
    sqlite_list(pool, SQLITE).await
}

pub(crate) async fn limits(pool: &SqlitePool) -> Result<()> {
    sqlite_list(pool, LIMITS).await
}

async fn sqlite_list(pool: &SqlitePool, list: &[(i64, &'static str, &'static str)]) -> Result<()> {
    let migrator = migrator(list);
    // Two processes may open a new file at the same time; SQLite's migrator takes no lock, so the
    // loser of the race finds the tables made and looks again.
    let mut rounds = 0;
    loop {
        match migrator.run(pool).await {
            Ok(()) => return Ok(()),
            Err(MigrateError::ExecuteMigration(_, _)) if rounds < 3 => rounds += 1,
            Err(error) => return Err(failure(error, list)),
        }
    }
}

pub(crate) async fn postgres(pool: &PgPool) -> Result<()> {
    migrator(POSTGRES)
        .run(pool)
        .await
        .map_err(|error| failure(error, POSTGRES))
}

fn failure(error: MigrateError, list: &[(i64, &'static str, &'static str)]) -> StoreError {
    let ours = list.last().map_or(0, |(version, _, _)| *version);
    match error {
        MigrateError::VersionMissing(theirs) if theirs > ours => StoreError::new(
            ErrorKind::SchemaTooNew,
            format!("the database has schema {theirs}, this program knows schemas up to {ours}"),
        ),
        MigrateError::Execute(error) => error.into(),
        MigrateError::ExecuteMigration(error, version) => {
            let error = StoreError::from(error);
            if matches!(error.kind(), ErrorKind::Other | ErrorKind::Constraint) {
                StoreError::with_source(
                    ErrorKind::Migration,
                    format!("migration {version} failed: {error}"),
                    error,
                )
            } else {
                error
            }
        }
        error => StoreError::with_source(
            ErrorKind::Migration,
            format!("the schema does not fit this program: {error}"),
            error,
        ),
    }
}

//! The schema, forward only, a folder per engine; and the refusal of a newer one.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr as _, SqlitePool};

use crate::error::{ErrorKind, Result, StoreError};

/// The schema version this program writes.
pub(crate) const SCHEMA_VERSION: i64 = SQLITE[SQLITE.len() - 1].0;

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
    (
        13,
        "summaries",
        include_str!("../migrations/sqlite/0013_summaries.sql"),
    ),
    (
        14,
        "destinations",
        include_str!("../migrations/sqlite/0014_destinations.sql"),
    ),
    (
        15,
        "persons",
        include_str!("../migrations/sqlite/0015_persons.sql"),
    ),
    (
        17,
        "zoom app",
        include_str!("../migrations/sqlite/0017_zoomapp.sql"),
    ),
    (
        18,
        "mailbox and groups",
        include_str!("../migrations/sqlite/0018_mailbox_and_groups.sql"),
    ),
    (
        19,
        "about",
        include_str!("../migrations/sqlite/0019_about.sql"),
    ),
    (
        20,
        "lanes",
        include_str!("../migrations/sqlite/0020_lanes.sql"),
    ),
    (
        21,
        "kinds",
        include_str!("../migrations/sqlite/0021_kinds.sql"),
    ),
    (
        24,
        "apart",
        include_str!("../migrations/sqlite/0024_apart.sql"),
    ),
    (
        25,
        "interactions",
        include_str!("../migrations/sqlite/0025_interactions.sql"),
    ),
    (
        26,
        "subjects",
        include_str!("../migrations/sqlite/0026_subjects.sql"),
    ),
    (
        27,
        "inbox later",
        include_str!("../migrations/sqlite/0027_inbox_later.sql"),
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
    (
        13,
        "summaries",
        include_str!("../migrations/postgres/0013_summaries.sql"),
    ),
    (
        14,
        "destinations",
        include_str!("../migrations/postgres/0014_destinations.sql"),
    ),
    (
        15,
        "persons",
        include_str!("../migrations/postgres/0015_persons.sql"),
    ),
    (
        17,
        "zoom app",
        include_str!("../migrations/postgres/0017_zoomapp.sql"),
    ),
    (
        18,
        "mailbox and groups",
        include_str!("../migrations/postgres/0018_mailbox_and_groups.sql"),
    ),
    (
        19,
        "about",
        include_str!("../migrations/postgres/0019_about.sql"),
    ),
    (
        20,
        "lanes",
        include_str!("../migrations/postgres/0020_lanes.sql"),
    ),
    (
        21,
        "kinds",
        include_str!("../migrations/postgres/0021_kinds.sql"),
    ),
    (
        24,
        "apart",
        include_str!("../migrations/postgres/0024_apart.sql"),
    ),
    (
        25,
        "interactions",
        include_str!("../migrations/postgres/0025_interactions.sql"),
    ),
    (
        26,
        "subjects",
        include_str!("../migrations/postgres/0026_subjects.sql"),
    ),
    (
        27,
        "inbox later",
        include_str!("../migrations/postgres/0027_inbox_later.sql"),
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
    // loser of the race finds the tables made and looks again. It may lose at each migration.
    let mut rounds = 0;
    loop {
        match migrator.run(pool).await {
            Ok(()) => return Ok(()),
            Err(MigrateError::ExecuteMigration(_, _)) if rounds < list.len() => rounds += 1,
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use parfocal_formats::query;
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
    use sqlx::{AssertSqlSafe, Executor as _, Row as _};

    use super::*;
    use crate::{
        Cue, DatabaseUrl, InstanceState, NewAccount, NewInstance, NewTranscript, OpenOptions,
        Provider, Scope, SeededIds, Seen, Source, Store, TranscriptSource, utterances,
    };

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    async fn open(file: &Path) -> Store {
        let options = OpenOptions::new(Arc::new(SeededIds::new(1)));
        Store::open(&DatabaseUrl::sqlite(file), options, NOW)
            .await
            .unwrap()
    }

    async fn one_meeting(store: &Store) {
        let account = NewAccount {
            provider: Provider::Zoom,
            external_id: "older".into(),
            name: None,
            plan: None,
            region: None,
            limits_share: None,
            capabilities: None,
        };
        let seen = Seen {
            at: NOW,
            source: Source::Detail,
            now: NOW,
        };
        let new = NewInstance {
            external_id: "older==".into(),
            topic: Some("Harbour".into()),
            state: Some(InstanceState::Ended),
            start: Some(NOW),
            ..NewInstance::default()
        };
        let cues = [Cue {
            n: 1,
            start_ms: 0,
            end_ms: 900,
            speaker: Some("Ana".into()),
            text: "The crane costs forty thousand.".into(),
        }];
        let mut tx = store.begin(Scope::DEFAULT).await.unwrap();
        let account = tx.upsert_account(&account, NOW).await.unwrap();
        let instance = tx.upsert_instance(account, &new, &seen).await.unwrap().id;
        let new = NewTranscript {
            instance_id: instance,
            file_id: None,
            source: TranscriptSource::Import,
            sha256: "older",
            lang: None,
            parser_v: 1,
            warnings: 0,
            cues: &cues,
            utterances: &utterances(&cues),
        };
        tx.store_transcript(&new, NOW).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The rows of one meeting in a database of the schema before the index of meetings.
    async fn older(folder: &Path) -> std::path::PathBuf {
        let (new, old) = (folder.join("new.db"), folder.join("old.db"));
        let store = open(&new).await;
        one_meeting(&store).await;
        store.close().await;
        let options = SqliteConnectOptions::new()
            .filename(&old)
            .create_if_missing(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .unwrap();
        migrator(&SQLITE[..7]).run(&pool).await.unwrap();
        let run = |sql: String| pool.execute(AssertSqlSafe(sql));
        run(format!("ATTACH '{}' AS new", new.display()))
            .await
            .unwrap();
        for table in [
            "workspaces",
            "accounts",
            "instances",
            "transcripts",
            "cues",
            "utterances",
        ] {
            let columns = format!(
                "SELECT o.name FROM pragma_table_info('{table}', 'main') o JOIN pragma_table_info('{table}', 'new') n ON n.name = o.name"
            );
            let columns: Vec<String> = sqlx::query(AssertSqlSafe(columns))
                .fetch_all(&pool)
                .await
                .unwrap()
                .iter()
                .map(|row| row.get(0))
                .collect();
            let columns = columns.join(", ");
            run(format!(
                "INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}"
            ))
            .await
            .unwrap();
        }
        pool.close().await;
        old
    }

    #[tokio::test]
    async fn what_was_said_before_the_index_was_made_is_found_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let old = older(folder.path()).await;
        // The first opening indexes it, the second one has nothing left to do.
        for _ in 0..2 {
            let store = open(&old).await;
            for words in ["crane", "harbour", "speaker:ana thousands"] {
                let query = query::parse(words).unwrap();
                let page = store
                    .search(Scope::DEFAULT, &query, &TimeZone::UTC, 10, None)
                    .await
                    .unwrap();
                assert_eq!(page.hits.len(), 1, "{words}: {page:?}");
                assert_eq!(page.hits[0].instance_external_id, "older==");
            }
            store.close().await;
        }
    }
}

//! Prepares every statement of the crate on both engines: a misspelt column shows here, not in the night.

use std::sync::Arc;

use sqlx::{Executor as _, Row as _, SqlSafeStr as _};

use crate::db::{Db, Engine, Ready, Sql};
use crate::{DatabaseUrl, OpenOptions, SeededIds};

/// The statements of both engines' main database, by module.
fn shared() -> Vec<(&'static str, &'static [(&'static str, Sql)])> {
    vec![
        ("access", crate::access::STATEMENTS),
        ("grants", crate::grants::STATEMENTS),
        ("secrets", crate::secrets::STATEMENTS),
        ("links", crate::links::STATEMENTS),
        ("audit", crate::audit::STATEMENTS),
        ("erasure", crate::erasure::STATEMENTS),
        ("people", crate::people::STATEMENTS),
        ("series", crate::meetings::SERIES_STATEMENTS),
        ("registrants", crate::meetings::REGISTRANT_STATEMENTS),
        ("instances", crate::meetings::INSTANCE_STATEMENTS),
        ("attendance", crate::meetings::ATTENDANCE_STATEMENTS),
        ("list", crate::meetings::LIST_STATEMENTS),
        ("recordings", crate::media::RECORDING_STATEMENTS),
        ("artefacts", crate::media::ARTEFACT_STATEMENTS),
        ("transcripts", crate::talk::TRANSCRIPT_STATEMENTS),
        ("chat", crate::talk::CHAT_STATEMENTS),
        ("summaries", crate::talk::SUMMARY_STATEMENTS),
        ("near", crate::search::NEAR_STATEMENTS),
        ("speakers", crate::talk::SPEAKER_STATEMENTS),
        ("insights", crate::insights::STATEMENTS),
        ("interactions", crate::interactions::STATEMENTS),
        ("tracker", crate::tracker::STATEMENTS),
        ("search", crate::search::STATEMENTS),
        ("search about", crate::search::ABOUT_STATEMENTS),
        ("search build", crate::search::BUILD_STATEMENTS),
        ("inbox", crate::inbox::READ_STATEMENTS),
        ("jobs", crate::jobs::STATEMENTS),
        ("claim", crate::jobs::CLAIM_STATEMENTS),
        ("jobs clock", crate::jobs::CLOCK_STATEMENTS),
        ("finish", crate::jobs::FINISH_STATEMENTS),
        ("queue", crate::jobs::READ_STATEMENTS),
        ("work", crate::work::STATEMENTS),
        ("events", crate::events::STATEMENTS),
        ("status", crate::status::STATEMENTS),
        ("maintenance", crate::maintenance::STATEMENTS),
        ("keys", crate::keys::STATEMENTS),
        ("news", crate::news::STATEMENTS),
        ("idempotency", crate::idempotency::STATEMENTS),
        ("components", crate::components::STATEMENTS),
        ("models", crate::models::STATEMENTS),
        ("persons", crate::persons::STATEMENTS),
        ("destinations", crate::destinations::STATEMENTS),
        ("deliveries", crate::destinations::DELIVERY_STATEMENTS),
        ("due deliveries", crate::destinations::DUE_STATEMENTS),
        ("streams", crate::destinations::STREAM_STATEMENTS),
        ("calendars", crate::calendars::STATEMENTS),
        ("schedules", crate::schedule::SCHEDULE_STATEMENTS),
        ("sagas", crate::schedule::SAGA_STATEMENTS),
        ("bookings", crate::schedule::BOOKING_STATEMENTS),
        ("notify", crate::notify::STATEMENTS),
        ("zoomapp", crate::zoomapp::STATEMENTS),
        ("received", crate::received::STATEMENTS),
    ]
}

fn texts(engine: Engine) -> Vec<(String, &'static str)> {
    let mut out: Vec<(String, &'static str)> = shared()
        .into_iter()
        .flat_map(|(module, list)| {
            list.iter()
                .map(move |(name, sql)| (format!("{module}.{name}"), sql.text(engine)))
        })
        .collect();
    let bulk = crate::inbox::writer_statements()
        .into_iter()
        .chain(crate::talk::bulk_statements())
        .chain(crate::schedule::bulk_statements());
    out.extend(bulk.map(|sql| ("bulk".to_owned(), sql.text(engine))));
    out
}

fn options() -> OpenOptions {
    OpenOptions::new(Arc::new(SeededIds::new(1)))
}

#[tokio::test]
async fn sqlite_prepares_every_statement() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(folder.path().join("p.db"));
    let Ready { db } = Ready::open(&url, &options()).await.unwrap();
    let Db::Sqlite { writer, limits, .. } = db else {
        unreachable!()
    };
    let mut list = texts(Engine::Sqlite);
    list.extend(
        crate::search::SQLITE_STATEMENTS
            .iter()
            .map(|(name, sql)| (format!("search.{name}"), sql.text(Engine::Sqlite))),
    );
    let mut wrong = Vec::new();
    let mut connection = writer.acquire().await.unwrap();
    for (name, text) in &list {
        if let Err(error) = (&mut *connection).prepare((*text).into_sql_str()).await {
            wrong.push(format!("{name}: {error}\n  {text}"));
        }
    }
    let mut connection = limits.acquire().await.unwrap();
    for (name, sql) in crate::rates::STATEMENTS {
        if let Err(error) = (&mut *connection)
            .prepare(sql.text(Engine::Sqlite).into_sql_str())
            .await
        {
            wrong.push(format!("rates.{name}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        list.len() > 150,
        "the list of statements lost its modules: {}",
        list.len()
    );
}

/// Asked after every commit, while hundreds of thousands of jobs may wait: none of them may be read one by one.
#[tokio::test]
async fn what_workers_ask_again_and_again_is_answered_by_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(folder.path().join("p.db"));
    let Ready { db } = Ready::open(&url, &options()).await.unwrap();
    let Db::Sqlite { writer, .. } = db else {
        unreachable!()
    };
    for name in ["PEEK", "PEEK_LEASES", "PROMOTE", "CANDIDATES", "NEXT"] {
        let (_, sql) = crate::jobs::CLAIM_STATEMENTS
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {}", sql.text(Engine::Sqlite));
        let plan: Vec<String> = sqlx::query(sqlx::AssertSqlSafe(explain))
            .fetch_all(&writer)
            .await
            .unwrap()
            .iter()
            .map(|row| row.get("detail"))
            .collect();
        let jobs: Vec<&String> = plan
            .iter()
            .filter(|step| step.contains(" jobs ") || step.contains(" j ") || step.contains(" r "))
            .collect();
        assert!(
            !jobs.is_empty() && jobs.iter().all(|step| step.contains("INDEX jobs_")),
            "{name}: {plan:#?}"
        );
    }
}

/// What people and programs ask for by a filter, with a hundred thousand meetings held: each by the index made for it.
#[tokio::test]
async fn lists_are_looked_up_in_the_index_of_their_filter() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(folder.path().join("p.db"));
    let Ready { db } = Ready::open(&url, &options()).await.unwrap();
    let Db::Sqlite { writer, .. } = db else {
        unreachable!()
    };
    let mut known = texts(Engine::Sqlite);
    let search = crate::search::SQLITE_STATEMENTS.iter();
    known.extend(search.map(|(name, sql)| (format!("search.{name}"), sql.text(Engine::Sqlite))));
    for (name, step) in [
        // Without reading a row that is not on the page, however few of them the filters leave.
        (
            "list.INSTANCES",
            "SEARCH i USING COVERING INDEX instances_listed",
        ),
        (
            "list.OF_NUMBER",
            "SEARCH i USING INDEX instances_of_number (workspace_id=? AND number=?",
        ),
        // A statement's meeting before the statement, so that a page is read and no more; a person's by the name.
        (
            "insights.LATEST",
            "SEARCH n USING INDEX instances_listed (workspace_id=?",
        ),
        (
            "insights.OF_OWNER",
            "SEARCH i USING INDEX insights_kind (workspace_id=?",
        ),
        // Meetings of some days alone, in their order; somebody's meetings from the names.
        (
            "search.ALL",
            "SEARCH d USING INDEX search_docs_listed (workspace_id=? AND sort_at>? AND sort_at<?)",
        ),
        (
            "search.OF_PEOPLE",
            "SEARCH s USING COVERING INDEX search_people_text (text>? AND text<?)",
        ),
        (
            "series.BY_NUMBER",
            "SEARCH meetings USING INDEX meetings_of_number (workspace_id=? AND number=?)",
        ),
        (
            "inbox.FAILED",
            "SEARCH inbox USING INDEX inbox_failed (n<?)",
        ),
    ] {
        let (_, text) = known
            .iter()
            .find(|(one, _)| one == name)
            .unwrap_or_else(|| panic!("{name} is no statement"));
        let plan: Vec<String> =
            sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}")))
                .fetch_all(&writer)
                .await
                .unwrap()
                .iter()
                .map(|row| row.get("detail"))
                .collect();
        assert!(
            plan.iter().any(|found| found.starts_with(step)),
            "{name}: {plan:#?}"
        );
    }
}

#[tokio::test]
async fn postgres_prepares_every_statement() {
    let Ok(url) = std::env::var("TEST_DATABASE_URL") else {
        eprintln!("skipped: TEST_DATABASE_URL is not set, nothing is prepared on PostgreSQL");
        return;
    };
    let admin = sqlx::PgPool::connect(&url).await.unwrap();
    let name = format!("prepared_{}", std::process::id());
    admin
        .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    let own = DatabaseUrl::parse(&format!("{server}/{name}")).unwrap();
    let Ready { db } = Ready::open(&own, &options()).await.unwrap();
    let Db::Postgres { pool, .. } = db else {
        unreachable!()
    };
    let mut list = texts(Engine::Postgres);
    list.extend(
        crate::rates::STATEMENTS
            .iter()
            .map(|(name, sql)| (format!("rates.{name}"), sql.text(Engine::Postgres))),
    );
    let mut wrong = Vec::new();
    let mut connection = pool.acquire().await.unwrap();
    for (name, text) in &list {
        if let Err(error) = (&mut *connection).prepare((*text).into_sql_str()).await {
            wrong.push(format!("{name}: {error}\n  {text}"));
        }
    }
    drop(connection);
    pool.close().await;
    admin
        .execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {name}")))
        .await
        .unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

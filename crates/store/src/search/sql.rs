//! The statements of search: candidates, the best of them, and what a hit shows.
//!
//! A candidate is a row of the index: `r` (2n for utterance n, 2n + 1 for chat message n) and `s` (lower
//! is better). The engines differ in how candidates are found; the rest is one text.

use crate::db::{one, two};

/// Instances that fit: $1 workspace, $4 from, $5 before, and JSON arrays of patterns in $6 to $9.
/// `$each` is how the engine opens a JSON array as rows `p(value)`.
macro_rules! instances {
    ($open:literal, $close:literal) => {
        concat!(
            "SELECT i.id FROM instances i LEFT JOIN users h ON h.workspace_id = i.workspace_id AND h.account_id = i.account_id AND h.external_id = i.host_user_id
             WHERE i.workspace_id = $1
             AND (CAST($4 AS BIGINT) IS NULL OR i.start_at >= $4)
             AND (CAST($5 AS BIGINT) IS NULL OR i.start_at < $5)
             AND (CAST($6 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM ", $open, "$6", $close, " WHERE ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($7 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM ", $open, "$7", $close, " WHERE ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($8 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM ", $open, "$8", $close, "
                WHERE ' ' || i.host_search LIKE p.value ESCAPE '\\' OR ' ' || COALESCE(h.search, '') LIKE p.value ESCAPE '\\'))
             AND (CAST($9 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM ", $open, "$9", $close, "
                WHERE ' ' || i.host_search LIKE p.value ESCAPE '\\' OR ' ' || COALESCE(h.search, '') LIKE p.value ESCAPE '\\'))"
        )
    };
}
macro_rules! sqlite_instances {
    () => {
        instances!("json_each(", ") AS p")
    };
}
macro_rules! postgres_instances {
    () => {
        instances!(
            "jsonb_array_elements_text(CAST(CAST(",
            " AS TEXT) AS jsonb)) AS p(value)"
        )
    };
}

/// From candidates `cand(r, s)` to rows of hits; the last three parameters are rank and row of the
/// hit before the page, and the number of hits.
macro_rules! hits {
    ($rank:literal, $row:literal, $limit:literal) => {
        concat!(
            ", top AS (SELECT r, s FROM cand WHERE CAST(", $rank, " AS DOUBLE PRECISION) IS NULL OR s > ", $rank, " OR (s = ", $rank, " AND r < ", $row, ")
                ORDER BY s, r DESC LIMIT ", $limit, ")
            SELECT top.r, top.s, u.transcript_id, u.cue_from, u.cue_to, COALESCE(u.start_ms, c.at_ms), COALESCE(u.end_ms, c.at_ms),
                COALESCE(u.speaker, c.sender_raw), COALESCE(u.text, c.text),
                i.id, i.external_id, i.number, i.topic, i.start_at, COALESCE(i.host_email, h.email), h.name
            FROM top
            LEFT JOIN utterances u ON top.r % 2 = 0 AND u.n = top.r / 2
            LEFT JOIN chat c ON top.r % 2 = 1 AND c.n = top.r / 2
            JOIN instances i ON i.id = COALESCE(u.instance_id, c.instance_id)
            LEFT JOIN users h ON h.workspace_id = i.workspace_id AND h.account_id = i.account_id AND h.external_id = i.host_user_id
            ORDER BY top.s, top.r DESC"
        )
    };
}

/// The instance of a row of the index.
macro_rules! instance_of_row {
    () => {
        "CASE WHEN r % 2 = 0 THEN (SELECT u.instance_id FROM utterances u WHERE u.n = r / 2) ELSE (SELECT c.instance_id FROM chat c WHERE c.n = r / 2) END"
    };
}

macro_rules! plain_sqlite {
    () => {
        concat!(
            "WITH cand AS MATERIALIZED (SELECT rowid AS r, bm25(talk_index, 1.0, 0.2) AS s FROM talk_index WHERE talk_index MATCH $1 ORDER BY rowid DESC LIMIT $2)",
            hits!("$3", "$4", "$5")
        )
    };
}

macro_rules! fitting_sqlite {
    () => {
        concat!(
            "WITH fit AS MATERIALIZED (", sqlite_instances!(), "),
            cand AS MATERIALIZED (SELECT r, s FROM (SELECT rowid AS r, bm25(talk_index, 1.0, 0.2) AS s FROM talk_index WHERE talk_index MATCH $2 ORDER BY rowid DESC)
                WHERE ", instance_of_row!(), " IN (SELECT id FROM fit) LIMIT $3)",
            hits!("$10", "$11", "$12")
        )
    };
}

/// Rows of the index that belong to instances `fit(id)`, when these are few: read from indexes alone, in this order of
/// tables (which is what CROSS JOIN says to SQLite).
macro_rules! rows_of_fit {
    () => {
        "few AS MATERIALIZED (
            SELECT u.n * 2 AS r FROM fit CROSS JOIN transcripts t ON t.workspace_id = $1 AND t.instance_id = fit.id CROSS JOIN utterances u ON u.transcript_id = t.id
            UNION ALL SELECT c.n * 2 + 1 AS r FROM fit CROSS JOIN chat c ON c.instance_id = fit.id)"
    };
}

macro_rules! narrow_sqlite {
    () => {
        concat!(
            "WITH fit AS MATERIALIZED (", sqlite_instances!(), "), ", rows_of_fit!(), ",
            cand AS MATERIALIZED (SELECT rowid AS r, bm25(talk_index, 1.0, 0.2) AS s FROM talk_index
                WHERE talk_index MATCH $2 AND rowid BETWEEN $10 AND $11 AND +rowid IN (SELECT r FROM few) ORDER BY rowid DESC LIMIT $3)",
            hits!("$12", "$13", "$14")
        )
    };
}

macro_rules! narrow_all_sqlite {
    () => {
        concat!(
            "WITH fit AS MATERIALIZED (", sqlite_instances!(), "), ", rows_of_fit!(), ",
            cand AS MATERIALIZED (SELECT r, 0.0 AS s FROM few WHERE r BETWEEN $10 AND $11 AND (CAST($2 AS TEXT) IS NULL
                OR r NOT IN (SELECT rowid FROM talk_index WHERE talk_index MATCH $2)) ORDER BY r DESC LIMIT $3)",
            hits!("$12", "$13", "$14")
        )
    };
}

macro_rules! ranged_sqlite {
    () => {
        concat!(
            "WITH fit AS MATERIALIZED (", sqlite_instances!(), "),
            cand AS MATERIALIZED (SELECT r, s FROM (SELECT rowid AS r, bm25(talk_index, 1.0, 0.2) AS s FROM talk_index
                    WHERE talk_index MATCH $2 AND rowid BETWEEN $10 AND $11 ORDER BY rowid DESC)
                WHERE ", instance_of_row!(), " IN (SELECT id FROM fit) LIMIT $3)",
            hits!("$12", "$13", "$14")
        )
    };
}

macro_rules! ranged_all_sqlite {
    () => {
        concat!(
            "WITH fit AS MATERIALIZED (", sqlite_instances!(), "),
            cand AS MATERIALIZED (SELECT r, 0.0 AS s FROM (
                SELECT * FROM (SELECT u.n * 2 AS r FROM utterances u WHERE u.n BETWEEN $10 / 2 AND $11 / 2 AND +u.instance_id IN (SELECT id FROM fit)
                    AND (CAST($2 AS TEXT) IS NULL OR u.n * 2 NOT IN (SELECT rowid FROM talk_index WHERE talk_index MATCH $2)) ORDER BY u.n DESC LIMIT $3)
                UNION ALL
                SELECT * FROM (SELECT c.n * 2 + 1 AS r FROM chat c WHERE c.n BETWEEN $10 / 2 AND $11 / 2 AND +c.instance_id IN (SELECT id FROM fit)
                    AND (CAST($2 AS TEXT) IS NULL OR c.n * 2 + 1 NOT IN (SELECT rowid FROM talk_index WHERE talk_index MATCH $2)) ORDER BY c.n DESC LIMIT $3))
                ORDER BY r DESC LIMIT $3)",
            hits!("$12", "$13", "$14")
        )
    };
}

/// How many instances fit, counted up to $3, and their rows of the index: how many, the first and the last.
macro_rules! reach_sqlite {
    () => {
        concat!(
            "WITH fit AS MATERIALIZED (", sqlite_instances!(), " LIMIT $3),
            ends AS (
                SELECT t.utterance_count AS rows,
                    (SELECT u.n * 2 FROM utterances u WHERE u.transcript_id = t.id ORDER BY u.ord LIMIT 1) AS lo,
                    (SELECT u.n * 2 FROM utterances u WHERE u.transcript_id = t.id ORDER BY u.ord DESC LIMIT 1) AS hi
                FROM fit CROSS JOIN transcripts t ON t.workspace_id = $1 AND t.instance_id = fit.id
                UNION ALL SELECT COUNT(*), MIN(c.n) * 2 + 1, MAX(c.n) * 2 + 1 FROM fit CROSS JOIN chat c ON c.instance_id = fit.id)
            SELECT (SELECT COUNT(*) FROM fit), COALESCE(SUM(rows), 0), COALESCE(MIN(lo), 0), COALESCE(MAX(hi), 0) FROM ends"
        )
    };
}

macro_rules! fitting_postgres {
    () => {
        concat!(
            "WITH fit AS MATERIALIZED (", postgres_instances!(), "),
            q AS (SELECT CAST(CAST($2 AS TEXT) AS tsquery) AS q),
            cand AS MATERIALIZED (SELECT r, s FROM (
                (SELECT u.n * 2 AS r, CAST(-ts_rank_cd(u.tsv, q.q, 1) AS DOUBLE PRECISION) AS s FROM utterances u, q
                    WHERE u.tsv @@ q.q AND u.workspace_id = $1 AND u.instance_id IN (SELECT id FROM fit) ORDER BY u.n DESC LIMIT $3)
                UNION ALL
                (SELECT c.n * 2 + 1 AS r, CAST(-ts_rank_cd(c.tsv, q.q, 1) AS DOUBLE PRECISION) AS s FROM chat c, q
                    WHERE c.tsv @@ q.q AND c.workspace_id = $1 AND c.instance_id IN (SELECT id FROM fit) ORDER BY c.n DESC LIMIT $3)) AS found
                ORDER BY r DESC LIMIT $3)",
            hits!("$10", "$11", "$12")
        )
    };
}

macro_rules! all_sqlite {
    () => {
        concat!(
            "WITH fit AS MATERIALIZED (", sqlite_instances!(), "),
            cand AS MATERIALIZED (SELECT r, 0.0 AS s FROM (
                SELECT * FROM (SELECT u.n * 2 AS r FROM utterances u WHERE u.instance_id IN (SELECT id FROM fit) AND (CAST($2 AS TEXT) IS NULL
                    OR u.n * 2 NOT IN (SELECT rowid FROM talk_index WHERE talk_index MATCH $2)) ORDER BY u.n DESC LIMIT $3)
                UNION ALL
                SELECT * FROM (SELECT c.n * 2 + 1 AS r FROM chat c WHERE c.instance_id IN (SELECT id FROM fit) AND (CAST($2 AS TEXT) IS NULL
                    OR c.n * 2 + 1 NOT IN (SELECT rowid FROM talk_index WHERE talk_index MATCH $2)) ORDER BY c.n DESC LIMIT $3))
                ORDER BY r DESC LIMIT $3)",
            hits!("$10", "$11", "$12")
        )
    };
}

macro_rules! all_postgres {
    () => {
        concat!(
            "WITH fit AS MATERIALIZED (", postgres_instances!(), "),
            cand AS MATERIALIZED (SELECT r, CAST(0 AS DOUBLE PRECISION) AS s FROM (
                (SELECT u.n * 2 AS r FROM utterances u WHERE u.instance_id IN (SELECT id FROM fit) AND (CAST($2 AS TEXT) IS NULL
                    OR NOT (u.tsv @@ CAST(CAST($2 AS TEXT) AS tsquery))) ORDER BY u.n DESC LIMIT $3)
                UNION ALL
                (SELECT c.n * 2 + 1 AS r FROM chat c WHERE c.instance_id IN (SELECT id FROM fit) AND (CAST($2 AS TEXT) IS NULL
                    OR NOT (c.tsv @@ CAST(CAST($2 AS TEXT) AS tsquery))) ORDER BY c.n DESC LIMIT $3)) AS found
                ORDER BY r DESC LIMIT $3)",
            hits!("$10", "$11", "$12")
        )
    };
}

/// Words alone, one workspace (SQLite): $1 expression, $2 candidates.
pub(super) const PLAIN: crate::db::Sql = one(plain_sqlite!());
/// Words and restrictions: $1 workspace, $2 expression, $3 candidates, $4 to $9 instances.
pub(super) const FITTING: crate::db::Sql = two(fitting_sqlite!(), fitting_postgres!());
/// Restrictions alone; $2 is what must not fit.
pub(super) const ALL: crate::db::Sql = two(all_sqlite!(), all_postgres!());
/// [`FITTING`] within rows $10 to $11, for few instances whose rows lie scattered (SQLite): the filter comes first.
pub(super) const NARROW: crate::db::Sql = one(narrow_sqlite!());
/// [`ALL`] within rows $10 to $11, for few instances whose rows lie scattered (SQLite).
pub(super) const NARROW_ALL: crate::db::Sql = one(narrow_all_sqlite!());
/// [`FITTING`] within rows $10 to $11 (SQLite).
pub(super) const RANGED: crate::db::Sql = one(ranged_sqlite!());
/// [`ALL`] within rows $10 to $11 (SQLite).
pub(super) const RANGED_ALL: crate::db::Sql = one(ranged_all_sqlite!());
/// What the restrictions leave, when that is little (SQLite): instances up to $3, rows, the first row, the last row.
pub(super) const REACH: crate::db::Sql = one(reach_sqlite!());
/// Whether there is another workspace than $1.
pub(super) const OTHERS: crate::db::Sql = one(
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM workspaces WHERE id <> $1) OR NOT EXISTS (SELECT 1 FROM workspaces WHERE id = $1) THEN 1 ELSE 0 END",
);

/// The statements of SQLite alone.
#[cfg(test)]
pub(crate) const SQLITE_STATEMENTS: &[(&str, crate::db::Sql)] = &[
    ("PLAIN", PLAIN),
    ("NARROW", NARROW),
    ("NARROW_ALL", NARROW_ALL),
    ("RANGED", RANGED),
    ("RANGED_ALL", RANGED_ALL),
    ("REACH", REACH),
];

/// The statements that both engines prepare.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, crate::db::Sql)] =
    &[("FITTING", FITTING), ("ALL", ALL), ("OTHERS", OTHERS)];

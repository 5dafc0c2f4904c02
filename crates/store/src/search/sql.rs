//! The statements of search: which meetings, in what order, and what is shown of them.

use crate::db::{Sql, one, two};

/// What instances have to fulfil: $1 workspace, $4 from, $5 before, JSON arrays of patterns in $6 to $13, $14 one instance.
macro_rules! fits {
    ($open:literal, $close:literal) => {
        concat!(
            "i.workspace_id = $1
             AND (CAST($4 AS BIGINT) IS NULL OR i.start_at >= $4)
             AND (CAST($5 AS BIGINT) IS NULL OR i.start_at < $5)
             AND (CAST($6 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM ", $open, "$6", $close, " WHERE ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($7 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM ", $open, "$7", $close, " WHERE ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($8 AS TEXT) IS NULL OR (i.account_id, i.host_user_id) IN (SELECT u.account_id, u.external_id FROM users u, ", $open, "$8", $close, "
                    WHERE u.workspace_id = $1 AND ' ' || u.search LIKE p.value ESCAPE '\\')
                OR EXISTS (SELECT 1 FROM ", $open, "$8", $close, " WHERE ' ' || i.host_search LIKE p.value ESCAPE '\\'))
             AND (CAST($9 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM ", $open, "$9", $close, "
                WHERE ' ' || i.host_search LIKE p.value ESCAPE '\\' OR EXISTS (SELECT 1 FROM users u WHERE u.workspace_id = $1
                    AND u.account_id = i.account_id AND u.external_id = i.host_user_id AND ' ' || u.search LIKE p.value ESCAPE '\\')))
             AND (CAST($10 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM participants q, ", $open, "$10", $close, "
                WHERE q.instance_id = i.id AND LOWER(COALESCE(q.name, '') || ' ' || COALESCE(q.email, '')) LIKE p.value ESCAPE '\\'))
             AND (CAST($11 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM participants q, ", $open, "$11", $close, "
                WHERE q.instance_id = i.id AND LOWER(COALESCE(q.name, '') || ' ' || COALESCE(q.email, '')) LIKE p.value ESCAPE '\\'))
             AND (CAST($12 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM ", $open, "$12", $close, "
                WHERE i.number = p.value OR ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($13 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM ", $open, "$13", $close, "
                WHERE i.number = p.value OR ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($14 AS TEXT) IS NULL OR i.id = $14)"
        )
    };
}
macro_rules! sqlite_fits {
    () => {
        fits!("json_each(", ") AS p")
    };
}
macro_rules! postgres_fits {
    () => {
        fits!(
            "jsonb_array_elements_text(CAST(CAST(",
            " AS TEXT) AS jsonb)) AS p(value)"
        )
    };
}
macro_rules! fitting_sqlite {
    ($order:literal) => {
        concat!(
            "WITH cand AS MATERIALIZED (SELECT rowid AS n, bm25(search_index, 0.0, 1.0, 1.0) AS s FROM search_index WHERE search_index MATCH $2)
            SELECT d.n, CAST(-cand.s AS DOUBLE PRECISION) FROM cand CROSS JOIN search_docs d ON d.n = cand.n CROSS JOIN instances i ON i.id = d.instance_id WHERE ",
            sqlite_fits!(), " AND CAST($15 AS TEXT) IS NULL ORDER BY ", $order, " LIMIT $3"
        )
    };
}
/// The same where the days leave few meetings: those are found first, in the index of the list, and the others never read.
macro_rules! fitting_days {
    ($order:literal) => {
        concat!(
            "WITH fit AS MATERIALIZED (SELECT d.n, i.sort_at FROM instances i CROSS JOIN search_docs d ON d.instance_id = i.id WHERE ",
            sqlite_fits!(), " AND i.sort_at >= COALESCE($4, -9223372036854775807) AND i.sort_at < COALESCE($5, 9223372036854775807)),
            cand AS MATERIALIZED (SELECT rowid AS n, bm25(search_index, 0.0, 1.0, 1.0) AS s FROM search_index WHERE search_index MATCH $2)
            SELECT cand.n, CAST(-cand.s AS DOUBLE PRECISION) FROM cand JOIN fit ON fit.n = cand.n
            WHERE CAST($15 AS TEXT) IS NULL ORDER BY ", $order, " LIMIT $3"
        )
    };
}
/// The rarer a group of words is, the more it says; `ts_rank` says how much of it there is.
macro_rules! fitting_postgres {
    ($order:literal) => {
        concat!(
            "WITH whole AS (SELECT CAST(CAST($2 AS TEXT) AS tsquery) AS q),
            each AS (SELECT ord, CAST(value AS tsquery) AS q FROM jsonb_array_elements_text(CAST(CAST($15 AS TEXT) AS jsonb)) WITH ORDINALITY AS x(value, ord)),
            hit AS MATERIALIZED (SELECT each.ord, l.n, ts_rank(l.tsv, each.q, 1) AS s FROM each, whole, search_leaves l WHERE l.tsv @@ each.q AND l.tsv @@ whole.q),
            rare AS (SELECT ord, LN(1 + CAST((SELECT COUNT(*) FROM search_docs) AS DOUBLE PRECISION) / COUNT(*)) AS idf FROM hit GROUP BY ord),
            cand AS (SELECT hit.n, SUM(rare.idf * (1 + hit.s)) AS s FROM hit JOIN rare ON rare.ord = hit.ord GROUP BY hit.n)
            SELECT d.n, CAST(cand.s AS DOUBLE PRECISION) FROM cand JOIN search_docs d ON d.n = cand.n JOIN instances i ON i.id = d.instance_id WHERE ",
            postgres_fits!(), " ORDER BY ", $order, " LIMIT $3"
        )
    };
}
macro_rules! all_of {
    ($fits:expr) => {
        concat!(
            "SELECT d.n, CAST(0 AS DOUBLE PRECISION) FROM search_docs d JOIN instances i ON i.id = d.instance_id WHERE ",
            $fits,
            " AND CAST($2 AS TEXT) IS NULL AND CAST($15 AS TEXT) IS NULL ORDER BY i.sort_at DESC, i.id DESC LIMIT $3"
        )
    };
}
macro_rules! rows {
    ($select:literal, $column:literal) => {
        two(
            concat!($select, " WHERE ", $column, " IN (SELECT value FROM json_each($1))"),
            concat!(
                $select, " WHERE ", $column,
                " = ANY(SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS jsonb)) AS p(value))"
            ),
        )
    };
}

/// Words alone, one workspace (SQLite): $1 expression, $2 how many.
pub(super) const PLAIN: Sql = one(
    "SELECT rowid, CAST(-bm25(search_index, 0.0, 1.0, 1.0) AS DOUBLE PRECISION) AS s FROM search_index WHERE search_index MATCH $1 ORDER BY s DESC, rowid DESC LIMIT $2",
);
/// Words and restrictions, the best first: $2 expression, $3 how many, $15 the groups of words one by one (PostgreSQL).
pub(super) const BEST: Sql = two(
    fitting_sqlite!("2 DESC, d.n DESC"),
    fitting_postgres!("2 DESC, d.n DESC"),
);
/// Words and restrictions, the latest first.
pub(super) const LATEST: Sql = two(
    fitting_sqlite!("i.sort_at DESC, d.n DESC"),
    fitting_postgres!("i.sort_at DESC, d.n DESC"),
);
/// As [`BEST`], of few days (SQLite).
pub(super) const BEST_OF_DAYS: Sql = one(fitting_days!("2 DESC, cand.n DESC"));
/// As [`LATEST`], of few days (SQLite).
pub(super) const LATEST_OF_DAYS: Sql = one(fitting_days!("fit.sort_at DESC, cand.n DESC"));
/// How many meetings there were from $2 to $3, counted up to $4.
pub(super) const DAYS: Sql = one(
    "SELECT COUNT(*) FROM (SELECT 1 FROM instances i WHERE i.workspace_id = $1 AND i.sort_at >= $2 AND i.sort_at < $3 LIMIT $4) AS counted",
);
/// Restrictions alone, the latest first.
pub(super) const ALL: Sql = two(all_of!(sqlite_fits!()), all_of!(postgres_fits!()));
/// Whether there is another workspace than $1.
pub(super) const OTHERS: Sql = one(
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM workspaces WHERE id <> $1) OR NOT EXISTS (SELECT 1 FROM workspaces WHERE id = $1) THEN 1 ELSE 0 END",
);
pub(super) const LEAVES: Sql = rows!("SELECT l.n, l.body FROM search_leaves l", "l.n");
pub(super) const MEETINGS: Sql = rows!(
    "SELECT d.n, i.id, i.external_id, i.number, i.topic, i.start_at, COALESCE(i.host_email, h.email), h.name
    FROM search_docs d JOIN instances i ON i.id = d.instance_id
    LEFT JOIN users h ON h.workspace_id = i.workspace_id AND h.account_id = i.account_id AND h.external_id = i.host_user_id",
    "d.n"
);
pub(super) const SAID: Sql = rows!(
    "SELECT u.n, u.transcript_id, u.cue_from, u.cue_to, u.start_ms, u.end_ms, u.speaker, u.text FROM utterances u",
    "u.n"
);
pub(super) const WRITTEN: Sql = rows!(
    "SELECT c.n, c.at_ms, c.sender_raw, c.text FROM chat c",
    "c.n"
);
/// The statement $2 with its proof in the transcript that counts.
pub(super) const FOUND: Sql = one(
    "SELECT t.id, c.ord_from, c.ord_to, i.start_ms, COALESCE(i.owner, i.speaker), i.text FROM insights i
        JOIN citations c ON c.insight_id = i.id JOIN analyses a ON a.id = i.analysis_id
        JOIN transcripts t ON t.workspace_id = a.workspace_id AND t.sha256 = a.transcript_sha256 AND t.current = 1
    WHERE i.workspace_id = $1 AND i.id = $2 ORDER BY t.id LIMIT 1",
);
/// Words that begin with $2 and are below $3 (SQLite), or those of the latest meetings (PostgreSQL).
pub(super) const WORDS: Sql = two(
    "SELECT term FROM search_terms WHERE CAST($1 AS TEXT) IS NOT NULL AND term >= $2 AND term < $3 LIMIT 20000",
    "SELECT word FROM ts_stat('SELECT l.tsv FROM search_leaves l JOIN search_docs d ON d.n = l.n WHERE d.workspace_id = ' || quote_literal($1) || ' ORDER BY l.n DESC LIMIT 500')
    WHERE word COLLATE \"C\" >= $2 AND word COLLATE \"C\" < $3 LIMIT 20000",
);
/// Whether a word stands anywhere (PostgreSQL; SQLite asks its words).
pub(super) const USED: Sql = two(
    "SELECT 1 WHERE CAST($1 AS TEXT) = CAST($2 AS TEXT)",
    "SELECT 1 FROM search_leaves l JOIN search_docs d ON d.n = l.n WHERE d.workspace_id = $1 AND l.tsv @@ CAST(CAST($2 AS TEXT) AS tsquery) LIMIT 1",
);

/// The statements of SQLite alone.
#[cfg(test)]
pub(crate) const SQLITE_STATEMENTS: &[(&str, Sql)] = &[
    ("PLAIN", PLAIN),
    ("BEST_OF_DAYS", BEST_OF_DAYS),
    ("LATEST_OF_DAYS", LATEST_OF_DAYS),
];

/// The statements that both engines prepare.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, Sql)] = &[
    ("BEST", BEST),
    ("LATEST", LATEST),
    ("ALL", ALL),
    ("DAYS", DAYS),
    ("OTHERS", OTHERS),
    ("LEAVES", LEAVES),
    ("MEETINGS", MEETINGS),
    ("SAID", SAID),
    ("WRITTEN", WRITTEN),
    ("FOUND", FOUND),
    ("WORDS", WORDS),
    ("USED", USED),
];

//! The statements of search: which meetings, in what order, and what is shown of them.

use crate::db::{Sql, one, two};

/// People whose name or address begins so at some word: `$list` is the parameter, a JSON array of beginnings.
macro_rules! sqlite_people {
    ($list:literal) => {
        concat!("json_each(", $list, ") p CROSS JOIN search_people s WHERE s.text >= p.value AND s.text < p.value || char(1114111)")
    };
}
/// What a meeting has to fulfil on SQLite beside the word index: $1 workspace, $4 from, $5 before, who was there as few
/// meetings in $6 or as many in $7, who was not in $8, what the word index must not have in $9, $10 one instance, $11 the kinds of units
/// (`Plan::reach`), $12 the accounts as a JSON array.
macro_rules! sqlite_fits {
    () => {
        concat!(
            "d.workspace_id = $1 AND d.sort_at >= $4 AND d.sort_at < $5 AND (d.kinds & $11) <> 0
             AND ($6 IS NULL OR d.n IN (SELECT s.n FROM ", sqlite_people!("$6"), "))
             AND ($7 IS NULL OR EXISTS (SELECT 1 FROM ", sqlite_people!("$7"), " AND s.n = d.n))
             AND ($8 IS NULL OR NOT EXISTS (SELECT 1 FROM ", sqlite_people!("$8"), " AND s.n = d.n))
             AND ($9 IS NULL OR d.n NOT IN (SELECT rowid FROM search_index WHERE search_index MATCH $9))
             AND ($10 IS NULL OR d.instance_id = $10)
             AND ($12 IS NULL OR EXISTS (SELECT 1 FROM instances a WHERE a.id = d.instance_id AND a.account_id IN (SELECT value FROM json_each($12))))"
        )
    };
}
macro_rules! sqlite_fitting {
    ($score:literal, $order:literal) => {
        concat!(
            "SELECT d.n, CAST(", $score, " AS DOUBLE PRECISION), d.sort_at FROM search_index CROSS JOIN search_docs d ON d.n = search_index.rowid
            WHERE search_index MATCH $2 AND ", sqlite_fits!(), " ORDER BY ", $order, " LIMIT $3"
        )
    };
}
/// What instances have to fulfil on PostgreSQL: $1 workspace, $4 from, $5 before, JSON arrays of patterns in $6 to $9, $12
/// and $13, of beginnings of names in $10 and $11, $14 one instance, $16 the kinds of units, $17 the accounts.
macro_rules! list {
    ($list:literal) => {
        concat!(
            "jsonb_array_elements_text(CAST(CAST(",
            $list,
            " AS TEXT) AS jsonb)) AS p(value)"
        )
    };
}
macro_rules! postgres_fits {
    () => {
        concat!(
            "d.workspace_id = $1
             AND d.sort_at >= $4 AND d.sort_at < $5 AND (d.kinds & $16) <> 0
             AND (CAST($6 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM ", list!("$6"), " WHERE ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($7 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM ", list!("$7"), " WHERE ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($8 AS TEXT) IS NULL OR (i.account_id, i.host_user_id) IN (SELECT u.account_id, u.external_id FROM users u, ", list!("$8"), "
                    WHERE u.workspace_id = $1 AND ' ' || u.search LIKE p.value ESCAPE '\\')
                OR EXISTS (SELECT 1 FROM ", list!("$8"), " WHERE ' ' || i.host_search LIKE p.value ESCAPE '\\'))
             AND (CAST($9 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM ", list!("$9"), "
                WHERE ' ' || i.host_search LIKE p.value ESCAPE '\\' OR EXISTS (SELECT 1 FROM users u WHERE u.workspace_id = $1
                    AND u.account_id = i.account_id AND u.external_id = i.host_user_id AND ' ' || u.search LIKE p.value ESCAPE '\\')))
             AND (CAST($10 AS TEXT) IS NULL OR d.n IN (SELECT s.n FROM ", list!("$10"), ", search_people s WHERE s.text >= p.value AND s.text < p.value || CHR(1114111)))
             AND (CAST($11 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM ", list!("$11"), ", search_people s
                WHERE s.n = d.n AND s.text >= p.value AND s.text < p.value || CHR(1114111)))
             AND (CAST($12 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM ", list!("$12"), "
                WHERE i.number = p.value OR ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($13 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM ", list!("$13"), "
                WHERE i.number = p.value OR ' ' || i.topic_search LIKE p.value ESCAPE '\\'))
             AND (CAST($14 AS TEXT) IS NULL OR i.id = $14)
             AND (CAST($17 AS TEXT) IS NULL OR i.account_id IN (SELECT p.value FROM ", list!("$17"), "))"
        )
    };
}
/// The rarer a group of words is, the more it says; `ts_rank` says how much of it there is.
macro_rules! postgres_fitting {
    ($order:literal) => {
        concat!(
            "WITH whole AS (SELECT CAST(CAST($2 AS TEXT) AS tsquery) AS q),
            each AS (SELECT ord, CAST(value AS tsquery) AS q FROM jsonb_array_elements_text(CAST(CAST($15 AS TEXT) AS jsonb)) WITH ORDINALITY AS x(value, ord)),
            hit AS MATERIALIZED (SELECT each.ord, l.n, ts_rank(l.tsv, each.q, 1) AS s FROM each, whole, search_leaves l WHERE l.tsv @@ each.q AND l.tsv @@ whole.q),
            rare AS (SELECT ord, LN(1 + CAST((SELECT COUNT(*) FROM search_docs) AS DOUBLE PRECISION) / COUNT(*)) AS idf FROM hit GROUP BY ord),
            cand AS (SELECT hit.n, SUM(rare.idf * (1 + hit.s)) AS s FROM hit JOIN rare ON rare.ord = hit.ord GROUP BY hit.n)
            SELECT d.n, CAST(cand.s AS DOUBLE PRECISION), d.sort_at FROM cand JOIN search_docs d ON d.n = cand.n JOIN instances i ON i.id = d.instance_id WHERE ",
            postgres_fits!(), " ORDER BY ", $order, " LIMIT $3"
        )
    };
}
/// Groups of meetings: what is shown of one is taken from the meeting that came last.
macro_rules! counted {
    ($list:literal) => {
        concat!(
            "WITH hit AS MATERIALIZED (SELECT d.n, d.number, d.host_user_id, d.host_email FROM ", $list, " AS p CROSS JOIN search_docs d WHERE d.n = p.value),
            series AS (SELECT number, COUNT(*) AS held, MAX(n) AS n FROM hit WHERE number IS NOT NULL GROUP BY number ORDER BY 2 DESC, 1 LIMIT $2),
            hosts AS (SELECT host_user_id, host_email, COUNT(*) AS held, MAX(n) AS n FROM hit GROUP BY host_user_id, host_email ORDER BY 3 DESC, 4 LIMIT $2)
            SELECT 'series', g.number, i.topic, g.held FROM series g JOIN search_docs d ON d.n = g.n JOIN instances i ON i.id = d.instance_id
            UNION ALL SELECT 'host', COALESCE(g.host_email, h.email), h.name, g.held FROM hosts g JOIN search_docs d ON d.n = g.n JOIN instances i ON i.id = d.instance_id
                LEFT JOIN users h ON h.workspace_id = i.workspace_id AND h.account_id = i.account_id AND h.external_id = i.host_user_id"
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
    "SELECT rowid, CAST(-bm25(search_index, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0) AS DOUBLE PRECISION) AS s, 0 FROM search_index WHERE search_index MATCH $1
    ORDER BY s DESC, rowid DESC LIMIT $2",
);
/// Words and restrictions, the best first: $2 expression, $3 how many, $15 the groups of words one by one (PostgreSQL).
pub(super) const BEST: Sql = two(
    sqlite_fitting!(
        "-bm25(search_index, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0)",
        "2 DESC, d.n DESC"
    ),
    postgres_fitting!("2 DESC, d.n DESC"),
);
/// Words and restrictions, the latest first.
pub(super) const LATEST: Sql = two(
    sqlite_fitting!("0", "d.sort_at DESC, d.n DESC"),
    postgres_fitting!("d.sort_at DESC, d.n DESC"),
);
/// Restrictions alone, the latest first.
pub(super) const ALL: Sql = two(
    concat!(
        "SELECT d.n, 0.0, d.sort_at FROM search_docs d WHERE $2 IS NULL AND ",
        sqlite_fits!(),
        " ORDER BY d.sort_at DESC, d.n DESC LIMIT $3"
    ),
    concat!(
        "SELECT d.n, CAST(0 AS DOUBLE PRECISION), d.sort_at FROM search_docs d JOIN instances i ON i.id = d.instance_id WHERE ",
        postgres_fits!(),
        " AND CAST($2 AS TEXT) IS NULL AND CAST($15 AS TEXT) IS NULL ORDER BY d.sort_at DESC, d.n DESC LIMIT $3"
    ),
);
/// The same, from the few meetings where somebody was (SQLite).
pub(super) const OF_PEOPLE: Sql = one(concat!(
    "SELECT d.n, 0.0, d.sort_at FROM (SELECT DISTINCT s.n FROM ",
    sqlite_people!("$6"),
    ") AS w CROSS JOIN search_docs d ON d.n = w.n WHERE $2 IS NULL AND ",
    sqlite_fits!(),
    " ORDER BY d.sort_at DESC, d.n DESC LIMIT $3"
));
/// At how many words of people's names and addresses one of $1 begins, counted up to $2 (SQLite).
pub(super) const PEOPLE: Sql = one(concat!(
    "SELECT COUNT(*) FROM (SELECT 1 FROM ",
    sqlite_people!("$1"),
    " LIMIT $2)"
));
/// The provider's ids of users with such names or addresses, $3 at most (SQLite).
pub(super) const USERS: Sql = one(
    "SELECT u.external_id FROM users u WHERE u.workspace_id = $1
        AND EXISTS (SELECT 1 FROM json_each($2) p WHERE ' ' || u.search LIKE p.value ESCAPE '\\') LIMIT $3",
);
/// Whether there is another workspace than $1.
pub(super) const OTHERS: Sql = one(
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM workspaces WHERE id <> $1) OR NOT EXISTS (SELECT 1 FROM workspaces WHERE id = $1) THEN 1 ELSE 0 END",
);
pub(super) const LEAVES: Sql = rows!("SELECT l.n, l.body FROM search_leaves l", "l.n");
/// How many of some meetings have each number (`series`) and each host: kind, value, label, meetings.
pub(super) const COUNTED: Sql = two(
    counted!("json_each($1)"),
    counted!(
        "(SELECT CAST(value AS BIGINT) AS value FROM jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS jsonb)))"
    ),
);
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
    "SELECT DISTINCT term FROM search_terms WHERE CAST($1 AS TEXT) IS NOT NULL AND term >= $2 AND term < $3 AND col IN ('words', 'stems', 'speaker') LIMIT 20000",
    "SELECT word FROM ts_stat('SELECT l.tsv FROM search_leaves l JOIN search_docs d ON d.n = l.n WHERE d.workspace_id = ' || quote_literal($1) || ' ORDER BY l.n DESC LIMIT 500')
    WHERE word COLLATE \"C\" >= $2 AND word COLLATE \"C\" < $3 LIMIT 20000",
);
/// Whether something stands in any meeting (SQLite).
pub(super) const STANDS: Sql =
    one("SELECT rowid FROM search_index WHERE search_index MATCH $1 LIMIT 1");
/// Whether a word stands anywhere (PostgreSQL).
pub(super) const USED: Sql = two(
    "SELECT 1 WHERE CAST($1 AS TEXT) = CAST($2 AS TEXT)",
    "SELECT 1 FROM search_leaves l JOIN search_docs d ON d.n = l.n WHERE d.workspace_id = $1 AND l.tsv @@ CAST(CAST($2 AS TEXT) AS tsquery) LIMIT 1",
);

/// The statements of SQLite alone.
#[cfg(test)]
pub(crate) const SQLITE_STATEMENTS: &[(&str, Sql)] = &[
    ("PLAIN", PLAIN),
    ("OF_PEOPLE", OF_PEOPLE),
    ("PEOPLE", PEOPLE),
    ("USERS", USERS),
    ("STANDS", STANDS),
];

/// The statements that both engines prepare.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, Sql)] = &[
    ("BEST", BEST),
    ("LATEST", LATEST),
    ("ALL", ALL),
    ("OTHERS", OTHERS),
    ("LEAVES", LEAVES),
    ("COUNTED", COUNTED),
    ("MEETINGS", MEETINGS),
    ("SAID", SAID),
    ("WRITTEN", WRITTEN),
    ("FOUND", FOUND),
    ("WORDS", WORDS),
    ("USED", USED),
];

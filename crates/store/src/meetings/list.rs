//! The list of instances.

use jiff::Timestamp;

use super::instances::{instance_columns, stamped};
use crate::db::{args, one, statements};
use crate::error::Result;
use crate::model::{InstanceFilter, InstanceSummary, Page, PageRequest};
use crate::page::{Key, search_pattern};
use crate::store::{Scope, Store};

// The rows of a page are chosen first, from what an index holds, and read in whole then. `sort_at` is the start where that
// is known, so that days restrict the part of the index that is looked through.
macro_rules! listed {
    ($number:literal, $sort_at:literal, $transcript:expr) => {
        concat!("WITH page AS MATERIALIZED (SELECT i.id, i.sort_at FROM instances i WHERE i.workspace_id = $1
        AND (CAST($2 AS TEXT) IS NULL OR i.account_id = $2)
        AND (CAST($3 AS TEXT) IS NULL OR i.meeting_id = $3)
        AND ", $number, "
        AND (CAST($5 AS TEXT) IS NULL OR ' ' || i.host_search LIKE $5 ESCAPE '\\'
            OR (i.account_id, i.host_user_id) IN (SELECT u.account_id, u.external_id FROM users u WHERE u.workspace_id = $1 AND ' ' || u.search LIKE $5 ESCAPE '\\'))
        AND (CAST($6 AS TEXT) IS NULL OR ' ' || i.topic_search LIKE $6 ESCAPE '\\')
        AND (CAST($7 AS BIGINT) IS NULL OR i.start_at >= $7)
        AND (CAST($8 AS BIGINT) IS NULL OR i.start_at < $8)
        AND (CAST($9 AS TEXT) IS NULL OR i.state = $9)
        AND ", $transcript, "
        AND (CAST($11 AS BIGINT) IS NULL OR $11 = CASE WHEN EXISTS (SELECT 1 FROM recordings r WHERE r.instance_id = i.id AND r.deleted_at IS NULL) THEN 1 ELSE 0 END)
        AND i.deleted_at IS NULL
        AND ", $sort_at, " BETWEEN $15 AND $16
        AND (", $sort_at, " < $12 OR (", $sort_at, " = $12 AND i.id < $13))
        ORDER BY i.sort_at DESC, i.id DESC LIMIT $14)
        SELECT ", instance_columns!("''"), ",
            (SELECT COUNT(*) FROM participants p WHERE p.instance_id = i.id),
            (SELECT COUNT(*) FROM files f WHERE f.instance_id = i.id AND f.deleted_at IS NULL),
            (SELECT CAST(COALESCE(SUM(t.cue_count), 0) AS BIGINT) FROM transcripts t WHERE t.instance_id = i.id AND t.current = 1),
            (SELECT COUNT(*) FROM chat c WHERE c.instance_id = i.id),
            i.sort_at
        FROM page JOIN instances i ON i.id = page.id
            LEFT JOIN users h ON h.workspace_id = i.workspace_id AND h.account_id = i.account_id AND h.external_id = i.host_user_id
        ORDER BY page.sort_at DESC, page.id DESC")
    };
}

// Asked of each row that is looked at: a page is full after a few.
macro_rules! transcript {
    () => {
        "(CAST($10 AS BIGINT) IS NULL OR $10 = CASE WHEN EXISTS (SELECT 1 FROM transcripts t WHERE t.instance_id = i.id AND t.current = 1) THEN 1 ELSE 0 END)"
    };
}

statements! {
    INSTANCES = one(listed!("CAST($4 AS TEXT) IS NULL", "i.sort_at", transcript!()));
    // With the number given, its index finds the few that have it; the sum keeps SQLite from preferring the order of time.
    OF_NUMBER = one(listed!("i.number = $4", "i.sort_at + 0", transcript!()));
    // Those that have a transcript and no recording are so few that all rows are looked at: against one list, made once.
    UNRECORDED = one(listed!("CAST($4 AS TEXT) IS NULL", "i.sort_at",
        "CAST($10 AS BIGINT) = 1 AND i.id IN (SELECT t.instance_id FROM transcripts t WHERE t.current = 1)"));
}

impl Store {
    /// Instances, the latest first (by start; by first sight where the start is not known).
    pub async fn instances(
        &self,
        scope: Scope,
        filter: &InstanceFilter,
        page: &PageRequest,
    ) -> Result<Page<InstanceSummary>> {
        let limit = page.bounded();
        let (at, id) = Key::two(page)?.unwrap_or((i64::MAX, String::new()));
        let earliest = filter.from.map_or(i64::MIN, Timestamp::as_microsecond);
        // Nothing begins after the row before the page, nor in or after the instant before which it has to begin.
        let latest = filter
            .before
            .map_or(i64::MAX, |before| before.as_microsecond().saturating_sub(1))
            .min(at);
        let sql = match (filter.number.is_some(), filter.has_transcript) {
            (true, _) => OF_NUMBER,
            (false, Some(true)) if filter.has_recording == Some(false) => UNRECORDED,
            (false, _) => INSTANCES,
        };
        let mut rows = self
            .all(
                sql,
                args![
                    scope.workspace,
                    filter.account,
                    filter.meeting,
                    filter.number.clone(),
                    filter.host.as_deref().map(search_pattern),
                    filter.topic.as_deref().map(search_pattern),
                    filter.from,
                    filter.before,
                    filter.state,
                    filter.has_transcript,
                    filter.has_recording,
                    at,
                    id,
                    limit + 1,
                    earliest,
                    latest
                ],
                |row| {
                    let summary = InstanceSummary {
                        instance: stamped(row)?.instance,
                        participants: row.count()?,
                        files: row.count()?,
                        cues: row.count()?,
                        chat_messages: row.count()?,
                    };
                    Ok((row.int()?, summary))
                },
            )
            .await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|(at, summary)| format!("{at}~{}", summary.instance.id));
        Ok(Page {
            items: rows.into_iter().map(|(_, summary)| summary).collect(),
            next,
        })
    }
}

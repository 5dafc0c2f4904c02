//! Full-text search over what was said and written.
//!
//! The query arrives as a tree ([`parfocal_formats::query`]), never as text: what goes to the engine is
//! built from tokens of letters and digits. Ranking is BM25 on SQLite and `ts_rank_cd` on PostgreSQL,
//! newer rows first among equals. A query that fits more than [`CANDIDATES`] rows ranks the newest of
//! them: words that stand in thousands of utterances say little about which of them is meant, and the
//! answer stays fast however much there is. Filters that leave few meetings are applied first.

mod expression;
mod sql;

#[cfg(test)]
pub(crate) use sql::{SQLITE_STATEMENTS, STATEMENTS};

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parfocal_formats::query::Query;
use parfocal_formats::text;
use serde::Serialize;

use crate::db::{Args, Cells, Engine, Sql, args};
use crate::error::{ErrorKind, Result, StoreError};
use crate::id::{InstanceId, TranscriptId};
use crate::store::{Scope, Store};

/// How many fitting rows are ranked at most.
pub const CANDIDATES: u32 = 1_000;

/// Up to how many instances it is worth finding out where their rows lie (SQLite).
const FEW: u64 = 400;
/// Up to how many rows are collected before words are looked up (SQLite).
const FEW_ROWS: u64 = 30_000;

/// Longest snippet in characters.
const SNIPPET_CHARS: usize = 240;

/// One piece of search results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchPage {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// Where the next piece begins; none at the end.
    pub next: Option<String>,
}

/// Something that was said or written and fits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// Said or written.
    pub kind: HitKind,
    /// The instance.
    pub instance_id: InstanceId,
    /// The provider's id of it.
    pub instance_external_id: String,
    /// The meeting number.
    pub number: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// Its host's address.
    pub host_email: Option<String>,
    /// Its host's name.
    pub host_name: Option<String>,
    /// The transcript, for what was said.
    pub transcript_id: Option<TranscriptId>,
    /// The first and the last cue, for what was said.
    pub cues: Option<(u32, u32)>,
    /// Milliseconds from the start of the recording.
    pub start_ms: u32,
    /// Milliseconds from the start of the recording.
    pub end_ms: u32,
    /// Who said or wrote it.
    pub speaker: Option<String>,
    /// The text around what fits, as it was said.
    pub snippet: String,
    /// What to mark in the snippet, in bytes.
    pub marks: Vec<Range<usize>>,
    /// Higher is better; comparable within one search only.
    pub score: f64,
}

/// Where a hit was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// In a transcript.
    Said,
    /// In the chat.
    Written,
}

/// The place after which the next piece begins: rank and row.
struct After {
    rank: f64,
    row: i64,
}

impl After {
    fn read(key: &str) -> Result<Self> {
        key.split_once('~')
            .and_then(|(bits, row)| {
                let rank = f64::from_bits(u64::from_str_radix(bits, 16).ok()?);
                Some(Self {
                    rank,
                    row: row.parse().ok()?,
                })
            })
            .filter(|after| after.rank.is_finite())
            .ok_or_else(|| {
                StoreError::new(ErrorKind::Invalid, "this is not a page key of a search")
            })
    }

    fn write(rank: f64, row: i64) -> String {
        format!("{:x}~{row}", rank.to_bits())
    }
}

/// The rows of the index that restrictions leave.
struct Reach {
    instances: u64,
    rows: u64,
    first: i64,
    last: i64,
}

impl Reach {
    /// Whether most rows between the first and the last belong to others, and the rows are few enough to be collected.
    fn is_scattered(&self) -> bool {
        let span = u64::try_from(self.last - self.first).unwrap_or(0) / 2;
        self.rows <= FEW_ROWS && span > self.rows.saturating_mul(3)
    }
}

fn reach(row: &mut Cells) -> Result<Reach> {
    Ok(Reach {
        instances: row.count()?,
        rows: row.count()?,
        first: row.int()?,
        last: row.int()?,
    })
}

struct Found {
    row: i64,
    rank: f64,
    hit: Hit,
    text: String,
}

impl Store {
    /// Searches what was said and written.
    ///
    /// Days in the query (`from:`, `before:`) are days in `zone`.
    ///
    /// # Errors
    /// `Invalid` for a page key of something else.
    pub async fn search(
        &self,
        scope: Scope,
        query: &Query,
        zone: &TimeZone,
        limit: u32,
        after: Option<&str>,
    ) -> Result<SearchPage> {
        let limit = limit.clamp(1, 200) as usize;
        let after = after.map(After::read).transpose()?;
        let Some((sql, mut args)) = self.statement(scope, query, zone).await? else {
            return Ok(SearchPage {
                hits: Vec::new(),
                next: None,
            });
        };
        args.extend([
            after.as_ref().map(|after| after.rank).into(),
            after.as_ref().map(|after| after.row).into(),
            (limit + 1).into(),
        ]);
        let mut found = self.all(sql, args, found).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found
            .last()
            .filter(|_| more)
            .map(|last| After::write(last.rank, last.row));
        let terms = query.positive_terms();
        let hits = found
            .into_iter()
            .map(|found| {
                let snippet = text::snippet(&found.text, &terms, SNIPPET_CHARS);
                Hit {
                    snippet: snippet.text,
                    marks: snippet.ranges,
                    ..found.hit
                }
            })
            .collect();
        Ok(SearchPage { hits, next })
    }

    /// Chooses the statement; its first parameters are those of the query. None when no instance fits.
    async fn statement(
        &self,
        scope: Scope,
        query: &Query,
        zone: &TimeZone,
    ) -> Result<Option<(Sql, Args)>> {
        let engine = self.engine();
        let words = match engine {
            Engine::Sqlite => expression::fts5(query),
            Engine::Postgres => expression::tsquery(query),
        };
        let filters = expression::Instances::of(query, zone);
        if engine == Engine::Sqlite
            && filters.is_empty()
            && let Some(fits) = &words.fits
            && self.is_alone(scope).await?
        {
            return Ok(Some((sql::PLAIN, args![fits, CANDIDATES])));
        }
        let has_words = words.fits.is_some();
        let words = words.fits.or(words.excluded);
        let args = |words: Option<String>, limit: u64| {
            args![
                scope.workspace,
                words,
                limit,
                filters.from,
                filters.before,
                filters.topic.clone(),
                filters.not_topic.clone(),
                filters.host.clone(),
                filters.not_host.clone()
            ]
        };
        if engine == Engine::Sqlite && !filters.is_empty() {
            let reach = self.exactly(sql::REACH, args(None, FEW + 1), reach).await?;
            if reach.rows == 0 {
                return Ok(None);
            }
            if reach.instances <= FEW {
                let sql = match (has_words, reach.is_scattered()) {
                    (true, true) => sql::NARROW,
                    (true, false) => sql::RANGED,
                    (false, true) => sql::NARROW_ALL,
                    (false, false) => sql::RANGED_ALL,
                };
                let mut args = args(words, u64::from(CANDIDATES));
                args.extend([reach.first.into(), reach.last.into()]);
                return Ok(Some((sql, args)));
            }
        }
        let sql = if has_words { sql::FITTING } else { sql::ALL };
        Ok(Some((sql, args(words, u64::from(CANDIDATES)))))
    }

    /// Whether a scope is the only one, so that nothing has to be kept apart.
    async fn is_alone(&self, scope: Scope) -> Result<bool> {
        self.exactly(sql::OTHERS, args![scope.workspace], |row| Ok(!row.flag()?))
            .await
    }
}

fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn found(row: &mut Cells) -> Result<Found> {
    let at = row.int()?;
    let rank = row.real()?;
    let transcript_id = row.opt_id()?;
    let cues = match (row.opt_int()?, row.opt_int()?) {
        (Some(from), Some(to)) => Some((small(from), small(to))),
        _ => None,
    };
    let start_ms = small(row.int()?);
    let end_ms = small(row.int()?);
    let speaker = row.opt_text()?;
    let text = row.text()?;
    let hit = Hit {
        kind: if at % 2 == 0 {
            HitKind::Said
        } else {
            HitKind::Written
        },
        transcript_id,
        cues,
        start_ms,
        end_ms,
        speaker,
        instance_id: row.id()?,
        instance_external_id: row.text()?,
        number: row.opt_text()?,
        topic: row.opt_text()?,
        started_at: row.opt_instant()?,
        host_email: row.opt_text()?,
        host_name: row.opt_text()?,
        snippet: String::new(),
        marks: Vec::new(),
        score: -rank,
    };
    Ok(Found {
        row: at,
        rank,
        hit,
        text,
    })
}

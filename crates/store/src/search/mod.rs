//! Full-text search over titles, what was said and written, and what was found in it.
//!
//! A query arrives as a tree ([`parfocal_formats::query`]), never as text: what goes to the engine is built from tokens
//! of letters and digits. It is answered in two steps. The database's word index knows whole meetings, one row each, and
//! gives those that may fit, all of them, ranked by BM25 (PostgreSQL: rarity times `ts_rank`). Then the meetings are read
//! from the top, a few at a time, and their units (titles, utterances, messages, insights) are weighed by their own words
//! and those around them (`rank`). So every meeting has its rank in the whole result, however much there is, and only as
//! many are read as the page has room for. Both steps are the same on both engines but for the first one's weights.

mod about;
mod build;
mod expression;
mod facets;
mod fuzzy;
mod leaf;
mod near;
mod rank;
mod related;
mod sql;
mod view;

pub(crate) use about::People;
#[cfg(test)]
pub(crate) use about::STATEMENTS as ABOUT_STATEMENTS;
#[cfg(test)]
pub(crate) use build::STATEMENTS as BUILD_STATEMENTS;
#[cfg(test)]
pub(crate) use near::STATEMENTS as NEAR_STATEMENTS;
#[cfg(test)]
pub(crate) use sql::{SQLITE_STATEMENTS, STATEMENTS};

pub use facets::{Count, Facets};
pub use near::{ByMeaning, MOST_PASSAGES, Near, NewPassage, Spoken};
pub use view::{Hit, HitKind};

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parfocal_formats::query::Query;
use serde::Serialize;

use crate::db::{Args, Cells, Engine, args};
use crate::error::{ErrorKind, Result, StoreError};
use crate::id::{AccountId, InstanceId};
use crate::store::{Scope, Store};
use leaf::{Leaf, Row};
use rank::{Fit, Fitting, Plan};

/// Most meetings that a search goes through; those behind them in rank are not found.
pub const MOST_MEETINGS: u32 = 20_000;
/// Meetings whose units are weighed against each other: within them a better unit beats a better meeting.
const BLOCK: usize = 32;
/// How many times as many meetings are asked for when the first were not enough.
const FURTHER: usize = 8;
/// Meetings read for one page: one that has something then goes on with the next page, full or not.
const ENOUGH_READ: usize = 256;
/// The same for a page that has nothing yet.
const MOST_READ: usize = 1_024;

/// What is searched, and what of it is wanted.
#[derive(Debug, Clone)]
pub struct SearchRequest<'q> {
    /// Words and filters.
    pub query: &'q Query,
    /// Zone of the days in the query.
    pub zone: &'q TimeZone,
    /// How many hits, 1 to 200.
    pub limit: u32,
    /// The `next` of the page before.
    pub after: Option<&'q str>,
    /// In what order.
    pub sort: Sort,
    /// Which words have to occur.
    pub words: Words,
    /// Hits of one meeting at most.
    pub per_meeting: Option<u32>,
    /// Whether counts are wanted.
    pub facets: bool,
    /// In this meeting only.
    pub instance: Option<InstanceId>,
    /// In meetings of these accounts only; none: of all.
    pub accounts: Option<&'q [AccountId]>,
}

impl<'q> SearchRequest<'q> {
    /// Everything that fits, the best first.
    pub fn new(query: &'q Query, zone: &'q TimeZone, limit: u32) -> Self {
        Self {
            query,
            zone,
            limit,
            after: None,
            sort: Sort::Relevance,
            words: Words::All,
            per_meeting: None,
            facets: false,
            instance: None,
            accounts: None,
        }
    }

    /// The accounts as a JSON array.
    fn of_accounts(&self) -> Option<String> {
        let ids: serde_json::Value = self.accounts?.iter().map(ToString::to_string).collect();
        Some(ids.to_string())
    }
}

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The best first.
    #[default]
    Relevance,
    /// The latest meetings first; within one, as it went.
    Date,
}

/// Which words have to occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Words {
    /// All of them, in one unit or its title.
    #[default]
    All,
    /// Some of them; the more and the rarer, the better. What was said beside them, and words that go with them in the same
    /// meeting, count too: a question is seldom answered in its own words.
    Any,
    /// All of them; some of them where that finds nothing.
    AllOrAny,
}

/// One piece of search results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchPage {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// Where the next piece begins; none at the end.
    pub next: Option<String>,
    /// Not all words were found together: these have some of them.
    pub relaxed: bool,
    /// Words nobody used, with those that were searched in their place.
    pub instead: Vec<(String, Vec<String>)>,
    /// Counts, where they were asked for.
    pub facets: Option<Facets>,
    /// What searching by meaning gave, where that is in use; the store itself searches words alone.
    pub by_meaning: Option<ByMeaning>,
}

/// The place after which the next piece begins: meetings passed, and hits of the next ones.
#[derive(Clone, Copy, Default)]
struct After {
    relaxed: bool,
    meetings: usize,
    hits: usize,
}

impl After {
    fn read(key: &str) -> Result<Self> {
        let read = || {
            let mut parts = key.split('.');
            let relaxed = match parts.next()? {
                "a" => false,
                "r" => true,
                _ => return None,
            };
            let mut number = || parts.next()?.parse().ok();
            let after = Self {
                relaxed,
                meetings: number()?,
                hits: number()?,
            };
            parts.next().is_none().then_some(after)
        };
        read().ok_or_else(|| {
            StoreError::new(ErrorKind::Invalid, "this is not a page key of a search")
        })
    }

    fn write(self) -> String {
        let mode = if self.relaxed { 'r' } else { 'a' };
        format!("{mode}.{}.{}", self.meetings, self.hits)
    }
}

/// A meeting that may fit.
#[derive(Clone, Copy)]
struct Doc {
    n: i64,
    /// When it began; none where only words were asked for.
    at: Option<Timestamp>,
}

impl Doc {
    fn of(row: &mut Cells) -> Result<Self> {
        let (n, _score, at) = (row.int()?, row.real()?, row.int()?);
        let at = (at != 0).then(|| Timestamp::from_microsecond(at).ok());
        Ok(Self {
            n,
            at: at.flatten(),
        })
    }
}

/// The best meetings, as far as they were asked for.
#[derive(Default)]
struct Docs {
    list: Vec<Doc>,
    /// How many were asked for; when there are fewer, these are all.
    asked: usize,
}

/// A unit that fits, before it is shown.
struct Found {
    doc: i64,
    place: usize,
    fit: Fit,
    kind: HitKind,
    row: Row,
    more: u32,
}

impl Store {
    /// Searches what was said and written; all words have to occur.
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
        let request = SearchRequest {
            after,
            ..SearchRequest::new(query, zone, limit)
        };
        self.search_for(scope, &request).await
    }

    /// Searches as asked.
    ///
    /// # Errors
    /// `Invalid` for a page key of something else.
    pub async fn search_for(
        &self,
        scope: Scope,
        request: &SearchRequest<'_>,
    ) -> Result<SearchPage> {
        let after = request.after.map(After::read).transpose()?;
        let relaxed = after.is_some_and(|after| after.relaxed) || request.words == Words::Any;
        let from = after.unwrap_or_default();
        let page = self.piece(scope, request, from, relaxed).await?;
        let may_relax = request.words == Words::AllOrAny && after.is_none();
        if may_relax && page.hits.is_empty() && page.next.is_none() {
            let mut other = self.piece(scope, request, from, true).await?;
            other.relaxed = !other.hits.is_empty();
            return Ok(other);
        }
        Ok(page)
    }

    async fn piece(
        &self,
        scope: Scope,
        request: &SearchRequest<'_>,
        from: After,
        relaxed: bool,
    ) -> Result<SearchPage> {
        let limit = request.limit.clamp(1, 200) as usize;
        let mut plan = Plan::of(request.query, !relaxed, request.words == Words::Any);
        // Which words others used is told to whoever may see their meetings.
        let instead = match request.accounts {
            Some(_) => Vec::new(),
            None => self.look_for_others(scope, &mut plan).await?,
        };
        // Mostly the first meetings fill a page; counts are over all of them.
        let mut docs = Docs::default();
        let first = if request.facets {
            MOST_MEETINGS as usize
        } else {
            from.meetings + 2 * BLOCK
        };
        self.read_on(scope, request, &plan, &mut docs, first)
            .await?;
        let mut found: Vec<Found> = Vec::new();
        let mut next = None;
        let mut at = from.meetings;
        let mut skip = from.hits;
        while at < docs.list.len() {
            let enough = if found.is_empty() {
                MOST_READ
            } else {
                ENOUGH_READ
            };
            if at - from.meetings >= enough {
                next = Some((at, 0));
                break;
            }
            let end = (at + BLOCK).min(docs.list.len());
            let block = self.block(request, &plan, &docs.list[at..end]).await?;
            let room = limit - found.len();
            let left = block.len().saturating_sub(skip);
            found.extend(block.into_iter().skip(skip).take(room));
            if left > room {
                next = Some((at, skip + room));
                break;
            }
            (at, skip) = (end, 0);
            if at == docs.list.len() {
                self.read_on(scope, request, &plan, &mut docs, at * FURTHER)
                    .await?;
            }
            if found.len() == limit {
                next = (at < docs.list.len()).then_some((at, 0));
                break;
            }
        }
        let facets = if request.facets {
            Some(self.facets(request, &plan, &docs.list).await?)
        } else {
            None
        };
        Ok(SearchPage {
            hits: self.shown(scope, request.query, &plan, found).await?,
            next: next.map(|(meetings, hits)| {
                After {
                    relaxed,
                    meetings,
                    hits,
                }
                .write()
            }),
            relaxed: relaxed && request.words != Words::Any,
            instead,
            facets,
            by_meaning: None,
        })
    }

    /// Makes sure that so many meetings are known, as far as there are so many.
    async fn read_on(
        &self,
        scope: Scope,
        request: &SearchRequest<'_>,
        plan: &Plan,
        docs: &mut Docs,
        most: usize,
    ) -> Result<()> {
        let most = most.min(MOST_MEETINGS as usize);
        if docs.list.len() < docs.asked || docs.asked >= most {
            return Ok(());
        }
        docs.asked = most;
        docs.list = self.docs(scope, request, plan, most).await?;
        Ok(())
    }

    /// The first meetings that may fit, in order.
    async fn docs(
        &self,
        scope: Scope,
        request: &SearchRequest<'_>,
        plan: &Plan,
        most: usize,
    ) -> Result<Vec<Doc>> {
        let most = u32::try_from(most).unwrap_or(MOST_MEETINGS);
        match self.engine() {
            Engine::Sqlite => self.docs_of_sqlite(scope, request, plan, most).await,
            Engine::Postgres => self.docs_of_postgres(scope, request, plan, most).await,
        }
    }

    async fn docs_of_sqlite(
        &self,
        scope: Scope,
        request: &SearchRequest<'_>,
        plan: &Plan,
        most: u32,
    ) -> Result<Vec<Doc>> {
        let words = expression::fts5(plan);
        let ranked = words.is_some() && request.sort == Sort::Relevance;
        let bare = expression::Instances::of(request.query, request.zone).is_empty()
            && request.instance.is_none()
            && plan.reach() == rank::EVERY_KIND
            && request.accounts.is_none()
            && !request.facets;
        if let Some(words) = words.as_ref().filter(|_| ranked && bare)
            && self.is_alone(scope).await?
        {
            return self.all(sql::PLAIN, args![words, most], Doc::of).await;
        }
        let about = self.expressions(scope, request).await?;
        let there = self.there(request).await?;
        let (from, before) = expression::Instances::of(request.query, request.zone).days();
        let parts: Vec<String> = words.into_iter().chain(about.with).collect();
        let expression = (!parts.is_empty()).then(|| parts.join(" AND "));
        let sql = match &expression {
            Some(_) if ranked => sql::BEST,
            Some(_) => sql::LATEST,
            None if there.few.is_some() => sql::OF_PEOPLE,
            None => sql::ALL,
        };
        let args = args![
            scope.workspace,
            expression,
            most,
            from,
            before,
            there.few,
            there.many,
            there.not,
            about.without,
            request.instance,
            plan.reach(),
            request.of_accounts()
        ];
        self.all(sql, args, Doc::of).await
    }

    async fn docs_of_postgres(
        &self,
        scope: Scope,
        request: &SearchRequest<'_>,
        plan: &Plan,
        most: u32,
    ) -> Result<Vec<Doc>> {
        let filters = expression::Instances::of(request.query, request.zone);
        let (from, before) = filters.days();
        let (words, each) = expression::tsquery(plan).unzip();
        let sql = match (&words, request.sort) {
            (None, _) => sql::ALL,
            (Some(_), Sort::Relevance) => sql::BEST,
            (Some(_), Sort::Date) => sql::LATEST,
        };
        let args: Args = args![
            scope.workspace,
            words,
            most,
            from,
            before,
            filters.topic,
            filters.not_topic,
            filters.host,
            filters.not_host,
            filters.participant,
            filters.not_participant,
            filters.series,
            filters.not_series,
            request.instance,
            each,
            plan.reach(),
            request.of_accounts()
        ];
        self.all(sql, args, Doc::of).await
    }

    /// Whether a scope is the only one, so that nothing has to be kept apart.
    async fn is_alone(&self, scope: Scope) -> Result<bool> {
        self.exactly(sql::OTHERS, args![scope.workspace], |row| Ok(!row.flag()?))
            .await
    }

    /// The indexes of some meetings.
    async fn leaves(&self, docs: &[Doc]) -> Result<HashMap<i64, Vec<u8>>> {
        let list: Vec<i64> = docs.iter().map(|doc| doc.n).collect();
        let list = serde_json::Value::from(list).to_string();
        let leaves = self
            .all(sql::LEAVES, args![list], |row| {
                Ok((row.int()?, row.bytes()?))
            })
            .await?;
        Ok(leaves.into_iter().collect())
    }

    /// The hits of some meetings, in order.
    async fn block(
        &self,
        request: &SearchRequest<'_>,
        plan: &Plan,
        docs: &[Doc],
    ) -> Result<Vec<Found>> {
        let leaves = self.leaves(docs).await?;
        let read: Vec<(usize, Doc, Leaf<'_>)> = docs
            .iter()
            .enumerate()
            .filter_map(|(place, doc)| Some((place, *doc, Leaf::read(leaves.get(&doc.n)?)?)))
            .collect();
        let fitting: Vec<Fitting> = read
            .iter()
            .map(|(_, _, leaf)| rank::fitting(leaf, plan))
            .collect();
        let weights = rank::weights(&fitting, plan.groups.len());
        let words: usize = read.iter().map(|(_, _, leaf)| leaf.words()).sum();
        let average = rank::float(words) / rank::float(read.len().max(1));
        let mut best_doc = f64::MIN_POSITIVE;
        let mut best_unit = f64::MIN_POSITIVE;
        let mut ranked: Vec<(usize, i64, f64, &Leaf<'_>, Vec<Fit>)> = Vec::new();
        for ((place, doc, leaf), fitting) in read.iter().zip(&fitting) {
            if fitting.is_empty() {
                continue;
            }
            let fits = rank::ranked(leaf, fitting, &weights, plan);
            let whole = rank::whole(leaf, fitting, &weights, average);
            best_doc = best_doc.max(whole);
            best_unit = best_unit.max(fits.first().map_or(0.0, |fit| fit.score));
            ranked.push((*place, doc.n, whole, leaf, fits));
        }
        let mut found = Vec::new();
        for (place, doc, whole, leaf, mut fits) in ranked {
            let all = fits.len();
            if let Some(most) = request.per_meeting {
                fits.truncate(most.max(1) as usize);
            }
            let more = u32::try_from(all - fits.len()).unwrap_or(u32::MAX);
            for fit in fits {
                let Some(unit) = leaf.unit(fit.unit as usize) else {
                    continue;
                };
                let Some(row) = leaf.row(unit) else { continue };
                let score = whole / best_doc + fit.score / best_unit;
                found.push(Found {
                    doc,
                    place,
                    fit: Fit { score, ..fit },
                    kind: unit.kind,
                    row,
                    more,
                });
            }
        }
        let dated = request.sort == Sort::Date || plan.groups.is_empty();
        found.sort_by(|a, b| {
            let by_score = if dated {
                std::cmp::Ordering::Equal
            } else {
                b.fit.score.total_cmp(&a.fit.score)
            };
            by_score
                .then(a.place.cmp(&b.place))
                .then(a.fit.unit.cmp(&b.fit.unit))
        });
        Ok(found)
    }
}

//! How many meetings of each kind a search found.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::leaf::Leaf;
use super::rank::{self, Plan};
use super::{Doc, SearchRequest, sql};
use crate::db::args;
use crate::error::Result;
use crate::store::Store;

/// Meetings whose units are counted: speakers and kinds are those of the best so many.
const READ: usize = 300;
/// Most values of one facet.
const MOST: usize = 12;
/// Groups that the database counts: one address may stand for more than one of them.
const GROUPS: u32 = 200;

/// Counts of meetings that a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Facets {
    /// Meetings that have the words, over the whole result.
    pub meetings: u64,
    /// By the host's address.
    pub hosts: Vec<Count>,
    /// By meeting number.
    pub series: Vec<Count>,
    /// By month of their beginning in the zone of the search, such as `2026-03`.
    pub months: Vec<Count>,
    /// By who said or wrote what fits; of the best 300 meetings.
    pub speakers: Vec<Count>,
    /// By what fits: `said`, `written`, `title` or a kind of insight; of the best 300 meetings.
    pub kinds: Vec<Count>,
}

/// One value and how many meetings have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The value, as its filter takes it.
    pub value: String,
    /// What to show for it.
    pub label: String,
    /// Meetings.
    pub meetings: u64,
}

/// Counts values, each with what is shown for it.
#[derive(Default)]
struct Tally(BTreeMap<String, (String, u64)>);

impl Tally {
    fn add(&mut self, value: Option<String>, label: Option<String>) {
        self.add_many(value, label, 1);
    }

    fn add_many(&mut self, value: Option<String>, label: Option<String>, meetings: u64) {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return;
        };
        let label = label.unwrap_or_else(|| value.clone());
        self.0.entry(value).or_insert((label, 0)).1 += meetings;
    }

    /// The most frequent first.
    fn counts(self) -> Vec<Count> {
        let mut counts: Vec<Count> = self
            .0
            .into_iter()
            .map(|(value, (label, meetings))| Count {
                value,
                label,
                meetings,
            })
            .collect();
        counts.sort_by(|a, b| b.meetings.cmp(&a.meetings).then(a.value.cmp(&b.value)));
        counts.truncate(MOST);
        counts
    }
}

impl Store {
    pub(super) async fn facets(
        &self,
        request: &SearchRequest<'_>,
        plan: &Plan,
        docs: &[Doc],
    ) -> Result<Facets> {
        let (mut hosts, mut series, mut months) =
            (Tally::default(), Tally::default(), Tally::default());
        let list: Vec<i64> = docs.iter().map(|doc| doc.n).collect();
        let list = serde_json::Value::from(list).to_string();
        let rows = self.all(sql::COUNTED, args![list, GROUPS], |row| {
            let (kind, value) = (row.text()?, row.opt_text()?);
            Ok((kind, value, row.opt_text()?, row.int()?))
        });
        for (kind, value, label, meetings) in rows.await? {
            let tally = if kind == "host" {
                &mut hosts
            } else {
                &mut series
            };
            tally.add_many(value, label, u64::try_from(meetings).unwrap_or(0));
        }
        for doc in docs {
            let day = doc.at.map(|at| at.to_zoned(request.zone.clone()));
            months.add(
                day.map(|day| format!("{:04}-{:02}", day.year(), day.month())),
                None,
            );
        }
        let (mut speakers, mut kinds) = (Tally::default(), Tally::default());
        for block in docs[..docs.len().min(READ)].chunks(50) {
            let leaves = self.leaves(block).await?;
            for bytes in leaves.values() {
                let Some(leaf) = Leaf::read(bytes) else {
                    continue;
                };
                let names = leaf.speakers();
                let fitting = rank::fitting(&leaf, plan);
                let mut who: BTreeSet<&str> = BTreeSet::new();
                let mut what: BTreeSet<&str> = BTreeSet::new();
                for unit in fitting.units().filter_map(|unit| leaf.unit(unit as usize)) {
                    what.insert(unit.kind.as_str());
                    who.extend(
                        unit.speaker
                            .checked_sub(1)
                            .and_then(|at| names.get(at))
                            .copied(),
                    );
                }
                for name in who {
                    speakers.add(Some(name.to_owned()), None);
                }
                for kind in what {
                    kinds.add(Some(kind.to_owned()), None);
                }
            }
        }
        Ok(Facets {
            meetings: docs.len() as u64,
            hosts: hosts.counts(),
            series: series.counts(),
            months: months.counts(),
            speakers: speakers.counts(),
            kinds: kinds.counts(),
        })
    }
}

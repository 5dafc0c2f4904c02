//! What a query says of meetings rather than of words: when they were, whose, of what topic and number, who was there.
//!
//! SQLite has it in the word index, as columns of their own, so that a filter alone reads no more meetings than it finds;
//! PostgreSQL asks its own indexes. Who was there is an index of its own on both ([`beginnings`]): people join one by one,
//! and nothing else of a meeting has to be read for that.

use std::collections::BTreeSet;

use parfocal_formats::query::Filter;
use parfocal_formats::text::{self, Terms};

use super::expression::list;
use super::{SearchRequest, sql};
use crate::db::{Cells, Tx, args, one, two};
use crate::error::Result;
use crate::id::InstanceId;
use crate::page::search_pattern;
use crate::store::{Scope, Store};

/// Meetings of participants with such a name up to which these are found first, and everything else of them then; of more
/// the latest are looked at one by one.
const FEW: u32 = 5_000;
/// Most users that a host's name may stand for.
const MOST_USERS: u32 = 500;
/// Most words of a name, and most letters of what is kept from one word on.
const MOST_WORDS: usize = 12;
const MOST_LETTERS: usize = 64;

const PRESENT: crate::db::Sql =
    one("SELECT name, email FROM participants WHERE workspace_id = $1 AND instance_id = $2");
const CLEAR: crate::db::Sql = one(
    "DELETE FROM search_people WHERE n = (SELECT n FROM search_docs WHERE workspace_id = $1 AND instance_id = $2)",
);
const ADD: crate::db::Sql = two(
    "INSERT INTO search_people (n, text) SELECT d.n, p.value FROM search_docs d CROSS JOIN json_each($3) p
        WHERE d.workspace_id = $1 AND d.instance_id = $2 ON CONFLICT DO NOTHING",
    "INSERT INTO search_people (n, text) SELECT d.n, p.value FROM search_docs d CROSS JOIN jsonb_array_elements_text(CAST(CAST($3 AS TEXT) AS jsonb)) AS p(value)
        WHERE d.workspace_id = $1 AND d.instance_id = $2 ON CONFLICT DO NOTHING",
);

/// The statements of this module.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, crate::db::Sql)] =
    &[("PRESENT", PRESENT), ("CLEAR", CLEAR), ("ADD", ADD)];

/// What is to be done about the people of a meeting when a transaction commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum People {
    /// These came.
    New(BTreeSet<String>),
    /// Somebody went or has another name: all are read again.
    All,
}

/// A name or an address from each word of it on: `ana silva` is found by `ana`, by `ana si` and by `silva`.
fn beginnings(name: &str) -> impl Iterator<Item = String> {
    let text = text::index_text(name);
    let words: Vec<String> = text
        .split_ascii_whitespace()
        .take(MOST_WORDS)
        .map(str::to_owned)
        .collect();
    (0..words.len()).map(move |at| words[at..].join(" ").chars().take(MOST_LETTERS).collect())
}

/// The token of a meeting number, as no word is written.
pub(super) fn number_token(number: &str) -> String {
    format!("0n{number}")
}

/// The token of a provider's id of a user: upper and lower case are different there.
pub(super) fn user_token(id: &str) -> String {
    format!("0u{}", hex::encode(id))
}

impl Tx {
    /// Has somebody found among those who were there, when this transaction commits.
    pub(crate) fn came(&mut self, instance: InstanceId, name: Option<&str>, email: Option<&str>) {
        let new = self
            .people
            .entry(instance)
            .or_insert_with(|| People::New(BTreeSet::new()));
        if let People::New(texts) = new {
            texts.extend([name, email].into_iter().flatten().flat_map(beginnings));
        }
    }

    /// Has those who were there read again when this transaction commits: somebody went, or is called otherwise.
    pub(crate) fn people_changed(&mut self, instance: InstanceId) {
        self.people.insert(instance, People::All);
    }

    /// Writes who was there, for the meetings where that changed.
    pub(super) async fn index_people(&mut self) -> Result<()> {
        let w = self.w();
        for (instance, people) in std::mem::take(&mut self.people) {
            let texts = match people {
                People::New(texts) => texts,
                People::All => {
                    self.execute(CLEAR, args![w, instance]).await?;
                    let rows = self.all(PRESENT, args![w, instance], |row| {
                        Ok([row.opt_text()?, row.opt_text()?])
                    });
                    let names = rows.await?;
                    let names = names.iter().flatten().flatten();
                    names.flat_map(|name| beginnings(name)).collect()
                }
            };
            if !texts.is_empty() {
                let list = serde_json::json!(texts).to_string();
                self.execute(ADD, args![w, instance, list]).await?;
            }
        }
        Ok(())
    }
}

/// Who has to have been there: few meetings are found first, of many each is asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct There {
    pub(super) few: Option<String>,
    pub(super) many: Option<String>,
    pub(super) not: Option<String>,
}

/// What SQLite's word index is asked about meetings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expressions {
    /// Each has to hold.
    pub(super) with: Vec<String>,
    /// None of these may.
    pub(super) without: Option<String>,
}

/// The beginnings of people's names that a query asks for, as a JSON array.
pub(super) fn people(filters: &[Filter], negated: bool) -> Option<String> {
    list(filters, negated, |value| Terms::of(value).tokens.join(" "))
}

impl Store {
    pub(super) async fn there(&self, request: &SearchRequest<'_>) -> Result<There> {
        let wanted = &request.query.filters.participant;
        let mut there = There {
            not: people(wanted, true),
            ..There::default()
        };
        if let Some(names) = people(wanted, false) {
            let held: i64 = self
                .exactly(sql::PEOPLE, args![&names, FEW + 1], Cells::int)
                .await?;
            if held <= i64::from(FEW) {
                there.few = Some(names);
            } else {
                there.many = Some(names);
            }
        }
        Ok(there)
    }

    /// The filters that are columns of SQLite's word index.
    pub(super) async fn expressions(
        &self,
        scope: Scope,
        request: &SearchRequest<'_>,
    ) -> Result<Expressions> {
        let filters = &request.query.filters;
        let mut out = Expressions::default();
        let mut unwanted = Vec::new();
        for negated in [false, true] {
            let values = |of: &[Filter], say: fn(&str) -> Option<String>| -> Vec<String> {
                of.iter()
                    .filter(|filter| filter.negated == negated)
                    .filter_map(|filter| say(&filter.value))
                    .collect()
            };
            let mut hosts = values(&filters.host, |value| begun("host", value));
            if !hosts.is_empty() {
                hosts.extend(self.users_named(scope, &filters.host, negated).await?);
            }
            for ways in [
                values(&filters.topic, |value| begun("title", value)),
                values(&filters.series, series),
                hosts,
            ] {
                if ways.is_empty() {
                    continue;
                }
                if negated {
                    unwanted.extend(ways);
                } else {
                    out.with.push(format!("({})", ways.join(" OR ")));
                }
            }
        }
        out.without = (!unwanted.is_empty()).then(|| unwanted.join(" OR "));
        Ok(out)
    }

    /// The ids of users with such names or addresses, as the word index has them: a meeting may know its host by the id alone.
    async fn users_named(
        &self,
        scope: Scope,
        hosts: &[Filter],
        negated: bool,
    ) -> Result<Option<String>> {
        let Some(patterns) = list(hosts, negated, search_pattern) else {
            return Ok(None);
        };
        let args = args![scope.workspace, patterns, MOST_USERS];
        let ids: Vec<String> = self.all(sql::USERS, args, Cells::text).await?;
        let tokens: Vec<String> = ids
            .iter()
            .map(|id| format!("\"{}\"", user_token(id)))
            .collect();
        Ok((!tokens.is_empty()).then(|| format!("({{ids}} : ({}))", tokens.join(" OR "))))
    }
}

/// Words that follow each other in a column, the last one at least begun; none for what has no words.
fn begun(column: &str, value: &str) -> Option<String> {
    let terms = Terms::of(value);
    (!terms.is_empty()).then(|| format!("({{{column}}} : \"{}\" *)", terms.tokens.join(" ")))
}

/// A meeting number as people write it; words of the topic for anything else.
fn series(value: &str) -> Option<String> {
    match super::expression::number(value) {
        Some(number) => Some(format!("({{ids}} : \"{}\")", number_token(&number))),
        None => begun("title", value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_from_each_word_on() {
        let kept: Vec<String> = beginnings("Ána  Silva-Reyes").collect();
        assert_eq!(kept, ["ana silva reyes", "silva reyes", "reyes"]);
        assert_eq!(beginnings("…").count(), 0);
        let long = "x".repeat(500);
        assert_eq!(beginnings(&long).next().unwrap().len(), MOST_LETTERS);
    }

    #[test]
    fn columns_are_asked_by_words_and_numbers_by_their_digits() {
        assert_eq!(
            begun("title", "Weekly sy").unwrap(),
            "({title} : \"weekly sy\" *)"
        );
        assert_eq!(begun("title", "--"), None);
        assert_eq!(series("812-345 678").unwrap(), "({ids} : \"0n812345678\")");
        assert_eq!(series("standup").unwrap(), "({title} : \"standup\" *)");
        assert_ne!(user_token("aB"), user_token("Ab"));
    }
}

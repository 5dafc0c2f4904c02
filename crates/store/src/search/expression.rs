//! From the query's tree to each engine's own search language.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_formats::query::{Filter, Query};
use parfocal_formats::text;

use super::rank::{Matcher, Plan};

use crate::page::search_pattern;

/// Which meetings may have what is looked for: an FTS5 expression over words, stems and names. None without words.
pub(super) fn fts5(plan: &Plan) -> Option<String> {
    let quoted = |token: &str| format!("\"{}\"", token.replace('"', ""));
    let word = |token: &str| format!("({{words}} : {})", quoted(token));
    let matcher = |matcher: &Matcher| {
        let mut ways = vec![all(
            matcher,
            |token, prefix| match (prefix, matcher.exact) {
                (true, _) => format!("({{words}} : {} *)", quoted(token)),
                (false, true) => word(token),
                (false, false) => format!("({{stems}} : {})", quoted(&text::stem(token))),
            },
            " AND ",
        )];
        ways.extend(matcher.instead.iter().map(|other| word(other)));
        if !plan.every {
            let names = matcher.tokens.iter();
            ways.extend(names.map(|name| format!("({{speaker}} : {})", quoted(name))));
        }
        format!("({})", ways.join(" OR "))
    };
    let group = |group: &Vec<Matcher>| {
        let ways: Vec<String> = group.iter().map(matcher).collect();
        format!("({})", ways.join(" OR "))
    };
    let mut parts = Vec::new();
    let words: Vec<String> = plan.groups.iter().map(group).collect();
    if !words.is_empty() {
        let between = if plan.every { " AND " } else { " OR " };
        parts.push(format!("({})", words.join(between)));
    }
    if !plan.speakers.is_empty() {
        let names: Vec<String> = plan
            .speakers
            .iter()
            .map(|terms| {
                let tokens: Vec<String> = terms
                    .tokens
                    .iter()
                    .enumerate()
                    .map(|(at, token)| {
                        let star = if at + 1 == terms.tokens.len() {
                            " *"
                        } else {
                            ""
                        };
                        format!("({{speaker}} : {}{star})", quoted(token))
                    })
                    .collect();
                format!("({})", tokens.join(" AND "))
            })
            .collect();
        parts.push(format!("({})", names.join(" OR ")));
    }
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

/// The same as a `tsquery` over weights A (stems), B (names) and D (words), and each group of words by itself as a JSON
/// array: what they say together is weighed one by one.
pub(super) fn tsquery(plan: &Plan) -> Option<(String, String)> {
    let quoted = |token: &str| format!("'{}'", token.replace(['\\', '\''], ""));
    let matcher = |matcher: &Matcher| {
        let mut ways = vec![all(
            matcher,
            |token, prefix| match (prefix, matcher.exact) {
                (true, _) => format!("{}:*D", quoted(token)),
                (false, true) => format!("{}:D", quoted(token)),
                (false, false) => format!("{}:A", quoted(&text::stem(token))),
            },
            " & ",
        )];
        ways.extend(
            matcher
                .instead
                .iter()
                .map(|other| format!("{}:D", quoted(other))),
        );
        if !plan.every {
            let names = matcher.tokens.iter();
            ways.extend(names.map(|name| format!("{}:B", quoted(name))));
        }
        format!("({})", ways.join(" | "))
    };
    let groups: Vec<String> = plan
        .groups
        .iter()
        .map(|group| {
            let ways: Vec<String> = group.iter().map(matcher).collect();
            format!("({})", ways.join(" | "))
        })
        .collect();
    let names: Vec<String> = plan
        .speakers
        .iter()
        .map(|terms| {
            let tokens: Vec<String> = terms
                .tokens
                .iter()
                .enumerate()
                .map(|(at, token)| {
                    let star = if at + 1 == terms.tokens.len() {
                        "*"
                    } else {
                        ""
                    };
                    format!("{}:{star}B", quoted(token))
                })
                .collect();
            format!("({})", tokens.join(" & "))
        })
        .collect();
    let mut parts = Vec::new();
    if !groups.is_empty() {
        let between = if plan.every { " & " } else { " | " };
        parts.push(format!("({})", groups.join(between)));
    }
    if !names.is_empty() {
        parts.push(format!("({})", names.join(" | ")));
    }
    let one_by_one = if groups.is_empty() { &names } else { &groups };
    let list = serde_json::Value::from(one_by_one.clone()).to_string();
    (!parts.is_empty()).then(|| (parts.join(" & "), list))
}

/// All tokens of a matcher, each said in an engine's language.
fn all(matcher: &Matcher, say: impl Fn(&str, bool) -> String, and: &str) -> String {
    let last = matcher.tokens.len().saturating_sub(1);
    let tokens: Vec<String> = matcher
        .tokens
        .iter()
        .enumerate()
        .map(|(at, token)| say(token, matcher.prefix && at == last))
        .collect();
    format!("({})", tokens.join(and))
}

/// The part of a query that restricts the instances. Lists of patterns are JSON arrays.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Instances {
    pub(super) from: Option<Timestamp>,
    pub(super) before: Option<Timestamp>,
    pub(super) topic: Option<String>,
    pub(super) not_topic: Option<String>,
    pub(super) host: Option<String>,
    pub(super) not_host: Option<String>,
    pub(super) participant: Option<String>,
    pub(super) not_participant: Option<String>,
    pub(super) series: Option<String>,
    pub(super) not_series: Option<String>,
}

impl Instances {
    pub(super) fn of(query: &Query, zone: &TimeZone) -> Self {
        let filters = &query.filters;
        Self {
            from: filters.from.and_then(|day| midnight(day, zone)),
            before: filters.before.and_then(|day| midnight(day, zone)),
            topic: patterns(&filters.topic, false),
            not_topic: patterns(&filters.topic, true),
            host: patterns(&filters.host, false),
            not_host: patterns(&filters.host, true),
            participant: super::about::people(&filters.participant, false),
            not_participant: super::about::people(&filters.participant, true),
            series: list(&filters.series, false, series),
            not_series: list(&filters.series, true, series),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The days in microseconds, from the first one to before the last one.
    pub(super) fn days(&self) -> (i64, i64) {
        (
            self.from.map_or(i64::MIN, Timestamp::as_microsecond),
            self.before.map_or(i64::MAX, Timestamp::as_microsecond),
        )
    }
}

fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone())
        .ok()
        .map(|start| start.timestamp())
}

fn patterns(filters: &[Filter], negated: bool) -> Option<String> {
    list(filters, negated, search_pattern)
}

pub(super) fn list(filters: &[Filter], negated: bool, of: fn(&str) -> String) -> Option<String> {
    let list: Vec<serde_json::Value> = filters
        .iter()
        .filter(|filter| filter.negated == negated)
        .map(|filter| of(&filter.value).into())
        .collect();
    (!list.is_empty()).then(|| serde_json::Value::Array(list).to_string())
}

/// The digits of a meeting number as people write it; none for anything else.
pub(super) fn number(value: &str) -> Option<String> {
    let bare: String = value.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    (!bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit())).then_some(bare)
}

/// The digits of a meeting number; a pattern over topics for anything else.
fn series(value: &str) -> String {
    number(value).unwrap_or_else(|| search_pattern(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parfocal_formats::query::parse;

    #[test]
    fn words_phrases_prefixes_alternatives_and_names() {
        let query =
            parse(r#"budgets OR cost "first quarter" plan* -draft speaker:ana -speaker:bob"#)
                .unwrap();
        let plan = Plan::of(&query, true, false);
        assert_eq!(
            fts5(&plan).unwrap(),
            r#"((((({stems} : "budget"))) OR ((({stems} : "cost")))) AND (((({words} : "first") AND ({words} : "quarter")))) AND (((({words} : "plan" *))))) AND ((({speaker} : "ana" *)))"#
        );
        let (all, each) = tsquery(&plan).unwrap();
        assert_eq!(
            all,
            "(((('budget':A)) | (('cost':A))) & ((('first':D & 'quarter':D))) & ((('plan':*D)))) & (('ana':*B))"
        );
        assert_eq!(each.matches("\",\"").count(), 2);
    }

    #[test]
    fn only_filters_leave_the_words_out() {
        let query =
            parse("topic:standup -draft from:2026-01-02 series:812-345 participant:A_b").unwrap();
        assert_eq!(fts5(&Plan::of(&query, true, false)), None);
        let instances = Instances::of(&query, &TimeZone::UTC);
        assert_eq!(instances.topic.unwrap(), r#"["% standup%"]"#);
        assert_eq!(instances.from.unwrap().to_string(), "2026-01-02T00:00:00Z");
        assert_eq!(instances.series.unwrap(), r#"["812345"]"#);
        assert_eq!(instances.participant.unwrap(), r#"["a b"]"#);
    }
}

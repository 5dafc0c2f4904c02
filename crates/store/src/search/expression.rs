//! From the query's tree to each engine's own search language.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_formats::query::{Filter, Query};
use parfocal_formats::text::Terms;

use crate::page::search_pattern;

/// The part of a query that the word index answers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// What has to fit (and, in it, what must not).
    pub(super) fits: Option<String>,
    /// What must not fit, when there is nothing that has to: rows that match this are left out.
    pub(super) excluded: Option<String>,
}

/// The parts of a query, for either language.
struct Parts<'q> {
    wanted: Vec<(&'q Terms, bool)>,
    unwanted: Vec<(&'q Terms, bool)>,
    speakers: Vec<Terms>,
    not_speakers: Vec<Terms>,
}

fn parts(query: &Query) -> Parts<'_> {
    let clauses = |negated: bool| {
        query
            .clauses
            .iter()
            .filter(move |clause| clause.negated == negated && !clause.terms.is_empty())
            .map(|clause| (&clause.terms, clause.terms.prefix))
            .collect()
    };
    let speakers = |negated: bool| {
        query
            .filters
            .speaker
            .iter()
            .filter(move |filter| filter.negated == negated)
            .map(|filter| Terms::prefix_of(&filter.value))
            .filter(|terms| !terms.is_empty())
            .collect()
    };
    Parts {
        wanted: clauses(false),
        unwanted: clauses(true),
        speakers: speakers(false),
        not_speakers: speakers(true),
    }
}

/// SQLite's FTS5: strings in double quotes are tokens, `+` makes phrases, `{column} :` restricts.
pub(super) fn fts5(query: &Query) -> Words {
    let phrase = |terms: &Terms, prefix: bool| {
        let tokens: Vec<String> = terms
            .tokens
            .iter()
            .map(|token| format!("\"{}\"", token.replace('"', "")))
            .collect();
        let star = if prefix { " *" } else { "" };
        format!("{}{star}", tokens.join(" + "))
    };
    let column = |name: &str, inner: &str| format!("({{{name}}} : ({inner}))");
    let parts = parts(query);
    let mut wanted: Vec<String> = parts
        .wanted
        .iter()
        .map(|(terms, prefix)| column("body", &phrase(terms, *prefix)))
        .collect();
    if !parts.speakers.is_empty() {
        let any: Vec<String> = parts.speakers.iter().map(|t| phrase(t, true)).collect();
        wanted.push(column("speaker", &any.join(" OR ")));
    }
    let mut unwanted: Vec<String> = parts
        .unwanted
        .iter()
        .map(|(terms, prefix)| column("body", &phrase(terms, *prefix)))
        .collect();
    unwanted.extend(
        parts
            .not_speakers
            .iter()
            .map(|t| column("speaker", &phrase(t, true))),
    );
    let excluded = (!unwanted.is_empty()).then(|| unwanted.join(" OR "));
    if wanted.is_empty() {
        return Words {
            fits: None,
            excluded,
        };
    }
    let wanted = wanted.join(" AND ");
    let fits = match excluded {
        Some(excluded) => format!("({wanted}) NOT ({excluded})"),
        None => wanted,
    };
    Words {
        fits: Some(fits),
        excluded: None,
    }
}

/// PostgreSQL's `tsquery`: quoted lexemes, `<->` makes phrases, the weight after the colon restricts.
pub(super) fn tsquery(query: &Query) -> Words {
    let phrase = |terms: &Terms, prefix: bool, weight: char| {
        let last = terms.tokens.len().saturating_sub(1);
        let tokens: Vec<String> = terms
            .tokens
            .iter()
            .enumerate()
            .map(|(at, token)| {
                let star = if prefix && at == last { "*" } else { "" };
                let token = token.replace(['\\', '\''], "");
                format!("'{token}':{star}{weight}")
            })
            .collect();
        format!("({})", tokens.join(" <-> "))
    };
    let parts = parts(query);
    let mut all: Vec<String> = parts
        .wanted
        .iter()
        .map(|(terms, prefix)| phrase(terms, *prefix, 'A'))
        .collect();
    if !parts.speakers.is_empty() {
        let any: Vec<String> = parts
            .speakers
            .iter()
            .map(|t| phrase(t, true, 'B'))
            .collect();
        all.push(format!("({})", any.join(" | ")));
    }
    let mut unwanted: Vec<String> = parts
        .unwanted
        .iter()
        .map(|(terms, prefix)| phrase(terms, *prefix, 'A'))
        .collect();
    unwanted.extend(parts.not_speakers.iter().map(|t| phrase(t, true, 'B')));
    let excluded = (!unwanted.is_empty()).then(|| unwanted.join(" | "));
    if all.is_empty() {
        return Words {
            fits: None,
            excluded,
        };
    }
    if let Some(excluded) = excluded {
        all.push(format!("!({excluded})"));
    }
    Words {
        fits: Some(all.join(" & ")),
        excluded: None,
    }
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
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone())
        .ok()
        .map(|start| start.timestamp())
}

fn patterns(filters: &[Filter], negated: bool) -> Option<String> {
    let list: Vec<serde_json::Value> = filters
        .iter()
        .filter(|filter| filter.negated == negated)
        .map(|filter| search_pattern(&filter.value).into())
        .collect();
    (!list.is_empty()).then(|| serde_json::Value::Array(list).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parfocal_formats::query::parse;

    #[test]
    fn words_phrases_prefixes_and_exclusions() {
        let query =
            parse(r#"budget "first quarter" plan* -draft speaker:ana -speaker:bob"#).unwrap();
        let fts = fts5(&query);
        assert_eq!(
            fts.fits.unwrap(),
            "(({body} : (\"budget\")) AND ({body} : (\"first\" + \"quarter\")) AND ({body} : (\"plan\" *)) AND ({speaker} : (\"ana\" *))) \
             NOT (({body} : (\"draft\")) OR ({speaker} : (\"bob\" *)))"
        );
        let ts = tsquery(&query);
        assert_eq!(
            ts.fits.unwrap(),
            "('budget':A) & ('first':A <-> 'quarter':A) & ('plan':*A) & (('ana':*B)) & !(('draft':A) | ('bob':*B))"
        );
    }

    #[test]
    fn only_filters_leave_the_words_out() {
        let query = parse("topic:standup -draft from:2026-01-02").unwrap();
        let words = fts5(&query);
        assert_eq!(words.fits, None);
        assert_eq!(words.excluded.unwrap(), "({body} : (\"draft\"))");
        let instances = Instances::of(&query, &TimeZone::UTC);
        assert_eq!(instances.topic.unwrap(), r#"["% standup%"]"#);
        assert_eq!(instances.from.unwrap().to_string(), "2026-01-02T00:00:00Z");
    }
}

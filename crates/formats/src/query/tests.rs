//! The grammar by examples, and no panic on anything.

use proptest::prelude::*;

use super::*;

fn words(query: &Query) -> Vec<(&str, ClauseKind, bool)> {
    query
        .clauses
        .iter()
        .map(|clause| (clause.text.as_str(), clause.kind, clause.negated))
        .collect()
}

#[test]
fn reads_words_phrases_prefixes_and_exclusions() {
    let query = parse(r#"budget "second quarter" plan* -draft -"first try""#).unwrap();
    assert_eq!(
        words(&query),
        [
            ("budget", ClauseKind::Word, false),
            ("second quarter", ClauseKind::Phrase, false),
            ("plan", ClauseKind::Prefix, false),
            ("draft", ClauseKind::Word, true),
            ("first try", ClauseKind::Phrase, true),
        ]
    );
    assert_eq!(query.positive_terms().len(), 3);
    assert!(query.filters.is_empty());
}

#[test]
fn reads_filters_with_quoted_values() {
    let query = parse(
        r#"Speaker:"Ana Silva" -host:bob topic:standup from:2026-03-01 before:2026-04-01 rollout"#,
    )
    .unwrap();
    assert_eq!(
        query.filters.speaker,
        [Filter {
            negated: false,
            value: "Ana Silva".into(),
            at: 0
        }]
    );
    assert!(query.filters.host[0].negated);
    assert_eq!(query.filters.topic[0].value, "standup");
    assert_eq!(query.filters.from, Some(jiff::civil::date(2026, 3, 1)));
    assert_eq!(query.filters.before, Some(jiff::civil::date(2026, 4, 1)));
    assert_eq!(words(&query), [("rollout", ClauseKind::Word, false)]);
    assert_eq!(
        parse("after:2026-01-02").unwrap().filters.from,
        Some(jiff::civil::date(2026, 1, 2))
    );
}

#[test]
fn reads_alternatives_and_words_written_nearly_so() {
    let query = parse("budget OR costs plan~ kind:decision series:812").unwrap();
    let alternatives: Vec<bool> = query.clauses.iter().map(|c| c.alternative).collect();
    assert_eq!(alternatives, [false, true, false]);
    assert_eq!(query.clauses[2].kind, ClauseKind::Fuzzy);
    assert_eq!(query.clauses[2].text, "plan");
    assert_eq!(query.filters.kind[0].value, "decision");
    assert_eq!(query.filters.series[0].value, "812");
    // At an end it is a word.
    assert_eq!(parse("OR").unwrap().clauses[0].text, "OR");
    assert_eq!(parse("budget OR").unwrap().clauses.len(), 2);
    assert!(!parse("a OR -b").unwrap().clauses[1].alternative);
}

#[test]
fn an_unknown_name_is_words() {
    let query = parse("foo:bar https://example.org/a 10:30").unwrap();
    assert_eq!(query.clauses[0].terms.tokens, ["foo", "bar"]);
    assert_eq!(query.clauses.len(), 3);
}

#[test]
fn signs_alone_are_left_out() {
    assert_eq!(parse("a - b & !").unwrap().clauses.len(), 2);
    assert_eq!(parse("* ( )").unwrap_err().kind, QueryErrorKind::Empty);
    assert_eq!(parse("").unwrap_err().kind, QueryErrorKind::Empty);
    assert_eq!(parse("c\"d e\"").unwrap().clauses.len(), 2);
}

#[test]
fn faults_name_their_place() {
    let fault = |input: &str| {
        parse(input)
            .map_err(|error| (error.at, error.kind))
            .unwrap_err()
    };
    assert_eq!(fault("ééé \"open"), (4, QueryErrorKind::OpenQuote));
    assert_eq!(fault("x from:yesterday"), (7, QueryErrorKind::BadDate));
    assert_eq!(fault("from:2026-02-30"), (5, QueryErrorKind::BadDate));
    assert_eq!(fault("from:2026-2-3"), (5, QueryErrorKind::BadDate));
    assert_eq!(fault("speaker:"), (0, QueryErrorKind::MissingValue));
    assert_eq!(fault("speaker:\"\""), (0, QueryErrorKind::MissingValue));
    assert_eq!(
        fault("-from:2026-01-01"),
        (0, QueryErrorKind::BadDateFilter)
    );
    assert_eq!(
        fault("from:2026-01-01 after:2026-01-01"),
        (16, QueryErrorKind::BadDateFilter)
    );
    assert_eq!(fault("-a -speaker:b"), (0, QueryErrorKind::OnlyNegative));
    assert_eq!(fault(&"a ".repeat(300)).1, QueryErrorKind::TooLong);
    assert_eq!(fault(&"a".repeat(1_001)).1, QueryErrorKind::TooLong);
    let message = parse("x from:yesterday").unwrap_err().to_string();
    assert_eq!(
        message,
        "\"yesterday\" is not a date: write year, month and day, like from:2026-03-01 (at character 8)"
    );
}

#[test]
fn cjk_and_other_quotes() {
    let query = parse("「会議室」 “budget plan” 室").unwrap();
    assert_eq!(query.clauses[0].terms.tokens, ["会議", "議室"]);
    assert_eq!(query.clauses[1].kind, ClauseKind::Phrase);
    assert!(query.clauses[2].terms.prefix);
}

#[test]
fn other_languages_are_told_from_words() {
    for (written, part) in [
        ("budget || plan", "Write OR"),
        ("budget AND plan", "all words have to occur anyway"),
        ("title:standup x", "title: is no filter"),
        ("bud*get", "at the end of a word"),
        ("*get plan", "at the end of a word"),
    ] {
        let said = advice(written);
        assert_eq!(said.len(), 1, "{written}: {said:?}");
        assert!(said[0].contains(part), "{written}: {said:?}");
    }
    for plain in [
        "budg* plan",
        "speaker:ana from:2026-01-01",
        "at 12:30",
        "https://example.org/x",
        "\"this OR that\"",
        "or and not",
        "note: later",
    ] {
        assert_eq!(advice(plain), Vec::<String>::new(), "{plain}");
    }
    assert_eq!(advice("a | b | c").len(), 1);
    assert_eq!(advice("a OR b"), Vec::<String>::new());
}

proptest! {
    #[test]
    fn never_panics(input in "\\PC*") {
        let _ = parse(&input);
        let _ = advice(&input);
    }

    #[test]
    fn never_panics_on_grammar(input in "(speaker:|from:|before:|-|\"|\\*|:| |a|é|会|2026-01-01){0,24}") {
        if let Ok(query) = parse(&input) {
            prop_assert!(query.clauses.iter().all(|clause| !clause.terms.is_empty()));
        }
    }
}

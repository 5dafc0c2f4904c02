//! What a person types into the search box.
//!
//! | written | found |
//! | --- | --- |
//! | `budget plan` | both words in any of their forms, anywhere in the same utterance |
//! | `"budget plan"` | the words next to each other |
//! | `budg*` | words that begin so |
//! | `budget~` | words written nearly so |
//! | `budget OR costs` | one of them |
//! | `-draft`, `-"first draft"` | not with this |
//! | `speaker:ana`, `host:"Ana Silva"`, `topic:standup` | who spoke, whose meeting, its topic; `-` in front excludes |
//! | `participant:ana`, `series:81234567890` | who was there, the meeting's number (or words of its topic) |
//! | `kind:decision` | what was found: `said`, `written`, `title`, or a kind of insight such as `action_item` |
//! | `from:2026-03-01` (also `after:`), `before:2026-04-01` | meetings from that day on, before that day |
//!
//! A word with a colon that is none of these is searched as words; [`advice`] says so.

use jiff::civil::Date;

use crate::text::Terms;

/// Longest query in characters.
pub const MAX_QUERY: usize = 1_000;
/// Most words, phrases and filters together.
pub const MAX_PARTS: usize = 64;

/// A search as a tree: every clause and every filter has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Words, phrases and prefixes.
    pub clauses: Vec<Clause>,
    /// Restrictions on meetings and speakers.
    pub filters: Filters,
}

impl Query {
    /// Terms that have to occur; what marks in the results are made from.
    pub fn positive_terms(&self) -> Vec<Terms> {
        self.clauses
            .iter()
            .filter(|clause| !clause.negated)
            .map(|clause| clause.terms.clone())
            .collect()
    }
}

/// One word, phrase or prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Must not occur.
    pub negated: bool,
    /// Stands behind `OR`: this or the clause before it has to hold.
    pub alternative: bool,
    /// How it was written.
    pub kind: ClauseKind,
    /// As typed, without quotes, minus and star.
    pub text: String,
    /// In the form of the index; never empty.
    pub terms: Terms,
    /// Position in the query in characters, from 0.
    pub at: usize,
}

/// How a clause was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClauseKind {
    /// A word (which may be several tokens: `don't`).
    Word,
    /// Quoted words.
    Phrase,
    /// The beginning of a word.
    Prefix,
    /// A word that may be spelt a little differently.
    Fuzzy,
}

/// Restrictions on what is searched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    /// Names (or parts) of speakers; of those not negated one has to fit.
    pub speaker: Vec<Filter>,
    /// Names or addresses (or parts) of hosts.
    pub host: Vec<Filter>,
    /// Words of the topic.
    pub topic: Vec<Filter>,
    /// Names or addresses (or parts) of who was there.
    pub participant: Vec<Filter>,
    /// Meeting numbers, or words of the topic.
    pub series: Vec<Filter>,
    /// What is found: `said`, `written`, `title`, or a kind of insight.
    pub kind: Vec<Filter>,
    /// First day, included.
    pub from: Option<Date>,
    /// Day before which a meeting started, not included.
    pub before: Option<Date>,
}

impl Filters {
    /// Whether nothing is restricted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One `name:value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Must not fit.
    pub negated: bool,
    /// As typed, without quotes.
    pub value: String,
    /// Position in the query in characters, from 0.
    pub at: usize,
}

/// A query that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {})", at + 1)]
pub struct QueryError {
    /// Position in characters, from 0.
    pub at: usize,
    /// What kind of fault.
    pub kind: QueryErrorKind,
    /// A sentence for a person, with the mend.
    pub message: String,
}

/// Kinds of faults in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryErrorKind {
    /// Nothing to search for.
    Empty,
    /// A quote that is not closed.
    OpenQuote,
    /// A filter without a value.
    MissingValue,
    /// Not a date.
    BadDate,
    /// A date filter that cannot be negated, or stands there twice.
    BadDateFilter,
    /// Longer than [`MAX_QUERY`] or with more than [`MAX_PARTS`] parts.
    TooLong,
    /// Only things to exclude.
    OnlyNegative,
}

/// Reads a query.
pub fn parse(input: &str) -> Result<Query, QueryError> {
    if input.chars().count() > MAX_QUERY {
        return Err(fail(
            MAX_QUERY,
            QueryErrorKind::TooLong,
            format!("the search is longer than {MAX_QUERY} characters"),
        ));
    }
    let mut reader = Reader {
        chars: input.chars().collect(),
        at: 0,
    };
    let mut query = Query::default();
    let mut parts = 0;
    let mut after_or = false;
    while let Some(part) = reader.part()? {
        // Between two words; at an end it is a word like any other.
        if part.is_or() && !query.clauses.is_empty() && !reader.at_end() {
            after_or = true;
            continue;
        }
        parts += 1;
        if parts > MAX_PARTS {
            return Err(fail(
                part.at,
                QueryErrorKind::TooLong,
                format!("more than {MAX_PARTS} words and filters"),
            ));
        }
        let clauses = query.clauses.len();
        take(&mut query, part)?;
        if after_or
            && clauses > 0
            && let Some(clause) = query.clauses.get_mut(clauses)
        {
            clause.alternative = !clause.negated;
        }
        after_or = false;
    }
    let positive = query.clauses.iter().any(|clause| !clause.negated)
        || query.filters.from.is_some()
        || query.filters.before.is_some()
        || {
            let filters = &query.filters;
            [
                &filters.speaker,
                &filters.host,
                &filters.topic,
                &filters.participant,
                &filters.series,
                &filters.kind,
            ]
            .into_iter()
            .flatten()
            .any(|filter| !filter.negated)
        };
    match (
        positive,
        query.clauses.is_empty() && query.filters.is_empty(),
    ) {
        (true, _) => Ok(query),
        (false, true) => Err(fail(
            0,
            QueryErrorKind::Empty,
            "there is nothing to search for: type a word of at least one letter or digit"
                .to_owned(),
        )),
        (false, false) => Err(fail(
            0,
            QueryErrorKind::OnlyNegative,
            "the search only says what to leave out: add a word, a phrase or a filter to look for"
                .to_owned(),
        )),
    }
}

/// What a reader of a query may have misunderstood: each a sentence that says how the query was taken.
///
/// Names of filters that do not exist, `|`, `AND` and `NOT` of other search languages, and stars that are not at a
/// word's end are searched as words.
pub fn advice(input: &str) -> Vec<String> {
    let mut reader = Reader {
        chars: input.chars().take(MAX_QUERY).collect(),
        at: 0,
    };
    let mut said = Vec::new();
    while let Ok(Some(part)) = reader.part() {
        if part.quoted || part.name.is_some() {
            continue;
        }
        let line = match part.value.as_str() {
            "||" | "|" => Some("Write OR between words of which one is enough.".to_owned()),
            "AND" | "&&" => {
                Some("AND is searched as a word: all words have to occur anyway.".to_owned())
            }
            "NOT" => Some("NOT is searched as a word: write -word to leave one out.".to_owned()),
            value => unknown_filter(value).or_else(|| misplaced_star(value)),
        };
        said.extend(line.filter(|line| !said.contains(line)));
    }
    said
}

fn unknown_filter(value: &str) -> Option<String> {
    let (name, rest) = value.split_once(':')?;
    // Not addresses (`https://…`) and not times of day (`12:30`).
    let is_name = name.chars().count() >= 2 && name.chars().all(|c| c.is_ascii_alphabetic());
    if !is_name || rest.is_empty() || rest.starts_with("//") {
        return None;
    }
    Some(format!(
        "{name}: is no filter and was searched as words; there are speaker:, participant:, host:, topic:, series:, kind:, from: and before:."
    ))
}

fn misplaced_star(value: &str) -> Option<String> {
    value.contains('*').then(|| {
        format!("The star in {value} is ignored: it stands at the end of a word, like budg*.")
    })
}

fn fail(at: usize, kind: QueryErrorKind, message: String) -> QueryError {
    QueryError { at, kind, message }
}

/// A piece of the query between blanks.
struct Part {
    at: usize,
    negated: bool,
    name: Option<String>,
    value: String,
    value_at: usize,
    quoted: bool,
    star: bool,
    near: bool,
}

impl Part {
    fn is_or(&self) -> bool {
        !self.quoted && self.name.is_none() && !self.negated && self.value == "OR"
    }
}

fn take(query: &mut Query, part: Part) -> Result<(), QueryError> {
    let Part {
        at,
        negated,
        name,
        value,
        value_at,
        ..
    } = part;
    let Some(name) = name else {
        let (kind, terms) = match (part.quoted, part.star, part.near) {
            (true, _, _) => (ClauseKind::Phrase, Terms::of(&value)),
            (false, true, _) => (ClauseKind::Prefix, Terms::prefix_of(&value)),
            (false, false, true) => (ClauseKind::Fuzzy, Terms::of(&value)),
            (false, false, false) => (ClauseKind::Word, Terms::of(&value)),
        };
        // Signs alone are no words: nothing to find, nothing to complain about.
        if !terms.is_empty() {
            query.clauses.push(Clause {
                negated,
                alternative: false,
                kind,
                text: value,
                terms,
                at,
            });
        }
        return Ok(());
    };
    if value.trim().is_empty() {
        let example = if is_date_filter(&name) {
            "2026-03-01"
        } else {
            "ana"
        };
        return Err(fail(
            at,
            QueryErrorKind::MissingValue,
            format!("{name}: needs a value, like {name}:{example}"),
        ));
    }
    if is_date_filter(&name) {
        let slot = if name == "before" {
            &mut query.filters.before
        } else {
            &mut query.filters.from
        };
        if negated {
            return Err(fail(
                at,
                QueryErrorKind::BadDateFilter,
                format!("{name}: cannot be excluded: leave out the minus"),
            ));
        }
        if slot.is_some() {
            return Err(fail(
                at,
                QueryErrorKind::BadDateFilter,
                format!("{name}: stands there twice: keep one"),
            ));
        }
        *slot = Some(date(&value).ok_or_else(|| {
            fail(
                value_at,
                QueryErrorKind::BadDate,
                format!(
                    "\"{value}\" is not a date: write year, month and day, like {name}:2026-03-01"
                ),
            )
        })?);
        return Ok(());
    }
    let filter = Filter {
        negated,
        value: value.trim().to_owned(),
        at,
    };
    match name.as_str() {
        "speaker" => query.filters.speaker.push(filter),
        "host" => query.filters.host.push(filter),
        "participant" => query.filters.participant.push(filter),
        "series" => query.filters.series.push(filter),
        "kind" => query.filters.kind.push(filter),
        _ => query.filters.topic.push(filter),
    }
    Ok(())
}

fn is_date_filter(name: &str) -> bool {
    matches!(name, "from" | "after" | "before")
}

/// `yyyy-mm-dd` and nothing else.
fn date(value: &str) -> Option<Date> {
    let value = value.trim();
    let mut parts = value.split('-');
    let mut next = |len: usize| {
        parts
            .next()
            .filter(|part| part.len() == len && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let (year, month, day) = (
        next(4)?.parse().ok()?,
        next(2)?.parse().ok()?,
        next(2)?.parse().ok()?,
    );
    if parts.next().is_some() {
        return None;
    }
    Date::new(year, month, day).ok()
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn at_end(&self) -> bool {
        self.chars[self.at.min(self.chars.len())..]
            .iter()
            .all(|c| c.is_whitespace())
    }

    fn part(&mut self) -> Result<Option<Part>, QueryError> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let at = self.at;
        if self.peek().is_none() {
            return Ok(None);
        }
        let negated =
            is_minus(self.peek()) && self.chars.get(at + 1).is_some_and(|c| !c.is_whitespace());
        self.at += usize::from(negated);
        let name = self.filter_name();
        let value_at = self.at;
        if is_quote(self.peek()) {
            let value = self.quoted()?;
            // `"budget plan"*` is a phrase; a star behind it adds nothing.
            if self.peek() == Some('*') {
                self.at += 1;
            }
            return Ok(Some(Part {
                at,
                negated,
                name,
                value,
                value_at,
                quoted: true,
                star: false,
                near: false,
            }));
        }
        let mut value: String = self.bare();
        let star = name.is_none() && value.ends_with('*');
        if star {
            value.truncate(value.trim_end_matches('*').len());
        }
        let near = name.is_none() && !star && value.len() > 1 && value.ends_with('~');
        if near {
            value.truncate(value.trim_end_matches('~').len());
        }
        Ok(Some(Part {
            at,
            negated,
            name,
            value,
            value_at,
            quoted: false,
            star,
            near,
        }))
    }

    /// The name of a filter in front of a colon, if one of ours stands here.
    fn filter_name(&mut self) -> Option<String> {
        let len = self.chars[self.at..]
            .iter()
            .take(12)
            .position(|&c| c == ':')?;
        let name: String = self.chars[self.at..self.at + len]
            .iter()
            .map(char::to_ascii_lowercase)
            .collect();
        if !matches!(
            name.as_str(),
            "speaker"
                | "participant"
                | "host"
                | "topic"
                | "series"
                | "kind"
                | "from"
                | "after"
                | "before"
        ) {
            return None;
        }
        self.at += len + 1;
        Some(name)
    }

    fn bare(&mut self) -> String {
        let from = self.at;
        while self
            .peek()
            .is_some_and(|c| !(c.is_whitespace() || self.at > from && c == '"'))
        {
            self.at += 1;
        }
        self.chars[from..self.at].iter().collect()
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let open = self.at;
        self.at += 1;
        let from = self.at;
        while let Some(c) = self.peek() {
            self.at += 1;
            if is_quote(Some(c)) {
                return Ok(self.chars[from..self.at - 1].iter().collect());
            }
        }
        Err(fail(
            open,
            QueryErrorKind::OpenQuote,
            "this quote is never closed: add a \" behind the last word".to_owned(),
        ))
    }
}

fn is_minus(c: Option<char>) -> bool {
    matches!(c, Some('-' | '\u{2212}' | '\u{2013}'))
}

/// Straight quotes and what keyboards and word processors make of them.
fn is_quote(c: Option<char>) -> bool {
    matches!(
        c,
        Some(
            '"' | '\u{201c}'
                | '\u{201d}'
                | '\u{201e}'
                | '\u{ab}'
                | '\u{bb}'
                | '\u{300c}'
                | '\u{300d}'
                | '\u{ff02}'
        )
    )
}

#[cfg(test)]
mod tests;

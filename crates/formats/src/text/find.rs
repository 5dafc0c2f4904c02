//! Finding matches in the original text, for marks and snippets.

use std::ops::Range;

use super::Terms;
use super::normal::{Token, Tokens};

/// Byte ranges of a text that match any of the terms: in order, not overlapping, touching ones joined.
pub fn highlight(text: &str, terms: &[Terms]) -> Vec<Range<usize>> {
    let tokens: Vec<Token> = Tokens::new(text).collect();
    let mut found: Vec<Range<usize>> = Vec::new();
    for term in terms.iter().filter(|term| !term.is_empty()) {
        for window in tokens.windows(term.tokens.len()) {
            if matches(window, term) {
                found.push(place(window, term));
            }
        }
    }
    found.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

fn matches(window: &[Token], term: &Terms) -> bool {
    let last = window.len() - 1;
    window
        .iter()
        .zip(&term.tokens)
        .enumerate()
        .all(|(index, (token, wanted))| {
            if index == last && term.prefix {
                token.norm.starts_with(wanted.as_str())
            } else {
                token.norm == *wanted
            }
        })
}

/// From the first token to the last; of a pair found by its first character only that character.
fn place(window: &[Token], term: &Terms) -> Range<usize> {
    let (first, last) = (&window[0], &window[window.len() - 1]);
    let mut end = last.at.end;
    if term.prefix && last.pair && term.tokens[window.len() - 1].chars().count() == 1 {
        end = last.half;
    }
    first.at.start..end.max(first.at.start)
}

/// A piece of a text around its matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The piece, as it stands in the text.
    pub text: String,
    /// Matches inside the piece, as byte ranges.
    pub ranges: Vec<Range<usize>>,
    /// Something was left out before it.
    pub cut_before: bool,
    /// Something was left out behind it.
    pub cut_after: bool,
}

/// The piece of at most `max_chars` characters that holds most matches, cut between words where that is possible.
pub fn snippet(text: &str, terms: &[Terms], max_chars: usize) -> Snippet {
    let found = highlight(text, terms);
    let (start, end) = window(text, &found, max_chars);
    let ranges = found
        .iter()
        .filter(|range| range.start >= start && range.end <= end)
        .map(|range| range.start - start..range.end - start)
        .collect();
    Snippet {
        text: text[start..end].to_owned(),
        ranges,
        cut_before: start > 0,
        cut_after: end < text.len(),
    }
}

fn window(text: &str, found: &[Range<usize>], max_chars: usize) -> (usize, usize) {
    let bounds: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let chars = bounds.len() - 1;
    if chars <= max_chars {
        return (0, text.len());
    }
    let index_of = |byte: usize| bounds.partition_point(|&bound| bound < byte);
    // The best beginning: the match from which on most matches fit.
    let mut best = (0, 0);
    let mut last = 0;
    for (first, range) in found.iter().enumerate() {
        let from = index_of(range.start);
        while last < found.len() && index_of(found[last].end) <= from + max_chars {
            last += 1;
        }
        if last.saturating_sub(first) > best.0 {
            best = (last - first, first);
        }
    }
    let (count, first) = best;
    let (from, to) = if count == 0 {
        (0, 0)
    } else {
        (
            index_of(found[first].start),
            index_of(found[first + count - 1].end),
        )
    };
    // What is left of the room goes to both sides, a third before.
    let room = max_chars.saturating_sub(to - from);
    let mut start = from.saturating_sub(room / 3);
    let mut end = (start + max_chars).min(chars);
    start = end.saturating_sub(max_chars).min(start);
    let is_blank = |index: usize| {
        text[bounds[index]..]
            .chars()
            .next()
            .is_some_and(char::is_whitespace)
    };
    if start > 0
        && let Some(blank) = (start..from).take(24).find(|&index| is_blank(index))
    {
        start = blank + 1;
    }
    if end < chars
        && let Some(blank) = (to.max(end.saturating_sub(24))..end)
            .rev()
            .find(|&index| is_blank(index))
        && blank > start
    {
        end = blank;
    }
    (bounds[start], bounds[end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, terms: &[Terms]) -> Vec<String> {
        highlight(text, terms)
            .into_iter()
            .map(|range| text[range].to_owned())
            .collect()
    }

    #[test]
    fn finds_words_phrases_and_prefixes_in_the_original() {
        let text = "Crème Brûlée for the BUDGET plan; budgets follow.";
        assert_eq!(marked(text, &[Terms::of("creme brulee")]), ["Crème Brûlée"]);
        assert_eq!(marked(text, &[Terms::of("budget")]), ["BUDGET"]);
        assert_eq!(
            marked(text, &[Terms::prefix_of("budg")]),
            ["BUDGET", "budgets"]
        );
        assert_eq!(
            marked(text, &[Terms::of("plan budget")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn finds_runs_without_blanks() {
        assert_eq!(
            marked("次の会議室は三階です", &[Terms::of("会議室")]),
            ["会議室"]
        );
        assert_eq!(marked("次の会議室は三階です", &[Terms::of("室")]), ["室"]);
        assert_eq!(marked("会", &[Terms::of("会")]), ["会"]);
    }

    #[test]
    fn a_snippet_holds_its_matches_and_stays_short() {
        let text = format!(
            "{} the budget plan is done {}",
            "lorem ipsum ".repeat(40),
            "dolor sit ".repeat(40)
        );
        let cut = snippet(&text, &[Terms::of("budget"), Terms::of("plan")], 60);
        assert!(cut.cut_before && cut.cut_after && cut.text.chars().count() <= 60);
        let words: Vec<&str> = cut
            .ranges
            .iter()
            .map(|range| &cut.text[range.clone()])
            .collect();
        assert_eq!(words, ["budget", "plan"]);
        let whole = snippet("short", &[], 60);
        assert_eq!(
            whole,
            Snippet {
                text: "short".into(),
                ranges: vec![],
                cut_before: false,
                cut_after: false
            }
        );
    }
}

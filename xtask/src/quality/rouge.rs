//! ROUGE-1, ROUGE-2 and ROUGE-L, as F measures in percent over stemmed words.

use std::collections::HashMap;

use super::porter::stem;

/// F measures in percent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Scores {
    pub(super) one: f64,
    pub(super) two: f64,
    pub(super) l: f64,
}

/// Stemmed words: runs of ASCII letters and digits in lower case.
pub(super) fn tokens(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(stem)
        .collect()
}

/// Scores of a text against a reference.
pub(super) fn scores(text: &str, reference: &str) -> Scores {
    let (text, reference) = (tokens(text), tokens(reference));
    Scores {
        one: grams(&text, &reference, 1),
        two: grams(&text, &reference, 2),
        l: f(
            common_subsequence(&text, &reference),
            text.len(),
            reference.len(),
        ),
    }
}

/// Mean of many scores.
pub(super) fn mean(scores: &[Scores]) -> Scores {
    let count = real(scores.len().max(1));
    let sum = |part: fn(&Scores) -> f64| scores.iter().map(part).sum::<f64>() / count;
    Scores {
        one: sum(|score| score.one),
        two: sum(|score| score.two),
        l: sum(|score| score.l),
    }
}

fn grams(text: &[String], reference: &[String], n: usize) -> f64 {
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    for gram in reference.windows(n) {
        *counts.entry(gram).or_default() += 1;
    }
    let mut common = 0;
    for gram in text.windows(n) {
        if let Some(left) = counts.get_mut(gram)
            && *left > 0
        {
            *left -= 1;
            common += 1;
        }
    }
    let of = |tokens: &[String]| (tokens.len() + 1).saturating_sub(n);
    f(common, of(text), of(reference))
}

/// F measure in percent.
pub(super) fn f(common: usize, text: usize, reference: usize) -> f64 {
    if common == 0 {
        return 0.0;
    }
    200.0 * real(common) / real(text + reference)
}

fn common_subsequence(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for word in a {
        let mut diagonal = 0;
        for (at, other) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if word == other {
                diagonal + 1
            } else {
                above.max(row[at])
            };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[expect(clippy::cast_precision_loss, reason = "counts of words")]
pub(super) fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_definition() {
        let scores = scores("the boats were painted red", "the boat is painted in red");
        // Common words: the, boat, paint, red of 5 and 6; common pairs: "the boat" of 4 and 5.
        assert!((scores.one - 200.0 * 4.0 / 11.0).abs() < 1e-9);
        assert!((scores.two - 200.0 / 9.0).abs() < 1e-9);
        assert!((scores.l - 200.0 * 4.0 / 11.0).abs() < 1e-9);
        assert_eq!(super::scores("", "a b"), Scores::default());
    }
}

//! Chapters: where the words change, or somebody says that the next point comes.

use std::sync::LazyLock;

use crate::analysis::{Chapter, Kind, Talk};
use crate::summary::{extract, of_kind};
use crate::topics::{frequency, own_topics};
use crate::window::{pattern, real};

/// Sentences compared on both sides of a possible boundary.
const BLOCK: usize = 24;
/// A chapter is at least this long, in milliseconds.
const SHORTEST_MS: u32 = 180_000;
/// On average a chapter is about this long, in milliseconds.
const USUAL_MS: u32 = 480_000;
/// A talk of fewer sentences has no chapters.
const LEAST_SENTENCES: usize = 40;
/// Somebody announcing the next point counts as much as this fall of likeness.
const ANNOUNCED: f64 = 0.3;
/// Length of a chapter's summary in words.
const WORDS: usize = 45;

static NEXT: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:next\b|moving on|let's move|let's go to|with that|then we have|that brings us)|\bnext (?:topic|item|point|up|one is|on the agenda)\b|\bmov(?:e|ing) on (?:to|with)\b|\blast (?:topic|item|point)\b",
    )
});

pub(crate) fn chapters(talk: &Talk<'_, '_>) -> Vec<Chapter> {
    let english = talk
        .sentences
        .iter()
        .filter(|sentence| sentence.english)
        .count();
    if english < LEAST_SENTENCES
        || english * 2 < talk.sentences.len()
        || talk.length_ms < 2 * SHORTEST_MS
    {
        return Vec::new();
    }
    let mut starts = boundaries(talk);
    starts.push(talk.sentences.len());
    let everywhere = frequency(talk, 0..talk.sentences.len());
    starts
        .windows(2)
        .map(|pair| {
            let range = pair[0]..pair[1];
            let (first, last) = (&talk.sentences[range.start], &talk.sentences[range.end - 1]);
            let topics = own_topics(talk, range.clone(), &everywhere);
            let named: Vec<&str> = topics
                .iter()
                .take(3)
                .map(|topic| topic.name.as_str())
                .collect();
            let chosen = extract(talk, range, WORDS, None);
            Chapter {
                title: crate::tidy::finish(&named.join(", "))
                    .trim_end_matches('.')
                    .to_owned(),
                start_ms: first.start_ms,
                end_ms: last.end_ms,
                from: talk.lines[first.first].n,
                to: talk.lines[last.last].n,
                sentences: of_kind(talk, &chosen, Kind::Chapter),
            }
        })
        .collect()
}

/// Places of the first sentences of the chapters.
fn boundaries(talk: &Talk<'_, '_>) -> Vec<usize> {
    let likeness = likeness(talk);
    let mut scored: Vec<(f64, usize)> = (1..talk.sentences.len())
        .map(|at| {
            let announced = NEXT.is_match(talk.sentences[at].lower.as_bytes());
            (
                depth(&likeness, at) + if announced { ANNOUNCED } else { 0.0 },
                at,
            )
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let wanted = (talk.length_ms / USUAL_MS).max(1) as usize;
    let mut starts = vec![0];
    let end = talk.sentences.last().map_or(0, |sentence| sentence.end_ms);
    for (score, at) in scored {
        if starts.len() > wanted || score <= 0.0 {
            break;
        }
        let time = talk.sentences[at].start_ms;
        let far = starts
            .iter()
            .all(|start| talk.sentences[*start].start_ms.abs_diff(time) >= SHORTEST_MS);
        if far && end.saturating_sub(time) >= SHORTEST_MS {
            starts.push(at);
        }
    }
    starts.sort_unstable();
    starts
}

/// Cosine between the words before and behind each sentence's beginning.
fn likeness(talk: &Talk<'_, '_>) -> Vec<f64> {
    let sentences = talk.sentences;
    let (mut before, mut behind) = (vec![0.0; talk.numbers.len()], vec![0.0; talk.numbers.len()]);
    let (mut dot, mut square_before, mut square_behind) = (0.0, 0.0, 0.0);
    // One word more or less on one side changes the sums by what they say, so that no sum is ever made anew.
    let mut change = |behind_side: bool, stem: u32, by: f64| {
        let stem = stem as usize;
        let (own, other, square) = if behind_side {
            (&mut behind[stem], before[stem], &mut square_behind)
        } else {
            (&mut before[stem], behind[stem], &mut square_before)
        };
        *square += by * (2.0 * *own + by);
        *own += by;
        dot += by * other;
        (dot, square_before, square_behind)
    };
    for sentence in sentences.iter().take(BLOCK) {
        for stem in &sentence.stems {
            change(true, *stem, 1.0);
        }
    }
    let mut out = Vec::with_capacity(sentences.len());
    for at in 0..sentences.len() {
        let mut sums = (0.0, 0.0, 0.0);
        if at > 0 {
            for stem in &sentences[at - 1].stems {
                change(true, *stem, -1.0);
                sums = change(false, *stem, 1.0);
            }
            if let Some(gone) = (at - 1).checked_sub(BLOCK) {
                for stem in &sentences[gone].stems {
                    sums = change(false, *stem, -1.0);
                }
            }
            if let Some(come) = sentences.get(at + BLOCK - 1) {
                for stem in &come.stems {
                    sums = change(true, *stem, 1.0);
                }
            }
            // Nothing changed: ask for the sums as they are.
            if sums == (0.0, 0.0, 0.0) {
                sums = change(true, 0, 0.0);
            }
        }
        let (dot, one, other) = sums;
        let length: f64 = (one * other).max(0.0);
        out.push(if length > 0.0 {
            dot / length.sqrt()
        } else {
            0.0
        });
    }
    out
}

/// How far likeness falls at a place below its height on both sides.
fn depth(likeness: &[f64], at: usize) -> f64 {
    let here = likeness[at];
    let height =
        |side: &mut dyn Iterator<Item = &f64>| side.take(BLOCK).copied().fold(here, f64::max);
    let left = height(&mut likeness[..at].iter().rev());
    let right = height(&mut likeness[at..].iter());
    // At the ends one side has too few sentences to be compared.
    let full = real(at.min(likeness.len() - at).min(BLOCK)) / real(BLOCK);
    (left + right - 2.0 * here) * full
}

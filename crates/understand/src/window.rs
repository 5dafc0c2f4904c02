//! Evidence that gathers: a moment counts by the signs around it, because people agree on things in several sentences.

use regex::bytes::{Regex, RegexBuilder};

use crate::sentence::Sentence;

/// A sign counts at most this often in one window.
const MOST_OF_A_SIGN: f64 = 2.0;
/// How much of a sign's weight stays at the edge of the window.
const AT_THE_EDGE: f64 = 0.25;
/// How much the signs of the sentence itself count once more.
const OWN: f64 = 1.0;

/// A sign: what it looks like, and its weight.
pub(crate) struct Sign {
    pub(crate) looks: Regex,
    pub(crate) weight: f64,
    /// A sentence with this sign can be reported.
    pub(crate) leads: bool,
}

/// A pattern over text in lower case; bytes and ASCII classes only, which is several times as fast.
pub(crate) fn pattern(pattern: &str) -> Regex {
    RegexBuilder::new(pattern)
        .unicode(false)
        .build()
        .expect("the patterns are constants, and a test compiles each")
}

/// Signs of each sentence, as bits.
pub(crate) fn signs(sentences: &[Sentence], signs: &[Sign]) -> Vec<u32> {
    sentences
        .iter()
        .map(|sentence| {
            if !sentence.english {
                return 0;
            }
            signs.iter().enumerate().fold(0, |bits, (at, sign)| {
                bits | (u32::from(sign.looks.is_match(sentence.lower.as_bytes())) << at)
            })
        })
        .collect()
}

/// Score of each sentence from the signs within `reach_ms` around it.
pub(crate) fn scores(
    sentences: &[Sentence],
    bits: &[u32],
    signs: &[Sign],
    reach_ms: u32,
) -> Vec<f64> {
    let mut first = 0;
    let mut out = Vec::with_capacity(sentences.len());
    for (at, sentence) in sentences.iter().enumerate() {
        while sentence.start_ms - sentences[first].start_ms > reach_ms {
            first += 1;
        }
        let mut sums = [0.0_f64; 32];
        for (other, bits) in sentences[first..].iter().zip(&bits[first..]) {
            let away = other.start_ms.abs_diff(sentence.start_ms);
            if other.start_ms > sentence.start_ms && away > reach_ms {
                break;
            }
            let near = 1.0 - f64::from(away) / f64::from(reach_ms.max(1)) * (1.0 - AT_THE_EDGE);
            let mut left = *bits;
            while left != 0 {
                sums[left.trailing_zeros() as usize] += near;
                left &= left - 1;
            }
        }
        let around: f64 = signs
            .iter()
            .zip(sums)
            .map(|(sign, sum)| sign.weight * sum.min(MOST_OF_A_SIGN))
            .sum();
        let own: f64 = signs
            .iter()
            .enumerate()
            .filter(|(index, _)| bits[at] >> index & 1 == 1)
            .map(|(_, sign)| sign.weight)
            .sum();
        out.push(around + OWN * own);
    }
    out
}

/// The best moments, at least `apart_ms` from each other, at most `most`, each scoring at least `least`.
pub(crate) fn peaks(
    sentences: &[Sentence],
    scores: &[f64],
    candidate: impl Fn(usize) -> bool,
    (apart_ms, most, least): (u32, usize, f64),
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sentences.len())
        .filter(|at| scores[*at] >= least && candidate(*at))
        .collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let mut taken: Vec<usize> = Vec::new();
    for at in order {
        if taken.len() >= most {
            break;
        }
        let free = taken
            .iter()
            .all(|other| sentences[*other].start_ms.abs_diff(sentences[at].start_ms) >= apart_ms);
        if free {
            taken.push(at);
        }
    }
    taken.sort_unstable();
    taken
}

/// How many things of a kind are reported of a talk: `per_hour`, and at least `least`.
pub(crate) fn how_many(length_ms: u32, per_hour: u64, least: usize) -> usize {
    let wanted = (u64::from(length_ms) * per_hour).div_ceil(3_600_000);
    usize::try_from(wanted).unwrap_or(usize::MAX).max(least)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of words and bytes, far below 2^52"
)]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}

/// Rounded to two decimals.
pub(crate) fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

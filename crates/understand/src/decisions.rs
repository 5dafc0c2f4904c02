//! Decisions: what was agreed on, where assent gathers.

use crate::analysis::{Insight, Kind, Talk};
use crate::signs::{ABOUT_THE_CALL, DECIDED, DECISION, PROPOSES};
use crate::window::{how_many, peaks, scores, signs};

/// Signs this far away still count, in milliseconds: assent comes from several people.
const REACH_MS: u32 = 60_000;
/// Decisions lie so far apart, in milliseconds.
const APART_MS: u32 = 45_000;
/// So many are reported for an hour of talk, and at least the second figure for a short one.
const PER_HOUR: (u64, usize) = (3, 3);
/// Least score: a decision said outright reaches it, "let's" alone does not.
const LEAST: f64 = 3.0;
/// A score of this is as sure as the rules get.
const SURE: f64 = 14.0;
/// A decision has at least so many words.
const SHORTEST: usize = 5;

pub(crate) fn decisions(talk: &Talk<'_, '_>) -> Vec<Insight> {
    let sentences = talk.sentences;
    let mut bits = signs(sentences, &DECISION);
    for (bits, sentence) in bits.iter_mut().zip(sentences) {
        if *bits != 0 && ABOUT_THE_CALL.is_match(sentence.lower.as_bytes()) {
            *bits = 0;
        }
    }
    let leads: u32 = DECISION
        .iter()
        .enumerate()
        .map(|(at, sign)| u32::from(sign.leads) << at)
        .sum();
    let scores = scores(sentences, &bits, &DECISION, REACH_MS);
    let most = how_many(talk.length_ms, PER_HOUR.0, PER_HOUR.1);
    peaks(
        sentences,
        &scores,
        |at| {
            let sentence = &sentences[at];
            // A proposal is not yet a decision, however much assent it finds: what is agreed on is said again.
            let proposed = bits[at] & DECIDED == 0 && PROPOSES.is_match(sentence.lower.as_bytes());
            bits[at] & leads != 0
                && !proposed
                && sentence.length >= SHORTEST
                && !sentence.lower.ends_with('?')
        },
        (APART_MS, most, LEAST),
    )
    .into_iter()
    .map(|at| {
        talk.insight(
            &sentences[at],
            Kind::Decision,
            (scores[at] / SURE).clamp(0.2, 0.95),
        )
    })
    .collect()
}

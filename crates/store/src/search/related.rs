//! Words that go with a question in one meeting: those of the places that answer it best so far.
//!
//! People ask for a quotation and the talk is of prices. Words that several of the best places have in common, and the
//! meeting at large has not, are counted as part of the question, with less weight than what was asked (relevance feedback
//! without anybody's judgement, as the RM3 model does it).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use parfocal_formats::text;

use super::leaf::Leaf;
use super::rank::{Plan, float, says_nothing_of};

/// Places that are read for words.
const PLACES: usize = 10;
/// Words taken from them.
const WORDS: usize = 10;
/// What they count together, as a share of what was asked.
const SHARE: f64 = 0.3;
/// Shorter ones are mostly no words of their own.
const SHORTEST: usize = 4;

/// A stem's words in the places that are read.
#[derive(Default)]
struct Stem {
    /// In which of the places, a bit each.
    places: u16,
    terms: Vec<usize>,
    units: BTreeSet<u32>,
}

/// The units of related words, each word with its share of the weight; `best` are units in the order they are ranked.
pub(super) fn words(
    leaf: &Leaf<'_>,
    best: &[u32],
    reach: u32,
    plan: &Plan,
) -> Vec<(BTreeMap<u32, u32>, f64)> {
    let mut places: HashMap<u32, u16> = HashMap::new();
    for (at, unit) in best.iter().take(PLACES).enumerate() {
        for near in unit.saturating_sub(reach)..=unit.saturating_add(reach) {
            *places.entry(near).or_default() |= 1 << at;
        }
    }
    let asked: Vec<_> = plan
        .groups
        .iter()
        .flatten()
        .flat_map(|matcher| &matcher.tokens)
        .map(|token| text::stem(token))
        .collect();
    let mut stems: BTreeMap<String, Stem> = BTreeMap::new();
    for (term, word) in leaf.beginning("") {
        if word.chars().count() < SHORTEST || says_nothing_of(word) {
            continue;
        }
        let mut within = 0_u16;
        let mut units = Vec::new();
        leaf.postings(term, |unit, _| {
            within |= places.get(&unit).copied().unwrap_or(0);
            units.push(unit);
        });
        let stem = text::stem(word);
        if within == 0 || asked.contains(&stem) {
            continue;
        }
        let known = stems.entry(stem.into_owned()).or_default();
        known.places |= within;
        known.terms.push(term);
        known.units.extend(units);
    }
    let total = float(leaf.len());
    let mut worth: Vec<(f64, Stem)> = stems
        .into_values()
        .map(|stem| {
            let with = float(stem.units.len());
            let rare = (1.0 + (total - with + 0.5).max(0.0) / (with + 0.5)).ln();
            (f64::from(stem.places.count_ones()) * rare, stem)
        })
        .collect();
    // The map was in order of the stems, and sorting keeps what is equal in order.
    worth.sort_by(|a, b| b.0.total_cmp(&a.0));
    worth.truncate(WORDS);
    let sum: f64 = worth.iter().map(|(worth, _)| worth).sum();
    worth
        .into_iter()
        .map(|(worth, stem)| {
            let mut units: BTreeMap<u32, u32> = BTreeMap::new();
            for term in stem.terms {
                leaf.postings(term, |unit, times| {
                    *units.entry(unit).or_default() +=
                        u32::try_from(times.len()).unwrap_or(u32::MAX);
                });
            }
            (units, SHARE * worth / sum.max(f64::MIN_POSITIVE))
        })
        .collect()
}

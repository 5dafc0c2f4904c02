//! The units of a meeting that fit, and how well.
//!
//! What is said is spread over turns: somebody asks with one word, somebody else answers with the other. So a unit counts
//! what its neighbours say too, less the further away they are; and of units that stand together the best comes first and
//! the others behind, since one look at the place shows them all.

use std::collections::{BTreeMap, BTreeSet};

use parfocal_formats::query::{Clause, ClauseKind, Query};
use parfocal_formats::text::{self, Terms};

use super::{HitKind, leaf::Leaf, related};

/// Units to each side whose words count. Spans of the talk that answer a question are a dozen units long or more.
const REACH: u32 = 4;
/// How fast the weight of neighbours falls.
const FALL: f64 = 0.35;
/// How much the unit's own words (BM25) count beside its neighbourhood.
const OWN: f64 = 0.3;
/// Units to each side that one look shows, as far as no more words lie between: behind a better hit so near, a hit counts a
/// tenth. Somebody who speaks at length is a place of their own.
const BESIDE: u32 = 8;
const BESIDE_WORDS: u32 = 80;
const BEHIND: f64 = 0.1;
/// The two constants of BM25, as everywhere.
const K: f64 = 1.2;
const B: f64 = 0.75;

/// Words of English that say nothing about what is meant; left out where any word will do.
const EMPTY: &str = " a about all also am an and any are as at be been but by can could did do does for from had has have \
    he her his how i if in into is it its just me my no not of on or our said say says she should so tell than that the \
    their them then there they this to us was we were what when where which who whom whose why will with would you your \
    anybody anyone everybody somebody someone happened summarize summarise discuss discussed discussion discussing think thinks thought meeting meetings during give gave given whole \
    opinion ";

/// Whether a word says nothing about what is meant.
pub(super) fn says_nothing_of(word: &str) -> bool {
    EMPTY.contains(&format!(" {word} "))
}

/// One word, phrase or beginning that is looked for.
pub(super) struct Matcher {
    pub(super) tokens: Vec<String>,
    /// As written, rather than in any form.
    pub(super) exact: bool,
    pub(super) prefix: bool,
    pub(super) fuzzy: bool,
    /// Words that are taken in its place.
    pub(super) instead: Vec<String>,
}

impl Matcher {
    fn of(clause: &Clause) -> Self {
        Self {
            tokens: clause.terms.tokens.clone(),
            exact: matches!(clause.kind, ClauseKind::Phrase | ClauseKind::Prefix),
            prefix: clause.terms.prefix,
            fuzzy: clause.kind == ClauseKind::Fuzzy,
            instead: Vec::new(),
        }
    }
}

/// The kinds of units that any meeting may have.
pub(super) const EVERY_KIND: i64 = -1;

/// What is looked for.
pub(super) struct Plan {
    /// Of each group one has to fit.
    pub(super) groups: Vec<Vec<Matcher>>,
    pub(super) unwanted: Vec<Matcher>,
    pub(super) speakers: Vec<Terms>,
    pub(super) not_speakers: Vec<Terms>,
    pub(super) kinds: Vec<HitKind>,
    pub(super) not_kinds: Vec<HitKind>,
    /// Whether every group has to fit, or any.
    pub(super) every: bool,
    /// Whether what stands beside the words, or has words that go with them, is an answer too.
    pub(super) beside: bool,
}

impl Plan {
    pub(super) fn of(query: &Query, every: bool, beside: bool) -> Self {
        let mut groups: Vec<Vec<Matcher>> = Vec::new();
        let wanted = |clause: &&Clause| !clause.negated && !clause.terms.is_empty();
        for clause in query.clauses.iter().filter(wanted) {
            match groups.last_mut() {
                Some(group) if clause.alternative => group.push(Matcher::of(clause)),
                _ => groups.push(vec![Matcher::of(clause)]),
            }
        }
        if !every {
            let says_nothing = |group: &Vec<Matcher>| {
                group
                    .iter()
                    .all(|matcher| matcher.tokens.iter().all(|token| says_nothing_of(token)))
            };
            if !groups.iter().all(says_nothing) {
                groups.retain(|group| !says_nothing(group));
            }
        }
        let unwanted = |clause: &&Clause| clause.negated && !clause.terms.is_empty();
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
        let kinds = |negated: bool| {
            query
                .filters
                .kind
                .iter()
                .filter(|filter| filter.negated == negated)
                .filter_map(|filter| HitKind::named(&filter.value))
                .collect()
        };
        Self {
            groups,
            unwanted: query
                .clauses
                .iter()
                .filter(unwanted)
                .map(Matcher::of)
                .collect(),
            speakers: speakers(false),
            not_speakers: speakers(true),
            kinds: kinds(false),
            not_kinds: kinds(true),
            every,
            beside: beside && !every,
        }
    }

    /// The kinds of units that can be found, a bit each: a meeting that has none of them need not be read.
    pub(super) fn reach(&self) -> i64 {
        let bits = |kinds: &[HitKind]| kinds.iter().fold(0, |bits, kind| bits | kind.bit());
        let wanted = if self.kinds.is_empty() {
            EVERY_KIND
        } else {
            bits(&self.kinds)
        };
        wanted & !bits(&self.not_kinds)
    }
}

/// Which units of a meeting fit, before they are weighed.
pub(super) struct Fitting {
    /// For each group: units, and how often it stands in each.
    groups: Vec<BTreeMap<u32, u32>>,
    /// For each group: units of speakers with such a name, where any word will do.
    spoken: Vec<BTreeSet<u32>>,
    units: Vec<u32>,
    /// What was said and may be an answer without a word of the question.
    open: Vec<u32>,
    total: usize,
}

/// A unit that fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    pub(super) unit: u32,
    pub(super) score: f64,
}

/// The units of a meeting that fit a plan.
pub(super) fn fitting(leaf: &Leaf<'_>, plan: &Plan) -> Fitting {
    let groups: Vec<BTreeMap<u32, u32>> = plan
        .groups
        .iter()
        .map(|group| {
            let mut units = BTreeMap::new();
            for matcher in group {
                occurrences(leaf, matcher, &mut units);
            }
            units
        })
        .collect();
    let mut unwanted = BTreeMap::new();
    for matcher in &plan.unwanted {
        occurrences(leaf, matcher, &mut unwanted);
    }
    let names: Vec<Vec<String>> = if plan.speakers.is_empty() && plan.not_speakers.is_empty() {
        Vec::new()
    } else {
        leaf.speakers().into_iter().map(tokens).collect()
    };
    let speaks = |speaker: usize, terms: &Terms| {
        speaker > 0
            && names
                .get(speaker - 1)
                .is_some_and(|name| stands_in(name, terms))
    };
    // A title is true of everything under it; a unit has to have something of its own all the same.
    let titled: Vec<bool> = groups.iter().map(|units| title_has(leaf, units)).collect();
    let fits = |unit: &u32| {
        let Some(of) = leaf.unit(*unit as usize) else {
            return false;
        };
        let words = if plan.every {
            groups
                .iter()
                .zip(&titled)
                .all(|(units, titled)| *titled || units.contains_key(unit))
        } else {
            true
        };
        words
            && !unwanted.contains_key(unit)
            && (plan.kinds.is_empty() || plan.kinds.contains(&of.kind))
            && !plan.not_kinds.contains(&of.kind)
            && (plan.speakers.is_empty()
                || plan.speakers.iter().any(|terms| speaks(of.speaker, terms)))
            && !plan
                .not_speakers
                .iter()
                .any(|terms| speaks(of.speaker, terms))
    };
    let all = u32::try_from(leaf.len()).unwrap_or(0);
    let units: Vec<u32> = if groups.is_empty() {
        (0..all).filter(fits).collect()
    } else {
        let mut candidates: Vec<u32> = groups.iter().flat_map(BTreeMap::keys).copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(fits);
        candidates
    };
    let said = |unit: &u32| {
        leaf.unit(*unit as usize)
            .is_some_and(|unit| unit.kind == HitKind::Said)
    };
    let open = if plan.beside && !groups.is_empty() {
        (0..all).filter(said).filter(fits).collect()
    } else {
        Vec::new()
    };
    Fitting {
        spoken: spoken(leaf, plan),
        groups,
        units,
        open,
        total: leaf.len(),
    }
}

/// The units of speakers that are named among the words: who asks what Ana thinks of something means what Ana says.
fn spoken(leaf: &Leaf<'_>, plan: &Plan) -> Vec<BTreeSet<u32>> {
    if plan.every {
        return vec![BTreeSet::new(); plan.groups.len()];
    }
    let names: Vec<Vec<String>> = leaf.speakers().into_iter().map(tokens).collect();
    let units = |group: &Vec<Matcher>| {
        let named: Vec<usize> = names
            .iter()
            .enumerate()
            .filter(|(_, name)| {
                let mut words = group.iter().flat_map(|matcher| &matcher.tokens);
                words.any(|word| name.contains(word))
            })
            .map(|(at, _)| at + 1)
            .collect();
        if named.is_empty() {
            return BTreeSet::new();
        }
        (0..leaf.len())
            .filter(|at| {
                leaf.unit(*at)
                    .is_some_and(|unit| named.contains(&unit.speaker))
            })
            .filter_map(|at| u32::try_from(at).ok())
            .collect()
    };
    plan.groups.iter().map(units).collect()
}

impl Fitting {
    pub(super) fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    pub(super) fn units(&self) -> impl Iterator<Item = u32> + '_ {
        self.units.iter().copied()
    }
}

fn title_has(leaf: &Leaf<'_>, units: &BTreeMap<u32, u32>) -> bool {
    units.contains_key(&0) && leaf.unit(0).is_some_and(|unit| unit.kind == HitKind::Title)
}

/// How much each group says: the rarer over these meetings, the more.
pub(super) fn weights(of: &[Fitting], groups: usize) -> Vec<f64> {
    let total: usize = of.iter().map(|fitting| fitting.total).sum();
    (0..groups)
        .map(|group| {
            let with: usize = of
                .iter()
                .filter_map(|fitting| fitting.groups.get(group))
                .map(BTreeMap::len)
                .sum();
            let (total, with) = (float(total), float(with));
            (1.0 + (total - with + 0.5).max(0.0) / (with + 0.5)).ln()
        })
        .collect()
}

/// How well a meeting fits as a whole: BM25 over its words, of which a second time says less than the first.
///
/// The database's own ranking gives nothing to words that stand in more than half of all meetings; most words that people
/// ask with do, once meetings are long.
pub(super) fn whole(leaf: &Leaf<'_>, fitting: &Fitting, weights: &[f64], average: f64) -> f64 {
    let norm = K * (1.0 - B + B * float(leaf.words()) / average.max(1.0));
    let groups = fitting.groups.iter().zip(&fitting.spoken).zip(weights);
    groups
        .map(|((units, spoken), weight)| {
            let times: u32 = units.values().sum();
            let times = f64::from(times) + if spoken.is_empty() { 0.0 } else { 1.0 };
            if times < 1.0 {
                return 0.0;
            }
            let times = 1.0 + times.ln();
            weight * times * (K + 1.0) / (times + norm)
        })
        .sum()
}

/// Adds up how well each unit fits, group by group: its own words, and those around it.
struct Scores<'l> {
    leaf: &'l Leaf<'l>,
    average: f64,
    of: Vec<f64>,
    /// Whether a word of any group stands in reach.
    reached: Vec<bool>,
}

impl Scores<'_> {
    fn add(&mut self, units: &BTreeMap<u32, u32>, spoken: &BTreeSet<u32>, weight: f64) {
        let mut near = vec![0.0_f64; self.of.len()];
        let around = |unit: u32| {
            let last = u32::try_from(self.of.len())
                .unwrap_or(u32::MAX)
                .saturating_sub(1);
            unit.saturating_sub(REACH)..=unit.saturating_add(REACH).min(last)
        };
        for &unit in units.keys() {
            for other in around(unit) {
                near[other as usize] += 1.0 / (1.0 + FALL * f64::from(other.abs_diff(unit)));
                self.reached[other as usize] = true;
            }
        }
        for &unit in spoken.iter().filter(|unit| !units.contains_key(unit)) {
            for other in around(unit) {
                near[other as usize] += 1.0 / (1.0 + FALL * f64::from(other.abs_diff(unit)));
            }
        }
        for (score, near) in self.of.iter_mut().zip(near) {
            *score += weight * near / (near + 1.0);
        }
        for (&unit, &times) in units {
            let length = self.leaf.unit(unit as usize).map_or(0, |unit| unit.length);
            let norm = K * (1.0 - B + B * f64::from(length) / self.average);
            let times = f64::from(times);
            if let Some(score) = self.of.get_mut(unit as usize) {
                *score += weight * OWN * times * (K + 1.0) / (times + norm);
            }
        }
    }

    /// The best first, and those that one look at a better one shows behind.
    fn ordered(&self, fitting: &Fitting) -> Vec<Fit> {
        let reached = |unit: &&u32| self.reached.get(**unit as usize) == Some(&true);
        let mut units: Vec<u32> = fitting.open.iter().filter(reached).copied().collect();
        units.extend(&fitting.units);
        units.sort_unstable();
        units.dedup();
        let mut fits: Vec<Fit> = units
            .into_iter()
            .map(|unit| Fit {
                unit,
                score: self.of.get(unit as usize).copied().unwrap_or(0.0),
            })
            .collect();
        fits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.unit.cmp(&b.unit)));
        let mut begins = Vec::with_capacity(self.of.len() + 1);
        let mut words = 0_u32;
        begins.push(0);
        for at in 0..self.of.len() {
            words = words.saturating_add(self.leaf.unit(at).map_or(0, |unit| unit.length));
            begins.push(words);
        }
        let beside = |one: u32, other: u32| {
            let (first, second) = (one.min(other), one.max(other));
            let end = begins.get(first as usize + 1).copied().unwrap_or(0);
            let begin = begins.get(second as usize).copied().unwrap_or(0);
            second - first <= BESIDE && begin.saturating_sub(end) <= BESIDE_WORDS
        };
        let mut shown: Vec<u32> = Vec::new();
        fits.retain_mut(|fit| {
            if shown.iter().any(|other| beside(*other, fit.unit)) {
                fit.score *= BEHIND;
                // Without a word of the question it has nothing that the better one does not show.
                return fitting.units.binary_search(&fit.unit).is_ok();
            }
            if shown.len() < 64 {
                shown.push(fit.unit);
            }
            true
        });
        fits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.unit.cmp(&b.unit)));
        fits
    }
}

/// The fitting units, the best first.
pub(super) fn ranked(leaf: &Leaf<'_>, fitting: &Fitting, weights: &[f64], plan: &Plan) -> Vec<Fit> {
    let lengths: u64 = fitting
        .units
        .iter()
        .filter_map(|unit| leaf.unit(*unit as usize))
        .map(|unit| u64::from(unit.length))
        .sum();
    let average = (float(usize::try_from(lengths).unwrap_or(usize::MAX))
        / float(fitting.units.len().max(1)))
    .max(1.0);
    let mut scores = Scores {
        leaf,
        average,
        of: vec![0.0; leaf.len()],
        reached: vec![false; leaf.len()],
    };
    let groups = fitting.groups.iter().zip(&fitting.spoken).zip(weights);
    for ((units, spoken), weight) in groups.clone() {
        scores.add(units, spoken, *weight);
    }
    let fits = scores.ordered(fitting);
    if fitting.open.is_empty() {
        return fits;
    }
    let asked: f64 = groups
        .filter(|((units, spoken), _)| !units.is_empty() || !spoken.is_empty())
        .map(|(_, weight)| *weight)
        .sum();
    let best: Vec<u32> = fits.iter().map(|fit| fit.unit).collect();
    for (units, share) in related::words(leaf, &best, REACH, plan) {
        scores.add(&units, &BTreeSet::new(), asked * share);
    }
    // Every meeting has words that go with its own best places: against other meetings, what was asked counts alone.
    let mut wider = scores.ordered(fitting);
    let first = |fits: &[Fit]| fits.first().map_or(0.0, |fit| fit.score);
    let back = first(&fits) / first(&wider).max(f64::MIN_POSITIVE);
    for fit in &mut wider {
        fit.score *= back;
    }
    wider
}

pub(super) fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn tokens(name: &str) -> Vec<String> {
    text::index_text(name)
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect()
}

/// Whether a name has these words, the last one at least begun.
fn stands_in(name: &[String], terms: &Terms) -> bool {
    let last = terms.tokens.len() - 1;
    name.windows(terms.tokens.len()).any(|window| {
        window
            .iter()
            .zip(&terms.tokens)
            .enumerate()
            .all(|(at, (have, want))| {
                if at == last && terms.prefix {
                    have.starts_with(want.as_str())
                } else {
                    have == want
                }
            })
    })
}

/// The words of the meeting that a token stands for.
fn words(
    leaf: &Leaf<'_>,
    token: &str,
    exact: bool,
    prefix: bool,
    instead: &[String],
) -> Vec<usize> {
    let mut found: Vec<usize> = if prefix {
        leaf.beginning(token).map(|(at, _)| at).collect()
    } else if exact {
        leaf.beginning(token)
            .take_while(|(_, term)| *term == token)
            .map(|(at, _)| at)
            .collect()
    } else {
        let stem = text::stem(token);
        // All forms of a word begin alike, if only with some letters.
        let mut cut = stem.len().min(3);
        while !stem.is_char_boundary(cut) {
            cut += 1;
        }
        leaf.beginning(&stem[..cut])
            .filter(|(_, term)| *term == token || text::stem(term) == stem)
            .map(|(at, _)| at)
            .collect()
    };
    for other in instead {
        found.extend(
            leaf.beginning(other)
                .take_while(|(_, term)| term == other)
                .map(|(at, _)| at),
        );
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Adds the units that a matcher stands in.
fn occurrences(leaf: &Leaf<'_>, matcher: &Matcher, out: &mut BTreeMap<u32, u32>) {
    let last = matcher.tokens.len().saturating_sub(1);
    let of = |at: usize| {
        let prefix = matcher.prefix && at == last;
        let instead: &[String] = if last == 0 { &matcher.instead } else { &[] };
        words(leaf, &matcher.tokens[at], matcher.exact, prefix, instead)
    };
    if last == 0 {
        for term in of(0) {
            leaf.postings(term, |unit, places| {
                *out.entry(unit).or_default() += u32::try_from(places.len()).unwrap_or(u32::MAX);
            });
        }
        return;
    }
    // Several tokens stand next to each other, in this order.
    let mut ends: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for at in 0..=last {
        let mut here: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for term in of(at) {
            leaf.postings(term, |unit, places| {
                if at == 0 {
                    here.entry(unit).or_default().extend(places);
                } else if let Some(before) = ends.get(&unit) {
                    let follow = places
                        .iter()
                        .filter(|place| place.checked_sub(1).is_some_and(|p| before.contains(&p)));
                    here.entry(unit).or_default().extend(follow);
                }
            });
        }
        here.retain(|_, places| !places.is_empty());
        ends = here;
        if ends.is_empty() {
            return;
        }
    }
    for (unit, places) in ends {
        *out.entry(unit).or_default() += u32::try_from(places.len()).unwrap_or(u32::MAX);
    }
}

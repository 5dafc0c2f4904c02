//! Topics: the nouns and pairs of nouns that a talk comes back to.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::analysis::{Insight, Kind, Talk};
use crate::sentence::Sentence;
use crate::window::real;
use crate::words::words;

/// A word is taken for a noun when this share of its uses stands behind a determiner ("the", "our", "a new ...").
const NOUN_SHARE: f64 = 0.3;
/// A topic is spoken of in at least this many sentences.
const LEAST: usize = 3;
/// A pair of words that comes again and again says more than a word.
const PAIR_WEIGHT: f64 = 3.0;
/// How many topics are reported.
const MOST: usize = 10;
/// Forms of a word that are told apart.
const FORMS: usize = 8;

/// One topic.
pub(crate) struct Topic {
    /// As it is mostly written.
    pub(crate) name: String,
    /// It is mostly written with a capital letter inside sentences: a name.
    pub(crate) proper: bool,
    /// Place of the sentence that has it first.
    pub(crate) sentence: usize,
    /// In how many sentences it is spoken of.
    pub(crate) count: usize,
}

/// How a word or a pair is used.
#[derive(Default, Clone)]
struct Use {
    count: usize,
    sentences: usize,
    last: Option<usize>,
    behind_determiner: usize,
    first: usize,
    written: Vec<(String, usize)>,
    capital: usize,
    inside: usize,
}

impl Use {
    fn add(&mut self, sentence: usize, surface: &str, inside: bool) {
        if self.count == 0 {
            self.first = sentence;
        }
        self.count += 1;
        if self.last != Some(sentence) {
            self.sentences += 1;
            self.last = Some(sentence);
        }
        if inside {
            self.inside += 1;
            self.capital += usize::from(surface.chars().any(char::is_uppercase));
        }
        if let Some((_, count)) = self
            .written
            .iter_mut()
            .find(|(written, _)| written == surface)
        {
            *count += 1;
        } else if self.written.len() < FORMS {
            self.written.push((surface.to_owned(), 1));
        }
    }

    fn topic(&self) -> Topic {
        let proper = self.inside > 0 && self.capital * 2 > self.inside;
        let mut best: Option<&(String, usize)> = None;
        for written in &self.written {
            let lower = written.0.chars().all(|c| !c.is_uppercase());
            if (proper || lower) && best.is_none_or(|best| written.1 > best.1) {
                best = Some(written);
            }
        }
        let name = best.map_or_else(
            || {
                self.written
                    .first()
                    .map_or_else(String::new, |(name, _)| name.to_lowercase())
            },
            |(name, _)| name.clone(),
        );
        Topic {
            name,
            proper,
            sentence: self.first,
            count: self.sentences,
        }
    }
}

/// Counts of all words and pairs in a stretch of the talk.
struct Census {
    single: Vec<Use>,
    pairs: BTreeMap<(u32, u32), Use>,
}

fn census(talk: &Talk<'_, '_>, range: Range<usize>) -> Census {
    let mut census = Census {
        single: vec![Use::default(); talk.numbers.len()],
        pairs: BTreeMap::new(),
    };
    for at in range {
        let sentence = &talk.sentences[at];
        if sentence.english {
            count(talk, at, sentence, &mut census);
        }
    }
    census
}

fn count(talk: &Talk<'_, '_>, at: usize, sentence: &Sentence, census: &mut Census) {
    // The word before: its number if it carries a topic, where it ends, and whether a determiner stands before it.
    let mut before: Option<(u32, &str, bool)> = None;
    let mut determined = false;
    for (index, word) in words(&sentence.clean).enumerate() {
        let lower = word.to_lowercase();
        let number = (!talk.words.empty(&lower))
            .then(|| talk.numbers.known(&lower))
            .flatten();
        let Some(number) = number else {
            determined = talk.words.determiner(&lower);
            before = None;
            continue;
        };
        let inside = index > 0;
        let one = &mut census.single[number as usize];
        one.add(at, word, inside);
        let behind = determined || before.is_some_and(|(_, _, behind)| behind);
        one.behind_determiner += usize::from(behind);
        if let Some((first, surface, _)) = before
            && first != number
        {
            let pair = format!("{surface} {word}");
            census
                .pairs
                .entry((first, number))
                .or_default()
                .add(at, &pair, index > 1);
        }
        before = Some((number, word, determined));
        determined = false;
    }
}

/// The topics of a stretch of the talk, the most talked about first.
pub(crate) fn topics(talk: &Talk<'_, '_>, range: Range<usize>) -> Vec<Topic> {
    rank(talk, &census(talk, range), |_, count| real(count))
}

/// What a stretch of the talk is about and the rest is not.
pub(crate) fn own_topics(
    talk: &Talk<'_, '_>,
    range: Range<usize>,
    everywhere: &[usize],
) -> Vec<Topic> {
    rank(talk, &census(talk, range), |number, count| {
        real(count * count) / real(everywhere[number as usize].max(1))
    })
}

fn rank(talk: &Talk<'_, '_>, census: &Census, weight: impl Fn(u32, usize) -> f64) -> Vec<Topic> {
    let noun = |one: &Use| {
        one.sentences >= LEAST
            && real(one.behind_determiner) >= NOUN_SHARE * real(one.count)
            && !one
                .written
                .iter()
                .any(|(written, _)| talk.words.general(&written.to_lowercase()))
    };
    let mut scored: Vec<(f64, [u32; 2], &Use)> = Vec::new();
    for (number, one) in (0_u32..).zip(&census.single) {
        if noun(one) {
            scored.push((weight(number, one.sentences), [number, number], one));
        }
    }
    for ((first, second), pair) in &census.pairs {
        let head = &census.single[*second as usize];
        let general = pair.written.iter().any(|(written, _)| {
            written
                .split(' ')
                .any(|word| talk.words.general(&word.to_lowercase()))
        });
        if pair.count >= LEAST && noun(head) && !general {
            scored.push((
                PAIR_WEIGHT * weight(*second, pair.count),
                [*first, *second],
                pair,
            ));
        }
    }
    scored.sort_by(|a, b| {
        b.0.total_cmp(&a.0)
            .then(a.2.first.cmp(&b.2.first))
            .then(a.1.cmp(&b.1))
    });
    let mut taken: Vec<u32> = Vec::new();
    let mut out = Vec::new();
    for (_, parts, used) in scored {
        if parts.iter().any(|part| taken.contains(part)) {
            continue;
        }
        taken.extend(parts);
        out.push(used.topic());
        if out.len() == MOST {
            break;
        }
    }
    out
}

/// The topics as statements, each cited where it is spoken of first.
pub(crate) fn insights(talk: &Talk<'_, '_>, topics: &[Topic]) -> Vec<Insight> {
    let most = topics.iter().map(|topic| topic.count).max().unwrap_or(1);
    topics
        .iter()
        .map(|topic| {
            let sure = real(topic.count) / real(most.max(1));
            let mut insight = talk.insight(&talk.sentences[topic.sentence], Kind::Topic, sure);
            insight.text.clone_from(&topic.name);
            insight
        })
        .collect()
}

/// In how many English sentences each stem stands.
pub(crate) fn frequency(talk: &Talk<'_, '_>, range: Range<usize>) -> Vec<usize> {
    let mut out = vec![0; talk.numbers.len()];
    for sentence in talk.sentences[range]
        .iter()
        .filter(|sentence| sentence.english)
    {
        for stem in distinct(sentence) {
            out[stem as usize] += 1;
        }
    }
    out
}

/// The stems of a sentence, each once, in order.
pub(crate) fn distinct(sentence: &Sentence) -> impl Iterator<Item = u32> {
    sentence
        .stems
        .iter()
        .enumerate()
        .filter(|(at, stem)| !sentence.stems[..*at].contains(stem))
        .map(|(_, stem)| *stem)
}

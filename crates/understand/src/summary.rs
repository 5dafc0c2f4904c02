//! The summary: sentences that together cover what the talk comes back to, without saying it twice.
//!
//! A sentence gains the weight of each stem it adds, which is the number of sentences the stem stands in; stems already
//! covered add nothing. The gain is divided by the root of the length, so that neither long nor short sentences win by
//! length alone, and every word about "I", "you" and "we" takes a fifth away: such sentences tell of the talking, not of
//! its matter. A question counts half, unless the reader asks for one matter. The best sentence is taken until the words are used up.

use crate::analysis::{Insight, Kind, Summary, Talk, Wish};
use crate::sentence::Sentence;
use crate::stats::Stats;
use crate::topics::{Topic, distinct, frequency};
use crate::window::real;
use crate::words::words;

/// Sentences that are long enough to say something and short enough to be read alone, in words.
const LENGTHS: [(usize, usize); 4] = [(8, 25), (6, 40), (4, 80), (2, 400)];
/// What a word in the first or second person leaves of a sentence's gain.
const PERSONAL: f64 = 0.8;
/// What is left of a sentence's gain when it begins with a word that points back to another.
const POINTS_BACK: f64 = 0.8;
/// What is left of a question's gain: it says what somebody wanted to know, and a summary what holds.
/// Whoever asks for one matter is told what was asked of it, too.
const ASKS: f64 = 0.5;
/// How much more a stem of the query counts than the most frequent stem.
const QUERY: f64 = 3.0;
/// The opening sentence names so many topics and speakers.
const OPENING: (usize, usize) = (8, 3);
/// A talk of fewer words needs no opening sentence.
const OPENING_FROM: usize = 400;

/// The summary of the whole talk.
pub(crate) fn summary(
    talk: &Talk<'_, '_>,
    topics: &[Topic],
    stats: &Stats,
    wish: &Wish<'_>,
) -> Summary {
    let opening = opening(talk, topics, stats);
    let used = opening.as_deref().map_or(0, count);
    let sentences = extract(
        talk,
        0..talk.sentences.len(),
        wish.words.saturating_sub(used),
        wish.query,
    );
    Summary {
        opening,
        sentences: of_kind(talk, &sentences, Kind::Summary),
    }
}

/// The statements of the chosen sentences; what a sentence covers says how sure it is.
pub(crate) fn of_kind(talk: &Talk<'_, '_>, chosen: &[(usize, f64)], kind: Kind) -> Vec<Insight> {
    let most = chosen.iter().map(|(_, gain)| *gain).fold(0.0, f64::max);
    chosen
        .iter()
        .map(|(at, gain)| {
            talk.insight(
                &talk.sentences[*at],
                kind,
                gain / most.max(f64::MIN_POSITIVE),
            )
        })
        .collect()
}

/// Places of sentences that cover the stretch best in so many words, in their order, each with its gain.
pub(crate) fn extract(
    talk: &Talk<'_, '_>,
    range: std::ops::Range<usize>,
    budget: usize,
    query: Option<&str>,
) -> Vec<(usize, f64)> {
    let mut weight: Vec<f64> = frequency(talk, range.clone())
        .into_iter()
        // What is said once is no matter of the talk.
        .map(|count| if count > 1 { real(count) } else { 0.0 })
        .collect();
    let most = weight.iter().copied().fold(1.0, f64::max);
    for word in words(&query.unwrap_or_default().to_lowercase()) {
        if !talk.words.empty(word)
            && let Some(stem) = talk.numbers.find(talk.words, word)
        {
            weight[stem as usize] += QUERY * most;
        }
    }
    let asks = if query.is_some() { 1.0 } else { ASKS };
    let mut chosen: Vec<(usize, f64)> = Vec::new();
    let mut covered = vec![false; weight.len()];
    let mut left = budget;
    for (least, longest) in LENGTHS {
        let mut candidates: Vec<usize> = range
            .clone()
            .filter(|at| {
                let sentence = &talk.sentences[*at];
                sentence.english && (least..=longest).contains(&sentence.length)
            })
            .collect();
        loop {
            let mut best: Option<(usize, f64)> = None;
            candidates.retain(|at| talk.sentences[*at].length <= left);
            for at in &candidates {
                let gain = gain(&talk.sentences[*at], &weight, &covered, asks);
                if gain > best.map_or(0.0, |(_, gain)| gain) {
                    best = Some((*at, gain));
                }
            }
            let Some((at, gain)) = best else { break };
            let sentence = &talk.sentences[at];
            left -= sentence.length.min(left);
            for stem in &sentence.stems {
                covered[*stem as usize] = true;
            }
            candidates.retain(|other| *other != at);
            chosen.push((at, gain));
        }
        // Shorter and longer sentences only where the good ones leave the summary half empty.
        if left * 2 < budget {
            break;
        }
    }
    chosen.sort_by_key(|(at, _)| *at);
    chosen
}

fn gain(sentence: &Sentence, weight: &[f64], covered: &[bool], asks: f64) -> f64 {
    let sum: f64 = distinct(sentence)
        .filter(|stem| !covered[*stem as usize])
        .map(|stem| weight[stem as usize])
        .sum();
    if sum == 0.0 {
        return 0.0;
    }
    let alone = if sentence.points_back {
        POINTS_BACK
    } else {
        1.0
    };
    let asks = if sentence.lower.ends_with('?') {
        asks
    } else {
        1.0
    };
    let personal = i32::from(sentence.personal);
    sum / real(sentence.length).sqrt() * PERSONAL.powi(personal) * alone * asks
}

/// What the talk was mainly about and who spoke most, in one breath.
fn opening(talk: &Talk<'_, '_>, topics: &[Topic], stats: &Stats) -> Option<String> {
    let english: usize = talk
        .sentences
        .iter()
        .filter(|sentence| sentence.english)
        .map(|sentence| sentence.length)
        .sum();
    if english < OPENING_FROM || topics.len() < 3 {
        return None;
    }
    let about: Vec<String> = topics
        .iter()
        .take(OPENING.0)
        .map(|topic| {
            if topic.proper {
                topic.name.clone()
            } else {
                format!("the {}", topic.name)
            }
        })
        .collect();
    let mut out = format!("The meeting was mainly about {}.", listed(&about));
    let names: Vec<String> = stats
        .speakers
        .iter()
        .filter_map(|speaker| speaker.name.as_deref())
        .map(|name| name.split('(').next().unwrap_or(name).trim().to_owned())
        .take(OPENING.1)
        .collect();
    if names.len() > 1 {
        out.push_str(" Most of the talk came from ");
        out.push_str(&listed(&names));
        out.push('.');
    }
    Some(out)
}

fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

//! Action items: promises, requests that were taken, and work that was agreed on.

use jiff::civil::Date;

use crate::analysis::{Insight, Kind, Talk};
use crate::due::due_in;
use crate::sentence::Sentence;
use crate::signs::{ABOUT_THE_CALL, ACTION, ASKS, COMMITS, DATED_PROMISE, OFFERS, TASK};
use crate::tidy::finish;
use crate::window::{how_many, peaks, scores, signs};
use crate::words::words;

/// Signs this far away still count, in milliseconds.
const REACH_MS: u32 = 25_000;
/// Items lie so far apart, in milliseconds: what is said about one item within a minute or two is that item.
const APART_MS: u32 = 60_000;
/// A promise with a date so near to an item is that item, in milliseconds.
const SAME_MS: u32 = 10_000;
/// So many items are reported for an hour of talk, and at least the second figure for a short one.
const PER_HOUR: (u64, usize) = (3, 3);
/// Least score: one plain promise reaches it, a mere "we should" does not.
const LEAST: f64 = 4.0;
/// A score of this is as sure as the rules get.
const SURE: f64 = 14.0;
/// Somebody answers a request within this time, in milliseconds.
const ANSWER_MS: u32 = 15_000;
/// An item of fewer words needs another sentence to be understood.
const SHORTEST: usize = 4;

pub(crate) fn actions(talk: &Talk<'_, '_>, date: Option<Date>) -> Vec<Insight> {
    let sentences = talk.sentences;
    let mut bits = signs(sentences, &ACTION);
    for (bits, sentence) in bits.iter_mut().zip(sentences) {
        if *bits != 0 && ABOUT_THE_CALL.is_match(sentence.lower.as_bytes()) {
            *bits = 0;
        }
    }
    let leads: u32 = ACTION
        .iter()
        .enumerate()
        .map(|(at, sign)| u32::from(sign.leads) << at)
        .sum();
    let scores = scores(sentences, &bits, &ACTION, REACH_MS);
    let most = how_many(talk.length_ms, PER_HOUR.0, PER_HOUR.1);
    let names = Names::of(talk);
    let mut chosen = peaks(
        sentences,
        &scores,
        |at| bits[at] & leads != 0 && sentences[at].length >= SHORTEST,
        (APART_MS, most, LEAST),
    );
    // A promise with a date is listed however much else there is.
    for at in 0..sentences.len() {
        let plain = bits[at] & DATED_PROMISE == DATED_PROMISE && sentences[at].stems.len() >= 2;
        let near =
            |other: &usize| sentences[*other].start_ms.abs_diff(sentences[at].start_ms) < SAME_MS;
        if plain && !chosen.iter().any(near) {
            chosen.push(at);
        }
    }
    chosen.sort_unstable();
    chosen
        .into_iter()
        .map(|at| item(talk, &names, &bits, at, scores[at] / SURE, date))
        .collect()
}

fn item(
    talk: &Talk<'_, '_>,
    names: &Names<'_>,
    bits: &[u32],
    at: usize,
    confidence: f64,
    date: Option<Date>,
) -> Insight {
    let sentence = &talk.sentences[at];
    let told = source(talk, bits, at);
    let source = &talk.sentences[told];
    let mut item = talk.insight(source, Kind::ActionItem, confidence.clamp(0.2, 0.95));
    item.text = task(source);
    item.owner = if bits[at] & (COMMITS | OFFERS) != 0 {
        talk.turns[sentence.turn].speaker.clone()
    } else {
        names
            .addressed(sentence)
            .or_else(|| (bits[at] & ASKS != 0).then(|| answerer(talk, at)).flatten())
            .or_else(|| group(sentence))
    };
    let dues = [at, told, at + 1];
    let due = dues
        .into_iter()
        .filter_map(|at| talk.sentences.get(at))
        .filter(|other| other.turn == sentence.turn || std::ptr::eq(*other, source))
        .find_map(|other| due_in(&other.lower, date));
    if let Some((due, text)) = due {
        item.due = due;
        item.due_text = Some(text);
    }
    item
}

/// The sentence that names the task: itself, or the request that "I'll do that" answers.
fn source(talk: &Talk<'_, '_>, bits: &[u32], at: usize) -> usize {
    let sentence = &talk.sentences[at];
    let empty = sentence.length < 8
        && sentence.stems.len() < 2
        && words(&sentence.lower)
            .any(|word| matches!(word, "that" | "it" | "this" | "them" | "so"));
    if !empty {
        return at;
    }
    (at.saturating_sub(4)..at)
        .rev()
        .find(|before| {
            let other = &talk.sentences[*before];
            bits[*before] != 0
                && other.length >= 6
                && other.stems.len() >= 2
                && sentence.start_ms.saturating_sub(other.end_ms) <= ANSWER_MS
        })
        .unwrap_or(at)
}

/// The sentence from its verb on: "I'll send the draft" is "Send the draft".
fn task(sentence: &Sentence) -> String {
    if sentence.lower.len() != sentence.clean.len() {
        return sentence.clean.clone();
    }
    let begins = TASK
        .captures(sentence.lower.as_bytes())
        .and_then(|found| found.get(1))
        .map_or(0, |verb| verb.start());
    match sentence.clean.get(begins..) {
        Some(rest) if words(rest).count() >= SHORTEST => {
            let rest = if begins > 0 {
                rest.trim_end_matches('?')
            } else {
                rest
            };
            finish(rest)
        }
        _ => sentence.clean.clone(),
    }
}

/// Who says yes to a request.
fn answerer(talk: &Talk<'_, '_>, at: usize) -> Option<String> {
    let asked = &talk.sentences[at];
    let asker = &talk.turns[asked.turn].speaker;
    let answer = talk.sentences[at + 1..]
        .iter()
        .take(4)
        .find(|other| talk.turns[other.turn].speaker != *asker)?;
    let raw = talk.turns[answer.turn].text[answer.from..answer.to].to_lowercase();
    let yes = [
        "yes",
        "yeah",
        "yep",
        "sure",
        "okay",
        "ok",
        "of course",
        "absolutely",
        "definitely",
        "will do",
        "i can",
        "i will",
        "i'll",
        "no problem",
    ];
    (answer.start_ms.saturating_sub(asked.end_ms) <= ANSWER_MS
        && yes.iter().any(|word| raw.starts_with(word)))
    .then(|| talk.turns[answer.turn].speaker.clone())
    .flatten()
}

/// A group that a request is made to.
fn group(sentence: &Sentence) -> Option<String> {
    const GROUPS: [&str; 10] = [
        "client teams",
        "all teams",
        "the teams",
        "each team",
        "everyone",
        "everybody",
        "clients",
        "all of you",
        "the team",
        "people",
    ];
    GROUPS
        .iter()
        .find(|group| {
            sentence.lower.find(*group).is_some_and(|at| {
                !sentence.lower[at + group.len()..].starts_with(char::is_alphabetic)
            })
        })
        .map(|group| {
            let mut name = group.trim_start_matches("the ").to_owned();
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            name
        })
}

/// The speakers by the names that others call them.
struct Names<'t> {
    called: Vec<(String, &'t str)>,
}

impl<'t> Names<'t> {
    fn of(talk: &Talk<'t, '_>) -> Self {
        let mut speakers: Vec<&'t str> = Vec::new();
        for speaker in talk.turns.iter().filter_map(|turn| turn.speaker.as_deref()) {
            if !speakers.contains(&speaker) {
                speakers.push(speaker);
            }
        }
        let mut called: Vec<(String, &'t str)> = Vec::new();
        for speaker in &speakers {
            let first = words(speaker).next().unwrap_or_default().to_lowercase();
            let shared = speakers
                .iter()
                .filter(|other| words(other).next().unwrap_or_default().to_lowercase() == first)
                .count();
            if first.len() >= 3 && shared == 1 && !talk.words.function(&first) {
                called.push((first, speaker));
            }
        }
        Self { called }
    }

    /// Whom the sentence asks or names as the one to act: "Edda, could you", "Luan will".
    fn addressed(&self, sentence: &Sentence) -> Option<String> {
        let said: Vec<&str> = words(&sentence.lower).collect();
        let mut named = said.iter().enumerate().filter_map(|(at, word)| {
            let (_, speaker) = self.called.iter().find(|(name, _)| name == word)?;
            Some((at, *speaker))
        });
        let acts = |at: usize| {
            said.get(at + 1).is_some_and(|next| {
                matches!(
                    *next,
                    "will"
                        | "can"
                        | "could"
                        | "should"
                        | "would"
                        | "to"
                        | "please"
                        | "needs"
                        | "has"
                        | "is"
                        | "you"
                )
            })
        };
        let (at, speaker) = named.next()?;
        let addressed = acts(at) || at == 0 || at + 1 == said.len() || said.contains(&"you");
        addressed.then(|| speaker.to_owned())
    }
}

//! Questions that nobody answered, and things that are to be come back to.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::analysis::{Insight, Kind, Talk};
use crate::signs::ABOUT_THE_CALL;
use crate::window::{how_many, pattern, peaks};

/// An answer comes within this time, in milliseconds.
const ANSWER_MS: u32 = 30_000;
/// A question of fewer words is small talk, and an answer of fewer words is none.
const SHORTEST: usize = 6;
/// So many are reported for an hour of talk, and at least the second figure for a short one.
const PER_HOUR: (u64, usize) = (6, 2);
/// They lie so far apart, in milliseconds.
const APART_MS: u32 = 60_000;

/// What answers begin with.
const YES_OR_NO: [&str; 8] = [
    "yes",
    "yeah",
    "yep",
    "no",
    "sure",
    "of course",
    "exactly",
    "correct",
];

static OPEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:open question|(?:still|yet) (?:unclear|undecided|open|unresolved)|not (?:yet )?(?:decided|clear|resolved) (?:yet|if|whether|how|what|who|when)|remains? to be|to be (?:decided|determined|discussed|clarified)|need(?:s)? to (?:figure|find) out|we (?:still )?(?:don't|do not) know (?:yet|whether|if|how|what|who|when)|question (?:is|remains) (?:whether|if|how|what|who|when))\b",
    )
});
static EVADED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:i don't know|i do not know|not sure|no idea|good question|i'd have to|i would have to|need to (?:check|think|look|ask)|have to (?:check|think|look|ask)|let me (?:check|get back)|hard to say|we'll see|take (?:it|this|that) offline|no one knows|nobody knows)\b",
    )
});
static LATER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:(?:come|get|circle|go) back to (?:this|that|it|you)|revisit|pick (?:this|that|it) up (?:again )?(?:next|later|in)|follow(?:ing)?[ -]up|take (?:this|that|it) (?:offline|async)|(?:discuss|talk about|decide|continue|bring (?:this|that|it) up) .{0,40}(?:next (?:week|time|call|meeting|month)|later|offline|async|on (?:monday|tuesday|wednesday|thursday|friday))|next (?:call|meeting) (?:is|will|we))\b",
    )
});
/// A request in the form of a question, which is a task.
static REQUEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:can|could|would|will) you\b"));
static ASKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:what|how|why|when|who|which|where|whether|should|could|can|do|does|did|is|are|will|would)\b",
    )
});

pub(crate) fn questions(talk: &Talk<'_, '_>) -> Vec<Insight> {
    let score = |at: usize| -> f64 {
        let sentence = &talk.sentences[at];
        if !sentence.english
            || sentence.length < SHORTEST
            || ABOUT_THE_CALL.is_match(sentence.lower.as_bytes())
        {
            return 0.0;
        }
        if OPEN.is_match(sentence.lower.as_bytes()) {
            return 0.8;
        }
        let asks = sentence.lower.ends_with('?')
            && sentence.stems.len() >= 2
            && ASKED.is_match(sentence.lower.as_bytes())
            && !REQUEST.is_match(sentence.lower.as_bytes());
        if !asks {
            return 0.0;
        }
        match answer(talk, at) {
            Answer::Evaded => 0.7,
            Answer::None => 0.5,
            Answer::Given => 0.0,
        }
    };
    pick(talk, Kind::Question, score)
}

pub(crate) fn follow_ups(talk: &Talk<'_, '_>) -> Vec<Insight> {
    let score = |at: usize| -> f64 {
        let sentence = &talk.sentences[at];
        let later = sentence.english
            && sentence.length >= SHORTEST
            && !sentence.stems.is_empty()
            && LATER.is_match(sentence.lower.as_bytes())
            && !ABOUT_THE_CALL.is_match(sentence.lower.as_bytes());
        if later { 0.6 } else { 0.0 }
    };
    pick(talk, Kind::FollowUp, score)
}

fn pick(talk: &Talk<'_, '_>, kind: Kind, score: impl Fn(usize) -> f64) -> Vec<Insight> {
    let scores: Vec<f64> = (0..talk.sentences.len()).map(score).collect();
    let most = how_many(talk.length_ms, PER_HOUR.0, PER_HOUR.1);
    peaks(talk.sentences, &scores, |_| true, (APART_MS, most, 0.1))
        .into_iter()
        .map(|at| talk.insight(&talk.sentences[at], kind, scores[at]))
        .collect()
}

enum Answer {
    Given,
    Evaded,
    None,
}

/// What others say right behind a question.
fn answer(talk: &Talk<'_, '_>, at: usize) -> Answer {
    let asked = &talk.sentences[at];
    let asker = &talk.turns[asked.turn].speaker;
    let mut length = 0;
    for other in &talk.sentences[at + 1..] {
        if other.start_ms.saturating_sub(asked.end_ms) > ANSWER_MS {
            break;
        }
        let turn = &talk.turns[other.turn];
        if turn.speaker == *asker && asker.is_some() {
            // Whoever asks the next thing has the answer, or gave it up.
            if other.lower.ends_with('?') {
                break;
            }
            continue;
        }
        if EVADED.is_match(other.lower.as_bytes()) {
            return Answer::Evaded;
        }
        let raw = turn.text[other.from..other.to].to_lowercase();
        length += other.length;
        if length >= SHORTEST || YES_OR_NO.iter().any(|word| raw.starts_with(word)) {
            return Answer::Given;
        }
    }
    if length == 0 {
        Answer::None
    } else {
        Answer::Given
    }
}

//! Other ways to summarise: the first words, the longest turns, two ranks of sentences by likeness, and the best that
//! an extract can do.

use std::collections::{BTreeMap, HashMap};

use super::WORDS;
use super::data::Meeting;
use super::rouge::{f, real, tokens};

type Method = fn(&Meeting) -> String;

pub(super) const ALL: [(&str, Method); 5] = [
    ("lead", lead),
    ("longest turns", longest),
    ("TextRank", text_rank),
    ("LexRank", lex_rank),
    ("greedy oracle", oracle),
];

/// Rounds of a rank; it moves no more by then.
const ROUNDS: usize = 30;
const DAMPING: f64 = 0.85;
/// LexRank's edges are cosines from here on.
const ALIKE: f64 = 0.1;

fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

fn lead(meeting: &Meeting) -> String {
    let all: Vec<String> = meeting.lines.iter().map(|line| plain(&line.text)).collect();
    super::cut(&all.join(" "))
}

fn longest(meeting: &Meeting) -> String {
    let mut turns: Vec<String> = meeting.lines.iter().map(|line| plain(&line.text)).collect();
    turns.sort_by_key(|turn| std::cmp::Reverse(turn.split_whitespace().count()));
    super::cut(&turns.join(" "))
}

/// A sentence: its text, its number of words, and how often it has each stem.
struct Sentence {
    text: String,
    words: usize,
    stems: BTreeMap<u32, usize>,
}

fn sentences(meeting: &Meeting) -> (Vec<Sentence>, usize) {
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut out = Vec::new();
    for line in &meeting.lines {
        for piece in plain(&line.text).split_inclusive(['.', '?', '!']) {
            let words = piece.split_whitespace().count();
            let mut stems = BTreeMap::new();
            for token in tokens(piece) {
                let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                *stems
                    .entry(*numbers.entry(token).or_insert(next))
                    .or_default() += 1;
            }
            if words >= 3 && !stems.is_empty() {
                out.push(Sentence {
                    text: piece.trim().to_owned(),
                    words,
                    stems,
                });
            }
        }
    }
    (out, numbers.len())
}

/// The best sentences by a score, in order of the score, cut at the length.
fn best(sentences: &[Sentence], scores: &[f64]) -> String {
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let mut words = 0;
    let mut chosen = Vec::new();
    for at in order {
        if words >= WORDS {
            break;
        }
        words += sentences[at].words;
        chosen.push(at);
    }
    chosen.sort_unstable();
    let texts: Vec<&str> = chosen
        .into_iter()
        .map(|at| sentences[at].text.as_str())
        .collect();
    texts.join(" ")
}

/// Which sentences have each stem.
fn index(sentences: &[Sentence], stems: usize) -> Vec<Vec<usize>> {
    let mut index = vec![Vec::new(); stems];
    for (at, sentence) in sentences.iter().enumerate() {
        for stem in sentence.stems.keys() {
            index[*stem as usize].push(at);
        }
    }
    index
}

fn rank(edges: &[Vec<(usize, f64)>]) -> Vec<f64> {
    let sums: Vec<f64> = edges
        .iter()
        .map(|edges| edges.iter().map(|(_, weight)| weight).sum())
        .collect();
    let count = real(edges.len());
    let mut scores = vec![1.0 / count; edges.len()];
    for _ in 0..ROUNDS {
        let mut next = vec![(1.0 - DAMPING) / count; edges.len()];
        for (at, edges) in edges.iter().enumerate() {
            for (other, weight) in edges {
                next[*other] += DAMPING * scores[at] * weight / sums[at];
            }
        }
        scores = next;
    }
    scores
}

/// Mihalcea and Tarau: common words by the logarithms of both lengths.
fn text_rank(meeting: &Meeting) -> String {
    let (sentences, stems) = sentences(meeting);
    let index = index(&sentences, stems);
    let edges: Vec<Vec<(usize, f64)>> = sentences
        .iter()
        .enumerate()
        .map(|(at, sentence)| {
            let mut common = vec![0_usize; sentences.len()];
            for stem in sentence.stems.keys() {
                for other in &index[*stem as usize] {
                    common[*other] += 1;
                }
            }
            let length = real(sentence.words).ln();
            common
                .into_iter()
                .enumerate()
                .filter(|(other, common)| *other != at && *common > 0)
                .map(|(other, common)| {
                    (
                        other,
                        real(common) / (length + real(sentences[other].words).ln()),
                    )
                })
                .collect()
        })
        .collect();
    best(&sentences, &rank(&edges))
}

/// Erkan and Radev: cosines of words weighed by their rarity, from a threshold on.
fn lex_rank(meeting: &Meeting) -> String {
    let (sentences, stems) = sentences(meeting);
    let index = index(&sentences, stems);
    let rarity: Vec<f64> = index
        .iter()
        .map(|list| (real(sentences.len()) / real(list.len().max(1))).ln())
        .collect();
    let weight =
        |sentence: &Sentence, stem: u32| real(sentence.stems[&stem]) * rarity[stem as usize];
    let norms: Vec<f64> = sentences
        .iter()
        .map(|sentence| {
            sentence
                .stems
                .keys()
                .map(|stem| weight(sentence, *stem).powi(2))
                .sum::<f64>()
                .sqrt()
        })
        .collect();
    let edges: Vec<Vec<(usize, f64)>> = sentences
        .iter()
        .enumerate()
        .map(|(at, sentence)| {
            let mut dots = vec![0.0; sentences.len()];
            for stem in sentence.stems.keys() {
                let own = weight(sentence, *stem);
                for other in &index[*stem as usize] {
                    dots[*other] += own * weight(&sentences[*other], *stem);
                }
            }
            dots.into_iter()
                .enumerate()
                .map(|(other, dot)| {
                    (
                        other,
                        dot / (norms[at] * norms[other]).max(f64::MIN_POSITIVE),
                    )
                })
                .filter(|(other, cosine)| *other != at && *cosine >= ALIKE)
                .map(|(other, _)| (other, 1.0))
                .collect()
        })
        .collect();
    best(&sentences, &rank(&edges))
}

/// Takes the sentence that raises ROUGE-1 most until none does.
fn oracle(meeting: &Meeting) -> String {
    let mut wanted: HashMap<String, usize> = HashMap::new();
    let reference = tokens(meeting.summary.as_deref().unwrap_or_default());
    for token in &reference {
        *wanted.entry(token.clone()).or_default() += 1;
    }
    let (sentences, _) = sentences(meeting);
    let split: Vec<Vec<String>> = sentences
        .iter()
        .map(|sentence| tokens(&sentence.text))
        .collect();
    let mut free: Vec<usize> = (0..sentences.len()).collect();
    let (mut chosen, mut words, mut common, mut length, mut score) = (Vec::new(), 0, 0, 0, 0.0);
    loop {
        let mut best: Option<(f64, usize, usize)> = None;
        for at in &free {
            if words + sentences[*at].words > WORDS {
                continue;
            }
            let mut gain: HashMap<&str, usize> = HashMap::new();
            for token in &split[*at] {
                *gain.entry(token.as_str()).or_default() += 1;
            }
            let more: usize = gain
                .into_iter()
                .map(|(token, count)| count.min(wanted.get(token).copied().unwrap_or(0)))
                .sum();
            let would = f(common + more, length + split[*at].len(), reference.len());
            if would > best.map_or(score, |(best, ..)| best) {
                best = Some((would, *at, more));
            }
        }
        let Some((would, at, more)) = best else { break };
        score = would;
        common += more;
        length += split[at].len();
        words += sentences[at].words;
        for token in &split[at] {
            if let Some(left) = wanted.get_mut(token) {
                *left = left.saturating_sub(1);
            }
        }
        free.retain(|other| *other != at);
        chosen.push(at);
    }
    let texts: Vec<&str> = chosen
        .into_iter()
        .map(|at| sentences[at].text.as_str())
        .collect();
    texts.join(" ")
}

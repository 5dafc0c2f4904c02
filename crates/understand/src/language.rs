//! Which languages are spoken; a guess from letters and common words.

use serde::{Deserialize, Serialize};
use whatlang::Lang;

use crate::turns::Utterance;
use crate::window::{hundredths, real};
use crate::words::{Words, words};

/// An utterance with fewer bytes is too short to tell its language.
const ENOUGH: usize = 40;
/// Longest piece of an utterance that is looked at, in bytes.
const LOOKED_AT: usize = 400;
/// Share of function words from which a sentence counts as English.
const FUNCTION_SHARE: f64 = 0.2;

/// Share of function words from which a whole utterance is English without a closer look, which is slow.
const PLAIN_SHARE: f64 = 0.4;

/// How much of the talk is in one language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LanguageShare {
    /// ISO 639-3 code.
    pub code: String,
    /// Share of the words that are long enough to tell, 0 to 1.
    pub share: f64,
}

/// What was heard: the language of each utterance, where it can be told.
pub(crate) struct Ear {
    heard: Vec<Option<Lang>>,
}

impl Ear {
    pub(crate) fn of(turns: &[Utterance], known: &Words) -> Self {
        let heard = turns
            .iter()
            .map(|turn| {
                if turn.text.len() < ENOUGH {
                    return None;
                }
                let end = turn.text.floor_char_boundary(LOOKED_AT);
                if plainly_english(known, &turn.text[..end]) {
                    return Some(Lang::Eng);
                }
                whatlang::detect(&turn.text[..end])
                    .filter(whatlang::Info::is_reliable)
                    .map(|found| found.lang())
            })
            .collect();
        Self { heard }
    }

    /// A sentence of an utterance is English: enough function words, and the utterance is not surely something else.
    pub(crate) fn english(&self, turn: usize, function: usize, length: usize) -> bool {
        let heard = self.heard[turn];
        let share = real(function) / real(length.max(1));
        match heard {
            Some(Lang::Eng) => share > 0.0 || length < 4,
            // Short talk full of names is often taken for another language: function words outweigh a guess.
            Some(_) => share >= FUNCTION_SHARE * 2.0,
            None => share >= FUNCTION_SHARE,
        }
    }

    /// Languages by their share of the talk, the most spoken first; those below a fiftieth are left out.
    pub(crate) fn shares(&self, turns: &[Utterance]) -> Vec<LanguageShare> {
        let mut counted: Vec<(&'static str, usize)> = Vec::new();
        let mut total = 0;
        for (turn, lang) in turns.iter().zip(&self.heard) {
            let Some(lang) = lang else { continue };
            total += turn.text.len();
            match counted.iter_mut().find(|(code, _)| *code == lang.code()) {
                Some((_, bytes)) => *bytes += turn.text.len(),
                None => counted.push((lang.code(), turn.text.len())),
            }
        }
        counted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        counted
            .into_iter()
            .map(|(code, bytes)| LanguageShare {
                code: code.to_owned(),
                share: hundredths(real(bytes) / real(total)),
            })
            .filter(|language| language.share >= 0.02)
            .collect()
    }
}

fn plainly_english(known: &Words, text: &str) -> bool {
    let (mut function, mut length) = (0, 0);
    for word in words(&text.to_lowercase()) {
        length += 1;
        function += usize::from(known.function(word));
    }
    length > 0 && real(function) / real(length) >= PLAIN_SHARE
}

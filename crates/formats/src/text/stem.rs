//! One stem for all forms of an English word.

use std::borrow::Cow;

use rust_stemmers::{Algorithm, Stemmer};

/// The stem of a token of the index (`planning`, `plans` and `planned` are `plan`); tokens that are not of plain Latin
/// letters, and those of up to three, are their own.
///
/// The rules are English; forms of other languages' words that end alike fall together too, which is harmless.
pub fn stem(token: &str) -> Cow<'_, str> {
    if token.len() <= 3 || !token.bytes().all(|b| b.is_ascii_lowercase()) {
        return Cow::Borrowed(token);
    }
    Stemmer::create(Algorithm::English).stem(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_fall_together_and_others_stay() {
        for (word, its_stem) in [
            ("planning", "plan"),
            ("plans", "plan"),
            ("budgets", "budget"),
            ("is", "is"),
            ("会議", "会議"),
            ("v2", "v2"),
            ("mp3s", "mp3s"),
        ] {
            assert_eq!(stem(word), its_stem, "{word}");
        }
    }
}

//! Text as search sees it: one normal form for every index and every query.
//!
//! Text becomes tokens of letters and digits only, so that SQLite's `unicode61` and PostgreSQL's `simple` cut the
//! indexed text into exactly these tokens, and neither has to know any language:
//! - compatibility forms are folded (NFKC: full width, ligatures, circled digits),
//! - case is folded (`ß` is `ss`, the final sigma a sigma) and combining marks are removed from letters (`é` is `e`);
//!   kana keep their voicing marks and Hangul its syllables,
//! - a run of Chinese, Japanese or Korean (or Thai, Lao, Khmer, Burmese) characters, where words have no blanks
//!   between them, becomes overlapping pairs, and the last character alone, so that one character can be searched by prefix,
//! - everything else separates tokens.
//!
//! ```
//! use parfocal_formats::text::{Terms, highlight, index_text};
//! assert_eq!(index_text("Das Café, 会議室!"), "das cafe 会議 議室 室");
//! let term = Terms::of("CAFE");
//! assert_eq!(highlight("Das Café, 会議室!", &[term]), vec![4..9]);
//! ```

mod find;
mod normal;
mod stem;

pub use find::{Snippet, highlight, snippet};
pub use stem::stem;

use normal::Tokens;

/// Longest token in characters; the rest of a longer word is left out (PostgreSQL refuses tokens over 2 KiB).
pub const MAX_TOKEN: usize = 64;

/// Tokens of a text, separated by single blanks: what an index stores.
pub fn index_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for token in Tokens::new(text) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&token.norm);
    }
    out
}

/// Number of tokens of a text.
pub fn token_count(text: &str) -> usize {
    Tokens::new(text).count()
}

/// One word or phrase of a query in the form of the index: its tokens stand next to each other, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// Tokens of letters and digits; empty when the text has neither.
    pub tokens: Vec<String>,
    /// The last token is to be found as the beginning of a token.
    pub prefix: bool,
}

impl Terms {
    /// The terms of a word or phrase.
    ///
    /// A single character of a script that is indexed in pairs is searched as a prefix.
    pub fn of(text: &str) -> Self {
        let mut tokens: Vec<normal::Token> = Tokens::new(text).collect();
        let mut prefix = false;
        if let Some(last) = tokens.last()
            && last.tail
        {
            // Behind a pair the last character alone adds nothing, and the text may go on there.
            if tokens.len() > 1 && tokens[tokens.len() - 2].pair {
                tokens.pop();
            } else {
                prefix = true;
            }
        }
        Self {
            tokens: tokens.into_iter().map(|token| token.norm).collect(),
            prefix,
        }
    }

    /// The terms of the beginning of a word.
    pub fn prefix_of(text: &str) -> Self {
        let terms = Self::of(text);
        let prefix = !terms.tokens.is_empty();
        Self { prefix, ..terms }
    }

    /// Whether nothing can be searched.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_width_marks_and_ligatures() {
        assert_eq!(
            index_text("ÀÉÎõü Straße ΟΔΟΣ ﬁn ＡＢＣ１２ İstanbul"),
            "aeiou strasse οδοσ fin abc12 istanbul"
        );
        assert_eq!(index_text("Nguyễn Thị Ánh"), "nguyen thi anh");
        assert_eq!(index_text("e\u{301}te\u{301}"), "ete");
        assert_eq!(index_text("Ёлка й"), "елка и");
    }

    #[test]
    fn only_letters_and_digits_make_tokens() {
        assert_eq!(
            index_text("don't @user_name foo-bar 3.14 👍🏽 v2"),
            "don t user name foo bar 3 14 v2"
        );
        assert_eq!(index_text(" \t\n*\"()"), "");
    }

    #[test]
    fn pairs_for_scripts_without_blanks() {
        assert_eq!(index_text("資料は共有"), "資料 料は は共 共有 有");
        assert_eq!(index_text("회의를"), "회의 의를 를");
        assert_eq!(index_text("第3回meeting"), "第 3 回 meeting");
        // Decomposed Hangul and half-width kana are the same text.
        assert_eq!(index_text("\u{1112}\u{116c}\u{110b}\u{1174}"), "회의 의");
        assert_eq!(index_text("ｶﾞｽ"), "ガス ス");
        assert_eq!(index_text("か\u{3099}す"), index_text("がす"));
    }

    #[test]
    fn a_query_of_one_character_is_a_prefix_and_of_more_is_pairs() {
        assert_eq!(
            Terms::of("室"),
            Terms {
                tokens: vec!["室".into()],
                prefix: true
            }
        );
        assert_eq!(
            Terms::of("会議室"),
            Terms {
                tokens: vec!["会議".into(), "議室".into()],
                prefix: false
            }
        );
        assert_eq!(
            Terms::of("東京 meeting"),
            Terms {
                tokens: vec!["東京".into(), "京".into(), "meeting".into()],
                prefix: false
            }
        );
        assert!(Terms::of("...").is_empty());
        assert_eq!(
            Terms::prefix_of("budg"),
            Terms {
                tokens: vec!["budg".into()],
                prefix: true
            }
        );
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(index_text(&"a".repeat(5_000)).len(), MAX_TOKEN);
    }

    #[test]
    fn index_text_is_its_own_normal_form_for_words() {
        let once = index_text("Crème brûlée — Straße 12");
        assert_eq!(index_text(&once), once);
    }
}

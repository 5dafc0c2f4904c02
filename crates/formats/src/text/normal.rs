//! Cutting text into normalised tokens that remember where they stood.

use std::collections::VecDeque;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::MAX_TOKEN;

/// A token and its place in the original text.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) norm: String,
    pub(super) at: Range<usize>,
    /// Where the first character of a pair ends; the token's end otherwise.
    pub(super) half: usize,
    /// One of the overlapping pairs of a run without blanks.
    pub(super) pair: bool,
    /// The last character of such a run, alone.
    pub(super) tail: bool,
}

/// Iterator over the tokens of a text.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// Normalised characters of the cluster read last, not yet used.
    ready: VecDeque<(char, Range<usize>)>,
    /// The character before, in a run that is cut into pairs.
    run: Option<Unit>,
}

#[derive(Clone)]
struct Unit {
    c: char,
    at: Range<usize>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            ready: VecDeque::new(),
            run: None,
        }
    }

    /// The next normalised character and where it comes from.
    fn next_char(&mut self) -> Option<(char, Range<usize>)> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            let rest = &self.text[self.at..];
            let first = rest.chars().next()?;
            let start = self.at;
            // Most text: an ASCII character with nothing combining behind it.
            let next_is_ascii = rest.as_bytes().get(1).is_none_or(u8::is_ascii);
            if first.is_ascii() && next_is_ascii {
                self.at += 1;
                return Some((first.to_ascii_lowercase(), start..start + 1));
            }
            let len = cluster(rest, first);
            self.at += len;
            let at = start..start + len;
            for composed in rest[..len].nfkc() {
                if keeps_marks(composed) {
                    self.ready.push_back((composed, at.clone()));
                } else {
                    for c in bare_lower(composed) {
                        self.ready.push_back((c, at.clone()));
                    }
                }
            }
        }
    }

    fn put_back(&mut self, c: char, at: Range<usize>) {
        self.ready.push_front((c, at));
    }

    /// The rest of a word that begins with a character.
    fn word(&mut self, c: char, at: Range<usize>) -> Token {
        let mut norm = String::from(c);
        let mut count = 1;
        let mut end = at.end;
        while let Some((c, place)) = self.next_char() {
            if !c.is_alphanumeric() || has_no_blanks(c) {
                self.put_back(c, place);
                break;
            }
            if count < MAX_TOKEN {
                norm.push(c);
            }
            count += 1;
            end = place.end;
        }
        Token {
            norm,
            at: at.start..end,
            half: end,
            pair: false,
            tail: false,
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let next = self.next_char();
            if let Some(before) = self.run.take() {
                if let Some((c, at)) = next.clone()
                    && has_no_blanks(c)
                {
                    let norm = [before.c, c].iter().collect();
                    let token = Token {
                        norm,
                        at: before.at.start..at.end,
                        half: before.at.end,
                        pair: true,
                        tail: false,
                    };
                    self.run = Some(Unit { c, at });
                    return Some(token);
                }
                if let Some((c, at)) = next {
                    self.put_back(c, at);
                }
                return Some(Token {
                    norm: before.c.to_string(),
                    half: before.at.end,
                    at: before.at,
                    pair: false,
                    tail: true,
                });
            }
            let (c, at) = next?;
            if has_no_blanks(c) {
                self.run = Some(Unit { c, at });
            } else if c.is_alphanumeric() {
                return Some(self.word(c, at));
            }
        }
    }
}

/// Lower case without combining marks.
fn bare_lower(c: char) -> impl Iterator<Item = char> {
    std::iter::once(c)
        .nfkd()
        .flat_map(char::to_lowercase)
        .nfkd()
        .filter(|&c| !is_combining_mark(c))
        .flat_map(fold_special)
}

/// Foldings that neither lower case nor decomposition give.
fn fold_special(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'ß' => ('s', Some('s')),
        'ς' => ('σ', None),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'ø' => ('o', None),
        'đ' | 'ð' => ('d', None),
        'ł' => ('l', None),
        'ħ' => ('h', None),
        'ı' => ('i', None),
        'þ' => ('t', Some('h')),
        c => (c, None),
    };
    std::iter::once(first).chain(second)
}

/// Length of a character with the marks that belong to it, or of a Hangul syllable written in parts.
fn cluster(rest: &str, first: char) -> usize {
    let hangul = is_jamo(first);
    let mut len = first.len_utf8();
    for c in rest[len..].chars() {
        if !(is_combining_mark(c)
            || matches!(c, '\u{ff9e}' | '\u{ff9f}')
            || hangul && is_following_jamo(c))
            || len > 64
        {
            break;
        }
        len += c.len_utf8();
    }
    len
}

fn is_jamo(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}')
}

fn is_following_jamo(c: char) -> bool {
    matches!(c, '\u{1160}'..='\u{11ff}')
}

/// Kana and Hangul, whose marks are part of the letter.
fn keeps_marks(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ac00}'..='\u{d7a3}')
        && c.is_alphanumeric()
}

/// Letters of scripts that put no blanks between words (or, for Hangul, inside compounds and before particles).
fn has_no_blanks(c: char) -> bool {
    if (c as u32) < 0x0e00 {
        return false;
    }
    let script = matches!(c,
        '\u{0e00}'..='\u{0eff}'      // Thai, Lao
        | '\u{1000}'..='\u{109f}'    // Burmese
        | '\u{1100}'..='\u{11ff}'    // Hangul in parts
        | '\u{1780}'..='\u{17ff}'    // Khmer
        | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3029}'
        | '\u{3031}'..='\u{318f}'    // kana, bopomofo, Hangul in parts
        | '\u{31a0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{20000}'..='\u{3ffff}');
    // Digits of these scripts stand in words of their own (Thai ๑๒๓); ideographic numbers are letters.
    let digit = matches!(c, '\u{0e50}'..='\u{0e59}' | '\u{0ed0}'..='\u{0ed9}' | '\u{1040}'..='\u{1049}' | '\u{17e0}'..='\u{17e9}');
    script && !digit && c.is_alphanumeric()
}

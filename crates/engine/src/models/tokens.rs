//! How many tokens a text may have, without any vendor's tokenizer.

/// A careful estimate of the tokens of a text: rather too many than too few.
///
/// About four ASCII letters make a token, digits and signs fewer, letters of other alphabets about two, and each
/// character of Chinese, Japanese, Korean, Thai and their like one or more.
pub(crate) fn estimate(text: &str) -> u64 {
    // In hundredths of a token.
    let mut sum: u64 = 0;
    for c in text.chars() {
        sum += match c {
            'a'..='z' | 'A'..='Z' | ' ' => 26,
            '0'..='9' => 50,
            _ if c.is_ascii() => 45,
            '\u{80}'..='\u{24f}' => 60,
            '\u{250}'..='\u{e00}' => 70,
            _ => 130,
        };
    }
    sum.div_ceil(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_lie_on_the_careful_side() {
        let english =
            "We will send the draft to the harbour office before Friday, and then we see. "
                .repeat(10);
        // About 170 tokens in the tokenizers of today.
        assert!(
            (170..=260).contains(&estimate(&english)),
            "{}",
            estimate(&english)
        );
        assert_eq!(estimate(""), 0);
        assert_eq!(estimate("契約書を送ります"), 11);
        assert!(estimate("#1042 00:12:05") >= 6);
    }
}

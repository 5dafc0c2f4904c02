//! Porter's stemmer of 1980, as the usual ROUGE implementations use it; checked against NLTK's.

/// The stem of a word of lower-case ASCII letters; words of three letters and fewer are left alone.
pub(super) fn stem(word: &str) -> String {
    if word.len() <= 3
        || !word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        return word.to_owned();
    }
    let mut word = word.to_owned();
    plurals(&mut word);
    past_and_progress(&mut word);
    if word.ends_with('y') && has_y_to_change(&word) {
        word.pop();
        word.push('i');
    }
    double_suffixes(&mut word);
    full_suffixes(&mut word);
    last_suffixes(&mut word);
    tidy_end(&mut word);
    word
}

fn consonant(word: &[u8], at: usize) -> bool {
    match word[at] {
        b'a' | b'e' | b'i' | b'o' | b'u' => false,
        b'y' => at == 0 || !consonant(word, at - 1),
        _ => true,
    }
}

/// How many times a consonant follows a vowel.
fn measure(stem: &str) -> usize {
    let word = stem.as_bytes();
    (1..word.len())
        .filter(|at| consonant(word, *at) && !consonant(word, *at - 1))
        .count()
}

fn has_vowel(stem: &str) -> bool {
    (0..stem.len()).any(|at| !consonant(stem.as_bytes(), at))
}

fn double_consonant(word: &str) -> bool {
    let bytes = word.as_bytes();
    let length = bytes.len();
    length >= 2 && bytes[length - 1] == bytes[length - 2] && consonant(bytes, length - 1)
}

/// Consonant, vowel, consonant that is not w, x or y; NLTK also takes a word of vowel and consonant.
fn short_end(word: &str) -> bool {
    let bytes = word.as_bytes();
    let length = bytes.len();
    (length >= 3
        && consonant(bytes, length - 3)
        && !consonant(bytes, length - 2)
        && consonant(bytes, length - 1)
        && !matches!(bytes[length - 1], b'w' | b'x' | b'y'))
        || (length == 2 && !consonant(bytes, 0) && consonant(bytes, 1))
}

fn plurals(word: &mut String) {
    if word.ends_with("ies") && word.len() == 4 {
        word.truncate(3);
    } else if word.ends_with("sses") || word.ends_with("ies") {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
    }
}

fn past_and_progress(word: &mut String) {
    if word.ends_with("ied") {
        let keep = if word.len() == 4 { 1 } else { 2 };
        word.truncate(word.len() - keep);
        return;
    }
    if let Some(stem) = word.strip_suffix("eed") {
        if measure(stem) > 0 {
            word.pop();
        }
        return;
    }
    let Some(stem) = word.strip_suffix("ed").or_else(|| word.strip_suffix("ing")) else {
        return;
    };
    if !has_vowel(stem) {
        return;
    }
    let length = stem.len();
    word.truncate(length);
    if word.ends_with("at") || word.ends_with("bl") || word.ends_with("iz") {
        word.push('e');
    } else if double_consonant(word) {
        if !word.ends_with(['l', 's', 'z']) {
            word.pop();
        }
    } else if measure(word) == 1 && short_end(word) {
        word.push('e');
    }
}

/// NLTK changes a final y behind a consonant when there is more than that consonant.
fn has_y_to_change(word: &str) -> bool {
    let stem = &word[..word.len() - 1];
    stem.len() > 1 && consonant(stem.as_bytes(), stem.len() - 1)
}

fn replace(word: &mut String, rules: &[(&str, &str)], least: usize) -> bool {
    for (suffix, by) in rules {
        if let Some(stem) = word.strip_suffix(suffix) {
            if measure(stem) > least {
                let length = stem.len();
                word.truncate(length);
                word.push_str(by);
            }
            return true;
        }
    }
    false
}

const DOUBLE: [(&str, &str); 20] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
];

fn double_suffixes(word: &mut String) {
    // NLTK first undoes "alli" and goes through the rules again.
    if let Some(stem) = word.strip_suffix("alli")
        && measure(stem) > 0
    {
        let length = stem.len() + 2;
        word.truncate(length);
        double_suffixes(word);
        return;
    }
    if replace(word, &DOUBLE, 0) {
        return;
    }
    if let Some(stem) = word.strip_suffix("fulli") {
        if measure(stem) > 0 {
            word.truncate(word.len() - 2);
        }
        return;
    }
    // For "logi" the measure counts the l.
    if let Some(stem) = word.strip_suffix("logi")
        && measure(&format!("{stem}l")) > 0
    {
        word.pop();
    }
}

fn full_suffixes(word: &mut String) {
    replace(
        word,
        &[
            ("icate", "ic"),
            ("ative", ""),
            ("alize", "al"),
            ("iciti", "ic"),
            ("ical", "ic"),
            ("ful", ""),
            ("ness", ""),
        ],
        0,
    );
}

fn last_suffixes(word: &mut String) {
    const RULES: [&str; 19] = [
        "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion",
        "ou", "ism", "ate", "iti", "ous", "ive", "ize",
    ];
    for suffix in RULES {
        if let Some(stem) = word.strip_suffix(suffix) {
            if measure(stem) > 1 && (suffix != "ion" || stem.ends_with(['s', 't'])) {
                let length = stem.len();
                word.truncate(length);
            }
            return;
        }
    }
}

fn tidy_end(word: &mut String) {
    if let Some(stem) = word.strip_suffix('e') {
        let measured = measure(stem);
        if measured > 1 || (measured == 1 && !short_end(stem)) {
            word.pop();
        }
    }
    if word.ends_with("ll") && measure(&word[..word.len() - 1]) > 1 {
        word.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_those_of_nltk() {
        for (word, wanted) in [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("ties", "tie"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("motoring", "motor"),
            ("sized", "size"),
            ("hopping", "hop"),
            ("happy", "happi"),
            ("enjoy", "enjoy"),
            ("relational", "relat"),
            ("conditional", "condit"),
            ("formalize", "formal"),
            ("adjustment", "adjust"),
            ("adoption", "adopt"),
            ("controlling", "control"),
            ("generously", "gener"),
            ("the", "the"),
            ("was", "was"),
        ] {
            assert_eq!(stem(word), wanted, "{word}");
        }
    }
}

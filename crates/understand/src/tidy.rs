//! A sentence as it reads better: without fillers, noises, repeated words and opening "so, yeah".

/// Sounds that are no words.
const FILLERS: [&str; 22] = [
    "um", "umm", "uh", "uhh", "uhm", "mm", "mmm", "hm", "hmm", "hmmm", "mm-hmm", "mhm", "uh-huh",
    "er", "erm", "ah", "eh", "oh", "ooh", "ugh", "huh", "ehm",
];
/// Words that open a turn and say nothing.
const OPENERS: [&str; 21] = [
    "so",
    "and",
    "but",
    "well",
    "okay",
    "ok",
    "yeah",
    "yes",
    "yep",
    "no",
    "right",
    "now",
    "then",
    "also",
    "anyway",
    "alright",
    "sure",
    "like",
    "basically",
    "actually",
    "because",
];
/// Pairs of words that fill a pause, and the words before them after which they are meant.
const PAIRS: [(&str, &str, &[&str]); 5] = [
    (
        "you",
        "know",
        &[
            "do", "did", "if", "as", "let", "don't", "what", "how", "would",
        ],
    ),
    ("i", "mean", &["what", "do", "did"]),
    (
        "kind",
        "of",
        &[
            "a",
            "the",
            "what",
            "this",
            "that",
            "some",
            "any",
            "which",
            "same",
            "different",
            "right",
        ],
    ),
    (
        "sort",
        "of",
        &[
            "a",
            "the",
            "what",
            "this",
            "that",
            "some",
            "any",
            "which",
            "same",
            "different",
            "right",
        ],
    ),
    ("or", "something", &[]),
];
/// Ends of words that some transcripts write apart.
const APART: [&str; 7] = ["'s", "'re", "'ll", "'m", "'ve", "'d", "n't"];
/// Longest noise in brackets, in bytes: `{vocalsound}`, `[inaudible]`, `(laughs)` but no remark.
const LONGEST_NOISE: usize = 24;

/// The text without what only speech needs, with a capital letter and an end.
pub(crate) fn tidy(text: &str) -> String {
    let mut kept: Vec<String> = Vec::new();
    for token in without_noise(text).split_whitespace() {
        push(&mut kept, token);
    }
    let skip = kept
        .iter()
        .take_while(|token| OPENERS.contains(&bare(token).as_str()) && !ends(token))
        .count();
    // A turn of openers only is kept: it is all that was said.
    let skip = if skip == kept.len() { 0 } else { skip };
    let mut out = String::with_capacity(text.len());
    for token in &kept[skip..] {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(token);
    }
    finish(&out)
}

fn push(kept: &mut Vec<String>, token: &str) {
    let word = bare(token);
    if word.is_empty() {
        // Punctuation that stands apart belongs to the word before it.
        if token
            .chars()
            .all(|c| matches!(c, '.' | ',' | '?' | '!' | ';' | ':'))
            && let Some(last) = kept.last_mut()
        {
            if last.ends_with(',') {
                last.pop();
            }
            if !ends(last) {
                last.push_str(token);
            }
        } else if token
            .chars()
            .any(|c| !c.is_ascii_punctuation() && c != '…' && c != '—')
        {
            kept.push(token.to_owned());
        }
        return;
    }
    if FILLERS.contains(&word.as_str()) {
        if token.ends_with(['.', '?', '!'])
            && let Some(last) = kept.last_mut()
            && !ends(last)
        {
            last.truncate(last.trim_end_matches(',').len());
            last.push_str(&token[token.len() - 1..]);
        }
        return;
    }
    if APART.contains(&word_with_mark(token).as_str())
        && let Some(last) = kept.last_mut()
    {
        last.push_str(token);
        return;
    }
    if let Some(last) = kept.last_mut() {
        let before = bare(last);
        if before == word && !ends(last) && !word.bytes().any(|byte| byte.is_ascii_digit()) {
            token.clone_into(last);
            return;
        }
        let earlier = kept
            .len()
            .checked_sub(2)
            .map_or(String::new(), |at| bare(&kept[at]));
        let filler = PAIRS.iter().any(|(first, second, meant)| {
            before == *first && word == *second && !meant.contains(&earlier.as_str())
        });
        if filler {
            kept.pop();
            if token.ends_with(['.', '?', '!'])
                && let Some(last) = kept.last_mut()
            {
                last.truncate(last.trim_end_matches(',').len());
                last.push_str(&token[token.len() - 1..]);
            }
            return;
        }
    }
    kept.push(token.to_owned());
}

/// The word without marks around it, in lower case, with straight apostrophes.
fn bare(token: &str) -> String {
    token
        .trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase()
        .replace('’', "'")
}

fn word_with_mark(token: &str) -> String {
    token
        .trim_end_matches([',', '.', '?', '!'])
        .to_lowercase()
        .replace('’', "'")
}

fn ends(token: &str) -> bool {
    token.ends_with(['.', '?', '!', '…'])
}

/// Leaves out `{vocalsound}`, `[inaudible]` and `(laughs)`.
fn without_noise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '[', '(']) {
        let close = match rest.as_bytes()[at] {
            b'{' => '}',
            b'[' => ']',
            _ => ')',
        };
        out.push_str(&rest[..at]);
        let inside = &rest[at + 1..];
        match inside.find(close) {
            Some(end) if end <= LONGEST_NOISE && !inside[..end].trim().contains(' ') => {
                out.push(' ');
                rest = &inside[end + 1..];
            }
            _ => {
                out.push_str(&rest[at..=at]);
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}

/// With a capital letter in front and a mark at the end.
pub(crate) fn finish(text: &str) -> String {
    let text = text
        .trim()
        .trim_end_matches([',', ';', ':', '-', '—', '…'])
        .trim_end();
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let mut out: String = first.to_uppercase().collect();
    out.push_str(chars.as_str());
    if !out.ends_with(['.', '?', '!', '。', '！', '？', '"', ')']) {
        out.push('.');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_repeats_and_openers_go() {
        for (said, read) in [
            (
                "So, um, I I think we, you know, need the the harbour plan .",
                "I think we, need the harbour plan.",
            ),
            ("{vocalsound} Okay . that 's all", "Okay. that's all."),
            (
                "Yeah, but do you know the answer",
                "Do you know the answer.",
            ),
            ("a boat (laughs) sort of red", "A boat red."),
            ("this kind of boat, um.", "This kind of boat."),
            ("Okay.", "Okay."),
            ("um", ""),
            ("", ""),
        ] {
            assert_eq!(tidy(said), read, "{said}");
        }
    }
}

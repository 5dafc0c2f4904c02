//! What a model states becomes a statement only with proof: cues that exist in what it read, and words that stand there.

use std::collections::HashSet;

use parfocal_understand::{Citation, Line, verify};
use serde_json::{Map, Value};

/// Most cues that one citation may span: what spans more points nowhere.
const MOST_CUES: u32 = 40;
/// A quote has at least this many words or characters, or is all that was said there.
const LEAST_WORDS: usize = 3;
const LEAST_CHARS: usize = 12;
/// Longest text of a statement, in characters.
const MOST_CHARS: usize = 1_000;

/// A statement that is proven.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Proven {
    /// The statement.
    pub(crate) text: String,
    /// The other members that the schema has.
    pub(crate) fields: Map<String, Value>,
    /// Who said what is quoted first.
    pub(crate) speaker: Option<String>,
    /// When, in milliseconds from the start of the recording.
    pub(crate) start_ms: u32,
    /// The proof.
    pub(crate) cite: Citation,
}

/// A statement of an answer, if its proof stands in the lines that the model was given.
pub(crate) fn proven(item: Value, lines: &[Line<'_>]) -> Option<Proven> {
    let Value::Object(mut fields) = item else {
        return None;
    };
    let cite = fields.remove("cite")?;
    let text = match fields.remove("text")? {
        Value::String(text) => super::prompt::one_line(&text),
        _ => return None,
    };
    let number = |name: &str| {
        cite.get(name)?
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
    };
    let cite = Citation {
        from: number("from")?,
        to: number("to")?,
        quote: cite.get("quote")?.as_str()?.trim().to_owned(),
    };
    if text.is_empty()
        || cite.to.checked_sub(cite.from)? > MOST_CUES
        || verify(&cite, lines).is_err()
    {
        return None;
    }
    let cited: Vec<&Line<'_>> = lines
        .iter()
        .filter(|line| (cite.from..=cite.to).contains(&line.n))
        .collect();
    let enough = cite.quote.split_whitespace().count() >= LEAST_WORDS
        || cite.quote.chars().count() >= LEAST_CHARS;
    let whole = || cited.iter().any(|line| same(line.text, &cite.quote));
    if !enough && !whole() {
        return None;
    }
    // Where the quote begins is where it was said.
    let first = cite.quote.split_whitespace().next().unwrap_or_default();
    let line = cited
        .iter()
        .find(|line| line.text.contains(first))
        .or_else(|| cited.first())?;
    Some(Proven {
        text: text.chars().take(MOST_CHARS).collect(),
        fields,
        speaker: line.speaker.map(str::to_owned),
        start_ms: line.start_ms,
        cite,
    })
}

fn same(text: &str, quote: &str) -> bool {
    text.split_whitespace().eq(quote.split_whitespace())
}

/// In the order of the talk, and each once: parts of a transcript overlap a little.
pub(crate) fn each_once(mut items: Vec<Proven>) -> Vec<Proven> {
    items.sort_by_key(|item| item.start_ms);
    let mut texts = HashSet::new();
    let mut places = HashSet::new();
    items.retain(|item| {
        let plain: String = item
            .text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        let new_text = texts.insert(plain);
        let new_place = places.insert((item.cite.from, item.cite.to, item.cite.quote.clone()));
        new_text && new_place
    });
    items
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LINES: [Line<'static>; 3] = [
        Line {
            n: 4,
            start_ms: 100,
            end_ms: 200,
            speaker: Some("Edda"),
            text: "We paint the boat red.",
        },
        Line {
            n: 5,
            start_ms: 300,
            end_ms: 400,
            speaker: Some("Luan"),
            text: "Yes.",
        },
        Line {
            n: 60,
            start_ms: 900,
            end_ms: 950,
            speaker: None,
            text: "Later then.",
        },
    ];

    fn item(from: i64, to: i64, quote: &str) -> Value {
        json!({"text": "The boat becomes\nred", "cite": {"from": from, "to": to, "quote": quote}, "severity": "low"})
    }

    #[test]
    fn only_what_stands_there_is_believed() {
        let found = proven(item(4, 5, "paint the boat"), &LINES).unwrap();
        assert_eq!(
            (
                found.text.as_str(),
                found.speaker.as_deref(),
                found.start_ms
            ),
            ("The boat becomes red", Some("Edda"), 100)
        );
        assert_eq!(found.fields["severity"], "low");
        assert_eq!(
            proven(item(5, 5, "Yes."), &LINES)
                .unwrap()
                .speaker
                .as_deref(),
            Some("Luan"),
            "a whole cue may be short"
        );
        for (from, to, quote) in [
            (4, 4, "paint the boat blue"),
            (5, 5, "paint the boat"),
            (9, 9, "paint the boat"),
            (5, 4, "paint the boat"),
            (-1, 4, "paint the boat"),
            (4, 60, "paint the boat"),
            (4, 4, "the"),
            (4, 4, ""),
        ] {
            assert_eq!(
                proven(item(from, to, quote), &LINES),
                None,
                "{from} {to} {quote:?}"
            );
        }
        for other in [
            json!("x"),
            json!({"text": "x"}),
            json!({"cite": {}}),
            json!({"text": 1, "cite": {"from": 4, "to": 4, "quote": "paint the boat"}}),
        ] {
            assert_eq!(proven(other, &LINES), None);
        }
    }

    #[test]
    fn what_two_parts_say_is_kept_once() {
        let one = proven(item(4, 4, "paint the boat"), &LINES).unwrap();
        let same_words = Proven {
            cite: Citation {
                quote: "the boat red.".into(),
                ..one.cite.clone()
            },
            text: "the boat becomes RED.".into(),
            ..one.clone()
        };
        let other = Proven {
            text: "Something else".into(),
            start_ms: 50,
            cite: Citation {
                quote: "boat red.".into(),
                ..one.cite.clone()
            },
            ..one.clone()
        };
        assert_eq!(
            each_once(vec![one.clone(), same_words, one.clone(), other.clone()]),
            [other, one]
        );
    }
}

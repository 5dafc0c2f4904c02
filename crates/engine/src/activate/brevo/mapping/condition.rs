//! Conditions: tests of fields that all have to hold.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::worth::{About, Field, Worth};

/// One test as it stands in the file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    /// The field that is tested, such as `meeting.topic`; or leave it out and give `any` or `not`.
    pub(super) field: Option<String>,
    /// It is this: a text (whatever its capitals), a number, true or false.
    pub(super) equals: Option<Value>,
    /// It is one of these.
    pub(super) one_of: Option<Vec<Value>>,
    /// It has this in it, whatever the capitals.
    pub(super) contains: Option<String>,
    /// It looks like this: `*` stands for anything, `?` for one letter; whatever the capitals.
    pub(super) matches: Option<String>,
    /// It is a number of at least this.
    pub(super) at_least: Option<f64>,
    /// It is a number of at most this.
    pub(super) at_most: Option<f64>,
    /// There is something (true) or nothing (false).
    pub(super) is_set: Option<bool>,
    /// At least one of these holds.
    pub(super) any: Option<Vec<Test>>,
    /// This does not hold.
    pub(super) not: Option<Box<Test>>,
}

/// A test that has been read.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    what: What,
    words: String,
}

#[derive(Debug, Clone)]
enum What {
    Field(Field, Ask),
    Any(Vec<Condition>),
    Not(Box<Condition>),
}

#[derive(Debug, Clone)]
enum Ask {
    OneOf(Vec<String>),
    Contains(String),
    Matches(Vec<char>),
    AtLeast(f64),
    AtMost(f64),
    IsSet(bool),
}

fn word(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.to_lowercase()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err("a comparison needs a text, a number, true or false".to_owned()),
    }
}

impl Condition {
    pub(super) fn read(test: &Test, of_moment: bool) -> Result<Self, String> {
        let mut asks = Vec::new();
        if let Some(value) = &test.equals {
            asks.push((Ask::OneOf(vec![word(value)?]), format!("is {value}")));
        }
        if let Some(all) = &test.one_of {
            let words: Vec<String> = all.iter().map(word).collect::<Result<_, _>>()?;
            let said = format!("is one of {}", words.join(", "));
            asks.push((Ask::OneOf(words), said));
        }
        if let Some(text) = &test.contains {
            asks.push((
                Ask::Contains(text.to_lowercase()),
                format!("has {text:?} in it"),
            ));
        }
        if let Some(pattern) = &test.matches {
            let letters = pattern.to_lowercase().chars().collect();
            asks.push((Ask::Matches(letters), format!("looks like {pattern:?}")));
        }
        if let Some(number) = test.at_least {
            asks.push((Ask::AtLeast(number), format!("is at least {number}")));
        }
        if let Some(number) = test.at_most {
            asks.push((Ask::AtMost(number), format!("is at most {number}")));
        }
        if let Some(set) = test.is_set {
            let said = if set { "is there" } else { "is not there" };
            asks.push((Ask::IsSet(set), said.to_owned()));
        }
        match (&test.field, asks.pop(), &test.any, &test.not) {
            (Some(field), Some((ask, said)), None, None) if asks.is_empty() => Ok(Self {
                what: What::Field(Field::named(field, of_moment)?, ask),
                words: format!("{field} {said}"),
            }),
            (Some(_), Some(_), None, None) => {
                Err("a test asks one thing of its field; write several tests".to_owned())
            }
            (Some(field), None, None, None) => Err(format!(
                "nothing is asked of {field}: equals, one_of, contains, matches, at_least, at_most or is_set"
            )),
            (None, None, Some(any), None) if !any.is_empty() => {
                let any: Vec<Self> = any
                    .iter()
                    .map(|test| Self::read(test, of_moment))
                    .collect::<Result<_, _>>()?;
                let words: Vec<&str> = any.iter().map(|one| one.words.as_str()).collect();
                Ok(Self {
                    words: words.join(" or "),
                    what: What::Any(any),
                })
            }
            (None, None, None, Some(not)) => {
                let not = Self::read(not, of_moment)?;
                Ok(Self {
                    words: format!("not: {}", not.words),
                    what: What::Not(Box::new(not)),
                })
            }
            _ => Err("a test has a field with one question, or any, or not".to_owned()),
        }
    }

    /// In words.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    pub(super) fn holds(&self, about: &About<'_>) -> bool {
        match &self.what {
            What::Any(any) => any.iter().any(|one| one.holds(about)),
            What::Not(not) => !not.holds(about),
            What::Field(field, ask) => {
                let worth = field.worth(about);
                let text = || worth.text().map(|text| text.to_lowercase());
                match ask {
                    Ask::OneOf(all) => text().is_some_and(|text| all.contains(&text)),
                    Ask::Contains(part) => text().is_some_and(|text| text.contains(part)),
                    Ask::Matches(pattern) => text().is_some_and(|text| {
                        let text: Vec<char> = text.chars().collect();
                        matches(pattern, &text)
                    }),
                    Ask::AtLeast(least) => {
                        matches!(worth, Worth::Number(number) if number >= *least)
                    }
                    Ask::AtMost(most) => matches!(worth, Worth::Number(number) if number <= *most),
                    Ask::IsSet(set) => (worth != Worth::Nothing) == *set,
                }
            }
        }
    }
}

/// Whether a text looks like a pattern of `*` and `?`; its time is bounded by the product of the lengths.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            p = at + 1;
            t = from + 1;
            star = Some((at, from + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn looks(pattern: &str, text: &str) -> bool {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        matches(&letters(pattern), &letters(text))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
        #[test]
        fn patterns_are_those_of_a_regular_expression(pattern in "[ab*?]{0,8}", text in "[abc]{0,10}") {
            let regex = pattern.chars().map(|c| match c { '*' => ".*".to_owned(), '?' => ".".to_owned(), c => c.to_string() }).collect::<String>();
            let regex = regex::Regex::new(&format!("^{regex}$")).unwrap();
            prop_assert_eq!(looks(&pattern, &text), regex.is_match(&text));
        }
    }
}

//! Names, e-mail addresses and long numbers are replaced before words leave this machine, and put back in what comes.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use regex::{Captures, Regex, RegexBuilder};
use serde_json::Value;

/// Given names that are ordinary words too: replaced only where they are written with a capital.
const ALSO_WORDS: [&str; 28] = [
    "art", "april", "august", "bill", "chase", "dawn", "drew", "faith", "frank", "gene", "grace",
    "grant", "hope", "ivy", "jack", "june", "joy", "mark", "may", "miles", "pat", "penny", "ray",
    "rich", "rob", "rose", "sue", "will",
];

static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[[:alnum:]][[:alnum:]._%+'-]*@[[:alnum:]-]+(?:\.[[:alnum:]-]+)+"));
/// Five and more digits, with what telephone, card and account numbers are written with between them.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\+?[[:digit:]](?:[ .()/-]{0,2}[[:digit:]]){4,}"));

fn pattern(text: &str) -> Regex {
    RegexBuilder::new(text)
        .unicode(false)
        .build()
        .expect("the patterns are constants, and a test uses each")
}

/// What stands for what, for one analysis: the same text always gets the same stand-in.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    names: Vec<Name>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    stand_ins: HashMap<String, String>,
    originals: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
}

#[derive(Debug)]
struct Name {
    /// In lower case.
    lower: Vec<char>,
    /// Whether it counts only where it begins with a capital.
    capital: bool,
}

impl Redaction {
    /// For talk in which these people may be named.
    pub(crate) fn of<'n>(people: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<Name> = Vec::new();
        for full in people {
            let mut add = |text: &str, capital: bool| {
                let lower: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
                if lower.len() > 1 && names.iter().all(|name| name.lower != lower) {
                    names.push(Name { lower, capital });
                }
            };
            let full = full.trim();
            add(full, false);
            for part in full.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-') {
                let lower = part.to_lowercase();
                // Two letters are a name in Chinese; in Latin letters they are mostly none.
                let enough =
                    part.chars().count() > 2 || !part.is_ascii() && part.chars().count() > 1;
                if enough && !part.chars().all(|c| c.is_ascii_digit()) {
                    add(part, ALSO_WORDS.contains(&lower.as_str()));
                }
            }
        }
        names.sort_by_key(|name| std::cmp::Reverse(name.lower.len()));
        Self {
            names,
            ..Self::default()
        }
    }

    /// The text without names, addresses and long numbers.
    pub(crate) fn hide(&self, text: &str) -> String {
        let text = ADDRESS.replace_all(text, |found: &Captures<'_>| {
            self.stand_in("EMAIL", &found[0])
        });
        let text = self.hide_names(&text);
        NUMBER
            .replace_all(&text, |found: &Captures<'_>| {
                self.stand_in("NUMBER", &found[0])
            })
            .into_owned()
    }

    fn hide_names(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while at < chars.len() {
            let begins = at == 0 || !chars[at - 1].is_alphanumeric() || !chars[at - 1].is_ascii();
            let found = begins
                .then(|| self.names.iter().find(|name| stands(name, &chars, at)))
                .flatten()
                .map(|name| name.lower.len());
            match found {
                Some(length) => {
                    let said: String = chars[at..at + length].iter().collect();
                    out.push_str(&self.stand_in("PERSON", &said));
                    at += length;
                }
                // What was put in is not looked into again.
                None if chars[at] == '[' => {
                    let end = chars[at..]
                        .iter()
                        .position(|c| *c == ']')
                        .map_or(at + 1, |length| at + length + 1);
                    let whole: String = chars[at..end].iter().collect();
                    if self.known().originals.contains_key(&whole) {
                        out.push_str(&whole);
                        at = end;
                    } else {
                        out.push('[');
                        at += 1;
                    }
                }
                None => {
                    out.push(chars[at]);
                    at += 1;
                }
            }
        }
        out
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stand_in(&self, what: &'static str, original: &str) -> String {
        let mut known = self.known();
        if let Some(made) = known.stand_ins.get(original) {
            return made.clone();
        }
        let count = known.counts.entry(what).or_default();
        *count += 1;
        let made = format!("[{what}_{}]", letters(*count));
        known.stand_ins.insert(original.to_owned(), made.clone());
        known.originals.insert(made.clone(), original.to_owned());
        made
    }

    /// A text with everything put back.
    pub(crate) fn show(&self, text: &str) -> String {
        let hidden = self.known();
        if hidden.originals.is_empty() || !text.contains('[') {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            out.push_str(&rest[..open]);
            rest = &rest[open..];
            let known = rest.find(']').and_then(|close| {
                let original = hidden.originals.get(&rest[..=close])?;
                Some((close, original))
            });
            if let Some((close, original)) = known {
                out.push_str(original);
                rest = &rest[close + 1..];
            } else {
                out.push('[');
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        out
    }

    /// A JSON value with everything put back in its texts.
    pub(crate) fn show_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.show(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.show_in(item)),
            Value::Object(members) => members.values_mut().for_each(|item| self.show_in(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn stands(name: &Name, chars: &[char], at: usize) -> bool {
    let Some(there) = chars.get(at..at + name.lower.len()) else {
        return false;
    };
    // One lower-case letter for each: names whose lower case is longer are compared as they are.
    let same = there
        .iter()
        .zip(&name.lower)
        .all(|(c, wanted)| c == wanted || c.to_lowercase().eq([*wanted]));
    let ends = chars
        .get(at + name.lower.len())
        .is_none_or(|next| !next.is_alphanumeric() || !next.is_ascii());
    same && ends && (!name.capital || there[0].is_uppercase())
}

/// 1 is A, 26 is Z, 27 is AA: digits would be taken for a number.
fn letters(mut number: usize) -> String {
    let mut out = Vec::new();
    while number > 0 {
        number -= 1;
        out.push(char::from(b'A' + u8::try_from(number % 26).unwrap_or(0)));
        number /= 26;
    }
    out.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_comes_back() {
        let redaction = Redaction::of(["Edda Brandt", "Will Ode", "王小明"]);
        let said = "edda will call +49 (0)30 123456, or write to edda.brandt@example.org; Will Ode, Will and 王小明 know \
                    card 4111 1111 1111 1111 of 2026, Brandt's [not] one.";
        let hidden = redaction.hide(said);
        for gone in [
            "Edda",
            "edda",
            "Brandt",
            "Ode",
            "王小明",
            "123456",
            "4111",
            "example",
        ] {
            assert!(!hidden.contains(gone), "{gone} in {hidden}");
        }
        for stays in [" will call", "2026", "'s [not] one."] {
            assert!(hidden.contains(stays), "{stays} in {hidden}");
        }
        assert_eq!(redaction.show(&hidden), said);
        assert_eq!(
            redaction.hide(said),
            hidden,
            "the same words hide the same way"
        );
        let mut answer = serde_json::json!({"items": [{"owner": redaction.hide("Will Ode")}]});
        redaction.show_in(&mut answer);
        assert_eq!(answer["items"][0]["owner"], "Will Ode");
    }

    #[test]
    fn stand_ins_that_somebody_says_change_nothing_else() {
        let redaction = Redaction::of(["Edda Brandt"]);
        let hidden = redaction.hide("[PERSON_A] says Edda Brandt [");
        assert_eq!(hidden, "[PERSON_A] says [PERSON_A] [");
        assert_eq!(redaction.show("[PERSON_B] [EMAIL_A"), "[PERSON_B] [EMAIL_A");
    }

    #[test]
    fn people_are_numbered_by_letters() {
        assert_eq!(letters(1), "A");
        assert_eq!(letters(26), "Z");
        assert_eq!(letters(27), "AA");
        assert_eq!(letters(703), "AAA");
    }
}

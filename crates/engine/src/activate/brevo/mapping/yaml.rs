//! YAML as JSON that remembers its lines, so that a mistake can be shown where it stands.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};
use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::TScalarStyle;

use super::Mistake;

/// Deepest nesting that is read.
const DEEPEST: usize = 32;
/// Largest file, in bytes.
const LARGEST: usize = 256 * 1024;

/// A step into a document: a key, or the place in a list.
pub(super) type Path = Vec<String>;

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    lines: HashMap<Path, u32>,
}

impl Document {
    /// Reads one document.
    ///
    /// # Errors
    /// What is no YAML, is too large or too deep, or has anchors or a key twice.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        if text.len() > LARGEST {
            return Err(Mistake::new(
                None,
                format!("the file is larger than {} KiB", LARGEST / 1024),
            ));
        }
        let mut reader = Reader::default();
        let mut parser = Parser::new_from_str(text);
        loop {
            let (event, mark) = parser.next_token().map_err(|error| {
                let line = u32::try_from(error.marker().line()).ok();
                Mistake::new(line, format!("this is not YAML: {}", error.info()))
            })?;
            let line = u32::try_from(mark.line()).unwrap_or(u32::MAX);
            if matches!(event, Event::StreamEnd) {
                break;
            }
            reader.take(event, line)?;
        }
        Ok(Self {
            value: reader.done.unwrap_or_else(|| Value::Object(Map::new())),
            lines: reader.lines,
        })
    }

    /// The line of a place, or of the nearest one around it.
    pub(super) fn line(&self, path: &[String]) -> Option<u32> {
        (0..=path.len())
            .rev()
            .find_map(|length| self.lines.get(&path[..length]).copied())
    }
}

/// A list or a mapping that is being read.
enum Open {
    List(Vec<Value>),
    Mapping(Map<String, Value>, Option<String>),
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    path: Path,
    lines: HashMap<Path, u32>,
    done: Option<Value>,
}

impl Reader {
    fn take(&mut self, event: Event, line: u32) -> Result<(), Mistake> {
        match event {
            Event::Alias(_) => Err(Mistake::new(
                Some(line),
                "anchors and aliases are not taken: write it out",
            )),
            Event::Scalar(text, style, ..) => {
                if let Some(Open::Mapping(map, key @ None)) = self.open.last_mut() {
                    if map.contains_key(&text) {
                        return Err(Mistake::new(
                            Some(line),
                            format!("{text} stands here twice"),
                        ));
                    }
                    self.path.push(text.clone());
                    self.lines.insert(self.path.clone(), line);
                    *key = Some(text);
                    return Ok(());
                }
                self.begin(line);
                self.end(scalar(text, style));
                Ok(())
            }
            Event::SequenceStart(..) => {
                self.nest(line)?;
                self.open.push(Open::List(Vec::new()));
                Ok(())
            }
            Event::MappingStart(..) => {
                self.nest(line)?;
                self.open.push(Open::Mapping(Map::new(), None));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let value = match self.open.pop() {
                    Some(Open::List(all)) => Value::Array(all),
                    Some(Open::Mapping(map, _)) => Value::Object(map),
                    None => Value::Null,
                };
                self.end(value);
                Ok(())
            }
            Event::DocumentStart if self.done.is_some() => Err(Mistake::new(
                Some(line),
                "the file holds more than one document",
            )),
            _ => Ok(()),
        }
    }

    fn nest(&mut self, line: u32) -> Result<(), Mistake> {
        if let Some(Open::Mapping(_, None)) = self.open.last() {
            return Err(Mistake::new(Some(line), "a key has to be a word"));
        }
        if self.open.len() >= DEEPEST {
            return Err(Mistake::new(Some(line), "this is nested too deep"));
        }
        self.begin(line);
        Ok(())
    }

    /// A value begins here: in a list it is one step deeper.
    fn begin(&mut self, line: u32) {
        if let Some(Open::List(all)) = self.open.last() {
            self.path.push(all.len().to_string());
        }
        self.lines.entry(self.path.clone()).or_insert(line);
    }

    /// A value has ended.
    fn end(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::List(all)) => {
                all.push(value);
                self.path.pop();
            }
            Some(Open::Mapping(map, key)) => {
                if let Some(key) = key.take() {
                    map.insert(key, value);
                }
                self.path.pop();
            }
            None => self.done = Some(value),
        }
    }
}

/// A scalar as YAML 1.2 means it; what stands in quotes is text.
fn scalar(text: String, style: TScalarStyle) -> Value {
    if !matches!(style, TScalarStyle::Plain) {
        return Value::String(text);
    }
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            if let Ok(number) = text.parse::<i64>() {
                return Value::Number(number.into());
            }
            let number = text
                .parse::<f64>()
                .ok()
                .filter(|_| text.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
                .and_then(Number::from_f64);
            number.map_or(Value::String(text), Value::Number)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn path(steps: &[&str]) -> Path {
        steps.iter().map(|step| (*step).to_owned()).collect()
    }

    #[test]
    fn a_document_remembers_its_lines() {
        let text = "version: 1\n# words\nlists:\n  - name: One\n    when:\n      - { field: x, equals: 'true' }\n  - name: Two\n";
        let read = Document::parse(text).unwrap();
        assert_eq!(
            read.value,
            json!({ "version": 1, "lists": [
                { "name": "One", "when": [{ "field": "x", "equals": "true" }] }, { "name": "Two" }] })
        );
        assert_eq!(read.line(&path(&["lists", "1", "name"])), Some(7));
        assert_eq!(
            read.line(&path(&["lists", "0", "when", "0", "equals"])),
            Some(6)
        );
        assert_eq!(read.line(&path(&["lists", "0", "unknown"])), Some(4));
    }

    #[test]
    fn what_would_be_taken_wrongly_is_refused_with_its_line() {
        for (text, line, words) in [
            ("a: 1\na: 2\n", Some(2), "twice"),
            ("a: &x 1\nb: *x\n", Some(2), "anchors"),
            ("a: [1\nb: 2\n", None, "not YAML"),
            ("a: 1\n---\nb: 1\n", Some(2), "more than one"),
        ] {
            let mistake = Document::parse(text).unwrap_err();
            assert!(mistake.to_string().contains(words), "{mistake}");
            if line.is_some() {
                assert_eq!(mistake.line, line, "{text}");
            }
        }
        let deep = "[".repeat(100);
        assert!(Document::parse(&deep).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn json_is_read_as_it_is(
            keys in proptest::collection::btree_map("[a-z]{1,6}", any::<(bool, i32, String)>(), 0..6)
        ) {
            let value = json!(keys.iter().map(|(key, (truth, number, text))| {
                (key.clone(), json!({ "t": truth, "n": number, "s": text, "l": [text, number] }))
            }).collect::<Map<_, _>>());
            // JSON is YAML.
            prop_assert_eq!(Document::parse(&value.to_string()).unwrap().value, value);
        }

        #[test]
        fn nothing_makes_it_fall(text in "[ -~\n]{0,80}") {
            let _ = Document::parse(&text);
        }
    }
}

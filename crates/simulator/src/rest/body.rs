//! Small words of Zoom's JSON: times, and reading and checking request fields.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::http::reply::Refusal;

/// `yyyy-MM-ddTHH:mm:ssZ`, without a fraction, as all of Zoom's answers have it.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `yyyy-MM-dd`.
pub(crate) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// Reads the fields of a body and gathers what is wrong with them.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    prefix: &'static str,
    errors: Vec<(String, String)>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(map: &'a Map<String, Value>, prefix: &'static str) -> Self {
        Self {
            map,
            prefix,
            errors: Vec::new(),
        }
    }

    pub(crate) fn fault(&mut self, name: &str, message: &str) {
        self.errors
            .push((format!("{}{name}", self.prefix), message.to_owned()));
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A text of at most `max` characters.
    pub(crate) fn text(&mut self, name: &str, max: usize) -> Option<String> {
        let value = self.value(name)?;
        match value {
            Value::String(text) if text.chars().count() <= max => Some(text.clone()),
            Value::String(_) => {
                self.fault(
                    name,
                    &format!("The length must be at most {max} characters."),
                );
                None
            }
            Value::Number(number) => Some(number.to_string()),
            _ => {
                self.fault(name, "Invalid field.");
                None
            }
        }
    }

    /// A whole number in a range; text that is a number counts.
    pub(crate) fn number(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let value = self.value(name)?;
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                self.fault(name, "Invalid field.");
                None
            }
        }
    }

    /// One of these numbers.
    pub(crate) fn choice(&mut self, name: &str, allowed: &[i64]) -> Option<i64> {
        let number = self.number(name, i64::MIN..=i64::MAX)?;
        if allowed.contains(&number) {
            return Some(number);
        }
        self.fault(name, "Invalid field.");
        None
    }

    /// Done reading.
    pub(crate) fn errors(self) -> Vec<(String, String)> {
        self.errors
    }

    /// Refuses when anything was wrong.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Refusal::validation(self.errors))
        }
    }
}

/// Whether a text looks like an e-mail address.
pub(crate) fn is_email(text: &str) -> bool {
    text.len() <= 128
        && text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && !text.chars().any(char::is_whitespace)
        })
}

//! What exactly is wrong with an input: the field, its value, the complaint, the mend.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Fault {
    /// The field as a path, such as `recurrence.interval`; empty for the whole input.
    pub field: String,
    /// The value that was given, as JSON text and cut when it is long; none when it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong with it.
    pub problem: String,
    /// What to write instead.
    pub mend: String,
}

/// Longest part of a value that is repeated to the caller.
const SHOWN: usize = 80;

impl Fault {
    /// A fault of a field that has a value.
    pub fn new(
        field: impl Into<String>,
        value: impl Into<Value>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            value: Some(shown(&value.into())),
            problem: problem.into(),
            mend: mend.into(),
        }
    }

    /// A fault of a field that is missing.
    pub fn missing(
        field: impl Into<String>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            value: None,
            problem: problem.into(),
            mend: mend.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}", self.field)?;
        }
        if let Some(value) = &self.value {
            write!(f, " {value}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// A value as it is repeated to whoever gave it; what may be secret is not.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

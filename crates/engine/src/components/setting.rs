//! What can be set when a component is activated.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{EngineError, Fault, Result};

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingKind {
    /// One of these words; the first is the default.
    Choice(&'static [&'static str]),
    /// A text; the default when nothing is given.
    Text(&'static str),
    /// A secret: kept in the vault, never shown or exported.
    Secret,
}

/// Something that can be set when a component is activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub key: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// How it is written.
    pub kind: SettingKind,
    /// The configuration key that does the same.
    pub stands_for: Option<&'static str>,
}

impl Setting {
    /// Whether it is secret.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, SettingKind::Secret)
    }

    /// What holds when nobody says anything; none for a secret.
    pub fn default(&self) -> Option<&'static str> {
        match self.kind {
            SettingKind::Choice(words) => words.first().copied(),
            SettingKind::Text(text) => Some(text),
            SettingKind::Secret => None,
        }
    }

    /// The words that may be given; empty when any text may.
    pub fn choices(&self) -> &'static [&'static str] {
        match self.kind {
            SettingKind::Choice(words) => words,
            _ => &[],
        }
    }

    /// The environment variable that sets it when a component is activated.
    pub fn environment_name(&self, component: &str) -> String {
        crate::config::environment_name(&format!("components.{component}.{}", self.key))
    }

    /// Checks a value.
    ///
    /// # Errors
    /// `invalid_input` that names the setting and what may be given; a secret's value is not repeated.
    pub fn check(&self, component: &str, value: &str) -> Result<()> {
        let wrong = match self.kind {
            SettingKind::Choice(words) if !words.contains(&value) => {
                Some(format!("It is {}.", words.join(" or ")))
            }
            SettingKind::Secret if value.trim().is_empty() => {
                Some("It may not be empty.".to_owned())
            }
            _ => None,
        };
        let Some(mend) = wrong else { return Ok(()) };
        let field = format!("settings.{}", self.key);
        let problem = format!("{component}'s {} cannot be that", self.key);
        Err(EngineError::faulty(
            &format!("{component} cannot be set up so"),
            vec![Fault::missing(field, problem, mend)],
        ))
    }

    /// How it is shown, with the value that holds now.
    pub(super) fn view(&self, value: Option<&str>, secret_known: bool) -> SettingView {
        SettingView {
            key: self.key,
            about: self.about,
            value: value.or(self.default()).map(str::to_owned),
            choices: self.choices().to_vec(),
            secret: self.is_secret(),
            is_set: value.is_some() || (self.is_secret() && secret_known),
        }
    }
}

/// A setting as it is shown; no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SettingView {
    /// Its name.
    pub key: &'static str,
    /// What it is.
    pub about: &'static str,
    /// The value that holds; none for a secret.
    pub value: Option<String>,
    /// The words that may be given; empty when any text may.
    pub choices: Vec<&'static str>,
    /// Whether it is secret: then its value is never shown.
    pub secret: bool,
    /// Whether somebody set it.
    pub is_set: bool,
}

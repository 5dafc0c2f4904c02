//! How a destination of the kind `brevo` is configured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Host, Url};

use super::mapping::{Mapping, Mistake};
use crate::error::{EngineError, Result};

/// Brevo's own limits, which depend on what was bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BrevoPlan {
    /// 10 calls a second for contacts and for events, 100 an hour for the rest.
    #[default]
    General,
    /// 20 a second, 200 an hour.
    Advanced,
    /// 60 a second, 200 an hour.
    Extended,
}

/// Where Brevo is, and what goes there. The key lies in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrevoConfig {
    /// The address of the API.
    #[serde(default = "base_url")]
    #[schemars(with = "String", extend("format" = "uri"))]
    pub base_url: Url,
    /// The mapping as YAML; without one the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// Whose limits hold.
    #[serde(default)]
    pub plan: BrevoPlan,
    /// How many new contacts of a backfill become an import instead of single calls.
    #[serde(default = "import_from")]
    #[schemars(range(min = 2, max = 100_000))]
    pub import_from: u32,
    /// How long Brevo may take for an answer.
    #[serde(default = "timeout")]
    #[schemars(range(min = 1, max = 120))]
    pub timeout_seconds: u64,
    /// How long is waited, after an answer was lost, before it is looked whether the event is there.
    #[serde(default = "settle")]
    #[schemars(range(min = 0, max = 3600))]
    pub settle_seconds: u32,
}

fn base_url() -> Url {
    // The address is one that parses, which the tests see.
    Url::parse("https://api.brevo.com/v3").unwrap_or_else(|_| unreachable!("a constant address"))
}

const fn import_from() -> u32 {
    25
}

const fn timeout() -> u64 {
    30
}

const fn settle() -> u32 {
    30
}

/// Whether an address is on this machine.
pub(super) fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Mistakes of a mapping in the application's words.
pub(super) fn refusal(mistakes: &[Mistake]) -> EngineError {
    let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    EngineError::invalid(format!("the mapping cannot be used:\n{}", all.join("\n"))).with_hint(
        "Correct these lines. `parfocal sync mapping` writes the default with its comments.",
    )
}

impl BrevoConfig {
    /// Reads a configuration and refuses what cannot be used, the mapping with lines and reasons.
    ///
    /// # Errors
    /// `invalid_input`.
    pub fn read(config: &Value) -> Result<Self> {
        let read: Self = serde_path_to_error::deserialize(config)
            .map_err(|error| EngineError::invalid(format!("Brevo's configuration: {error}")))?;
        if read.base_url.scheme() != "https" && !is_near(&read.base_url) {
            return Err(EngineError::invalid(format!(
                "{} is not HTTPS, and the key goes there",
                read.base_url
            )));
        }
        if !(1..=120).contains(&read.timeout_seconds)
            || read.settle_seconds > 3_600
            || read.import_from < 2
        {
            return Err(EngineError::invalid(
                "timeout_seconds is 1 to 120, settle_seconds up to 3600, import_from at least 2",
            ));
        }
        read.mapping()?;
        Ok(read)
    }

    /// The mapping.
    ///
    /// # Errors
    /// `invalid_input` with every mistake.
    pub fn mapping(&self) -> Result<Mapping> {
        let read = match &self.mapping {
            Some(text) => Mapping::read(text),
            None => Mapping::standard(),
        };
        read.map_err(|mistakes| refusal(&mistakes))
    }
}

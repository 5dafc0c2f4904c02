//! The section `models`: language models that analyse and answer beside the embedded analyst.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::Secret;
use super::sections::texts;

/// Language models; without `use` none is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Models {
    /// Name of the server that analyses and answers; none means the embedded analyst alone.
    #[serde(rename = "use")]
    pub active: Option<String>,
    /// Name of the server that makes vectors for searching by meaning; none means that words alone are searched.
    pub embeddings: Option<String>,
    /// Servers by name.
    pub servers: BTreeMap<String, ModelServer>,
    /// Hosts beyond this machine and its network that may be asked; names below them count too.
    #[serde(deserialize_with = "texts")]
    pub hosts: Vec<String>,
    /// Whether addresses of private networks may be asked, without TLS too.
    pub allow_private: bool,
    /// Most tokens a UTC day, sent and received, all servers together; 0 means no limit.
    pub tokens_per_day: u64,
    /// Most that a UTC day may cost, in the currency of the prices; 0 means no limit.
    pub cost_per_day: f64,
    /// Directory of further kinds of analysis; none means `analyses` in the data directory.
    pub kinds: Option<PathBuf>,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            active: None,
            embeddings: None,
            servers: BTreeMap::new(),
            hosts: vec!["api.openai.com".into(), "api.anthropic.com".into()],
            allow_private: false,
            tokens_per_day: 2_000_000,
            cost_per_day: 0.0,
            kinds: None,
        }
    }
}

/// Which API a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelApi {
    /// Chat completions as OpenAI made them: llama.cpp, Ollama, vLLM, LM Studio and most others.
    #[default]
    Openai,
    /// Anthropic's messages.
    Anthropic,
}

/// How a server is asked for JSON of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// The strongest that the API has: `json_schema` for OpenAI's, `tool` for Anthropic's.
    #[default]
    Auto,
    /// `response_format` with the schema.
    JsonSchema,
    /// One tool whose input is the answer.
    Tool,
    /// `response_format` with JSON of any shape, the schema in the prompt.
    JsonObject,
    /// The schema in the prompt only.
    Prompt,
}

/// What the parameter is called that bounds an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenParameter {
    /// What local servers and Anthropic know.
    #[default]
    MaxTokens,
    /// What OpenAI's newer models want.
    MaxCompletionTokens,
}

/// One server and what it can do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelServer {
    /// Which API it speaks.
    pub api: ModelApi,
    /// Address up to and including the version, such as `https://api.openai.com/v1`.
    pub url: Option<Url>,
    /// The model's name there.
    pub model: Option<String>,
    /// The key; none for servers that want none.
    pub key: Option<Secret>,
    /// How it is asked for JSON.
    pub structured: Structured,
    /// What the parameter is called that bounds an answer.
    pub token_parameter: TokenParameter,
    /// Whether it takes a temperature; 0 is sent.
    pub temperature: bool,
    /// Whether it takes a seed.
    pub seed: bool,
    /// Tokens that prompt and answer may have together.
    pub context_tokens: u32,
    /// Tokens that an answer may have.
    pub output_tokens: u32,
    /// Requests at once.
    pub parallel: usize,
    /// How long one request may take, in seconds.
    pub timeout_seconds: u64,
    /// Whether names, e-mail addresses and long numbers are replaced before they are sent, and put back in what comes.
    pub redact: bool,
    /// Price of a million tokens sent.
    pub price_in: f64,
    /// Price of a million tokens received.
    pub price_out: f64,
}

impl Default for ModelServer {
    fn default() -> Self {
        Self {
            api: ModelApi::default(),
            url: None,
            model: None,
            key: None,
            structured: Structured::default(),
            token_parameter: TokenParameter::default(),
            temperature: true,
            seed: false,
            context_tokens: 8_192,
            output_tokens: 2_048,
            parallel: 2,
            timeout_seconds: 120,
            redact: false,
            price_in: 0.0,
            price_out: 0.0,
        }
    }
}

/// Where an address lies, as far as sending words there goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nearness {
    /// This machine.
    Loopback,
    /// An address of a private network.
    Private,
    /// Anywhere else.
    Far,
}

/// Where an address lies; names other than `localhost` are far, whatever they resolve to.
pub(crate) fn nearness(url: &Url) -> Nearness {
    let ip: IpAddr = match url.host() {
        Some(Host::Domain("localhost")) => return Nearness::Loopback,
        Some(Host::Ipv4(ip)) => ip.into(),
        Some(Host::Ipv6(ip)) => ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4),
        _ => return Nearness::Far,
    };
    let private = match ip {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    };
    if ip.is_loopback() {
        Nearness::Loopback
    } else if private {
        Nearness::Private
    } else {
        Nearness::Far
    }
}

impl Models {
    /// The server in use with its name.
    pub fn in_use(&self) -> Option<(&str, &ModelServer)> {
        let name = self.active.as_deref().filter(|name| !name.is_empty())?;
        self.servers.get(name).map(|server| (name, server))
    }

    /// The server that makes vectors, with its name.
    pub fn embedding(&self) -> Option<(&str, &ModelServer)> {
        let name = self.embeddings.as_deref().filter(|name| !name.is_empty())?;
        self.servers.get(name).map(|server| (name, server))
    }

    /// Everything that is wrong: key, what is wrong, mend.
    pub(super) fn faults(&self) -> Vec<(String, String, String)> {
        let mut found: Vec<(String, String, String)> = Vec::new();
        let mut add = |key: String, message: &str, mend: &str| {
            found.push((key, message.to_owned(), mend.to_owned()));
        };
        if let Some(name) = self.active.as_deref().filter(|name| !name.is_empty())
            && !self.servers.contains_key(name)
        {
            add(
                "models.use".into(),
                &format!("there is no server {name}"),
                "Describe it below models.servers, or leave models.use out.",
            );
        }
        if let Some(name) = self.embeddings.as_deref().filter(|name| !name.is_empty()) {
            let (message, mend) = match self.servers.get(name).map(|server| server.api) {
                Some(ModelApi::Openai) => ("", ""),
                Some(ModelApi::Anthropic) => (
                    "names a server of an API that makes no vectors",
                    "Name one with `api: openai`.",
                ),
                None => (
                    "names no server that is described",
                    "Describe it below models.servers, or leave models.embeddings out.",
                ),
            };
            if !message.is_empty() {
                add("models.embeddings".into(), message, mend);
            }
        }
        if !self.cost_per_day.is_finite() || self.cost_per_day < 0.0 {
            add(
                "models.cost_per_day".into(),
                "is not an amount",
                "Write 0 for no limit.",
            );
        }
        for (name, server) in &self.servers {
            let key = |leaf: &str| format!("models.servers.{name}.{leaf}");
            match &server.url {
                None => add(
                    key("url"),
                    "is missing",
                    "Write the address up to /v1, such as http://127.0.0.1:8081/v1.",
                ),
                Some(url) => {
                    if let Some((message, mend)) = self.refusal(url) {
                        add(key("url"), message, mend);
                    }
                }
            }
            if server
                .model
                .as_deref()
                .is_none_or(|model| model.trim().is_empty())
            {
                add(
                    key("model"),
                    "is missing",
                    "Write the model's name as the server knows it; results are kept by it.",
                );
            }
            let room = server.output_tokens.saturating_add(1_024);
            if server.output_tokens < 64 || server.context_tokens < room {
                add(
                    key("context_tokens"),
                    "leaves no room: an answer needs at least 64 tokens, and a prompt 1024 beside it",
                    "Write the context that the server was started with, and a smaller output_tokens.",
                );
            }
            if !(1..=64).contains(&server.parallel) {
                add(
                    key("parallel"),
                    "must lie between 1 and 64",
                    "2 suits most.",
                );
            }
            if !(1..=3600).contains(&server.timeout_seconds) {
                add(
                    key("timeout_seconds"),
                    "must lie between 1 and 3600",
                    "120 suits most.",
                );
            }
            let fine = |price: f64| price.is_finite() && price >= 0.0;
            if !fine(server.price_in) || !fine(server.price_out) {
                add(
                    key("price_in"),
                    "is not a price",
                    "Write 0 if it costs nothing.",
                );
            }
        }
        found
    }

    /// Why words may not be sent to an address, and the mend; none when they may.
    pub(crate) fn refusal(&self, url: &Url) -> Option<(&'static str, &'static str)> {
        if url.host().is_none()
            || !matches!(url.scheme(), "http" | "https")
            || !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Some((
                "is not a plain web address",
                "Write it as https://host/v1, without user, query and fragment.",
            ));
        }
        match nearness(url) {
            Nearness::Loopback => None,
            Nearness::Private if self.allow_private => None,
            Nearness::Private => Some((
                "lies in a private network",
                "Set models.allow_private to true if that machine may read what was said.",
            )),
            Nearness::Far if url.scheme() != "https" => Some((
                "would send what was said in the clear",
                "Use https; plain http only to this machine and, if allowed, to private networks.",
            )),
            Nearness::Far => {
                let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
                let listed = self.hosts.iter().any(|allowed| {
                    let allowed = allowed.trim_start_matches('.').to_ascii_lowercase();
                    host == allowed
                        || host
                            .strip_suffix(&allowed)
                            .is_some_and(|rest| !allowed.is_empty() && rest.ends_with('.'))
                });
                (!listed).then_some((
                    "is not among the hosts that may read what was said",
                    "Add its host to models.hosts if it may.",
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_only_where_they_may() {
        let mut models = Models::default();
        let goes = |models: &Models, url: &str| models.refusal(&url.parse().unwrap()).is_none();
        for fine in [
            "http://127.0.0.1:8081/v1",
            "http://localhost/v1",
            "http://[::1]:1/v1",
            "https://api.openai.com/v1",
            "https://eu.api.anthropic.com/v1",
        ] {
            assert!(goes(&models, fine), "{fine}");
        }
        for refused in [
            "http://api.openai.com/v1",
            "https://api.openai.com.evil.test/v1",
            "https://xapi.openai.com/v1",
            "http://127.0.0.1.evil.test/v1",
            "http://192.168.1.5/v1",
            "https://10.0.0.1/v1",
            "http://169.254.169.254/latest",
            "https://user:pass@api.openai.com/v1",
            "https://api.openai.com/v1?key=x",
            "ftp://127.0.0.1/v1",
        ] {
            assert!(!goes(&models, refused), "{refused}");
        }
        models.allow_private = true;
        assert!(goes(&models, "http://192.168.1.5:11434/v1"));
        assert!(!goes(&models, "http://169.254.169.254/v1"));
        models.hosts = vec![".example.org".into()];
        assert!(goes(&models, "https://llm.example.org/v1"));
        assert!(!goes(&models, "https://api.openai.com/v1"));
    }

    #[test]
    fn a_server_is_whole_or_each_gap_is_named() {
        let mut models = Models {
            active: Some("away".into()),
            ..Models::default()
        };
        models.servers.insert(
            "near".into(),
            ModelServer {
                output_tokens: 8_000,
                ..ModelServer::default()
            },
        );
        let faults = models.faults();
        let keys: Vec<&str> = faults.iter().map(|(key, ..)| key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "models.use",
                "models.servers.near.url",
                "models.servers.near.model",
                "models.servers.near.context_tokens"
            ]
        );
    }
}

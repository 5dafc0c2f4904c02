//! The two dialects that model servers speak: what is sent, what comes, and how each says that it cannot.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::config::{ModelApi, ModelServer, Structured, TokenParameter};

/// The version of Anthropic's API that this program speaks.
pub(super) const ANTHROPIC_VERSION: &str = "2023-06-01";

/// What a model is asked.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    /// The instructions.
    pub(crate) system: String,
    /// What is to be read, as data.
    pub(crate) data: String,
    /// Name of the schema: letters, digits, `_` and `-`.
    pub(crate) name: String,
    /// The schema of the answer, strict.
    pub(crate) schema: Value,
    /// Tokens that the answer may have.
    pub(crate) output_tokens: u32,
}

/// An answer that did not fit, and what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct Rejected {
    pub(super) answer: String,
    pub(super) faults: String,
}

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// The text, or the JSON of a tool's input.
    pub(super) text: String,
    /// Tokens that were sent, as the server counted them.
    pub(super) tokens_in: Option<u64>,
    /// Tokens that came.
    pub(super) tokens_out: Option<u64>,
    /// Whether the answer was cut off at its bound.
    pub(super) cut: bool,
}

/// Why nothing came.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// Later: too much at once, overloaded, loading.
    Busy(String, Option<Duration>),
    /// It cannot be reached, or did not answer in time.
    Down(String),
    /// The prompt does not fit into the context, of this size if it was said.
    TooLong(Option<u32>),
    /// This way of asking for JSON is not known there.
    Structure(String),
    /// It says no, and will again: key, model, quota.
    Refused(String),
    /// It answered with nothing that can be used.
    Empty(String),
}

/// The way of asking for JSON that is tried first.
pub(super) fn first_way(server: &ModelServer) -> Structured {
    match (server.structured, server.api) {
        (Structured::Auto, ModelApi::Openai) => Structured::JsonSchema,
        // Anthropic's messages have no promise of JSON without a tool.
        (
            Structured::Auto | Structured::JsonSchema | Structured::JsonObject,
            ModelApi::Anthropic,
        ) => Structured::Tool,
        (way, _) => way,
    }
}

/// The next weaker way; none after the weakest.
pub(super) fn weaker(way: Structured, api: ModelApi) -> Option<Structured> {
    match (way, api) {
        (Structured::Prompt, _) => None,
        (Structured::Auto | Structured::JsonSchema, ModelApi::Openai) => Some(Structured::Tool),
        (Structured::Tool, ModelApi::Openai) => Some(Structured::JsonObject),
        _ => Some(Structured::Prompt),
    }
}

/// The path below the server's address.
pub(super) fn path(api: ModelApi) -> &'static str {
    match api {
        ModelApi::Openai => "chat/completions",
        ModelApi::Anthropic => "messages",
    }
}

/// The body of a request.
pub(super) fn body(
    server: &ModelServer,
    way: Structured,
    prompt: &Prompt,
    rejected: Option<&Rejected>,
) -> Value {
    let mut system = prompt.system.clone();
    if matches!(way, Structured::JsonObject | Structured::Prompt) {
        system.push_str(
            "\nAnswer with one JSON object and nothing else. It must fit this JSON Schema:\n",
        );
        system.push_str(&prompt.schema.to_string());
    }
    let mut turns = vec![json!({"role": "user", "content": prompt.data})];
    if let Some(rejected) = rejected {
        turns.push(json!({"role": "assistant", "content": rejected.answer}));
        turns.push(json!({"role": "user", "content": format!(
            "That does not fit the schema:\n{}\nGive the whole answer again, as one JSON object that fits.",
            rejected.faults
        )}));
    }
    let model = server.model.as_deref().unwrap_or_default();
    let mut body = match server.api {
        ModelApi::Openai => {
            turns.insert(0, json!({"role": "system", "content": system}));
            let mut body = json!({"model": model, "messages": turns});
            match way {
                Structured::Auto | Structured::JsonSchema => {
                    body["response_format"] = json!({"type": "json_schema", "json_schema": {
                        "name": prompt.name, "strict": true, "schema": prompt.schema}});
                }
                Structured::Tool => {
                    body["tools"] = json!([{"type": "function", "function": {
                        "name": prompt.name, "description": "Gives the answer.",
                        "strict": true, "parameters": prompt.schema}}]);
                    body["tool_choice"] =
                        json!({"type": "function", "function": {"name": prompt.name}});
                }
                Structured::JsonObject => {
                    body["response_format"] = json!({"type": "json_object"});
                }
                Structured::Prompt => {}
            }
            let bound = match server.token_parameter {
                TokenParameter::MaxTokens => "max_tokens",
                TokenParameter::MaxCompletionTokens => "max_completion_tokens",
            };
            body[bound] = json!(prompt.output_tokens);
            if server.seed {
                body["seed"] = json!(1);
            }
            body
        }
        ModelApi::Anthropic => {
            let mut body = json!({"model": model, "system": system, "messages": turns,
                "max_tokens": prompt.output_tokens});
            if way == Structured::Tool {
                body["tools"] = json!([{"name": prompt.name, "description": "Gives the answer.",
                    "input_schema": prompt.schema}]);
                body["tool_choice"] = json!({"type": "tool", "name": prompt.name});
            }
            body
        }
    };
    if server.temperature {
        body["temperature"] = json!(0);
    }
    body
}

/// Reads an answer.
pub(super) fn read(api: ModelApi, answer: &Value) -> Result<Said, Trouble> {
    // Some servers tell of errors under status 200.
    if answer.get("error").is_some_and(|error| !error.is_null()) {
        return Err(trouble(StatusCode::OK, None, answer));
    }
    let said =
        match api {
            ModelApi::Openai => {
                let choice = &answer["choices"][0];
                let message = &choice["message"];
                let call = message["tool_calls"][0]["function"]["arguments"].as_str();
                Said {
                    text: call
                        .or_else(|| message["content"].as_str())
                        .unwrap_or_default()
                        .to_owned(),
                    tokens_in: answer["usage"]["prompt_tokens"].as_u64(),
                    tokens_out: answer["usage"]["completion_tokens"].as_u64(),
                    cut: choice["finish_reason"] == "length",
                }
            }
            ModelApi::Anthropic => {
                let blocks = answer["content"].as_array();
                let text = blocks.into_iter().flatten().find_map(|block| {
                    match block["type"].as_str()? {
                        "tool_use" => Some(block["input"].to_string()),
                        _ => None,
                    }
                });
                let text = text.unwrap_or_else(|| {
                    let texts = blocks.into_iter().flatten();
                    texts.filter_map(|block| block["text"].as_str()).collect()
                });
                Said {
                    text,
                    tokens_in: answer["usage"]["input_tokens"].as_u64(),
                    tokens_out: answer["usage"]["output_tokens"].as_u64(),
                    cut: answer["stop_reason"] == "max_tokens",
                }
            }
        };
    if said.text.trim().is_empty() && !said.cut {
        let why = [
            &answer["choices"][0]["message"]["refusal"],
            &answer["choices"][0]["finish_reason"],
            &answer["stop_reason"],
        ];
        let why = why.iter().find_map(|why| why.as_str());
        return Err(Trouble::Empty(short(
            why.unwrap_or("an answer without text"),
        )));
    }
    Ok(said)
}

/// Why a request failed, from its status and whatever shape of error came with it.
pub(super) fn trouble(status: StatusCode, retry: Option<Duration>, answer: &Value) -> Trouble {
    let error = &answer["error"];
    // OpenAI and Anthropic: an object; Ollama's own API: a text; some gateways: `message` or `detail` outside.
    let message = [
        &error["message"],
        error,
        &answer["message"],
        &answer["detail"],
    ]
    .into_iter()
    .find_map(Value::as_str)
    .unwrap_or_default();
    let word = |value: &Value| match value {
        Value::String(text) => text.to_ascii_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let (kind, code, param) = (
        word(&error["type"]),
        word(&error["code"]),
        word(&error["param"]),
    );
    let lower = message.to_ascii_lowercase();
    let says = |text: &str| kind.contains(text) || code.contains(text) || lower.contains(text);
    let told = if message.is_empty() {
        format!("HTTP {}", status.as_u16())
    } else {
        format!("HTTP {}: {}", status.as_u16(), short(message))
    };
    // Under status 200 an error's own code is the status.
    let status = if status.is_success() {
        code.parse()
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok())
            .unwrap_or(StatusCode::BAD_GATEWAY)
    } else {
        status
    };
    let too_long = [
        "context_length_exceeded",
        "exceed_context_size",
        "context length",
        "context window",
        "context size",
        "prompt is too long",
        "maximum context",
        "request_too_large",
    ];
    if status == StatusCode::PAYLOAD_TOO_LARGE
        || (status.is_client_error() && too_long.iter().any(|sign| says(sign)))
    {
        let limit = error["n_ctx"]
            .as_u64()
            .and_then(|limit| u32::try_from(limit).ok());
        return Trouble::TooLong(limit);
    }
    let quota = ["insufficient_quota", "credit balance", "billing"];
    if quota.iter().any(|sign| says(sign)) {
        return Trouble::Refused(told);
    }
    let structure = [
        "response_format",
        "json_schema",
        "grammar",
        "tool_choice",
        "tools",
        "schema",
    ];
    if matches!(status.as_u16(), 400 | 422 | 500 | 501)
        && structure
            .iter()
            .any(|sign| says(sign) || param.contains(sign))
    {
        return Trouble::Structure(told);
    }
    match status.as_u16() {
        501 => Trouble::Refused(told),
        408 | 409 | 425 | 429 | 500.. => Trouble::Busy(told, retry),
        _ => Trouble::Refused(told),
    }
}

/// When to come back, by the headers that servers send.
pub(super) fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number("retry-after"))?;
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)))
}

fn short(text: &str) -> String {
    let mut out: String = text.chars().take(300).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &Value) -> Trouble {
        trouble(StatusCode::from_u16(status).unwrap(), None, body)
    }

    #[test]
    fn every_dialect_of_errors_is_understood() {
        let llama = json!({"error": {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 6031,
            "n_ctx": 4096, "message": "request (6031 tokens) exceeds the available context size (4096 tokens)"}});
        assert_eq!(of(400, &llama), Trouble::TooLong(Some(4096)));
        let openai = json!({"error": {"code": "context_length_exceeded", "type": "invalid_request_error", "message": "This model's maximum"}});
        assert_eq!(of(400, &openai), Trouble::TooLong(None));
        assert_eq!(
            of(
                413,
                &json!({"type": "error", "error": {"type": "request_too_large", "message": "x"}})
            ),
            Trouble::TooLong(None)
        );
        let loading = json!({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}});
        assert!(matches!(of(503, &loading), Trouble::Busy(..)));
        assert!(matches!(
            of(
                529,
                &json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
            ),
            Trouble::Busy(..)
        ));
        assert!(matches!(
            of(
                429,
                &json!({"error": {"code": "rate_limit_exceeded", "message": "slow"}})
            ),
            Trouble::Busy(..)
        ));
        assert!(matches!(
            of(
                429,
                &json!({"error": {"code": "insufficient_quota", "message": "pay"}})
            ),
            Trouble::Refused(_)
        ));
        assert!(matches!(
            of(401, &json!({"error": {"message": "Incorrect API key"}})),
            Trouble::Refused(_)
        ));
        assert!(
            matches!(of(404, &json!({"error": "model 'x' not found"})), Trouble::Refused(told) if told.contains("not found"))
        );
        assert!(matches!(
            of(
                400,
                &json!({"error": {"param": "response_format", "message": "unknown"}})
            ),
            Trouble::Structure(_)
        ));
        assert!(matches!(of(500, &Value::Null), Trouble::Busy(told, None) if told == "HTTP 500"));
        assert!(matches!(
            of(200, &json!({"error": {"code": 500, "message": "x"}})),
            Trouble::Busy(..)
        ));
    }

    #[test]
    fn answers_of_both_dialects_are_read() {
        let said = read(
            ModelApi::Openai,
            &json!({"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2}}),
        )
        .unwrap();
        assert_eq!(
            (said.text.as_str(), said.tokens_in, said.cut),
            ("{}", Some(5), false)
        );
        let call = json!({"choices": [{"message": {"content": null, "tool_calls": [{"function": {"arguments": "{\"a\":1}"}}]}, "finish_reason": "tool_calls"}]});
        assert_eq!(read(ModelApi::Openai, &call).unwrap().text, r#"{"a":1}"#);
        let cut =
            json!({"choices": [{"message": {"content": "{\"a\""}, "finish_reason": "length"}]});
        assert!(read(ModelApi::Openai, &cut).unwrap().cut);
        let refusal = json!({"choices": [{"message": {"content": null, "refusal": "I cannot"}, "finish_reason": "stop"}]});
        assert_eq!(
            read(ModelApi::Openai, &refusal),
            Err(Trouble::Empty("I cannot".into()))
        );
        let anthropic = json!({"content": [{"type": "text", "text": "Here"}, {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}}],
            "stop_reason": "tool_use", "usage": {"input_tokens": 7, "output_tokens": 3}});
        assert_eq!(
            read(ModelApi::Anthropic, &anthropic).unwrap().text,
            r#"{"a":1}"#
        );
        assert!(
            read(
                ModelApi::Anthropic,
                &json!({"content": [], "stop_reason": "max_tokens"})
            )
            .unwrap()
            .cut
        );
    }

    #[test]
    fn headers_tell_when_to_come_back() {
        let mut headers = http::HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert("retry-after", "2".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(2)));
        headers.insert("retry-after-ms", "150".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_millis(150)));
        headers.insert("retry-after-ms", "-1".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }
}

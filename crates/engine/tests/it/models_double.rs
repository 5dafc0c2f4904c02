//! A model's server that says what a test wants: OpenAI's chat completions and Anthropic's messages on one port, every
//! request kept as it came. Without a script it answers honestly, by reading the prompt as its rules say.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use jiff::civil::date;
use jiff::tz::TimeZone;
use parfocal_engine::App;
use parfocal_engine::clock::Clock;
use parfocal_engine::config::{Config, ModelApi, ModelServer};
use parfocal_engine::store::{
    Cue, InstanceId, InstanceState, NewAccount, NewInstance, NewTranscript, Provider, Seen, Source,
    TranscriptId, TranscriptSource, utterances,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::core_support::{config, open};

/// What is said next.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// The honest answer.
    Honest,
    /// The honest answer between other words.
    InProse,
    /// This text.
    Text(String),
    /// An answer that was cut off.
    Cut,
    /// This status with these headers and this body.
    Refuse(u16, Vec<(&'static str, &'static str)>, Value),
    /// Nothing, for longer than anybody waits.
    Silence,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

#[derive(Debug, Default)]
struct Script {
    next: VecDeque<Reply>,
    always: Option<Reply>,
    asked: Vec<Asked>,
    /// Tokens that fit, by a rule of the double's own: four bytes each.
    context: Option<usize>,
}

/// The server.
#[derive(Debug, Clone)]
pub(crate) struct Double {
    script: Arc<Mutex<Script>>,
    pub(crate) url: String,
}

impl Double {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { script, url }
    }

    pub(crate) fn say(&self, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().next.extend(replies);
    }

    pub(crate) fn always(&self, reply: Reply) {
        self.script.lock().unwrap().always = Some(reply);
    }

    pub(crate) fn context(&self, tokens: usize) {
        self.script.lock().unwrap().context = Some(tokens);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    let anthropic = uri.path().ends_with("/messages");
    let (reply, context) = {
        let mut script = script.lock().unwrap();
        script.asked.push(Asked {
            path: uri.path().to_owned(),
            headers,
            text: text.clone(),
            body: body.clone(),
        });
        let reply = script.next.pop_front().or_else(|| script.always.clone());
        (reply.unwrap_or(Reply::Honest), script.context)
    };
    if uri.path().ends_with("/embeddings") && matches!(reply, Reply::Honest) {
        return vectors(&body).into_response();
    }
    if let Some(context) = context
        && text.len() / 4 > context
    {
        let error = json!({"error": {"code": 400, "type": "exceed_context_size_error", "n_ctx": context,
            "n_prompt_tokens": text.len() / 4, "message": "request exceeds the available context size"}});
        return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
    }
    let said = match reply {
        Reply::Honest => honest(&body).to_string(),
        Reply::InProse => format!(
            "Sure, here is what I found:\n```json\n{}\n```\nTell me if you need more!",
            honest(&body)
        ),
        Reply::Text(text) => text,
        Reply::Cut => return whole(anthropic, &body, "{\"summary\": [", true),
        Reply::Refuse(status, headers, body) => {
            let mut response =
                (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            return response;
        }
        Reply::Silence => {
            Clock::system().sleep(Duration::from_mins(5)).await;
            String::new()
        }
    };
    whole(anthropic, &body, &said, false)
}

/// Vectors that know three things of the world: money, rest, and everything else.
fn vectors(body: &Value) -> String {
    const MEANINGS: [&[&str]; 2] = [
        &["cost", "price", "expensive", "budget", "thousand"],
        &["holiday", "closed", "vacation", "leave"],
    ];
    let texts = body["input"].as_array().unwrap();
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let text = text.as_str().unwrap().to_lowercase();
            let mut vector: Vec<u32> = MEANINGS
                .iter()
                .map(|words| words.iter().filter(|word| text.contains(**word)).count())
                .map(|count| u32::try_from(count).unwrap())
                .collect();
            vector.push(u32::from(vector.iter().all(|count| *count == 0)));
            json!({"object": "embedding", "index": index, "embedding": vector})
        })
        .rev()
        .collect();
    json!({"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 7, "total_tokens": 7}})
        .to_string()
}

fn whole(anthropic: bool, asked: &Value, said: &str, cut: bool) -> Response {
    let answer = if anthropic {
        let tool = &asked["tools"][0]["name"];
        let content = match serde_json::from_str::<Value>(said) {
            Ok(input) if tool.is_string() => {
                json!([{"type": "tool_use", "id": "t", "name": tool, "input": input}])
            }
            _ => json!([{"type": "text", "text": said}]),
        };
        json!({"id": "m", "type": "message", "role": "assistant", "content": content,
            "stop_reason": if cut { "max_tokens" } else { "end_turn" }, "usage": {"input_tokens": 100, "output_tokens": 20}})
    } else {
        let message = if asked.get("tools").is_some() && !cut {
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": "t", "type": "function",
                "function": {"name": asked["tools"][0]["function"]["name"], "arguments": said}}]})
        } else {
            json!({"role": "assistant", "content": said})
        };
        json!({"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message": message,
            "finish_reason": if cut { "length" } else { "stop" }}], "usage": {"prompt_tokens": 100, "completion_tokens": 20}})
    };
    answer.to_string().into_response()
}

/// The schema that an answer has to fit, wherever the request carries it.
fn schema(body: &Value) -> Value {
    for place in [
        "/response_format/json_schema/schema",
        "/tools/0/function/parameters",
        "/tools/0/input_schema",
    ] {
        if let Some(schema) = body.pointer(place) {
            return schema.clone();
        }
    }
    let system = body["messages"][0]["content"]
        .as_str()
        .or(body["system"].as_str())
        .unwrap();
    let from = system.rfind("JSON Schema:\n").unwrap();
    serde_json::from_str(&system[from + 13..]).unwrap()
}

/// What a well-behaved model would say: it finds cues, and cites them.
fn honest(body: &Value) -> Value {
    let messages = body["messages"].as_array().unwrap();
    let data = messages
        .iter()
        .find(|message| message["role"] == "user")
        .and_then(|message| message["content"].as_str())
        .unwrap();
    let schema = schema(body);
    let properties = schema["properties"].as_object().unwrap();
    if properties.contains_key("keep") {
        let most = properties["keep"]["maxItems"].as_u64().unwrap();
        return json!({"keep": (1..=most).collect::<Vec<u64>>()});
    }
    let mut cues: Vec<(u64, u64, String, String)> = Vec::new();
    let (mut passage, mut speaker) = (0, String::new());
    for line in data.lines() {
        if let Some(rest) = line.strip_prefix("& ") {
            passage = rest.split(' ').next().unwrap().parse().unwrap();
        } else if let Some(rest) = line.strip_prefix("@ ") {
            let name = match rest.split_once(' ') {
                Some((time, name)) if time.contains(':') => name,
                _ => rest,
            };
            name.clone_into(&mut speaker);
        } else if let Some(rest) = line.strip_prefix('#')
            && let Some((n, text)) = rest.split_once(' ')
        {
            cues.push((
                n.parse().unwrap(),
                passage,
                speaker.clone(),
                text.to_owned(),
            ));
        }
    }
    let mut out = serde_json::Map::new();
    for (list, of) in properties {
        let most = usize::try_from(of["maxItems"].as_u64().unwrap_or(5)).unwrap();
        let wanted = of["items"]["properties"].as_object().unwrap();
        let items: Vec<Value> = cues
            .iter()
            .filter(|(.., text)| list != "action_items" || text.contains("I will"))
            .take(most)
            .map(|(n, passage, speaker, text)| {
                let mut item = serde_json::Map::new();
                for field in wanted.keys() {
                    let value = match field.as_str() {
                        "text" => json!(format!("Said in {n}: {text}")),
                        "cite" => json!({"from": n, "to": n, "quote": text}),
                        "passage" => json!(passage),
                        "confidence" => json!("high"),
                        "owner" => json!(speaker),
                        "due_text" if text.contains("by Friday") => json!("by Friday"),
                        _ => Value::Null,
                    };
                    item.insert(field.clone(), value);
                }
                Value::Object(item)
            })
            .collect();
        out.insert(list.clone(), Value::Array(items));
    }
    Value::Object(out)
}

/// A configuration with a double in use under the name `double`.
pub(crate) fn with_double(
    dir: &std::path::Path,
    double: &Double,
    change: impl FnOnce(&mut ModelServer),
) -> Config {
    let mut config = config(dir);
    let mut server = ModelServer {
        api: ModelApi::Openai,
        url: Some(double.url.parse().unwrap()),
        model: Some("double-1".into()),
        key: Some("canary-of-the-models-key".into()),
        timeout_seconds: 20,
        ..ModelServer::default()
    };
    change(&mut server);
    config.models.active = Some("double".into());
    config.models.servers = BTreeMap::from([("double".into(), server)]);
    config
}

/// An application with a double in use, and nothing taken in.
pub(crate) struct Stage {
    pub(crate) app: App,
    pub(crate) double: Double,
    pub(crate) dir: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn new(change: impl FnOnce(&mut ModelServer)) -> Self {
        Self::with(change, |_| {}).await
    }

    pub(crate) async fn with(
        change: impl FnOnce(&mut ModelServer),
        more: impl FnOnce(&mut Config),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let double = Double::start().await;
        let mut config = with_double(dir.path(), &double, change);
        more(&mut config);
        let app = open(config, &Clock::system()).await;
        Self { app, double, dir }
    }

    /// A meeting of 3 March 2026 with a transcript: who, what; cues of four seconds.
    pub(crate) async fn meeting(
        &self,
        topic: &str,
        said: &[(Option<&str>, &str)],
    ) -> (InstanceId, TranscriptId) {
        let cues: Vec<Cue> = (1_u32..)
            .zip(said)
            .map(|(n, (speaker, text))| Cue {
                n,
                start_ms: n * 4_000,
                end_ms: n * 4_000 + 3_500,
                speaker: speaker.map(str::to_owned),
                text: (*text).to_owned(),
            })
            .collect();
        let start = date(2026, 3, 3)
            .at(9, 0, 0, 0)
            .to_zoned(TimeZone::UTC)
            .unwrap()
            .timestamp();
        let sha256 = hex::encode(Sha256::digest(format!("{topic}{said:?}")));
        let mut tx = self.app.store().begin(self.app.scope()).await.unwrap();
        let account = NewAccount {
            provider: Provider::Zoom,
            external_id: "acc-1".into(),
            name: None,
            plan: None,
            region: None,
            limits_share: None,
            capabilities: None,
        };
        let account = tx.upsert_account(&account, start).await.unwrap();
        let new = NewInstance {
            external_id: sha256[..22].to_owned(),
            number: Some("81234567890".into()),
            topic: Some(topic.into()),
            state: Some(InstanceState::Ended),
            start: Some(start),
            ..NewInstance::default()
        };
        let seen = Seen {
            at: start,
            source: Source::Detail,
            now: start,
        };
        let instance = tx.upsert_instance(account, &new, &seen).await.unwrap().id;
        let transcript = NewTranscript {
            instance_id: instance,
            file_id: None,
            source: TranscriptSource::Recording,
            sha256: &sha256,
            lang: None,
            parser_v: 1,
            warnings: 0,
            cues: &cues,
            utterances: &utterances(&cues),
        };
        let transcript = tx.store_transcript(&transcript, start).await.unwrap().id();
        tx.commit().await.unwrap();
        (instance, transcript)
    }
}

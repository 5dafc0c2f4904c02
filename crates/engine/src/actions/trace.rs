//! What the audit log is told of a change.

use serde_json::{Map, Value, json};

use super::Run;
use super::action::Action;
use super::request::ZoomCall;
use crate::App;
use crate::audit::{self, Change};
use crate::error::{Code, EngineError, Result};
use crate::keys::Caller;

/// Members of inputs that never reach the log.
const SECRET: [&str; 2] = ["passcode", "password"];
/// Members that name what a change is about, the most telling first.
const TARGETS: [(&str, &str); 5] = [
    ("meeting", "meeting"),
    ("webinar", "webinar"),
    ("number", "meeting"),
    ("registrant", "registrant"),
    ("id", "object"),
];

/// What is about to be done, for the log.
#[derive(Debug)]
pub(super) struct Intent {
    action: &'static str,
    target: String,
    input: Value,
    request_id: Option<String>,
}

impl Intent {
    pub(super) fn new(action: &'static Action, input: &Value, how: &Run) -> Self {
        Self {
            action: action.name(),
            target: target(action, input, None),
            input: without_secrets(input),
            request_id: how.caller.request_id.clone(),
        }
    }

    /// Writes it down; the number of the entry, which that of the outcome refers to.
    pub(super) async fn write(&self, app: &App, caller: &Caller) -> Result<i64> {
        let change = Change {
            action: self.action,
            target: &self.target,
            detail: json!({"outcome": "intended", "input": self.input, "request_id": self.request_id}),
        };
        let mut tx = app.store().begin(app.scope()).await?;
        let entry = audit::append(&mut tx, &caller.by(), &change, app.clock().now()).await?;
        tx.commit().await?;
        Ok(entry.n)
    }
}

/// What came of a change.
pub(super) struct Told<'t> {
    pub(super) calls: &'t [ZoomCall],
    /// The entry that told what was about to be done; none when Zoom was not asked to change anything.
    pub(super) intended: Option<i64>,
    pub(super) outcome: Result<&'t Value, &'t EngineError>,
}

/// Tells the log of a change that was made or may have been made. What was refused before Zoom was asked changed nothing
/// and is not told.
pub(super) async fn record(
    app: &App,
    action: &'static Action,
    input: &Value,
    how: &Run,
    told: &Told<'_>,
) {
    let (output, word) = match told.outcome {
        Ok(output) => (Some(output), "done"),
        Err(error) if error.code() == Code::OutcomeUnknown => (None, "unknown"),
        Err(_) if told.calls.is_empty() && told.intended.is_none() => return,
        Err(_) => (None, "failed"),
    };
    let detail = json!({
        "outcome": word,
        "intent": told.intended,
        "error": told.outcome.err().map(|error| error.code().as_str()),
        "input": without_secrets(input),
        "request_id": how.caller.request_id,
        "zoom": told.calls.iter().map(|call| json!({
            "operation": call.operation, "status": call.status, "tracking_id": call.tracking_id,
        })).collect::<Vec<_>>(),
    });
    let target = target(action, input, output);
    let change = Change {
        action: action.name(),
        target: &target,
        detail,
    };
    let noted = async {
        let mut tx = app.store().begin(app.scope()).await?;
        audit::append(&mut tx, &how.caller.by(), &change, app.clock().now()).await?;
        Ok::<_, EngineError>(tx.commit().await?)
    };
    if let Err(error) = noted.await {
        // The change is made at Zoom already: failing now would tell a lie to the caller. The intent stands in the log.
        tracing::error!(action = action.name(), %target, %error, "the outcome of a change could not be written to the audit log");
    }
}

fn target(action: &Action, input: &Value, output: Option<&Value>) -> String {
    let named = |value: &Value| {
        TARGETS.iter().find_map(|(member, noun)| {
            let noun = if *member == "number" {
                action.group()
            } else {
                noun
            };
            let text = match value.get(member)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some(format!("{noun}/{text}"))
        })
    };
    named(input)
        .or_else(|| output.and_then(named))
        .unwrap_or_else(|| action.group().to_owned())
}

fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, value) in members {
                let value = if SECRET.contains(&name.as_str()) {
                    Value::from("[hidden]")
                } else {
                    without_secrets(value)
                };
                kept.insert(name.clone(), value);
            }
            Value::Object(kept)
        }
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        other => other.clone(),
    }
}

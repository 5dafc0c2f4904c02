//! What the audit log is told of a change.

use serde_json::{Map, Value, json};

use super::Run;
use super::action::Action;
use super::request::ZoomCall;
use crate::App;
use crate::audit::{self, Change};
use crate::error::{Code, EngineError, Result};

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

/// Tells the log of a change that was made or may have been made. What was refused changed nothing and is not told.
pub(super) async fn record(
    app: &App,
    action: &'static Action,
    input: &Value,
    how: &Run,
    calls: &[ZoomCall],
    outcome: Result<&Value, &EngineError>,
) {
    let (output, word) = match outcome {
        Ok(output) => (Some(output), "done"),
        Err(error) if error.code() == Code::OutcomeUnknown => (None, "unknown"),
        Err(_) if calls.is_empty() => return,
        Err(_) => (None, "failed"),
    };
    let detail = json!({
        "outcome": word,
        "input": without_secrets(input),
        "request_id": how.caller.request_id,
        "zoom": calls.iter().map(|call| json!({
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
        // The change is made at Zoom already: failing now would tell a lie to the caller.
        tracing::error!(action = action.name(), %target, %error, "a change could not be written to the audit log");
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

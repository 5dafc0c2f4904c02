//! Changes: done once for each key, told to the audit log, and never repeated blindly.

use std::sync::Arc;
use std::time::Duration;

use parfocal_store::{KeyClaim, KeyedRequest};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::action::{Action, Effect};
use super::context::Halt;
use super::request::ZoomCall;
use super::{Done, Run, context, trace};
use crate::App;
use crate::clock::later;
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose;

/// How long a process may be at a change before others take it for dead: longer than every wait and retry together.
const LEASE: Duration = Duration::from_mins(4);
/// How long an answer is kept for repetitions.
const KEPT: Duration = Duration::from_hours(48);
/// Longest key.
const LONGEST: usize = 255;

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
struct Kept {
    output: Value,
    zoom: Vec<(String, u16, Option<String>)>,
}

/// Does a change: once, if the caller gave a key.
pub(super) async fn change(
    app: &App,
    action: &'static Action,
    input: Value,
    how: &Run,
) -> Result<Done> {
    let Some(key) = how.idempotency_key.as_deref() else {
        return act(app, action, input, how, false).await;
    };
    if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(EngineError::invalid(
            "the Idempotency-Key is not 1 to 255 visible ASCII characters",
        )
        .with_hint("A UUID made for each new request serves well."));
    }
    let now = app.clock().now();
    let (hash, token) = (
        request_hash(action.name(), &input),
        hex::encode(app.chance().bytes::<16>()),
    );
    let request = KeyedRequest {
        caller: &how.caller.actor,
        key,
        action: action.name(),
        request_hash: &hash,
        lease_token: &token,
        lease_until: later(now, LEASE),
        expires: later(now, KEPT),
    };
    let resumed = match app.store().claim_key(app.scope(), &request, now).await? {
        KeyClaim::Fresh => false,
        KeyClaim::Abandoned => true,
        KeyClaim::Answered(sealed) => return replay(app, action, how, key, &sealed),
        KeyClaim::Mismatch => {
            return Err(EngineError::new(
                Code::KeyReused,
                "this Idempotency-Key was sent before with another request",
            ));
        }
        KeyClaim::Running(until) => {
            return Err(EngineError::new(
                Code::InProgress,
                "a request with this Idempotency-Key is still under way",
            )
            .with_retry_at(Some(until.min(later(now, Duration::from_secs(2))))));
        }
    };
    let outcome = act(app, action, input, how, resumed).await;
    let scope = app.scope();
    match &outcome {
        Ok(done) => {
            let kept = Kept {
                output: done.output.clone(),
                zoom: done
                    .zoom
                    .iter()
                    .map(|call| {
                        (
                            call.operation.clone(),
                            call.status,
                            call.tracking_id.clone(),
                        )
                    })
                    .collect(),
            };
            let json = serde_json::to_vec(&kept).unwrap_or_default();
            let owner = owner(how, key);
            let sealed = app
                .vault()
                .seal_inline(scope, Purpose::Answer, &owner, &json);
            if !app.store().keep_answer(scope, &request, &sealed).await? {
                tracing::warn!(
                    action = action.name(),
                    "the answer of a request came after its lease"
                );
            }
        }
        // An earlier try may have had its effect: whatever hindered this one, the key is never as good as new.
        Err(error) if resumed || error.code() == Code::OutcomeUnknown => {
            app.store().leave_unknown(scope, &request).await?;
        }
        Err(_) => app.store().release_key(scope, &request).await?,
    }
    outcome
}

async fn act(
    app: &App,
    action: &'static Action,
    input: Value,
    how: &Run,
    resumed: bool,
) -> Result<Done> {
    if resumed && action.effect() == Effect::Create && !action.finds_again() {
        return Err(EngineError::new(
            Code::OutcomeUnknown,
            format!(
                "an earlier try of this {} ended without an answer, so it may have happened",
                action.name()
            ),
        ));
    }
    let mut context = context(app, how);
    context.resumed = resumed;
    context.intent = Some(Arc::new(trace::Intent::new(action, &input, how)));
    let outcome = match action.run(context.clone(), input.clone()).await {
        Ok(output) => Ok(output),
        Err(Halt::Failed(error)) => Err(*error),
        Err(Halt::Planned) => Err(EngineError::new(
            Code::Internal,
            "a run that was not dry was only planned",
        )),
    };
    let calls = context.taken_calls();
    let intended = context.notes().intended;
    // Reads of the same things must not tell what was true before.
    app.action_cache().end(action.name());
    let told = trace::Told {
        calls: &calls,
        intended,
        outcome: outcome.as_ref(),
    };
    trace::record(app, action, &input, how, &told).await;
    Ok(Done {
        action: action.name(),
        output: outcome?,
        zoom: calls,
        replayed: false,
        cached: false,
    })
}

fn replay(app: &App, action: &'static Action, how: &Run, key: &str, sealed: &[u8]) -> Result<Done> {
    let text = app
        .vault()
        .open_inline(app.scope(), Purpose::Answer, &owner(how, key), sealed)?;
    let kept: Kept = serde_json::from_str(text.expose_secret()).map_err(|error| {
        EngineError::new(
            Code::Internal,
            format!("a kept answer cannot be read: {error}"),
        )
    })?;
    Ok(Done {
        action: action.name(),
        output: kept.output,
        zoom: kept
            .zoom
            .into_iter()
            .map(|(operation, status, tracking_id)| ZoomCall {
                operation,
                status,
                tracking_id,
            })
            .collect(),
        replayed: true,
        cached: false,
    })
}

/// What an answer belongs to, so that it opens for no other key.
fn owner(how: &Run, key: &str) -> String {
    format!("{}\n{key}", how.caller.actor)
}

/// SHA-256 of what is asked for; members are in the order of their names.
fn request_hash(action: &str, input: &Value) -> String {
    hex::encode(Sha256::digest(format!("{action}\n{}", sorted(input))))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            names
                .into_iter()
                .map(|name| (name.clone(), sorted(&members[name])))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// The text by which a meeting that this key made can be known again.
pub(super) fn marker(caller: &str, key: &str) -> String {
    let hash = Sha256::digest(format!("{caller}\n{key}"));
    format!("[ref {}]", hex::encode(&hash[..6]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_members_does_not_matter() {
        let one = request_hash(
            "a",
            &json!({"x": 1, "y": {"b": 2, "a": [3, {"d": 4, "c": 5}]}}),
        );
        let two = request_hash(
            "a",
            &json!({"y": {"a": [3, {"c": 5, "d": 4}], "b": 2}, "x": 1}),
        );
        assert_eq!(one, two);
        assert_ne!(one, request_hash("b", &json!({"x": 1})));
        assert_ne!(marker("key:a", "k"), marker("key:b", "k"));
    }
}

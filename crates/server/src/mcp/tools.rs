//! Tools: the actions of the engine, as far as configuration and the caller's role let them be seen.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use parfocal_engine::actions::{self, Action, Effect, Outcome, Run};
use parfocal_engine::components::Active;
use parfocal_engine::config::{Mcp, ToolNames};
use parfocal_engine::keys::Caller;
use parfocal_engine::{App, Code, EngineError};
use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, JsonObject, RequestMetaObject, Tool, ToolAnnotations,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{LONGEST_OUTPUT, UNTRUSTED, failure, notes};

/// How long a tool may take; a change that was begun is ended all the same.
const LONGEST: Duration = Duration::from_mins(4);

/// The tools that a caller may use, in the order of their names.
pub(super) fn offered(app: &App, active: &Active, caller: &Caller) -> Vec<Tool> {
    let config = &app.config().mcp;
    actions::offered(active)
        .filter(|action| {
            caller.role >= action.role()
                && (caller.sees_everything() || !action.looks_through_all())
                && refusal(config, action).is_none()
        })
        .map(|action| tool(config, action))
        .collect()
}

/// Why the configuration does not let a tool be offered; none when it does.
fn refusal(config: &Mcp, action: &Action) -> Option<EngineError> {
    let hidden = config
        .hidden_tools
        .iter()
        .any(|pattern| action.is_meant_by(pattern));
    let refused = |why: &str, mend: String| {
        let name = action.name();
        Some(EngineError::new(Code::Forbidden, format!("{name} {why}")).with_hint(mend))
    };
    if hidden {
        return refused(
            "is not offered to models here",
            "Whoever runs Parfocal may take it out of mcp.hidden_tools.".to_owned(),
        );
    }
    if action.destructive()
        && !config
            .destructive_tools
            .iter()
            .any(|name| name == action.name())
    {
        return refused(
            "cannot be undone and is not offered to models here",
            format!(
                "Whoever runs Parfocal may add {} to mcp.destructive_tools, or do it with `parfocal action run {}`.",
                action.name(),
                action.name()
            ),
        );
    }
    None
}

fn tool(config: &Mcp, action: &'static Action) -> Tool {
    let asks_zoom = !action.endpoints().is_empty();
    let mut description = action.description().to_owned();
    if let Some(example) = action.examples().first() {
        // Writing to a String cannot fail.
        let _ = write!(description, " Example input: {example}.");
    }
    if action.effect() == Effect::Read {
        description.push(' ');
        description.push_str(UNTRUSTED);
    }
    Tool::new(
        written(config, action.name()),
        description,
        object(action.input_schema()),
    )
    .with_title(action.title())
    .with_raw_output_schema(object(action.output_schema()))
    .with_annotations(
        ToolAnnotations::with_title(action.title())
            .read_only(action.read_only())
            .destructive(action.destructive())
            .idempotent(action.idempotent())
            .open_world(asks_zoom),
    )
}

/// The name as the configuration wants it.
fn written(config: &Mcp, name: &'static str) -> String {
    match config.tool_names {
        ToolNames::Dotted => name.to_owned(),
        ToolNames::Underscored => name.replace('.', "_"),
    }
}

/// The action that a tool's name means, in either form.
fn named(name: &str) -> Option<&'static Action> {
    actions::find(name).or_else(|| {
        actions::all()
            .iter()
            .find(|action| action.name().replace('.', "_") == name)
    })
}

fn object(schema: &Value) -> Arc<JsonObject> {
    let mut schema = schema.clone();
    without_widths(&mut schema);
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}

/// Takes out formats such as `uint32`, which JSON Schema does not know and clients warn of; ranges say the same.
fn without_widths(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let width = members
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|format| {
                    ["int", "uint", "float", "double"]
                        .iter()
                        .any(|width| format.starts_with(width))
                });
            if width {
                members.remove("format");
            }
            members.values_mut().for_each(without_widths);
        }
        Value::Array(items) => items.iter_mut().for_each(without_widths),
        _ => {}
    }
}

/// Calls a tool.
///
/// # Errors
/// Invalid parameters for a name that is not known; everything else that goes wrong is a result.
pub(super) async fn call(
    app: &App,
    caller: Caller,
    request: CallToolRequestParams,
    key: Option<String>,
    cancelled: CancellationToken,
) -> Result<CallToolResult, ErrorData> {
    let Some(action) = named(&request.name) else {
        return Err(ErrorData::invalid_params(
            format!(
                "there is no tool {:?}; tools/list tells what there is",
                request.name
            ),
            None,
        ));
    };
    let told = notes::of_request(&caller);
    if let Some(refused) = refusal(&app.config().mcp, action) {
        return Ok(failure::result(&refused, told));
    }
    let run = Run::new(caller.clone()).with_key(key);
    let input = Value::Object(request.arguments.unwrap_or_default());
    let actions = app.actions();
    let outcome = tokio::select! {
        outcome = actions.run(action.name(), input, &run) => outcome,
        () = app.clock().sleep(LONGEST) => Err(too_long(action)),
        () = cancelled.cancelled() => {
            return Err(ErrorData::internal_error("the client cancelled the call", None));
        }
    };
    let done = match outcome {
        Ok(Outcome::Done(done)) => done,
        Ok(Outcome::Planned(_)) => {
            return Err(ErrorData::internal_error(
                "nothing was done, only planned",
                None,
            ));
        }
        Err(error) => return Ok(failure::result(&error, told)),
    };
    let told = notes::of_done(&caller, &done);
    let size = done.output.to_string().len();
    if size > LONGEST_OUTPUT {
        let error = EngineError::invalid(format!(
            "the answer of {} has {size} bytes, and a tool may give {LONGEST_OUTPUT}",
            action.name()
        ))
        .with_hint(shorter(action, &done.output));
        return Ok(failure::result(&error, told));
    }
    Ok(CallToolResult::structured(done.output).with_meta(Some(told)))
}

/// The text by which a client makes repeating a call safe, wherever the SDK left it.
pub(super) fn idempotency_key(
    request: &CallToolRequestParams,
    context: &RequestMetaObject,
) -> Option<String> {
    request
        .meta
        .iter()
        .chain([context])
        .find_map(|meta| meta.0.0.get(notes::IDEMPOTENCY_KEY)?.as_str())
        .map(str::to_owned)
}

/// A read that is given up, or a change that goes on without anybody waiting.
fn too_long(action: &Action) -> EngineError {
    let minutes = LONGEST.as_secs() / 60;
    let name = action.name();
    if action.read_only() {
        EngineError::new(
            Code::RateLimited,
            format!("{name} took longer than {minutes} minutes"),
        )
        .with_hint("Zoom lets only so many requests through: try again later.")
    } else {
        EngineError::new(
            Code::OutcomeUnknown,
            format!("{name} takes longer than {minutes} minutes and goes on"),
        )
        .with_hint("Look whether it was done before you ask for it again.")
    }
}

/// How to ask for less.
fn shorter(action: &Action, output: &Value) -> String {
    let members = action.input_schema().get("properties");
    let takes = |name: &str| members.is_some_and(|members| members.get(name).is_some());
    if let Some(id) = output.get("meeting_id").and_then(Value::as_str) {
        return format!(
            "Read the resource {}://meeting/{id}/transcript, which comes in pieces.",
            super::SCHEME
        );
    }
    if takes("limit") {
        return "Ask again with a smaller limit, and pass `next` as `after` for the rest."
            .to_owned();
    }
    "Ask for less: a shorter span of days, or one thing instead of all.".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_clients_in_either_form_and_never_ambiguous() {
        let mut plain: Vec<String> = Vec::new();
        for action in actions::all() {
            assert!(
                action
                    .name()
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
                    && action.name().len() <= 64
            );
            let underscored = action.name().replace('.', "_");
            assert!(!plain.contains(&underscored), "{underscored} twice");
            assert_eq!(named(&underscored).map(Action::name), Some(action.name()));
            plain.push(underscored);
        }
    }

    #[test]
    fn every_schema_has_an_object_at_its_root() {
        for action in actions::all() {
            for schema in [action.input_schema(), action.output_schema()] {
                assert_eq!(schema["type"], "object", "{}", action.name());
            }
        }
    }

    #[test]
    fn what_cannot_be_undone_needs_a_permission_of_its_own() {
        let delete = actions::find("meeting.delete").unwrap();
        let mut config = Mcp::default();
        assert!(refusal(&config, delete).is_some());
        config.destructive_tools = vec!["meeting.delete".to_owned()];
        assert!(refusal(&config, delete).is_none());
        config.hidden_tools = vec!["meeting.*".to_owned()];
        assert!(refusal(&config, delete).is_some());
        assert!(refusal(&config, actions::find("search").unwrap()).is_none());
    }
}

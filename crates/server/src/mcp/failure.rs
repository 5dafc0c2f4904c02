//! Failures: what a model can mend or has to tell its person is a result, what breaks the protocol is an error.

use std::fmt::Write as _;

use parfocal_engine::{EngineError, Kind};
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::{Value, json};

/// A refusal or failure as the result of a tool, in words that help.
pub(super) fn result(error: &EngineError, mut meta: MetaObject) -> CallToolResult {
    meta.0
        .insert(super::notes::PROBLEM.to_owned(), problem(error));
    CallToolResult::error(vec![ContentBlock::text(text(error))]).with_meta(Some(meta))
}

/// A failure outside of a tool.
pub(super) fn protocol(error: &EngineError) -> ErrorData {
    let data = Some(problem(error));
    match error.kind() {
        Kind::NotFound => ErrorData::resource_not_found(text(error), data),
        Kind::Internal | Kind::Unavailable => {
            tracing::warn!(code = error.code().as_str(), %error, "a request of a model failed");
            ErrorData::internal_error(text(error), data)
        }
        _ => ErrorData::invalid_params(text(error), data),
    }
}

/// What happened and what to do, for people and models.
fn text(error: &EngineError) -> String {
    // Writing to a String cannot fail.
    let mut out = format!("{}: {}", error.code().as_str(), detail(error));
    for fault in error.faults() {
        let field = if fault.field.is_empty() {
            "the input"
        } else {
            &fault.field
        };
        let _ = write!(out, "\n- {field}: {}", fault.problem);
        if let Some(value) = &fault.value {
            let _ = write!(out, " (given: {value})");
        }
        let _ = write!(out, ". {}", fault.mend);
    }
    if let Some(zoom) = error.zoom() {
        let _ = write!(out, "\nZoom said: {}", zoom.message);
        if let Some(code) = zoom.code {
            let _ = write!(out, " (code {code})");
        }
    }
    if !error.hint().is_empty() {
        let _ = write!(out, "\n{}", error.hint());
    }
    if let Some(at) = error.retry_at() {
        let _ = write!(out, "\nTry again at {at}.");
    }
    out
}

fn detail(error: &EngineError) -> &str {
    // What happened inside stays in the log.
    if error.kind() == Kind::Internal {
        tracing::warn!(code = error.code().as_str(), %error, "a tool failed");
        error.code().title()
    } else {
        error.message()
    }
}

fn problem(error: &EngineError) -> Value {
    json!({
        "code": error.code().as_str(),
        "errors": error.faults(),
        "retry_at": error.retry_at(),
        "zoom": error.zoom().map(|zoom| json!({
            "status": zoom.status, "code": zoom.code, "tracking_id": zoom.tracking_id,
        })),
    })
}

//! What is told beside a result, in `_meta`.

use parfocal_engine::actions::Done;
use parfocal_engine::keys::Caller;
use rmcp::model::MetaObject;
use serde_json::{Value, json};

/// The id of the request, as in the log and the audit log.
const REQUEST_ID: &str = "dev.parfocal/requestId";
/// The calls to Zoom that it took, with Zoom's tracking ids.
const ZOOM: &str = "dev.parfocal/zoom";
/// Whether the answer was at hand, or is that of an earlier call.
const CACHED: &str = "dev.parfocal/cached";
const REPLAYED: &str = "dev.parfocal/replayed";
/// A failure for programs.
pub(super) const PROBLEM: &str = "dev.parfocal/problem";
/// Where a text goes on.
pub(super) const NEXT: &str = "dev.parfocal/next";
/// What a citation proves.
pub(super) const CITATION: &str = "dev.parfocal/citation";
/// A text of the client's that makes repeating a call safe.
pub(super) const IDEMPOTENCY_KEY: &str = "dev.parfocal/idempotencyKey";

/// What is told of every request.
pub(super) fn of_request(caller: &Caller) -> MetaObject {
    let mut meta = MetaObject::new();
    if let Some(id) = &caller.request_id {
        meta.0
            .insert(REQUEST_ID.to_owned(), Value::from(id.clone()));
    }
    meta
}

/// What is told of something that was done.
pub(super) fn of_done(caller: &Caller, done: &Done) -> MetaObject {
    let mut meta = of_request(caller);
    if !done.zoom.is_empty() {
        meta.0.insert(ZOOM.to_owned(), json!(done.zoom));
    }
    if done.cached {
        meta.0.insert(CACHED.to_owned(), Value::Bool(true));
    }
    if done.replayed {
        meta.0.insert(REPLAYED.to_owned(), Value::Bool(true));
    }
    meta
}

//! What Zoom's AI Companion wrote of a meeting, to stand beside our own reading.

use jiff::Timestamp;
use parfocal_store::InstanceId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::App;
use crate::actions::Run;
use crate::error::{Code, EngineError, Result};
use crate::keys::Caller;

/// The action that asks Zoom; it keeps its answer for a while.
const ASKS: &str = "summary.get";

/// A summary of Zoom's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZoomSummary {
    /// Its title.
    pub title: Option<String>,
    /// The summary as Markdown.
    pub text: Option<String>,
    /// When it was written.
    pub created_at: Option<Timestamp>,
}

/// Asks Zoom for its summary of a meeting; none when it has none.
///
/// # Errors
/// Whatever keeps the account from being asked, such as a scope that is missing.
pub async fn of_instance(
    app: &App,
    id: InstanceId,
    caller: &Caller,
) -> Result<Option<ZoomSummary>> {
    let input = json!({"meeting": id.to_string()});
    match app
        .actions()
        .run(ASKS, input, &Run::new(caller.clone()))
        .await
    {
        Ok(outcome) => {
            let output = outcome.output().cloned().unwrap_or_default();
            serde_json::from_value(output).map(Some).map_err(|error| {
                EngineError::new(
                    Code::Internal,
                    format!("the answer of {ASKS} cannot be read: {error}"),
                )
            })
        }
        Err(error) if error.kind() == crate::Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

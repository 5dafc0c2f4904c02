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
use crate::talk::minutes;

/// The action that asks Zoom; it keeps its answer for a while.
const ASKS: &str = "summary.get";

/// A summary of Zoom's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZoomSummary {
    /// Its title.
    pub title: Option<String>,
    /// The summary as Markdown.
    pub text: Option<String>,
    /// When it was written or last changed.
    pub created_at: Option<Timestamp>,
    /// Where Zoom shows it.
    #[serde(default)]
    pub url: Option<String>,
}

impl ZoomSummary {
    /// The summary as a piece of a page, with nothing in it that others could do harm with.
    pub fn html(&self) -> Option<String> {
        self.text.as_deref().map(minutes::piece)
    }
}

/// The summary that was taken in of a meeting; none when Zoom told of none or took it back.
///
/// # Errors
/// Whatever keeps the store from being read.
pub async fn kept(app: &App, id: InstanceId) -> Result<Option<ZoomSummary>> {
    let kept = app.store().provider_summary(app.scope(), id).await?;
    Ok(kept.map(|kept| ZoomSummary {
        title: kept.title,
        text: Some(kept.body),
        created_at: kept.written_at,
        url: kept.url,
    }))
}

/// The summary that was taken in; otherwise Zoom is asked for it, and none means that it has none.
///
/// # Errors
/// Whatever keeps the account from being asked, such as a scope that is missing.
pub async fn of_instance(
    app: &App,
    id: InstanceId,
    caller: &Caller,
) -> Result<Option<ZoomSummary>> {
    if let Some(kept) = kept(app, id).await? {
        return Ok(Some(kept));
    }
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

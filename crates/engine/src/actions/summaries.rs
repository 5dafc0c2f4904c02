//! `summary.get`: what Zoom's AI Companion wrote of a meeting.

use jiff::Timestamp;
use parfocal_zoom::api::MeetingSummary;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::action::{Action, Effect};
use super::context::{Context, Step};
use super::keep;
use super::participants::held;
use super::request::Request;
use super::shape::harmless;

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "summary.get",
            Effect::Read,
            "Get a summary",
            "Gives the summary that Zoom's AI Companion wrote of a meeting that was held, as Markdown.",
            get,
        )
        .asks(&["GET /meetings/{meetingId}/meeting_summary"])
        .kept(keep::HISTORY)
        .example(json!({"meeting": "aDYlohsHRtCd4ii1uC2+hA=="})),
    ]
}

/// Whose summary.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The UUID of the instance, or our id of it.
    #[schemars(length(min = 1, max = 200))]
    meeting: String,
}

/// A summary of a meeting.
#[derive(Debug, Serialize, JsonSchema)]
struct SummaryView {
    /// Zoom's UUID of the instance.
    uuid: Option<String>,
    /// The meeting's number.
    meeting_number: Option<String>,
    /// What the meeting was about.
    topic: Option<String>,
    /// When the meeting began.
    start: Option<Timestamp>,
    /// When the meeting ended.
    end: Option<Timestamp>,
    /// The summary's title.
    title: Option<String>,
    /// The summary as Markdown.
    text: Option<String>,
    /// When it was written.
    created_at: Option<Timestamp>,
    /// When somebody changed it.
    updated_at: Option<Timestamp>,
    /// What Zoom answered.
    raw: Value,
}

async fn get(cx: Context, input: Get) -> Step<SummaryView> {
    let key = held(&cx, &input.meeting).await?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let reply = zoom
        .read::<MeetingSummary>(Request::get(format!(
            "/meetings/{}/meeting_summary",
            key.path_segment()
        )))
        .await?;
    let summary = &reply.value;
    Ok(SummaryView {
        uuid: summary.meeting_uuid.as_ref().map(ToString::to_string),
        meeting_number: summary.meeting_id.map(|number| number.to_string()),
        topic: summary.meeting_topic.clone(),
        start: summary.meeting_start_time,
        end: summary.meeting_end_time,
        title: summary.summary_title.clone(),
        text: summary.summary_content.clone(),
        created_at: summary.summary_created_time,
        updated_at: summary.summary_last_modified_time,
        raw: harmless(&reply.raw),
    })
}

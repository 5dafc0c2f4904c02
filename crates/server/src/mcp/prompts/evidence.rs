//! What is known, line by line, each with the address of its proof.

use std::fmt::Write as _;

use parfocal_engine::actions::Run;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::InsightRow;
use parfocal_engine::{App, EngineError};
use rmcp::model::{PromptMessage, Role};
use serde_json::{Value, json};

use super::super::resources::{Address, citation, clock, one_line};
use super::super::{SCHEME, UNTRUSTED};

/// A resource within a prompt.
pub(super) fn embedded(address: &Address, text: String) -> PromptMessage {
    PromptMessage::new_resource(
        Role::User,
        address.to_string(),
        Some("text/markdown".to_owned()),
        Some(text),
        None,
        None,
        None,
    )
}

/// Statements across meetings.
pub(super) fn statements(rows: &[InsightRow]) -> String {
    if rows.is_empty() {
        return "Nothing of the kind was found in the meetings that were taken in.".to_owned();
    }
    // Writing to a String cannot fail.
    let mut out = format!("{UNTRUSTED}\n\n");
    for row in rows {
        let number = |value: i64| u32::try_from(value).unwrap_or(0);
        let proof = citation(row.transcript_id, number(row.cue_from), number(row.cue_to));
        let _ = write!(out, "- {}", one_line(&row.text));
        if let Some(owner) = &row.owner {
            let _ = write!(out, " (to do: {})", one_line(owner));
        }
        if let Some(due) = &row.due {
            let _ = write!(out, " (due {due})");
        }
        let topic = row.topic.as_deref().unwrap_or("meeting without a topic");
        let speaker = row.speaker.as_deref().unwrap_or("?");
        let _ = write!(out, " [{}, {}", one_line(speaker), one_line(topic));
        if let Some(start) = row.start {
            let _ = write!(out, " on {}", start.strftime("%Y-%m-%d"));
        }
        let _ = writeln!(out, " at {}, {proof}]", clock(number(row.start_ms)));
    }
    out
}

/// What the search finds, best first; asked as any caller asks it.
pub(super) async fn search(app: &App, caller: &Caller, query: &str) -> Result<String, EngineError> {
    let run = Run::new(caller.clone());
    let input = json!({ "query": query, "limit": 30 });
    let outcome = app.actions().run("search", input, &run).await?;
    let items = outcome
        .output()
        .and_then(|output| output["items"].as_array().cloned())
        .unwrap_or_default();
    if items.is_empty() {
        return Ok("Nothing was found in the meetings that were taken in.".to_owned());
    }
    let mut out = format!("{UNTRUSTED}\n\n");
    for hit in &items {
        let text = |name: &str| hit[name].as_str().unwrap_or("?");
        let _ = write!(
            out,
            "- {}: {} [{}",
            one_line(text("speaker")),
            one_line(text("snippet")),
            one_line(text("topic"))
        );
        if let Some(start) = hit["start"].as_str() {
            let _ = write!(out, " on {}", start.split('T').next().unwrap_or(start));
        }
        let at = hit["start_ms"]
            .as_u64()
            .and_then(|ms| u32::try_from(ms).ok());
        let _ = write!(out, " at {}, ", clock(at.unwrap_or(0)));
        let _ = writeln!(out, "{}]", proof(hit));
    }
    Ok(out)
}

/// The address of a hit: its cues, or the chat of its meeting.
fn proof(hit: &Value) -> String {
    let cues = (hit["cue_from"].as_u64(), hit["cue_to"].as_u64());
    match (hit["transcript_id"].as_str(), cues) {
        (Some(transcript), (Some(from), Some(to))) => {
            format!("{SCHEME}://transcript/{transcript}/cues/{from}-{to}")
        }
        _ => Address::Chat(hit["meeting_id"].as_str().unwrap_or_default().to_owned()).to_string(),
    }
}

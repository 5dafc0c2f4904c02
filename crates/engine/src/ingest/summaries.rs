//! What Zoom's AI Companion wrote of meetings, as events and answers tell it; and that it was taken back.

use jiff::Timestamp;
use parfocal_store::{InstanceId, ProviderSummary, Tx};
use serde_json::{Value, json};

use super::{Origin, Routed, instances, route, tell};
use crate::error::Result;
use crate::ingest::merge::instant;
use crate::jobs::{JobKind, SummaryFetch};
use crate::told::{self, Told};

/// Most characters of a summary that are kept.
const MOST_CHARS: usize = 200_000;
/// Most characters of a title or an address.
const MOST_TITLE: usize = 500;

/// Takes in an event about a summary.
///
/// # Errors
/// Whatever keeps the store from writing.
pub async fn heard(tx: &mut Tx, origin: &Origin, what: &str, object: &Value) -> Result<Routed> {
    let gone = match what {
        "summary_completed" | "summary_updated" | "summary_recovered" => false,
        "summary_trashed" | "summary_deleted" => true,
        _ => return Ok(Routed::Ignored("no event of this name is used")),
    };
    // Its other fields are the summary's: of the meeting it says no more than which one it was.
    let named = named(object);
    let Some(applied) = instances::apply(tx, origin, &named, instances::Stage::Ended).await? else {
        return Ok(Routed::Unusable("the event names no instance"));
    };
    route::notice_end(tx, origin, &applied).await?;
    let instance = (applied.id, applied.uuid.as_str());
    if gone {
        removed(tx, origin, instance).await?;
        return Ok(Routed::Done);
    }
    if let Some(summary) = read(object) {
        keep(tx, origin, instance, &summary, said_at(origin)).await?;
        return Ok(Routed::Done);
    }
    let payload = SummaryFetch {
        account: origin.account,
        uuid: applied.uuid.clone(),
        backfill: None,
    };
    origin
        .follow(applied.number.as_deref())
        .enqueue(
            tx,
            JobKind::SummaryFetch,
            payload.key(),
            &payload,
            origin.now,
        )
        .await?;
    Ok(Routed::Done)
}

/// Takes in that AI Companion's files of a meeting were deleted.
///
/// # Errors
/// Whatever keeps the store from writing.
pub async fn assets_deleted(tx: &mut Tx, origin: &Origin, object: &Value) -> Result<Routed> {
    let assets = &object["ai_companion"]["deleted_assets"];
    let summaries = assets
        .as_array()
        .is_some_and(|assets| assets.iter().any(|asset| asset == "summaries"));
    if !summaries {
        return Ok(Routed::Ignored("it is not about a summary"));
    }
    let named = json!({
        "uuid": object.get("meeting_uuid"),
        "id": object.get("meeting_number"),
        "host_id": object.get("host_id"),
    });
    let Some(applied) = instances::apply(tx, origin, &named, instances::Stage::Ended).await? else {
        return Ok(Routed::Unusable("the event names no instance"));
    };
    route::notice_end(tx, origin, &applied).await?;
    removed(tx, origin, (applied.id, &applied.uuid)).await?;
    Ok(Routed::Done)
}

/// Keeps a summary that was said at an instant.
///
/// # Errors
/// Whatever keeps the store from writing.
pub async fn keep(
    tx: &mut Tx,
    origin: &Origin,
    (id, uuid): (InstanceId, &str),
    summary: &ProviderSummary,
    said_at: Timestamp,
) -> Result<()> {
    if tx
        .put_provider_summary(id, Some(summary), said_at, origin.now)
        .await?
    {
        let uuid = uuid.to_owned();
        tell(tx, origin, id, Told::SummaryReady(told::Summary { uuid })).await?;
    }
    Ok(())
}

async fn removed(tx: &mut Tx, origin: &Origin, (id, uuid): (InstanceId, &str)) -> Result<()> {
    if tx
        .put_provider_summary(id, None, said_at(origin), origin.now)
        .await?
    {
        let uuid = uuid.to_owned();
        tell(tx, origin, id, Told::SummaryRemoved(told::Summary { uuid })).await?;
    }
    Ok(())
}

fn said_at(origin: &Origin) -> Timestamp {
    Timestamp::from_millisecond(origin.stamp.at_ms).unwrap_or(origin.now)
}

/// What an event or an entry of a list about a summary says of its meeting.
pub fn named(object: &Value) -> Value {
    let mut named = serde_json::Map::new();
    for (to, from) in [
        ("uuid", "meeting_uuid"),
        ("id", "meeting_id"),
        ("topic", "meeting_topic"),
        ("host_id", "meeting_host_id"),
        ("host_email", "meeting_host_email"),
        ("start_time", "meeting_start_time"),
        ("end_time", "meeting_end_time"),
    ] {
        if let Some(value) = object.get(from).filter(|value| **value != json!("")) {
            named.insert(to.to_owned(), value.clone());
        }
    }
    Value::Object(named)
}

/// Reads a summary; none without a text. Older ones come in parts, which are put together as the newer ones are written.
pub fn read(said: &Value) -> Option<ProviderSummary> {
    let text = |value: &Value, most: usize| {
        let text = value.as_str()?.trim();
        (!text.is_empty()).then(|| text.chars().take(most).collect::<String>())
    };
    let body = text(&said["summary_content"], MOST_CHARS).or_else(|| in_parts(said))?;
    Some(ProviderSummary {
        title: text(&said["summary_title"], MOST_TITLE),
        body,
        url: text(&said["summary_doc_url"], MOST_TITLE).filter(|url| url.starts_with("https://")),
        written_at: ["summary_last_modified_time", "summary_created_time"]
            .iter()
            .find_map(|name| instant(&said[*name])),
    })
}

/// The fields that Zoom calls deprecated, those that people edited before the others.
fn in_parts(said: &Value) -> Option<String> {
    let edited = &said["edited_summary"];
    let filled = |name: &str| {
        [&edited[name], &said[name]]
            .into_iter()
            .find(|value| match value {
                Value::String(text) => !text.trim().is_empty(),
                Value::Array(list) => !list.is_empty(),
                _ => false,
            })
            .cloned()
            .unwrap_or_default()
    };
    let mut blocks = Vec::new();
    if let Value::String(text) = filled("summary_overview") {
        blocks.push(format!("## Quick recap\n{}", text.trim()));
    }
    match filled("summary_details") {
        Value::String(text) => blocks.push(format!("## Summary\n{}", text.trim())),
        Value::Array(list) => blocks.extend(list.iter().filter_map(|part| {
            let label = part["label"].as_str().unwrap_or("Summary");
            Some(format!(
                "## {}\n{}",
                label.trim(),
                part["summary"].as_str()?.trim()
            ))
        })),
        _ => {}
    }
    if let Value::Array(list) = filled("next_steps") {
        let steps: Vec<String> = list
            .iter()
            .filter_map(|step| Some(format!("- {}", step.as_str()?.trim())))
            .collect();
        blocks.push(format!("## Next steps\n{}", steps.join("\n")));
    }
    let text: String = blocks.join("\n\n").chars().take(MOST_CHARS).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_read_and_older_parts_are_put_together() {
        let said = json!({"summary_title": " Review ", "summary_content": "## Quick recap\nAll well.", "summary_overview": "old",
            "summary_doc_url": "javascript:alert(1)", "summary_created_time": "2026-09-14T09:16:02Z", "summary_last_modified_time": ""});
        let read_back = read(&said).unwrap();
        assert_eq!(read_back.title.as_deref(), Some("Review"));
        assert_eq!(read_back.body, "## Quick recap\nAll well.");
        assert_eq!(read_back.url, None);
        assert_eq!(
            read_back.written_at.unwrap().to_string(),
            "2026-09-14T09:16:02Z"
        );
        let older = json!({"summary_overview": "The scope.", "summary_details": [{"label": "Berths", "summary": "Counted."}],
            "next_steps": ["Tove: send the list"], "edited_summary": {"summary_overview": "The agreed scope."}});
        assert_eq!(
            read(&older).unwrap().body,
            "## Quick recap\nThe agreed scope.\n\n## Berths\nCounted.\n\n## Next steps\n- Tove: send the list"
        );
        assert_eq!(
            read(&json!({"summary_title": "No text", "next_steps": []})),
            None
        );
    }
}

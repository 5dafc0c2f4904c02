//! AI Companion summaries: one meeting's, the account's, a user's.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::time;
use super::paging::Page;
use super::request::Req;
use super::windows::{days_ago, midnight, parse};
use crate::http::reply::{Answer, Refusal, Reply};
use crate::world::model::{Instance, Summary};

fn row(r: &Req<'_>, instance: &Instance, summary: &Summary) -> Value {
    let host = r.world().user(&instance.host_id);
    let end = instance.end.unwrap_or(instance.start);
    json!({
        "meeting_host_id": instance.host_id,
        "meeting_host_email": host.as_ref().map_or("", |host| host.email.as_str()),
        "meeting_uuid": instance.uuid.to_string(),
        "meeting_id": instance.number,
        "meeting_topic": instance.topic,
        "meeting_start_time": time(instance.start),
        "meeting_end_time": time(end),
        "summary_start_time": time(instance.start),
        "summary_end_time": time(end),
        "summary_created_time": time(summary.created_at),
        "summary_last_modified_time": time(summary.created_at),
    })
}

/// `GET /meetings/{meetingId}/meeting_summary`.
pub(super) fn get(r: &Req<'_>) -> Answer {
    let missing = || Refusal::new(404, 3001, format!("Meeting does not exist: {}.", r.given()));
    let instance = r.ended_instance().ok_or_else(missing)?;
    r.may_see(&instance.host_id)?;
    let summary = instance
        .summary
        .as_ref()
        .filter(|summary| summary.created_at <= r.now())
        .ok_or_else(missing)?;
    let mut out = row(r, &instance, summary);
    out["summary_last_modified_user_id"] = json!("");
    out["summary_last_modified_user_email"] = json!("");
    out["summary_title"] = json!(summary.title);
    out["summary_content"] = json!(summary.content);
    out["summary_doc_url"] = json!(r.urls.summary_doc(&instance));
    out["summary_details"] = json!([]);
    out["next_steps"] = json!([]);
    Ok(Reply::ok(&out))
}

/// `DELETE /meetings/{meetingId}/meeting_summary`.
pub(super) fn delete(r: &Req<'_>) -> Answer {
    let missing = || Refusal::new(404, 3001, format!("Meeting does not exist: {}.", r.given()));
    let instance = r.ended_instance().ok_or_else(missing)?;
    r.may_see(&instance.host_id)?;
    r.world()
        .remove_summary(&instance.uuid, &r.operator())
        .map_err(|_| missing())?;
    Ok(Reply::no_content())
}

fn instant(r: &Req<'_>, name: &str, default: Timestamp) -> Result<Timestamp, Refusal> {
    match r.param(name) {
        None => Ok(default),
        Some(text) => text
            .parse::<Timestamp>()
            .ok()
            .or_else(|| parse(text).map(midnight))
            .ok_or_else(|| Refusal::field(name, "Invalid field.")),
    }
}

/// `GET /meetings/meeting_summaries`, and the user's own list.
pub(super) fn list(r: &Req<'_>, of_user: bool) -> Answer {
    let host = if of_user {
        Some(r.user()?.id.clone())
    } else {
        None
    };
    let field = r.word(
        "time_filter_field",
        &["summary_start_time", "summary_created_time"],
        "summary_start_time",
    )?;
    let page = Page::read(r, 300)?;
    let from = instant(r, "from", days_ago(r.now(), 30))?;
    let to = instant(r, "to", r.now())?;
    // A summary is made at most a few hours after its meeting, so the day before covers the other field.
    let found: Vec<Arc<Instance>> = r
        .world()
        .instances_between(from.min(days_ago(from, 2)), to, host.as_deref())
        .into_iter()
        .map(|head| r.world().instance_at(head.key))
        .filter(|instance| {
            instance.summary.as_ref().is_some_and(|summary| {
                let at = if field == "summary_created_time" {
                    summary.created_at
                } else {
                    instance.start
                };
                summary.created_at <= r.now() && at >= from && at < to
            })
        })
        .collect();
    let rows: Vec<Value> = page
        .cut(&found)
        .iter()
        .filter_map(|instance| Some(row(r, instance, instance.summary.as_ref()?)))
        .collect();
    Ok(Reply::ok(&json!({
        "page_size": page.size,
        "next_page_token": page.next(found.len()),
        "from": time(from),
        "to": time(to),
        "summaries": rows,
    })))
}

//! The AI Companion transcript, which needs no recording.

use serde_json::json;

use super::body::time;
use super::request::Req;
use crate::http::reply::{Answer, Refusal, Reply};

/// `GET /meetings/{meetingId}/transcript`.
pub(super) fn get(r: &Req<'_>) -> Answer {
    let none = || Refusal::new(404, 3322, "This meeting transcript does not exist.");
    let instance = r.ended_instance().ok_or_else(none)?;
    r.may_see(&instance.host_id)?;
    let summary = instance
        .summary
        .as_ref()
        .filter(|_| r.ctx.shared.config.plan.is_paid())
        .ok_or_else(none)?;
    let mut out = json!({
        "meeting_id": instance.uuid.to_string(),
        "account_id": r.world().account().id,
        "meeting_topic": instance.topic,
        "host_id": instance.host_id,
        "auto_delete": false,
    });
    let ready = summary.created_at <= r.now();
    if ready && r.world().aic_transcript(&instance).is_some() {
        out["transcript_created_time"] = json!(time(summary.created_at));
        out["can_download"] = json!(true);
        out["download_url"] = json!(r.urls.aic_transcript(&instance));
    } else {
        out["can_download"] = json!(false);
        out["download_restriction_reason"] = json!(if ready {
            "NO_TRANSCRIPT_DATA"
        } else {
            "NOT_READY"
        });
    }
    Ok(Reply::ok(&out))
}

//! Webinars: list, read, past instances.

use std::sync::Arc;

use serde_json::{Value, json};

use super::body::time;
use super::meeting_json::{full, one_occurrence, row};
use super::paging::Page;
use super::request::{Req, Which};
use crate::http::reply::{Answer, Refusal, Reply};
use crate::world::model::Meeting;

/// `GET /users/{userId}/webinars`.
pub(super) fn list(r: &Req<'_>) -> Answer {
    let user = r.user_saying("User does not exist: {}.")?;
    if !user.settings.webinar {
        return Err(Refusal::new(400, 200, "Webinar plan is missing."));
    }
    let kind = r.word("type", &["scheduled", "upcoming"], "scheduled")?;
    let page = Page::read(r, 300)?;
    let now = r.now();
    let mut webinars: Vec<Arc<Meeting>> = r
        .world()
        .meetings_of(&user.id)
        .into_iter()
        .filter(|meeting| meeting.is_webinar())
        .collect();
    if kind == "upcoming" {
        webinars.retain(|webinar| {
            webinar.start.is_none_or(|start| start >= now)
                || webinar
                    .occurrences
                    .iter()
                    .any(|one| !one.deleted && one.start >= now)
        });
    }
    let rows = page
        .cut(&webinars)
        .iter()
        .map(|webinar| {
            let mut out = row(r, webinar);
            out["is_simulive"] = json!(false);
            out
        })
        .collect();
    let mut out = page.frame("webinars", rows, webinars.len());
    out["page_number"] = json!(page.number());
    Ok(Reply::ok(&out))
}

/// `GET /webinars/{webinarId}`.
pub(super) fn get(r: &Req<'_>) -> Answer {
    let webinar = r.webinar()?;
    let out = full(r, &webinar, r.ctx.call.flag("show_previous_occurrences"));
    let Some(id) = r.param("occurrence_id") else {
        return Ok(Reply::ok(&out));
    };
    let occurrence = webinar
        .occurrences
        .iter()
        .find(|one| one.id == id)
        .ok_or_else(|| Refusal::new(400, 300, "Invalid parameter: occurrence_id."))?;
    Ok(Reply::ok(&one_occurrence(out, occurrence)))
}

/// `GET /past_webinars/{webinarId}/instances`.
pub(super) fn instances(r: &Req<'_>) -> Answer {
    let invalid = || Refusal::new(400, 300, "Invalid webinar ID.");
    let Some(Which::Number(number)) = r.which() else {
        return Err(invalid());
    };
    let heads = r.world().instances_of(number);
    let first = heads.first().map(|head| r.world().instance_at(head.key));
    let host = match (r.world().meeting(number), &first) {
        (Some(webinar), _) if webinar.is_webinar() => webinar.host_id.clone(),
        (None, Some(instance)) if instance.is_webinar() => instance.host_id.clone(),
        _ => return Err(invalid()),
    };
    r.may_see(&host)?;
    let rows: Vec<Value> = heads
        .iter()
        .filter(|head| head.end.is_some_and(|end| end <= r.now()))
        .map(|head| json!({ "uuid": head.uuid.to_string(), "start_time": time(head.start) }))
        .collect();
    Ok(Reply::ok(&json!({ "webinars": rows })))
}

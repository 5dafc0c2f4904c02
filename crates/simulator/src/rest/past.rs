//! What was: past meetings, their instances, who attended.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::body::time;
use super::paging::Page;
use super::request::{Req, Which};
use super::windows::{Window, day, months_ago};
use crate::http::path;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::world::model::{Instance, Participant};

fn put(map: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    map.insert(name.to_owned(), value.into());
}

/// An ended instance that the caller may see, not older than so many months; refusals in the endpoint's words.
pub(super) fn ended(
    r: &Req<'_>,
    missing: &str,
    months: i32,
    too_old: &str,
) -> Result<Arc<Instance>, Refusal> {
    let instance = r
        .ended_instance()
        .ok_or_else(|| Refusal::new(404, 3001, missing.replace("{}", &r.given())))?;
    r.may_see(&instance.host_id)?;
    if instance.start < months_ago(r.now(), months) {
        return Err(Refusal::new(400, 12702, too_old));
    }
    Ok(instance)
}

/// `GET /past_meetings/{meetingId}`.
pub(super) fn details(r: &Req<'_>) -> Answer {
    let instance = ended(
        r,
        "Meeting does not exist: {}.",
        12,
        "Cannot access a meeting a year ago.",
    )?;
    if instance.is_webinar() {
        return Err(Refusal::new(400, 300, "Cannot access meeting information."));
    }
    let host = r.world().user(&instance.host_id);
    let made = instance
        .summary
        .as_ref()
        .is_some_and(|summary| summary.created_at <= r.now());
    Ok(Reply::ok(&json!({
        "uuid": instance.uuid.to_string(),
        "id": instance.number,
        "host_id": instance.host_id,
        "type": instance.kind,
        "topic": instance.topic,
        "user_name": host.as_ref().map_or("", |host| host.display_name.as_str()),
        "user_email": host.as_ref().map_or("", |host| host.email.as_str()),
        "start_time": time(instance.start),
        "end_time": time(instance.end.unwrap_or(instance.start)),
        "duration": instance.minutes(),
        "total_minutes": instance.total_minutes(),
        "participants_count": instance.people(),
        "dept": host.as_ref().map_or("", |host| host.dept.as_str()),
        "source": "Zoom",
        "has_meeting_summary": made,
    })))
}

/// `GET /past_meetings/{meetingId}/instances`: silent horizon of 15 months, not paged.
pub(super) fn instances(r: &Req<'_>) -> Answer {
    let given = path::identifier(r.value(0));
    let unknown = || Refusal::new(404, 3001, format!("Meeting does not exist: {given}."));
    let number = match r.which() {
        Some(Which::Number(number)) => number,
        Some(Which::Uuid(uuid)) => r
            .world()
            .instance(&uuid)
            .map(|instance| instance.number)
            .ok_or_else(unknown)?,
        None => return Err(unknown()),
    };
    let now = r.now();
    let heads = r.world().instances_of(number);
    let meeting = r.world().meeting(number);
    let host = meeting
        .as_ref()
        .map(|meeting| meeting.host_id.clone())
        .or_else(|| {
            heads
                .last()
                .map(|head| r.world().instance_at(head.key).host_id.clone())
        })
        .ok_or_else(unknown)?;
    if meeting.is_some_and(|meeting| meeting.is_webinar()) {
        return Err(unknown());
    }
    r.may_see(&host)?;
    let window = if r.param("from").is_some() || r.param("to").is_some() {
        let default = Window {
            from: day(months_ago(now, 15)),
            to: day(now),
        };
        Some(Window::read(r, Some(default))?.instants())
    } else {
        None
    };
    let horizon = months_ago(now, 15);
    let rows: Vec<Value> = heads
        .iter()
        .filter(|head| head.end.is_some_and(|end| end <= now) && head.start >= horizon)
        .filter(|head| window.is_none_or(|(from, to)| head.start >= from && head.start < to))
        .map(|head| json!({ "uuid": head.uuid.to_string(), "start_time": time(head.start) }))
        .collect();
    Ok(Reply::ok(&json!({ "meetings": rows })))
}

/// Rows of attendance, none for a meeting of a single person.
pub(super) fn rows(instance: &Instance) -> &[Participant] {
    if instance.people() < 2 {
        &[]
    } else {
        &instance.participants
    }
}

/// A row of `/past_meetings/{uuid}/participants` and its webinar twin.
fn row(row: &Participant) -> Value {
    let mut out = Map::new();
    put(&mut out, "id", row.account_user_id.as_deref().unwrap_or(""));
    put(&mut out, "user_id", row.user_id.to_string());
    put(&mut out, "name", row.name.clone());
    put(&mut out, "user_email", row.visible_email());
    put(&mut out, "join_time", time(row.join));
    put(
        &mut out,
        "leave_time",
        row.leave.map_or_else(String::new, time),
    );
    put(&mut out, "duration", row.seconds());
    put(
        &mut out,
        "registrant_id",
        row.registrant_id.as_deref().unwrap_or(""),
    );
    put(&mut out, "failover", false);
    put(&mut out, "status", row.presence.name());
    put(&mut out, "internal_user", row.internal);
    Value::Object(out)
}

/// `GET /past_meetings/{meetingId}/participants`, `GET /past_webinars/{webinarId}/participants`.
pub(super) fn participants(r: &Req<'_>, webinar: bool) -> Answer {
    let missing = if webinar {
        "Webinar does not exist."
    } else {
        "Meeting does not exist: {}."
    };
    let instance = ended(r, missing, 15, "Can not access a meeting a year ago.")?;
    if instance.is_webinar() != webinar {
        return Err(Refusal::new(404, 3001, missing.replace("{}", &r.given())));
    }
    let page = Page::read(r, 300)?;
    let all = rows(&instance);
    let shown = page.cut(all).iter().map(row).collect();
    Ok(Reply::ok(&page.frame("participants", shown, all.len())))
}

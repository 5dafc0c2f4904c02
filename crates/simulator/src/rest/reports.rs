//! Reports: ended meetings of a user and of the account, their attendance.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::body::time;
use super::paging::Page;
use super::past;
use super::request::Req;
use super::windows::{Window, months_ago};
use crate::http::reply::{Answer, Refusal, Reply};
use crate::world::model::{FileKind, Instance, InstanceHead, Participant, Presence};

/// Heads of meetings that ended in a window and that reports show: two people or more, the last six months.
fn shown(r: &Req<'_>, from: Timestamp, to: Timestamp, host: Option<&str>) -> Vec<InstanceHead> {
    let now = r.now();
    r.world()
        .instances_between(from.max(months_ago(now, 6)), to, host)
        .into_iter()
        .filter(|head| head.people >= 2 && head.end.is_some_and(|end| end <= now))
        .collect()
}

fn has(instance: &Instance, kind: FileKind) -> bool {
    instance
        .recording
        .as_ref()
        .is_some_and(|recording| recording.listed().any(|file| file.kind == kind))
}

/// `GET /report/users/{userId}/meetings`.
pub(super) fn of_user(r: &Req<'_>) -> Answer {
    let user = r.user_saying("User {} not exist or not belong to this account.")?;
    let window = Window::read(r, None)?.at_most_a_month()?;
    let kind = r.word("type", &["past", "pastOne", "pastJoined"], "past")?;
    let page = Page::read(r, 300)?;
    let (from, to) = window.instants();
    let joined = |row: &Participant| row.account_user_id.as_deref() == Some(user.id.as_str());
    let heads = match kind {
        "pastJoined" => shown(r, from, to, None)
            .into_iter()
            .filter(|head| {
                r.world()
                    .instance_at(head.key)
                    .participants
                    .iter()
                    .any(joined)
            })
            .collect(),
        "pastOne" => shown(r, from, to, Some(&user.id))
            .into_iter()
            .filter(|head| head.people == 2)
            .collect(),
        _ => shown(r, from, to, Some(&user.id)),
    };
    let rows: Vec<Value> = page
        .cut(&heads)
        .iter()
        .map(|head| {
            let instance = r.world().instance_at(head.key);
            let host = r.world().user(&instance.host_id);
            json!({
                "uuid": instance.uuid.to_string(),
                "id": instance.number,
                "type": instance.kind,
                "topic": instance.topic,
                "user_name": host.as_ref().map_or("", |host| host.display_name.as_str()),
                "user_email": host.as_ref().map_or("", |host| host.email.as_str()),
                "start_time": time(instance.start),
                "end_time": time(instance.end.unwrap_or(instance.start)),
                "duration": instance.minutes(),
                "total_minutes": instance.total_minutes(),
                "participants_count": instance.people(),
                "source": "Zoom",
                "has_recording": instance.recording.is_some(),
                "has_chat": has(&instance, FileKind::Chat),
                "has_screen_share": false,
                "meeting_encryption_status": 1,
                "participants_count_my_account": instance
                    .participants
                    .iter()
                    .filter(|row| row.internal && row.presence == Presence::InMeeting)
                    .filter_map(|row| row.account_user_id.as_deref())
                    .collect::<std::collections::BTreeSet<_>>()
                    .len(),
            })
        })
        .collect();
    let mut out = page.frame("meetings", rows, heads.len());
    out["from"] = json!(window.from.to_string());
    out["to"] = json!(window.to.to_string());
    out["page_number"] = json!(page.number());
    Ok(Reply::ok(&out))
}

/// `GET /report/history_meetings`.
pub(super) fn history(r: &Req<'_>) -> Answer {
    let window = Window::read(r, None)?.at_most_a_month()?;
    let date_type = r.word("date_type", &["start_time", "end_time"], "start_time")?;
    let meeting_type = r.word("meeting_type", &["meeting", "webinar", "all"], "all")?;
    let report_type = r.word(
        "report_type",
        &["all", "poll", "survey", "qa", "resource", "reaction"],
        "all",
    )?;
    if let Some(group) = r.param("group_id") {
        return Err(Refusal::new(
            403,
            12703,
            format!("No permission for the group: {group}."),
        ));
    }
    let page = Page::read(r, 300)?;
    let (from, to) = window.instants();
    let wanted = |head: &InstanceHead| match meeting_type {
        "meeting" => !matches!(head.kind, 5 | 6 | 9),
        "webinar" => matches!(head.kind, 5 | 6 | 9),
        _ => true,
    };
    let mut heads: Vec<InstanceHead> = if matches!(report_type, "all" | "poll" | "qa") {
        let reach = if date_type == "end_time" {
            SignedDuration::from_hours(48)
        } else {
            SignedDuration::ZERO
        };
        shown(r, from - reach, to, None)
            .into_iter()
            .filter(|head| {
                date_type == "start_time" || head.end.is_some_and(|end| end >= from && end < to)
            })
            .filter(wanted)
            .collect()
    } else {
        // Nobody surveys in this account.
        Vec::new()
    };
    if report_type != "all" {
        heads.retain(|head| r.world().instance_at(head.key).was_polled());
    }
    if let Some(key) = r.param("search_key") {
        let key = key.to_lowercase();
        heads.retain(|head| {
            let instance = r.world().instance_at(head.key);
            let email = r
                .world()
                .user(&instance.host_id)
                .map(|host| host.email.clone())
                .unwrap_or_default();
            instance.topic.to_lowercase().contains(&key)
                || email.contains(&key)
                || head.number.to_string() == key
        });
    }
    if let Some(feature) = r.param("meeting_feature") {
        heads.retain(|head| features(&r.world().instance_at(head.key))[feature] == json!(true));
    }
    let rows: Vec<Value> = page
        .cut(&heads)
        .iter()
        .map(|head| history_row(r, &r.world().instance_at(head.key)))
        .collect();
    Ok(Reply::ok(&json!({
        "next_page_token": page.next(heads.len()),
        "page_size": page.size,
        "history_meetings": rows,
    })))
}

fn features(instance: &Instance) -> Value {
    json!({
        "screen_sharing": false,
        "video_on": true,
        "telephone_usage": instance.participants.iter().any(|row| row.phone_number.is_some()),
        "in_meeting_chat": has(instance, FileKind::Chat),
        "waiting_room": instance.participants.iter().any(|row| row.presence == Presence::InWaitingRoom),
        "closed_caption": has(instance, FileKind::Cc),
        "live_transcription": has(instance, FileKind::Cc),
        "meeting_summary": instance.summary.is_some(),
        "record_to_cloud": instance.recording.is_some(),
        "record_to_computer": false,
        "poll": instance.was_polled(),
        "meeting_questions": instance.was_polled(),
        "registration": instance.participants.iter().any(|row| row.registrant_id.is_some()),
    })
}

fn history_row(r: &Req<'_>, instance: &Instance) -> Value {
    let host = r.world().user(&instance.host_id);
    let created = r
        .world()
        .meeting(instance.number)
        .map_or(instance.start, |meeting| meeting.created_at);
    json!({
        "meeting_uuid": instance.uuid.to_string(),
        "meeting_id": instance.number,
        "type": if instance.is_webinar() { "Webinar" } else { "Meeting" },
        "host_display_name": host.as_ref().map_or("", |host| host.display_name.as_str()),
        "host_email": host.as_ref().map_or("", |host| host.email.as_str()),
        "department": host.as_ref().map_or("", |host| host.dept.as_str()),
        "start_time": time(instance.start),
        "end_time": time(instance.end.unwrap_or(instance.start)),
        "create_time": time(created),
        "topic": instance.topic,
        "participants": instance.people(),
        "duration": instance.minutes(),
        "total_participant_minutes": instance.total_minutes(),
        "group": [],
        "source": "Zoom",
        "custom_fields": [],
        "tracking_fields": [],
        "feature_used": features(instance),
    })
}

/// The instance of a report, in the report's words; reports go back twelve months.
fn reported(r: &Req<'_>, webinar: bool) -> Result<std::sync::Arc<Instance>, Refusal> {
    let missing = if webinar {
        "Webinar \"{}\" not found or has expired"
    } else {
        "Meeting {} not found or has expired."
    };
    let too_old = if webinar {
        "Can not access a webinar a year ago."
    } else {
        "Can not access meeting a year ago."
    };
    let instance = past::ended(r, missing, 12, too_old)?;
    if instance.is_webinar() != webinar {
        return Err(Refusal::new(404, 3001, missing.replace("{}", &r.given())));
    }
    Ok(instance)
}

/// `GET /report/meetings/{meetingId}`, `GET /report/webinars/{webinarId}`.
pub(super) fn details(r: &Req<'_>, webinar: bool) -> Answer {
    let instance = reported(r, webinar)?;
    let host = r.world().user(&instance.host_id);
    Ok(Reply::ok(&json!({
        "uuid": instance.uuid.to_string(),
        "id": instance.number,
        "type": instance.kind,
        "topic": instance.topic,
        "user_name": host.as_ref().map_or("", |host| host.display_name.as_str()),
        "user_email": host.as_ref().map_or("", |host| host.email.as_str()),
        "dept": host.as_ref().map_or("", |host| host.dept.as_str()),
        "start_time": time(instance.start),
        "end_time": time(instance.end.unwrap_or(instance.start)),
        "duration": instance.minutes(),
        "total_minutes": instance.total_minutes(),
        "participants_count": instance.people(),
        "tracking_fields": [],
        "custom_keys": [],
    })))
}

/// `GET /report/meetings/{meetingId}/participants`, `GET /report/webinars/{webinarId}/participants`.
pub(super) fn participants(r: &Req<'_>, webinar: bool) -> Answer {
    let instance = reported(r, webinar)?;
    let with_registrants = r
        .param("include_fields")
        .is_some_and(|list| list.split(',').any(|one| one.trim() == "registrant_id"));
    let page = Page::read(r, 300)?;
    let all = past::rows(&instance);
    let rows = page
        .cut(all)
        .iter()
        .map(|row| {
            let mut out = json!({
                "id": row.account_user_id.as_deref().unwrap_or(""),
                "user_id": row.user_id.to_string(),
                "participant_user_id": row.account_user_id.as_deref().unwrap_or(""),
                "name": row.name,
                "user_email": row.visible_email(),
                "join_time": time(row.join),
                "leave_time": row.leave.map_or_else(String::new, time),
                "duration": row.seconds(),
                "failover": false,
                "status": row.presence.name(),
                "customer_key": "",
                "bo_mtg_id": "",
            });
            if with_registrants {
                out["registrant_id"] = json!(row.registrant_id.as_deref().unwrap_or(""));
            }
            out
        })
        .collect();
    Ok(Reply::ok(&page.frame("participants", rows, all.len())))
}

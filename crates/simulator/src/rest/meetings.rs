//! Meetings: read and list.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;

use super::body::time;
use super::meeting_json::{full, one_occurrence, row};
use super::paging::Page;
use super::request::Req;
use super::windows::{Window, day, midnight, months_ago};
use crate::http::reply::{Answer, Refusal, Reply};
use crate::world::model::Meeting;

/// Refuses hosts without the right to meet (type 4 and 99).
pub(super) fn may_host(kind: u8) -> Result<(), Refusal> {
    if matches!(kind, 4 | 99) {
        return Err(Refusal::new(
            400,
            3161,
            "Your user account is not allowed meeting hosting and scheduling capabilities.",
        ));
    }
    Ok(())
}

/// `GET /meetings/{meetingId}`.
pub(super) fn get(r: &Req<'_>) -> Answer {
    let meeting = r.meeting()?;
    let previous = r.ctx.call.flag("show_previous_occurrences");
    let out = full(r, &meeting, previous);
    let Some(id) = r.param("occurrence_id") else {
        return Ok(Reply::ok(&out));
    };
    let occurrence = meeting
        .occurrences
        .iter()
        .find(|one| one.id == id)
        .ok_or_else(|| Refusal::new(400, 300, "Invalid parameter: occurrence_id."))?;
    Ok(Reply::ok(&one_occurrence(out, occurrence)))
}

/// `GET /users/{userId}/meetings`.
pub(super) fn list(r: &Req<'_>) -> Answer {
    const TYPES: [&str; 5] = [
        "scheduled",
        "live",
        "upcoming",
        "upcoming_meetings",
        "previous_meetings",
    ];
    let user = r.user_saying("User does not exist: {}.")?;
    may_host(user.kind)?;
    let kind = r.word("type", &TYPES, "scheduled")?;
    let page = Page::read(r, 300)?;
    let now = r.now();
    let window = if r.param("from").is_some() || r.param("to").is_some() {
        let default = Window {
            from: day(months_ago(now, 6)),
            to: day(now + SignedDuration::from_hours(24 * 183)),
        };
        Some(Window::read(r, Some(default))?.instants())
    } else {
        None
    };
    let horizon = (
        months_ago(now, 6),
        now + SignedDuration::from_hours(24 * 183),
    );
    let world = r.world();
    let ends_after = |meeting: &Meeting| {
        let last = |start: jiff::Timestamp, minutes: u32| {
            start + SignedDuration::from_mins(i64::from(minutes))
        };
        match meeting.kind {
            3 => true,
            8 => meeting.occurrences.iter().any(|one| {
                !one.deleted && last(one.start, one.duration) >= now && one.start < horizon.1
            }),
            _ => meeting
                .start
                .is_some_and(|start| last(start, meeting.duration) >= now && start < horizon.1),
        }
    };
    let mut meetings: Vec<Arc<Meeting>> = world
        .meetings_of(&user.id)
        .into_iter()
        .filter(|meeting| !meeting.is_webinar())
        .collect();
    match kind {
        "live" => meetings.retain(|meeting| world.is_started(meeting.number)),
        "upcoming" | "upcoming_meetings" => {
            meetings.retain(|meeting| ends_after(meeting));
            meetings.sort_by_key(|meeting| meeting.start);
        }
        "previous_meetings" => {
            meetings.retain(|meeting| {
                world
                    .instances_of(meeting.number)
                    .iter()
                    .any(|head| head.end.is_some_and(|end| end <= now) && head.start >= horizon.0)
            });
        }
        _ => {}
    }
    if let Some((from, to)) = window {
        meetings.retain(|meeting| {
            meeting
                .start
                .is_none_or(|start| start >= from && start < to)
        });
    }
    let rows = page
        .cut(&meetings)
        .iter()
        .map(|meeting| row(r, meeting))
        .collect();
    let mut out = page.frame("meetings", rows, meetings.len());
    out["page_number"] = json!(page.number());
    Ok(Reply::ok(&out))
}

/// `GET /users/{userId}/upcoming_meetings`: the next 24 hours, not paged.
pub(super) fn upcoming(r: &Req<'_>) -> Answer {
    let user = r
        .user_saying("User does not exist: {}.")
        .map_err(|refusal| {
            if refusal.code == 1001 {
                Refusal {
                    code: 3001,
                    ..refusal
                }
            } else {
                refusal
            }
        })?;
    let now = r.now();
    let until = now + SignedDuration::from_hours(24);
    let mut rows = Vec::new();
    for meeting in r.world().meetings_of(&user.id) {
        let times: Vec<_> = if meeting.kind == 8 {
            meeting
                .occurrences
                .iter()
                .filter(|one| !one.deleted)
                .map(|one| (one.start, one.duration))
                .collect()
        } else {
            meeting
                .start
                .map(|start| (start, meeting.duration))
                .into_iter()
                .collect()
        };
        for (start, duration) in times
            .into_iter()
            .filter(|(start, _)| *start >= now && *start < until)
        {
            if meeting.is_webinar() {
                continue;
            }
            rows.push((
                start,
                json!({
                    "id": meeting.number,
                    "topic": meeting.topic,
                    "type": meeting.kind,
                    "start_time": time(start),
                    "duration": duration,
                    "timezone": meeting.timezone,
                    "created_at": time(meeting.created_at),
                    "join_url": r.urls.join(&meeting),
                    "passcode": meeting.password,
                    "use_pmi": false,
                    "is_host": true,
                    "is_all_day": duration >= 1440 && start == midnight(day(start)),
                }),
            ));
        }
    }
    rows.sort_by_key(|(start, _)| *start);
    let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Reply::ok(
        &json!({ "total_records": rows.len(), "meetings": rows }),
    ))
}

//! Registration: list, add, decide, remove.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::body::{Fields, is_email, time};
use super::meeting_json::registrant;
use super::paging::Page;
use super::request::Req;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::limits::Quota;
use crate::webhooks::payload;
use crate::world::model::{Meeting, Registrant, RegistrantStatus};
use crate::world::{RegistrantAction, RegistrantDraft, WorldError};

/// Registrants a meeting can have.
const MOST: usize = 4999;

/// Registration needs a licensed host.
fn licensed(r: &Req<'_>, meeting: &Meeting) -> Result<(), Refusal> {
    let host = r.world().user(&meeting.host_id);
    if host.is_some_and(|host| host.kind != 2) {
        return Err(Refusal::new(
            400,
            200,
            format!("Only available for paid users: {}.", meeting.host_id),
        ));
    }
    Ok(())
}

fn meeting_of(r: &Req<'_>, webinar: bool) -> Result<Arc<Meeting>, Refusal> {
    let meeting = if webinar {
        r.webinar()?
    } else {
        // This list says 300 where the others say 3000.
        r.meeting().map_err(|refusal| {
            if refusal.code == 3000 {
                Refusal {
                    code: 300,
                    ..refusal
                }
            } else {
                refusal
            }
        })?
    };
    licensed(r, &meeting)?;
    Ok(meeting)
}

/// `GET /meetings/{meetingId}/registrants`, `GET /webinars/{webinarId}/registrants`.
pub(super) fn list(r: &Req<'_>, webinar: bool) -> Answer {
    let meeting = meeting_of(r, webinar)?;
    let status = r.word("status", &["pending", "approved", "denied"], "approved")?;
    let occurrence = r.param("occurrence_id");
    let page = Page::read(r, 300)?;
    let found: Vec<&Registrant> = meeting
        .registrants
        .iter()
        .filter(|one| one.status.name() == status)
        .filter(|one| {
            occurrence.is_none_or(|id| {
                one.occurrences.is_empty() || one.occurrences.iter().any(|other| other == id)
            })
        })
        .collect();
    let rows = page
        .cut(&found)
        .iter()
        .map(|one| registrant(r, &meeting, one))
        .collect();
    let mut out = page.frame("registrants", rows, found.len());
    out["page_number"] = json!(page.number());
    Ok(Reply::ok(&out))
}

/// `POST /meetings/{meetingId}/registrants`, `POST /webinars/{webinarId}/registrants`.
pub(super) fn add(r: &Req<'_>, webinar: bool) -> Answer {
    const ANSWERS: [(&str, usize); 12] = [
        ("address", 256),
        ("city", 128),
        ("comments", 2048),
        ("country", 2),
        ("industry", 128),
        ("job_title", 128),
        ("no_of_employees", 32),
        ("org", 128),
        ("phone", 32),
        ("state", 128),
        ("zip", 32),
        ("language", 8),
    ];
    let meeting = if webinar {
        r.webinar()?
    } else {
        r.meeting().map_err(|refusal| {
            if refusal.code == 3001 {
                Refusal {
                    code: 1001,
                    ..refusal
                }
            } else {
                refusal
            }
        })?
    };
    licensed(r, &meeting)?;
    if meeting.approval_type() > 1 {
        let message = if webinar {
            format!(
                "This webinar does not have registration as required: {}.",
                meeting.number
            )
        } else {
            "Registration has not been enabled for this meeting.".to_owned()
        };
        return Err(Refusal::new(400, 3000, message));
    }
    if meeting.settings.get("close_registration") == Some(&Value::Bool(true))
        && meeting.start.is_some_and(|start| start < r.now())
    {
        return Err(Refusal::new(
            400,
            3038,
            if webinar {
                "Webinar is over, you cannot register now. If you have any questions, contact the webinar host."
            } else {
                "Registration is closed because the meeting is over."
            },
        ));
    }
    let body = r.object()?;
    let mut fields = Fields::of(&body, "");
    let email = fields.text("email", 128).unwrap_or_default();
    if !is_email(&email) {
        fields.fault("email", "Invalid field.");
    }
    let first_name = fields.text("first_name", 64).unwrap_or_default();
    if first_name.is_empty() {
        fields.fault("first_name", "This field is required.");
    }
    let last_name = fields.text("last_name", 64).unwrap_or_default();
    let mut answers = Map::new();
    for (name, most) in ANSWERS {
        if let Some(text) = fields.text(name, most).filter(|_| name != "language") {
            answers.insert(name.to_owned(), text.into());
        }
    }
    for name in ["purchasing_time_frame", "role_in_purchase_process"] {
        if let Some(text) = fields.text(name, 64) {
            answers.insert(name.to_owned(), text.into());
        }
    }
    if let Some(Value::Array(questions)) = body.get("custom_questions") {
        let kept: Vec<Value> = questions
            .iter()
            .map(|one| json!({ "title": one["title"], "value": one["value"] }))
            .collect();
        answers.insert("custom_questions".to_owned(), kept.into());
    }
    fields.finish()?;
    let host = r.world().user(&meeting.host_id);
    if host.is_some_and(|host| host.email.eq_ignore_ascii_case(&email)) {
        return Err(Refusal::new(400, 3027, "Host cannot register."));
    }
    if meeting.registrants.len() >= MOST {
        return Err(Refusal::new(
            400,
            3043,
            "Meeting has reached maximum attendee capacity.",
        ));
    }
    let occurrences: Vec<String> = r
        .param("occurrence_ids")
        .map(|list| list.split(',').map(|id| id.trim().to_owned()).collect())
        .unwrap_or_default();
    if occurrences.iter().any(|id| {
        !meeting
            .occurrences
            .iter()
            .any(|one| one.id == *id && !one.deleted)
    }) {
        return Err(Refusal::new(400, 300, "Invalid parameter: occurrence_ids."));
    }
    spend(
        r,
        Quota::RegistrantAdds,
        &format!("{} {}", meeting.number, email.to_lowercase()),
    )?;
    let auto_approve = body.get("auto_approve") == Some(&Value::Bool(true));
    let registered = r
        .world()
        .register(
            meeting.number,
            RegistrantDraft {
                email,
                first_name,
                last_name,
                answers,
                occurrences,
                auto_approve,
            },
        )
        .map_err(|_| {
            Refusal::new(
                404,
                1001,
                format!("Meeting does not exist: {}.", meeting.number),
            )
        })?;
    let chosen: Vec<_> = meeting
        .occurrences
        .iter()
        .filter(|one| {
            !one.deleted
                && (registered.occurrences.is_empty() || registered.occurrences.contains(&one.id))
        })
        .cloned()
        .collect();
    let mut out = json!({
        "id": meeting.number,
        "registrant_id": registered.id,
        "topic": meeting.topic,
    });
    if let Some(start) = meeting.start {
        out["start_time"] = json!(time(start));
    }
    if !chosen.is_empty() {
        out["occurrences"] = payload::occurrences(&chosen);
    }
    if registered.status == RegistrantStatus::Approved {
        out["join_url"] = json!(r.urls.registrant_join(&meeting, &registered));
        out["participant_pin_code"] = json!(registered.pin);
    }
    Ok(Reply::created(&out))
}

fn spend(r: &Req<'_>, quota: Quota, who: &str) -> Result<(), Refusal> {
    let path = format!("{} {}", r.ctx.call.method, r.ctx.call.raw_path);
    r.ctx
        .site
        .limiter()
        .spend(quota, who, r.endpoint.label, &path, r.now())
}

/// The meeting or webinar whose registrants are meant, where no refusal differs from the usual ones.
fn named(r: &Req<'_>, webinar: bool) -> Result<Arc<Meeting>, Refusal> {
    if webinar { r.webinar() } else { r.meeting() }
}

/// `PUT /meetings/{meetingId}/registrants/status`, `PUT /webinars/{webinarId}/registrants/status`.
pub(super) fn set_status(r: &Req<'_>, webinar: bool) -> Answer {
    let meeting = named(r, webinar)?;
    licensed(r, &meeting)?;
    if webinar && meeting.approval_type() > 1 {
        let message = format!(
            "Registration has not been enabled for this meeting: {}.",
            meeting.number
        );
        return Err(Refusal::new(400, 300, message));
    }
    let body = r.object()?;
    let action = match body.get("action").and_then(Value::as_str) {
        Some("approve") => RegistrantAction::Approve,
        Some("cancel") => RegistrantAction::Cancel,
        Some("deny") => RegistrantAction::Deny,
        _ => return Err(Refusal::field("action", "Invalid field.")),
    };
    let chosen = body
        .get("registrants")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if chosen.len() > 30 {
        return Err(Refusal::field(
            "registrants",
            "At most 30 registrants can be changed at once.",
        ));
    }
    // Found first, so that a wrong one changes nothing.
    let mut found = Vec::new();
    for one in &chosen {
        let (id, email) = (
            one["id"].as_str().unwrap_or(""),
            one["email"].as_str().unwrap_or(""),
        );
        let registrant = meeting
            .registrants
            .iter()
            .find(|other| {
                (!id.is_empty() && other.id == id)
                    || (id.is_empty() && other.email.eq_ignore_ascii_case(email))
            })
            .ok_or_else(|| Refusal::new(400, 3079, "Registrant does not exist."))?;
        found.push(registrant.id.clone());
    }
    for id in &found {
        spend(
            r,
            Quota::RegistrantStatus,
            &format!("{} {id}", meeting.number),
        )?;
    }
    for id in found {
        r.world()
            .set_registrant_status(meeting.number, &id, action, &r.operator())
            .map_err(|_| Refusal::new(400, 3079, "Registrant does not exist."))?;
    }
    Ok(Reply::no_content())
}

/// `GET /meetings/{meetingId}/registrants/{registrantId}`, and the same of a webinar.
pub(super) fn get(r: &Req<'_>, webinar: bool) -> Answer {
    let meeting = named(r, webinar)?;
    let found = meeting
        .registrants
        .iter()
        .find(|one| one.id == r.value(1))
        .ok_or_else(|| Refusal::new(400, 3079, "Registrant does not exist."))?;
    Ok(Reply::ok(&registrant(r, &meeting, found)))
}

/// `DELETE /meetings/{meetingId}/registrants/{registrantId}`, and the same of a webinar.
pub(super) fn delete(r: &Req<'_>, webinar: bool) -> Answer {
    let meeting = named(r, webinar)?;
    licensed(r, &meeting)?;
    if meeting.approval_type() > 1 {
        let message = format!(
            "Registration has not been enabled for this meeting: {}.",
            meeting.number
        );
        return Err(Refusal::new(400, 300, message));
    }
    match r.world().delete_registrant(meeting.number, r.value(1)) {
        Ok(()) => Ok(Reply::no_content()),
        Err(WorldError::UnknownRegistrant(_)) => Err(Refusal::new(
            400,
            300,
            "The value that you entered for the Registrant ID field is invalid. Enter a valid value and try again.",
        )),
        Err(_) => Err(Refusal::new(
            404,
            3001,
            format!("Meeting does not exist: {}.", meeting.number),
        )),
    }
}

//! Webinars: create, change, delete.

use serde_json::Value;

use super::meeting_json::full;
use super::meeting_write::{Wishes, apply, spend};
use super::request::Req;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::world::WorldError;
use crate::world::model::{Meeting, MeetingDraft, Recurrence, User};

/// The types of webinars: once, series without times, series.
const KINDS: [i64; 3] = [5, 6, 9];

/// Webinars need the add-on, which a host has or has not.
fn may_hold(host: &User) -> Result<(), Refusal> {
    if host.settings.webinar {
        Ok(())
    } else {
        Err(Refusal::new(400, 200, "Webinar plan is missing."))
    }
}

fn unknown(webinar: &Meeting) -> Refusal {
    Refusal::new(
        404,
        3001,
        format!("Webinar does not exist: {}.", webinar.number),
    )
}

/// `POST /users/{userId}/webinars`.
pub(super) fn create(r: &Req<'_>) -> Answer {
    let mut host = r.user_saying("User {} does not exist.")?;
    may_hold(&host)?;
    let body = r.object()?;
    let mut wishes = Wishes::read(&body, &KINDS, &host.timezone)?;
    let kind = wishes.kind.unwrap_or(5);
    let other = body.get("schedule_for").and_then(Value::as_str);
    if let Some(other) = other.filter(|other| !other.is_empty()) {
        host = r.world().user(other).ok_or_else(|| {
            Refusal::new(400, 300, "The value that you entered for the `schedule_for` field is invalid. Enter a valid value and try again.")
        })?;
        if r.may_see(&host.id).is_err() {
            return Err(Refusal::new(
                400,
                3000,
                format!("You cannot schedule a meeting for {other}."),
            ));
        }
        may_hold(&host)?;
    }
    spend(r, &host.id)?;
    wishes.drop_disallowed(r, &host);
    let now = r.now();
    let draft = MeetingDraft {
        topic: wishes
            .topic
            .filter(|topic| !topic.is_empty())
            .unwrap_or_else(|| "Zoom Webinar".to_owned()),
        agenda: wishes.agenda.unwrap_or_default(),
        kind,
        start: (kind != 6).then(|| wishes.start.filter(|start| *start >= now).unwrap_or(now)),
        duration: wishes.duration.unwrap_or(60),
        timezone: wishes.timezone.unwrap_or_else(|| host.timezone.clone()),
        password: match wishes.password {
            Some(password) => Some(password),
            None if body.get("default_passcode") == Some(&Value::Bool(false)) => {
                Some(String::new())
            }
            None => None,
        },
        recurrence: (kind == 9).then(|| {
            wishes.recurrence.unwrap_or(Recurrence {
                kind: 1,
                repeat_interval: 1,
                ..Recurrence::default()
            })
        }),
        settings: wishes.settings,
        tracking_fields: wishes.tracking.unwrap_or_default(),
        creation_source: "open_api",
    };
    let webinar = r
        .world()
        .create_meeting(&host.id, draft, &r.operator())
        .map_err(|_| Refusal::new(404, 1001, format!("User {} does not exist.", host.id)))?;
    Ok(Reply::created(&full(r, &webinar, true)))
}

/// `PATCH /webinars/{webinarId}`.
pub(super) fn update(r: &Req<'_>) -> Answer {
    let webinar = r.webinar()?;
    let body = r.object()?;
    let mut wishes = Wishes::read(&body, &KINDS, &webinar.timezone)?;
    if let Some(host) = r.world().user(&webinar.host_id) {
        may_hold(&host)?;
        wishes.drop_disallowed(r, &host);
    }
    let occurrence = r.param("occurrence_id");
    spend(r, &webinar.host_id)?;
    let now = r.now();
    r.world()
        .update_meeting(webinar.number, occurrence, &r.operator(), |webinar| {
            apply(webinar, wishes, occurrence.is_some(), now);
        })
        .map_err(|error| match error {
            WorldError::UnknownOccurrence(_) => {
                Refusal::new(400, 3000, "Webinar occurrence does not exist.")
            }
            _ => unknown(&webinar),
        })?;
    Ok(Reply::no_content())
}

/// `DELETE /webinars/{webinarId}`.
pub(super) fn delete(r: &Req<'_>) -> Answer {
    let webinar = r.webinar()?;
    r.world()
        .delete_meeting(webinar.number, r.param("occurrence_id"), &r.operator())
        .map_err(|error| match error {
            WorldError::UnknownOccurrence(_) => {
                Refusal::new(400, 3000, "Webinar occurrence does not exist.")
            }
            _ => unknown(&webinar),
        })?;
    Ok(Reply::no_content())
}

//! Free/busy of up to twenty mailboxes.

use serde_json::{Value, json};

use super::super::text;
use super::{Asked, Refusal, Told, event, zone};
use crate::http::reply::Reply;

/// `POST /calendar/getSchedule`.
pub(super) fn answer(asked: &Asked<'_>) -> Told {
    let body = &asked.body;
    let instant = |name: &str| {
        zone::read(&body[name])
            .map(|(_, _, at)| at)
            .ok_or_else(|| Refusal::invalid(format!("{name} is missing or no time in a zone")))
    };
    let (from, to) = (instant("startTime")?, instant("endTime")?);
    let people: Vec<&str> = body["schedules"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if people.is_empty() || people.len() > 20 {
        return Err(Refusal::invalid(
            "Between 1 and 20 schedules can be asked for.",
        ));
    }
    if to <= from || to.duration_since(from).as_hours() > 62 * 24 {
        return Err(Refusal::invalid(
            "The requested time duration is out of range.",
        ));
    }
    let all = asked.ctx.site.calendars();
    let name = asked.zone();
    let value: Vec<Value> = people
        .iter()
        .map(|person| {
            let refused = |code: &str| {
                json!({ "scheduleId": person, "error": {
                    "message": "The free busy information cannot be read.", "responseCode": code,
                }})
            };
            let Some(user) = asked.ctx.site.world.user(person) else {
                return refused("ErrorMailRecipientNotFound");
            };
            if !all.may_read(person) {
                return refused("ErrorProxyRequestProcessingFailed");
            }
            let mut items: Vec<Value> = Vec::new();
            for owner in all.graph.mailboxes.keys() {
                for one in event::within(&all.graph, owner, from, to) {
                    if let Some(status) = takes_part(&one, owner, &user.email)
                        && let Some((start, end)) = event::span(&one)
                    {
                        items.push(json!({
                            "status": status, "start": zone::told(start, &name), "end": zone::told(end, &name),
                            "isPrivate": false,
                        }));
                    }
                }
            }
            json!({
                "scheduleId": person, "availabilityView": "", "scheduleItems": items,
                "workingHours": {
                    "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                    "startTime": "08:00:00.0000000", "endTime": "17:00:00.0000000",
                    "timeZone": { "name": user.timezone },
                },
            })
        })
        .collect();
    Ok(Reply::ok(&json!({ "value": value })))
}

/// How an event shows in a person's schedule; not at all when it is another's or was declined.
fn takes_part(event: &Value, owner: &str, person: &str) -> Option<String> {
    let shows = text(event, "showAs").unwrap_or("busy").to_owned();
    let guests = event["attendees"].as_array();
    let guest = guests.into_iter().flatten().find(|guest| {
        text(&guest["emailAddress"], "address").is_some_and(|one| one.eq_ignore_ascii_case(person))
    });
    match guest.and_then(|guest| text(&guest["status"], "response")) {
        Some("declined") => None,
        Some("accepted" | "organizer") => Some(shows),
        Some(_) => Some("tentative".to_owned()),
        None => owner.eq_ignore_ascii_case(person).then_some(shows),
    }
}

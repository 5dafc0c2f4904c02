//! Free/busy: per calendar either busy times or an error, never a guess.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::{Calendars, text};
use super::{Asked, Refusal, State, Told, event, list, zone_of};
use crate::http::reply::Reply;
use crate::http::route::Ctx;

/// `freebusy.query`.
pub(super) fn free_busy(asked: &Asked<'_>) -> Told {
    let instant = |name: &str| -> Result<Timestamp, Refusal> {
        text(&asked.body, name)
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| Refusal::new(400, "badRequest", format!("Bad Request: {name}")))
    };
    let (from, to) = (instant("timeMin")?, instant("timeMax")?);
    if to <= from {
        return Err(Refusal::new(
            400,
            "timeRangeEmpty",
            "The specified time range is empty.",
        ));
    }
    let items: Vec<&str> = asked.body["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| text(item, "id"))
        .collect();
    let all = asked.ctx.site.calendars();
    let mut calendars = Map::new();
    for (n, id) in items.iter().enumerate() {
        let error = |reason: &str| json!({ "errors": [{ "domain": "global", "reason": reason }], "busy": [] });
        let person = if *id == "primary" {
            asked.person.as_str()
        } else {
            id
        };
        let told = if n >= 50 {
            error("tooManyCalendarsRequested")
        } else if asked.ctx.site.world.user(person).is_none() || !all.may_read(person) {
            error("notFound")
        } else {
            json!({ "busy": busy_times(&all, asked.ctx, person, from, to) })
        };
        calendars.insert((*id).to_owned(), told);
    }
    Ok(Reply::ok(&json!({
        "kind": "calendar#freeBusy", "timeMin": asked.body["timeMin"], "timeMax": asked.body["timeMax"],
        "calendars": calendars,
    })))
}

/// A person's busy times: own events, and those of others to which the person is invited and has not said no.
fn busy_times(
    all: &Calendars,
    ctx: Ctx<'_>,
    person: &str,
    from: Timestamp,
    to: Timestamp,
) -> Vec<Value> {
    let state: &State = &all.google;
    let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (owner, calendar) in &state.calendars {
        let zone = zone_of(ctx, owner);
        for stored in calendar.events.values() {
            let body = &stored.body;
            if body.get("recurringEventId").is_some() {
                continue;
            }
            let instances = if event::lines(body).is_empty() {
                vec![body.clone()]
            } else if text(body, "status") == Some("cancelled") {
                Vec::new()
            } else {
                list::expanded(state, owner, body, &zone)
            };
            for one in &instances {
                if text(one, "status") == Some("cancelled")
                    || text(one, "transparency") == Some("transparent")
                    || !takes_part(one, owner, person)
                {
                    continue;
                }
                if let Ok(when) = event::when(one, &zone)
                    && event::overlaps(when.start, when.end, Some(from), Some(to))
                {
                    spans.push((when.start.max(from), when.end.min(to)));
                }
            }
        }
    }
    spans.sort_unstable();
    spans
        .into_iter()
        .map(|(start, end)| json!({ "start": start, "end": end }))
        .collect()
}

fn takes_part(event: &Value, owner: &str, person: &str) -> bool {
    let guests = event.get("attendees").and_then(Value::as_array);
    let own = guests
        .into_iter()
        .flatten()
        .find(|guest| text(guest, "email").is_some_and(|email| email.eq_ignore_ascii_case(person)));
    match own {
        Some(guest) => text(guest, "responseStatus") != Some("declined"),
        None => owner.eq_ignore_ascii_case(person),
    }
}

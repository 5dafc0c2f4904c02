//! One event: what is accepted, when it is, and its instances.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};

use super::super::repeat::{self, Happens};
use super::super::{merge, text};
use super::{Asked, Refusal, State, Told};
use crate::http::reply::Reply;

/// When an event is.
#[derive(Debug, Clone)]
pub(super) struct When {
    pub(super) local: DateTime,
    pub(super) zone: TimeZone,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) all_day: bool,
}

/// One end of an event: `{date}` or `{dateTime, timeZone}`.
fn moment(value: &Value, default: &str) -> Result<(DateTime, TimeZone, Timestamp, bool), Refusal> {
    let zone_name = text(value, "timeZone");
    let zone = TimeZone::get(zone_name.unwrap_or(default))
        .map_err(|_| Refusal::invalid("Invalid time zone definition for start time."))?;
    match (text(value, "date"), text(value, "dateTime")) {
        (Some(day), None) => {
            let day: Date = day
                .parse()
                .map_err(|_| Refusal::invalid("Invalid value for: date"))?;
            let local = day.at(0, 0, 0, 0);
            let at = repeat::place(local, &TimeZone::UTC);
            Ok((local, zone, at, true))
        }
        (None, Some(time)) => {
            if let Ok(at) = time.parse::<Timestamp>() {
                return Ok((zone.to_datetime(at), zone, at, false));
            }
            let local: DateTime = time
                .parse()
                .map_err(|_| Refusal::invalid("Invalid value for: dateTime"))?;
            if zone_name.is_none() {
                return Err(Refusal::new(
                    400,
                    "required",
                    "Missing time zone definition for start time.",
                ));
            }
            let at = repeat::place(local, &zone);
            Ok((local, zone, at, false))
        }
        _ => Err(Refusal::new(
            400,
            "required",
            "Start and end times must either both be date or both be dateTime.",
        )),
    }
}

/// When an event is, by its body.
pub(super) fn when(body: &Value, default: &str) -> Result<When, Refusal> {
    let missing = |what: &str| Refusal::new(400, "required", format!("Missing {what} time."));
    let first = body.get("start").ok_or_else(|| missing("start"))?;
    let last = body.get("end").ok_or_else(|| missing("end"))?;
    let (local, zone, start, all_day) = moment(first, default)?;
    let (_, _, end, ends_by_day) = moment(last, default)?;
    if all_day != ends_by_day {
        return Err(Refusal::invalid(
            "Start and end times must either both be date or both be dateTime.",
        ));
    }
    if end < start || (all_day && end == start) {
        return Err(Refusal::new(
            400,
            "timeRangeEmpty",
            "The specified time range is empty.",
        ));
    }
    Ok(When {
        local,
        zone,
        start,
        end,
        all_day,
    })
}

fn told(at: Timestamp, local: DateTime, when: &When) -> Value {
    if when.all_day {
        return json!({ "date": local.date().to_string() });
    }
    let zoned = at.to_zoned(when.zone.clone());
    let mut told = json!({ "dateTime": zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string() });
    if let Some(name) = when.zone.iana_name() {
        told["timeZone"] = json!(name);
    }
    told
}

/// The recurrence lines of a series.
pub(super) fn lines(body: &Value) -> Vec<String> {
    let lines = body.get("recurrence").and_then(Value::as_array);
    lines
        .into_iter()
        .flatten()
        .filter_map(|line| line.as_str().map(str::to_owned))
        .collect()
}

/// When a series happens.
pub(super) fn happens(body: &Value, when: &When) -> Result<Vec<Happens>, Refusal> {
    let zone = if when.all_day {
        TimeZone::UTC
    } else {
        when.zone.clone()
    };
    repeat::instances(&lines(body), when.local, &zone)
        .map_err(|why| Refusal::invalid(format!("Invalid recurrence rule. {why}")))
}

/// The id that an instance has.
pub(super) fn instance_id(master: &str, one: Happens, all_day: bool) -> String {
    if all_day {
        format!("{master}_{}", one.local.strftime("%Y%m%d"))
    } else {
        let utc = TimeZone::UTC.to_datetime(one.at);
        format!("{master}_{}", utc.strftime("%Y%m%dT%H%M%SZ"))
    }
}

/// An instance as its series says it.
pub(super) fn instance(master: &Value, when: &When, one: Happens) -> Value {
    let length = when.end.duration_since(when.start);
    let mut body = master.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("recurrence");
    }
    let master_id = text(master, "id").unwrap_or("");
    let end = one.at + length;
    let end_local = if when.all_day {
        let days = length.as_hours() / 24;
        one.local + Span::new().days(days)
    } else {
        when.zone.to_datetime(end)
    };
    body["id"] = json!(instance_id(master_id, one, when.all_day));
    body["recurringEventId"] = json!(master_id);
    body["originalStartTime"] = told(one.at, one.local, when);
    body["start"] = told(one.at, one.local, when);
    body["end"] = told(end, end_local, when);
    body
}

/// An event or instance by its id.
pub(super) fn find(state: &State, calendar: &str, id: &str, zone: &str) -> Option<Value> {
    if let Some(stored) = state.stored(calendar, id) {
        return Some(stored.body.clone());
    }
    let (master, _) = id.rsplit_once('_')?;
    let master = &state.stored(calendar, master)?.body;
    let when = when(master, zone).ok()?;
    happens(master, &when)
        .ok()?
        .into_iter()
        .find(|one| instance_id(text(master, "id").unwrap_or(""), *one, when.all_day) == id)
        .map(|one| instance(master, &when, one))
}

/// Checks what is sent, and brings it into the form in which it is told.
fn settle(asked: &Asked<'_>, body: &mut Value) -> Result<(), Refusal> {
    let zone = asked.zone();
    let at = when(body, &zone)?;
    let repeats = !lines(body).is_empty();
    if repeats && !at.all_day && text(&body["start"], "timeZone").is_none() {
        return Err(Refusal::new(
            400,
            "required",
            "Missing time zone definition for start time.",
        ));
    }
    if repeats {
        happens(body, &at)?;
    }
    let end_local = if at.all_day {
        TimeZone::UTC.to_datetime(at.end)
    } else {
        at.zone.to_datetime(at.end)
    };
    body["start"] = told(at.start, at.local, &at);
    body["end"] = told(at.end, end_local, &at);
    if let Some(guests) = body.get_mut("attendees").and_then(Value::as_array_mut) {
        if asked.person.contains("gserviceaccount") {
            return Err(Refusal::new(
                403,
                "forbiddenForServiceAccounts",
                "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.",
            ));
        }
        for guest in guests {
            if text(guest, "email").is_none_or(|email| !email.contains('@')) {
                return Err(Refusal::invalid("Invalid attendee email."));
            }
            let fields = guest
                .as_object_mut()
                .ok_or_else(|| Refusal::invalid("Invalid attendee."))?;
            let status = fields
                .entry("responseStatus")
                .or_insert_with(|| json!("needsAction"));
            let known = ["needsAction", "declined", "tentative", "accepted"];
            if !status.as_str().is_some_and(|one| known.contains(&one)) {
                return Err(Refusal::invalid("Invalid response status."));
            }
        }
    }
    if let Some(overrides) = body["reminders"]["overrides"].as_array() {
        let minutes = |one: &Value| one["minutes"].as_i64().unwrap_or(-1);
        if overrides.len() > 5
            || overrides
                .iter()
                .any(|one| !(0..=40_320).contains(&minutes(one)))
        {
            return Err(Refusal::invalid("Invalid reminders."));
        }
    }
    if asked.ctx.call.param("conferenceDataVersion") != Some("1")
        && let Some(fields) = body.as_object_mut()
    {
        fields.remove("conferenceData");
    }
    Ok(())
}

/// Notes whom Google would mail.
fn mails(asked: &Asked<'_>, body: &Value, kind: &str) {
    let to_whom = asked.ctx.call.param("sendUpdates").unwrap_or("none");
    if to_whom == "none" {
        return;
    }
    let guests = body.get("attendees").and_then(Value::as_array);
    let emails: Vec<&str> = guests
        .into_iter()
        .flatten()
        .filter_map(|guest| text(guest, "email"))
        .filter(|email| *email != asked.person)
        .collect();
    asked.ctx.site.calendars().mail.push(json!({
        "system": "google", "kind": kind, "event": body["id"], "to": emails, "at": asked.ctx.now,
    }));
}

fn reply(body: &Value) -> Reply {
    Reply::ok(body).with("etag", text(body, "etag").unwrap_or("\"0\""))
}

/// `events.insert`.
pub(super) fn insert(asked: &Asked<'_>, calendar: &str) -> Told {
    let mut body = asked.body.clone();
    if !body.is_object() {
        return Err(Refusal::new(400, "required", "Missing end time."));
    }
    settle(asked, &mut body)?;
    let now = asked.ctx.now;
    let mut all = asked.ctx.site.calendars();
    let id = match text(&body, "id") {
        Some(id) => {
            let fits = id
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'v').contains(&b));
            if !fits || !(5..=1024).contains(&id.len()) {
                return Err(Refusal::invalid("Invalid resource id value."));
            }
            if body
                .get("iCalUID")
                .is_some_and(|uid| *uid != json!(format!("{id}@google.com")))
            {
                return Err(Refusal::invalid("Invalid iCalUID value."));
            }
            if all.google.stored(calendar, id).is_some() {
                return Err(Refusal::new(
                    409,
                    "duplicate",
                    "The requested identifier already exists.",
                ));
            }
            id.to_owned()
        }
        None => all.fresh("google event", 26),
    };
    let person = json!({ "email": asked.person, "self": true });
    let base = json!({
        "kind": "calendar#event",
        "id": id,
        "status": text(&body, "status").unwrap_or("confirmed"),
        "htmlLink": format!("{}/google/event?eid={id}", asked.ctx.shared.base_url),
        "created": format!("{now:.3}"),
        "creator": person,
        "organizer": person,
        "sequence": 0,
        "eventType": "default",
    });
    merge(&mut body, &base);
    if body.get("iCalUID").is_none() {
        body["iCalUID"] = json!(format!("{id}@google.com"));
    }
    if body.get("reminders").is_none() {
        body["reminders"] = json!({ "useDefault": true });
    }
    let body = all.google.keep(calendar, &id, body, now);
    drop(all);
    mails(asked, &body, "request");
    Ok(reply(&body))
}

/// `events.get`.
pub(super) fn get(asked: &Asked<'_>, calendar: &str, id: &str) -> Told {
    let all = asked.ctx.site.calendars();
    let body = find(&all.google, calendar, id, &asked.zone()).ok_or_else(Refusal::not_found)?;
    if asked.ctx.call.header("if-none-match") == text(&body, "etag") {
        return Ok(Reply::empty(axum::http::StatusCode::NOT_MODIFIED));
    }
    Ok(reply(&body))
}

fn precondition(asked: &Asked<'_>, body: &Value) -> Result<(), Refusal> {
    match asked.ctx.call.header("if-match") {
        Some(etag) if etag != "*" && Some(etag) != text(body, "etag") => {
            Err(Refusal::new(412, "conditionNotMet", "Precondition Failed"))
        }
        _ => Ok(()),
    }
}

/// `events.patch` and `events.update`.
pub(super) fn change(asked: &Asked<'_>, calendar: &str, id: &str, patch: bool) -> Told {
    let mut all = asked.ctx.site.calendars();
    let old = find(&all.google, calendar, id, &asked.zone()).ok_or_else(Refusal::not_found)?;
    drop(all);
    precondition(asked, &old)?;
    let mut body = old.clone();
    if patch {
        // A new start or end takes the place of the old one, in whichever form.
        for end in ["start", "end"] {
            if let Some(new) = asked.body.get(end) {
                let form = if new.get("date").is_some() {
                    "dateTime"
                } else {
                    "date"
                };
                if let Some(fields) = body[end].as_object_mut() {
                    fields.remove(form);
                }
            }
        }
        merge(&mut body, &asked.body);
    } else {
        body = asked.body.clone();
    }
    // What the server says, a client cannot change.
    for name in [
        "kind",
        "id",
        "iCalUID",
        "created",
        "creator",
        "organizer",
        "htmlLink",
        "recurringEventId",
        "originalStartTime",
        "sequence",
        "eventType",
    ] {
        match old.get(name) {
            Some(value) => body[name] = value.clone(),
            None => {
                if let Some(fields) = body.as_object_mut() {
                    fields.remove(name);
                }
            }
        }
    }
    if body.get("status").is_none() {
        body["status"] = json!("confirmed");
    }
    settle(asked, &mut body)?;
    let moved = ["start", "end", "recurrence"]
        .iter()
        .any(|name| body.get(*name) != old.get(*name));
    if moved || body["status"] != old["status"] {
        body["sequence"] = json!(old["sequence"].as_i64().unwrap_or(0) + 1);
    }
    all = asked.ctx.site.calendars();
    if moved && body.get("recurringEventId").is_none() {
        forget_exceptions(&mut all.google, calendar, id);
    }
    let body = all.google.keep(calendar, id, body, asked.ctx.now);
    drop(all);
    mails(asked, &body, "update");
    Ok(reply(&body))
}

/// New times of a series make its exceptions void.
fn forget_exceptions(state: &mut State, calendar: &str, master: &str) {
    if let Some(calendar) = state.calendars.get_mut(calendar) {
        calendar
            .events
            .retain(|_, one| text(&one.body, "recurringEventId") != Some(master));
    }
}

/// `events.delete`.
pub(super) fn delete(asked: &Asked<'_>, calendar: &str, id: &str) -> Told {
    let mut all = asked.ctx.site.calendars();
    let mut body = find(&all.google, calendar, id, &asked.zone()).ok_or_else(Refusal::not_found)?;
    if text(&body, "status") == Some("cancelled") {
        return Err(Refusal::new(410, "deleted", "Resource has been deleted"));
    }
    precondition(asked, &body)?;
    body["status"] = json!("cancelled");
    body["sequence"] = json!(body["sequence"].as_i64().unwrap_or(0) + 1);
    if body.get("recurringEventId").is_none() {
        forget_exceptions(&mut all.google, calendar, id);
    }
    let body = all.google.keep(calendar, id, body, asked.ctx.now);
    drop(all);
    mails(asked, &body, "cancel");
    Ok(Reply::no_content())
}

/// Whether an event lies in a window: ends after `from`, starts before `to`.
pub(super) fn overlaps(
    start: Timestamp,
    end: Timestamp,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> bool {
    let end = end.max(start + SignedDuration::from_secs(1));
    from.is_none_or(|from| end > from) && to.is_none_or(|to| start < to)
}

//! Events of a mailbox: series, their occurrences, and what differs from them.

use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::repeat::{self, Happens};
use super::super::{merge, text};
use super::{Asked, Refusal, State, Told, zone};
use crate::http::reply::Reply;

/// Start and end of an event.
pub(super) fn span(body: &Value) -> Option<(Timestamp, Timestamp)> {
    let (_, _, start) = zone::read(&body["start"])?;
    let (_, _, end) = zone::read(&body["end"])?;
    Some((start, end))
}

/// Graph's pattern as the lines that the expansion reads.
fn lines(recurrence: &Value) -> Result<Vec<String>, Refusal> {
    let bad = |what: &str| {
        Refusal::new(
            400,
            "ErrorPropertyValidationFailure",
            format!("The recurrence pattern is not valid: {what}"),
        )
    };
    let (pattern, range) = (&recurrence["pattern"], &recurrence["range"]);
    let days = || -> Result<String, Refusal> {
        let days = pattern["daysOfWeek"]
            .as_array()
            .filter(|days| !days.is_empty());
        let days = days.ok_or_else(|| bad("daysOfWeek"))?;
        days.iter()
            .map(|day| {
                let day = day.as_str().unwrap_or("");
                let known = [
                    "sunday",
                    "monday",
                    "tuesday",
                    "wednesday",
                    "thursday",
                    "friday",
                    "saturday",
                ];
                known
                    .contains(&day)
                    .then(|| day[..2].to_ascii_uppercase())
                    .ok_or_else(|| bad("daysOfWeek"))
            })
            .collect::<Result<Vec<_>, _>>()
            .map(|days| days.join(","))
    };
    let place = || -> Result<i64, Refusal> {
        match text(pattern, "index").unwrap_or("first") {
            "first" => Ok(1),
            "second" => Ok(2),
            "third" => Ok(3),
            "fourth" => Ok(4),
            "last" => Ok(-1),
            _ => Err(bad("index")),
        }
    };
    let number = |name: &str| pattern[name].as_i64().ok_or_else(|| bad(name));
    let kind = text(pattern, "type").ok_or_else(|| bad("type"))?;
    let mut rule = match kind {
        "daily" => "FREQ=DAILY".to_owned(),
        "weekly" => {
            let first = text(pattern, "firstDayOfWeek").unwrap_or("sunday");
            let first = first.get(..2).unwrap_or("su").to_ascii_uppercase();
            format!("FREQ=WEEKLY;BYDAY={};WKST={first}", days()?)
        }
        // A day that a month does not have becomes its last.
        "absoluteMonthly" => format!("FREQ=MONTHLY;{}", month_day(number("dayOfMonth")?)),
        "relativeMonthly" => format!("FREQ=MONTHLY;BYDAY={};BYSETPOS={}", days()?, place()?),
        "absoluteYearly" => format!(
            "FREQ=YEARLY;BYMONTH={};{}",
            number("month")?,
            month_day(number("dayOfMonth")?)
        ),
        "relativeYearly" => format!(
            "FREQ=YEARLY;BYMONTH={};BYDAY={};BYSETPOS={}",
            number("month")?,
            days()?,
            place()?
        ),
        _ => return Err(bad("type")),
    };
    let _ = write!(rule, ";INTERVAL={}", number("interval")?);
    match text(range, "type") {
        Some("noEnd") => {}
        Some("numbered") => {
            let count = range["numberOfOccurrences"]
                .as_i64()
                .filter(|count| *count > 0);
            let count = count.ok_or_else(|| bad("numberOfOccurrences"))?;
            let _ = write!(rule, ";COUNT={count}");
        }
        Some("endDate") => {
            let day: Date = text(range, "endDate")
                .and_then(|day| day.parse().ok())
                .ok_or_else(|| bad("endDate"))?;
            let _ = write!(rule, ";UNTIL={}", day.strftime("%Y%m%d"));
        }
        _ => return Err(bad("range")),
    }
    Ok(vec![format!("RRULE:{rule}")])
}

fn month_day(day: i64) -> String {
    if day <= 28 {
        format!("BYMONTHDAY={day}")
    } else {
        let days: Vec<String> = (28..=day).map(|day| day.to_string()).collect();
        format!("BYMONTHDAY={};BYSETPOS=-1", days.join(","))
    }
}

fn is_series(body: &Value) -> bool {
    body.get("recurrence").is_some_and(Value::is_object)
}

fn happens(body: &Value) -> Result<Vec<Happens>, Refusal> {
    let (local, zone, _) =
        zone::read(&body["start"]).ok_or_else(|| Refusal::invalid("start is not valid"))?;
    let first = text(&body["recurrence"]["range"], "startDate");
    if first != Some(local.date().to_string().as_str()) {
        return Err(Refusal::new(
            400,
            "ErrorPropertyValidationFailure",
            "range.startDate has to be the day of the event's start",
        ));
    }
    repeat::instances(&lines(&body["recurrence"])?, local, &zone).map_err(Refusal::invalid)
}

fn occurrence_id(master: &str, one: Happens) -> String {
    format!("OID.{master}.{}", one.local.date())
}

/// The occurrences of a series, with what differs; cancelled ones are left out.
pub(super) fn occurrences(state: &State, person: &str, master: &Value) -> Vec<Value> {
    let id = text(master, "id").unwrap_or("");
    let Some((start, end)) = span(master) else {
        return Vec::new();
    };
    let name = text(&master["start"], "timeZone").unwrap_or("UTC");
    happens(master)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|one| {
            let own = occurrence_id(id, one);
            if let Some(stored) = state.stored(person, &own) {
                return (!stored.removed).then(|| stored.body.clone());
            }
            let mut body = master.clone();
            if let Some(fields) = body.as_object_mut() {
                fields.remove("recurrence");
                fields.remove("transactionId");
            }
            body["id"] = json!(own);
            body["type"] = json!("occurrence");
            body["seriesMasterId"] = json!(id);
            body["originalStart"] = json!(one.at);
            body["start"] = zone::told(one.at, name);
            body["end"] = zone::told(one.at + end.duration_since(start), name);
            Some(body)
        })
        .collect()
}

/// An event or occurrence that is there.
pub(super) fn find(state: &State, person: &str, id: &str) -> Option<Value> {
    if let Some(stored) = state.stored(person, id) {
        return (!stored.removed).then(|| stored.body.clone());
    }
    let (master, _) = id.strip_prefix("OID.")?.rsplit_once('.')?;
    let master = find(state, person, master)?;
    occurrences(state, person, &master)
        .into_iter()
        .find(|one| text(one, "id") == Some(id))
}

/// An event as this caller is told it: times in the zone asked for.
pub(super) fn told(asked: &Asked<'_>, body: &Value) -> Value {
    let mut body = body.clone();
    let name = asked.zone();
    if let Some((start, end)) = span(&body) {
        body["originalStartTimeZone"] = body["start"]["timeZone"].clone();
        body["originalEndTimeZone"] = body["end"]["timeZone"].clone();
        body["start"] = zone::told(start, &name);
        body["end"] = zone::told(end, &name);
    }
    body
}

fn reply(asked: &Asked<'_>, status: u16, body: &Value) -> Reply {
    let told = told(asked, body);
    let etag = text(body, "@odata.etag").unwrap_or("");
    let reply = if status == 201 {
        Reply::created(&told)
    } else {
        Reply::ok(&told)
    };
    reply.with("etag", etag)
}

fn settle(body: &mut Value) -> Result<(), Refusal> {
    let bad = |what: &str| Refusal::new(400, "ErrorPropertyValidationFailure", what.to_owned());
    let (start, end) =
        span(body).ok_or_else(|| bad("start or end is missing or no time in a zone"))?;
    if end < start {
        return Err(bad("The end is before the start."));
    }
    if body["isAllDay"] == json!(true) {
        let midnight = |end: &str| {
            zone::read(&body[end])
                .is_some_and(|(local, ..)| local.time() == jiff::civil::Time::midnight())
        };
        if !midnight("start") || !midnight("end") || start == end {
            return Err(bad("An all-day event begins and ends at midnight."));
        }
    }
    let series = is_series(body);
    if series {
        happens(body)?;
    }
    if body.get("seriesMasterId").is_none() {
        body["type"] = json!(if series {
            "seriesMaster"
        } else {
            "singleInstance"
        });
    }
    if let Some(guests) = body.get_mut("attendees").and_then(Value::as_array_mut) {
        for guest in guests {
            if text(&guest["emailAddress"], "address").is_none_or(|one| !one.contains('@')) {
                return Err(bad("An attendee has no address."));
            }
            if guest.get("type").is_none() {
                guest["type"] = json!("required");
            }
            if guest.get("status").is_none() {
                guest["status"] = json!({ "response": "none", "time": "0001-01-01T00:00:00Z" });
            }
        }
    }
    Ok(())
}

/// Graph mails guests by itself; nothing silences it.
fn mails(asked: &Asked<'_>, body: &Value, kind: &str) {
    let emails: Vec<&str> = body["attendees"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|guest| text(&guest["emailAddress"], "address"))
        .filter(|email| !email.eq_ignore_ascii_case(&asked.person))
        .collect();
    if !emails.is_empty() {
        asked.ctx.site.calendars().mail.push(json!({
            "system": "graph", "kind": kind, "event": body["id"], "to": emails, "at": asked.ctx.now,
        }));
    }
}

/// `POST /events`. A `transactionId` that was used before gives the event made then.
pub(super) fn create(asked: &Asked<'_>) -> Told {
    let mut body = asked.body.clone();
    if !body.is_object() {
        return Err(Refusal::invalid("The body is empty."));
    }
    settle(&mut body)?;
    let mut all = asked.ctx.site.calendars();
    if let Some(transaction) = text(&body, "transactionId") {
        let earlier = all.graph.mailboxes.get(&asked.person).and_then(|mailbox| {
            mailbox
                .events
                .values()
                .find(|one| text(&one.body, "transactionId") == Some(transaction) && !one.removed)
        });
        if let Some(earlier) = earlier {
            return Ok(reply(asked, 201, &earlier.body));
        }
    }
    let id = format!("AAMk{}=", all.fresh("graph event", 40));
    let uid = all.fresh("graph uid", 32).to_uppercase();
    let base = json!({
        "id": id, "iCalUId": uid, "createdDateTime": asked.ctx.now, "isCancelled": false, "isOrganizer": true,
        "isDraft": false, "organizer": { "emailAddress": { "name": asked.person, "address": asked.person } },
        "responseStatus": { "response": "organizer", "time": "0001-01-01T00:00:00Z" },
        "webLink": format!("{}/graph/event?id={id}", asked.ctx.shared.base_url),
    });
    merge(&mut body, &base);
    for (name, value) in [
        ("attendees", json!([])),
        ("isAllDay", json!(false)),
        ("showAs", json!("busy")),
        ("subject", json!("")),
        ("location", json!({ "displayName": "" })),
    ] {
        if body.get(name).is_none() {
            body[name] = value;
        }
    }
    let body = all.graph.keep(&asked.person, body, false, asked.ctx.now);
    drop(all);
    mails(asked, &body, "request");
    Ok(reply(asked, 201, &body))
}

/// `GET /events/{id}`.
pub(super) fn get(asked: &Asked<'_>, id: &str) -> Told {
    let all = asked.ctx.site.calendars();
    let body = find(&all.graph, &asked.person, id).ok_or_else(Refusal::not_found)?;
    Ok(reply(asked, 200, &body))
}

fn precondition(asked: &Asked<'_>, body: &Value) -> Result<(), Refusal> {
    match asked.ctx.call.header("if-match") {
        Some(etag) if etag != "*" && Some(etag) != text(body, "@odata.etag") => Err(Refusal::new(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.",
        )),
        _ => Ok(()),
    }
}

/// `PATCH /events/{id}`.
pub(super) fn change(asked: &Asked<'_>, id: &str) -> Told {
    let mut all = asked.ctx.site.calendars();
    let old = find(&all.graph, &asked.person, id).ok_or_else(Refusal::not_found)?;
    precondition(asked, &old)?;
    let mut body = old.clone();
    merge(&mut body, &asked.body);
    for name in [
        "id",
        "iCalUId",
        "transactionId",
        "seriesMasterId",
        "organizer",
        "type",
    ] {
        if let Some(value) = old.get(name) {
            body[name] = value.clone();
        }
    }
    if body.get("seriesMasterId").is_some() {
        body["type"] = json!("exception");
    }
    settle(&mut body)?;
    let moved = ["start", "end", "recurrence"]
        .iter()
        .any(|name| body.get(*name) != old.get(*name));
    if moved
        && is_series(&old)
        && let Some(mailbox) = all.graph.mailboxes.get_mut(&asked.person)
    {
        // A new pattern makes exceptions void.
        mailbox
            .events
            .retain(|_, one| text(&one.body, "seriesMasterId") != Some(id));
    }
    let body = all.graph.keep(&asked.person, body, false, asked.ctx.now);
    drop(all);
    mails(asked, &body, "update");
    Ok(reply(asked, 200, &body))
}

/// `DELETE /events/{id}`.
pub(super) fn delete(asked: &Asked<'_>, id: &str) -> Told {
    let mut all = asked.ctx.site.calendars();
    let mut body = find(&all.graph, &asked.person, id).ok_or_else(Refusal::not_found)?;
    precondition(asked, &body)?;
    body["isCancelled"] = json!(true);
    let body = all.graph.keep(&asked.person, body, true, asked.ctx.now);
    drop(all);
    mails(asked, &body, "cancel");
    Ok(Reply::no_content())
}

/// `POST /events/{id}/cancel`.
pub(super) fn cancel(asked: &Asked<'_>, id: &str) -> Told {
    delete(asked, id)?;
    Ok(Reply::empty(axum::http::StatusCode::ACCEPTED))
}

fn page(asked: &Asked<'_>, items: &[Value]) -> Reply {
    let call = asked.ctx.call;
    let number = |name: &str| {
        call.filled(name)
            .and_then(|value| value.parse::<usize>().ok())
    };
    let (top, skip) = (
        number("$top").unwrap_or(10).clamp(1, 1000),
        number("$skip").unwrap_or(0),
    );
    let value: Vec<Value> = items
        .iter()
        .skip(skip)
        .take(top)
        .map(|one| told(asked, one))
        .collect();
    let mut body = json!({ "value": value });
    if skip + value.len() < items.len() {
        let mut query: Vec<String> = call
            .query
            .iter()
            .filter(|(name, _)| name != "$skip")
            .map(|(name, value)| format!("{name}={}", crate::http::path::encode(value)))
            .collect();
        query.push(format!("$skip={}", skip + value.len()));
        body["@odata.nextLink"] = json!(format!(
            "{}{}?{}",
            asked.ctx.shared.base_url,
            call.raw_path,
            query.join("&")
        ));
    }
    Reply::ok(&body)
}

/// What `$filter` of a list may ask for.
enum Wanted<'f> {
    Everything,
    Uid(&'f str),
    /// Name and value of a single-value extended property.
    Property(&'f str, &'f str),
}

impl<'f> Wanted<'f> {
    fn of(filter: Option<&'f str>) -> Option<Self> {
        let Some(filter) = filter else {
            return Some(Self::Everything);
        };
        if let Some(rest) = filter.strip_prefix("iCalUId eq '") {
            return rest.strip_suffix('\'').map(Self::Uid);
        }
        let rest = filter.strip_prefix("singleValueExtendedProperties/Any(ep: ep/id eq '")?;
        let (id, value) = rest.split_once("' and ep/value eq '")?;
        Some(Self::Property(id, value.strip_suffix("')")?))
    }

    fn fits(&self, body: &Value) -> bool {
        match self {
            Self::Everything => true,
            Self::Uid(uid) => text(body, "iCalUId") == Some(uid),
            Self::Property(id, value) => body["singleValueExtendedProperties"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|one| text(one, "id") == Some(id) && text(one, "value") == Some(value)),
        }
    }
}

/// `GET /events`: series and single events. `$filter` takes `iCalUId eq '…'` and one extended property.
pub(super) fn list(asked: &Asked<'_>) -> Told {
    let wanted = Wanted::of(asked.ctx.call.filled("$filter"))
        .ok_or_else(|| Refusal::invalid("The query filter is not supported."))?;
    let all = asked.ctx.site.calendars();
    let items: Vec<Value> = all
        .graph
        .mailboxes
        .get(&asked.person)
        .into_iter()
        .flat_map(|mailbox| mailbox.events.values())
        .filter(|one| !one.removed && one.body.get("seriesMasterId").is_none())
        .filter(|one| wanted.fits(&one.body))
        .map(|one| one.body.clone())
        .collect();
    Ok(page(asked, &items))
}

/// Single events and occurrences in a window.
pub(super) fn within(state: &State, person: &str, from: Timestamp, to: Timestamp) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    for stored in state
        .mailboxes
        .get(person)
        .into_iter()
        .flat_map(|one| one.events.values())
    {
        if stored.removed || stored.body.get("seriesMasterId").is_some() {
            continue;
        }
        if is_series(&stored.body) {
            items.extend(occurrences(state, person, &stored.body));
        } else {
            items.push(stored.body.clone());
        }
    }
    items.retain(|one| {
        span(one).is_some_and(|(start, end)| {
            start < to && end.max(start + SignedDuration::from_secs(1)) > from
        })
    });
    items
}

/// `GET /events/{id}/instances`.
pub(super) fn instances(asked: &Asked<'_>, id: &str) -> Told {
    let (from, to) = (
        asked.instant("startDateTime")?,
        asked.instant("endDateTime")?,
    );
    let all = asked.ctx.site.calendars();
    let master = find(&all.graph, &asked.person, id).ok_or_else(Refusal::not_found)?;
    if !is_series(&master) {
        return Err(Refusal::invalid("The event is no series."));
    }
    let mut items = occurrences(&all.graph, &asked.person, &master);
    items.retain(|one| span(one).is_some_and(|(start, end)| start < to && end > from));
    Ok(page(asked, &items))
}

/// `GET /calendarView`.
pub(super) fn view(asked: &Asked<'_>) -> Told {
    let (from, to) = (
        asked.instant("startDateTime")?,
        asked.instant("endDateTime")?,
    );
    let all = asked.ctx.site.calendars();
    let items = within(&all.graph, &asked.person, from, to);
    Ok(page(asked, &items))
}

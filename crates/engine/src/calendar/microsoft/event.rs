//! Events in Graph's words.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use parfocal_formats::recurrence::{GraphRecurrence, Start};
use serde_json::{Value, json};

use super::super::{
    Answer, Attendee, Busy, CalendarEvent, EventRef, Override, OverrideChange, Recurrence, Role,
    TimeSpan, When,
};
use crate::error::{EngineError, Result};

/// The namespace of our properties; made once for this program.
const SPACE: &str = "String {6b2d8f0e-6a6b-4c55-9f0c-3f1c7f3a52d1} Name";

fn property(name: &str) -> String {
    format!("{SPACE} {name}")
}

/// The filter that finds the event of a key.
pub(super) fn filter(key: &str) -> String {
    format!(
        "singleValueExtendedProperties/Any(ep: ep/id eq '{}' and ep/value eq '{}')",
        property("parfocalKey"),
        key.replace('\'', "''")
    )
}

fn kept(body: &Value, name: &str) -> Option<String> {
    let id = property(name);
    let list = body["singleValueExtendedProperties"].as_array()?;
    let one = list.iter().find(|one| one["id"].as_str() == Some(&id))?;
    one["value"].as_str().map(str::to_owned)
}

/// An instant as Graph takes it.
pub(super) fn moment(at: Timestamp) -> Value {
    local(TimeZone::UTC.to_datetime(at), "UTC")
}

fn local(at: DateTime, zone: &str) -> Value {
    json!({ "dateTime": at.strftime("%Y-%m-%dT%H:%M:%S").to_string(), "timeZone": zone })
}

/// Start and end.
pub(super) fn times(when: &When) -> Result<Value> {
    Ok(match when {
        When::Timed {
            start,
            zone,
            minutes,
        } => {
            let wrong = || EngineError::invalid("the time cannot be placed in its zone");
            let tz = TimeZone::get(zone).map_err(|_| wrong())?;
            let begins = tz
                .to_ambiguous_timestamp(*start)
                .compatible()
                .map_err(|_| wrong())?;
            let ends = begins + SignedDuration::from_mins(i64::from(*minutes));
            json!({
                "start": local(*start, zone), "end": local(tz.to_datetime(ends), zone), "isAllDay": false,
            })
        }
        When::AllDay { first, last } => {
            let after = last
                .checked_add(Span::new().days(1))
                .map_err(|_| EngineError::invalid("the last day is out of range"))?;
            json!({
                "start": local(first.at(0, 0, 0, 0), "UTC"), "end": local(after.at(0, 0, 0, 0), "UTC"),
                "isAllDay": true,
            })
        }
    })
}

/// The whole event as it is written.
pub(super) fn json(event: &CalendarEvent, with_guests: bool) -> Result<Value> {
    let mut body = times(&event.when)?;
    body["subject"] = json!(event.title);
    body["body"] = json!({ "contentType": "text", "content": event.body.as_deref().unwrap_or("") });
    body["location"] = json!({ "displayName": event.location.as_deref().unwrap_or("") });
    if let Some(recurrence) = &event.recurrence {
        let series = event
            .when
            .start()
            .and_then(|start| recurrence.series(start));
        let series = series.map_err(|error| EngineError::invalid(error.to_string()))?;
        let told = series
            .to_graph()
            .map_err(|error| EngineError::invalid(error.to_string()))?;
        if !recurrence.added.is_empty() {
            return Err(EngineError::invalid(
                "Microsoft 365 has no starts beside the rule's: schedule those as meetings of their own",
            ));
        }
        body["recurrence"] =
            serde_json::to_value(told).map_err(|error| EngineError::invalid(error.to_string()))?;
    }
    // Graph takes one reminder: the one that comes first.
    match event.reminders.iter().map(|one| one.minutes).max() {
        Some(minutes) => {
            body["isReminderOn"] = json!(true);
            body["reminderMinutesBeforeStart"] = json!(minutes);
        }
        None => body["isReminderOn"] = json!(false),
    }
    let mut invited = Vec::new();
    if with_guests {
        body["attendees"] = guests_json(&event.attendees);
        invited.extend(event.attendees.iter().map(|one| one.email.to_lowercase()));
    }
    body["singleValueExtendedProperties"] = json!([
        { "id": property("parfocalKey"), "value": event.key },
        { "id": property("parfocalUid"), "value": event.ical_uid },
        { "id": property("parfocalInvited"), "value": invited.join(" ") },
        { "id": property("parfocalJoin"), "value": event.join_url.as_deref().unwrap_or("") },
    ]);
    Ok(body)
}

/// Guests as they are written; what they answered is theirs to say.
pub(super) fn guests_json(guests: &[Attendee]) -> Value {
    guests
        .iter()
        .map(|one| {
            json!({
                "type": match one.role {
                    Role::Optional => "optional",
                    Role::Resource => "resource",
                    Role::Required | Role::Chair => "required",
                },
                "emailAddress": { "address": one.email, "name": one.name.as_deref().unwrap_or(&one.email) },
                "status": { "response": match one.answer {
                    Answer::Pending => "none",
                    Answer::Accepted => "accepted",
                    Answer::Declined => "declined",
                    Answer::Tentative => "tentativelyAccepted",
                }},
            })
        })
        .collect()
}

/// Guests as Graph tells them.
pub(super) fn guests(body: &Value) -> Vec<Attendee> {
    body["attendees"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|guest| {
            let email = guest["emailAddress"]["address"].as_str()?;
            let name = guest["emailAddress"]["name"].as_str();
            Some(Attendee {
                email: email.to_owned(),
                name: name.filter(|name| *name != email).map(str::to_owned),
                role: match guest["type"].as_str() {
                    Some("optional") => Role::Optional,
                    Some("resource") => Role::Resource,
                    _ => Role::Required,
                },
                answer: match guest["status"]["response"].as_str() {
                    Some("accepted" | "organizer") => Answer::Accepted,
                    Some("declined") => Answer::Declined,
                    Some("tentativelyAccepted") => Answer::Tentative,
                    _ => Answer::Pending,
                },
            })
        })
        .collect()
}

/// Whom we invited when the event was last written.
pub(super) fn invited(body: &Value) -> Vec<String> {
    kept(body, "parfocalInvited")
        .unwrap_or_default()
        .split(' ')
        .filter(|one| !one.is_empty())
        .map(str::to_owned)
        .collect()
}

fn instant(value: &Value) -> Option<Timestamp> {
    let local: DateTime = value["dateTime"]
        .as_str()?
        .trim_end_matches('Z')
        .parse()
        .ok()?;
    let zone = TimeZone::get(value["timeZone"].as_str()?).ok()?;
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

/// Whether an event that is there already says all that is to be written.
pub(super) fn says(there: &Value, wanted: &Value) -> bool {
    let Some(wanted) = wanted.as_object() else {
        return false;
    };
    wanted.iter().all(|(name, value)| match name.as_str() {
        "start" | "end" => instant(&there[name]) == instant(value),
        "attendees" => {
            let (mut a, mut b) = (guests(there), guests(&json!({ "attendees": value })));
            for list in [&mut a, &mut b] {
                list.sort_by_key(|one| one.email.to_lowercase());
            }
            a.len() == b.len()
                && a.iter()
                    .zip(&b)
                    .all(|(a, b)| a.email.eq_ignore_ascii_case(&b.email) && a.role == b.role)
        }
        "body" => {
            there[name]["content"].as_str().unwrap_or("").trim()
                == value["content"].as_str().unwrap_or("").trim()
        }
        "location" => there[name]["displayName"].as_str().unwrap_or("") == value["displayName"],
        "recurrence" => same_recurrence(there, &json!({ "recurrence": value })),
        // Told only where they are asked for.
        "singleValueExtendedProperties" => {
            there[name].is_null() || properties(there) == properties(&json!({ name: value }))
        }
        _ => there[name] == *value,
    })
}

fn recurrence(body: &Value) -> Option<GraphRecurrence> {
    serde_json::from_value(body["recurrence"].clone()).ok()
}

/// Whether two events repeat alike; Graph fills in fields that a pattern does not use.
fn same_recurrence(one: &Value, other: &Value) -> bool {
    match (recurrence(one), recurrence(other)) {
        (Some(one), Some(other)) => {
            one.range.start_date == other.range.start_date && one.to_rule() == other.to_rule()
        }
        (one, other) => one.is_none() && other.is_none(),
    }
}

fn properties(body: &Value) -> BTreeSet<(String, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or("").to_owned();
    body["singleValueExtendedProperties"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| (text(one, "id"), text(one, "value")))
        .collect()
}

/// What to ask for so that an event is told with our properties.
pub(super) fn expand() -> String {
    let ids: Vec<String> = [
        "parfocalKey",
        "parfocalUid",
        "parfocalInvited",
        "parfocalJoin",
    ]
    .iter()
    .map(|name| format!("id eq '{}'", property(name)))
    .collect();
    format!(
        "singleValueExtendedProperties($filter={})",
        ids.join(" or ")
    )
}

/// Where an event is.
pub(super) fn reference(body: &Value) -> EventRef {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    EventRef {
        calendar: "calendar".to_owned(),
        id: text("id").unwrap_or_default(),
        etag: text("@odata.etag"),
        link: text("webLink"),
    }
}

/// The zone that an event was written in: Graph keeps its name beside times that it tells in UTC.
fn zone(body: &Value) -> String {
    let name = body["recurrence"]["range"]["recurrenceTimeZone"]
        .as_str()
        .or_else(|| body["originalStartTimeZone"].as_str())
        .unwrap_or("UTC");
    // A Windows name that is not known here: the instants are right in UTC.
    if TimeZone::get(name).is_ok() {
        name.to_owned()
    } else {
        "UTC".to_owned()
    }
}

fn when(body: &Value, zone: &str) -> Option<When> {
    let (start, end) = (instant(&body["start"])?, instant(&body["end"])?);
    if body["isAllDay"] == json!(true) {
        let day = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
        let (first, after) = (day(start), day(end));
        let last = after.checked_sub(Span::new().days(1)).ok()?;
        return Some(When::AllDay {
            first,
            last: last.max(first),
        });
    }
    Some(When::Timed {
        start: TimeZone::get(zone).ok()?.to_datetime(start),
        zone: zone.to_owned(),
        minutes: u32::try_from(end.duration_since(start).as_mins()).ok()?,
    })
}

/// An event that Graph tells, without the occurrences that differ.
pub(super) fn read(body: &Value) -> Option<CalendarEvent> {
    let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let when = when(body, &zone(body))?;
    let organizer = &body["organizer"]["emailAddress"];
    Some(CalendarEvent {
        key: kept(body, "parfocalKey").unwrap_or_default(),
        ical_uid: kept(body, "parfocalUid")
            .or_else(|| some(body["iCalUId"].as_str()))
            .unwrap_or_default(),
        sequence: 0,
        title: body["subject"].as_str().unwrap_or("").to_owned(),
        body: some(body["body"]["content"].as_str()),
        location: some(body["location"]["displayName"].as_str()),
        join_url: kept(body, "parfocalJoin").filter(|url| !url.is_empty()),
        when,
        recurrence: recurrence(body)
            .and_then(|told| told.to_rule())
            .map(Recurrence::of),
        overrides: Vec::new(),
        organizer: organizer["address"].as_str().map(|email| Attendee {
            email: email.to_owned(),
            name: some(organizer["name"].as_str()),
            role: Role::Chair,
            answer: Answer::Accepted,
        }),
        attendees: guests(body),
        reminders: Vec::new(),
        cancelled: body["isCancelled"] == json!(true),
    })
}

/// The instant of an occurrence's original start.
pub(super) fn original(event: &CalendarEvent, local: DateTime) -> Option<Timestamp> {
    match event.when.start().ok()? {
        start @ Start::Timed { .. } => start.instant(local),
        Start::Day(_) => TimeZone::UTC
            .to_ambiguous_timestamp(local)
            .compatible()
            .ok(),
    }
}

/// The original start of an occurrence that Graph tells, as wall clock of its series.
pub(super) fn original_of(body: &Value, event: &CalendarEvent) -> Option<DateTime> {
    let at: Timestamp = body["originalStart"].as_str()?.parse().ok()?;
    match &event.when {
        When::Timed { zone, .. } => Some(TimeZone::get(zone).ok()?.to_datetime(at)),
        When::AllDay { .. } => Some(TimeZone::UTC.to_datetime(at)),
    }
}

/// How an occurrence differs from its series; not at all when it does not.
pub(super) fn difference(
    series: &CalendarEvent,
    body: &Value,
    original: DateTime,
) -> Option<Override> {
    let zone = match &series.when {
        When::Timed { zone, .. } => zone.as_str(),
        When::AllDay { .. } => "UTC",
    };
    let own = when(body, zone)?;
    let regular = match (&series.when, &own) {
        (
            When::Timed { minutes: a, .. },
            When::Timed {
                start, minutes: b, ..
            },
        ) => a == b && *start == original,
        (When::AllDay { first, last }, When::AllDay { first: f, last: l }) => {
            *f == original.date()
                && last.since(*first).ok()?.get_days() == l.since(*f).ok()?.get_days()
        }
        _ => false,
    };
    let title = body["subject"]
        .as_str()
        .filter(|title| *title != series.title);
    if regular && title.is_none() {
        return None;
    }
    Some(Override {
        original,
        change: OverrideChange::Moved {
            when: own,
            title: title.map(str::to_owned),
        },
    })
}

/// What the rule gives within a window and nobody told: cancelled occurrences.
pub(super) fn missing(
    event: &CalendarEvent,
    from: Timestamp,
    to: Timestamp,
    seen: &BTreeSet<DateTime>,
) -> Vec<Override> {
    let series = event
        .recurrence
        .as_ref()
        .and_then(|one| event.when.start().and_then(|start| one.series(start)).ok());
    let Some(series) = series else {
        return Vec::new();
    };
    series
        .between(from, to, 1_000)
        .into_iter()
        .filter(|one| !seen.contains(&one.local))
        .map(|one| Override {
            original: one.local,
            change: OverrideChange::Cancelled,
        })
        .collect()
}

/// Busy times of one mailbox.
pub(super) fn busy(schedule: Option<&Value>) -> Busy {
    let unknown = |why: &str| Busy::Unknown {
        reason: format!("Microsoft 365: {why}"),
    };
    let Some(schedule) = schedule else {
        return unknown("no answer");
    };
    if schedule["error"].is_object() {
        return unknown(
            schedule["error"]["responseCode"]
                .as_str()
                .unwrap_or("refused"),
        );
    }
    let Some(items) = schedule["scheduleItems"].as_array() else {
        return unknown("no answer");
    };
    let mut spans = Vec::new();
    for one in items {
        if matches!(one["status"].as_str(), Some("free" | "workingElsewhere")) {
            continue;
        }
        match (instant(&one["start"]), instant(&one["end"])) {
            (Some(from), Some(to)) => spans.push(TimeSpan { from, to }),
            _ => return unknown("a time that cannot be read"),
        }
    }
    Busy::Known(spans)
}

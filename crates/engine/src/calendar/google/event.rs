//! Events in Google's words.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use parfocal_formats::recurrence::Rule;
use serde_json::{Value, json};

use super::super::{
    Answer, Attendee, CalendarEvent, Override, OverrideChange, Recurrence, Role, TimeSpan, When,
};
use crate::error::{EngineError, Result};

/// The properties under which we keep what is ours.
const KEY: &str = "parfocalKey";
const UID: &str = "parfocalUid";
const INVITED: &str = "parfocalInvited";
/// Longest value of such a property.
const LONGEST: usize = 1_000;

/// Start and end.
pub(super) fn times(when: &When) -> Result<Value> {
    Ok(match when {
        When::Timed {
            start,
            zone,
            minutes,
        } => {
            let end = end_of(*start, zone, *minutes)?;
            let text = |at: DateTime| at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            json!({
                "start": { "dateTime": text(*start), "timeZone": zone },
                "end": { "dateTime": text(end), "timeZone": zone },
            })
        }
        When::AllDay { first, last } => {
            let after = last
                .checked_add(Span::new().days(1))
                .map_err(|_| EngineError::invalid("the last day is out of range"))?;
            json!({ "start": { "date": first.to_string() }, "end": { "date": after.to_string() } })
        }
    })
}

/// The wall clock at the end: the length is real time, whatever the clocks do in between.
fn end_of(start: DateTime, zone: &str, minutes: u32) -> Result<DateTime> {
    let tz = TimeZone::get(zone)
        .map_err(|_| EngineError::invalid(format!("{zone} is not a time zone")))?;
    let wrong = |_| EngineError::invalid("the end is out of range");
    let begins = tz
        .to_ambiguous_timestamp(start)
        .compatible()
        .map_err(wrong)?;
    let ends = begins
        .checked_add(jiff::SignedDuration::from_mins(i64::from(minutes)))
        .map_err(wrong)?;
    Ok(tz.to_datetime(ends))
}

/// Text for a field that Google reads as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// The whole event as it is written, without its id.
pub(super) fn json(event: &CalendarEvent, with_guests: bool) -> Result<Value> {
    let mut body = times(&event.when)?;
    body["summary"] = json!(event.title);
    body["description"] = json!(escaped(event.body.as_deref().unwrap_or("")));
    body["location"] = json!(event.location.as_deref().unwrap_or(""));
    body["status"] = json!(if event.cancelled {
        "cancelled"
    } else {
        "confirmed"
    });
    if let Some(recurrence) = &event.recurrence {
        let series = event
            .when
            .start()
            .and_then(|start| recurrence.series(start));
        let series = series.map_err(|error| EngineError::invalid(error.to_string()))?;
        let lines = series
            .to_google()
            .map_err(|error| EngineError::invalid(error.to_string()))?;
        body["recurrence"] = json!(lines);
    }
    let mut minutes: Vec<u32> = event.reminders.iter().map(|one| one.minutes).collect();
    minutes.sort_unstable();
    minutes.dedup();
    let popups: Vec<Value> = minutes
        .into_iter()
        .filter(|minutes| *minutes <= 40_320)
        .take(5)
        .map(|minutes| json!({ "method": "popup", "minutes": minutes }))
        .collect();
    body["reminders"] = json!({ "useDefault": popups.is_empty(), "overrides": popups });
    let mut invited = String::new();
    if with_guests {
        body["attendees"] = guests_json(&event.attendees);
        for one in &event.attendees {
            if invited.len() + one.email.len() < LONGEST {
                invited.push_str(&one.email.to_lowercase());
                invited.push(' ');
            }
        }
    }
    body["extendedProperties"] = json!({ "private": {
        KEY: event.key, UID: event.ical_uid, INVITED: invited.trim_end(),
    }});
    if let Some(url) = event
        .join_url
        .as_deref()
        .filter(|url| url.starts_with("https://"))
    {
        body["source"] = json!({ "title": event.title, "url": url });
    }
    Ok(body)
}

/// Guests as they are written.
pub(super) fn guests_json(guests: &[Attendee]) -> Value {
    guests
        .iter()
        .map(|one| {
            let mut guest = json!({ "email": one.email, "responseStatus": match one.answer {
                Answer::Pending => "needsAction",
                Answer::Accepted => "accepted",
                Answer::Declined => "declined",
                Answer::Tentative => "tentative",
            }});
            if let Some(name) = &one.name {
                guest["displayName"] = json!(name);
            }
            match one.role {
                Role::Optional => guest["optional"] = json!(true),
                Role::Resource => guest["resource"] = json!(true),
                Role::Required | Role::Chair => {}
            }
            guest
        })
        .collect()
}

/// Guests as Google tells them.
pub(super) fn guests(body: &Value) -> Vec<Attendee> {
    body["attendees"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|guest| {
            Some(Attendee {
                email: guest["email"].as_str()?.to_owned(),
                name: guest["displayName"].as_str().map(str::to_owned),
                role: if guest["resource"] == json!(true) {
                    Role::Resource
                } else if guest["optional"] == json!(true) {
                    Role::Optional
                } else {
                    Role::Required
                },
                answer: match guest["responseStatus"].as_str() {
                    Some("accepted") => Answer::Accepted,
                    Some("declined") => Answer::Declined,
                    Some("tentative") => Answer::Tentative,
                    _ => Answer::Pending,
                },
            })
        })
        .collect()
}

/// Whom we invited when the event was last written.
pub(super) fn invited(body: &Value) -> Vec<String> {
    body["extendedProperties"]["private"][INVITED]
        .as_str()
        .unwrap_or("")
        .split(' ')
        .filter(|one| !one.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether an event that is there already says all that is to be written; times are compared as instants.
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
                    .all(|(a, b)| a.email.eq_ignore_ascii_case(&b.email) && a.answer == b.answer)
        }
        "description" | "location" if value == "" => there[name].as_str().is_none_or(str::is_empty),
        "extendedProperties" => there[name]["private"] == value["private"],
        _ => there[name] == *value,
    })
}

/// One end of an event: day or instant, and the zone it is told in.
fn instant(value: &Value) -> Option<(Option<Date>, Option<Timestamp>)> {
    if let Some(day) = value["date"].as_str() {
        return Some((Some(day.parse().ok()?), None));
    }
    let text = value["dateTime"].as_str()?;
    if let Ok(at) = text.parse() {
        return Some((None, Some(at)));
    }
    let zone = TimeZone::get(value["timeZone"].as_str()?).ok()?;
    let local: DateTime = text.parse().ok()?;
    Some((None, zone.to_ambiguous_timestamp(local).compatible().ok()))
}

fn when(body: &Value) -> Option<When> {
    let (first, start) = instant(&body["start"])?;
    let (after, end) = instant(&body["end"])?;
    if let (Some(first), Some(after)) = (first, after) {
        let last = after.checked_sub(Span::new().days(1)).ok()?;
        return Some(When::AllDay {
            first,
            last: last.max(first),
        });
    }
    let (start, end) = (start?, end?);
    let zone = body["start"]["timeZone"].as_str().unwrap_or("UTC");
    let tz = TimeZone::get(zone).ok()?;
    let minutes = end.duration_since(start).as_mins();
    Some(When::Timed {
        start: tz.to_datetime(start),
        zone: zone.to_owned(),
        minutes: u32::try_from(minutes).ok()?,
    })
}

/// A date or time of a recurrence line as wall clock in the event's zone.
fn wall(text: &str, own: Option<&str>, zone: &TimeZone) -> Option<DateTime> {
    if let Ok(day) = Date::strptime("%Y%m%d", text) {
        return Some(day.at(0, 0, 0, 0));
    }
    let utc = text.ends_with('Z');
    let local = DateTime::strptime("%Y%m%dT%H%M%S", text.trim_end_matches('Z')).ok()?;
    let from = match own {
        _ if utc => TimeZone::UTC,
        Some(name) => TimeZone::get(name).ok()?,
        None => return Some(local),
    };
    let at = from.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(zone.to_datetime(at))
}

fn recurrence(body: &Value, when: &When) -> Option<Recurrence> {
    let zone = match when {
        When::Timed { zone, .. } => TimeZone::get(zone).ok()?,
        When::AllDay { .. } => TimeZone::UTC,
    };
    let mut rule: Option<Rule> = None;
    let (mut excluded, mut added) = (Vec::new(), Vec::new());
    for line in body["recurrence"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
    {
        let (head, value) = line.split_once(':')?;
        let own = head.split(';').find_map(|part| part.strip_prefix("TZID="));
        let dates = || value.split(',').filter_map(|text| wall(text, own, &zone));
        match head.split(';').next() {
            Some("RRULE") => rule = Some(value.parse().ok()?),
            Some("EXDATE") => excluded.extend(dates()),
            Some("RDATE") => added.extend(dates()),
            _ => {}
        }
    }
    Some(Recurrence {
        rule: rule?,
        excluded,
        added,
    })
}

/// An event that Google tells, without the occurrences that differ.
pub(super) fn read(body: &Value) -> Option<CalendarEvent> {
    let text = |name: &str| {
        body[name]
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let private = &body["extendedProperties"]["private"];
    let when = when(body)?;
    Some(CalendarEvent {
        key: private[KEY].as_str().unwrap_or("").to_owned(),
        ical_uid: private[UID]
            .as_str()
            .map(str::to_owned)
            .or_else(|| text("iCalUID"))
            .unwrap_or_default(),
        sequence: body["sequence"]
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0),
        title: text("summary").unwrap_or_default(),
        body: text("description").map(|text| unescaped(&text)),
        location: text("location"),
        join_url: body["source"]["url"].as_str().map(str::to_owned),
        recurrence: recurrence(body, &when),
        when,
        overrides: Vec::new(),
        organizer: body["organizer"]["email"].as_str().map(|email| Attendee {
            email: email.to_owned(),
            name: body["organizer"]["displayName"].as_str().map(str::to_owned),
            role: Role::Chair,
            answer: Answer::Accepted,
        }),
        attendees: guests(body),
        reminders: Vec::new(),
        cancelled: body["status"] == json!("cancelled"),
    })
}

/// The start that the rule gives an occurrence, as Google is asked for it.
pub(super) fn original(event: &CalendarEvent, one: &Override) -> Option<String> {
    match &event.when {
        When::Timed { zone, .. } => {
            let tz = TimeZone::get(zone).ok()?;
            let at = tz.to_ambiguous_timestamp(one.original).compatible().ok()?;
            Some(at.to_string())
        }
        When::AllDay { .. } => Some(one.original.date().to_string()),
    }
}

/// How an occurrence differs from its series; not at all when it does not.
pub(super) fn difference(series: &CalendarEvent, body: &Value) -> Option<Override> {
    let (day, at) = instant(&body["originalStartTime"])?;
    let original = match (&series.when, day, at) {
        (When::Timed { zone, .. }, _, Some(at)) => TimeZone::get(zone).ok()?.to_datetime(at),
        (_, Some(day), _) => day.at(0, 0, 0, 0),
        _ => return None,
    };
    if body["status"] == json!("cancelled") {
        return Some(Override {
            original,
            change: OverrideChange::Cancelled,
        });
    }
    let own = when(body)?;
    let regular = match (&series.when, &own) {
        (When::Timed { minutes: a, .. }, When::Timed { minutes: b, .. }) => {
            a == b && own.span()?.from == at?
        }
        (When::AllDay { first, last }, When::AllDay { first: f, last: l }) => {
            *f == original.date()
                && last.since(*first).ok()?.get_days() == l.since(*f).ok()?.get_days()
        }
        _ => false,
    };
    let title = body["summary"]
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

/// A busy time.
pub(super) fn span(value: &Value) -> Option<TimeSpan> {
    Some(TimeSpan {
        from: value["start"].as_str()?.parse().ok()?,
        to: value["end"].as_str()?.parse().ok()?,
    })
}

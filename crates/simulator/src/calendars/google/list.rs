//! Lists: windows, filters, pages, instances, and sync tokens that run out.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::text;
use super::{Asked, Refusal, State, Stored, Told, event};
use crate::http::reply::Reply;

/// Parameters that contradict a sync token.
const NOT_WITH_SYNC: [&str; 8] = [
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
];

fn instant(asked: &Asked<'_>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    asked
        .ctx
        .call
        .filled(name)
        .map(|value| {
            value
                .parse()
                .map_err(|_| Refusal::new(400, "badRequest", format!("Bad Request: {name}")))
        })
        .transpose()
}

/// `hex(kind:epoch:number:number)`.
fn seal(kind: &str, epoch: u64, change: u64, offset: usize) -> String {
    hex::encode(format!("{kind}:{epoch}:{change}:{offset}"))
}

fn open(kind: &str, token: &str) -> Option<(u64, u64, usize)> {
    let text = String::from_utf8(hex::decode(token).ok()?).ok()?;
    let mut parts = text.split(':');
    (parts.next()? == kind).then_some(())?;
    let numbers = (
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    Some(numbers)
}

/// The instances of a stored series with its exceptions.
pub(super) fn expanded(state: &State, calendar: &str, master: &Value, zone: &str) -> Vec<Value> {
    let Ok(when) = event::when(master, zone) else {
        return Vec::new();
    };
    let id = text(master, "id").unwrap_or("");
    let Ok(times) = event::happens(master, &when) else {
        return Vec::new();
    };
    times
        .into_iter()
        .map(|one| {
            let own = event::instance_id(id, one, when.all_day);
            state.stored(calendar, &own).map_or_else(
                || event::instance(master, &when, one),
                |stored| stored.body.clone(),
            )
        })
        .collect()
}

/// Whether an event, or an instance of a series, lies in the window.
fn in_window(
    state: &State,
    calendar: &str,
    body: &Value,
    zone: &str,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> bool {
    if from.is_none() && to.is_none() {
        return true;
    }
    let lies = |one: &Value| {
        event::when(one, zone).is_ok_and(|when| event::overlaps(when.start, when.end, from, to))
    };
    if event::lines(body).is_empty() {
        lies(body)
    } else {
        expanded(state, calendar, body, zone).iter().any(lies)
    }
}

/// `events.list`.
pub(super) fn list(asked: &Asked<'_>, calendar: &str) -> Told {
    let call = asked.ctx.call;
    let all = asked.ctx.site.calendars();
    let state = &all.google;
    let sync = match call.filled("syncToken") {
        None => None,
        Some(token) => {
            if let Some(name) = NOT_WITH_SYNC.iter().find(|name| call.param(name).is_some()) {
                return Err(Refusal::new(
                    400,
                    "invalid",
                    format!("Sync token cannot be combined with {name}."),
                ));
            }
            if call.param("showDeleted") == Some("false") {
                return Err(Refusal::invalid("showDeleted=false with a sync token"));
            }
            match open("sync", token) {
                Some((epoch, change, _)) if epoch == state.epoch => Some(change),
                _ => {
                    return Err(Refusal::new(
                        410,
                        "fullSyncRequired",
                        "Sync token is no longer valid, a full sync is required.",
                    ));
                }
            }
        }
    };
    let (snapshot, offset) = match call.filled("pageToken") {
        None => (state.change, 0),
        Some(token) => {
            let (_, change, offset) =
                open("page", token).ok_or_else(|| Refusal::invalid("Invalid page token value."))?;
            (change, offset)
        }
    };
    let single = call.flag("singleEvents");
    if call.param("orderBy") == Some("startTime") && !single {
        return Err(Refusal::new(
            400,
            "badRequest",
            "The requested ordering is not available for the particular query.",
        ));
    }
    let zone = asked.zone();
    let mut items = chosen(asked, state, calendar, sync, single, &zone)?;
    match call.param("orderBy") {
        Some("startTime") => {
            items.sort_by_key(|body| event::when(body, &zone).map(|w| w.start).ok());
        }
        Some("updated") => items.sort_by_key(|body| text(body, "updated").map(str::to_owned)),
        _ => {}
    }
    let most = call
        .filled("maxResults")
        .and_then(|most| most.parse().ok())
        .unwrap_or(250_usize)
        .clamp(1, 2500);
    let page: Vec<&Value> = items.iter().skip(offset).take(most).collect();
    let mut body = json!({
        "kind": "calendar#events", "etag": format!("\"{}\"", state.change), "summary": calendar,
        "updated": format!("{:.3}", asked.ctx.now), "timeZone": zone, "accessRole": "owner",
        "defaultReminders": [], "items": page,
    });
    if offset + page.len() < items.len() {
        body["nextPageToken"] = json!(seal("page", state.epoch, snapshot, offset + page.len()));
    } else if call.param("orderBy").is_none() && call.param("q").is_none() {
        body["nextSyncToken"] = json!(seal("sync", state.epoch, snapshot, 0));
    }
    Ok(Reply::ok(&body))
}

/// The events that a list is about.
fn chosen(
    asked: &Asked<'_>,
    state: &State,
    calendar: &str,
    sync: Option<u64>,
    single: bool,
    zone: &str,
) -> Result<Vec<Value>, Refusal> {
    let call = asked.ctx.call;
    let (from, to) = (instant(asked, "timeMin")?, instant(asked, "timeMax")?);
    let updated = instant(asked, "updatedMin")?;
    let properties: Vec<(&str, &str)> = call
        .query
        .iter()
        .filter(|(name, _)| name == "privateExtendedProperty")
        .filter_map(|(_, value)| value.split_once('='))
        .collect();
    let deleted = sync.is_some() || call.flag("showDeleted");
    let uid = call.filled("iCalUID");
    let words = call.filled("q").map(str::to_lowercase);
    let fits = |stored: &Stored| {
        let body = &stored.body;
        let gone = text(body, "status") == Some("cancelled");
        let exception = body.get("recurringEventId").is_some();
        sync.is_none_or(|since| stored.change > since)
            && (!gone || deleted || (exception && !single))
            && uid.is_none_or(|uid| text(body, "iCalUID") == Some(uid))
            && updated.is_none_or(|min| {
                text(body, "updated").and_then(|at| at.parse::<Timestamp>().ok()) >= Some(min)
            })
            && properties.iter().all(|(name, value)| {
                text(&body["extendedProperties"]["private"], name) == Some(value)
            })
            && words.as_ref().is_none_or(|words| {
                ["summary", "description", "location"]
                    .iter()
                    .any(|name| text(body, name).is_some_and(|t| t.to_lowercase().contains(words)))
            })
    };
    let mut items = Vec::new();
    for stored in state
        .calendars
        .get(calendar)
        .into_iter()
        .flat_map(|one| one.events.values())
    {
        if !fits(stored) {
            continue;
        }
        let body = &stored.body;
        if single && !event::lines(body).is_empty() && text(body, "status") != Some("cancelled") {
            let instances = expanded(state, calendar, body, zone);
            items.extend(instances.into_iter().filter(|one| {
                (deleted || text(one, "status") != Some("cancelled"))
                    && in_window(state, calendar, one, zone, from, to)
            }));
        } else if single && body.get("recurringEventId").is_some() && sync.is_none() {
            // Already among the instances of its series.
        } else if in_window(state, calendar, body, zone, from, to) {
            items.push(body.clone());
        }
    }
    Ok(items)
}

/// `events.instances`.
pub(super) fn instances(asked: &Asked<'_>, calendar: &str, id: &str) -> Told {
    let call = asked.ctx.call;
    let (from, to) = (instant(asked, "timeMin")?, instant(asked, "timeMax")?);
    let all = asked.ctx.site.calendars();
    let state = &all.google;
    let master = state
        .stored(calendar, id)
        .ok_or_else(Refusal::not_found)?
        .body
        .clone();
    if event::lines(&master).is_empty() {
        return Err(Refusal::not_found());
    }
    let zone = asked.zone();
    let original = call.filled("originalStart");
    let original: Option<Timestamp> = original.and_then(|text| text.parse().ok());
    let items: Vec<Value> = expanded(state, calendar, &master, &zone)
        .into_iter()
        .filter(|one| call.flag("showDeleted") || text(one, "status") != Some("cancelled"))
        .filter(|one| in_window(state, calendar, one, &zone, from, to))
        .filter(|one| {
            original.is_none()
                || text(&one["originalStartTime"], "dateTime").and_then(|at| at.parse().ok())
                    == original
        })
        .take(2500)
        .collect();
    Ok(Reply::ok(&json!({
        "kind": "calendar#events", "etag": format!("\"{}\"", state.change), "summary": calendar,
        "updated": format!("{:.3}", asked.ctx.now), "timeZone": zone, "accessRole": "owner",
        "defaultReminders": [], "items": items,
    })))
}

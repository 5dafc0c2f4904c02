//! Custom events. There is no key against repeats: what is sent twice is there twice.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::contacts::{Wanted, address, many};
use super::{Asked, Brevo, Refusal, Told, instant, text};
use crate::http::reply::Reply;

/// Most events of a batch, and their size in bytes.
const BATCH: (usize, usize) = (200, 512 * 1024);

/// Largest properties of one event, in bytes.
const PROPERTIES: usize = 50 * 1024;

/// One event.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) contact: u64,
    at: Timestamp,
    received: Timestamp,
    pub(super) properties: Value,
    contact_properties: Value,
    object: Option<String>,
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= 255 && name.bytes().all(fits)
}

/// Takes one event in.
fn take(brevo: &mut Brevo, said: &Value, now: Timestamp) -> Result<(), Refusal> {
    let body = said
        .as_object()
        .ok_or_else(|| Refusal::invalid("event should be an object"))?;
    let name =
        text(body, "event_name")?.ok_or_else(|| Refusal::missing("event_name is missing"))?;
    if !is_name(name) {
        return Err(Refusal::invalid("event_name is invalid"));
    }
    let at = match text(body, "event_date")? {
        None => now,
        Some(said) => said
            .parse()
            .map_err(|_| Refusal::invalid("event_date is not a valid date"))?,
    };
    let empty = Map::new();
    let object = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(&empty),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(Refusal::invalid(format!("{name} should be an object"))),
    };
    let properties = object("event_properties")?;
    if properties.keys().any(|key| !is_name(key)) {
        return Err(Refusal::invalid("event_properties has an invalid key"));
    }
    let properties = json!(properties);
    if properties.to_string().len() > PROPERTIES {
        return Err(Refusal::invalid("event_properties exceeds 50 KB"));
    }
    let contact_properties = object("contact_properties")?.clone();
    let identifiers = object("identifiers")?;
    let (by, value) = [
        "contact_id",
        "email_id",
        "ext_id",
        "phone_id",
        "whatsapp_id",
        "landline_number_id",
    ]
    .into_iter()
    .find_map(|by| Some((by, identifiers.get(by)?)))
    .ok_or_else(|| Refusal::missing("identifiers is missing"))?;
    let value = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let contact = match brevo.identified(by, &value) {
        Some(id) => id,
        None if by == "email_id" => {
            let wanted = Wanted {
                email: Some(address(&value)?),
                ..Wanted::default()
            };
            brevo.make(&wanted, "event", now)
        }
        None => return Err(Refusal::invalid("contact does not exist")),
    };
    let wanted = Wanted {
        attributes: contact_properties
            .iter()
            .filter(|(name, _)| brevo.attributes.contains_key(name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        ..Wanted::default()
    };
    if !wanted.attributes.is_empty() {
        brevo.write(contact, &wanted, now)?;
    }
    brevo.events.push(Event {
        name: name.to_owned(),
        contact,
        at,
        received: now,
        properties,
        contact_properties: json!(contact_properties),
        object: object("object")?
            .get("type")
            .and_then(Value::as_str)
            .map(str::to_owned),
    });
    Ok(())
}

pub(super) fn create(brevo: &mut Brevo, asked: &Asked<'_>) -> Told {
    take(brevo, &asked.body, asked.now)?;
    Ok(Reply::no_content())
}

pub(super) fn batch(brevo: &mut Brevo, asked: &Asked<'_>) -> Told {
    let all = asked
        .object()?
        .get("events")
        .and_then(Value::as_array)
        .ok_or_else(|| Refusal::missing("events is missing"))?;
    if all.is_empty() || all.len() > BATCH.0 || asked.ctx.call.body.len() > BATCH.1 {
        return Err(Refusal::new(
            400,
            "out_of_range",
            "a batch holds 1 to 200 events and 512 KB",
        ));
    }
    let mut errors = Vec::new();
    for (index, one) in all.iter().enumerate() {
        if let Err(refusal) = take(brevo, one, asked.now) {
            errors.push(json!({ "eventIndex": [index], "message": refusal.message }));
        }
    }
    if errors.is_empty() {
        let said = json!({ "message": "All events have been accepted", "count": all.len() });
        return Ok(Reply::json(StatusCode::ACCEPTED, &said));
    }
    let said = json!({
        "status": "partial_success", "total_events": all.len(),
        "successful_events": all.len() - errors.len(), "failed_events": errors.len(),
        "errors": errors,
    });
    Ok(Reply::json(StatusCode::MULTI_STATUS, &said))
}

/// Events become visible after a while: they are taken before they are worked on.
pub(super) fn list(brevo: &Brevo, asked: &Asked<'_>) -> Told {
    let (limit, offset) = asked.window(10_000, 100)?;
    let lag = SignedDuration::from_secs(brevo.knobs.event_lag_seconds);
    let contacts = many(asked, "contact_id")?;
    let names: Vec<&str> = asked
        .ctx
        .call
        .query
        .iter()
        .filter(|(key, _)| key == "event_name" || key == "event_name[]")
        .flat_map(|(_, value)| value.split(','))
        .collect();
    let instant_of = |name: &str| {
        asked
            .param(name)
            .map(|said| {
                said.parse::<Timestamp>()
                    .map_err(|_| Refusal::invalid(format!("{name} should be a date-time")))
            })
            .transpose()
    };
    let (from, to) = (instant_of("startDate")?, instant_of("endDate")?);
    let mut found: Vec<&Event> = brevo
        .events
        .iter()
        .filter(|one| {
            one.received + lag <= asked.now
                && (contacts.is_empty() || contacts.contains(&one.contact))
                && (names.is_empty() || names.contains(&one.name.as_str()))
                && from.is_none_or(|from| one.at >= from)
                && to.is_none_or(|to| one.at <= to)
                && asked
                    .param("object_type")
                    .is_none_or(|kind| one.object.as_deref() == Some(kind))
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.at));
    let page: Vec<Value> = found
        .iter()
        .skip(offset)
        .take(limit)
        .map(|one| {
            json!({
                "contact_id": one.contact, "event_name": one.name, "event_date": instant(one.at),
                "event_properties": one.properties, "contact_properties": one.contact_properties,
                "object_type": one.object,
            })
        })
        .collect();
    Ok(Reply::ok(&json!({ "events": page, "count": found.len() })))
}

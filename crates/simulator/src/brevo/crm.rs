//! Notes and tasks of Brevo's CRM. Neither has an id of the caller's: what is made twice is there twice.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Asked, Brevo, Refusal, Told, instant, numbers, text};
use crate::http::reply::Reply;

/// The kinds of task that an account has.
const TASK_TYPES: [(&str, &str); 3] = [
    ("61a5cd07ca1347c82306ad09", "Email"),
    ("61a5cd07ca1347c82306ad06", "Call"),
    ("61a5cd07ca1347c82306ad0a", "Todo"),
];

pub(super) fn answer(brevo: &mut Brevo, asked: &Asked<'_>, method: &str, rest: &[&str]) -> Told {
    match (method, rest) {
        ("GET", ["tasktypes"]) => Ok(Reply::ok(&json!(
            TASK_TYPES
                .iter()
                .map(|(id, title)| json!({ "id": id, "title": title }))
                .collect::<Vec<_>>()
        ))),
        ("POST", ["notes"]) => {
            let body = asked.object()?;
            let words = text(body, "text")?
                .filter(|words| !words.is_empty())
                .ok_or_else(|| Refusal::missing("text is missing"))?;
            let contacts = contacts(brevo, body, "contactIds")?;
            let id = brevo.next_hex();
            let note = json!({
                "id": id, "text": words, "contactIds": contacts, "dealIds": [], "companyIds": [],
                "authorId": { "email": "owner@brightwater.example" },
                "createdAt": instant(asked.now), "updatedAt": instant(asked.now),
            });
            brevo.notes.insert(id.clone(), note);
            Ok(Reply::json(StatusCode::CREATED, &json!({ "id": id })))
        }
        ("GET", ["notes"]) => {
            let (limit, offset) = asked.window(100, 50)?;
            let all: Vec<&Value> = brevo.notes.values().skip(offset).take(limit).collect();
            Ok(Reply::ok(&json!(all)))
        }
        ("POST", ["tasks"]) => {
            let body = asked.object()?;
            let need = |name: &'static str| {
                text(body, name)?
                    .filter(|said| !said.is_empty())
                    .ok_or_else(|| Refusal::missing(format!("{name} is missing")))
            };
            let kind = need("taskTypeId")?;
            if !TASK_TYPES.iter().any(|(id, _)| *id == kind) {
                return Err(Refusal::invalid("taskTypeId is invalid"));
            }
            let date = need("date")?;
            date.parse::<jiff::Timestamp>()
                .map_err(|_| Refusal::invalid("date is not a valid date"))?;
            let name = need("name")?;
            let contacts = contacts(brevo, body, "contactsIds")?;
            let id = brevo.next_hex();
            let task = json!({
                "id": id, "name": name, "taskTypeId": kind, "date": date, "contactsIds": contacts,
                "notes": body.get("notes"), "done": body.get("done").unwrap_or(&json!(false)),
                "duration": body.get("duration"), "assignToId": body.get("assignToId"),
            });
            brevo.tasks.insert(id.clone(), task);
            Ok(Reply::json(StatusCode::CREATED, &json!({ "id": id })))
        }
        ("GET", ["tasks"]) => {
            let (limit, offset) = asked.window(100, 50)?;
            let all: Vec<&Value> = brevo.tasks.values().skip(offset).take(limit).collect();
            Ok(Reply::ok(&json!({ "items": all })))
        }
        ("DELETE", [kind @ ("notes" | "tasks"), id]) => {
            let held = if *kind == "notes" {
                &mut brevo.notes
            } else {
                &mut brevo.tasks
            };
            match held.remove(*id) {
                Some(_) => Ok(Reply::no_content()),
                None => Err(Refusal::unknown("Object")),
            }
        }
        _ => Err(Refusal::unknown("Route")),
    }
}

/// The contacts that an object is linked to, all of which must be there.
fn contacts(brevo: &Brevo, body: &Map<String, Value>, field: &str) -> Result<Value, Refusal> {
    let all = numbers(body, field)?;
    if let Some(id) = all.iter().find(|id| !brevo.contacts.contains_key(id)) {
        return Err(Refusal::invalid(format!("Contact {id} does not exist")));
    }
    Ok(json!(all))
}

//! Lists in folders, and who is in them.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Asked, Brevo, Refusal, Told, text};
use crate::http::reply::Reply;

/// Most lists, and most folders.
const MOST: usize = 300;

/// Most contacts of one call that adds or removes.
const CHANGED_AT_ONCE: usize = 150;

/// One list.
#[derive(Debug)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) folder: u64,
    created: Timestamp,
}

pub(super) fn answer(brevo: &mut Brevo, asked: &Asked<'_>, method: &str, rest: &[&str]) -> Told {
    let number = |said: &str| {
        said.parse::<u64>()
            .map_err(|_| Refusal::invalid("Id should be an integer"))
    };
    match (method, rest) {
        ("GET", ["segments"]) => Ok(Reply::ok(&json!({ "segments": [], "count": 0 }))),
        ("GET", ["folders"]) => {
            let (limit, offset) = asked.window(50, 10)?;
            let all: Vec<u64> = brevo.folders.keys().rev().copied().collect();
            let page: Vec<Value> = all
                .iter()
                .skip(offset)
                .take(limit)
                .map(|id| folder(brevo, *id))
                .collect();
            Ok(Reply::ok(&json!({ "folders": page, "count": all.len() })))
        }
        ("POST", ["folders"]) => {
            let name = named(asked)?;
            if brevo.folders.len() >= MOST {
                return Err(Refusal::new(400, "out_of_range", "Folder limit reached"));
            }
            let id = brevo.next();
            brevo.folders.insert(id, name);
            Ok(Reply::json(StatusCode::CREATED, &json!({ "id": id })))
        }
        ("GET", ["folders", id]) => {
            let id = number(id)?;
            if !brevo.folders.contains_key(&id) {
                return Err(Refusal::unknown("Folder ID"));
            }
            Ok(Reply::ok(&folder(brevo, id)))
        }
        ("GET", ["folders", id, "lists"]) => {
            let id = number(id)?;
            if !brevo.folders.contains_key(&id) {
                return Err(Refusal::unknown("Folder ID"));
            }
            page_of(brevo, asked, |list| list.folder == id)
        }
        ("GET", ["lists"]) => page_of(brevo, asked, |_| true),
        ("POST", ["lists"]) => {
            let name = named(asked)?;
            let folder = asked
                .object()?
                .get("folderId")
                .and_then(Value::as_u64)
                .ok_or_else(|| Refusal::missing("folderId is missing"))?;
            Ok(Reply::json(
                StatusCode::CREATED,
                &json!({ "id": brevo.make_list(name, folder, asked.now)? }),
            ))
        }
        ("GET", ["lists", id]) => {
            let id = number(id)?;
            if !brevo.lists.contains_key(&id) {
                return Err(Refusal::unknown("List ID"));
            }
            let mut shown = list(brevo, id);
            shown["dynamicList"] = json!(false);
            shown["campaignStats"] = json!([]);
            Ok(Reply::ok(&shown))
        }
        ("DELETE", ["lists", id]) => {
            let id = number(id)?;
            brevo
                .lists
                .remove(&id)
                .ok_or_else(|| Refusal::unknown("List ID"))?;
            for contact in brevo.contacts.values_mut() {
                contact.lists.remove(&id);
            }
            Ok(Reply::no_content())
        }
        ("GET", ["lists", id, "contacts"]) => {
            let id = number(id)?;
            if !brevo.lists.contains_key(&id) {
                return Err(Refusal::unknown("List ID"));
            }
            let (limit, offset) = asked.window(500, 50)?;
            let all = brevo.members(id);
            let count = all.len();
            let page: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
            Ok(Reply::ok(&json!({ "contacts": page, "count": count })))
        }
        ("POST", ["lists", id, "contacts", verb @ ("add" | "remove")]) => {
            change(brevo, asked, number(id)?, *verb == "add")
        }
        _ => Err(Refusal::unknown("Route")),
    }
}

impl Brevo {
    /// A new list in a folder that is there.
    pub(super) fn make_list(
        &mut self,
        name: String,
        folder: u64,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        if !self.folders.contains_key(&folder) {
            return Err(Refusal::invalid("Folder ID does not exist"));
        }
        if self.lists.len() >= MOST {
            return Err(Refusal::new(400, "out_of_range", "List limit reached"));
        }
        let id = self.next();
        let created = now;
        self.lists.insert(
            id,
            List {
                name,
                folder,
                created,
            },
        );
        Ok(id)
    }
}

fn named(asked: &Asked<'_>) -> Result<String, Refusal> {
    text(asked.object()?, "name")?
        .filter(|name| !name.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Refusal::missing("name is missing"))
}

/// Counts of the contacts of some lists: unique, blocked.
fn counts(brevo: &Brevo, inside: impl Fn(&BTreeSet<u64>) -> bool) -> (usize, usize) {
    let members = || brevo.contacts.values().filter(|one| inside(&one.lists));
    (
        members().count(),
        members().filter(|one| one.email_blacklisted).count(),
    )
}

fn folder(brevo: &Brevo, id: u64) -> Value {
    let within = |lists: &BTreeSet<u64>| {
        lists
            .iter()
            .any(|list| brevo.lists.get(list).is_some_and(|list| list.folder == id))
    };
    let (unique, blocked) = counts(brevo, within);
    json!({
        "id": id, "name": brevo.folders.get(&id), "uniqueSubscribers": unique,
        "totalSubscribers": unique - blocked, "totalBlacklisted": blocked,
    })
}

fn list(brevo: &Brevo, id: u64) -> Value {
    let Some(held) = brevo.lists.get(&id) else {
        return Value::Null;
    };
    let (unique, blocked) = counts(brevo, |lists| lists.contains(&id));
    json!({
        "id": id, "name": held.name, "folderId": held.folder, "createdAt": super::instant(held.created),
        "uniqueSubscribers": unique, "totalSubscribers": unique - blocked, "totalBlacklisted": blocked,
    })
}

fn page_of(brevo: &Brevo, asked: &Asked<'_>, wanted: impl Fn(&List) -> bool) -> Told {
    let (limit, offset) = asked.window(50, 10)?;
    let mut all: Vec<u64> = brevo
        .lists
        .iter()
        .filter(|(_, one)| wanted(one))
        .map(|(id, _)| *id)
        .collect();
    if asked.param("sort") != Some("asc") {
        all.reverse();
    }
    let page: Vec<Value> = all
        .iter()
        .skip(offset)
        .take(limit)
        .map(|id| list(brevo, *id))
        .collect();
    Ok(Reply::ok(&json!({ "lists": page, "count": all.len() })))
}

fn change(brevo: &mut Brevo, asked: &Asked<'_>, list: u64, join: bool) -> Told {
    if !brevo.lists.contains_key(&list) {
        return Err(Refusal::unknown("List ID"));
    }
    let body = asked.object()?;
    let (by, said) = [
        ("email_id", "emails"),
        ("contact_id", "ids"),
        ("ext_id", "extIds"),
    ]
    .into_iter()
    .find_map(|(by, field)| Some((by, body.get(field)?.as_array()?)))
    .ok_or_else(|| Refusal::missing("emails, ids or extIds is required"))?;
    if said.is_empty() || said.len() > CHANGED_AT_ONCE {
        return Err(Refusal::new(
            400,
            "out_of_range",
            format!("contacts should be between 1 and {CHANGED_AT_ONCE}"),
        ));
    }
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for one in said {
        let name = one.as_str().map_or_else(|| one.to_string(), str::to_owned);
        let found = brevo.identified(by, &name);
        let changed = found
            .and_then(|id| brevo.contacts.get_mut(&id))
            .is_some_and(|contact| {
                if !join {
                    return contact.lists.remove(&list);
                }
                let new = contact.lists.insert(list);
                if new {
                    *contact.joined.entry(list).or_default() += 1;
                    contact.modified = asked.now;
                }
                new
            });
        if changed {
            done.push(one.clone());
        } else {
            failed.push(one.clone());
        }
    }
    if done.is_empty() {
        return Err(Refusal::invalid(if join {
            "Contact already in list and/or does not exist"
        } else {
            "Contact already removed from list and/or does not exist"
        }));
    }
    Ok(Reply::json(
        StatusCode::CREATED,
        &json!({ "contacts": { "success": done, "failure": failed } }),
    ))
}

//! Contacts: made, updated, found and taken away by e-mail address, external id or number.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Asked, Brevo, Refusal, Told, instant, numbers, text, truth};
use crate::http::reply::Reply;

/// Most contacts of one `POST /contacts/batch`.
const BATCH: usize = 100;

/// One contact.
#[derive(Debug)]
pub(super) struct Contact {
    pub(super) email: Option<String>,
    pub(super) ext_id: Option<String>,
    pub(super) attributes: BTreeMap<String, Value>,
    pub(super) lists: BTreeSet<u64>,
    pub(super) email_blacklisted: bool,
    sms_blacklisted: bool,
    created: Timestamp,
    pub(super) modified: Timestamp,
    /// What made it.
    pub(super) made_by: &'static str,
    /// How many calls wrote to it.
    pub(super) writes: u64,
    /// How often it came into each list.
    pub(super) joined: BTreeMap<u64, u64>,
}

/// What a call wants a contact to be.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) email: Option<String>,
    pub(super) ext_id: Option<String>,
    pub(super) attributes: Map<String, Value>,
    pub(super) join: BTreeSet<u64>,
    pub(super) leave: BTreeSet<u64>,
    pub(super) email_blacklisted: Option<bool>,
    pub(super) sms_blacklisted: Option<bool>,
}

impl Wanted {
    fn read(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let attributes = match body.get("attributes") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(all)) => all.clone(),
            Some(_) => return Err(Refusal::invalid("attributes should be an object")),
        };
        Ok(Self {
            email: text(body, "email")?.map(address).transpose()?,
            ext_id: text(body, "ext_id")?
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
            attributes,
            join: numbers(body, "listIds")?,
            leave: numbers(body, "unlinkListIds")?,
            email_blacklisted: truth(body, "emailBlacklisted")?,
            sms_blacklisted: truth(body, "smsBlacklisted")?,
        })
    }
}

/// An address as it is kept: lower case, and at least shaped like one.
pub(super) fn address(said: &str) -> Result<String, Refusal> {
    let said = said.trim().to_lowercase();
    let shaped = said.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
    });
    if !shaped || said.contains(char::is_whitespace) {
        return Err(Refusal::invalid("Invalid email address"));
    }
    Ok(said)
}

impl Brevo {
    /// The contact that an identifier names, as far as there is one.
    fn named(&self, identifier: &str, kind: Option<&str>) -> Result<Option<u64>, Refusal> {
        let by_number = || {
            let id = identifier.parse().ok()?;
            self.contacts.contains_key(&id).then_some(id)
        };
        let by_attribute = |name: &str| {
            self.contacts
                .iter()
                .find(|(_, one)| {
                    one.attributes.get(name).and_then(Value::as_str) == Some(identifier)
                })
                .map(|(id, _)| *id)
        };
        let by_email = || self.by_email.get(&identifier.to_lowercase()).copied();
        let by_ext_id = || self.by_ext_id.get(identifier).copied();
        match kind {
            Some("email_id") => Ok(by_email()),
            Some("contact_id") => Ok(by_number()),
            Some("ext_id") => Ok(by_ext_id()),
            Some("phone_id") => Ok(by_attribute("SMS")),
            Some("whatsapp_id") => Ok(by_attribute("WHATSAPP")),
            Some("landline_number_id") => Ok(by_attribute("LANDLINE_NUMBER")),
            Some(_) => Err(Refusal::invalid("Invalid identifierType")),
            None => Ok(by_email().or_else(by_number).or_else(by_ext_id)),
        }
    }

    /// Attributes must be known, lists must be there.
    fn check(&self, wanted: &Wanted) -> Result<(), Refusal> {
        if let Some(name) = wanted
            .attributes
            .keys()
            .find(|name| *name != "EMAIL" && !self.attributes.contains_key(name.as_str()))
        {
            return Err(Refusal::invalid(format!("Attribute {name} does not exist")));
        }
        if let Some(id) = wanted.join.iter().find(|id| !self.lists.contains_key(id)) {
            return Err(Refusal::invalid(format!("List {id} does not exist")));
        }
        Ok(())
    }

    /// A new contact, with nothing but its identifiers.
    pub(super) fn make(&mut self, wanted: &Wanted, by: &'static str, now: Timestamp) -> u64 {
        let id = self.next();
        if let Some(email) = &wanted.email {
            self.by_email.insert(email.clone(), id);
        }
        if let Some(ext_id) = &wanted.ext_id {
            self.by_ext_id.insert(ext_id.clone(), id);
        }
        self.contacts.insert(
            id,
            Contact {
                email: wanted.email.clone(),
                ext_id: wanted.ext_id.clone(),
                attributes: BTreeMap::new(),
                lists: BTreeSet::new(),
                email_blacklisted: false,
                sms_blacklisted: false,
                created: now,
                modified: now,
                made_by: by,
                writes: 0,
                joined: BTreeMap::new(),
            },
        );
        id
    }

    /// Writes what is wanted into a contact that is there. Values of a wrong type are left out, and remembered.
    pub(super) fn write(
        &mut self,
        id: u64,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.check(wanted)?;
        let email = wanted.attributes.get("EMAIL").and_then(Value::as_str);
        let email = match email {
            Some(said) => Some(address(said)?),
            None => wanted.email.clone(),
        };
        let mut taken = Vec::new();
        if let Some(email) = &email
            && self.by_email.get(email).is_some_and(|held| *held != id)
        {
            taken.push("email");
        }
        if let Some(ext_id) = &wanted.ext_id
            && self.by_ext_id.get(ext_id).is_some_and(|held| *held != id)
        {
            taken.push("ext_id");
        }
        if !taken.is_empty() {
            return Err(Refusal::duplicate(&taken));
        }
        let Some(contact) = self.contacts.get_mut(&id) else {
            return Err(Refusal::unknown("Contact"));
        };
        if let Some(email) = email
            && contact.email.as_ref() != Some(&email)
        {
            if let Some(old) = contact.email.replace(email.clone()) {
                self.by_email.remove(&old);
            }
            self.by_email.insert(email, id);
        }
        if let Some(ext_id) = &wanted.ext_id
            && contact.ext_id.as_ref() != Some(ext_id)
        {
            if let Some(old) = contact.ext_id.replace(ext_id.clone()) {
                self.by_ext_id.remove(&old);
            }
            self.by_ext_id.insert(ext_id.clone(), id);
        }
        for (name, value) in &wanted.attributes {
            let Some(attribute) = self.attributes.get(name) else {
                continue;
            };
            if value.is_null() || value.as_str() == Some("") {
                contact.attributes.remove(name);
            } else if let Some(kept) = attribute.keep(value) {
                contact.attributes.insert(name.clone(), kept);
            } else {
                self.dropped.push(json!({
                    "contact": contact.email, "attribute": name, "value": value,
                }));
            }
        }
        for list in &wanted.join {
            if contact.lists.insert(*list) {
                *contact.joined.entry(*list).or_default() += 1;
            }
        }
        contact.lists.retain(|list| !wanted.leave.contains(list));
        if let Some(blacklisted) = wanted.email_blacklisted {
            if contact.email_blacklisted && !blacklisted {
                self.resubscribed
                    .push(contact.email.clone().unwrap_or_default());
            }
            contact.email_blacklisted = blacklisted;
        }
        if let Some(blacklisted) = wanted.sms_blacklisted {
            contact.sms_blacklisted = blacklisted;
        }
        contact.modified = now;
        contact.writes += 1;
        Ok(())
    }

    /// Takes a contact away.
    fn remove(&mut self, id: u64) {
        if let Some(gone) = self.contacts.remove(&id) {
            self.by_email.retain(|_, held| *held != id);
            self.by_ext_id.retain(|_, held| *held != id);
            tracing::debug!(email = gone.email, "contact taken away");
        }
    }
}

pub(super) fn answer(brevo: &mut Brevo, asked: &Asked<'_>, method: &str, rest: &[&str]) -> Told {
    match (method, rest) {
        ("POST", []) => create(brevo, asked),
        ("GET", []) => list(brevo, asked),
        (_, [identifier]) => {
            let kind = asked.param("identifierType");
            let id = brevo
                .named(identifier, kind)?
                .ok_or_else(|| Refusal::unknown("Contact"))?;
            match method {
                "GET" => {
                    let mut shown = brevo.shown(id);
                    shown["statistics"] = json!({});
                    Ok(Reply::ok(&shown))
                }
                "PUT" => {
                    let wanted = Wanted::read(asked.object()?)?;
                    brevo.write(id, &wanted, asked.now)?;
                    Ok(Reply::no_content())
                }
                "DELETE" => {
                    brevo.remove(id);
                    Ok(Reply::no_content())
                }
                _ => Err(not_allowed()),
            }
        }
        _ => Err(Refusal::unknown("Route")),
    }
}

pub(super) fn not_allowed() -> Refusal {
    Refusal::new(405, "method_not_allowed", "Method not allowed")
}

fn create(brevo: &mut Brevo, asked: &Asked<'_>) -> Told {
    let body = asked.object()?;
    let wanted = Wanted::read(body)?;
    let phone = wanted.attributes.get("SMS").and_then(Value::as_str);
    if wanted.email.is_none() && wanted.ext_id.is_none() && phone.is_none() {
        return Err(Refusal::missing("Email, SMS or ext_id is required"));
    }
    brevo.check(&wanted)?;
    let by_email = wanted
        .email
        .as_ref()
        .and_then(|email| brevo.by_email.get(email))
        .copied();
    let by_ext_id = wanted
        .ext_id
        .as_ref()
        .and_then(|id| brevo.by_ext_id.get(id))
        .copied();
    let update = truth(body, "updateEnabled")?.unwrap_or(false);
    let found = match (by_email, by_ext_id) {
        // An address of its own beside a known external id would be a second contact.
        (None, Some(_)) if wanted.email.is_some() => return Err(Refusal::duplicate(&["ext_id"])),
        (Some(one), Some(other)) if one != other => return Err(Refusal::duplicate(&["ext_id"])),
        (one, other) => one.or(other),
    };
    match found {
        Some(_) if !update => {
            let what: &[&str] = if by_email.is_some() {
                &["email"]
            } else {
                &["ext_id"]
            };
            Err(Refusal::duplicate(what))
        }
        Some(id) => {
            brevo.write(id, &wanted, asked.now)?;
            if truth(body, "getId")?.unwrap_or(false) {
                return Ok(Reply::ok(&json!({ "id": id })));
            }
            Ok(Reply::no_content())
        }
        None => {
            let id = brevo.make(&wanted, "contacts", asked.now);
            brevo.write(id, &wanted, asked.now)?;
            Ok(Reply::json(StatusCode::CREATED, &json!({ "id": id })))
        }
    }
}

fn list(brevo: &Brevo, asked: &Asked<'_>) -> Told {
    let (limit, offset) = asked.window(1000, 50)?;
    let since = |name: &str| {
        asked
            .param(name)
            .map(|said| {
                said.parse::<Timestamp>()
                    .map_err(|_| Refusal::invalid(format!("{name} should be a date-time")))
            })
            .transpose()
    };
    let (modified, created) = (since("modifiedSince")?, since("createdSince")?);
    let lists = many(asked, "listIds")?;
    let ids = many(asked, "ids")?;
    let mut found: Vec<u64> = brevo
        .contacts
        .iter()
        .filter(|(id, one)| {
            modified.is_none_or(|since| one.modified > since)
                && created.is_none_or(|since| one.created > since)
                && (lists.is_empty() || lists.iter().any(|list| one.lists.contains(list)))
                && (ids.is_empty() || ids.contains(id))
        })
        .map(|(id, _)| *id)
        .collect();
    if asked.param("sort") != Some("asc") {
        found.reverse();
    }
    let page: Vec<Value> = found
        .iter()
        .skip(offset)
        .take(limit)
        .map(|id| brevo.shown(*id))
        .collect();
    Ok(Reply::ok(
        &json!({ "contacts": page, "count": found.len() }),
    ))
}

/// Numbers of a query parameter that may be given several times or with commas.
pub(super) fn many(asked: &Asked<'_>, name: &str) -> Result<BTreeSet<u64>, Refusal> {
    asked
        .ctx
        .call
        .query
        .iter()
        .filter(|(key, _)| key == name || key.strip_suffix("[]") == Some(name))
        .flat_map(|(_, value)| value.split(','))
        .map(|one| {
            one.trim()
                .parse()
                .map_err(|_| Refusal::invalid(format!("{name} should be of type integer")))
        })
        .collect()
}

/// Updates of contacts that are there; it makes none.
pub(super) fn batch(brevo: &mut Brevo, asked: &Asked<'_>) -> Told {
    let all = asked
        .object()?
        .get("contacts")
        .and_then(Value::as_array)
        .ok_or_else(|| Refusal::missing("contacts is missing"))?;
    if all.is_empty() || all.len() > BATCH {
        return Err(Refusal::new(
            400,
            "out_of_range",
            format!("contacts should be between 1 and {BATCH}"),
        ));
    }
    for one in all {
        let one = one
            .as_object()
            .ok_or_else(|| Refusal::invalid("contacts should be objects"))?;
        let mut wanted = Wanted::read(one)?;
        let found = if let Some(id) = one.get("id").and_then(Value::as_u64) {
            brevo.contacts.contains_key(&id).then_some(id)
        } else if let Some(email) = wanted.email.take() {
            brevo.by_email.get(&email).copied()
        } else if let Some(phone) = text(one, "sms")? {
            brevo.named(phone, Some("phone_id"))?
        } else {
            return Err(Refusal::missing("email, id or sms is required"));
        };
        brevo.check(&wanted)?;
        if let Some(id) = found {
            brevo.write(id, &wanted, asked.now)?;
        }
    }
    Ok(Reply::no_content())
}

impl Brevo {
    /// A contact as Brevo shows it.
    fn shown(&self, id: u64) -> Value {
        let Some(one) = self.contacts.get(&id) else {
            return Value::Null;
        };
        let mut attributes = json!(one.attributes);
        if let Some(ext_id) = &one.ext_id {
            attributes["EXT_ID"] = json!(ext_id);
        }
        let mut shown = json!({
            "id": id,
            "attributes": attributes,
            "emailBlacklisted": one.email_blacklisted,
            "smsBlacklisted": one.sms_blacklisted,
            "whatsappBlacklisted": false,
            "createdAt": instant(one.created),
            "modifiedAt": instant(one.modified),
            "listIds": one.lists,
        });
        if let Some(email) = &one.email {
            shown["email"] = json!(email);
        }
        shown
    }

    /// The contacts of a list, as Brevo shows them.
    pub(super) fn members(&self, list: u64) -> Vec<Value> {
        let inside = |one: &Contact| one.lists.contains(&list);
        let members = self.contacts.iter().filter(|(_, one)| inside(one));
        members.map(|(id, _)| self.shown(*id)).collect()
    }

    /// The contact that an address, number or external id names.
    pub(super) fn identified(&self, by: &str, value: &str) -> Option<u64> {
        self.named(value, Some(by)).ok().flatten()
    }
}

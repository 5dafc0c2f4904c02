//! What is at Brevo besides contacts: attributes with their types, lists in their folder, sorts of task. Looked up once, made
//! where missing.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::api::{Api, Class, Reply, Silence};
use super::mapping::{Attribute, AttributeType, Mapping};
use super::verdict;
use crate::activate::model::{Outcome, Said};

/// Lists of a page, the most that Brevo gives.
const PAGE: usize = 50;
/// Most pages that are read.
const PAGES: usize = 10;

/// What was found or made.
#[derive(Debug, Default)]
pub(super) struct Account {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    attributes_are_right: bool,
    folder: Option<u64>,
    lists: Option<BTreeMap<String, u64>>,
    task_types: Option<BTreeMap<String, String>>,
}

/// Why something cannot be had, for a delivery.
pub(super) type Stop = Box<Outcome>;

pub(super) fn stop(silence: Silence) -> Stop {
    Box::new(match silence {
        Silence::Lost(said) => Outcome::Retry { after: None, said },
        Silence::NotSent(said, after) => Outcome::Retry { after, said },
    })
}

fn fine(reply: Reply) -> Result<Value, Stop> {
    if reply.is_success() {
        Ok(reply.body)
    } else {
        Err(Box::new(verdict::outcome(reply.said, None)))
    }
}

impl Account {
    /// Forgets what was looked up: something of it is not there any more.
    pub(super) async fn forget(&self) {
        *self.state.lock().await = State::default();
    }

    /// Sees to it that all attributes of the mapping are there with their types.
    pub(super) async fn attributes(&self, api: &Api, mapping: &Mapping) -> Result<(), Stop> {
        let mut state = self.state.lock().await;
        if state.attributes_are_right {
            return Ok(());
        }
        let reply = api
            .call(Class::Contacts, Method::GET, "/contacts/attributes", None)
            .await
            .map_err(stop)?;
        let said = reply.said.clone();
        let body = fine(reply)?;
        let empty = Vec::new();
        let there: BTreeMap<&str, &Value> = body["attributes"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .filter_map(|one| Some((one["name"].as_str()?, one)))
            .collect();
        for attribute in mapping.attributes() {
            match there.get(attribute.name.as_str()) {
                Some(held) => {
                    if let Err(why) = same(attribute, held) {
                        return Err(wrong(attribute, &why, said));
                    }
                }
                None if attribute.create => make(api, attribute).await?,
                None => {
                    let why = "the account has no attribute of this name";
                    return Err(wrong(attribute, why, said));
                }
            }
        }
        state.attributes_are_right = true;
        Ok(())
    }

    /// The number of a list, which is made when it is missing.
    pub(super) async fn list(&self, api: &Api, mapping: &Mapping, name: &str) -> Result<u64, Stop> {
        let mut state = self.state.lock().await;
        if state.lists.is_none() {
            let (folder, lists) = look(api, mapping.folder()).await?;
            state.folder = Some(folder);
            state.lists = Some(lists);
        }
        let folder = state.folder.unwrap_or_default();
        let lists = state.lists.get_or_insert_default();
        if let Some(id) = lists.get(name) {
            return Ok(*id);
        }
        if lists.len() >= usize::try_from(mapping.most_lists()).unwrap_or(usize::MAX) {
            return Err(Box::new(Outcome::Mend {
                field: Some("list".to_owned()),
                rule: None,
                said: Said::text(&format!("{name} would be one list more than names.most_lists allows")),
                advice: "Let fewer meetings have lists of their own, or raise names.most_lists (Brevo has room for 300 lists)."
                    .to_owned(),
            }));
        }
        let body = json!({ "name": name, "folderId": folder });
        let made = api
            .call(
                Class::Contacts,
                Method::POST,
                "/contacts/lists",
                Some(&body),
            )
            .await;
        let made = match made {
            Ok(reply) => fine(reply)?,
            Err(silence) => {
                // It may have been made: look anew the next time instead of making a twin.
                state.lists = None;
                return Err(stop(silence));
            }
        };
        let id = made["id"].as_u64().unwrap_or_default();
        lists.insert(name.to_owned(), id);
        Ok(id)
    }

    /// The id of a sort of task, by its title.
    pub(super) async fn task_type(&self, api: &Api, title: &str) -> Result<String, Stop> {
        let mut state = self.state.lock().await;
        if state.task_types.is_none() {
            let reply = api
                .call(Class::Rest, Method::GET, "/crm/tasktypes", None)
                .await
                .map_err(stop)?;
            let body = fine(reply)?;
            let empty = Vec::new();
            state.task_types = Some(
                body.as_array()
                    .unwrap_or(&empty)
                    .iter()
                    .filter_map(|one| {
                        let title = one["title"].as_str()?.to_lowercase();
                        Some((title, one["id"].as_str()?.to_owned()))
                    })
                    .collect(),
            );
        }
        let kinds = state.task_types.get_or_insert_default();
        kinds.get(&title.to_lowercase()).cloned().ok_or_else(|| {
            let all: Vec<&str> = kinds.keys().map(String::as_str).collect();
            Box::new(Outcome::Mend {
                field: Some("type".to_owned()),
                rule: None,
                said: Said::text(&format!("the account has no sort of task {title:?}")),
                advice: format!("Sorts are: {}.", all.join(", ")),
            })
        })
    }
}

/// Whether an attribute is what the mapping says: another type would swallow values without a word.
fn same(attribute: &Attribute, held: &Value) -> Result<(), String> {
    let (category, kind) = (held["category"].as_str(), held["type"].as_str());
    let right = match attribute.kind {
        AttributeType::Category => category == Some("category"),
        wanted => category == Some("normal") && kind == Some(wanted.as_str()),
    };
    if !right {
        let there = if category == Some("normal") {
            kind
        } else {
            category
        };
        return Err(format!(
            "it is of type {} at Brevo, and {} in the mapping",
            there.unwrap_or("unknown"),
            attribute.kind.as_str()
        ));
    }
    if attribute.kind == AttributeType::Category {
        let labels: Vec<&str> = held["enumeration"]
            .as_array()
            .map(|all| all.iter().filter_map(|one| one["label"].as_str()).collect())
            .unwrap_or_default();
        if let Some(missing) = attribute
            .options
            .iter()
            .find(|option| !labels.contains(&option.as_str()))
        {
            return Err(format!("the option {missing:?} is not at Brevo"));
        }
    }
    Ok(())
}

fn wrong(attribute: &Attribute, why: &str, said: Said) -> Stop {
    let line = attribute
        .rule
        .line
        .map(|line| format!(" (mapping line {line})"))
        .unwrap_or_default();
    Box::new(Outcome::Halt {
        reason: format!("{}: {why}{line}", attribute.name),
        advice: "Correct the mapping or the attribute at Brevo, then switch the destination on; nothing is sent until then, since Brevo drops values of a wrong type without a word.".to_owned(),
        said,
    })
}

async fn make(api: &Api, attribute: &Attribute) -> Result<(), Stop> {
    let (category, body) = if attribute.kind == AttributeType::Category {
        let all: Vec<Value> = attribute
            .options
            .iter()
            .zip(1..)
            .map(|(label, value)| json!({ "value": value, "label": label }))
            .collect();
        ("category", json!({ "enumeration": all }))
    } else {
        ("normal", json!({ "type": attribute.kind.as_str() }))
    };
    let path = format!("/contacts/attributes/{category}/{}", attribute.name);
    fine(
        api.call(Class::Contacts, Method::POST, &path, Some(&body))
            .await
            .map_err(stop)?,
    )?;
    Ok(())
}

/// The folder, which is made when it is missing, and its lists.
async fn look(api: &Api, folder: &str) -> Result<(u64, BTreeMap<String, u64>), Stop> {
    let folders = all(api, "/contacts/folders", "folders").await?;
    let Some(id) = folders.get(folder).copied() else {
        let body = json!({ "name": folder });
        let made = api
            .call(
                Class::Contacts,
                Method::POST,
                "/contacts/folders",
                Some(&body),
            )
            .await
            .map_err(stop)?;
        let made = fine(made)?;
        return Ok((made["id"].as_u64().unwrap_or_default(), BTreeMap::new()));
    };
    let path = format!("/contacts/folders/{id}/lists");
    Ok((id, all(api, &path, "lists").await?))
}

/// Names and numbers of everything under a path.
async fn all(api: &Api, path: &str, key: &str) -> Result<BTreeMap<String, u64>, Stop> {
    let mut out = BTreeMap::new();
    for page in 0..PAGES {
        let path = format!("{path}?limit={PAGE}&offset={}&sort=asc", page * PAGE);
        let reply = api
            .call(Class::Contacts, Method::GET, &path, None)
            .await
            .map_err(stop)?;
        let body = fine(reply)?;
        let empty = Vec::new();
        let some = body[key].as_array().unwrap_or(&empty);
        for one in some {
            if let (Some(name), Some(id)) = (one["name"].as_str(), one["id"].as_u64()) {
                // Of twins the older one is used, always.
                out.entry(name.to_owned()).or_insert(id);
            }
        }
        if some.len() < PAGE {
            break;
        }
    }
    Ok(out)
}

/// A piece of a path.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

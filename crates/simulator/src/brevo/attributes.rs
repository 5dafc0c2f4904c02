//! Attributes of contacts and their types; values of a wrong type are left out without a word.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Asked, Brevo, Refusal, Told, text};
use crate::http::reply::Reply;

/// Most attributes that can be added.
const MOST: usize = 200;

/// One attribute.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) category: String,
    pub(super) kind: Option<String>,
    /// Value and label of a category's choices.
    pub(super) choices: Vec<(i64, String)>,
    /// Choices of a multiple-choice attribute.
    pub(super) options: Vec<String>,
    value: Option<String>,
}

/// What an account has from the beginning.
pub(super) fn at_first() -> BTreeMap<String, Attribute> {
    [
        "LASTNAME",
        "FIRSTNAME",
        "SMS",
        "WHATSAPP",
        "LANDLINE_NUMBER",
        "EXT_ID",
    ]
    .into_iter()
    .map(|name| {
        let attribute = Attribute {
            category: "normal".to_owned(),
            kind: Some("text".to_owned()),
            choices: Vec::new(),
            options: Vec::new(),
            value: None,
        };
        (name.to_owned(), attribute)
    })
    .collect()
}

pub(super) fn answer(brevo: &mut Brevo, asked: &Asked<'_>, method: &str, rest: &[&str]) -> Told {
    match (method, rest) {
        ("GET", []) => Ok(Reply::ok(&json!({
            "attributes": brevo.attributes.iter().map(|(name, one)| one.json(name)).collect::<Vec<_>>(),
        }))),
        ("POST", [category, name]) => {
            let made = read(category, name, asked.object()?)?;
            let name = name.to_uppercase();
            if brevo.attributes.contains_key(&name) {
                return Err(Refusal::invalid("Attribute name must be unique"));
            }
            if brevo.attributes.len() >= MOST + at_first().len() {
                return Err(Refusal::new(400, "out_of_range", "Attribute limit reached"));
            }
            brevo.attributes.insert(name, made);
            Ok(Reply::json(StatusCode::CREATED, &json!({})))
        }
        ("PUT", [category, name]) => {
            let body = asked.object()?;
            let held = brevo
                .attributes
                .get_mut(&name.to_uppercase())
                .filter(|held| held.category == *category)
                .ok_or_else(|| Refusal::unknown("Attribute"))?;
            for (value, label) in choices(body)? {
                held.choices.retain(|(held, _)| *held != value);
                held.choices.push((value, label));
            }
            Ok(Reply::no_content())
        }
        ("DELETE", [category, name]) => {
            let name = name.to_uppercase();
            let held = brevo.attributes.get(&name);
            if held.is_none_or(|held| held.category != *category) {
                return Err(Refusal::unknown("Attribute"));
            }
            brevo.attributes.remove(&name);
            for contact in brevo.contacts.values_mut() {
                contact.attributes.remove(&name);
            }
            Ok(Reply::no_content())
        }
        _ => Err(Refusal::unknown("Route")),
    }
}

fn choices(body: &Map<String, Value>) -> Result<Vec<(i64, String)>, Refusal> {
    let Some(said) = body.get("enumeration") else {
        return Ok(Vec::new());
    };
    let wrong = || Refusal::invalid("enumeration should be an array of value and label");
    let all = said.as_array().ok_or_else(wrong)?;
    all.iter()
        .map(|one| {
            let value = one["value"].as_i64().ok_or_else(wrong)?;
            let label = one["label"].as_str().filter(|label| label.len() <= 200);
            Ok((value, label.ok_or_else(wrong)?.to_owned()))
        })
        .collect()
}

fn read(category: &str, name: &str, body: &Map<String, Value>) -> Result<Attribute, Refusal> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || name.len() > 50 || !name.bytes().all(fits) {
        return Err(Refusal::invalid(
            "Attribute name should be alphanumeric and can contain underscores only",
        ));
    }
    let kind = text(body, "type")?;
    let choices = choices(body)?;
    match (category, kind) {
        ("normal", Some("text" | "date" | "float" | "boolean" | "multiple-choice" | "user"))
        | ("transactional", Some("text" | "date" | "float" | "boolean" | "id")) => {}
        ("category", None | Some("category")) if !choices.is_empty() => {}
        ("category", _) => return Err(Refusal::missing("enumeration is missing")),
        ("calculated" | "global", None) if body.contains_key("value") => {}
        ("calculated" | "global", _) => return Err(Refusal::missing("value is missing")),
        ("normal" | "transactional", _) => {
            return Err(Refusal::invalid("Invalid attribute type"));
        }
        _ => return Err(Refusal::invalid("Invalid attribute category")),
    }
    let options = body
        .get("multiCategoryOptions")
        .and_then(Value::as_array)
        .map(|all| {
            all.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    Ok(Attribute {
        category: category.to_owned(),
        kind: kind.map(str::to_owned).filter(|kind| kind != "category"),
        choices,
        options,
        value: text(body, "value")?.map(str::to_owned),
    })
}

impl Attribute {
    fn json(&self, name: &str) -> Value {
        let mut shown = json!({ "name": name, "category": self.category });
        if let Some(kind) = &self.kind {
            shown["type"] = json!(kind);
        }
        if let Some(value) = &self.value {
            shown["calculatedValue"] = json!(value);
        }
        if self.category == "category" {
            shown["enumeration"] = self
                .choices
                .iter()
                .map(|(value, label)| {
                    json!({ "value": value, "label": label, "valueStr": value.to_string() })
                })
                .collect();
        }
        if !self.options.is_empty() {
            shown["multiCategoryOptions"] = json!(self.options);
        }
        shown
    }

    /// The value as it is kept, or nothing when it does not fit the type.
    pub(super) fn keep(&self, said: &Value) -> Option<Value> {
        if self.category == "category" {
            let found = self.choices.iter().find(|(value, label)| {
                said.as_i64() == Some(*value)
                    || said
                        .as_str()
                        .is_some_and(|said| said == label || said == value.to_string())
            });
            return found.map(|(value, _)| json!(value));
        }
        match (self.kind.as_deref(), said) {
            (Some("text" | "user" | "id"), Value::String(_))
            | (Some("boolean"), Value::Bool(_))
            | (Some("float"), Value::Number(_)) => Some(said.clone()),
            (Some("text"), Value::Number(number)) => Some(json!(number.to_string())),
            (Some("float"), Value::String(text)) => {
                text.trim().parse::<f64>().ok().map(|number| json!(number))
            }
            (Some("boolean"), Value::String(text)) => match text.as_str() {
                "true" | "yes" | "1" => Some(json!(true)),
                "false" | "no" | "0" => Some(json!(false)),
                _ => None,
            },
            (Some("date"), Value::String(text)) => {
                // A date has no time of day; one with a time is no date.
                text.parse::<jiff::civil::Date>()
                    .ok()
                    .filter(|_| text.len() == 10)
                    .map(|_| said.clone())
            }
            (Some("multiple-choice"), Value::Array(all)) => all
                .iter()
                .all(|one| {
                    one.as_str()
                        .is_some_and(|one| self.options.iter().any(|held| held == one))
                })
                .then(|| said.clone()),
            _ => None,
        }
    }
}

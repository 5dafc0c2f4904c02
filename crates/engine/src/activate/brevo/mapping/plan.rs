//! What Brevo is to have of one person, and why: pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::expression::Expression;
use super::file::{AttributeType, ConsentRule, ExtId};
use super::worth::{About, Worth};
use super::{Attribute, Conditions, Mapping};
use crate::activate::model::{Again, LeftOut, Moment, Person, PersonFile, Plan, Planned, Rule};

/// Largest properties of one event, in bytes.
const PROPERTIES: usize = 50 * 1024;

/// One field of something that would be sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Explained {
    /// Of what: `contact`, `event zoom_meeting_attended` …
    pub of: String,
    /// The field at Brevo.
    pub field: String,
    /// What would be sent; none when nothing would be.
    pub value: Option<Value>,
    /// Where it comes from: the expression, or why there is nothing.
    pub from: String,
    /// The line of the mapping, from 1.
    pub line: Option<u32>,
}

impl Mapping {
    /// Everything that Brevo is to have of a person.
    pub fn plan(&self, file: &PersonFile) -> Plan {
        let mut plan = Plan::default();
        let person = &file.person;
        let about = About {
            person,
            moment: None,
        };
        let all = format!("everything about {}", person.email);
        if !is_address(&person.email) {
            plan.left_out.push(LeftOut {
                what: all,
                why: "there is no address to send under".to_owned(),
                rule: None,
            });
            return plan;
        }
        if let Some((words, rule)) = failing(&self.people, &about) {
            plan.left_out
                .push(left(all, format!("people: {words} does not hold"), rule));
            return plan;
        }
        let mut making = Making {
            mapping: self,
            person,
            lane: person.id.to_string(),
            plan,
        };
        making.contact(&about);
        making.memberships(file);
        for moment in &file.moments {
            let about = About {
                person,
                moment: Some(moment),
            };
            making.events(moment, &about);
            making.mails(moment, &about);
            making.crm(moment, &about);
        }
        making.plan
    }

    /// Each field of a person's contact and of what would be sent of their moments, with where it comes from.
    pub fn explain(&self, file: &PersonFile) -> Vec<Explained> {
        let person = &file.person;
        let about = About {
            person,
            moment: None,
        };
        if !is_address(&person.email) || failing(&self.people, &about).is_some() {
            return Vec::new();
        }
        let mut out = Vec::new();
        let mut tell =
            |of: &str, field: &str, value: Option<Value>, from: &str, line: Option<u32>| {
                out.push(Explained {
                    of: of.to_owned(),
                    field: field.to_owned(),
                    value,
                    from: from.to_owned(),
                    line,
                });
            };
        tell(
            "contact",
            "email",
            Some(json!(person.email)),
            "{person.email}",
            None,
        );
        if self.ext_id != ExtId::Never {
            tell(
                "contact",
                "ext_id",
                Some(json!(ext_id(person))),
                "parfocal:{person.id}",
                None,
            );
        }
        let everybody = json!([self.everybody]);
        tell(
            "contact",
            "lists",
            Some(everybody),
            "names.everybody, when the contact is made",
            None,
        );
        for attribute in &self.attributes {
            let (value, from) = match attribute.value(&about) {
                Ok(Some(value)) => (Some(value), attribute.value.source.clone()),
                Ok(None) if attribute.clear => (
                    Some(json!("")),
                    format!("{}: nothing, so it is emptied", attribute.value.source),
                ),
                Ok(None) => (None, format!("{}: nothing", attribute.value.source)),
                Err(why) => (None, format!("{}: {why}", attribute.value.source)),
            };
            tell(
                "contact",
                &attribute.name,
                value,
                &from,
                attribute.rule.line,
            );
        }
        for moment in &file.moments {
            let about = About {
                person,
                moment: Some(moment),
            };
            for event in self.events.iter().filter(|event| event.on == moment.kind) {
                if failing(&event.when, &about).is_some() {
                    continue;
                }
                for (name, expression) in &event.properties {
                    tell(
                        &format!("event {} of {}", event.name, moment.at),
                        name,
                        expression.worth(&about).json(),
                        &expression.source,
                        event.rule.line,
                    );
                }
            }
        }
        out
    }
}

/// What contacts are known by.
fn ext_id(person: &Person) -> String {
    format!("parfocal:{}", person.id)
}

/// Shaped like an address; Brevo says no to the rest.
fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !text.contains(char::is_whitespace)
    })
}

fn left(what: String, why: String, rule: &Rule) -> LeftOut {
    LeftOut {
        what,
        why,
        rule: Some(rule.clone()),
    }
}

/// The first test that does not hold.
fn failing<'c>(conditions: &'c Conditions, about: &About<'_>) -> Option<(&'c str, &'c Rule)> {
    conditions
        .iter()
        .find(|(condition, _)| !condition.holds(about))
        .map(|(condition, rule)| (condition.words(), rule))
}

impl ConsentRule {
    /// Why a person's word stands against it.
    fn against(self, person: &Person) -> Option<&'static str> {
        match (self, &person.consent) {
            (Self::Any, _) => None,
            (_, Some(said)) if !said.granted => Some("the person said no to being written to"),
            (Self::Required, None) => Some("the person did not say yes to being written to"),
            _ => None,
        }
    }
}

impl Attribute {
    /// The value in the form that its type takes; nothing when there is nothing.
    ///
    /// # Errors
    /// Why the value does not fit.
    fn value(&self, about: &About<'_>) -> Result<Option<Value>, String> {
        let worth = self.value.worth(about);
        let utc = |at: Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let fitting = match (self.kind, worth) {
            (_, Worth::Nothing) => return Ok(None),
            (AttributeType::Text, worth) => worth.text().map(|text| json!(text)),
            (AttributeType::Float, worth @ Worth::Number(_))
            | (AttributeType::Boolean, worth @ Worth::Truth(_)) => worth.json(),
            (AttributeType::Date, Worth::Date(date)) => Some(json!(date.to_string())),
            (AttributeType::Date, Worth::Instant(at)) => Some(json!(utc(at).to_string())),
            (AttributeType::Category, Worth::Text(text)) => {
                if !self.options.contains(&text) {
                    return Err(format!("{text:?} is not among the options"));
                }
                Some(json!(text))
            }
            (kind, worth) => {
                return Err(format!(
                    "{:?} is no {}",
                    worth.text().unwrap_or_default(),
                    kind.as_str()
                ));
            }
        };
        fitting
            .map(Some)
            .ok_or_else(|| "it is no number that can be written".to_owned())
    }
}

/// A plan in the making.
struct Making<'m> {
    mapping: &'m Mapping,
    person: &'m Person,
    lane: String,
    plan: Plan,
}

impl Making<'_> {
    fn send(
        &mut self,
        kind: &'static str,
        rank: u8,
        key: String,
        body: Value,
        rule: Option<&Rule>,
        moment: Option<&Moment>,
    ) {
        self.plan.send.push(Planned {
            key,
            kind,
            rank,
            ord: moment.map_or(0, |moment| moment.at.as_microsecond()),
            lane: self.lane.clone(),
            body,
            again: if kind == "contact" {
                Again::WhenChanged
            } else {
                Again::Never
            },
            at: moment.map(|moment| moment.at),
            rule: rule.cloned(),
        });
    }

    fn leave(&mut self, what: String, why: String, rule: &Rule) {
        self.plan.left_out.push(left(what, why, rule));
    }

    fn contact(&mut self, about: &About<'_>) {
        let mut attributes = Map::new();
        let mapping = self.mapping;
        for attribute in &mapping.attributes {
            match attribute.value(about) {
                Ok(Some(value)) => {
                    attributes.insert(attribute.name.clone(), value);
                }
                Ok(None) if attribute.clear => {
                    attributes.insert(attribute.name.clone(), json!(""));
                }
                Ok(None) => {}
                Err(why) => {
                    self.leave(
                        format!("attribute {}", attribute.name),
                        why,
                        &attribute.rule,
                    );
                }
            }
        }
        let mut body = json!({ "email": self.person.email, "attributes": attributes });
        if mapping.ext_id != ExtId::Never {
            body["ext_id"] = json!(ext_id(self.person));
        }
        if self
            .person
            .consent
            .as_ref()
            .is_some_and(|said| !said.granted)
        {
            // Only ever towards no: what Brevo knows of a no is never taken back from here.
            body["emailBlacklisted"] = json!(true);
        }
        self.send(
            "contact",
            0,
            format!("contact/{}", self.lane),
            body,
            None,
            None,
        );
    }

    fn memberships(&mut self, file: &PersonFile) {
        let mut lists: BTreeMap<String, (Option<&Rule>, Option<&Moment>)> = BTreeMap::new();
        let mapping = self.mapping;
        let person = self.person;
        for list in &mapping.lists {
            let moments: Vec<Option<&Moment>> = if list.on.is_empty() {
                vec![None]
            } else {
                let on = |moment: &&Moment| list.on.contains(&moment.kind);
                file.moments.iter().filter(on).map(Some).collect()
            };
            for moment in moments {
                let about = About { person, moment };
                let Some(name) = list.name.worth(&about).text() else {
                    continue;
                };
                let name: String = name.trim().chars().take(200).collect();
                if let Some((words, rule)) = failing(&list.when, &about) {
                    self.leave(
                        format!("list {name}"),
                        format!("{words} does not hold"),
                        rule,
                    );
                } else if let Some(why) = list.consent.against(person) {
                    self.leave(format!("list {name}"), why.to_owned(), &list.rule);
                } else {
                    // The last moment counts: one that is new puts on the list who came long ago already.
                    lists.insert(name, (Some(&list.rule), moment));
                }
            }
        }
        for (name, (rule, moment)) in lists {
            let body = json!({ "email": self.person.email, "list": name });
            self.send(
                "membership",
                1,
                format!("membership/{}/{name}", self.lane),
                body,
                rule,
                moment,
            );
        }
    }

    fn values(about: &About<'_>, all: &[(String, Expression)]) -> Map<String, Value> {
        all.iter()
            .filter_map(|(name, expression)| Some((name.clone(), expression.worth(about).json()?)))
            .collect()
    }

    fn events(&mut self, moment: &Moment, about: &About<'_>) {
        let mapping = self.mapping;
        for event in mapping
            .events
            .iter()
            .filter(|event| event.on == moment.kind)
        {
            let what = || format!("event {} of {}", event.name, moment.at);
            if let Some((words, rule)) = failing(&event.when, about) {
                self.leave(what(), format!("{words} does not hold"), rule);
                continue;
            }
            let key = format!("event/{}/{}", event.name, moment.key);
            let mut properties = Self::values(about, &event.properties);
            properties.insert("event_id".to_owned(), json!(digest(&key)));
            let properties = json!(properties);
            if properties.to_string().len() > PROPERTIES {
                self.leave(
                    what(),
                    "its properties are larger than 50 KB".to_owned(),
                    &event.rule,
                );
                continue;
            }
            let body = json!({
                "email": self.person.email,
                "event_name": event.name,
                "event_date": moment.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "event_properties": properties,
            });
            self.send("event", 2, key, body, Some(&event.rule), Some(moment));
        }
    }

    fn mails(&mut self, moment: &Moment, about: &About<'_>) {
        let mapping = self.mapping;
        for mail in mapping.mails.iter().filter(|mail| mail.on == moment.kind) {
            let what = || format!("mail of template {}, {}", mail.template, moment.at);
            if let Some((words, rule)) = failing(&mail.when, about) {
                self.leave(what(), format!("{words} does not hold"), rule);
            } else if let Some(why) = mail.consent.against(self.person) {
                self.leave(what(), why.to_owned(), &mail.rule);
            } else {
                let key = format!("mail/{}/{}", mail.template, moment.key);
                let body = json!({
                    "email": self.person.email,
                    "name": self.person.name,
                    "template": mail.template,
                    "params": Self::values(about, &mail.params),
                });
                self.send("mail", 3, key, body, Some(&mail.rule), Some(moment));
            }
        }
    }

    fn crm(&mut self, moment: &Moment, about: &About<'_>) {
        let mapping = self.mapping;
        for note in mapping.notes.iter().filter(|note| note.on == moment.kind) {
            let what = || format!("note {} of {}", note.id, moment.at);
            if let Some((words, rule)) = failing(&note.when, about) {
                self.leave(what(), format!("{words} does not hold"), rule);
                continue;
            }
            let Some(text) = note.text.worth(about).text() else {
                self.leave(what(), "it would be empty".to_owned(), &note.rule);
                continue;
            };
            let body = json!({ "email": self.person.email, "text": html(&text) });
            let key = format!("note/{}/{}", note.id, moment.key);
            self.send("note", 2, key, body, Some(&note.rule), Some(moment));
        }
        for task in mapping.tasks.iter().filter(|task| task.on == moment.kind) {
            let what = || format!("task {} of {}", task.id, moment.at);
            if let Some((words, rule)) = failing(&task.when, about) {
                self.leave(what(), format!("{words} does not hold"), rule);
                continue;
            }
            let Some(name) = task.name.worth(about).text() else {
                self.leave(what(), "it would have no title".to_owned(), &task.rule);
                continue;
            };
            let due = task.due.as_ref().and_then(|due| due_at(&due.worth(about)));
            let due = due.unwrap_or_else(|| {
                let days = SignedDuration::from_hours(i64::from(task.due_days) * 24);
                moment.at.checked_add(days).unwrap_or(moment.at)
            });
            let body = json!({
                "email": self.person.email,
                "name": name,
                "type": task.kind,
                "date": due.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "notes": task.notes.as_ref().and_then(|notes| notes.worth(about).text()),
            });
            let key = format!("task/{}/{}", task.id, moment.key);
            self.send("task", 2, key, body, Some(&task.rule), Some(moment));
        }
    }
}

/// When a task is due; a date means its afternoon.
fn due_at(worth: &Worth) -> Option<Timestamp> {
    let on = |date: jiff::civil::Date| {
        let at = date
            .at(17, 0, 0, 0)
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?;
        Some(at.timestamp())
    };
    match worth {
        Worth::Instant(at) => Some(*at),
        Worth::Date(date) => on(*date),
        Worth::Text(text) => on(text.parse().ok()?),
        _ => None,
    }
}

/// Plain text as the little HTML that notes take; what stands in it is never markup.
fn html(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    format!("<p>{}</p>", escaped.trim().replace('\n', "<br>"))
}

/// An id made of a key: the same whenever it is made.
fn digest(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    hex::encode(hash.get(..16).unwrap_or(&hash))
}

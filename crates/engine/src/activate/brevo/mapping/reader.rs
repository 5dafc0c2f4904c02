//! From what is written to what is done: every rule checked, every mistake collected with its line.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Condition, Test};
use super::expression::Expression;
use super::file::{self, AttributeType, File};
use super::worth::Kind;
use super::yaml::Document;
use super::{Attribute, Conditions, Event, List, Mail, Mapping, Mistake, Note, Task};
use crate::activate::model::Rule;

/// Names that are Brevo's own.
const RESERVED: [&str; 2] = ["EMAIL", "EXT_ID"];

/// Turns what is written into what is done, and collects what cannot be.
pub(super) struct Reader {
    document: Document,
    mistakes: Vec<Mistake>,
}

impl Reader {
    pub(super) const fn new(document: Document) -> Self {
        Self {
            document,
            mistakes: Vec::new(),
        }
    }

    fn rule(&self, path: &[&str]) -> Rule {
        let steps: Vec<String> = path.iter().map(|step| (*step).to_owned()).collect();
        Rule {
            name: path.join("."),
            line: self.document.line(&steps),
        }
    }

    fn wrong(&mut self, path: &[&str], message: impl Into<String>) {
        let rule = self.rule(path);
        self.mistakes.push(Mistake {
            line: rule.line,
            place: rule.name,
            message: message.into(),
        });
    }

    fn expression(&mut self, path: &[&str], source: &str, of_moment: bool) -> Option<Expression> {
        match Expression::read(source, of_moment) {
            Ok(expression) => Some(expression),
            Err(message) => {
                self.wrong(path, message);
                None
            }
        }
    }

    fn conditions(&mut self, path: &[&str], tests: &[Test], of_moment: bool) -> Conditions {
        let mut all = Vec::new();
        for (n, test) in tests.iter().enumerate() {
            let n = n.to_string();
            let path: Vec<&str> = path.iter().copied().chain([n.as_str()]).collect();
            match Condition::read(test, of_moment) {
                Ok(condition) => all.push((condition, self.rule(&path))),
                Err(message) => self.wrong(&path, message),
            }
        }
        all
    }

    pub(super) fn read(mut self, file: File) -> Result<Mapping, Vec<Mistake>> {
        if file.version != 1 {
            self.wrong(
                &["version"],
                format!(
                    "version {} is not known; this program reads version 1",
                    file.version
                ),
            );
        }
        self.names(&file.names);
        let people = self.conditions(&["people"], &file.people, false);
        let attributes = self.attributes(&file);
        let lists = self.lists(&file);
        let events = self.events(&file);
        let mails = self.mails(&file);
        let (notes, tasks) = self.crm(&file);
        if !self.mistakes.is_empty() {
            self.mistakes.sort_by_key(|mistake| mistake.line);
            return Err(self.mistakes);
        }
        Ok(Mapping {
            folder: file.names.folder,
            everybody: file.names.everybody,
            most_lists: file.names.most_lists,
            ext_id: file.identity.ext_id,
            backfill_events: file.backfill.events,
            backfill_mails: file.backfill.mails,
            people,
            attributes,
            lists,
            events,
            mails,
            notes,
            tasks,
        })
    }

    fn names(&mut self, names: &file::Names) {
        if !is_attribute_name(&names.attributes) {
            self.wrong(
                &["names", "attributes"],
                "names of attributes have capitals, digits and underscores only",
            );
        }
        if !is_event_name(&names.events) {
            self.wrong(
                &["names", "events"],
                "names of events have letters, digits, _ and - only",
            );
        }
        for (key, value) in [("folder", &names.folder), ("everybody", &names.everybody)] {
            if value.trim().is_empty() {
                self.wrong(&["names", key], "a name is needed");
            }
        }
        if names.most_lists == 0 || names.most_lists > 300 {
            self.wrong(
                &["names", "most_lists"],
                "Brevo has room for 1 to 300 lists",
            );
        }
    }

    fn attributes(&mut self, file: &File) -> Vec<Attribute> {
        let prefix = &file.names.attributes;
        let mut all = Vec::new();
        for (name, rule) in &file.attributes {
            let place = ["attributes", name.as_str()];
            if !is_attribute_name(name) {
                self.wrong(
                    &place,
                    "names of attributes have capitals, digits and underscores only, 50 at most",
                );
            }
            if RESERVED.contains(&name.as_str()) {
                self.wrong(
                    &place,
                    "this is how contacts are known, and is set by itself",
                );
            }
            if rule.create && !name.starts_with(prefix.as_str()) {
                self.wrong(
                    &place,
                    format!("attributes that are made begin with {prefix}; give create: false if the account has this one"),
                );
            }
            let (category, options) = (rule.kind == AttributeType::Category, &rule.options);
            if category == options.is_empty() {
                let message = if category {
                    "a category needs its options"
                } else {
                    "only a category has options"
                };
                self.wrong(&["attributes", name, "options"], message);
            }
            let at = ["attributes", name.as_str(), "value"];
            let Some(value) = self.expression(&at, &rule.value, false) else {
                continue;
            };
            if let Err(message) = fits(rule.kind, &value, options) {
                self.wrong(&at, message);
            }
            all.push(Attribute {
                name: name.clone(),
                kind: rule.kind,
                options: options.clone(),
                create: rule.create,
                rule: self.rule(&place),
                value,
                clear: rule.when_empty == file::WhenEmpty::Clear,
            });
        }
        all
    }

    fn lists(&mut self, file: &File) -> Vec<List> {
        let mut all = Vec::new();
        for (n, list) in file.lists.iter().enumerate() {
            let n = n.to_string();
            let of_moment = !list.on.is_empty();
            let name = self.expression(&["lists", &n, "name"], &list.name, of_moment);
            let when = self.conditions(&["lists", &n, "when"], &list.when, of_moment);
            let Some(name) = name else { continue };
            if name.source.trim().is_empty() {
                self.wrong(&["lists", &n, "name"], "a name is needed");
            }
            all.push(List {
                name,
                on: list.on.clone(),
                when,
                consent: list.consent,
                rule: self.rule(&["lists", &n]),
            });
        }
        all
    }

    fn named(
        &mut self,
        path: &[&str],
        all: &BTreeMap<String, String>,
    ) -> Vec<(String, Expression)> {
        let mut out = Vec::new();
        for (name, source) in all {
            let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
            if !is_event_name(name) {
                self.wrong(
                    &path,
                    "names of properties have letters, digits, _ and - only, 255 at most",
                );
            }
            if let Some(expression) = self.expression(&path, source, true) {
                out.push((name.clone(), expression));
            }
        }
        out
    }

    fn events(&mut self, file: &File) -> Vec<Event> {
        let prefix = &file.names.events;
        let mut all = Vec::new();
        let mut seen = BTreeSet::new();
        for (n, event) in file.events.iter().enumerate() {
            let n = n.to_string();
            let at = ["events", n.as_str(), "name"];
            if !is_event_name(&event.name) || event.name.len() > 240 {
                self.wrong(
                    &at,
                    "names of events have letters, digits, _ and - only, 240 at most",
                );
            }
            if !event.name.starts_with(prefix.as_str()) {
                self.wrong(
                    &at,
                    format!("names of events begin with {prefix} (names.events)"),
                );
            }
            if !seen.insert((event.on, event.name.as_str())) {
                self.wrong(
                    &at,
                    format!("{} is sent for {} twice", event.name, event.on.as_str()),
                );
            }
            let properties = self.named(&["events", &n, "properties"], &event.properties);
            for reserved in ["event_id", "backfill"] {
                if event.properties.contains_key(reserved) {
                    self.wrong(
                        &["events", &n, "properties", reserved],
                        "this property is set by itself",
                    );
                }
            }
            all.push(Event {
                on: event.on,
                name: event.name.clone(),
                when: self.conditions(&["events", &n, "when"], &event.when, true),
                properties,
                rule: self.rule(&["events", &n]),
            });
        }
        all
    }

    fn mails(&mut self, file: &File) -> Vec<Mail> {
        let mut all = Vec::new();
        let mut seen = BTreeSet::new();
        for (n, mail) in file.mails.iter().enumerate() {
            let n = n.to_string();
            if !seen.insert((mail.on, mail.template)) {
                self.wrong(
                    &["mails", &n, "template"],
                    format!(
                        "template {} is sent for {} twice",
                        mail.template,
                        mail.on.as_str()
                    ),
                );
            }
            all.push(Mail {
                on: mail.on,
                template: mail.template,
                when: self.conditions(&["mails", &n, "when"], &mail.when, true),
                params: self.named(&["mails", &n, "params"], &mail.params),
                consent: mail.consent,
                rule: self.rule(&["mails", &n]),
            });
        }
        all
    }

    fn crm(&mut self, file: &File) -> (Vec<Note>, Vec<Task>) {
        let mut seen = BTreeSet::new();
        let mut notes = Vec::new();
        for (n, note) in file.notes.iter().enumerate() {
            let n = n.to_string();
            if !is_event_name(&note.id) || !seen.insert(format!("note {}", note.id)) {
                self.wrong(
                    &["notes", &n, "id"],
                    "an id of its own is needed, of letters, digits, _ and -",
                );
            }
            let when = self.conditions(&["notes", &n, "when"], &note.when, true);
            let Some(text) = self.expression(&["notes", &n, "text"], &note.text, true) else {
                continue;
            };
            notes.push(Note {
                id: note.id.clone(),
                on: note.on,
                text,
                when,
                rule: self.rule(&["notes", &n]),
            });
        }
        let mut tasks = Vec::new();
        for (n, task) in file.tasks.iter().enumerate() {
            let n = n.to_string();
            if !is_event_name(&task.id) || !seen.insert(format!("task {}", task.id)) {
                self.wrong(
                    &["tasks", &n, "id"],
                    "an id of its own is needed, of letters, digits, _ and -",
                );
            }
            let when = self.conditions(&["tasks", &n, "when"], &task.when, true);
            let notes = task
                .notes
                .as_ref()
                .and_then(|source| self.expression(&["tasks", &n, "notes"], source, true));
            let due = task
                .due
                .as_ref()
                .and_then(|source| self.expression(&["tasks", &n, "due"], source, true));
            let Some(name) = self.expression(&["tasks", &n, "name"], &task.name, true) else {
                continue;
            };
            tasks.push(Task {
                id: task.id.clone(),
                on: task.on,
                name,
                notes,
                kind: task.kind.clone(),
                due,
                due_days: task.due_days,
                when,
                rule: self.rule(&["tasks", &n]),
            });
        }
        (notes, tasks)
    }
}

fn is_attribute_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.len() <= 50 && name.bytes().all(fits)
}

fn is_event_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= 255 && name.bytes().all(fits)
}

/// Whether an expression gives what an attribute's type takes: Brevo drops what does not fit without a word.
fn fits(kind: AttributeType, value: &Expression, options: &[String]) -> Result<(), String> {
    let gives = value.kind();
    let right = match kind {
        AttributeType::Text => gives != Kind::List,
        AttributeType::Float => gives == Kind::Number,
        AttributeType::Date => matches!(gives, Kind::Date | Kind::Instant),
        AttributeType::Boolean => gives == Kind::Truth,
        AttributeType::Category => gives == Kind::Text,
    };
    if !right {
        return Err(format!(
            "an attribute of type {} cannot take {}; Brevo would drop it without a word",
            kind.as_str(),
            gives.word()
        ));
    }
    if kind == AttributeType::Category
        && let Some(choices) = value.choices()
        && let Some(choice) = choices
            .iter()
            .find(|choice| !options.iter().any(|held| held == **choice))
    {
        return Err(format!("{choice} is not among the options"));
    }
    Ok(())
}

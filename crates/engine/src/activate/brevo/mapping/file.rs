//! The mapping file as it is written; its JSON Schema is made from these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::condition::Test;
use crate::activate::model::MomentKind;

/// What of people and meetings goes to Brevo, and under which names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Parfocal's mapping to Brevo")]
pub(super) struct File {
    /// The version of this form: 1.
    pub(super) version: u32,
    /// How things are named at Brevo.
    #[serde(default)]
    pub(super) names: Names,
    /// How contacts are known again.
    #[serde(default)]
    pub(super) identity: Identity,
    /// What becomes of moments that lie before the destination, when a backfill sends them.
    #[serde(default)]
    pub(super) backfill: Backfill,
    /// Who goes to Brevo at all: all of these hold. Empty: everybody with an address.
    #[serde(default)]
    pub(super) people: Vec<Test>,
    /// Attributes of contacts, by name.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, AttributeRule>,
    /// Lists that people are put on. Nobody is taken off a list.
    #[serde(default)]
    pub(super) lists: Vec<ListRule>,
    /// Custom events, which start automations.
    #[serde(default)]
    pub(super) events: Vec<EventRule>,
    /// Transactional mails by template.
    #[serde(default)]
    pub(super) mails: Vec<MailRule>,
    /// Notes in the CRM. All of the CRM shares 100 calls an hour.
    #[serde(default)]
    pub(super) notes: Vec<NoteRule>,
    /// Tasks in the CRM.
    #[serde(default)]
    pub(super) tasks: Vec<TaskRule>,
}

/// How things are named at Brevo.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Names {
    /// What the names of attributes that are made begin with: capitals, digits and underscores.
    pub(super) attributes: String,
    /// What the names of events begin with.
    pub(super) events: String,
    /// The folder of the lists; it is made.
    pub(super) folder: String,
    /// The list of everybody who was sent; imports need one.
    pub(super) everybody: String,
    /// Most lists that are made; Brevo has room for 300.
    #[schemars(range(min = 1, max = 300))]
    pub(super) most_lists: u32,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            attributes: "ZOOM_".to_owned(),
            events: "zoom_".to_owned(),
            folder: "Zoom".to_owned(),
            everybody: "Zoom | Everybody".to_owned(),
            most_lists: 100,
        }
    }
}

/// How contacts are known again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Identity {
    /// Who sets `ext_id`.
    pub(super) ext_id: ExtId,
}

/// Who sets `ext_id`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExtId {
    /// We do, in imports too; one that somebody else has set is left alone where contacts are written one by one.
    #[default]
    Ours,
    /// We do where none is set; there are no imports, since those cannot look.
    Careful,
    /// Somebody else: it is never sent.
    Never,
}

/// What becomes of moments that a backfill sends.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Backfill {
    /// Their events.
    pub(super) events: BackfillEvents,
    /// Whether their mails are sent.
    pub(super) mails: bool,
}

/// What becomes of events that a backfill sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackfillEvents {
    /// Their names end in `_backfill`, so that no automation fires for what is long past.
    #[default]
    Suffixed,
    /// They keep their names and have the property `backfill: true`.
    Marked,
    /// They are not sent.
    None,
}

/// One attribute.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AttributeRule {
    /// Its value: an expression such as `{person.attended}`.
    pub(super) value: String,
    /// Its type at Brevo.
    #[serde(rename = "type")]
    pub(super) kind: AttributeType,
    /// The choices of a category.
    #[serde(default)]
    pub(super) options: Vec<String>,
    /// Whether it is made when it is missing; with `false` any name can stand here.
    #[serde(default = "yes")]
    pub(super) create: bool,
    /// What is done when there is nothing: leave what is there, or clear it.
    #[serde(default)]
    pub(super) when_empty: WhenEmpty,
}

const fn yes() -> bool {
    true
}

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttributeType {
    /// Text.
    Text,
    /// A date without a time of day.
    Date,
    /// A number.
    Float,
    /// True or false.
    Boolean,
    /// One of the given choices.
    Category,
}

impl AttributeType {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Date => "date",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Category => "category",
        }
    }
}

/// What is done with an attribute when there is nothing to send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WhenEmpty {
    /// What is there stays.
    #[default]
    Leave,
    /// It is emptied.
    Clear,
}

/// Whose word is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentRule {
    /// The person said yes.
    Required,
    /// The person did not say no.
    NotRefused,
    /// Nobody's.
    Any,
}

/// One list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListRule {
    /// Its name, an expression; with fields of a meeting there is one list for each.
    pub(super) name: String,
    /// What puts a person on it; without it everybody for whom the conditions hold.
    #[serde(default)]
    pub(super) on: Vec<MomentKind>,
    /// All of these hold.
    #[serde(default)]
    pub(super) when: Vec<Test>,
    /// Whose word is needed.
    #[serde(default = "not_refused")]
    pub(super) consent: ConsentRule,
}

const fn not_refused() -> ConsentRule {
    ConsentRule::NotRefused
}

const fn required() -> ConsentRule {
    ConsentRule::Required
}

/// One custom event.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventRule {
    /// What happened.
    pub(super) on: MomentKind,
    /// Its name at Brevo: letters, digits, `_` and `-`.
    pub(super) name: String,
    /// All of these hold.
    #[serde(default)]
    pub(super) when: Vec<Test>,
    /// Its properties: name and expression.
    #[serde(default)]
    pub(super) properties: BTreeMap<String, String>,
}

/// One transactional mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MailRule {
    /// What happened.
    pub(super) on: MomentKind,
    /// The template's number at Brevo.
    pub(super) template: u64,
    /// All of these hold.
    #[serde(default)]
    pub(super) when: Vec<Test>,
    /// The template's parameters: name and expression.
    #[serde(default)]
    pub(super) params: BTreeMap<String, String>,
    /// Whose word is needed.
    #[serde(default = "required")]
    pub(super) consent: ConsentRule,
}

/// One note in the CRM.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteRule {
    /// A name of its own; it must not change, or the notes are made again.
    pub(super) id: String,
    /// What happened.
    pub(super) on: MomentKind,
    /// Its text, an expression.
    pub(super) text: String,
    /// All of these hold.
    #[serde(default)]
    pub(super) when: Vec<Test>,
}

/// One task in the CRM.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskRule {
    /// A name of its own; it must not change, or the tasks are made again.
    pub(super) id: String,
    /// What happened.
    pub(super) on: MomentKind,
    /// Its title, an expression.
    pub(super) name: String,
    /// Its notes, an expression.
    #[serde(default)]
    pub(super) notes: Option<String>,
    /// Which sort of task, by its title at Brevo.
    #[serde(default = "todo")]
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// When it is due, an expression.
    #[serde(default)]
    pub(super) due: Option<String>,
    /// Days after the moment when it is due without one.
    #[serde(default = "week")]
    #[schemars(range(min = 0, max = 365))]
    pub(super) due_days: u32,
    /// All of these hold.
    #[serde(default)]
    pub(super) when: Vec<Test>,
}

fn todo() -> String {
    "Todo".to_owned()
}

const fn week() -> u32 {
    7
}

//! The mapping: what of people and meetings goes to Brevo, read from YAML and checked as a whole before anything is sent.

mod condition;
mod expression;
mod file;
mod plan;
mod reader;
#[cfg(test)]
mod tests;
mod worth;
mod yaml;

use std::fmt;

use crate::activate::model::{MomentKind, Rule};
use condition::Condition;
use expression::Expression;
use file::File;
pub use file::{AttributeType, BackfillEvents, ConsentRule, ExtId};
pub use plan::Explained;
use reader::Reader;
use yaml::Document;

/// The mapping that is used when none is given, with its comments.
pub const DEFAULT: &str = include_str!("../default.yaml");

/// Something in a mapping that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1, as far as it can be told.
    pub line: Option<u32>,
    /// The place by name, such as `attributes.ZOOM_SOURCE`.
    pub place: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Mistake {
    fn new(line: Option<u32>, message: impl Into<String>) -> Self {
        Self {
            line,
            place: String::new(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}")?;
            if !self.place.is_empty() {
                write!(f, " ({})", self.place)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

/// A mapping that has been read and checked.
#[derive(Debug)]
pub struct Mapping {
    folder: String,
    everybody: String,
    most_lists: u32,
    ext_id: ExtId,
    backfill_events: BackfillEvents,
    backfill_mails: bool,
    people: Conditions,
    attributes: Vec<Attribute>,
    lists: Vec<List>,
    events: Vec<Event>,
    mails: Vec<Mail>,
    notes: Vec<Note>,
    tasks: Vec<Task>,
}

/// Tests that all have to hold, with where they stand.
type Conditions = Vec<(Condition, Rule)>;

/// One attribute, checked.
#[derive(Debug)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: AttributeType,
    /// The choices of a category.
    pub options: Vec<String>,
    /// Whether it is made when it is missing.
    pub create: bool,
    /// Where it stands.
    pub rule: Rule,
    value: Expression,
    clear: bool,
}

#[derive(Debug)]
struct List {
    name: Expression,
    on: Vec<MomentKind>,
    when: Conditions,
    consent: ConsentRule,
    rule: Rule,
}

#[derive(Debug)]
struct Event {
    on: MomentKind,
    name: String,
    when: Conditions,
    properties: Vec<(String, Expression)>,
    rule: Rule,
}

#[derive(Debug)]
struct Mail {
    on: MomentKind,
    template: u64,
    when: Conditions,
    params: Vec<(String, Expression)>,
    consent: ConsentRule,
    rule: Rule,
}

#[derive(Debug)]
struct Note {
    id: String,
    on: MomentKind,
    text: Expression,
    when: Conditions,
    rule: Rule,
}

#[derive(Debug)]
struct Task {
    id: String,
    on: MomentKind,
    name: Expression,
    notes: Option<Expression>,
    kind: String,
    due: Option<Expression>,
    due_days: u32,
    when: Conditions,
    rule: Rule,
}

/// The JSON Schema of the file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).into()
}

/// The transforms there are: how it is written, what it takes, what it gives.
pub const fn transforms() -> &'static [(&'static str, &'static str, &'static str)] {
    &expression::TRANSFORMS
}

/// The fields there are, with what they are.
pub fn fields() -> Vec<(String, &'static str)> {
    let person = worth::PERSON
        .iter()
        .map(|field| (format!("person.{}", field.name), field.about));
    let meeting = worth::MEETING
        .iter()
        .map(|field| (format!("meeting.{}", field.name), field.about));
    person
        .chain(meeting)
        .chain([
            (
                "meeting.tracking.NAME".to_owned(),
                "the tracking field NAME of the meeting",
            ),
            ("moment.kind".to_owned(), "what happened"),
            ("moment.at".to_owned(), "when"),
            ("moment.key".to_owned(), "the same whenever it is told"),
            (
                "details.NAME".to_owned(),
                "what else is known: join_time, leave_time, minutes, role, status, question, answer, text, due …",
            ),
        ])
        .collect()
}

impl Mapping {
    /// Reads and checks a mapping.
    ///
    /// # Errors
    /// Every mistake in it, in the order of the lines.
    pub fn read(text: &str) -> Result<Self, Vec<Mistake>> {
        let document = Document::parse(text).map_err(|mistake| vec![mistake])?;
        let file =
            serde_path_to_error::deserialize::<_, File>(&document.value).map_err(|error| {
                let path: Vec<String> = error
                    .path()
                    .iter()
                    .filter_map(|segment| match segment {
                        serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
                        serde_path_to_error::Segment::Map { key } => Some(key.clone()),
                        serde_path_to_error::Segment::Enum { variant } => Some(variant.clone()),
                        serde_path_to_error::Segment::Unknown => None,
                    })
                    .collect();
                vec![Mistake {
                    line: document.line(&path),
                    place: path.join("."),
                    message: error.into_inner().to_string(),
                }]
            })?;
        Reader::new(document).read(file)
    }

    /// The default mapping.
    ///
    /// # Errors
    /// Never: a test reads it.
    pub fn standard() -> Result<Self, Vec<Mistake>> {
        Self::read(DEFAULT)
    }

    /// The folder of the lists.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The list of everybody who was sent.
    pub fn everybody(&self) -> &str {
        &self.everybody
    }

    /// Most lists that are made.
    pub const fn most_lists(&self) -> u32 {
        self.most_lists
    }

    /// Who sets `ext_id`.
    pub const fn ext_id(&self) -> ExtId {
        self.ext_id
    }

    /// What becomes of events that a backfill sends.
    pub const fn backfill_events(&self) -> BackfillEvents {
        self.backfill_events
    }

    /// Whether a backfill sends mails.
    pub const fn backfill_mails(&self) -> bool {
        self.backfill_mails
    }

    /// All attributes, by name.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Whether tasks are made, which needs the account's task types.
    pub fn has_tasks(&self) -> bool {
        !self.tasks.is_empty()
    }
}

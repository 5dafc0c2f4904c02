//! What would be sent of real people, and why: nothing is sent, nothing is written.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::mapping::{Explained, Mapping};
use super::settings::{BrevoConfig, refusal};
use crate::activate::Destinations;
use crate::activate::model::{LeftOut, PersonFile, Rule};
use crate::error::{EngineError, Result};

/// Most people of one preview.
const MOST: u32 = 100;

/// What is to be looked at.
#[derive(Debug, Clone, Default)]
pub struct PreviewOrder {
    /// The destination whose mapping is used; without one the default mapping.
    pub to: Option<String>,
    /// A mapping as YAML in place of it.
    pub mapping: Option<String>,
    /// Whom, by address or id; without it the first people.
    pub person: Option<String>,
    /// How many people.
    pub limit: u32,
}

/// Something that would be sent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PreviewThing {
    /// Which sort of thing.
    pub kind: String,
    /// What makes it the same thing whenever it is planned.
    pub key: String,
    /// Exactly what Brevo would see.
    pub body: Value,
    /// The rule it comes from.
    pub rule: Option<Rule>,
}

/// What would be sent of one person.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Preview {
    /// Our id of the person.
    pub person: String,
    /// The address.
    pub email: String,
    /// Each field with where it comes from.
    pub fields: Vec<Explained>,
    /// Everything that would be sent.
    pub send: Vec<PreviewThing>,
    /// What would not be, and why.
    pub left_out: Vec<LeftOut>,
}

impl Mapping {
    /// What would be sent of a person.
    pub fn preview(&self, file: &PersonFile) -> Preview {
        let plan = self.plan(file);
        Preview {
            person: file.person.id.to_string(),
            email: file.person.email.clone(),
            fields: self.explain(file),
            send: plan
                .send
                .into_iter()
                .map(|one| PreviewThing {
                    kind: one.kind.to_owned(),
                    key: one.key,
                    body: one.body,
                    rule: one.rule,
                })
                .collect(),
            left_out: plan.left_out,
        }
    }
}

impl Destinations<'_> {
    /// What would go to Brevo of real people, field by field.
    ///
    /// # Errors
    /// `invalid_input` with every mistake of the mapping, `not_found` for the destination or the person.
    pub async fn preview(self, order: &PreviewOrder) -> Result<Vec<Preview>> {
        let mapping = match (&order.mapping, &order.to) {
            (Some(text), _) => Mapping::read(text).map_err(|mistakes| refusal(&mistakes))?,
            (None, Some(to)) => {
                let view = self.get(to).await?;
                if view.kind != super::KIND {
                    return Err(EngineError::invalid(format!(
                        "{} is a destination of the kind {}: its messages have no mapping",
                        view.name, view.kind
                    )));
                }
                BrevoConfig::read(&view.config)?.mapping()?
            }
            (None, None) => Mapping::standard().map_err(|mistakes| refusal(&mistakes))?,
        };
        let files = match &order.person {
            Some(person) => vec![self.person_file(person).await?],
            None => self.person_files(None, order.limit.clamp(1, MOST)).await?.0,
        };
        Ok(files.iter().map(|file| mapping.preview(file)).collect())
    }
}

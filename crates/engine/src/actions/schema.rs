//! Schemas of inputs and outputs, derived from their types, and what is wrong with an input in words.

use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, ValidationError, Validator};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{EngineError, Fault, Result};

/// Whether a schema is of what comes in or of what goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Input,
    Output,
}

/// A schema with what checks against it.
pub(super) struct Schema {
    json: Value,
    validator: Option<Validator>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(f)
    }
}

impl Schema {
    /// The schema of a type: JSON Schema 2020-12, nothing referred to, so that it can be put into any document.
    pub(super) fn of<T: JsonSchema>(side: Side) -> Self {
        let json = generate::<T>(side);
        let validator = (side == Side::Input).then(|| {
            jsonschema::options()
                .with_draft(Draft::Draft202012)
                .should_validate_formats(true)
                .should_ignore_unknown_formats(true)
                .build(&json)
                .expect("schemas derived from types are valid")
        });
        Self { json, validator }
    }

    pub(super) fn json(&self) -> &Value {
        &self.json
    }

    /// Everything that is wrong with an input.
    pub(super) fn faults(&self, input: &Value) -> Vec<Fault> {
        let Some(validator) = &self.validator else {
            return Vec::new();
        };
        let mut faults: Vec<Fault> = Vec::new();
        for error in validator.iter_errors(input) {
            for fault in self.explain(&error) {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
        faults
    }

    fn explain(&self, error: &ValidationError<'_>) -> Vec<Fault> {
        let field = path(error);
        let value = error.instance().as_ref().clone();
        let below = |name: &str| {
            if field.is_empty() {
                name.to_owned()
            } else {
                format!("{field}.{name}")
            }
        };
        let one = |problem: String, mend: String| {
            vec![Fault::new(field.clone(), value.clone(), problem, mend)]
        };
        match error.kind() {
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let about = self.about(&below(name));
                vec![Fault::missing(
                    below(name),
                    "it is missing",
                    about.map_or_else(
                        || format!("Give {name}."),
                        |about| format!("Give it: {about}"),
                    ),
                )]
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let known = self.members(&field);
                unexpected
                    .iter()
                    .map(|name| {
                        let given = value.get(name).cloned().unwrap_or_default();
                        let mend = match nearest(name, &known) {
                            Some(near) => format!("Did you mean {near}?"),
                            None => format!("Leave it out; known are: {}.", known.join(", ")),
                        };
                        Fault::new(below(name), given, "there is no such field", mend)
                    })
                    .collect()
            }
            Kind::Type { kind } => {
                let wanted: Vec<String> = match kind {
                    TypeKind::Single(one) => vec![one.to_string()],
                    TypeKind::Multiple(set) => set
                        .iter()
                        .map(|one| one.to_string())
                        .filter(|one| one != "null")
                        .collect(),
                };
                let wanted = wanted.join(" or ");
                one(
                    format!("it is not {}", article(&wanted)),
                    self.about(&field).map_or_else(
                        || format!("Write {}.", article(&wanted)),
                        |about| format!("Write {}: {about}", article(&wanted)),
                    ),
                )
            }
            Kind::Enum { options } => {
                let options: Vec<String> = options
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|option| !option.is_null())
                    .map(|option| {
                        option
                            .as_str()
                            .map_or_else(|| option.to_string(), str::to_owned)
                    })
                    .collect();
                one(
                    "it is not one of the known words".to_owned(),
                    format!("Write one of: {}.", options.join(", ")),
                )
            }
            Kind::Minimum { limit } => one(
                "it is too small".to_owned(),
                format!("Write {limit} or more."),
            ),
            Kind::Maximum { limit } => one(
                "it is too large".to_owned(),
                format!("Write {limit} or less."),
            ),
            Kind::MinLength { limit } => one(
                "it is too short".to_owned(),
                format!("Write at least {limit} characters."),
            ),
            Kind::MaxLength { limit } => one(
                "it is too long".to_owned(),
                format!("Write at most {limit} characters."),
            ),
            Kind::MinItems { limit } => one(
                "there are too few".to_owned(),
                format!("Give at least {limit}."),
            ),
            Kind::MaxItems { limit } => one(
                "there are too many".to_owned(),
                format!("Give at most {limit}."),
            ),
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                // Alternatives here are "something or nothing": what is wrong with the something is what matters.
                let nested: Vec<Fault> = context
                    .iter()
                    .flatten()
                    .filter(|error| !matches!(error.kind(), Kind::Type { kind: TypeKind::Single(one) } if one.to_string() == "null"))
                    .flat_map(|error| self.explain(error))
                    .collect();
                if nested.is_empty() {
                    one(
                        "it has none of the forms that are known".to_owned(),
                        "Look at the action's input schema.".to_owned(),
                    )
                } else {
                    nested
                }
            }
            Kind::Format { format } => one(format!("it is not a {format}"), format_mend(format)),
            Kind::Pattern { pattern } => one(
                "it does not have the form that is expected".to_owned(),
                self.about(&field)
                    .unwrap_or_else(|| format!("It has to match {pattern}.")),
            ),
            _ => one(
                error.to_string(),
                "Look at the action's input schema.".to_owned(),
            ),
        }
    }

    /// What a field is for, from its description.
    fn about(&self, field: &str) -> Option<String> {
        let text = self.at(field)?.get("description")?.as_str()?;
        Some(text.replace('\n', " "))
    }

    fn members(&self, field: &str) -> Vec<&str> {
        self.at(field)
            .and_then(|schema| properties(schema))
            .map(|members| members.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }

    /// The part of the schema that is about a field.
    fn at(&self, field: &str) -> Option<&Value> {
        let mut at = &self.json;
        for name in field.split('.').filter(|name| !name.is_empty()) {
            at = if name.bytes().all(|byte| byte.is_ascii_digit()) {
                at.get("items")?
            } else {
                properties(at)?.get(name)?
            };
        }
        Some(at)
    }
}

/// The members of an object, also behind "this or null".
fn properties(schema: &Value) -> Option<&serde_json::Map<String, Value>> {
    if let Some(Value::Object(members)) = schema.get("properties") {
        return Some(members);
    }
    schema.get("anyOf")?.as_array()?.iter().find_map(properties)
}

/// The schema of a type as JSON.
pub(super) fn generate<T: JsonSchema>(side: Side) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let settings = match side {
        Side::Input => settings.for_deserialize(),
        Side::Output => settings.for_serialize(),
    };
    settings.into_generator().into_root_schema_for::<T>().into()
}

/// The schema of a schema, as far as its outermost level goes.
pub(super) fn of_schemas(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "description": "A JSON Schema, version 2020-12.",
        "properties": {"type": {"type": "string", "enum": ["object"]}, "title": {"type": "string"}},
        "required": ["type"],
    })
}

/// The schema of a list of inputs.
pub(super) fn of_inputs(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "description": "Valid inputs.",
        "items": {"type": "object", "properties": {"connection": {"type": "string"}}},
    })
}

/// Reads a checked input as its type.
pub(super) fn read<T: DeserializeOwned>(action: &str, input: &Value) -> Result<T> {
    serde_path_to_error::deserialize(input).map_err(|error| {
        let field = error.path().to_string();
        let fault = Fault::missing(
            if field == "." { String::new() } else { field },
            error.inner().to_string(),
            "Look at the action's input schema.",
        );
        EngineError::faulty(&format!("the input of {action} does not fit"), vec![fault])
    })
}

/// The place of an error as `a.b.0`.
fn path(error: &ValidationError<'_>) -> String {
    error
        .instance_path()
        .as_str()
        .trim_start_matches('/')
        .replace('/', ".")
        .replace("~1", "/")
        .replace("~0", "~")
}

fn article(kind: &str) -> String {
    match kind {
        "integer" => "a whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "string" => "a text".to_owned(),
        "array" => "a list".to_owned(),
        other if other.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {other}"),
        other => format!("a {other}"),
    }
}

fn format_mend(format: &str) -> String {
    match format {
        "date" => "Write a day as 2026-12-01.".to_owned(),
        "date-time" => "Write an instant as 2026-12-01T09:00:00Z.".to_owned(),
        "email" => "Write an address as name@example.org.".to_owned(),
        other => format!("Write a {other}."),
    }
}

/// The known name that is most like another one.
fn nearest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], "");
    let name = plain(name);
    known.iter().copied().find(|known| {
        let known = plain(known);
        known == name || (name.len() > 2 && (known.starts_with(&name) || name.starts_with(&known)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// What it is about.
        #[schemars(length(min = 1, max = 5))]
        topic: String,
        /// Minutes.
        #[schemars(range(min = 1, max = 1440))]
        duration_minutes: Option<i64>,
        inner: Option<Inner>,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        kind: Word,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        One,
        Two,
    }

    #[test]
    fn faults_name_field_value_and_mend() {
        let schema = Schema::of::<Sample>(Side::Input);
        let faults = |input: Value| schema.faults(&input);
        assert!(faults(json!({"topic": "a", "inner": {"kind": "one"}})).is_empty());
        let missing = faults(json!({}));
        assert_eq!(
            (missing[0].field.as_str(), missing[0].value.as_ref()),
            ("topic", None)
        );
        assert!(missing[0].mend.contains("What it is about"), "{missing:?}");
        let range = faults(json!({"topic": "a", "duration_minutes": 1441}));
        assert_eq!(range[0].field, "duration_minutes");
        assert_eq!(range[0].value.as_deref(), Some("1441"));
        assert!(range[0].mend.contains("1440"), "{range:?}");
        let unknown = faults(json!({"topic": "a", "durationMinutes": 3}));
        assert_eq!(unknown[0].mend, "Did you mean duration_minutes?");
        let nested = faults(json!({"topic": "a", "inner": {"kind": "three"}}));
        assert_eq!(nested[0].field, "inner.kind", "{nested:?}");
        assert!(nested[0].mend.contains("one, two"), "{nested:?}");
        let kind = faults(json!({"topic": 3}));
        assert!(kind[0].problem.contains("a text"), "{kind:?}");
        assert!(!faults(json!([])).is_empty());
    }
}

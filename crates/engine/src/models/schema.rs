//! JSON of a schema out of a model: the schema as strict servers want it, and the answer checked again on our side.

use serde_json::{Map, Value, json};

/// A schema in the form that the strictest servers take: every property required, nothing besides; what was optional
/// may be null.
pub(crate) fn strict(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut out: Map<String, Value> = members
                .iter()
                .filter(|(name, _)| {
                    !matches!(
                        name.as_str(),
                        "$schema" | "$id" | "default" | "examples" | "title"
                    )
                })
                .map(|(name, value)| (name.clone(), strict(value)))
                .collect();
            if let Some(Value::Object(properties)) = members.get("properties") {
                let required: Vec<&str> = members
                    .get("required")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                let all: Map<String, Value> = properties
                    .iter()
                    .map(|(name, property)| {
                        let property = strict(property);
                        let property = if required.contains(&name.as_str()) {
                            property
                        } else {
                            nullable(property)
                        };
                        (name.clone(), property)
                    })
                    .collect();
                out.insert("required".into(), all.keys().cloned().collect());
                out.insert("properties".into(), Value::Object(all));
                out.insert("additionalProperties".into(), json!(false));
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(strict).collect(),
        other => other.clone(),
    }
}

fn nullable(mut property: Value) -> Value {
    let Some(members) = property.as_object_mut() else {
        return property;
    };
    match members.get("type") {
        Some(Value::String(kind)) if kind == "null" => property,
        Some(Value::String(kind)) if !members.contains_key("enum") => {
            let both = json!([kind, "null"]);
            members.insert("type".into(), both);
            property
        }
        Some(Value::Array(kinds)) if kinds.iter().any(|kind| kind == "null") => property,
        _ => json!({"anyOf": [property, {"type": "null"}]}),
    }
}

/// The one JSON object in an answer: the whole of it, a fenced block of it, or what stands between its braces.
pub(crate) fn object_in(text: &str) -> Option<Value> {
    let whole = |text: &str| {
        serde_json::from_str::<Value>(text.trim())
            .ok()
            .filter(Value::is_object)
    };
    if let Some(found) = whole(text) {
        return Some(found);
    }
    let fenced = text.split("```").skip(1).step_by(2).find_map(|block| {
        let block = block.trim_start();
        whole(block.strip_prefix("json").unwrap_or(block))
    });
    if fenced.is_some() {
        return fenced;
    }
    // The first brace from which a whole object can be read; few are tried, since each try may read far.
    text.match_indices('{').take(32).find_map(|(at, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        values
            .next()
            .and_then(Result::ok)
            .filter(|value| value.as_object().is_some_and(|members| !members.is_empty()))
    })
}

/// What is wrong with an answer by a schema, in a few lines for the model that made it; none when it fits.
pub(crate) fn faults(checker: &jsonschema::Validator, answer: &Value) -> Option<String> {
    let faults: Vec<String> = checker
        .iter_errors(answer)
        .take(12)
        .map(|error| {
            let place = error.instance_path().to_string();
            let mut said = error.to_string();
            if said.len() > 200 {
                let end = (0..=200)
                    .rev()
                    .find(|at| said.is_char_boundary(*at))
                    .unwrap_or(0);
                said.truncate(end);
            }
            format!("at {}: {said}", if place.is_empty() { "/" } else { &place })
        })
        .collect();
    (!faults.is_empty()).then(|| faults.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_becomes_strict() {
        let loose = json!({
            "$schema": "x", "type": "object", "required": ["a"],
            "properties": {
                "a": {"type": "array", "items": {"type": "object", "properties": {"t": {"type": "string"}}}},
                "b": {"type": "string"}, "c": {"type": "string", "enum": ["x"]}
            }
        });
        let made = strict(&loose);
        assert_eq!(made["required"], json!(["a", "b", "c"]));
        assert_eq!(made["additionalProperties"], false);
        assert_eq!(made["properties"]["b"]["type"], json!(["string", "null"]));
        assert_eq!(made["properties"]["c"]["anyOf"][1]["type"], "null");
        assert_eq!(made["properties"]["a"]["items"]["required"], json!(["t"]));
        assert!(made.get("$schema").is_none());
        assert_eq!(strict(&made), made, "twice is as once");
    }

    #[test]
    fn json_is_found_in_prose() {
        for text in [
            r#"{"a": 1}"#,
            "Sure! Here it is:\n```json\n{\"a\": 1}\n```\nAnything else?",
            "```\n{\"a\": 1}\n```",
            "I think {well} that {\"a\": 1} is it. {",
            "<think>{}</think> {\"a\": 1}",
        ] {
            assert_eq!(object_in(text), Some(json!({"a": 1})), "{text}");
        }
        for text in ["", "no", "[1]", "{\"a\": ", "```json\n{\"a\"\n```"] {
            assert_eq!(object_in(text), None, "{text}");
        }
    }

    #[test]
    fn faults_name_their_places() {
        let checker = jsonschema::validator_for(&strict(&json!({
            "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]
        })))
        .unwrap();
        assert_eq!(faults(&checker, &json!({"a": 1})), None);
        let said = faults(&checker, &json!({"a": "x", "b": 2})).unwrap();
        assert!(said.contains("at /a:"), "{said}");
    }
}

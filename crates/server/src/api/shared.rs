//! Schemas that stand in the description more than once are told once, under `components.schemas`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Smaller ones are told where they stand: a reference would be no shorter.
const LEAST: usize = 160;

/// Moves repeated schemas of operations to the shared ones, and refers to them.
pub(super) fn share(document: &mut Value) {
    let mut counted = BTreeMap::new();
    if let Some(paths) = document.get("paths") {
        schemas(paths, &mut |schema| count(schema, None, &mut counted));
    }
    let mut taken: BTreeSet<String> = document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect();
    let mut names = BTreeMap::new();
    for (text, Seen { times, name, .. }) in counted {
        if times > 1 {
            let name = free(&name, &mut taken);
            names.insert(text, name);
        }
    }
    let mut moved = BTreeMap::new();
    if let Some(paths) = document.get_mut("paths") {
        schemas_mut(paths, &mut |schema| refer(schema, &names, &mut moved));
    }
    if let Some(shared) = document["components"]["schemas"].as_object_mut() {
        shared.extend(moved);
    }
}

struct Seen {
    times: usize,
    name: String,
}

/// Calls for each schema that an operation names itself.
fn schemas(value: &Value, found: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "schema" && member.is_object() {
                    found(member);
                } else if name != "examples" && name != "example" {
                    schemas(member, found);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                schemas(item, found);
            }
        }
        _ => {}
    }
}

fn schemas_mut(value: &mut Value, found: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "schema" && member.is_object() {
                    found(member);
                } else if name != "examples" && name != "example" {
                    schemas_mut(member, found);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                schemas_mut(item, found);
            }
        }
        _ => {}
    }
}

/// Schemas inside a schema, each with the name of the member it describes.
fn inner(schema: &Value) -> Vec<(Option<&str>, &Value)> {
    let mut found = Vec::new();
    if let Some(members) = schema.get("properties").and_then(Value::as_object) {
        found.extend(members.iter().map(|(name, one)| (Some(name.as_str()), one)));
    }
    for word in ["items", "additionalProperties"] {
        found.extend(schema.get(word).map(|one| (None, one)));
    }
    for word in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        let parts = schema.get(word).and_then(Value::as_array);
        found.extend(parts.into_iter().flatten().map(|one| (None, one)));
    }
    found.retain(|(_, one)| one.is_object());
    found
}

/// The text by which a schema is known again, if it is worth sharing.
fn key(schema: &Value) -> Option<String> {
    let whole = ["properties", "enum", "oneOf", "anyOf"];
    if !whole.iter().any(|word| schema.get(word).is_some()) {
        return None;
    }
    let text = schema.to_string();
    (text.len() >= LEAST).then_some(text)
}

fn count(schema: &Value, member: Option<&str>, counted: &mut BTreeMap<String, Seen>) {
    if let Some(text) = key(schema) {
        if let Some(seen) = counted.get_mut(&text) {
            seen.times += 1;
            // What is inside will be told once, with this one.
            return;
        }
        let title = schema.get("title").and_then(Value::as_str);
        let name = camel(title.or(member).unwrap_or("Part"));
        counted.insert(text, Seen { times: 1, name });
    }
    for (name, one) in inner(schema) {
        count(one, name.or(member), counted);
    }
}

fn refer(
    schema: &mut Value,
    names: &BTreeMap<String, String>,
    moved: &mut BTreeMap<String, Value>,
) {
    let name = key(schema).and_then(|text| names.get(&text));
    let Some(name) = name else {
        return within(schema, names, moved);
    };
    let mut body = std::mem::replace(
        schema,
        json!({"$ref": format!("#/components/schemas/{name}")}),
    );
    if !moved.contains_key(name) {
        within(&mut body, names, moved);
        moved.insert(name.clone(), body);
    }
}

fn within(
    schema: &mut Value,
    names: &BTreeMap<String, String>,
    moved: &mut BTreeMap<String, Value>,
) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    for (word, member) in members.iter_mut() {
        match (word.as_str(), member) {
            ("properties", Value::Object(inner)) => {
                for one in inner.values_mut() {
                    refer(one, names, moved);
                }
            }
            ("items" | "additionalProperties", one @ Value::Object(_)) => {
                refer(one, names, moved);
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(parts)) => {
                for one in parts.iter_mut() {
                    refer(one, names, moved);
                }
            }
            _ => {}
        }
    }
}

/// `zoom_call` and `zoomCall` as `ZoomCall`.
fn camel(name: &str) -> String {
    let mut out = String::new();
    let mut upper = true;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        } else {
            upper = true;
        }
    }
    out
}

fn free(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut n = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{name}{n}");
        n += 1;
    }
    candidate
}

/// The schemas with everything that is referred to put back.
#[cfg(test)]
fn resolved(value: &Value, shared: &serde_json::Map<String, Value>) -> Value {
    match value {
        Value::Object(members) => {
            let name = members
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|place| place.strip_prefix("#/components/schemas/"));
            if let Some(name) = name {
                return resolved(&shared[name], shared);
            }
            let members = members.iter();
            members
                .map(|(name, one)| (name.clone(), resolved(one, shared)))
                .collect()
        }
        Value::Array(items) => items.iter().map(|one| resolved(one, shared)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_is_told_once_and_means_the_same() {
        let person = json!({"type": "object", "description": "Somebody who took part in a meeting, as far as Zoom tells.",
            "properties": {"name": {"type": "string", "description": "The name."}, "at": {"type": "string", "format": "date-time"}}});
        let list = json!({"type": "object", "properties": {"people": {"type": "array", "items": person}, "host": person}});
        let before = json!({
            "paths": {"/a": {"get": {"responses": {"200": {"content": {"application/json": {"schema": list}}}}}},
                "/b": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"anyOf": [list, {"type": "null"}]}}}}}}}},
            "components": {"schemas": {"Person": {"type": "string"}}},
        });
        let mut after = before.clone();
        share(&mut after);
        let shared = after["components"]["schemas"].as_object().unwrap();
        assert_eq!(shared.len(), 3, "{after:#}");
        assert_eq!(
            after.to_string().matches("Somebody who took part").count(),
            1
        );
        assert_eq!(resolved(&after["paths"], shared), before["paths"]);
        let once = after.clone();
        share(&mut after);
        assert_eq!(after, once);
    }
}

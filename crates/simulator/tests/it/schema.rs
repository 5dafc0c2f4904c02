//! Answers and table against the reference, when it is there.

use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;

/// Fields that the reference's guide knows and its endpoint list leaves out.
const OF_THE_GUIDE: [&str; 2] = ["share_url", "timezone"];

/// Where the reference lies, or nothing.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PARFOCAL_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    folder
        .join("reference/zoom/endpoints.json")
        .exists()
        .then_some(folder)
}

static ENDPOINTS: LazyLock<Option<Vec<Value>>> = LazyLock::new(|| {
    let Some(folder) = folder() else {
        eprintln!(
            "skipped: answers are not checked against the reference, which is not here (PARFOCAL_SHARED)"
        );
        return None;
    };
    let text = std::fs::read_to_string(folder.join("reference/zoom/endpoints.json")).unwrap();
    Some(serde_json::from_str(&text).unwrap())
});

fn matches(template: &str, path: &str) -> bool {
    let (a, b): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.starts_with('{') || a == b)
}

/// Refuses fields that the reference does not know.
pub(crate) fn check(method: &str, path: &str, status: u16, body: &Value) {
    let path = path.split('?').next().unwrap();
    if status >= 400 {
        let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert!(
            fields
                .iter()
                .all(|field| ["code", "message", "errors"].contains(&field.as_str())),
            "{body}"
        );
        return;
    }
    let Some(endpoints) = ENDPOINTS.as_ref() else {
        return;
    };
    let row = endpoints
        .iter()
        .filter(|row| row["method"] == method && matches(row["path"].as_str().unwrap(), path))
        .min_by_key(|row| row["path"].as_str().unwrap().matches('{').count());
    let Some(row) = row else {
        panic!("the reference has no {method} {path}")
    };
    assert_eq!(row["success_status"], status, "{method} {path}");
    let mut schema = row["response_fields"].clone();
    // These two say "as in the other one".
    let twin = match row["path"].as_str().unwrap() {
        "/accounts/{accountId}/recordings" => Some("/users/{userId}/recordings"),
        "/users/{userId}/meeting_summaries" => Some("/meetings/meeting_summaries"),
        _ => None,
    };
    if let Some(twin) = twin {
        schema = endpoints
            .iter()
            .find(|row| row["path"] == twin && row["method"] == "GET")
            .unwrap()["response_fields"]
            .clone();
    }
    compare(&format!("{method} {path}"), &schema, body);
}

fn compare(at: &str, schema: &Value, body: &Value) {
    match (schema, body) {
        (Value::Object(schema), Value::Object(body)) => {
            for (name, value) in body {
                match schema.get(name).or_else(|| schema.get("*")) {
                    Some(schema) => compare(&format!("{at}.{name}"), schema, value),
                    None => assert!(
                        OF_THE_GUIDE.contains(&name.as_str()),
                        "{at}: unknown field {name}"
                    ),
                }
            }
        }
        (Value::Object(_), Value::Array(rows)) => {
            assert!(
                schema["$"].as_str().unwrap().starts_with("array"),
                "{at} is no array"
            );
            for row in rows {
                compare(at, schema, row);
            }
        }
        (Value::String(kind), value) => {
            let kind = kind.split(' ').next().unwrap().trim_end_matches('!');
            let fits = match kind {
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" | "int64" | "number" => value.is_number(),
                "array" => value.is_array(),
                "object" => value.is_object(),
                other => panic!("{at}: unknown type {other}"),
            };
            assert!(fits, "{at} should be {kind}, is {value}");
            let allowed = schema
                .as_str()
                .unwrap()
                .split("enum=")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            if let (Some(allowed), Some(text)) = (allowed, value.as_str())
                && !schema.as_str().unwrap().contains("1-20")
                && !text.contains(',')
            {
                // TIMELINE rows are described in prose only.
                assert!(
                    allowed.split('|').any(|one| one == text)
                        || text == "TIMELINE"
                        || text.is_empty(),
                    "{at}: {text} is not in {allowed}"
                );
            }
        }
        (schema, value) => panic!("{at}: {value} does not fit {schema}"),
    }
}

/// The table the simulator is built with says what the reference says.
#[test]
fn the_endpoint_table_is_the_references() {
    use parfocal_simulator::rest::table;
    let Some(endpoints) = ENDPOINTS.as_ref() else {
        return;
    };
    let of_rest: Vec<&Value> = endpoints
        .iter()
        .filter(|row| row["path"].as_str().unwrap().starts_with('/'))
        .collect();
    assert_eq!(of_rest.len(), table::all().len());
    for row in of_rest {
        let ours = table::all()
            .iter()
            .find(|one| row["method"] == one.method && row["path"] == one.path)
            .unwrap();
        let list = |name: &str| -> Vec<String> {
            row[name]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one.as_str().unwrap().replace(" (unverified)", ""))
                .collect()
        };
        let sorted = |mut list: Vec<String>| {
            list.sort();
            list
        };
        let granular = [list("scopes_granular"), list("scopes_granular_admin")].concat();
        assert_eq!(
            sorted(ours.granular.clone()),
            sorted(granular),
            "{}",
            ours.key()
        );
        assert_eq!(
            sorted(ours.classic.clone()),
            sorted(list("scopes_classic")),
            "{}",
            ours.key()
        );
        let label = row["rate_limit_label"]
            .as_str()
            .unwrap()
            .split(" (")
            .next()
            .unwrap();
        let expected = if label.starts_with("not ") || label.starts_with("none") {
            "UNLABELLED"
        } else {
            label
        };
        assert_eq!(ours.label.name(), expected, "{}", ours.key());
    }
}

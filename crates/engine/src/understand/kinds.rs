//! Kinds of analysis: a prompt and a JSON Schema in one Markdown file each, the built-in one and the operator's.
//!
//! ````markdown
//! ---
//! title: Risks
//! version: 1
//! auto: true
//! ---
//! Report the risks that somebody spoke of. `severity` is how bad it would be.
//!
//! ```json
//! {"type": "object", "properties": {"risks": {"type": "array", "items": {"type": "object", "required": ["text"],
//!  "properties": {"text": {"type": "string"}, "severity": {"type": "string"}}}}}}
//! ```
//! ````
//!
//! The schema's members are lists of objects with a `text`; the citation is added to each here, so that nothing can be
//! stated without proof.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::error::{Code, EngineError, Result};
use crate::models::schema::strict;

/// The kind of analysis that looks for everything at once.
pub(crate) const MEETING: &str = "meeting";
const MEETING_FILE: &str = include_str!("prompts/meeting.md");
/// What every prompt begins with.
pub(crate) const RULES: &str = include_str!("prompts/rules.md");
/// Most statements in a list that names no bound of its own, and of any list.
const ITEMS: u64 = 20;
const MOST_ITEMS: u64 = 100;
/// Largest file of a kind, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// A kind of analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisKind {
    /// Its name: that of its file.
    pub name: String,
    /// A title for people.
    pub title: String,
    /// Version of prompt and schema: the file's own, and a hash of everything that is asked.
    pub version: String,
    /// Whether every transcript is analysed so as it comes in.
    pub auto: bool,
    /// The task.
    pub(crate) task: String,
    /// The schema of the answer, strict, with citations.
    pub(crate) schema: Value,
    /// The lists of the answer with the most statements of each.
    pub(crate) lists: Vec<(String, usize)>,
    /// The whole text, to be kept with results.
    pub(crate) text: String,
}

impl AnalysisKind {
    /// The built-in kind.
    pub(crate) fn meeting() -> Self {
        Self::parse(MEETING, MEETING_FILE).expect("the built-in kind is valid, and a test reads it")
    }

    /// Reads the text of a file.
    pub(crate) fn parse(name: &str, text: &str) -> std::result::Result<Self, String> {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .ok_or("it does not begin with lines between --- and ---")?;
        let (mut title, mut version, mut auto) = (name.to_owned(), None, false);
        for line in head.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line
                .split_once(':')
                .ok_or_else(|| format!("{line:?} is no `key: value`"))?;
            match (key.trim(), value.trim()) {
                ("title", value) => value.clone_into(&mut title),
                ("version", value) => version = Some(value.to_owned()),
                ("auto", "true") => auto = true,
                ("auto", "false") => auto = false,
                (key, value) => {
                    return Err(format!(
                        "`{key}: {value}` is not understood; there are title, version, and auto (true or false)"
                    ));
                }
            }
        }
        let version = version
            .filter(|version| {
                (1..=20).contains(&version.len())
                    && version
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
            })
            .ok_or("`version:` is missing, or is not letters, digits and dots")?;
        let (task, rest) = body
            .split_once("```json\n")
            .ok_or("it has no block ```json with a schema")?;
        let (schema, after) = rest
            .split_once("\n```")
            .ok_or("its block ```json does not end")?;
        let task = format!("{}\n{}", task.trim(), after.trim())
            .trim()
            .to_owned();
        if task.is_empty() {
            return Err("it says nothing about what to look for".to_owned());
        }
        let schema: Value = serde_json::from_str(schema)
            .map_err(|error| format!("its schema is not JSON: {error}"))?;
        let (schema, lists) = with_citations(schema)?;
        jsonschema::validator_for(&schema)
            .map_err(|error| format!("its schema cannot be used: {error}"))?;
        let mut hash = Sha256::new();
        hash.update(RULES);
        hash.update(&text);
        let hash = hex::encode(hash.finalize());
        Ok(Self {
            name: name.to_owned(),
            title,
            version: format!("{version}-{}", &hash[..12]),
            auto,
            task,
            schema,
            lists,
            text,
        })
    }
}

/// The schema with a citation in every statement, and its lists.
fn with_citations(mut schema: Value) -> std::result::Result<(Value, Vec<(String, usize)>), String> {
    let properties = schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .filter(|properties| !properties.is_empty())
        .ok_or("its schema is no object with properties")?;
    let mut lists = Vec::new();
    for (name, list) in properties.iter_mut() {
        let wrong = || {
            format!(
                "{name} is no list of objects with a `text`: everything stated needs a place for its proof"
            )
        };
        let most = list
            .get("maxItems")
            .and_then(Value::as_u64)
            .unwrap_or(ITEMS)
            .clamp(1, MOST_ITEMS);
        if list.get("type") != Some(&json!("array")) {
            return Err(wrong());
        }
        list["maxItems"] = json!(most);
        let item = list.get_mut("items").ok_or_else(wrong)?;
        let fields = item
            .get_mut("properties")
            .and_then(Value::as_object_mut)
            .ok_or_else(wrong)?;
        if fields.get("text").and_then(|text| text.get("type")) != Some(&json!("string")) {
            return Err(wrong());
        }
        fields.insert(
            "cite".into(),
            json!({"type": "object", "required": ["from", "to", "quote"], "properties": {
            "from": {"type": "integer"}, "to": {"type": "integer"}, "quote": {"type": "string"}}}),
        );
        let mut required: Vec<Value> = item
            .get("required")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        for needed in ["text", "cite"] {
            if required.iter().all(|known| known != needed) {
                required.push(json!(needed));
            }
        }
        item["type"] = json!("object");
        item["required"] = Value::Array(required);
        lists.push((name.clone(), usize::try_from(most).unwrap_or(usize::MAX)));
    }
    let names: Vec<&String> = lists.iter().map(|(name, _)| name).collect();
    schema["required"] = json!(names);
    schema["type"] = json!("object");
    Ok((strict(&schema), lists))
}

/// The operator's kinds, by name; a folder that is not there has none.
///
/// # Errors
/// `config_invalid` for a file that is no kind, with the fault.
pub(crate) fn of_folder(folder: &Path) -> Result<Vec<AnalysisKind>> {
    let mut kinds = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(kinds),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            kinds.push(of_file(&path)?);
        }
    }
    kinds.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(kinds)
}

fn of_file(path: &Path) -> Result<AnalysisKind> {
    let wrong = |fault: String| {
        EngineError::new(
            Code::ConfigInvalid,
            format!("{} is no kind of analysis: {fault}", path.display()),
        )
        .with_hint("The guide's page about language models shows a whole one.")
    };
    let name = path
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let fine = (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !fine || name == MEETING {
        return Err(wrong(
            "its name is taken, or is not of lower-case letters, digits and _".to_owned(),
        ));
    }
    let size = path
        .metadata()
        .map_err(|error| unreadable(path, &error))?
        .len();
    if size > MOST_BYTES {
        return Err(wrong(format!("it has more than {MOST_BYTES} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    AnalysisKind::parse(name, &text).map_err(wrong)
}

fn unreadable(path: &Path, error: &std::io::Error) -> EngineError {
    EngineError::new(
        Code::FileFailed,
        format!("{} cannot be read: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const RISKS: &str = "---\ntitle: Risks\nversion: 2\nauto: true\n---\nFind risks.\n\n```json\n{\"properties\": {\"risks\": {\"type\": \"array\", \"items\": {\"properties\": {\"text\": {\"type\": \"string\"}, \"severity\": {\"type\": \"string\"}}}}}}\n```\nBe brief.\n";

    #[test]
    fn the_built_in_kind_is_whole() {
        let kind = AnalysisKind::meeting();
        assert_eq!(kind.lists.len(), 7);
        let item = &kind.schema["properties"]["action_items"]["items"];
        assert_eq!(item["additionalProperties"], false);
        assert_eq!(
            item["properties"]["owner"]["type"],
            json!(["string", "null"])
        );
        assert_eq!(
            item["properties"]["cite"]["required"],
            json!(["from", "quote", "to"])
        );
        assert!(kind.version.starts_with("1-"));
    }

    #[test]
    fn a_file_is_a_kind() {
        let kind = AnalysisKind::parse("risks", RISKS).unwrap();
        assert_eq!((kind.title.as_str(), kind.auto), ("Risks", true));
        assert_eq!(kind.lists, [("risks".to_owned(), 20)]);
        assert_eq!(kind.task, "Find risks.\nBe brief.");
        let changed = AnalysisKind::parse("risks", &RISKS.replace("brief", "long")).unwrap();
        assert_ne!(
            kind.version, changed.version,
            "other words, another version"
        );
        for (text, fault) in [
            ("x", "begin"),
            (&RISKS.replace("version: 2\n", ""), "version"),
            (&RISKS.replace("auto", "when"), "not understood"),
            (&RISKS.replace("```json", "```"), "block"),
            (
                &RISKS.replace("{\"properties\": {\"risks\"", "{{"),
                "not JSON",
            ),
            (&RISKS.replace("\"array\"", "\"string\""), "no list"),
            (&RISKS.replace("\"text\"", "\"words\""), "no list"),
        ] {
            let said = AnalysisKind::parse("risks", text).unwrap_err();
            assert!(said.contains(fault), "{said}");
        }
    }

    #[test]
    fn a_folder_gives_its_kinds_or_says_which_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(of_folder(&folder.path().join("none")).unwrap(), []);
        std::fs::write(folder.path().join("risks.md"), RISKS).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        assert_eq!(of_folder(folder.path()).unwrap()[0].name, "risks");
        std::fs::write(folder.path().join("meeting.md"), RISKS).unwrap();
        let error = of_folder(folder.path()).unwrap_err();
        assert!(error.to_string().contains("meeting.md"), "{error}");
    }
}

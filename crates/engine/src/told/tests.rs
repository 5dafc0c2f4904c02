//! Every type has a committed schema; nothing is told past the types.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::*;

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files that are handed out; `PARFOCAL_BLESS=1` writes them anew.
#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = root().join("config/events");
    let bless = std::env::var_os("PARFOCAL_BLESS").is_some();
    let mut wanted = BTreeSet::new();
    for kind in KINDS {
        let file = format!("{}.v{}.json", kind.name, kind.version);
        let mut made = serde_json::to_string_pretty(&kind.message()).unwrap();
        made.push('\n');
        if bless {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(&file), &made).unwrap();
        }
        let held = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert_eq!(held, made, "{file}: run it with PARFOCAL_BLESS=1");
        wanted.insert(file);
    }
    let held: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    // A version that was told once stays readable.
    assert!(wanted.is_subset(&held));
}

#[test]
fn types_are_in_order_and_once_and_say_what_they_are() {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for kind in KINDS {
        let schema = kind.message();
        jsonschema::meta::validate(&schema)
            .unwrap_or_else(|fault| panic!("{}: {fault}", kind.name));
        assert!(kind.about.ends_with('.'), "{}", kind.name);
    }
}

/// What goes past [`tell`] has no schema.
#[test]
fn nothing_is_told_in_another_way() {
    fn read(folder: &Path, found: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if path.is_dir() {
                if !["told", "tests"].contains(&name) {
                    read(&path, found);
                }
            } else if path.extension().is_some_and(|kind| kind == "rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
                if text.contains("append_event(") || text.contains("NewDomainEvent {") {
                    let _ = writeln!(found, "{}", path.display());
                }
            }
        }
    }
    let mut found = String::new();
    for crates in ["engine", "server", "cli"] {
        read(&root().join("crates").join(crates).join("src"), &mut found);
    }
    assert!(found.is_empty(), "tells without told::tell:\n{found}");
}

/// The page of the book; `PARFOCAL_BLESS=1` writes it anew.
#[test]
fn the_book_lists_every_type() {
    let mut made = String::from(
        "# Types of event\n\nThis page is printed from the program's own table. What they are sent as stands under \
         [Destinations and webhooks](../guide/destinations.md). The JSON Schema of each is at `/v1/event-types/TYPE`, and in \
         `config/events`.\n\n| type | version | told when | `subject` is the id of | data |\n| --- | --- | --- | --- | --- |\n",
    );
    for kind in KINDS {
        let data = (kind.schema)();
        let fields: Vec<String> = data["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let _ = writeln!(
            made,
            "| `{}` | {} | {} | {} | {} |",
            kind.name,
            kind.version,
            kind.about,
            kind.subject,
            fields.join(", ")
        );
    }
    let path = root().join("docs/src/reference/events.md");
    if std::env::var_os("PARFOCAL_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(held, made, "run it with PARFOCAL_BLESS=1");
}

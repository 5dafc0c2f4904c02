//! The configuration reference page, made from the engine's table of keys.

use std::fmt::Write as _;

use parfocal_engine::config::{KEYS, Key, Kind, environment_name};

/// What each section is about, in the order of the page.
const SECTIONS: [(&str, &str); 20] = [
    ("data", "Where files are kept"),
    ("server", "The HTTP server"),
    ("database", "The database"),
    ("vault", "The keys under which secrets are stored"),
    (
        "zoom",
        "Zoom: addresses, apps, the connection from the environment",
    ),
    ("limits", "The share of Zoom's rate budget"),
    ("backfill", "Taking in the past"),
    ("media", "Files of recordings"),
    ("inbox", "Events that arrived"),
    ("jobs", "Work in the background"),
    ("models", "Language models beside the embedded analyst"),
    ("smtp", "The mail server"),
    ("imap", "The mailbox that answers are read from"),
    ("reminders", "Reminders"),
    (
        "availability",
        "When people can be met, and whose calendar tells it",
    ),
    ("calendars", "What people change in calendars"),
    (
        "google",
        "Your app at Google, with which people connect their calendars",
    ),
    (
        "microsoft",
        "Your application at Microsoft, with which people connect their calendars",
    ),
    ("clock", "The clock"),
    ("log", "What is logged"),
];

/// The page as Markdown.
pub(crate) fn markdown() -> String {
    let mut page = String::from(
        "# Configuration reference\n\n\
         Parfocal reads, each overriding the one before: its defaults, `parfocal.yaml` in the working directory (or the file named \
         with `--config`), `.env` in the working directory, the environment, flags. Nothing is reloaded while it runs.\n\n\
         A secret can also be given as the name of a file that holds it: add `_FILE` to the variable's name. Unknown keys stop the \
         start; the message names the key, where it came from and the mend. `parfocal config check` checks without starting \
         anything.\n\n\
         This page is made by `parfocal config reference`.\n",
    );
    let mut sections: Vec<&str> = Vec::new();
    for key in KEYS {
        if !sections.contains(&key.section()) {
            sections.push(key.section());
        }
    }
    for section in sections {
        let title = SECTIONS
            .iter()
            .find(|(name, _)| *name == section)
            .map_or(section, |(_, title)| title);
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## `{section}`: {title}\n");
        for key in KEYS.iter().filter(|key| key.section() == section) {
            write_key(&mut page, key);
        }
    }
    page
}

/// `config/default.yaml`: every key with its default and what it does.
pub(crate) fn default_yaml() -> String {
    let mut page = String::from(
        "# Every key of Parfocal with its default. Copy what you change into parfocal.yaml; leave out the rest.\n\
         # Order of precedence: defaults, parfocal.yaml, .env, environment, flags. Secrets belong into the environment or into a\n\
         # file that NAME_FILE names. Made by `parfocal config default`.\n",
    );
    let mut open: Vec<&str> = Vec::new();
    for key in KEYS {
        let mut parts: Vec<&str> = key.path.split('.').collect();
        let leaf = parts.pop().unwrap_or(key.path);
        let shared = open.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        // Keys under a name that the operator chooses are shown as an example, commented out below their section.
        let example = parts.contains(&"*");
        let lead = |depth: usize| match depth.checked_sub(1) {
            Some(inner) if example => format!("  # {}", "  ".repeat(inner)),
            _ => "  ".repeat(depth),
        };
        for (depth, part) in parts.iter().enumerate().skip(shared) {
            let gap = if depth == 0 { "\n" } else { "" };
            let name = if *part == "*" {
                example_name(key)
            } else {
                part
            };
            let _ = writeln!(page, "{gap}{}{name}:", lead(depth));
        }
        let lead = lead(parts.len());
        open = parts;
        for line in wrapped(key.about, 120 - lead.len()) {
            let _ = writeln!(page, "{lead}# {line}");
        }
        let environment = key.env.map_or_else(
            || environment_name(key.path).replace('*', &example_name(key).to_uppercase()),
            str::to_owned,
        );
        let file = if key.is_secret() {
            format!(" or {environment}_FILE")
        } else {
            String::new()
        };
        let _ = writeln!(
            page,
            "{lead}# Environment: {environment}{file}\n{lead}{leaf}: {}",
            key.default
        );
    }
    page
}

/// What an operator may call one of many.
fn example_name(key: &Key) -> &'static str {
    match key.section() {
        "models" => "local",
        _ => "crm",
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.len() + 1 + word.len() + 2 > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

fn write_key(page: &mut String, key: &Key) {
    let environment = match key.env {
        Some(name) => format!("`{name}` (or `{}`)", environment_name(key.path)),
        None => format!("`{}`", environment_name(key.path).replace('*', "NAME")),
    };
    let default = if key.default == "null" {
        "none".to_owned()
    } else {
        format!("`{}`", key.default)
    };
    let _ = write!(
        page,
        "\n### `{}`\n\n{}\n\n- Value: {}\n- Default: {default}\n- Environment: {environment}\n",
        key.path.replace('*', "NAME"),
        key.about,
        kind(key.kind),
    );
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Secret => "a secret; never shown or logged".to_owned(),
        Kind::Secrets => {
            "secrets: a list, or one text with commas; never shown or logged".to_owned()
        }
        Kind::Url => "an address".to_owned(),
        Kind::Path => "a file or directory".to_owned(),
        Kind::Listen => "an address and port".to_owned(),
        Kind::Integer => "a whole number".to_owned(),
        Kind::Float => "a number".to_owned(),
        Kind::Bool => "`true` or `false`".to_owned(),
        Kind::List => "a list, or one text with commas".to_owned(),
        Kind::Enum(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", words.join(", "))
        }
        _ => "a text".to_owned(),
    }
}

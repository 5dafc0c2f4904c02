//! Environment variables and `.env`: the names users know, `PARFOCAL_SECTION__KEY`, and `NAME_FILE` for secrets.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use config::ValueKind;
use parfocal_engine::config::{KEYS, Key, Kind, environment_name};

use super::{Complaint, Origin, Setting, suggest};

/// Names that Zoom or we have retired: what to use instead.
const RETIRED: [(&str, &str); 4] = [
    (
        "ZOOM_WEBHOOK_VERIFICATION_TOKEN",
        "Zoom retired verification tokens in 2023; webhooks are signed with the secret token: set ZOOM_WEBHOOK_SECRET_TOKEN",
    ),
    (
        "ZOOM_VERIFICATION_TOKEN",
        "Zoom retired verification tokens in 2023: set ZOOM_WEBHOOK_SECRET_TOKEN",
    ),
    (
        "ZOOM_JWT_API_KEY",
        "Zoom retired JWT apps in 2023; make a server-to-server OAuth app and set ZOOM_ACCOUNT_ID, ZOOM_S2S_CLIENT_ID and ZOOM_S2S_CLIENT_SECRET",
    ),
    (
        "ZOOM_JWT_API_SECRET",
        "Zoom retired JWT apps in 2023; see ZOOM_JWT_API_KEY",
    ),
];

/// Largest file behind a `NAME_FILE`, in bytes.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// Reads `.env` without touching the process's environment; a missing file is no fault.
pub(crate) fn dot_env(
    path: &Path,
    settings: &mut Vec<Setting>,
    complaints: &mut Vec<Complaint>,
    warnings: &mut Vec<String>,
) {
    if !path.is_file() {
        return;
    }
    let mut pairs = Vec::new();
    let complaint = |message: String| Complaint {
        key: path.display().to_string(),
        message,
        origin: None,
        mend: "Each line is NAME=value; values with spaces or # stand in quotes.".to_owned(),
    };
    match dotenvy::from_path_iter(path) {
        Ok(lines) => {
            for (number, line) in lines.enumerate() {
                match line {
                    Ok(pair) => pairs.push(pair),
                    // dotenvy's message repeats the line, which may hold a secret.
                    Err(_) => {
                        complaints.push(complaint(format!("entry {} cannot be read", number + 1)));
                    }
                }
            }
        }
        Err(_) => complaints.push(complaint("cannot be read".to_owned())),
    }
    let origin = |name: String| Origin::DotEnv(path.to_owned(), name);
    read(&pairs, &origin, settings, complaints, warnings);
}

/// Turns variables into settings. Empty values count as not given; names that are not ours are left alone.
pub(crate) fn read(
    pairs: &[(String, String)],
    origin: &dyn Fn(String) -> Origin,
    settings: &mut Vec<Setting>,
    complaints: &mut Vec<Complaint>,
    warnings: &mut Vec<String>,
) {
    let given: BTreeMap<&str, &str> = pairs
        .iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut seen: BTreeMap<Vec<String>, &str> = BTreeMap::new();
    for (name, value) in &given {
        if let Some((_, instead)) = RETIRED.iter().find(|(retired, _)| retired == name) {
            warnings.push(format!(
                "{} is ignored: {instead}.",
                origin((*name).to_owned())
            ));
            continue;
        }
        let Some((path, from_file)) = path_of(name) else {
            // Settings of components are no configuration: `component activate` takes them over.
            let component = name.starts_with("PARFOCAL_COMPONENTS__");
            if name.starts_with("PARFOCAL_") && name.contains("__") && !component {
                complaints.push(unknown_name(name, origin((*name).to_owned())));
            }
            continue;
        };
        if let Some(other) = seen.insert(path.clone(), name) {
            complaints.push(Complaint {
                key: path.join("."),
                message: format!("is given twice, as {other} and as {name}"),
                origin: Some(origin((*name).to_owned())),
                mend: "Keep one of them.".to_owned(),
            });
            continue;
        }
        let origin = origin((*name).to_owned());
        if from_file {
            match secret_file(Path::new(value.trim())) {
                Ok(text) => settings.push(Setting {
                    path,
                    value: ValueKind::String(text),
                    origin,
                }),
                Err(message) => complaints.push(Complaint {
                    key: path.join("."),
                    message: format!("the file {value} {message}"),
                    origin: Some(origin),
                    mend: "The variable names a file that holds the value and nothing else."
                        .to_owned(),
                }),
            }
        } else {
            settings.push(Setting {
                path,
                value: ValueKind::String((*value).to_owned()),
                origin,
            });
        }
    }
}

/// The path that a variable sets, and whether it names a file with the value.
fn path_of(name: &str) -> Option<(Vec<String>, bool)> {
    let direct = |name: &str| {
        KEYS.iter()
            .find(|key| key.env == Some(name) || environment_name(key.path) == name)
    };
    let split = |key: &Key| key.path.split('.').map(str::to_owned).collect::<Vec<_>>();
    if let Some(key) = direct(name) {
        return Some((split(key), false));
    }
    if let Some(stem) = name.strip_suffix("_FILE")
        && let Some(key) =
            direct(stem).filter(|key| matches!(key.kind, Kind::Secret | Kind::Secrets))
    {
        return Some((split(key), true));
    }
    // Keys under names that the operator chooses: PARFOCAL_ZOOM__APPS__NAME__CLIENT_ID.
    let nested = |name: &str| -> Option<(Vec<String>, &'static Key)> {
        let path: Vec<String> = name
            .strip_prefix("PARFOCAL_")?
            .split("__")
            .map(str::to_ascii_lowercase)
            .collect();
        super::key_of(&path).map(|key| (path, key))
    };
    if let Some((path, _)) = nested(name) {
        return Some((path, false));
    }
    let (path, key) = nested(name.strip_suffix("_FILE")?)?;
    key.is_secret().then_some((path, true))
}

fn secret_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    // Bounded while reading: the size of a device or a pipe says nothing.
    let read = file.take(MAX_SECRET_FILE + 1).read_to_string(&mut text);
    if text.len() as u64 > MAX_SECRET_FILE {
        return Err(format!(
            "has more than {MAX_SECRET_FILE} bytes, which is no secret"
        ));
    }
    read.map_err(unreadable)?;
    let text = text.trim();
    if text.is_empty() {
        Err("is empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn unknown_name(name: &str, origin: Origin) -> Complaint {
    let names: Vec<String> = KEYS.iter().map(|key| environment_name(key.path)).collect();
    let mend = match suggest::nearest(name, names.iter().map(String::as_str)) {
        Some(known) => format!("Did you mean {known}?"),
        None => "Remove it; `parfocal config reference` lists every key.".to_owned(),
    };
    Complaint {
        key: name.to_owned(),
        message: "sets no key".to_owned(),
        origin: Some(origin),
        mend,
    }
}

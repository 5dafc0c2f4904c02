//! Reading the configuration: defaults, `parfocal.yaml`, `.env`, the environment, flags; the later wins.
//!
//! Every value keeps where it came from, so that a complaint can name the key, what is wrong, the source and the mend. All
//! complaints are collected before the program stops. The table of keys in the engine is the only list of what exists.

mod environment;
mod file;
mod reference;
mod suggest;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use config::{Map, Value, ValueKind};
use parfocal_engine::config::{Config, KEYS, Key};

use crate::failure::{Exit, Failure};

pub(crate) use reference::{default_yaml, markdown};

/// The name of the configuration file that is read when none is named.
const DEFAULT_FILE: &str = "parfocal.yaml";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A configuration file, with the line where it could be told.
    File(PathBuf, Option<usize>),
    /// A line of a `.env` file, under this name.
    DotEnv(PathBuf, String),
    /// The environment, under this name.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, Some(line)) => write!(f, "{}, line {line}", path.display()),
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::DotEnv(path, name) => write!(f, "{name} in {}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// One thing that is wrong, and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The key, as a dotted path, or the name of the file or variable when it leads to no key.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) message: String,
    /// Where the value came from.
    pub(crate) origin: Option<Origin>,
    /// What to do.
    pub(crate) mend: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)?;
        if let Some(origin) = &self.origin {
            write!(f, " (from {origin})")?;
        }
        write!(f, ". {}", self.mend)
    }
}

/// A value with its path and origin.
struct Setting {
    path: Vec<String>,
    value: ValueKind,
    origin: Origin,
}

/// What to read.
pub(crate) struct Sources<'a> {
    /// The file named on the command line; it has to exist.
    pub(crate) file: Option<&'a Path>,
    /// The directory in which `parfocal.yaml` and `.env` are looked for.
    pub(crate) directory: &'a Path,
    /// The environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Values of flags, strongest of all: key, value, flag.
    pub(crate) flags: Vec<(&'static str, String, &'static str)>,
}

/// The configuration that was read, and how.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The configuration.
    pub(crate) config: Config,
    /// The file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
    /// Where each given value came from.
    pub(crate) origins: BTreeMap<String, Origin>,
    /// Things worth saying that stop nothing (retired names).
    pub(crate) warnings: Vec<String>,
}

/// Reads and checks the configuration.
pub(crate) fn load(sources: &Sources<'_>) -> Result<Settings, Failure> {
    let mut complaints = Vec::new();
    let mut warnings = Vec::new();
    let mut settings = Vec::new();

    let file = match sources.file {
        Some(path) => Some(path.to_owned()),
        None => Some(sources.directory.join(DEFAULT_FILE)).filter(|path| path.is_file()),
    };
    if let Some(path) = &file {
        settings.extend(file::read(path, &mut complaints)?);
    }
    environment::dot_env(
        &sources.directory.join(".env"),
        &mut settings,
        &mut complaints,
        &mut warnings,
    );
    environment::read(
        &sources.environment,
        &Origin::Environment,
        &mut settings,
        &mut complaints,
        &mut warnings,
    );
    for (key, text, flag) in &sources.flags {
        settings.push(Setting {
            path: key.split('.').map(str::to_owned).collect(),
            value: ValueKind::String(text.clone()),
            origin: Origin::Flag(flag),
        });
    }

    let mut root = Map::new();
    let mut origins = BTreeMap::new();
    for setting in settings {
        let path = setting.path.join(".");
        let Some(key) = key_of(&setting.path) else {
            complaints.push(unknown_key(&path, setting.origin));
            continue;
        };
        match value::check(key, setting.value) {
            Ok(value) => {
                insert(&mut root, &setting.path, value, &setting.origin);
                origins.insert(path, setting.origin);
            }
            Err((message, mend)) => complaints.push(Complaint {
                key: path,
                message,
                origin: Some(setting.origin),
                mend,
            }),
        }
    }
    if !complaints.is_empty() {
        return Err(failure(&complaints));
    }

    let value = Value::new(None, ValueKind::Table(root));
    let mut config: Config = serde_path_to_error::deserialize(value).map_err(|error| {
        let key = error.path().to_string();
        let origin = origins.get(&key).cloned();
        let mend = key_of(&key.split('.').map(str::to_owned).collect::<Vec<_>>()).map_or_else(
            || "See `parfocal config reference`.".to_owned(),
            value::mend,
        );
        failure(&[Complaint {
            key,
            message: error.inner().to_string(),
            origin,
            mend,
        }])
    })?;
    if let Err(found) = config.validate() {
        let complaints: Vec<Complaint> = found
            .into_iter()
            .map(|invalid| Complaint {
                origin: origins.get(&invalid.key).cloned(),
                key: invalid.key,
                message: invalid.message,
                mend: invalid.mend,
            })
            .collect();
        return Err(failure(&complaints));
    }
    config.origins = origins
        .iter()
        .map(|(key, origin)| (key.clone(), origin.to_string()))
        .collect();
    Ok(Settings {
        config,
        file,
        origins,
        warnings,
    })
}

/// The key that a path names; a `*` in the table stands for any name.
fn key_of(path: &[String]) -> Option<&'static Key> {
    KEYS.iter().find(|key| {
        let mut parts = key.path.split('.');
        let all = path.iter().all(|part| {
            parts
                .next()
                .is_some_and(|known| known == "*" || known == part)
        });
        all && parts.next().is_none()
    })
}

fn unknown_key(path: &str, origin: Origin) -> Complaint {
    let mend = match suggest::nearest(path, KEYS.iter().map(|key| key.path)) {
        Some(known) => format!("Did you mean {known}?"),
        None => "Remove it; `parfocal config reference` lists every key.".to_owned(),
    };
    Complaint {
        key: path.to_owned(),
        message: "there is no such key".to_owned(),
        origin: Some(origin),
        mend,
    }
}

fn insert(table: &mut Map<String, Value>, path: &[String], value: ValueKind, origin: &Origin) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        table.insert(first.clone(), Value::new(Some(&origin.to_string()), value));
        return;
    }
    let slot = table
        .entry(first.clone())
        .or_insert_with(|| Value::new(None, ValueKind::Table(Map::new())));
    if let ValueKind::Table(inner) = &mut slot.kind {
        insert(inner, rest, value, origin);
    }
}

fn failure(complaints: &[Complaint]) -> Failure {
    let list: Vec<serde_json::Value> = complaints
        .iter()
        .map(|complaint| {
            serde_json::json!({
                "key": complaint.key,
                "message": complaint.message,
                "source": complaint.origin.as_ref().map(ToString::to_string),
                "hint": complaint.mend,
            })
        })
        .collect();
    let what = match complaints.len() {
        1 => "the configuration is not usable".to_owned(),
        n => format!("the configuration is not usable, for {n} reasons"),
    };
    let mut failure = Failure::new(Exit::Usage, "config", what).with("invalid", list);
    for complaint in complaints {
        failure = failure.detail(complaint.to_string());
    }
    failure.hint("`parfocal config check` says the same again after the mend; `parfocal config reference` explains every key.")
}

#[cfg(test)]
mod tests;

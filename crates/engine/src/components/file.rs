//! `component-activation-status.json`: what is on, for people and programs; no secrets.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use parfocal_store::ComponentRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ALL, is_on};
use crate::config::Config;
use crate::error::{Code, EngineError, Result};

/// Name of the file in the data directory.
pub const FILE: &str = "component-activation-status.json";

/// The status file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusFile {
    /// The form of this file.
    pub version: u32,
    /// When it was written.
    pub written_at: Timestamp,
    /// The components.
    pub components: Vec<Entry>,
}

/// A component in the status file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub active: bool,
    /// Who switched it last; none when nobody did.
    pub changed_by: Option<String>,
    /// When.
    pub changed_at: Option<Timestamp>,
    /// Its settings that somebody set. Secrets lie in the vault and never here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

impl StatusFile {
    pub(super) fn of(
        config: &Config,
        now: Timestamp,
        rows: &BTreeMap<String, ComponentRow>,
    ) -> Self {
        let components = ALL.iter().map(|component| {
            let row = rows.get(component.name);
            // By the register and not by the row: what is a secret today may have been none when the row was written.
            let settings = component
                .settings
                .iter()
                .filter(|setting| !setting.is_secret())
                .filter_map(|setting| {
                    let value = row?.settings.get(setting.key)?.as_str()?;
                    Some((setting.key.to_owned(), value.to_owned()))
                });
            Entry {
                name: component.name.to_owned(),
                active: is_on(config, component, row),
                changed_by: row.map(|row| row.changed_by.clone()),
                changed_at: row.map(|row| row.updated_at),
                settings: settings.collect(),
            }
        });
        Self {
            version: 1,
            written_at: now,
            components: components.collect(),
        }
    }
}

/// Writes the file whole or not at all.
pub(super) fn write(folder: &Path, status: &StatusFile) -> Result<()> {
    let path = folder.join(FILE);
    let failed = |error: std::io::Error| {
        EngineError::new(
            Code::FileFailed,
            format!("{} cannot be written: {error}", path.display()),
        )
        .with_source(error)
    };
    let text = serde_json::to_vec_pretty(status).unwrap_or_default();
    let fresh = folder.join(format!("{FILE}.new"));
    std::fs::write(&fresh, text).map_err(failed)?;
    std::fs::rename(&fresh, &path).map_err(failed)
}

/// Reads the file; none when there is none.
pub(super) fn read(folder: &Path) -> Result<Option<StatusFile>> {
    let path = folder.join(FILE);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(EngineError::new(
                Code::FileFailed,
                format!("{} cannot be read: {error}", path.display()),
            )
            .with_source(error));
        }
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        EngineError::new(
            Code::FileFailed,
            format!("{} is not a status file: {error}", path.display()),
        )
        .with_hint("Remove it: it is written anew with the next switch.")
    })
}

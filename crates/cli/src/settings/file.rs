//! `parfocal.yaml`: read by the `config` crate, flattened to paths with their lines.

use std::io::Read as _;
use std::path::Path;

use config::{FileFormat, Map, Source as _, Value, ValueKind};

use super::{Complaint, Origin, Setting};
use crate::failure::{Exit, Failure};

/// Largest configuration file that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Reads a configuration file; empty values count as not given.
pub(crate) fn read(path: &Path, complaints: &mut Vec<Complaint>) -> Result<Vec<Setting>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::Usage, "config", format!("the configuration file {} cannot be read: {error}", path.display()))
            .hint("Name another one with --config, or leave the flag out to use parfocal.yaml of this directory.")
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    // Bounded while reading: the size of a device or a pipe says nothing.
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(
            "config",
            format!(
                "the configuration file {} has more than {MAX_BYTES} bytes",
                path.display()
            ),
        )
        .hint("Configuration files are read up to 1 MiB. Is this the right file?"));
    }
    read.map_err(unreadable)?;
    let table = match config::File::from_str(&text, FileFormat::Yaml).collect() {
        Ok(table) => table,
        Err(_)
            if text
                .lines()
                .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) =>
        {
            Map::new()
        }
        Err(error) => {
            complaints.push(Complaint {
                key: path.display().to_string(),
                message: format!("is not YAML: {error}"),
                origin: None,
                mend:
                    "Keys are indented with spaces, and values with : or # in them stand in quotes."
                        .to_owned(),
            });
            return Ok(Vec::new());
        }
    };
    let mut settings = Vec::new();
    flatten(path, &text, &[], table, &mut settings);
    settings.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(settings)
}

fn flatten(
    file: &Path,
    text: &str,
    path: &[String],
    table: Map<String, Value>,
    settings: &mut Vec<Setting>,
) {
    for (name, value) in table {
        let mut path = path.to_owned();
        path.push(name);
        let empty = match &value.kind {
            ValueKind::Nil => true,
            ValueKind::Table(inner) => inner.is_empty(),
            _ => false,
        };
        match value.kind {
            _ if empty => {
                // `zoom:` with everything below it commented out says nothing; a misspelt name still should be told.
                let section = path.join(".") + ".";
                let known = super::key_of(&path).is_some()
                    || parfocal_engine::config::KEYS
                        .iter()
                        .any(|key| key.path.starts_with(&section));
                if !known {
                    let origin = Origin::File(file.to_owned(), line_of(text, &path));
                    settings.push(Setting {
                        path,
                        value: ValueKind::Nil,
                        origin,
                    });
                }
            }
            ValueKind::Table(inner) if super::key_of(&path).is_none() => {
                flatten(file, text, &path, inner, settings);
            }
            value => {
                let origin = Origin::File(file.to_owned(), line_of(text, &path));
                settings.push(Setting {
                    path,
                    value,
                    origin,
                });
            }
        }
    }
}

/// The line of a key in block-style YAML, counted from 1; none where it cannot be told (flow style, quoted keys).
fn line_of(text: &str, path: &[String]) -> Option<usize> {
    let mut wanted = path.iter();
    let mut name = wanted.next()?;
    let mut depth: Option<usize> = None;
    for (number, line) in text.lines().enumerate() {
        let body = line.trim_start();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        let indent = line.len() - body.len();
        if depth.is_some_and(|depth| indent <= depth) {
            return None;
        }
        if depth.is_none() && indent > 0 {
            continue;
        }
        if body
            .strip_prefix(name.as_str())
            .is_some_and(|rest| rest.trim_start().starts_with(':'))
        {
            match wanted.next() {
                Some(next) => {
                    name = next;
                    depth = Some(indent);
                }
                None => return Some(number + 1),
            }
        }
    }
    None
}

//! `sync`: what a mapping says, whether it can be used, and what would be sent.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use parfocal_engine::activate::brevo::mapping::{self, Mapping};
use parfocal_engine::error::EngineError;
use serde_json::json;

use crate::context::Context;
use crate::failure::{Exit, Failure};

/// See what goes to Brevo and why
#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    /// Print the default mapping to Brevo with its comments, or check one of your own
    Mapping(MappingCommand),
}

/// Print or check a mapping
#[derive(Debug, Args)]
pub(crate) struct MappingCommand {
    /// Check this file: every mistake with its line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["schema", "fields"])]
    check: Option<PathBuf>,
    /// Print the JSON Schema instead, for editors
    #[arg(long, conflicts_with = "fields")]
    schema: bool,
    /// Print the fields and transforms there are
    #[arg(long)]
    fields: bool,
}

/// Runs the command.
pub(crate) fn run(command: Sync, context: &Context) -> Result<Exit, Failure> {
    let Sync::Mapping(command) = command;
    let out = &context.out;
    if let Some(path) = command.check {
        let text = std::fs::read_to_string(&path).map_err(|error| {
            EngineError::invalid(format!("{} cannot be read: {error}", path.display()))
        })?;
        let found = Mapping::read(&text).err().unwrap_or_default();
        if out.is_json() {
            let all: Vec<_> = found
                .iter()
                .map(|one| json!({ "line": one.line, "place": one.place, "message": one.message }))
                .collect();
            out.json(&json!({ "ok": found.is_empty(), "mistakes": all }))?;
        } else if found.is_empty() {
            out.line(format!("{} can be used.", path.display()))?;
        }
        if found.is_empty() {
            return Ok(Exit::Done);
        }
        if out.is_json() {
            return Ok(Exit::Failed);
        }
        let all: Vec<String> = found.iter().map(ToString::to_string).collect();
        let told = format!("{} cannot be used:\n{}", path.display(), all.join("\n"));
        return Err(EngineError::invalid(told)
            .with_hint("Correct these lines; `parfocal sync mapping` prints the default with its comments.")
            .into());
    }
    if command.schema {
        out.json(&mapping::schema())?;
    } else if command.fields {
        if out.is_json() {
            out.json(&json!({ "fields": mapping::fields(), "transforms": mapping::transforms() }))?;
        } else {
            for (name, about) in mapping::fields() {
                out.line(format!("{name:<32}  {about}"))?;
            }
            out.line("")?;
            for (name, takes, does) in mapping::transforms() {
                out.line(format!("{name:<32}  {takes}: {does}"))?;
            }
        }
    } else if out.is_json() {
        out.json(&json!({ "mapping": mapping::DEFAULT }))?;
    } else {
        out.line(mapping::DEFAULT.trim_end())?;
    }
    Ok(Exit::Done)
}

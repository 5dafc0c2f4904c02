//! `config check|show|reference|default|errors`: the configuration itself, and the reference pages made from tables.

use clap::Subcommand;
use serde_json::json;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Table};
use crate::settings;

/// Check the configuration, print its reference.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read the configuration from all sources and say what is wrong with it
    Check,
    /// Show the values in force and where each comes from
    Show,
    /// Print the reference of all keys as Markdown
    Reference,
    /// Print config/default.yaml
    Default,
    /// Print the reference of all error codes as Markdown
    Errors,
}

/// Runs the command.
pub(crate) fn run(command: &ConfigCommand, context: &Context) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Check => check(context)?,
        ConfigCommand::Show => show(context)?,
        ConfigCommand::Reference => context.out.raw(settings::markdown().as_bytes())?,
        ConfigCommand::Default => context.out.raw(settings::default_yaml().as_bytes())?,
        ConfigCommand::Errors => context
            .out
            .raw(crate::failure::codes::markdown().as_bytes())?,
    }
    Ok(Exit::Done)
}

fn check(context: &Context) -> Result<(), Failure> {
    let settings = context.settings()?;
    if context.out.is_json() {
        let values: Vec<_> = settings
            .origins
            .iter()
            .map(|(key, origin)| json!({"key": key, "source": origin.to_string()}))
            .collect();
        return context.out.json(&json!({
            "valid": true,
            "file": settings.file,
            "given": values,
            "warnings": settings.warnings,
            "config": settings.config,
        }));
    }
    let mut table = Table::new(
        &[("KEY", Align::Left), ("FROM", Align::Left)],
        "Nothing is set; the defaults hold.",
    );
    for (key, origin) in &settings.origins {
        table.row([key.into(), origin.to_string().into()]);
    }
    table.print(&context.out)?;
    context.out.line(format!(
        "{} the configuration is usable",
        paint(style::OK, "✓")
    ))
}

fn show(context: &Context) -> Result<(), Failure> {
    let settings = context.settings()?;
    let config = serde_json::to_value(&settings.config).map_err(|error| {
        Failure::internal(format!("the configuration cannot be shown: {error}"))
    })?;
    if context.out.is_json() {
        return context.out.json(&config);
    }
    let columns = [
        ("KEY", Align::Left),
        ("VALUE", Align::Left),
        ("FROM", Align::Left),
    ];
    let mut table = Table::new(&columns, "");
    let mut values = Vec::new();
    leaves(&config, String::new(), &mut values);
    for (key, value) in values {
        let from = settings
            .origins
            .get(&key)
            .map_or_else(|| "default".to_owned(), ToString::to_string);
        table.row([key.into(), value.into(), from.into()]);
    }
    table.print(&context.out)
}

/// The values of a tree with their paths.
fn leaves(value: &serde_json::Value, path: String, out: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(map) => {
            for (name, inner) in map {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                leaves(inner, path, out);
            }
        }
        serde_json::Value::Null => out.push((path, "–".to_owned())),
        serde_json::Value::String(text) => out.push((path, text.clone())),
        other => out.push((path, other.to_string())),
    }
}

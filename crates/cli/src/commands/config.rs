//! `config check|show|reference|default`: the configuration itself.

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

//! `component list|activate|deactivate|check`: which capabilities are on.

use clap::{Args, Subcommand};
use parfocal_engine::keys::{Caller, Surface};
use serde_json::json;

use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};

/// List capabilities, switch them on and off, check what they need
#[derive(Debug, Subcommand)]
pub(crate) enum Component {
    /// List the components and whether they are on
    List,
    /// Switch a component on, once everything that it needs is there
    Activate(Activate),
    /// Switch a component off: its addresses answer 404 then
    Deactivate(Named),
    /// Test whether a component has everything that it needs
    Check(Check),
    /// Print the JSON Schema of component-activation-status.json
    Schema,
}

/// Switch a component on
#[derive(Debug, Args)]
pub(crate) struct Activate {
    /// Its name, from `component list`
    name: String,
    /// Even if something that it needs is missing
    #[arg(long)]
    anyway: bool,
}

/// A component
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name, from `component list`
    name: String,
}

/// Test what components need
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Its name; all that are on by default
    name: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(command: Component, context: &Context) -> Result<Exit, Failure> {
    if matches!(command, Component::Schema) {
        context.out.json(&parfocal_engine::components::schema())?;
        return Ok(Exit::Done);
    }
    let app = context.app().await?;
    let (out, components) = (&context.out, app.components());
    let caller = Caller::local(Surface::Cli);
    match command {
        Component::Schema => {}
        Component::List => {
            let list = components.list().await?;
            if out.is_json() {
                out.json(&list)?;
                return Ok(Exit::Done);
            }
            let mut table = Table::new(
                &[
                    ("COMPONENT", Align::Left),
                    ("STATE", Align::Left),
                    ("WHAT IT IS FOR", Align::Left),
                    ("NEEDS", Align::Left),
                ],
                "",
            );
            for one in &list {
                table.row([
                    Field::from(one.name),
                    Field::from(if one.active { "active" } else { "off" }),
                    Field::from(one.about),
                    Field::from(one.needs.join(", ")),
                ]);
            }
            table.print(out)?;
        }
        Component::Activate(command) => {
            let view = components
                .activate(&command.name, command.anyway, &caller)
                .await?;
            told(context, view.name, "is on", &view)?;
        }
        Component::Deactivate(command) => {
            let view = components.deactivate(&command.name, &caller).await?;
            told(context, view.name, "is off", &view)?;
        }
        Component::Check(command) => {
            let names: Vec<String> = if let Some(name) = command.name {
                vec![name]
            } else {
                let list = components.list().await?;
                let active = list.iter().filter(|one| one.active);
                active.map(|one| one.name.to_owned()).collect()
            };
            let mut missing = false;
            let mut all = Vec::new();
            for name in names {
                let found = components.check(&name).await?;
                missing |= !found.is_empty();
                if !out.is_json() {
                    let state = if found.is_empty() {
                        paint(style::OK, "✓")
                    } else {
                        paint(style::BAD, "✗")
                    };
                    out.line(format!("{state} {name}"))?;
                    for finding in &found {
                        out.line(format!("    {}", finding.says))?;
                        out.line(format!(
                            "    {} {}",
                            paint(style::ACCENT, "→"),
                            finding.mend
                        ))?;
                    }
                }
                all.push(json!({"name": name, "missing": found}));
            }
            if out.is_json() {
                out.json(&all)?;
            }
            return Ok(attention(missing));
        }
    }
    Ok(Exit::Done)
}

fn told<T: serde::Serialize>(
    context: &Context,
    name: &str,
    says: &str,
    view: &T,
) -> Result<(), Failure> {
    if context.out.is_json() {
        return context.out.json(view);
    }
    context
        .out
        .line(format!("{} {name} {says}", paint(style::OK, "✓")))
}

//! `sync`: how the destinations do, what would be sent and why, why something is not there, and trying again.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use parfocal_engine::activate::brevo::PreviewOrder;
use parfocal_engine::activate::brevo::mapping::{self, Mapping};
use parfocal_engine::error::EngineError;
use serde_json::json;

use super::{deliveries, destination};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};

/// See what goes to other systems and why, and have it sent
#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    /// Show how destinations do: what is there, what waits, what is dead, how far behind they are
    Status,
    /// Read and send everything that is due now, in this process
    Run,
    /// Send deliveries once more: one, or all dead ones
    Retry(deliveries::Retry),
    /// Answer why a person is, or is not, in a list or anything else of a destination
    Why(WhyCommand),
    /// Print the default mapping to Brevo with its comments, or check one of your own
    Mapping(MappingCommand),
    /// Show for real people what would be sent and why, field by field; nothing is sent
    Preview(PreviewCommand),
}

/// Answer why
#[derive(Debug, Args)]
pub(crate) struct WhyCommand {
    /// An address of theirs, or our id
    person: String,
    /// Only at this destination
    #[arg(long, value_name = "DESTINATION")]
    at: Option<String>,
    /// Only what contains this, such as "list Zoom | Attended"
    #[arg(long, value_name = "TEXT")]
    what: Option<String>,
}

/// Show what would be sent
#[derive(Debug, Args)]
pub(crate) struct PreviewCommand {
    /// Address or id of one person; the first people by default
    person: Option<String>,
    /// The destination whose mapping is used; the default mapping without it
    #[arg(long, value_name = "DESTINATION")]
    to: Option<String>,
    /// A mapping file in its place
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// How many people
    #[arg(long, value_name = "N", default_value_t = 3)]
    limit: u32,
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
pub(crate) async fn run(command: Sync, context: &Context) -> Result<Exit, Failure> {
    match command {
        Sync::Status => destination::run(destination::Destination::List, context).await,
        Sync::Run => destination::run(destination::Destination::Run, context).await,
        Sync::Retry(which) => deliveries::run(deliveries::Deliveries::Retry(which), context).await,
        Sync::Why(command) => why(command, context).await,
        Sync::Mapping(command) => mapping(command, context),
        Sync::Preview(command) => preview(command, context).await,
    }
}

async fn why(command: WhyCommand, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let (at, what) = (command.at.as_deref(), command.what.as_deref());
    let view = app.destinations().why(&command.person, at, what).await?;
    let out = &context.out;
    if out.is_json() {
        out.json(&view)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(
        &[
            ("DESTINATION", Align::Left),
            ("THERE", Align::Left),
            ("WHAT", Align::Left),
            ("WHY", Align::Left),
            ("LINE", Align::Right),
        ],
        "No destination of people was asked, or nothing of that name concerns this person.",
    );
    for one in &view.answers {
        let line = one.rule.as_ref().and_then(|rule| rule.line);
        table.row([
            Field::from(&one.destination),
            Field::from(if one.there { "yes" } else { "no" }),
            Field::from(clean(&one.what)),
            Field::from(clean(&one.why)),
            Field::from(line.map_or_else(String::new, |line| line.to_string())),
        ]);
    }
    table.print(out)?;
    for advice in view.answers.iter().filter_map(|one| one.advice.as_ref()) {
        out.line(format!("to do   {}", clean(advice)))?;
    }
    Ok(Exit::Done)
}

fn text_of(path: &Path) -> Result<String, EngineError> {
    std::fs::read_to_string(path).map_err(|error| {
        EngineError::invalid(format!("{} cannot be read: {error}", path.display()))
    })
}

async fn preview(command: PreviewCommand, context: &Context) -> Result<Exit, Failure> {
    let order = PreviewOrder {
        to: command.to,
        mapping: command.mapping.as_deref().map(text_of).transpose()?,
        person: command.person,
        limit: command.limit,
    };
    let app = context.app().await?;
    let previews = app.destinations().preview(&order).await?;
    let out = &context.out;
    if out.is_json() {
        out.json(&previews)?;
        return Ok(Exit::Done);
    }
    if previews.is_empty() {
        out.line("Nobody is known yet: people are known once a destination has read what is kept (`parfocal destination backfill`).")?;
    }
    for one in &previews {
        out.line(paint(style::STRONG, clean(&one.email)))?;
        let columns = [
            ("of", Align::Left),
            ("field", Align::Left),
            ("value", Align::Left),
            ("from", Align::Left),
            ("line", Align::Right),
        ];
        let mut table = Table::new(&columns, "Nothing would be sent.");
        for field in &one.fields {
            table.row([
                Field::from(&field.of),
                Field::from(&field.field),
                Field::from(
                    field
                        .value
                        .as_ref()
                        .map_or_else(|| "–".to_owned(), ToString::to_string),
                ),
                Field::from(&field.from),
                Field::from(field.line.map_or_else(String::new, |line| line.to_string())),
            ]);
        }
        table.print(out)?;
        for thing in one.send.iter().filter(|thing| thing.kind != "contact") {
            let what = thing.body["list"]
                .as_str()
                .or(thing.body["event_name"].as_str())
                .unwrap_or(&thing.key);
            out.line(format!("  {} {}", thing.kind, clean(what)))?;
        }
        for left in &one.left_out {
            let line = left
                .rule
                .as_ref()
                .and_then(|rule| rule.line)
                .map(|line| format!(" (line {line})"))
                .unwrap_or_default();
            out.line(format!(
                "  not {}: {}{line}",
                clean(&left.what),
                clean(&left.why)
            ))?;
        }
        out.line("")?;
    }
    Ok(Exit::Done)
}

fn mapping(command: MappingCommand, context: &Context) -> Result<Exit, Failure> {
    let out = &context.out;
    if let Some(path) = command.check {
        let text = text_of(&path)?;
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

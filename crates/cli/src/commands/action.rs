//! `action list|describe|run`: everything that can be asked for by name.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use clap::{Args, Subcommand};
use parfocal_engine::App;
use parfocal_engine::actions::{self, Action as Known, Effect, Outcome, Run};
use parfocal_engine::keys::{Caller, Surface};
use serde_json::Value;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};

/// List actions, describe one, run one
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List everything that can be asked for by name
    List,
    /// Show an action's input and output, its scopes and its rate label
    Describe(Describe),
    /// Run an action
    Run(RunAction),
    /// Print all actions with their schemas as JSON, for pipeline engines
    Manifest,
}

/// Show an action's input and output, its scopes and its rate label
#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// Its name, such as meeting.create
    name: String,
}

/// Run an action
#[derive(Debug, Args)]
pub(crate) struct RunAction {
    /// Its name, such as meeting.create
    name: String,
    /// The input as JSON, @FILE, or @- for standard input [default: {}]
    #[arg(long, value_name = "JSON")]
    input: Option<String>,
    #[command(flatten)]
    how: How,
}

/// How an action is run.
#[derive(Clone, Debug, Args)]
pub(crate) struct How {
    /// Only show what would be sent to Zoom
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A text that makes repeating this command safe: the same key with the same input is done once
    #[arg(long, value_name = "TEXT")]
    pub(crate) idempotency_key: Option<String>,
    /// Do not ask before what cannot be undone
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Runs the command.
pub(crate) async fn run(command: Action, context: &Context) -> Result<Exit, Failure> {
    match command {
        Action::List => list(context)?,
        Action::Describe(command) => describe(&command.name, context)?,
        Action::Manifest => context
            .out
            .json(&actions::manifest(actions::all().iter()))?,
        Action::Run(command) => {
            let input = input(command.input.as_deref())?;
            let app = context.app().await?;
            let outcome = perform(&app, &command.name, input, &command.how, context).await?;
            show(&outcome, context)?;
        }
    }
    Ok(Exit::Done)
}

/// Runs an action as this machine's user, after asking when it cannot be undone.
pub(super) async fn perform(
    app: &App,
    name: &str,
    input: Value,
    how: &How,
    context: &Context,
) -> Result<Outcome, Failure> {
    if let Some(action) = actions::find(name) {
        action.check(&input)?;
        if action.destructive() && !how.dry_run && !how.yes {
            confirm(action, &input, context)?;
        }
    }
    let run = Run::new(Caller::local(Surface::Cli))
        .with_key(how.idempotency_key.clone())
        .dry(how.dry_run);
    Ok(app.actions().run(name, input, &run).await?)
}

/// Asks whether to go on; without a terminal the answer is no.
fn confirm(action: &Known, input: &Value, context: &Context) -> Result<(), Failure> {
    let refused = || {
        Failure::usage(
            "not_confirmed",
            format!(
                "{} cannot be undone, and nobody confirmed it",
                action.name()
            ),
        )
        .hint("Add --yes if it is meant, or --dry-run to see what would be sent.")
    };
    if context.out.is_json() || !std::io::stdin().is_terminal() {
        return Err(refused());
    }
    let mut stderr = anstream::stderr().lock();
    let question = format!(
        "{} This cannot be undone. {} {}? [y/N] ",
        paint(style::WARN, "!"),
        action.title(),
        crate::output::clean(&input.to_string())
    );
    // Without a question there is no answer.
    write!(stderr, "{question}")
        .and_then(|()| stderr.flush())
        .map_err(|_| refused())?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|_| refused())?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(refused())
    }
}

fn input(given: Option<&str>) -> Result<Value, Failure> {
    let text = match given {
        None => return Ok(Value::Object(serde_json::Map::new())),
        Some("@-") => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| Failure::file("reading", Path::new("standard input"), &error))?;
            text
        }
        Some(given) => match given.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| Failure::file("reading", Path::new(file), &error))?,
            None => given.to_owned(),
        },
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage("usage", format!("--input is not JSON: {error}"))
            .hint("Write it as '{\"topic\":\"Planning\"}', or @FILE to read it from a file.")
    })
}

/// Shows what came of an action, or what would be sent.
pub(super) fn show(outcome: &Outcome, context: &Context) -> Result<(), Failure> {
    let out = &context.out;
    match outcome {
        _ if out.is_json() => out.json(outcome),
        Outcome::Done(done) => out.line(pretty(&done.output)),
        Outcome::Planned(planned) => {
            if planned.requests.is_empty() {
                return out.line("Nothing would be sent: it is answered from what is stored here.");
            }
            for request in &planned.requests {
                out.line(format!(
                    "{} {} {}",
                    paint(style::ACCENT, &request.method),
                    request.url,
                    paint(
                        style::DIM,
                        format!(
                            "({}, connection {})",
                            request.rate_label, request.connection
                        )
                    )
                ))?;
                if let Some(body) = &request.raw {
                    out.line(pretty(body))?;
                }
            }
            Ok(())
        }
    }
}

fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.lines()
        .map(crate::output::clean)
        .collect::<Vec<_>>()
        .join("\n")
}

fn list(context: &Context) -> Result<(), Failure> {
    if context.out.is_json() {
        let rows: Vec<Value> = actions::all()
            .iter()
            .map(|action| {
                serde_json::json!({"name": action.name(), "title": action.title(), "description": action.description(),
                    "effect": action.effect(), "role": action.role(), "rate_label": action.rate_label()})
            })
            .collect();
        return context.out.json(&rows);
    }
    let mut table = Table::new(
        &[
            ("ACTION", Align::Left),
            ("WHAT IT DOES", Align::Left),
            ("EFFECT", Align::Left),
            ("ROLE", Align::Left),
            ("RATE", Align::Left),
        ],
        "",
    );
    for action in actions::all() {
        table.row([
            Field::from(action.name()),
            Field::from(action.title()),
            Field::from(effect(action.effect())),
            Field::from(action.role().as_str()),
            Field::from(action.rate_label().unwrap_or("–")),
        ]);
    }
    table.print(&context.out)
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "reads",
        Effect::Create => "creates",
        Effect::Change => "changes",
        Effect::Delete => "cannot be undone",
    }
}

fn describe(name: &str, context: &Context) -> Result<(), Failure> {
    let Some(action) = actions::find(name) else {
        return Err(Failure::not_found(format!("there is no action {name}"))
            .hint("`parfocal action list` tells what there is."));
    };
    let out = &context.out;
    if out.is_json() {
        return out.json(&action.describe());
    }
    out.line(paint(style::STRONG, action.name()))?;
    out.line(action.description())?;
    let endpoints: Vec<String> = action
        .endpoints()
        .iter()
        .map(|endpoint| endpoint.operation())
        .collect();
    for (label, value) in [
        ("role", action.role().as_str().to_owned()),
        ("effect", effect(action.effect()).to_owned()),
        ("rate", action.rate_label().unwrap_or("none").to_owned()),
        ("asks", endpoints.join(", ")),
    ] {
        if !value.is_empty() {
            out.line(format!(
                "  {} {value}",
                paint(style::DIM, format!("{label:7}"))
            ))?;
        }
    }
    let schema = action.input_schema();
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut table = Table::new(
        &[
            ("INPUT", Align::Left),
            ("", Align::Left),
            ("MEANING", Align::Left),
        ],
        "It takes no input.",
    );
    for (member, about) in schema["properties"].as_object().into_iter().flatten() {
        let needed = if required.contains(&member.as_str()) {
            "needed"
        } else {
            ""
        };
        table.row([
            Field::from(member),
            Field::styled(style::DIM, needed),
            Field::from(
                about["description"]
                    .as_str()
                    .unwrap_or_default()
                    .replace('\n', " "),
            ),
        ]);
    }
    out.line("")?;
    table.print(out)?;
    if let Some(example) = action.examples().first() {
        out.line("")?;
        out.line(format!(
            "  {} parfocal action run {} --input '{example}'",
            paint(style::DIM, "example"),
            action.name()
        ))?;
    }
    Ok(())
}

//! `action list|describe|run`: everything that can be asked for by name.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use clap::{Args, Subcommand};
use parfocal_engine::App;
use parfocal_engine::actions::{self, Action as Known, Effect, Outcome, Run};
use parfocal_engine::keys::{Caller, Surface};
use serde_json::Value;

use super::names;
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
    #[arg(value_parser = names::of_actions(), hide_possible_values = true)]
    name: String,
}

/// Run an action
#[derive(Debug, Args)]
pub(crate) struct RunAction {
    /// Its name, such as meeting.create
    #[arg(value_parser = names::of_actions(), hide_possible_values = true)]
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
            let topic = topic(app, &input).await;
            confirm(action, &sentence(action, &input, topic.as_deref()), context)?;
        }
    }
    let run = Run::new(Caller::local(Surface::Cli))
        .with_key(how.idempotency_key.clone())
        .dry(how.dry_run);
    Ok(app.actions().run(name, input, &run).await?)
}

/// Asks whether to go on; without a terminal the answer is no.
fn confirm(action: &Known, sentence: &str, context: &Context) -> Result<(), Failure> {
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
        "{} {} This cannot be undone. Go on? [y/N] ",
        paint(style::WARN, "!"),
        crate::output::clean(sentence)
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

/// The topic of the meeting that an input names, where it is known here.
async fn topic(app: &App, input: &Value) -> Option<String> {
    let which = input["meeting"].as_str().or(input["webinar"].as_str())?;
    if let Ok(held) = parfocal_server::lookup::instance(app, which).await {
        return held.topic;
    }
    let number: String = which.chars().filter(char::is_ascii_digit).collect();
    let known = app.store().meeting_by_number(app.scope(), &number).await;
    known.ok().flatten()?.topic
}

/// What is about to be done, as a person says it: `Delete a meeting: 844 1002 7731 “Weekly”, occurrence 170…, connection env.`
fn sentence(action: &Known, input: &Value, topic: Option<&str>) -> String {
    // What the action is about goes first; of yes and no only what is wanted is told.
    const THINGS: [&str; 5] = ["meeting", "webinar", "recording", "file", "registrant"];
    let word = |name: &str| name.replace('_', " ");
    let mut parts: Vec<String> = Vec::new();
    for (name, value) in input.as_object().into_iter().flatten() {
        let said = match value {
            Value::String(text) => text.clone(),
            Value::Bool(true) => {
                parts.push(word(name));
                continue;
            }
            Value::Bool(false) | Value::Null => continue,
            Value::Array(list) => format!("{} of them", list.len()),
            other => other.to_string(),
        };
        if THINGS.contains(&name.as_str()) {
            let topic = topic.map_or_else(String::new, |topic| format!(" “{topic}”"));
            parts.insert(0, format!("{}{topic}", grouped_number(&said)));
        } else {
            parts.push(format!("{} {said}", word(name)));
        }
    }
    if parts.is_empty() {
        return format!("{}.", action.title());
    }
    format!("{}: {}.", action.title(), parts.join(", "))
}

/// A meeting number in groups, as Zoom shows it; anything else as it is.
fn grouped_number(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let plain = text
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'));
    match (plain, digits.len()) {
        (true, 9 | 10) => format!("{} {} {}", &digits[..3], &digits[3..6], &digits[6..]),
        (true, 11) => format!("{} {} {}", &digits[..3], &digits[3..7], &digits[7..]),
        _ => text.to_owned(),
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
            Field::from(meaning(about)),
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

/// What a member means, with the words that it may be.
fn meaning(schema: &Value) -> String {
    let mut text = schema["description"]
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ");
    let mut words = Vec::new();
    allowed(schema, &mut words);
    if !words.is_empty() {
        if !text.is_empty() && !text.ends_with(['.', '!', '?']) {
            text.push('.');
        }
        let gap = if text.is_empty() { "" } else { " " };
        text = format!("{text}{gap}One of: {}.", words.join(", "));
    }
    text
}

/// The words that a schema allows, in its own parts and those of a list's items.
fn allowed<'s>(schema: &'s Value, words: &mut Vec<&'s str>) {
    let list = schema["enum"].as_array().into_iter().flatten();
    let one = schema["const"].as_str();
    for word in list.filter_map(Value::as_str).chain(one) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    for part in ["oneOf", "anyOf", "allOf"] {
        for inner in schema[part].as_array().into_iter().flatten() {
            allowed(inner, words);
        }
    }
    if schema["items"].is_object() {
        allowed(&schema["items"], words);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_undone_is_asked_in_a_sentence() {
        let delete = actions::find("meeting.delete").unwrap();
        let input = json!({"meeting": "84410027731", "notify_hosts": true, "notify_registrants": false, "connection": "env"});
        assert_eq!(
            sentence(delete, &input, Some("Weekly")),
            format!(
                "{}: 844 1002 7731 “Weekly”, connection env, notify hosts.",
                delete.title()
            )
        );
        let end = actions::find("meeting.end").unwrap();
        let uuid = json!({"meeting": "abc/=="});
        assert_eq!(
            sentence(end, &uuid, None),
            format!("{}: abc/==.", end.title())
        );
        for action in actions::all().iter().filter(|one| one.destructive()) {
            let said = sentence(action, &action.examples()[0], None);
            assert!(!said.contains(['{', '"']), "{}: {said}", action.name());
        }
    }

    #[test]
    fn members_tell_the_words_that_they_may_be() {
        let list = actions::find("meeting.list").unwrap().input_schema();
        let which = meaning(&list["properties"]["which"]);
        assert!(
            which.contains("One of: scheduled, live, upcoming"),
            "{which}"
        );
        let topic = actions::find("meeting.create").unwrap().input_schema();
        assert!(!meaning(&topic["properties"]["topic"]).contains("One of"));
    }
}

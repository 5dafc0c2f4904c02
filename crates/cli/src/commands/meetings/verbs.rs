//! `meetings create|update|delete|end|participants`: actions in the words of people.

use clap::{Args, Subcommand};
use parfocal_engine::App;
use serde_json::{Map, Value};

use super::times;
use crate::commands::action::{self, How};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};

/// Schedule, change, cancel and end meetings
#[derive(Debug, Subcommand)]
pub(crate) enum Verbs {
    /// Schedule a meeting
    Create(Create),
    /// Change a scheduled meeting
    Update(Update),
    /// Cancel a scheduled meeting
    Delete(Delete),
    /// End a running meeting for everybody
    End(One),
    /// Show who was in a meeting that was held, as Zoom tells
    Participants(One),
}

/// Times of a meeting, as people write them.
#[derive(Debug, Args)]
struct Times {
    /// When it begins: 'tomorrow 9:00', 'next friday 14:30', '2030-01-07 09:00', or RFC 3339
    #[arg(long, value_name = "WHEN")]
    start: Option<String>,
    /// How long it lasts: 30m, 1h, 1h30m
    #[arg(long, value_name = "LENGTH")]
    duration: Option<String>,
    /// Time zone, such as Europe/Berlin [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
}

/// Schedule a meeting
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    topic: String,
    #[command(flatten)]
    times: Times,
    /// Who holds it: an e-mail address or a user id of Zoom
    #[arg(long, value_name = "USER")]
    host: Option<String>,
    /// Its description
    #[arg(long, value_name = "TEXT")]
    agenda: Option<String>,
    /// The connection to use, when there are several
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Change a scheduled meeting
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The meeting's number
    meeting: String,
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    topic: Option<String>,
    #[command(flatten)]
    times: Times,
    /// Its description
    #[arg(long, value_name = "TEXT")]
    agenda: Option<String>,
    /// Only this occurrence of a series
    #[arg(long, value_name = "ID")]
    occurrence: Option<String>,
    /// The connection to use, when there are several
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Cancel a scheduled meeting
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The meeting's number
    meeting: String,
    /// Only this occurrence of a series
    #[arg(long, value_name = "ID")]
    occurrence: Option<String>,
    /// Zoom mails registrants and hosts
    #[arg(long)]
    notify: bool,
    /// The connection to use, when there are several
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    #[command(flatten)]
    how: How,
}

/// One meeting
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The meeting's number, or the UUID of one that was held
    meeting: String,
    /// The connection to use, when there are several
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Runs the command.
pub(crate) async fn run(command: Verbs, app: &App, context: &Context) -> Result<Exit, Failure> {
    let mut input = Input::default();
    let (name, how) = match command {
        Verbs::Create(command) => {
            input.set("topic", Some(command.topic));
            if command.times.start.is_none() {
                return Err(Failure::usage("usage", "--start is missing")
                    .hint("Say when it begins, for instance --start 'tomorrow 9:00'."));
            }
            input.times(command.times, app)?;
            input.set("host", command.host);
            input.set("agenda", command.agenda);
            input.set("connection", command.connection);
            ("meeting.create", command.how)
        }
        Verbs::Update(command) => {
            input.set("meeting", Some(command.meeting));
            input.set("topic", command.topic);
            input.times(command.times, app)?;
            input.set("agenda", command.agenda);
            input.set("occurrence", command.occurrence);
            input.set("connection", command.connection);
            ("meeting.update", command.how)
        }
        Verbs::Delete(command) => {
            input.set("meeting", Some(command.meeting));
            input.set("occurrence", command.occurrence);
            input.set("connection", command.connection);
            if command.notify {
                input.flag("notify_hosts");
                input.flag("notify_registrants");
            }
            ("meeting.delete", command.how)
        }
        Verbs::End(command) => {
            input.set("meeting", Some(command.meeting));
            input.set("connection", command.connection);
            ("meeting.end", command.how)
        }
        Verbs::Participants(command) => {
            input.set("meeting", Some(command.meeting));
            input.set("connection", command.connection);
            ("participants.list", command.how)
        }
    };
    let outcome = action::perform(app, name, Value::Object(input.0), &how, context).await?;
    match outcome.output() {
        Some(output) if !context.out.is_json() => match name {
            "meeting.create" => made(output, context)?,
            "participants.list" => stays(output, context)?,
            _ => done(name, output, context)?,
        },
        _ => action::show(&outcome, context)?,
    }
    Ok(Exit::Done)
}

/// The input of an action in the making.
#[derive(Default)]
struct Input(Map<String, Value>);

impl Input {
    fn set(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    fn flag(&mut self, name: &str) {
        self.0.insert(name.to_owned(), true.into());
    }

    fn times(&mut self, times: Times, app: &App) -> Result<(), Failure> {
        if let Some(text) = &times.start {
            let (start, zone) = times::local(text, times.timezone.as_deref(), app)?;
            self.set("start", Some(start));
            self.set("timezone", zone);
        } else {
            self.set("timezone", times.timezone);
        }
        if let Some(text) = &times.duration {
            self.0
                .insert("duration_minutes".to_owned(), times::minutes(text)?.into());
        }
        Ok(())
    }
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

fn made(output: &Value, context: &Context) -> Result<(), Failure> {
    let out = &context.out;
    let adopted = output["adopted"].as_bool() == Some(true);
    let how = if adopted {
        "Found again after a lost answer"
    } else {
        "Scheduled"
    };
    out.line(format!(
        "{} {how}: {}",
        paint(style::OK, "✓"),
        paint(style::STRONG, clean(text(output, "topic")))
    ))?;
    let length = output["duration_minutes"].as_i64().unwrap_or_default();
    for (label, value) in [
        ("number", text(output, "number").to_owned()),
        (
            "start",
            format!(
                "{} ({length} minutes, {})",
                text(output, "start"),
                text(output, "timezone")
            ),
        ),
        ("join", text(output, "join_url").to_owned()),
        ("passcode", text(output, "passcode").to_owned()),
    ] {
        if !value.is_empty() {
            out.line(format!(
                "  {} {}",
                paint(style::DIM, format!("{label:8}")),
                clean(&value)
            ))?;
        }
    }
    Ok(())
}

fn done(name: &str, output: &Value, context: &Context) -> Result<(), Failure> {
    let word = match name {
        "meeting.update" => "Changed",
        "meeting.delete" => "Cancelled",
        _ => "Ended",
    };
    context.out.line(format!(
        "{} {word} {}",
        paint(style::OK, "✓"),
        clean(text(output, "id"))
    ))
}

fn stays(output: &Value, context: &Context) -> Result<(), Failure> {
    let mut table = Table::new(
        &[
            ("WHO", Align::Left),
            ("E-MAIL", Align::Left),
            ("CAME", Align::Left),
            ("LEFT", Align::Left),
        ],
        "Zoom tells of nobody: meetings of one person have no list.",
    );
    for stay in output["items"].as_array().into_iter().flatten() {
        table.row([
            Field::from(text(stay, "name")),
            Field::from(text(stay, "email")),
            Field::from(text(stay, "join")),
            Field::from(text(stay, "leave")),
        ]);
    }
    table.print(&context.out)?;
    if output["next"].is_string() {
        context
            .out
            .note("There are more; `parfocal action run participants.list` pages through them.");
    }
    Ok(())
}

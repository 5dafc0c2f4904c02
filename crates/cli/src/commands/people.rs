//! `people list|show|consent|split|erase`: what is known of a person, and what destinations have of them.

use clap::{Args, Subcommand};
use parfocal_engine::activate::PersonView;
use parfocal_engine::keys::{Caller, Surface};
use serde_json::json;

use super::paging::{Paging, more};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::table::{Align, Field, Table};

/// Show what is known of a person and what destinations have of them, and why
#[derive(Debug, Subcommand)]
pub(crate) enum People {
    /// List people that destinations were asked about
    List(List),
    /// Show what happened to a person, what each destination has of them, what not, and why
    Show(Person),
    /// Write what a person said about being written to
    Consent(Consent),
    /// Take back that somebody turned out to be another person
    Split(Split),
    /// Erase a person, here and at every destination that has something of them
    Erase(Person),
}

/// List people
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Whose address or name contains this
    #[arg(long, value_name = "TEXT")]
    find: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Somebody who was taken for another person
#[derive(Debug, Args)]
pub(crate) struct Split {
    /// The id under which they were known before, as `people show` lists it
    id: String,
}

/// A person by an address
#[derive(Debug, Args)]
pub(crate) struct Person {
    /// An address of theirs, or our id
    person: String,
}

/// What a person said
#[derive(Debug, Args)]
pub(crate) struct Consent {
    /// An address of theirs, or our id
    person: String,
    /// They agreed
    #[arg(long, conflicts_with = "no", required_unless_present = "no")]
    yes: bool,
    /// They refused, or took it back
    #[arg(long)]
    no: bool,
    /// Who or what says so
    #[arg(long, value_name = "TEXT")]
    source: String,
}

/// Runs the command.
pub(crate) async fn run(command: People, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let verbs = app.destinations();
    let by = Caller::local(Surface::Cli).by();
    match command {
        People::List(list) => {
            let page = verbs
                .people(list.find.as_deref(), &list.paging.request())
                .await?;
            if context.out.is_json() {
                context
                    .out
                    .json(&json!({"items": page.items, "next": page.next}))?;
                return Ok(Exit::Done);
            }
            let mut table = Table::new(
                &[
                    ("ADDRESS", Align::Left),
                    ("NAME", Align::Left),
                    ("ATTENDED", Align::Right),
                    ("MISSED", Align::Right),
                    ("CONSENT", Align::Left),
                ],
                "Nobody is known: people are known once a destination has read what is kept (`parfocal destination backfill`).",
            );
            for one in &page.items {
                table.row([
                    Field::from(clean(&one.email)),
                    Field::from(clean(one.name.as_deref().unwrap_or(""))),
                    Field::from(one.attended.to_string()),
                    Field::from(one.missed.to_string()),
                    Field::from(match one.consent {
                        Some(true) => "yes",
                        Some(false) => "no",
                        None => "unknown",
                    }),
                ]);
            }
            table.print(&context.out)?;
            more(context, page.next.as_deref());
            Ok(Exit::Done)
        }
        People::Split(split) => show(&verbs.split(&split.id, &by).await?, context),
        People::Show(person) => show(&verbs.person(&person.person).await?, context),
        People::Consent(said) => {
            let view = verbs
                .consent(&said.person, said.yes, &said.source, &by)
                .await?;
            show(&view, context)
        }
        People::Erase(person) => {
            let rows = verbs.erase(&person.person, &by).await?;
            if context.out.is_json() {
                context.out.json(&json!({"rows": rows}))?;
            } else {
                context.out.line(format!(
                    "{rows} rows erased here; destinations that have something of them are told: `parfocal deliveries list --key erase/`"
                ))?;
            }
            Ok(Exit::Done)
        }
    }
}

fn show(view: &PersonView, context: &Context) -> Result<Exit, Failure> {
    let out = &context.out;
    if out.is_json() {
        out.json(view)?;
        return Ok(Exit::Done);
    }
    let person = &view.person;
    out.line(format!(
        "{} <{}>: {} meetings attended, {} missed, {} minutes",
        clean(person.name.as_deref().unwrap_or("")),
        person.email,
        person.attended,
        person.missed,
        person.minutes
    ))?;
    if person.emails.len() > 1 {
        out.line(format!("also    {}", person.emails.join(", ")))?;
    }
    for one in &view.merged {
        let known: Vec<&str> = one.identities.iter().map(|id| id.value.as_str()).collect();
        out.line(format!("was     {} {}", one.id, clean(&known.join(", "))))?;
    }
    match &person.consent {
        Some(consent) => out.line(format!(
            "consent {} ({}, {})",
            if consent.granted { "yes" } else { "no" },
            clean(&consent.source),
            consent.at
        ))?,
        None => out.line("consent nobody said")?,
    }
    for moment in &view.moments {
        let topic = moment.meeting.topic.as_deref().unwrap_or("");
        out.line(format!(
            "{}  {} {}",
            moment.at,
            moment.kind.as_str(),
            clean(topic)
        ))?;
    }
    for at in &view.destinations {
        out.line(format!(
            "at {}{}",
            at.destination,
            at.trouble
                .as_deref()
                .map(|why| format!(" ({})", clean(why)))
                .unwrap_or_default()
        ))?;
        for thing in &at.things {
            let why = thing
                .why
                .as_deref()
                .map(|why| format!(": {}", clean(why)))
                .unwrap_or_default();
            out.line(format!("  {} {}{why}", thing.state, thing.key))?;
        }
        for left in &at.left_out {
            let line = left
                .rule
                .as_ref()
                .and_then(|rule| rule.line)
                .map(|line| format!(" (line {line})"))
                .unwrap_or_default();
            out.line(format!(
                "  not there: {}: {}{line}",
                clean(&left.what),
                clean(&left.why)
            ))?;
        }
    }
    Ok(Exit::Done)
}

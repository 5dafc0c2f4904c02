//! `scopes`: exactly which scopes and events to tick for an app, and a checklist to hand to a customer's Zoom admin.

use clap::Args;
use parfocal_engine::connections::scopes::{self, ChecklistFacts, Needed, ScopeNeed};
use parfocal_engine::connections::{Feature, Level};

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};

const AFTER_HELP: &str = "\
App types: `user` is a general app that each person agrees to; `admin` a general app that an administrator agrees to for the
account; `s2s` a server-to-server app, which nobody has to agree to.";

/// Print the scopes and events to tick for an app at Zoom
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Scopes {
    /// What the app is for: ingest, schedule, zoom-app or actions
    #[arg(long = "for", value_name = "FEATURE")]
    feature: Feature,
    /// What kind of app it is: s2s, user or admin
    #[arg(long, value_name = "TYPE", default_value = "s2s")]
    app_type: Level,
    /// Print classic scopes instead: for apps made before Zoom's granular ones
    #[arg(long, conflicts_with = "checklist")]
    classic: bool,
    /// Print a checklist as Markdown, to hand to whoever administers the Zoom account
    #[arg(long)]
    checklist: bool,
}

/// Runs the command.
pub(crate) fn run(command: &Scopes, context: &Context) -> Result<Exit, Failure> {
    let needed = scopes::needed(command.feature, command.app_type);
    if command.checklist {
        let facts = facts(command.app_type, context)?;
        let text = scopes::checklist(command.feature, command.app_type, &facts);
        if context.out.is_json() {
            context
                .out
                .json(&serde_json::json!({"checklist": text, "needed": needed}))?;
        } else {
            context.out.line(text.trim_end())?;
        }
    } else if context.out.is_json() {
        context.out.json(&needed)?;
    } else {
        print(&needed, command.classic, context)?;
    }
    Ok(Exit::Done)
}

/// The addresses of this installation that belong into the app's page.
fn facts(app_type: Level, context: &Context) -> Result<ChecklistFacts, Failure> {
    let config = context.settings()?.config;
    let base = config.public_url();
    let people = app_type != Level::Account;
    let redirect = config.zoom.redirect_uri.as_ref().map_or_else(
        || format!("{base}/oauth/zoom/callback"),
        ToString::to_string,
    );
    Ok(ChecklistFacts {
        redirect_uri: people.then_some(redirect),
        webhook_url: Some(format!("{base}/webhooks/zoom")),
        public_client: people
            && config.zoom.public_client_id.is_some()
            && config.zoom.client_id.is_none(),
        install_url: people.then(|| format!("{base}/oauth/zoom/install")),
    })
}

fn print(needed: &Needed, classic: bool, context: &Context) -> Result<(), Failure> {
    let out = &context.out;
    let list = if classic {
        &needed.classic
    } else {
        &needed.granular
    };
    let width = list.iter().map(|need| need.scope.len()).max().unwrap_or(0);
    out.line(paint(style::STRONG, "Scopes"))?;
    let row = |need: &ScopeNeed| {
        let optional = if need.optional { "optional: " } else { "" };
        out.line(format!(
            "  {}{}  {}",
            paint(style::ACCENT, &need.scope),
            " ".repeat(width - need.scope.len()),
            paint(style::DIM, format!("{optional}{}", need.why.join(", ")))
        ))
    };
    for need in list.iter().filter(|need| !need.optional) {
        row(need)?;
    }
    for need in list.iter().filter(|need| need.optional) {
        row(need)?;
    }
    if !needed.events.is_empty() {
        let width = needed
            .events
            .iter()
            .map(|event| event.event.len())
            .max()
            .unwrap_or(0);
        out.line("")?;
        out.line(paint(style::STRONG, "Events"))?;
        for event in &needed.events {
            let optional = if event.optional { "optional: " } else { "" };
            out.line(format!(
                "  {}{}  {}",
                paint(style::ACCENT, event.event),
                " ".repeat(width - event.event.len()),
                paint(style::DIM, format!("{optional}{}", event.why))
            ))?;
        }
    }
    for note in &needed.notes {
        out.note(paint(style::DIM, note));
    }
    Ok(())
}

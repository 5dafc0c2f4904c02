//! `insights actions|done|reopen`: what is to be done across the meetings of a series.

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use parfocal_engine::audit::By;
use parfocal_engine::keys::Surface;
use parfocal_engine::store::{ActionFilter, ActionRow, ActionState};
use parfocal_engine::talk::tracker::{self, Standing};
use parfocal_server::lookup;
use serde_json::json;

use crate::commands::paging::{self, Paging};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::style::{self, paint};

/// List what is to be done
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only what stands so
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only what this person owes: the name or its beginning, or the address
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Only of this meeting: our id, Zoom's instance UUID, or a meeting number
    #[arg(long, value_name = "ID", conflicts_with = "series")]
    meeting: Option<String>,
    /// Only of the series of this meeting
    #[arg(long, value_name = "ID")]
    series: Option<String>,
    /// Only what was due before this day
    #[arg(long, value_name = "YYYY-MM-DD")]
    due_before: Option<Date>,
    #[command(flatten)]
    paging: Paging,
}

/// How things may stand.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// To be done, carried over or not
    Open,
    /// To be done, and spoken of in several meetings
    Carried,
    /// Done
    Done,
}

/// Which one is meant
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Its id, as `insights actions` shows it
    id: String,
}

/// Lists what is to be done.
pub(super) async fn list(command: &List, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let mut filter = command.state.map_or_else(ActionFilter::default, |state| {
        match state {
            State::Open => Standing::Open,
            State::Carried => Standing::Carried,
            State::Done => Standing::Done,
        }
        .filter()
    });
    filter.owner.clone_from(&command.owner);
    filter.due_before = command.due_before.map(|day| day.to_string());
    if let Some(which) = &command.meeting {
        filter.instance = Some(lookup::instance(&app, which).await?.id);
    }
    if let Some(which) = &command.series {
        let meeting = lookup::instance(&app, which).await?.id;
        filter.series = app.store().series_of(app.scope(), meeting).await?;
    }
    let page = tracker::list(&app, &filter, &command.paging.request()).await?;
    if context.out.is_json() {
        let items: Vec<_> = page.items.iter().map(view).collect();
        context
            .out
            .json(&json!({ "items": items, "next": page.next }))?;
        return Ok(Exit::Done);
    }
    for action in &page.items {
        context.out.line(line(action))?;
    }
    if page.items.is_empty() {
        context
            .out
            .note(paint(style::DIM, "Nothing of that kind is to be done."));
    }
    paging::more(context, page.next.as_deref());
    Ok(Exit::Done)
}

/// Says how one stands.
pub(super) async fn mark(
    command: &Which,
    state: ActionState,
    context: &Context,
) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let by = By::new("operator", Surface::Cli);
    let tracked = tracker::mark(&app, &command.id, state, &by).await?;
    if context.out.is_json() {
        context.out.json(&view(&tracked.action))?;
    } else {
        context.out.line(line(&tracked.action))?;
    }
    Ok(Exit::Done)
}

fn view(action: &ActionRow) -> serde_json::Value {
    let mut value = json!(action);
    value["standing"] = json!(tracker::standing(action));
    value
}

fn line(action: &ActionRow) -> String {
    let standing = match tracker::standing(action) {
        "done" => paint(style::OK, "done   "),
        "carried" => paint(style::WARN, "carried"),
        _ => paint(style::DIM, "open   "),
    };
    let who = action.owner.as_deref().map_or_else(String::new, |owner| {
        format!("{}: ", paint(style::ACCENT, clean(owner)))
    });
    let due = action.due.as_deref().map_or_else(String::new, |due| {
        format!(" {}", paint(style::WARN, format!("due {}", clean(due))))
    });
    let meetings = if action.meetings > 1 {
        format!(", {} meetings", action.meetings)
    } else {
        String::new()
    };
    let topic = action
        .topic
        .as_deref()
        .map_or_else(|| "Untitled meeting".to_owned(), clean);
    let about = paint(
        style::DIM,
        format!(
            "({topic}, {}{meetings})",
            action.last_at.strftime("%Y-%m-%d")
        ),
    );
    format!(
        "{} {standing} {who}{}{due} {about}",
        paint(style::DIM, action.id.to_string()),
        clean(&action.text)
    )
}

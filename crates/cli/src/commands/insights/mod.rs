//! `insights`: action items, decisions and the other statements across meetings; what is to be done, followed.

mod actions;

use clap::{Args, Subcommand, ValueEnum};
use parfocal_engine::store::{ActionState, InsightFilter, InsightRow};
use parfocal_engine::understand;
use parfocal_server::lookup;
use serde_json::json;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::{clean, position};

/// List action items, decisions and other statements across meetings
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Insights {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Only this meeting: our id, Zoom's instance UUID, or a meeting number
    meeting: Option<String>,
    /// Only this kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only what this person is to do: the name or its beginning
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(understand::MOST_STATEMENTS)))]
    limit: u32,
}

/// What is to be done, across the meetings of a series.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List what is to be done: open, carried over from meeting to meeting, done
    Actions(actions::List),
    /// Say that something is done
    Done(actions::Which),
    /// Say that something is to be done again
    Reopen(actions::Which),
}

/// The kinds that can be asked for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Something somebody is to do
    ActionItem,
    /// Something that was decided
    Decision,
    /// A question that stayed open
    Question,
    /// Something to come back to
    FollowUp,
    /// A sentence of a summary
    Summary,
    /// A topic
    Topic,
}

impl Kind {
    fn kind(self) -> understand::Kind {
        match self {
            Self::ActionItem => understand::Kind::ActionItem,
            Self::Decision => understand::Kind::Decision,
            Self::Question => understand::Kind::Question,
            Self::FollowUp => understand::Kind::FollowUp,
            Self::Summary => understand::Kind::Summary,
            Self::Topic => understand::Kind::Topic,
        }
    }
}

/// Runs the command.
pub(crate) async fn run(command: Insights, context: &Context) -> Result<Exit, Failure> {
    match &command.verb {
        Some(Verb::Actions(list)) => return actions::list(list, context).await,
        Some(Verb::Done(which)) => return actions::mark(which, ActionState::Done, context).await,
        Some(Verb::Reopen(which)) => {
            return actions::mark(which, ActionState::Open, context).await;
        }
        None => {}
    }
    let app = context.app().await?;
    let instance = match &command.meeting {
        Some(which) => Some(lookup::instance(&app, which).await?.id),
        None => None,
    };
    let filter = InsightFilter {
        kind: command.kind.map(|kind| kind.kind().as_str()),
        owner: command.owner.as_deref(),
        instance,
    };
    let found = understand::statements(&app, &filter, command.limit).await?;
    if context.out.is_json() {
        context.out.json(&json!({ "items": found }))?;
        return Ok(Exit::Done);
    }
    let mut last = None;
    for row in &found {
        if last != Some(row.transcript_id) {
            last = Some(row.transcript_id);
            context.out.line(heading(row))?;
        }
        context.out.line(line(row))?;
    }
    if found.is_empty() {
        context.out.note(paint(
            style::DIM,
            "Nothing of that kind. Transcripts are analysed as they are taken in; `parfocal analyze MEETING` does one now.",
        ));
    }
    Ok(Exit::Done)
}

fn heading(row: &InsightRow) -> String {
    let topic = row
        .topic
        .as_deref()
        .map_or_else(|| "Untitled meeting".to_owned(), clean);
    let when = row
        .start
        .map(|at| at.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default();
    format!(
        "{} {}",
        paint(style::STRONG, topic),
        paint(style::DIM, format!("{when} · {}", row.instance_id))
    )
}

fn line(row: &InsightRow) -> String {
    let at = position(u64::try_from(row.start_ms).unwrap_or(0));
    let who = row.owner.as_deref().or(row.speaker.as_deref());
    let who = who.map_or_else(String::new, |name| {
        format!("{}: ", paint(style::ACCENT, clean(name)))
    });
    let due = row.due.as_deref().map_or_else(String::new, |due| {
        format!(" {}", paint(style::WARN, format!("due {}", clean(due))))
    });
    format!(
        "  {} {} {who}{}{due}",
        paint(style::DIM, at),
        paint(style::DIM, clean(&row.kind).replace('_', " ")),
        clean(&row.text)
    )
}

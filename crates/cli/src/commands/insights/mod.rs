//! `insights`: action items, decisions and the other statements across meetings; what is to be done, followed.

mod actions;

use clap::{Args, Subcommand};
use parfocal_engine::App;
use parfocal_engine::store::{ActionState, InsightFilter, InsightRow};
use parfocal_engine::talk::beside;
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
    /// Only this kind: action-item, decision, question, follow-up, summary, topic, or one by a file
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
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

/// The kinds that every transcript is read for.
const KINDS: [understand::Kind; 6] = [
    understand::Kind::ActionItem,
    understand::Kind::Decision,
    understand::Kind::Question,
    understand::Kind::FollowUp,
    understand::Kind::Summary,
    understand::Kind::Topic,
];

/// The name that statements of a kind are kept by: of those above, written either way, or of a kind by a file, whose
/// lists stand behind a dot.
fn kind_of(app: &App, given: &str) -> Result<String, Failure> {
    let name = given.replace('-', "_");
    let mut known: Vec<String> = KINDS.iter().map(|kind| kind.as_str().to_owned()).collect();
    if known.contains(&name) {
        return Ok(name);
    }
    let files = understand::kinds(app)?;
    let of_file = files
        .iter()
        .filter(|kind| kind.name != "meeting")
        .map(|kind| kind.name.clone());
    known.extend(of_file);
    let kind = given.split('.').next().unwrap_or_default();
    if known.iter().any(|known| known == kind) {
        return Ok(given.to_owned());
    }
    Err(
        Failure::usage("usage", format!("there is no kind {given:?}"))
            .hint(format!("Kinds are {}.", known.join(", "))),
    )
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
    let kind = match &command.kind {
        Some(given) => Some(kind_of(&app, given)?),
        None => None,
    };
    let filter = InsightFilter {
        kind: kind.as_deref(),
        owner: command.owner.as_deref(),
        instance,
    };
    let found = understand::statements(&app, &filter, command.limit).await?;
    // What Zoom wrote is of no kind and nobody's: it is shown with everything else of one meeting.
    let theirs = match instance {
        Some(id) if filter.kind.is_none() && filter.owner.is_none() => {
            beside::kept(&app, id).await?
        }
        _ => None,
    };
    if context.out.is_json() {
        let mut value = json!({ "items": found });
        if command.meeting.is_some() {
            value["zoom_summary"] = json!(theirs);
        }
        context.out.json(&value)?;
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
    if let Some(text) = theirs.as_ref().and_then(|theirs| theirs.text.as_deref()) {
        context
            .out
            .line(format!("\n{}", paint(style::STRONG, "Zoom's AI Companion")))?;
        for line in text.lines() {
            context.out.line(format!("  {}", clean(line)))?;
        }
    }
    if found.is_empty() && theirs.is_none() {
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

//! `search`: finds what was said.

use clap::Args;
use parfocal_engine::Code;
use parfocal_server::lookup;
use parfocal_server::views::HitView;

use super::paging::Paging;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::{clean, position};

const AFTER_HELP: &str = "\
Words must all occur; \"quoted words\" as a phrase; budg* by beginning; -word excludes (after --).
Filters: speaker:ana  host:ana@example.org  topic:standup  from:2026-10-01  before:2026-11-01
There is no OR: search once for each.";

/// Find what was said
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Search {
    /// What to look for
    #[arg(required = true, value_name = "QUERY")]
    query: Vec<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Runs the command.
pub(crate) async fn run(command: Search, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let query = command.query.join(" ");
    let found = lookup::search(&app, &query, &command.paging.request())
        .await
        .map_err(|error| match error.code() {
            // A query that cannot be read, or a page key of something else.
            Code::InvalidInput => Failure::from(error).ending(Exit::Usage),
            _ => error.into(),
        })?;
    for advice in parfocal_engine::search::advice(&query) {
        context.out.note(paint(style::DIM, clean(&advice)));
    }
    if context.out.is_json() {
        context.out.json(&found)?;
        return Ok(Exit::Done);
    }
    for hit in &found.items {
        context.out.line(line(hit))?;
    }
    if found.items.is_empty() {
        context.out.note(paint(
            style::DIM,
            "Nobody said that. Try fewer words, or a beginning such as budg*.",
        ));
    }
    super::paging::more(context, found.next.as_deref());
    Ok(Exit::Done)
}

/// A hit in two lines: where, then what.
pub(crate) fn line(hit: &HitView) -> String {
    let when = hit
        .start_time
        .map(|at| at.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default();
    let topic = hit
        .topic
        .as_deref()
        .map_or_else(|| "Untitled meeting".to_owned(), clean);
    let speaker = hit
        .speaker
        .as_deref()
        .map(|name| format!("{}: ", clean(name)))
        .unwrap_or_default();
    let mut text = String::new();
    for part in &hit.snippet {
        let words = clean(&part.text);
        text.push_str(&if part.marked {
            paint(style::ACCENT.bold(), words)
        } else {
            words
        });
    }
    format!(
        "{} {}\n  {}{text}",
        paint(style::STRONG, topic),
        paint(
            style::DIM,
            format!(
                "{when} · {} · {}",
                position(u64::from(hit.start_ms)),
                hit.meeting_id
            )
        ),
        paint(style::DIM, speaker),
    )
}

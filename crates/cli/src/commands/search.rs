//! `search`: finds what was said.

use clap::Args;
use parfocal_engine::Code;
use parfocal_engine::search::{Sort, Wanted};
use parfocal_server::lookup;
use parfocal_server::views::{FacetsView, HitView};

use super::paging::Paging;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::{clean, position};

const AFTER_HELP: &str = "\
Words must all occur; \"quoted words\" as a phrase; budg* by beginning; -word excludes (after --).
Filters: speaker:ana  host:ana@example.org  topic:standup  from:2026-10-01  before:2026-11-01
budget OR cost finds either, budget~ also what is written nearly so. Where nothing has all words, what has some is shown.
More filters: participant:bob  series:81234567890  kind:decision (said, written, title, action_item, question, ...)";

/// Find what was said
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Search {
    /// What to look for
    #[arg(required = true, value_name = "QUERY")]
    query: Vec<String>,
    /// The latest meetings first
    #[arg(long)]
    by_date: bool,
    /// Show at most so many passages of one meeting
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200))]
    per_meeting: Option<u32>,
    /// Count meetings by host, series, month, speaker and kind
    #[arg(long)]
    facets: bool,
    #[command(flatten)]
    paging: Paging,
}

/// Runs the command.
pub(crate) async fn run(command: Search, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let query = command.query.join(" ");
    let page = command.paging.request();
    let wanted = Wanted {
        limit: page.limit,
        after: page.after.as_deref(),
        sort: if command.by_date {
            Sort::Date
        } else {
            Sort::Relevance
        },
        per_meeting: command.per_meeting,
        facets: command.facets,
        ..Wanted::new(&query)
    };
    let found = lookup::search_for(&app, &wanted)
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
    if found.relaxed {
        context.out.note(paint(
            style::DIM,
            "Nothing has all these words together; these have some of them.",
        ));
    }
    for other in &found.instead {
        let searched = other.searched.join(", ");
        let said = format!("Nobody said {}: searched {searched} instead.", other.word);
        context.out.note(paint(style::DIM, clean(&said)));
    }
    if let Some(facets) = &found.facets {
        counts(context, facets)?;
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

/// How many meetings, by what.
fn counts(context: &Context, facets: &FacetsView) -> Result<(), Failure> {
    context.out.line(format!("{} meetings", facets.meetings))?;
    for (name, counts) in [
        ("kind", &facets.kinds),
        ("speaker", &facets.speakers),
        ("series", &facets.series),
        ("host", &facets.hosts),
        ("month", &facets.months),
    ] {
        let told: Vec<String> = counts
            .iter()
            .map(|count| format!("{} {}", clean(&count.label), count.meetings))
            .collect();
        if !told.is_empty() {
            let line = format!("  {name}: {}", told.join(", "));
            context.out.line(paint(style::DIM, line))?;
        }
    }
    Ok(())
}

/// What a hit is, where it is not just something said, and what was found in it.
fn kinds(hit: &HitView) -> String {
    let own = Some(hit.kind).filter(|kind| *kind != "said");
    let mut out = String::new();
    for kind in own.into_iter().chain(hit.found.iter().copied()) {
        out.push_str(" · ");
        out.push_str(&match kind {
            "written" => "chat".to_owned(),
            kind => kind.replace('_', " "),
        });
    }
    out
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
                "{when} · {} · {}{}",
                position(u64::from(hit.start_ms)),
                hit.meeting_id,
                kinds(hit)
            )
        ),
        paint(style::DIM, speaker),
    )
}

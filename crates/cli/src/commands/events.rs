//! `events list|show|replay`: the webhooks that were accepted.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use parfocal_engine::ingest::events;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{EventFilter, EventId, EventState};
use parfocal_server::views::{EventView, PageView};
use serde_json::json;

use super::paging::Paging;
use super::when::When;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{clean, grouped};

/// List, show and replay webhooks
#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// List webhooks, the latest first
    List(List),
    /// Show a webhook with its body
    Show(One),
    /// Do what webhooks ask for once more
    Replay(Replay),
}

/// List webhooks, the latest first
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    paging: Paging,
}

/// Which webhooks
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// With this name, or names that begin so: recording.*
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// In this state: received, routed, ignored or failed
    #[arg(long, value_name = "STATE")]
    state: Option<EventState>,
    /// That arrived then or later: 2026-11-01, today, yesterday, "3 days ago", RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<When>,
    /// That arrived before then, written as --from
    #[arg(long, value_name = "TIME")]
    before: Option<When>,
}

/// Show a webhook with its body
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The webhook's id
    id: EventId,
}

/// Do what webhooks ask for once more
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The webhooks' ids
    #[arg(required_unless_present_any = ["event", "state", "from", "before"], conflicts_with_all = ["event", "state", "from", "before"])]
    ids: Vec<EventId>,
    #[command(flatten)]
    which: Which,
}

impl Which {
    fn filter(&self, now: Timestamp) -> EventFilter {
        let at = |when: Option<&When>| when.map(|when| when.resolve(now));
        EventFilter {
            event: self.event.clone(),
            state: self.state,
            lane: None,
            from: at(self.from.as_ref()),
            before: at(self.before.as_ref()),
        }
    }
}

/// Runs the command.
pub(crate) async fn run(command: Events, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let now = app.clock().now();
    let by = Caller::local(Surface::Cli).by();
    match command {
        Events::List(list) => {
            let page = events::list(&app, &list.which.filter(now), &list.paging.request()).await?;
            let page = PageView::of(page, EventView::from);
            if context.out.is_json() {
                context.out.json(&page)?;
            } else {
                table(&page, context)?;
            }
        }
        Events::Show(one) => present(&EventView::from(events::get(&app, one.id).await?), context)?,
        Events::Replay(replay) => {
            let count = if replay.ids.is_empty() {
                events::replay_matching(&app, &replay.which.filter(now), &by).await?
            } else {
                for id in &replay.ids {
                    events::replay(&app, *id, &by).await?;
                }
                u64::try_from(replay.ids.len()).unwrap_or(u64::MAX)
            };
            if context.out.is_json() {
                context.out.json(&json!({"replayed": count}))?;
            } else {
                let noun = if count == 1 {
                    "webhook goes"
                } else {
                    "webhooks go"
                };
                context
                    .out
                    .line(format!("{} {noun} through once more", grouped(count)))?;
                context.out.note(paint(
                    style::DIM,
                    "A running `parfocal serve` does the work.",
                ));
            }
        }
    }
    Ok(Exit::Done)
}

fn table(page: &PageView<EventView>, context: &Context) -> Result<(), Failure> {
    let columns = [
        ("ID", Align::Left),
        ("EVENT", Align::Left),
        ("HAPPENED", Align::Left),
        ("STATE", Align::Left),
        ("REPEATS", Align::Right),
        ("NOTE", Align::Left),
    ];
    let empty = "No webhooks have arrived. Subscribe /webhooks/zoom in your Zoom app, and set ZOOM_WEBHOOK_SECRET_TOKEN.";
    let mut table = Table::new(&columns, empty);
    for event in &page.items {
        table.row([
            Field::from(&event.id),
            Field::from(&event.event),
            Field::from(event.event_ts.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            Field::state(event.state),
            Field::from(event.repeats.to_string()),
            Field::from(event.note.as_deref().unwrap_or_default()),
        ]);
    }
    table.print(&context.out)?;
    super::paging::more(context, page.next.as_deref());
    Ok(())
}

fn present(event: &EventView, context: &Context) -> Result<(), Failure> {
    let out = &context.out;
    if out.is_json() {
        return out.json(event);
    }
    out.line(format!(
        "{} {} {}",
        paint(style::STRONG, clean(&event.event)),
        paint(style::of_state(event.state), event.state),
        paint(style::DIM, &event.id)
    ))?;
    out.line(format!(
        "  {} {}",
        paint(style::DIM, "happened"),
        event.event_ts
    ))?;
    out.line(format!(
        "  {} {}, {} repeats",
        paint(style::DIM, "arrived "),
        event.received,
        event.repeats
    ))?;
    if let Some(note) = &event.note {
        out.line(format!(
            "  {} {}",
            paint(style::DIM, "note    "),
            clean(note)
        ))?;
    }
    if let Some(body) = &event.body {
        let value: serde_json::Value = serde_json::from_str(body.get()).unwrap_or_default();
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            out.line(format!("  {}{}", &line[..indent], clean(line.trim_start())))?;
        }
    }
    Ok(())
}

//! `models`: which language models are configured, which is in use, and what today has used.

use clap::Args;
use parfocal_engine::models::{self, ModelsView};

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::grouped;
use crate::output::style::{self, paint};

/// Show the configured language models and what they have used today
#[derive(Debug, Args)]
pub(crate) struct Models {}

/// Runs the command.
pub(crate) async fn run(_: Models, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let view = models::view(&app).await?;
    if context.out.is_json() {
        context.out.json(&view)?;
        return Ok(Exit::Done);
    }
    for server in &view.servers {
        let active = view.active.as_deref() == Some(&server.name) && view.switched_on;
        context.out.line(format!(
            "{} {} at {}{}{}",
            paint(style::STRONG, &server.name),
            server.model,
            server.host,
            if active { ", in use" } else { "" },
            if server.redacts { ", redacted" } else { "" },
        ))?;
        context.out.line(format!(
            "  today: {} requests, {} tokens sent, {} received",
            grouped(server.calls_today),
            grouped(server.tokens_in_today),
            grouped(server.tokens_out_today),
        ))?;
    }
    if !view.servers.is_empty() {
        context.out.line(budget(&view))?;
    }
    if view.active.is_none() {
        context.out.note(paint(
            style::DIM,
            "No model is in use: the embedded analyst works alone, and nothing leaves this machine.",
        ));
    } else if !view.switched_on {
        context.out.note(paint(
            style::WARN,
            "The component models is off: `parfocal component activate models`.",
        ));
    }
    Ok(Exit::Done)
}

fn budget(view: &ModelsView) -> String {
    let most = view
        .tokens_per_day
        .map_or_else(|| "no limit".to_owned(), grouped);
    let cost = match view.cost_per_day {
        Some(most) => format!("; cost {:.4} of {most:.2}", view.cost_today),
        None if view.cost_today > 0.0 => format!("; cost {:.4}", view.cost_today),
        None => String::new(),
    };
    format!(
        "Budget of {} (UTC): {} of {most} tokens{cost}",
        view.day,
        grouped(view.tokens_today)
    )
}

//! `backfill plan|start|status|pause|resume|cancel`: taking in an account's past.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use parfocal_engine::App;
use parfocal_engine::backfill::{self, BackfillView, Forecast, Request};
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{BackfillId, BackfillState};

use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{Out, clean, duration, grouped};
use crate::stop;

/// How often a backfill under way is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Take in an account's past meetings
#[derive(Debug, Subcommand)]
pub(crate) enum Backfill {
    /// Reckon what a backfill would take, without starting it
    Plan(Span),
    /// Start a backfill and work on it until it is done
    Start(Start),
    /// Show backfills, or one
    Status(Which),
    /// Stop a backfill until it is resumed
    Pause(Which),
    /// Let a paused backfill go on
    Resume(Which),
    /// Stop a backfill for good; what it took in stays
    Cancel(Which),
}

/// Whose past, and how far back
#[derive(Debug, Args)]
pub(crate) struct Span {
    /// The connection whose account is meant [default: the only account there is]
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// First day, such as 2026-06-01 [default: as far back as configured]
    #[arg(long, value_name = "DAY")]
    since: Option<Date>,
    /// Last day [default: today]
    #[arg(long, value_name = "DAY")]
    until: Option<Date>,
    /// Take in the summaries of Zoom's AI Companion too: one call to Zoom for each
    #[arg(long)]
    summaries: bool,
}

/// Start a backfill
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    span: Span,
    /// Leave the work to a running `parfocal serve` and return at once
    #[arg(long)]
    detach: bool,
}

/// Which backfill
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Its id [default: the one under way]
    id: Option<BackfillId>,
}

/// Runs the command.
pub(crate) async fn run(command: Backfill, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let out = &context.out;
    let by = Caller::local(Surface::Cli).by();
    match command {
        Backfill::Plan(span) => {
            let forecast = backfill::plan(&app, &request(&app, &span).await?).await?;
            present_forecast(&forecast, out)?;
            Ok(Exit::Done)
        }
        Backfill::Start(start) => {
            app.vault().check_keys().await?;
            let view = backfill::start(&app, &request(&app, &start.span).await?, &by).await?;
            let view = if start.detach {
                view
            } else {
                work(&app, view, out).await?
            };
            present(&view, out)?;
            Ok(outcome(&view))
        }
        Backfill::Status(which) => {
            if let Some(id) = which.id {
                let view = backfill::status(&app, id).await?;
                present(&view, out)?;
                Ok(outcome(&view))
            } else {
                list(&backfill::list(&app).await?, out)?;
                Ok(Exit::Done)
            }
        }
        Backfill::Pause(which) => {
            let id = under_way(
                &app,
                which.id,
                &[BackfillState::Running, BackfillState::Planning],
            )
            .await?;
            verb(&backfill::pause(&app, id, &by).await?, out)
        }
        Backfill::Resume(which) => {
            let id = under_way(&app, which.id, &[BackfillState::Paused]).await?;
            verb(&backfill::resume(&app, id, &by).await?, out)
        }
        Backfill::Cancel(which) => {
            let states = [
                BackfillState::Running,
                BackfillState::Planning,
                BackfillState::Paused,
            ];
            let id = under_way(&app, which.id, &states).await?;
            verb(&backfill::cancel(&app, id, &by).await?, out)
        }
    }
}

async fn request(app: &App, span: &Span) -> Result<Request, Failure> {
    let account = match &span.connection {
        Some(name) => Some(app.connections().find(name).await?.account_id),
        None => None,
    };
    Ok(Request {
        account,
        since: span.since,
        until: span.until,
        summaries: span.summaries,
    })
}

async fn under_way(
    app: &App,
    id: Option<BackfillId>,
    states: &[BackfillState],
) -> Result<BackfillId, Failure> {
    if let Some(id) = id {
        return Ok(id);
    }
    let all = backfill::list(app).await?;
    let mut fitting = all.iter().filter(|view| states.contains(&view.state));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only.id),
        (None, _) => Err(Failure::not_found("there is no such backfill under way")
            .hint("`parfocal backfill status` lists all.")),
        _ => Err(Failure::usage("usage", "several backfills are under way")
            .hint("Name one; `parfocal backfill status` lists them.")),
    }
}

/// Works on a backfill in this process until it is over or somebody asks to stop.
async fn work(app: &App, mut view: BackfillView, out: &Out) -> Result<BackfillView, Failure> {
    let stop = stop::on_signal();
    app.start();
    let step = Progress::start(out, "Taking in the past");
    while !over(&view) && !stop.is_cancelled() {
        show(&step, &view);
        tokio::select! {
            () = app.clock().sleep(LOOK) => {}
            () = stop.cancelled() => {}
        }
        view = backfill::status(app, view.id).await?;
    }
    drop(step);
    if !over(&view) {
        out.note(paint(style::DIM, "Stopped; `parfocal serve` goes on with it, and so does `parfocal backfill start` after a cancel."));
    }
    app.stop().await;
    Ok(view)
}

/// Whether a backfill is over.
pub(crate) fn over(view: &BackfillView) -> bool {
    matches!(
        view.state,
        BackfillState::Done | BackfillState::Failed | BackfillState::Cancelled
    )
}

/// Shows how far a backfill is.
pub(crate) fn show(step: &Progress, view: &BackfillView) {
    let waits = match view.parked_until {
        Some(until) => format!(
            ", waiting for Zoom until {}",
            until.strftime("%H:%M:%S UTC")
        ),
        None => String::new(),
    };
    step.at(
        view.done,
        view.total,
        format!("pieces, {} jobs open{waits}", grouped(view.open_jobs)),
    );
}

fn outcome(view: &BackfillView) -> Exit {
    let failed = view.slices.iter().any(|slice| slice.failed > 0);
    if view.state == BackfillState::Failed {
        Exit::Failed
    } else {
        attention(failed)
    }
}

fn verb(view: &BackfillView, out: &Out) -> Result<Exit, Failure> {
    present(view, out)?;
    Ok(Exit::Done)
}

fn list(all: &[BackfillView], out: &Out) -> Result<(), Failure> {
    if out.is_json() {
        return out.json(&serde_json::json!({"items": all, "next": null}));
    }
    let columns = [
        ("ID", Align::Left),
        ("STATE", Align::Left),
        ("SINCE", Align::Left),
        ("UNTIL", Align::Left),
        ("PIECES", Align::Right),
        ("OPEN JOBS", Align::Right),
        ("BEGUN", Align::Left),
    ];
    let mut table = Table::new(
        &columns,
        "No backfill yet. `parfocal backfill plan` reckons one, `parfocal backfill start` starts it.",
    );
    for view in all {
        table.row([
            Field::from(view.id.to_string()),
            Field::state(view.state.as_str()),
            Field::from(view.since.to_string()),
            Field::from(view.until.to_string()),
            Field::from(format!("{} / {}", grouped(view.done), grouped(view.total))),
            Field::from(grouped(view.open_jobs)),
            Field::from(view.created_at.strftime("%Y-%m-%d %H:%M").to_string()),
        ]);
    }
    table.print(out)
}

fn present(view: &BackfillView, out: &Out) -> Result<(), Failure> {
    if out.is_json() {
        return out.json(view);
    }
    let state = view.state.as_str();
    let span = format!("{} to {}", view.since, view.until);
    out.line(format!(
        "backfill {} {} {}",
        paint(style::of_state(state), state),
        span,
        paint(style::DIM, view.id)
    ))?;
    let columns = [
        ("RESOURCE", Align::Left),
        ("PIECES", Align::Right),
        ("FOUND", Align::Right),
        ("CALLS", Align::Right),
        ("NOT TO BE HAD", Align::Right),
        ("FAILED", Align::Right),
    ];
    let mut table = Table::new(&columns, "");
    let figure = |n: u64| if n == 0 { "–".to_owned() } else { grouped(n) };
    for slice in &view.slices {
        table.row([
            Field::from(&slice.resource),
            Field::from(format!(
                "{} / {}",
                grouped(slice.done + slice.skipped + slice.failed),
                grouped(slice.total)
            )),
            Field::from(figure(slice.items)),
            Field::from(figure(slice.calls)),
            Field::from(figure(slice.skipped)),
            Field::styled(
                if slice.failed > 0 {
                    style::BAD
                } else {
                    style::DIM
                },
                figure(slice.failed),
            ),
        ]);
    }
    if !view.slices.is_empty() {
        table.print(out)?;
    }
    for line in unavailable(&view.unavailable) {
        out.line(format!(
            "{} {}",
            paint(style::WARN, "not to be had"),
            clean(&line)
        ))?;
    }
    Ok(())
}

/// Resources that the account does not give, one line each.
pub(crate) fn unavailable(value: &serde_json::Value) -> Vec<String> {
    let text = |value: &serde_json::Value, key: &str| {
        value
            .get(key)
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
    };
    let line = |name: String, entry: &serde_json::Value| {
        let why = text(entry, "detail")
            .or_else(|| text(entry, "cause"))
            .or_else(|| entry.as_str().map(str::to_owned));
        format!("{name}: {}", why.unwrap_or_default())
    };
    match value {
        serde_json::Value::Object(map) => map
            .iter()
            .map(|(name, entry)| line(name.clone(), entry))
            .collect(),
        serde_json::Value::Array(items) => items
            .iter()
            .map(|entry| {
                line(
                    text(entry, "resource")
                        .or_else(|| text(entry, "what"))
                        .unwrap_or_default(),
                    entry,
                )
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn present_forecast(forecast: &Forecast, out: &Out) -> Result<(), Failure> {
    if out.is_json() {
        return out.json(forecast);
    }
    let time = forecast
        .seconds
        .map(|seconds| format!(", about {}", reckoned(seconds)))
        .unwrap_or_default();
    out.line(format!(
        "{} to {}: about {} calls{time} ({} plan, share {})",
        forecast.since,
        forecast.until,
        paint(style::STRONG, grouped(forecast.calls)),
        forecast.plan,
        forecast.share,
    ))?;
    let basis = if forecast.basis == "assumed" {
        "reckoned with, since nothing of this time is here yet"
    } else {
        "known here"
    };
    out.line(format!(
        "{} active users; {} series and {} meetings held are {basis}",
        grouped(forecast.users),
        grouped(forecast.meetings),
        grouped(forecast.instances)
    ))?;
    let mut table = Table::new(
        &[
            ("LABEL", Align::Left),
            ("CALLS", Align::Right),
            ("TIME", Align::Right),
        ],
        "",
    );
    for label in &forecast.by_label {
        let time = label.seconds.map(reckoned).unwrap_or_default();
        table.row([
            Field::from(label.label),
            Field::from(grouped(label.calls)),
            Field::from(time),
        ]);
    }
    table.print(out)?;
    if let Some(days) = forecast.days.filter(|days| *days > 1.0) {
        out.warn(format!(
            "the account's calls per day allow this only within {days:.1} days"
        ));
    }
    Ok(())
}

/// A reckoned time in words.
fn reckoned(seconds: f64) -> String {
    duration(
        std::time::Duration::try_from_secs_f64(seconds.ceil()).map_or(0, |time| time.as_secs()),
    )
}

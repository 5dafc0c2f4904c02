//! `jobs list|show|retry|drop`: the background work, and the verbs a person has.

use clap::{Args, Subcommand};
use parfocal_engine::jobs;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{JobFilter, JobId, JobState};
use parfocal_server::views::{AttemptView, JobView, PageView};
use serde_json::json;

use super::paging::Paging;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{clean, grouped};

/// List, show, retry and drop background work
#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// List jobs, the latest first
    List(List),
    /// Show a job with everything that was tried
    Show(Show),
    /// Run dead (or waiting) jobs now, with all their tries again
    Retry(Verb),
    /// Give jobs up
    Drop(Drop),
}

/// List jobs, the latest first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// In this state: waiting, ready, running, done, dead or dropped
    #[arg(long, value_name = "STATE")]
    state: Option<JobState>,
    /// Of this kind, such as file.fetch
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Show a job with everything that was tried
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The job's id
    id: JobId,
}

/// Which jobs
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Verb {
    /// One job
    id: Option<JobId>,
    /// All of this kind
    #[arg(long, value_name = "KIND", conflicts_with = "id")]
    kind: Option<String>,
    /// All dead ones
    #[arg(long, conflicts_with = "id")]
    all_dead: bool,
}

/// Give jobs up
#[derive(Debug, Args)]
pub(crate) struct Drop {
    #[command(flatten)]
    which: Verb,
    /// Why, for the record
    #[arg(long, default_value = "dropped by hand", value_name = "TEXT")]
    reason: String,
}

impl Verb {
    fn filter(&self) -> JobFilter {
        let state = if self.id.is_none() {
            Some(JobState::Dead)
        } else {
            None
        };
        JobFilter {
            id: self.id,
            state,
            kind: self.kind.clone(),
            ..JobFilter::default()
        }
    }
}

/// Runs the command.
pub(crate) async fn run(command: Jobs, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let by = Caller::local(Surface::Cli).by();
    match command {
        Jobs::List(list) => {
            let filter = JobFilter {
                state: list.state,
                kind: list.kind,
                ..JobFilter::default()
            };
            let page = jobs::list(&app, &filter, &list.paging.request()).await?;
            let page = PageView::of(page, JobView::from);
            if context.out.is_json() {
                context.out.json(&page)?;
            } else {
                table(&page, context)?;
            }
        }
        Jobs::Show(show) => {
            let detail = jobs::get(&app, show.id).await?;
            let attempts: Vec<AttemptView> =
                detail.attempts.into_iter().map(AttemptView::from).collect();
            present(&JobView::from(detail.job), detail.about, &attempts, context)?;
        }
        Jobs::Retry(which) => {
            let count = match which.id {
                Some(id) => jobs::retry(&app, id, &by).await.map(|_| 1)?,
                None => jobs::redrive(&app, &which.filter(), &by).await?,
            };
            changed(&which, count, "retried", context)?;
        }
        Jobs::Drop(drop) => {
            let count = jobs::drop_jobs(&app, &drop.which.filter(), &drop.reason, &by).await?;
            changed(&drop.which, count, "dropped", context)?;
        }
    }
    Ok(Exit::Done)
}

fn changed(which: &Verb, count: u64, verb: &str, context: &Context) -> Result<(), Failure> {
    if let (0, Some(id)) = (count, which.id) {
        return Err(
            Failure::not_found(format!("there is no job {id} that could be {verb}")).hint(
                "`parfocal jobs show` tells its state; running and finished jobs stay as they are.",
            ),
        );
    }
    if context.out.is_json() {
        return context.out.json(&json!({verb: count}));
    }
    context.out.line(format!(
        "{} {} {verb}",
        grouped(count),
        if count == 1 { "job" } else { "jobs" }
    ))
}

fn table(page: &PageView<JobView>, context: &Context) -> Result<(), Failure> {
    let columns = [
        ("ID", Align::Left),
        ("KIND", Align::Left),
        ("STATE", Align::Left),
        ("TRIES", Align::Right),
        ("RUN AT", Align::Left),
        ("NOTE", Align::Left),
    ];
    let mut table = Table::new(
        &columns,
        "No jobs: nothing is waiting and nothing has failed.",
    );
    for job in &page.items {
        table.row([
            Field::from(&job.id),
            Field::from(&job.kind),
            Field::state(job.state),
            Field::from(job.attempts.to_string()),
            Field::from(job.run_at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            Field::from(job.note.as_deref().unwrap_or_default()),
        ]);
    }
    table.print(&context.out)?;
    super::paging::more(context, page.next.as_deref());
    Ok(())
}

fn present(
    job: &JobView,
    about: Option<&str>,
    attempts: &[AttemptView],
    context: &Context,
) -> Result<(), Failure> {
    let out = &context.out;
    if out.is_json() {
        return out.json(&json!({"job": job, "about": about, "attempts": attempts}));
    }
    out.line(format!(
        "{} {} {}",
        paint(style::STRONG, &job.kind),
        paint(style::of_state(job.state), job.state),
        paint(style::DIM, &job.id)
    ))?;
    for (label, value) in [
        ("does", about.unwrap_or_default().to_owned()),
        ("lane", job.lane.clone().unwrap_or_default()),
        ("run at", job.run_at.to_string()),
        ("cause", job.cause_id.clone().unwrap_or_default()),
        ("note", job.note.clone().unwrap_or_default()),
        ("payload", job.payload.to_string()),
    ] {
        if !value.is_empty() {
            out.line(format!(
                "  {} {}",
                paint(style::DIM, format!("{label:8}")),
                clean(&value)
            ))?;
        }
    }
    for attempt in attempts {
        let status = attempt
            .status
            .map(|status| format!(" → {status}"))
            .unwrap_or_default();
        let request = attempt.request.as_deref().map(clean).unwrap_or_default();
        let head = format!("try {} {} {}", attempt.no, attempt.started, attempt.outcome);
        out.line(format!(
            "  {}  {request}{status}",
            paint(style::STRONG, head)
        ))?;
        for text in [attempt.error.as_deref(), attempt.advice.as_deref()]
            .into_iter()
            .flatten()
        {
            out.line(format!("    {}", clean(text)))?;
        }
        if let Some(id) = &attempt.tracking_id {
            out.line(paint(
                style::DIM,
                format!("    Zoom's tracking id: {}", clean(id)),
            ))?;
        }
    }
    Ok(())
}

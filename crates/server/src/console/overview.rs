//! The first page: does it run, what has it taken in, what needs a person.

use axum::extract::State;
use axum::response::Response;
use parfocal_engine::backfill::{self, BackfillView};
use parfocal_engine::connections::ConnectionView;
use parfocal_engine::status::{AccountBudget, Failure, Status};
use parfocal_engine::store::{ConnectionState, InstanceFilter, JobState, PageRequest};
use serde::Serialize;

use super::filters::grouped;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::InstanceView;

/// Meetings on the overview.
const RECENT: u32 = 8;

#[derive(Serialize)]
struct Page {
    figures: Vec<Figure>,
    attention: Vec<Notice>,
    recent: Vec<InstanceView>,
    connections: Vec<ConnectionView>,
    backfills: Vec<BackfillView>,
    budgets: Vec<Budget>,
    failures: Vec<Failed>,
}

/// What is left of an account's rate budget.
#[derive(Serialize)]
pub(super) struct Budget {
    account: String,
    labels: Vec<Label>,
}

/// One label of Zoom's rate limits.
#[derive(Serialize)]
struct Label {
    name: String,
    /// Slots of the window that are free, and all of them.
    free: u64,
    size: u64,
    window: String,
    waiting: u64,
    today: Option<String>,
    parked_until: Option<jiff::Timestamp>,
}

/// A job that was given up.
#[derive(Serialize)]
struct Failed {
    id: String,
    kind: String,
    error: Option<String>,
    advice: Option<String>,
    at: Option<jiff::Timestamp>,
}

#[derive(Serialize)]
struct Figure {
    label: &'static str,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct Notice {
    title: String,
    text: String,
    bad: bool,
}

/// `GET /`.
pub(crate) async fn get(State(state): State<AppState>) -> Result<Response, Problem> {
    let app = state.app();
    let (store, scope) = (app.store(), app.scope());
    let status = app.status().await?;
    let recent = store
        .instances(
            scope,
            &InstanceFilter::default(),
            &PageRequest::first(RECENT),
        )
        .await?;
    let mut backfills = backfill::list(app).await?;
    backfills.truncate(3);
    let page = Page {
        figures: figures(&status),
        attention: attention(&status),
        recent: recent.items.into_iter().map(InstanceView::from).collect(),
        budgets: status.budgets.iter().map(budget).collect(),
        failures: status.failures.iter().take(5).map(failed).collect(),
        connections: status.connections,
        backfills,
    };
    state
        .pages()
        .render("overview.html", "overview", "Overview", &page)
}

fn figures(status: &Status) -> Vec<Figure> {
    let stored = &status.store;
    let jobs = |states: &[JobState]| -> u64 {
        let fitting = stored
            .jobs
            .iter()
            .filter(|count| states.contains(&count.state));
        fitting.map(|count| count.count).sum()
    };
    let (busy, waiting) = (
        jobs(&[JobState::Ready, JobState::Running]),
        jobs(&[JobState::Waiting]),
    );
    let figure = |label, value: u64, note: String| Figure {
        label,
        value: grouped(value),
        note,
    };
    vec![
        figure(
            "Meetings held",
            stored.instances,
            format!("{} visits", grouped(stored.attendance)),
        ),
        figure(
            "Recordings",
            stored.recordings,
            format!(
                "{} of {} files here",
                grouped(stored.files_stored),
                grouped(stored.files)
            ),
        ),
        figure(
            "Transcripts",
            stored.transcripts,
            format!("{} cues", grouped(stored.cues)),
        ),
        figure("Webhooks", stored.inbox.events, lag(status)),
        figure(
            "Work under way",
            busy,
            format!("{} more for later", grouped(waiting)),
        ),
    ]
}

/// How far taking in is behind.
fn lag(status: &Status) -> String {
    match status.store.inbox.waiting {
        0 => "none waits, no lag".to_owned(),
        n => format!(
            "{} wait, lag {:.1} s",
            grouped(n),
            status.ingest_lag_seconds
        ),
    }
}

fn attention(status: &Status) -> Vec<Notice> {
    status
        .connections
        .iter()
        .filter(|view| {
            matches!(
                view.state,
                ConnectionState::NeedsReconnect | ConnectionState::Disconnected
            )
        })
        .map(|view| Notice {
            title: format!("The connection {} does not work", view.name),
            text: view
                .reason
                .clone()
                .or_else(|| view.last_error.clone())
                .unwrap_or_default(),
            bad: true,
        })
        .collect()
}

pub(super) fn budget(account: &AccountBudget) -> Budget {
    Budget {
        account: account
            .name
            .clone()
            .unwrap_or_else(|| account.account.clone()),
        labels: account
            .labels
            .iter()
            .enumerate()
            .map(|(at, label)| {
                let size = u64::from(label.per_window);
                // One daily number for two labels would be read as two.
                let shared = account.labels[..at]
                    .iter()
                    .find(|other| other.pool == label.pool);
                Label {
                    name: readable(label.label),
                    free: size.saturating_sub(label.busy),
                    size,
                    window: match label.window_seconds {
                        seconds if seconds <= 1.5 => "a second".to_owned(),
                        seconds if (seconds - 60.0).abs() < 1.0 => "a minute".to_owned(),
                        seconds => format!("in {seconds:.0} s"),
                    },
                    waiting: u64::try_from(label.waiting).unwrap_or_default(),
                    today: match (shared, label.per_day) {
                        (Some(other), Some(_)) => {
                            Some(format!("shares the day with {}", readable(other.label)))
                        }
                        (None, Some(day)) => Some(format!(
                            "{} of {} today",
                            grouped(label.used_today),
                            grouped(day)
                        )),
                        (_, None) => (label.used_today > 0)
                            .then(|| format!("{} today", grouped(label.used_today))),
                    },
                    parked_until: label.parked_until,
                }
            })
            .collect(),
    }
}

/// `RESOURCE-INTENSIVE` → `resource intensive`.
fn readable(label: &str) -> String {
    label.to_lowercase().replace('-', " ")
}

fn failed(failure: &Failure) -> Failed {
    let last = failure.last.as_ref();
    Failed {
        id: failure.job.to_string(),
        kind: failure.kind.clone(),
        error: last.and_then(|attempt| attempt.report.error.clone()),
        advice: last.and_then(|attempt| attempt.report.advice.clone()),
        at: last.map(|attempt| attempt.ended),
    }
}

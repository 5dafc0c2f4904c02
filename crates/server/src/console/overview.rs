//! The first page: does it run, what has it taken in, what needs a person.

use axum::extract::State;
use axum::response::Response;
use parfocal_engine::backfill::{self, BackfillView};
use parfocal_engine::connections::ConnectionView;
use parfocal_engine::status::Status;
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
    let recent = store.instances(scope, &InstanceFilter::default(), &PageRequest::first(RECENT)).await?;
    let mut backfills = backfill::list(app).await?;
    backfills.truncate(3);
    let page = Page {
        figures: figures(&status),
        attention: attention(&status),
        recent: recent.items.into_iter().map(InstanceView::from).collect(),
        connections: status.connections,
        backfills,
    };
    state.pages().render("overview.html", "overview", "Overview", &page)
}

fn figures(status: &Status) -> Vec<Figure> {
    let stored = &status.store;
    let open: u64 = status
        .store
        .jobs
        .iter()
        .filter(|count| matches!(count.state, JobState::Waiting | JobState::Ready | JobState::Running))
        .map(|count| count.count)
        .sum();
    let figure = |label, value: u64, note: String| Figure { label, value: grouped(value), note };
    vec![
        figure("Meetings held", stored.instances, format!("{} people-visits", grouped(stored.attendance))),
        figure("Recordings", stored.recordings, format!("{} of {} files here", grouped(stored.files_stored), grouped(stored.files))),
        figure("Transcripts", stored.transcripts, format!("{} cues", grouped(stored.cues))),
        figure("Webhooks", status.store.inbox.events, waiting(status)),
        figure("Work under way", open, if open == 0 { "everything is done".to_owned() } else { "jobs".to_owned() }),
    ]
}

fn waiting(status: &Status) -> String {
    match status.store.inbox.waiting {
        0 => "none waiting".to_owned(),
        n => format!("{} waiting, the oldest {:.0} s", grouped(n), status.ingest_lag_seconds),
    }
}

fn attention(status: &Status) -> Vec<Notice> {
    let mut notices: Vec<Notice> = status
        .connections
        .iter()
        .filter(|view| matches!(view.state, ConnectionState::NeedsReconnect | ConnectionState::Disconnected))
        .map(|view| Notice {
            title: format!("The connection {} does not work", view.name),
            text: view.reason.clone().or_else(|| view.last_error.clone()).unwrap_or_default(),
            bad: true,
        })
        .collect();
    let dead: u64 =
        status.store.jobs.iter().filter(|count| count.state == JobState::Dead).map(|count| count.count).sum();
    if dead > 0 {
        let last = status.failures.first().and_then(|failure| failure.last.as_ref());
        let error = last.and_then(|attempt| attempt.report.error.clone()).unwrap_or_default();
        notices.push(Notice {
            title: format!("{} given up", if dead == 1 { "One job was".to_owned() } else { format!("{dead} jobs were") }),
            text: format!("{error} See `parfocal jobs list --state dead`; `parfocal jobs retry` tries again."),
            bad: false,
        });
    }
    notices
}

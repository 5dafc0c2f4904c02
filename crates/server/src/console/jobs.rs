//! Background work: what runs, what waits, what was given up; retry and drop.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use parfocal_engine::jobs;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{JobFilter, JobId, JobState};
use serde::{Deserialize, Serialize};

use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{AttemptView, JobView};

/// Why a job was dropped when nobody says more.
const DROPPED: &str = "dropped in the console";

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(crate) struct ListParams {
    show: Option<String>,
    kind: Option<String>,
    after: Option<String>,
    /// What was just done: `retried` or `dropped`, and to how many.
    did: Option<String>,
    count: Option<u64>,
}

#[derive(Serialize)]
struct Page {
    rows: Vec<JobView>,
    tabs: Vec<Tab>,
    show: &'static str,
    kind: Option<String>,
    kinds: Vec<String>,
    did: Option<String>,
    first: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    key: &'static str,
    name: &'static str,
    href: String,
    count: u64,
}

/// The tabs: key, name, states.
const TABS: [(&str, &str, &[JobState]); 5] = [
    ("dead", "Dead letters", &[JobState::Dead]),
    ("running", "Running", &[JobState::Running, JobState::Ready]),
    ("waiting", "Waiting", &[JobState::Waiting]),
    ("done", "Done", &[JobState::Done]),
    ("dropped", "Dropped", &[JobState::Dropped]),
];

/// `GET /jobs`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let app = state.app();
    let show = params.show.as_deref().unwrap_or("dead");
    let Some((show, _, states)) = TABS.iter().find(|(key, ..)| *key == show).copied() else {
        return Err(Problem::not_found(format!(
            "there is no list of {show} jobs"
        )));
    };
    let kind = params.kind.filter(|kind| !kind.is_empty());
    let counts = app.store().job_counts(app.scope()).await?;
    let tabs = TABS
        .iter()
        .map(|(key, name, states)| Tab {
            key,
            name,
            href: super::link("/jobs", &[("show", Some(key)), ("kind", kind.as_deref())]),
            count: counts
                .iter()
                .filter(|count| states.contains(&count.state))
                .map(|count| count.count)
                .sum(),
        })
        .collect();
    let mut kinds: Vec<String> = counts.iter().map(|count| count.kind.clone()).collect();
    kinds.sort();
    kinds.dedup();
    let request = paging::request(None, params.after)?;
    let mut rows: Vec<JobView> = Vec::new();
    let mut more = false;
    for job_state in states {
        let filter = JobFilter {
            state: Some(*job_state),
            kind: kind.clone(),
            ..JobFilter::default()
        };
        let page = jobs::list(app, &filter, &request).await?;
        more |= page.next.is_some();
        rows.extend(page.items.into_iter().map(JobView::from));
    }
    // Two lists become one: both are sorted by id, the latest first, and their cursors are ids.
    rows.sort_by(|a, b| b.id.cmp(&a.id));
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    more |= rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| last.id.clone());
    let link = |after: Option<&str>| {
        super::link(
            "/jobs",
            &[
                ("show", Some(show)),
                ("kind", kind.as_deref()),
                ("after", after),
            ],
        )
    };
    let page = Page {
        first: request.after.is_some().then(|| link(None)),
        next: next.as_deref().map(|next| link(Some(next))),
        rows,
        tabs,
        show,
        did: params
            .did
            .map(|did| said(&did, params.count.unwrap_or_default())),
        kind,
        kinds,
    };
    state.pages().render("jobs.html", "jobs", "Work", &page)
}

fn said(did: &str, count: u64) -> String {
    let noun = if count == 1 { "job" } else { "jobs" };
    match did {
        "retried" => format!("{count} {noun} will be tried again now."),
        "dropped" => format!("{count} {noun} dropped."),
        _ => String::new(),
    }
}

#[derive(Serialize)]
struct JobPage {
    job: JobView,
    about: Option<&'static str>,
    payload: String,
    attempts: Vec<AttemptView>,
    can_retry: bool,
    can_drop: bool,
}

/// `GET /jobs/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let detail = jobs::get(state.app(), key(&id)?).await?;
    let job_state = detail.job.state;
    let job = JobView::from(detail.job);
    let page = JobPage {
        about: detail.about,
        payload: serde_json::to_string_pretty(&job.payload).unwrap_or_default(),
        attempts: detail.attempts.into_iter().map(AttemptView::from).collect(),
        can_retry: matches!(
            job_state,
            JobState::Dead | JobState::Dropped | JobState::Waiting
        ),
        can_drop: matches!(
            job_state,
            JobState::Dead | JobState::Waiting | JobState::Ready
        ),
        job,
    };
    state
        .pages()
        .render("job.html", "jobs", &page.job.kind, &page)
}

/// Which jobs a form is about: one, or all dead ones (of a kind).
#[derive(Deserialize)]
pub(crate) struct Which {
    id: Option<String>,
    kind: Option<String>,
}

impl Which {
    fn filter(&self) -> Result<JobFilter, Problem> {
        let id = self
            .id
            .as_deref()
            .filter(|id| !id.is_empty())
            .map(key)
            .transpose()?;
        let kind = self.kind.clone().filter(|kind| !kind.is_empty());
        let state = if id.is_some() {
            None
        } else {
            Some(JobState::Dead)
        };
        Ok(JobFilter {
            id,
            kind,
            state,
            ..JobFilter::default()
        })
    }

    fn back(&self, did: &str, count: u64) -> Response {
        let count = count.to_string();
        let kind = self.kind.as_deref().filter(|kind| !kind.is_empty());
        Redirect::to(&super::link(
            "/jobs",
            &[("kind", kind), ("did", Some(did)), ("count", Some(&count))],
        ))
        .into_response()
    }
}

/// `POST /jobs/retry`.
pub(crate) async fn retry(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let filter = which.filter()?;
    let count = match filter.id {
        Some(id) => jobs::retry(state.app(), id, &caller.by())
            .await
            .map(|_| 1)?,
        None => jobs::redrive(state.app(), &filter, &caller.by()).await?,
    };
    Ok(which.back("retried", count))
}

/// `POST /jobs/drop`.
pub(crate) async fn drop(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let filter = which.filter()?;
    let count = jobs::drop_jobs(state.app(), &filter, DROPPED, &caller.by()).await?;
    Ok(which.back("dropped", count))
}

fn key(id: &str) -> Result<JobId, Problem> {
    id.parse()
        .map_err(|_| Problem::not_found(format!("there is no job {id}")))
}

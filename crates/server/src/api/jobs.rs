//! `/v1/jobs`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{JobFilter, JobId, JobState};
use parfocal_engine::{Code, EngineError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::MayBody;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{AttemptView, JobView, PageView};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only in this state.
    state: Option<JobState>,
    /// Only of this kind.
    kind: Option<String>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// `GET /v1/jobs`: jobs, the latest first.
pub(crate) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<JobView>>, Problem> {
    let filter = JobFilter {
        state: params.state,
        kind: params.kind,
        ..JobFilter::default()
    };
    let page = paging::request(params.limit, params.after)?;
    let app = state.app();
    let page = app.store().jobs(app.scope(), &filter, &page).await?;
    Ok(Json(PageView::of(page, JobView::from)))
}

/// A job with everything that was tried.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct JobDetail {
    /// The job.
    #[serde(flatten)]
    job: JobView,
    /// Its tries, in order.
    tries: Vec<AttemptView>,
}

/// `GET /v1/jobs/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<JobDetail>, Problem> {
    let app = state.app();
    let missing = || Problem::not_found(format!("there is no job {id}"));
    let key: JobId = id.parse().map_err(|_| missing())?;
    let job = app
        .store()
        .job(app.scope(), key)
        .await?
        .ok_or_else(missing)?;
    let tries = app.store().attempts(app.scope(), key).await?;
    Ok(Json(JobDetail {
        job: job.into(),
        tries: tries.into_iter().map(AttemptView::from).collect(),
    }))
}

/// `POST /v1/jobs/{id}/retry`.
pub(crate) async fn retry(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<JobDetail>, Problem> {
    let key = job_id(&id)?;
    parfocal_engine::jobs::retry(state.app(), key, &caller.by()).await?;
    get(State(state), Path(id)).await
}

/// Why a job is given up.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drop {
    /// Why, for the record.
    #[serde(default)]
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// `POST /v1/jobs/{id}/drop`.
pub(crate) async fn drop(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    MayBody(body): MayBody<Drop>,
) -> Result<Json<JobDetail>, Problem> {
    let key = job_id(&id)?;
    let filter = JobFilter {
        id: Some(key),
        ..JobFilter::default()
    };
    let reason = body
        .reason
        .unwrap_or_else(|| "dropped through the API".to_owned());
    let done =
        parfocal_engine::jobs::drop_jobs(state.app(), &filter, &reason, &caller.by()).await?;
    let detail = get(State(state), Path(id)).await?;
    if done == 0 {
        return Err(Problem::from(
            EngineError::new(
                Code::Conflict,
                format!("job {key} is {}", detail.0.job.state),
            )
            .with_hint("Running and finished jobs stay as they are."),
        ));
    }
    Ok(detail)
}

fn job_id(id: &str) -> Result<JobId, Problem> {
    id.parse()
        .map_err(|_| Problem::not_found(format!("there is no job {id}")))
}

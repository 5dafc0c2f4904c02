//! `/v1/actions`: everything that can be asked for by name.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use parfocal_engine::actions::{self, ActionView, Effect, Manifest, Outcome, Run};
use parfocal_engine::keys::{Caller, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::PageView;

/// An action in the list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ActionRow {
    /// Its name, `noun.verb`.
    name: &'static str,
    /// A few words for a list or a button.
    title: &'static str,
    /// What it does.
    description: &'static str,
    /// What it does to the world.
    effect: Effect,
    /// The least role that may ask for it.
    role: Role,
    /// Zoom's rate label; none when it is answered from what is stored here.
    rate_label: Option<&'static str>,
}

/// `GET /v1/actions`.
pub(super) async fn list(
    State(state): State<AppState>,
) -> Result<Json<PageView<ActionRow>>, Problem> {
    let active = state.app().components().active().await?;
    let items = actions::offered(&active)
        .map(|action| ActionRow {
            name: action.name(),
            title: action.title(),
            description: action.description(),
            effect: action.effect(),
            role: action.role(),
            rate_label: action.rate_label(),
        })
        .collect();
    Ok(Json(PageView { items, next: None }))
}

/// `GET /v1/actions/{name}`: one action with its schemas.
pub(super) async fn describe(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<ActionView>, Problem> {
    let action = actions::find(&name).ok_or_else(|| {
        Problem::not_found(format!("there is no action {name}"))
            .hint("GET /v1/actions tells what there is.")
    })?;
    state.app().components().require(action.component()).await?;
    Ok(Json(action.describe()))
}

/// `GET /v1/manifest`: everything that a pipeline engine has to know.
pub(super) async fn manifest(State(state): State<AppState>) -> Result<Json<Manifest>, Problem> {
    let active = state.app().components().active().await?;
    Ok(Json(actions::manifest(actions::offered(&active))))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunParams {
    /// Only tell which requests would be sent to Zoom.
    #[serde(default)]
    dry_run: bool,
    /// Ask Zoom even if an answer is at hand.
    #[serde(default)]
    fresh: bool,
}

/// `POST /v1/actions/{name}`: runs an action with the body as input.
pub(super) async fn run(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<RunParams>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let how = Run {
        caller,
        idempotency_key: key(&headers)?,
        dry_run: params.dry_run,
        fresh: params.fresh || asks_fresh(&headers),
    };
    let outcome = state
        .app()
        .actions()
        .run(&name, input(&body)?, &how)
        .await?;
    let replayed = matches!(&outcome, Outcome::Done(done) if done.replayed);
    let mut response = Json(outcome).into_response();
    if replayed {
        response.headers_mut().insert(
            HeaderName::from_static("idempotent-replayed"),
            HeaderValue::from_static("true"),
        );
    }
    Ok(response)
}

/// The key that makes a repetition safe.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    headers
        .get("idempotency-key")
        .map(|value| {
            value.to_str().map(str::to_owned).map_err(|_| {
                Problem::bad_request(
                    "invalid_input",
                    "the Idempotency-Key is not 1 to 255 visible ASCII characters",
                )
            })
        })
        .transpose()
}

fn asks_fresh(headers: &HeaderMap) -> bool {
    headers
        .get(header::CACHE_CONTROL)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("no-cache"))
}

/// The body as JSON; none means an input without members.
fn input(body: &[u8]) -> Result<Value, Problem> {
    if body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request("invalid_input", format!("the body is not JSON: {error}"))
            .hint("Send the action's input as a JSON object.")
    })
}

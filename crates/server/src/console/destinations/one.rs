//! `/destinations/{name}`: settings, what it reads and how far that is; tested, switched and filled here.

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_engine::activate::{BackfillOrder, Checked, DestinationView, StreamView};
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{StreamKind, StreamState};
use serde::{Deserialize, Serialize};

use super::{Fault, ROOM, given, mapping, plain, span, state as word};
use crate::console::link;
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// What the page can be told; unknown parameters are ignored.
#[derive(Deserialize)]
pub(super) struct OneParams {
    did: Option<String>,
}

#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    view: DestinationView,
    word: &'static str,
    lag: String,
    settings: Vec<(String, String)>,
    reads: Vec<Stream>,
    /// Whether what arrived already may be sent once more.
    replays: bool,
    mapping: Option<Mapping>,
    checked: Option<Checked>,
    did: Option<&'static str>,
    fault: Option<Fault>,
}

#[derive(Serialize)]
struct Mapping {
    text: String,
    lines: usize,
    own: bool,
}

#[derive(Serialize)]
struct Stream {
    #[serde(flatten)]
    view: StreamView,
    /// What was asked for, in words.
    asked: String,
    paused: bool,
    ended: bool,
}

impl From<StreamView> for Stream {
    fn from(view: StreamView) -> Self {
        let mut asked = Vec::new();
        if let Some(since) = view.spec.get("since") {
            asked.push(format!("since {}", plain(since)));
        }
        if let Some(only) = view.spec.get("only") {
            asked.push(format!("only {}", plain(only)));
        }
        if asked.is_empty() {
            asked.push(
                match view.kind {
                    StreamKind::Live => "what happens",
                    StreamKind::Replay => "everything, once more",
                    _ => "everything that is kept",
                }
                .to_owned(),
            );
        }
        Self {
            asked: asked.join(", "),
            paused: view.state == StreamState::Paused,
            ended: view.state == StreamState::Done,
            view,
        }
    }
}

async fn page(
    state: &AppState,
    name: &str,
    did: Option<&'static str>,
    checked: Option<Checked>,
    fault: Option<Fault>,
) -> Result<Response, Problem> {
    let mut view = state.app().destinations().get(name).await?;
    let own = view.config.get("mapping").is_some();
    let settings = view.config.as_object().map(|fields| {
        fields
            .iter()
            .filter(|(key, _)| *key != "mapping")
            .map(|(key, value)| (key.replace('_', " "), plain(value)))
            .collect()
    });
    let page = Page {
        word: word(&view),
        lag: span(i64::try_from(view.lag_seconds).unwrap_or(i64::MAX)),
        settings: settings.unwrap_or_default(),
        reads: std::mem::take(&mut view.streams)
            .into_iter()
            .map(Stream::from)
            .collect(),
        replays: view.kind == "webhook",
        mapping: mapping(&view).map(|text| Mapping {
            text: text.to_owned(),
            lines: text.lines().count(),
            own,
        }),
        checked,
        did,
        fault,
        view,
    };
    state
        .pages()
        .render("destination.html", ROOM, &page.view.name, &page)
}

/// `GET /destinations/{name}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Params(params): Params<OneParams>,
) -> Result<Response, Problem> {
    let did = match params.did.as_deref() {
        Some("on") => Some("Switched on: everything that waits is sent."),
        Some("off") => Some("Switched off: what happens meanwhile waits."),
        Some("backfill") => Some("Begun. Its place below moves as it reads."),
        Some("paused") => Some("Paused: it reads no further until you let it."),
        Some("resumed") => Some("It goes on."),
        _ => None,
    };
    page(&state, &name, did, None, None).await
}

/// `POST /destinations/{name}/test`.
pub(super) async fn test(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    match state.app().destinations().test(&name).await {
        Ok(checked) => page(&state, &name, None, Some(checked), None).await,
        Err(error) => page(&state, &name, None, None, Some(Fault::from(&error))).await,
    }
}

/// `GET` of an address that forms are posted to: a page that was answered there asks for itself again when something changes.
pub(super) async fn back_to(Path(name): Path<String>) -> Redirect {
    Redirect::to(&format!("/destinations/{}", segment(&name)))
}

fn back(name: &str, did: &str) -> Response {
    let path = format!("/destinations/{}", segment(name));
    Redirect::to(&link(&path, &[("did", Some(did))])).into_response()
}

/// A name as a part of an address.
fn segment(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

#[derive(Deserialize)]
pub(super) struct Switch {
    on: bool,
}

/// `POST /destinations/{name}/switch`.
pub(super) async fn switch(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Form(wish): Form<Switch>,
) -> Result<Response, Problem> {
    let verbs = state.app().destinations();
    verbs.switch(&name, wish.on, &caller.by()).await?;
    Ok(back(&name, if wish.on { "on" } else { "off" }))
}

#[derive(Deserialize)]
pub(super) struct Backfill {
    #[serde(default)]
    since: String,
    #[serde(default)]
    only: String,
    /// `on` when what arrived already is meant too.
    #[serde(default)]
    replay: String,
}

impl Backfill {
    fn order(&self) -> Result<BackfillOrder, Fault> {
        let since = self.since.trim();
        let since: Option<Timestamp> = if since.is_empty() {
            None
        } else {
            let day = since.parse::<Date>().ok();
            let begin = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
            Some(begin.map(|at| at.timestamp()).ok_or_else(|| Fault {
                what: format!("{since} is no day"),
                hint: "Write it as 2026-11-23.".to_owned(),
            })?)
        };
        Ok(BackfillOrder {
            since,
            only: self
                .only
                .split([',', ' ', '\n'])
                .map(str::trim)
                .filter(|one| !one.is_empty())
                .map(str::to_owned)
                .collect(),
            replay: !self.replay.is_empty(),
        })
    }
}

/// `POST /destinations/{name}/backfill`.
pub(super) async fn backfill(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Form(form): Form<Backfill>,
) -> Result<Response, Problem> {
    let order = match form.order() {
        Ok(order) => order,
        Err(fault) => return page(&state, &name, None, None, Some(fault)).await,
    };
    let verbs = state.app().destinations();
    match verbs.backfill(&name, &order, &caller.by()).await {
        Ok(_) => Ok(back(&name, "backfill")),
        Err(error) => page(&state, &name, None, None, Some(Fault::from(&error))).await,
    }
}

#[derive(Deserialize)]
pub(super) struct Which {
    id: String,
    paused: bool,
}

/// `POST /destinations/{name}/stream`: pauses a stream, or lets it go on.
pub(super) async fn stream(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let id = given(Some(which.id)).unwrap_or_default();
    let id = id
        .parse()
        .map_err(|_| Problem::not_found(format!("there is no stream {id}")))?;
    let verbs = state.app().destinations();
    verbs.pause(id, which.paused, &caller.by()).await?;
    Ok(back(&name, if which.paused { "paused" } else { "resumed" }))
}

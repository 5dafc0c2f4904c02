//! `/v1/domain-events`: what happened, in order, as a list and as a stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use parfocal_engine::store::DomainEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::PageView;

/// How often the store is looked at for a listener.
const LOOK: Duration = Duration::from_millis(500);
/// How often a silent connection gets a comment, so that proxies leave it open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events read at once.
const PIECE: u32 = 100;

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DomainEventView {
    /// Its id.
    id: String,
    /// Its place in the order of all events, from 1.
    seq: i64,
    /// Its type, such as `transcript.ready`.
    #[serde(rename = "type")]
    kind: String,
    /// The version of its data.
    version: i64,
    /// What it is about: an id of ours.
    subject_id: String,
    /// When it happened.
    at: Timestamp,
    /// What is told of it; its form depends on type and version.
    raw: Value,
}

impl From<DomainEvent> for DomainEventView {
    fn from(event: DomainEvent) -> Self {
        Self {
            id: event.id.to_string(),
            seq: event.seq,
            kind: event.event_type,
            version: event.v,
            subject_id: event.subject_id,
            at: event.at,
            raw: event.data,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `seq` after which to begin; the `next` of the piece before.
    after: Option<String>,
}

/// `GET /v1/domain-events`: the oldest first.
pub(super) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<DomainEventView>>, Problem> {
    let page = paging::request(params.limit, params.after)?;
    let after = match page.after.as_deref() {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Problem::bad_request(
                "query",
                format!("after {text} is not the number of an event"),
            )
        })?,
    };
    let app = state.app();
    let events = app
        .store()
        .events_after(app.scope(), after, page.limit)
        .await?;
    let next = (events.len() == page.limit as usize)
        .then(|| events.last().map(|event| event.seq.to_string()))
        .flatten();
    Ok(Json(PageView {
        items: events.into_iter().map(DomainEventView::from).collect(),
        next,
    }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamParams {
    /// The `seq` after which to begin; without it, and without `Last-Event-ID`, only what happens from now on.
    after: Option<i64>,
    /// End the stream after so many events.
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u32>,
}

struct Listener {
    state: AppState,
    after: i64,
    left: Option<u32>,
    waiting: std::collections::VecDeque<DomainEvent>,
}

/// `GET /v1/domain-events/stream`: server-sent events; `id` is the `seq`, so that a browser goes on where it was.
pub(super) async fn follow(
    State(state): State<AppState>,
    Params(params): Params<StreamParams>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let after = match last.or(params.after) {
        Some(after) => after,
        None => state.app().store().last_event(state.app().scope()).await?,
    };
    let listener = Listener {
        state,
        after,
        left: params.limit,
        waiting: std::collections::VecDeque::new(),
    };
    let events = stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

impl Listener {
    /// The next event, once there is one; none when the server stops.
    async fn next(&mut self) -> Option<Event> {
        if self.left == Some(0) {
            return None;
        }
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.after = event.seq;
                self.left = self.left.map(|left| left - 1);
                let view = DomainEventView::from(event);
                let (seq, kind) = (view.seq.to_string(), view.kind.clone());
                // A view of texts and numbers always serialises.
                let data = serde_json::to_string(&view).unwrap_or_default();
                return Some(Event::default().id(seq).event(kind).data(data));
            }
            let app = self.state.app();
            match app
                .store()
                .events_after(app.scope(), self.after, PIECE)
                .await
            {
                Ok(events) if !events.is_empty() => {
                    self.waiting.extend(events);
                    continue;
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the store could not be looked at"),
            }
            tokio::select! {
                () = app.clock().sleep(LOOK) => {}
                () = self.state.pulse().stopped() => return None,
            }
        }
    }
}

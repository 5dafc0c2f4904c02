//! `/v1/domain-events`: what happened, in order, as a list and as a stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use parfocal_engine::error::Fault;
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
/// Events read at once for a list, and most that are looked through for one piece of it.
const MOST: u32 = 200;
const LOOKED: usize = 4_000;

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
    /// Only these types, with commas between: `meeting.*,transcript.ready`. `*` stands for any ending.
    #[serde(rename = "type")]
    types: Option<String>,
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
    let types = Types::read(params.types.as_deref())?;
    let app = state.app();
    let limit = page.limit as usize;
    let mut at = after;
    let mut items = Vec::new();
    // A rare type is looked for in so many events, then the next piece goes on.
    let mut looked = 0;
    loop {
        let piece = app.store().events_after(app.scope(), at, MOST).await?;
        let whole = piece.len() < MOST as usize;
        looked += piece.len();
        for event in piece {
            at = event.seq;
            if types.have(&event.event_type) {
                items.push(DomainEventView::from(event));
            }
            if items.len() == limit {
                return Ok(Json(PageView {
                    items,
                    next: Some(at.to_string()),
                }));
            }
        }
        if whole || looked >= LOOKED {
            return Ok(Json(PageView {
                items,
                next: (!whole).then(|| at.to_string()),
            }));
        }
    }
}

/// Which types of events are wanted.
#[derive(Debug, Default)]
struct Types(Vec<String>);

impl Types {
    /// Names with commas between, each in whole or its beginning with `*`; none: all.
    fn read(text: Option<&str>) -> Result<Self, Problem> {
        let mut types = Vec::new();
        for name in text.unwrap_or_default().split(',').map(str::trim) {
            if name.is_empty() {
                continue;
            }
            let body = name.strip_suffix('*').unwrap_or(name);
            let letter =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
            if !body.chars().all(letter) {
                let fault = Fault::new(
                    "type",
                    name,
                    "is not the name of a type",
                    "Write a type such as transcript.ready, or a beginning with * such as meeting.*, with commas between.",
                );
                return Err(paging::wrong("/domain-events", vec![fault]));
            }
            types.push(name.to_owned());
        }
        Ok(Self(types))
    }

    fn have(&self, name: &str) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == wanted,
            })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamParams {
    /// The `seq` after which to begin; without it, and without `Last-Event-ID`, only what happens from now on.
    after: Option<i64>,
    /// End the stream after so many events.
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u32>,
    /// Only these types, with commas between: `meeting.*,transcript.ready`. `*` stands for any ending.
    #[serde(rename = "type")]
    types: Option<String>,
}

struct Listener {
    state: AppState,
    after: i64,
    left: Option<u32>,
    types: Types,
    waiting: std::collections::VecDeque<DomainEvent>,
}

/// `GET /v1/domain-events/stream`: server-sent events; `id` is the `seq`, so that a browser goes on where it was.
pub(super) async fn follow(
    State(state): State<AppState>,
    Params(params): Params<StreamParams>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let types = Types::read(params.types.as_deref())?;
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
        types,
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
                if !self.types.have(&event.event_type) {
                    continue;
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_in_whole_or_by_their_beginning() {
        let all = Types::read(None).unwrap();
        assert!(all.have("meeting.ended"));
        let some = Types::read(Some("meeting.*, transcript.ready,")).unwrap();
        assert!(some.have("meeting.ended") && some.have("transcript.ready"));
        assert!(!some.have("transcript.failed") && !some.have("meetings"));
        for wrong in ["*.ready", "meeting.**", "Meeting", "a b"] {
            assert!(Types::read(Some(wrong)).is_err(), "{wrong}");
        }
    }
}

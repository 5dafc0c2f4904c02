//! Live pages: notices that something changed, and pages ask again for what they show.
//!
//! One task looks at the store while anybody listens, and tells all listeners at once. A notice says what kind of thing changed,
//! never what it is now: pages fetch themselves, so there is one way in which anything is shown.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use parfocal_engine::{App, EngineError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// How often the store is looked at while somebody listens.
const LOOK: Duration = Duration::from_millis(500);
/// How often a silent connection gets a comment, so that proxies leave it open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What changed so far: a counter that listeners compare.
#[derive(Debug)]
pub(crate) struct Pulse {
    beats: watch::Sender<u64>,
    stop: CancellationToken,
}

impl Pulse {
    /// A pulse that beats until `stop`.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            beats: watch::Sender::new(0),
            stop,
        }
    }

    /// Ends all streams, so that the server can stop.
    pub(crate) fn end(&self) {
        self.stop.cancel();
    }

    /// Looks at the store while anybody listens, until the server stops.
    pub(crate) async fn run(&self, app: &App) {
        let mut last = None;
        while !self.stop.is_cancelled() {
            if self.beats.receiver_count() > 0 {
                match digest(app).await {
                    Ok(now) => {
                        if last.is_some_and(|last| last != now) {
                            self.beats.send_modify(|beat| *beat += 1);
                        }
                        last = Some(now);
                    }
                    Err(error) => tracing::debug!(%error, "the store could not be looked at"),
                }
            } else {
                last = None;
            }
            tokio::select! {
                () = app.clock().sleep(LOOK) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }
}

/// Everything on which pages depend, as one number.
async fn digest(app: &App) -> Result<u64, EngineError> {
    let (store, scope) = (app.store(), app.scope());
    let mut hasher = DefaultHasher::new();
    let inbox = store.inbox_status(scope).await?;
    (inbox.events, inbox.waiting, inbox.failed).hash(&mut hasher);
    for count in store.job_counts(scope).await? {
        (count.kind, count.state.as_str(), count.count).hash(&mut hasher);
    }
    for connection in store.connections(scope).await? {
        (
            connection.id,
            connection.state.as_str(),
            connection.updated_at,
        )
            .hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// `GET /events/stream`: a `change` whenever a page may have something new to show.
pub(crate) async fn stream(
    State(state): State<AppState>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listener = state.pulse().beats.subscribe();
    let stop = state.pulse().stop.clone();
    let hello = Event::default()
        .event("hello")
        .data("")
        .retry(Duration::from_secs(2));
    let events = stream::unfold(
        (Some(hello), listener, stop),
        |(first, mut listener, stop)| async move {
            if let Some(hello) = first {
                return Some((Ok(hello), (None, listener, stop)));
            }
            tokio::select! {
                changed = listener.changed() => changed.ok()?,
                () = stop.cancelled() => return None,
            }
            let beat = *listener.borrow_and_update();
            let event = Event::default()
                .event("change")
                .id(beat.to_string())
                .data("");
            Some((Ok(event), (None, listener, stop)))
        },
    );
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

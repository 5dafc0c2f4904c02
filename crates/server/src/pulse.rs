//! Live pages: notices that something changed, and pages ask again for what they show.
//!
//! One task asks the store whether anything was written while anybody listens, and tells all listeners at once. A notice never
//! says what is there now: pages fetch themselves, so there is one way in which anything is shown.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use parfocal_engine::App;
use parfocal_engine::store::{StoreError, Watch};
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

    /// Waits until the streams have to end.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// What changes with every notice.
    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.beats.subscribe()
    }

    /// Ends all streams, so that the server can stop.
    pub(crate) fn end(&self) {
        self.stop.cancel();
    }

    /// Looks at the store while anybody listens, until the server stops.
    pub(crate) async fn run(&self, app: &App) {
        let mut watch = None;
        let mut last = None;
        while !self.stop.is_cancelled() {
            if self.beats.receiver_count() > 0 {
                match look(app, &mut watch).await {
                    Ok(now) => {
                        // The first look after somebody came is told too: something may have been written between what
                        // they were shown and this look.
                        if last != Some(now) {
                            self.beats.send_modify(|beat| *beat += 1);
                        }
                        last = Some(now);
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the store could not be looked at");
                        watch = None;
                    }
                }
            } else {
                (watch, last) = (None, None);
            }
            tokio::select! {
                () = app.clock().sleep(LOOK) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }
}

/// The store's mark of changes; what it takes to read it is kept for the next look.
async fn look(app: &App, watch: &mut Option<Watch>) -> Result<i64, StoreError> {
    let watch = match watch {
        Some(watch) => watch,
        None => watch.insert(app.store().watch().await?),
    };
    watch.mark().await
}

/// `GET /events/stream`: a `change` whenever a page may have something new to show.
pub(crate) async fn stream(
    State(state): State<AppState>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listener = state.pulse().beats.subscribe();
    let stop = state.pulse().stop.clone();
    let hello = Event::default()
        .event("hello")
        // Browsers drop an event without data.
        .data("-")
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
                .data("-");
            Some((Ok(event), (None, listener, stop)))
        },
    );
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

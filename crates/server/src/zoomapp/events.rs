//! `GET /api/zoomapp/events`: the panel hears that its meeting has something new.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;

use super::{api, cookie, view};
use crate::problem::Problem;
use crate::state::AppState;

/// How long a panel is left alone after something new, whatever else comes in.
const PAUSE: Duration = Duration::from_millis(300);
/// How often a silent connection gets a comment, so that proxies leave it open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What one panel has heard of.
struct Listener {
    state: AppState,
    cookie: String,
    beats: tokio::sync::watch::Receiver<u64>,
    last: Option<u64>,
}

/// Tells a panel when what it shows has changed. Events of other meetings are not told, nor that there were any.
pub(crate) async fn stream(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    api::required(&state, &headers).await?;
    let cookie = cookie::of(&state, &headers).unwrap_or_default().to_owned();
    let listener = Listener {
        beats: state.pulse().listen(),
        state,
        cookie,
        last: None,
    };
    let events = stream::unfold(Some(listener), |listener| async move {
        let mut listener = listener?;
        let event = listener.next().await?;
        let goes_on = event.1;
        Some((Ok::<_, Infallible>(event.0), goes_on.then_some(listener)))
    });
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response())
}

impl Listener {
    /// The next event, and whether more can come.
    async fn next(&mut self) -> Option<(Event, bool)> {
        loop {
            if self.last.is_some() {
                tokio::select! {
                    changed = self.beats.changed() => changed.ok()?,
                    () = self.state.pulse().stopped() => return None,
                }
            }
            self.beats.borrow_and_update();
            let session = match self.state.app().zoomapp().resume(&self.cookie).await {
                Ok(Some(session)) => session,
                Ok(None) => return Some((told("over"), false)),
                Err(_) => return None,
            };
            let shown = view::of(&self.state, &session, None).await.ok()?;
            let mark = shown.mark();
            match self.last.replace(mark) {
                None => return Some((told("hello").retry(Duration::from_secs(2)), true)),
                Some(last) if last != mark => {
                    self.state.app().clock().sleep(PAUSE).await;
                    return Some((told("change"), true));
                }
                Some(_) => {}
            }
        }
    }
}

/// Browsers drop an event without data.
fn told(event: &str) -> Event {
    Event::default().event(event).data("-")
}

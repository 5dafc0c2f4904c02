//! Reads: several of the same at once are one call to Zoom, and a page that has an answer already is told so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use parfocal_engine::zoom::Streamed;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::dress;
use crate::problem::Problem;

/// Largest answer that is shared and has an `ETag`, in bytes; larger ones are handed on as they arrive.
const MOST_SHARED: usize = 512 * 1024;

/// Reads that are under way, by who asks for what.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<String, Flight>>);

type Flight = Arc<OnceCell<Landed>>;

/// How a shared read ended.
#[derive(Debug, Clone)]
enum Landed {
    Whole(Arc<Whole>),
    Refused(Problem),
    /// Too large to share: everybody asks for themselves.
    Large,
}

/// An answer that was read whole.
#[derive(Debug)]
pub(super) struct Whole {
    status: StatusCode,
    tracking_id: Option<String>,
    pub(super) body: Bytes,
    pub(super) etag: String,
}

/// The answer to a read.
pub(super) enum Read {
    /// All of it.
    Whole(Arc<Whole>),
    /// Its beginning, and what is still to come.
    Arriving(Bytes, Box<Streamed>),
}

/// Takes a flight off the list once nobody else is on it, however its last passenger leaves.
struct Leaving<'f> {
    flights: &'f Flights,
    key: &'f str,
    flight: Flight,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut open = self.flights.lock();
        let last = Arc::strong_count(&self.flight) <= 2 || self.flight.initialized();
        if last
            && open
                .get(self.key)
                .is_some_and(|known| Arc::ptr_eq(known, &self.flight))
        {
            open.remove(self.key);
        }
    }
}

impl Flights {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads something, together with whoever asks for the same meanwhile. An asker who goes away leaves the call to the next.
    pub(super) async fn fly<F, Fut>(&self, key: String, send: F) -> Result<Read, Problem>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Streamed, Problem>>,
    {
        let flight = self.lock().entry(key.clone()).or_default().clone();
        let leaving = Leaving {
            flights: self,
            key: &key,
            flight,
        };
        let mut mine = None;
        let landed = leaving
            .flight
            .get_or_init(|| async {
                match send().await {
                    Ok(streamed) => match gather(streamed).await {
                        Ok(Read::Whole(whole)) => Landed::Whole(whole),
                        Ok(large) => {
                            mine = Some(large);
                            Landed::Large
                        }
                        Err(problem) => Landed::Refused(problem),
                    },
                    Err(problem) => Landed::Refused(problem),
                }
            })
            .await
            .clone();
        drop(leaving);
        match (landed, mine) {
            (Landed::Whole(whole), _) => Ok(Read::Whole(whole)),
            (Landed::Refused(problem), _) => Err(problem),
            (Landed::Large, Some(read)) => Ok(read),
            (Landed::Large, None) => gather(send().await?).await,
        }
    }
}

async fn gather(mut streamed: Streamed) -> Result<Read, Problem> {
    let mut body = BytesMut::new();
    loop {
        match streamed.chunk().await {
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) => break,
            Err(error) => return Err(super::answer::broken_off(&error)),
        }
        if body.len() > MOST_SHARED {
            return Ok(Read::Arriving(body.freeze(), Box::new(streamed)));
        }
    }
    let body = body.freeze();
    let digest = Sha256::digest(&body);
    let etag = digest
        .iter()
        .take(16)
        .fold(String::from("\""), |mut text, byte| {
            use std::fmt::Write as _;
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
        + "\"";
    Ok(Read::Whole(Arc::new(Whole {
        status: streamed
            .status()
            .as_u16()
            .try_into()
            .unwrap_or(StatusCode::BAD_GATEWAY),
        tracking_id: streamed.tracking_id().map(str::to_owned),
        body,
        etag,
    })))
}

impl Read {
    /// The answer for a page; without its body when the page has it already.
    pub(super) fn into_response(self, asked: Option<&HeaderValue>) -> Response {
        match self {
            Self::Whole(whole) => whole.to_response(asked),
            Self::Arriving(first, rest) => {
                let status = rest.status().as_u16();
                let mut response = super::streaming(*rest);
                let (parts, body) = response.into_parts();
                let head = futures_util::stream::once(async { Ok::<_, axum::Error>(first) });
                let all = futures_util::StreamExt::chain(head, body.into_data_stream());
                response = Response::from_parts(parts, Body::from_stream(all));
                *response.status_mut() =
                    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                response
            }
        }
    }
}

impl Whole {
    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    fn to_response(&self, asked: Option<&HeaderValue>) -> Response {
        let known = asked
            .and_then(|value| value.to_str().ok())
            .is_some_and(|list| {
                list.split(',')
                    .map(|tag| tag.trim().trim_start_matches("W/"))
                    .any(|tag| tag == self.etag || tag == "*")
            });
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            (self.status, self.body.clone()).into_response()
        };
        let headers = response.headers_mut();
        dress(headers, self.tracking_id.as_deref());
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        // A browser may keep it for itself, and has to ask each time.
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        );
        response
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    /// One call that waits until everybody is aboard.
    #[tokio::test]
    async fn the_same_read_at_once_is_one_call() {
        let flights = Flights::default();
        let (calls, go) = (AtomicU32::new(0), Notify::new());
        let one = || {
            flights.fly("a".to_owned(), || async {
                calls.fetch_add(1, Ordering::SeqCst);
                go.notified().await;
                Ok(Streamed::of(StatusCode::OK, "{}"))
            })
        };
        let release = async {
            loop {
                let aboard = flights.lock().get("a").map_or(0, Arc::strong_count);
                // The list's own, and one for each.
                if aboard == 4 {
                    break go.notify_one();
                }
                tokio::task::yield_now().await;
            }
        };
        let (a, b, c, ()) = tokio::join!(one(), one(), one(), release);
        for read in [a, b, c] {
            let Ok(Read::Whole(whole)) = read else {
                panic!("not whole")
            };
            assert_eq!((whole.status(), &*whole.body), (200, &b"{}"[..]));
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert!(flights.lock().is_empty());
        go.notify_one();
        assert!(one().await.is_ok());
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn whoever_goes_away_leaves_the_call_to_the_next() {
        let flights = Flights::default();
        let first = flights.fly("a".to_owned(), || async {
            std::future::pending::<()>().await;
            Ok(Streamed::of(StatusCode::OK, "never"))
        });
        let mut first = Box::pin(first);
        assert!(futures_util::poll!(&mut first).is_pending());
        let second = flights.fly("a".to_owned(), || async {
            Ok(Streamed::of(StatusCode::OK, "there"))
        });
        let mut second = Box::pin(second);
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        let Ok(Read::Whole(whole)) = second.await else {
            panic!("not whole")
        };
        assert_eq!(&*whole.body, b"there");
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn what_is_too_large_is_handed_on_and_asked_for_by_each() {
        let flights = Flights::default();
        let large = vec![b' '; MOST_SHARED + 1];
        let read = flights
            .fly("a".to_owned(), || async {
                Ok(Streamed::of(StatusCode::OK, large.clone()))
            })
            .await;
        assert!(matches!(read, Ok(Read::Arriving(..))));
        assert!(flights.lock().is_empty());
    }
}

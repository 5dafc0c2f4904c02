//! A web server that answers what a test tells it to, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use futures_util::stream;
use parfocal_zoom::clock::{Clock as _, SystemClock};

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path as it stood on the wire, still encoded.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn form(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    pub(crate) fn param(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// A running fake; stops with the test's runtime.
pub(crate) struct Fake {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    /// Starts a server; `answer` gets the request and its number, from zero.
    pub(crate) async fn start(
        answer: impl Fn(&Seen, usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::slow(Duration::ZERO, answer).await
    }

    /// The same, with a pause before each answer.
    pub(crate) async fn slow(
        pause: Duration,
        answer: impl Fn(&Seen, usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        let router = Router::new().fallback(move |request: Request| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
                let request = Seen {
                    method: parts.method.to_string(),
                    path: parts.uri.path().to_owned(),
                    query: parts.uri.query().unwrap_or_default().to_owned(),
                    headers: parts.headers,
                    body: String::from_utf8_lossy(&body).into_owned(),
                };
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.len() - 1
                };
                let clock = SystemClock::new();
                clock.sleep_until(pause).await;
                answer(&request, number)
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

pub(crate) fn json(status: u16, body: &str) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-zm-trackingid", "WEB_track_1")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

pub(crate) fn with_header(mut response: Response, name: &'static str, value: &str) -> Response {
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}

pub(crate) fn bytes(content_type: &str, body: impl Into<Bytes>) -> Response {
    Response::builder()
        .header("content-type", content_type)
        .body(Body::from(body.into()))
        .unwrap()
}

/// An answer that promises `promised` bytes and breaks off after `body`.
pub(crate) fn broken(
    status: u16,
    content_type: &str,
    promised: usize,
    body: impl Into<Bytes>,
) -> Response {
    let pieces = stream::unfold((Some(body.into()), false), |(body, ended)| async move {
        match (body, ended) {
            (Some(body), _) => Some((Ok(body), (None, false))),
            (None, false) => {
                // The first piece has to be on the wire before the connection breaks.
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                Some((Err(std::io::Error::other("cut")), (None, true)))
            }
            (None, true) => None,
        }
    });
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("content-length", promised)
        .body(Body::from_stream(pieces))
        .unwrap()
}

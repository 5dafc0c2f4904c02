//! A receiver of webhooks that answers as it is told and remembers what came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

/// One message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) status: u16,
}

impl Got {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

#[derive(Debug, Default)]
struct Script {
    next: VecDeque<(u16, Option<(&'static str, String)>)>,
    always: Option<u16>,
    refused: Option<i64>,
    got: Vec<Got>,
}

#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    script: Arc<Mutex<Script>>,
    pub(crate) url: String,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { script, url }
    }

    /// Answers the next messages so.
    pub(crate) fn then(&self, status: u16, header: Option<(&'static str, &str)>) {
        let header = header.map(|(name, value)| (name, value.to_owned()));
        self.script.lock().unwrap().next.push_back((status, header));
    }

    /// Refuses the message whose data has this `n`; none: takes it again.
    pub(crate) fn refuse(&self, n: Option<i64>) {
        self.script.lock().unwrap().refused = n;
    }

    /// Answers all others so.
    pub(crate) fn always(&self, status: u16) {
        self.script.lock().unwrap().always = Some(status);
    }

    /// Everything that came, and forgets it.
    pub(crate) fn take(&self) -> Vec<Got> {
        std::mem::take(&mut self.script.lock().unwrap().got)
    }
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    let mut script = script.lock().unwrap();
    let refused = script.refused.is_some() && body["data"]["n"].as_i64() == script.refused;
    let (status, header) = if refused {
        (422, None)
    } else {
        let always = (script.always.unwrap_or(204), None);
        script.next.pop_front().unwrap_or(always)
    };
    script.got.push(Got {
        headers,
        text,
        status,
    });
    let mut answer = (StatusCode::from_u16(status).unwrap(), "as told").into_response();
    if let Some((name, value)) = header {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}

//! Which part answers: REST, OAuth, files, control, pages; and the faults that lie in between.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};

use super::call::Call;
use super::inspector;
use super::reply::{Content, Refusal, Reply};
use super::state::{Shared, Site};
use crate::brevo;
use crate::calendars;
use crate::control;
use crate::faults::{FaultKind, FaultSpec};
use crate::oauth;
use crate::rest::{self, downloads};
use crate::zoomapp;

/// A request in its surroundings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ctx<'a> {
    /// The simulator.
    pub(crate) shared: &'a Shared,
    /// The account as it is.
    pub(crate) site: &'a Arc<Site>,
    /// The request.
    pub(crate) call: &'a Call,
    /// When it arrived.
    pub(crate) now: Timestamp,
}

impl Ctx<'_> {
    /// A fault of one of these kinds that hits this request.
    pub(crate) fn strike(&self, kinds: &[FaultKind]) -> Option<FaultSpec> {
        let mut faults = self.site.faults();
        if faults.is_quiet() {
            return None;
        }
        let path = &self.call.raw_path;
        // A storage address counts as the download address that led to it.
        let origin =
            path.strip_prefix("/rec/storage/")
                .map(|rest| match rest.strip_prefix("transcript/") {
                    Some(key) => format!("/rec/meeting/transcript/download/{key}"),
                    None => format!("/rec/{rest}"),
                });
        let grant = (faults.minds_grants() && path == "/oauth/token")
            .then(|| self.grant_type())
            .flatten();
        let (method, grant) = (self.call.method.as_str(), grant.as_deref());
        faults
            .strike(kinds, method, path, grant)
            .or_else(|| faults.strike(kinds, method, &origin?, grant))
    }

    /// The `grant_type` of a token request.
    fn grant_type(&self) -> Option<String> {
        let named = |pairs: &[(String, String)]| {
            pairs
                .iter()
                .find(|(name, _)| name == "grant_type")
                .map(|(_, value)| value.clone())
        };
        named(&self.call.form()).or_else(|| named(&self.call.query))
    }

    /// Whether the request was meant for one of Zoom's hosts and came through the proxy.
    fn for_zoom_host(&self) -> bool {
        self.call.header("host").is_some_and(|host| {
            let name = host.split(':').next().unwrap_or(host);
            name == "zoom.us" || name.ends_with(".zoom.us")
        })
    }

    /// Where REST answers, as this caller should be told (`api_url`).
    pub(crate) fn api_base(&self) -> String {
        let ordered = self.site.grants().knobs().api_url.clone();
        ordered.unwrap_or_else(|| {
            if self.for_zoom_host() {
                "https://api.zoom.us".to_owned()
            } else {
                self.shared.base_url.clone()
            }
        })
    }

    /// Waits as long as a fault says.
    async fn hold_up(&self, fault: &FaultSpec) {
        let delay = i64::try_from(fault.delay_ms.unwrap_or(3000)).unwrap_or(i64::MAX);
        self.shared
            .clock
            .sleep(SignedDuration::from_millis(delay))
            .await;
    }

    /// Addresses in a text, moved to Zoom's hosts for callers behind the proxy.
    fn relocate(&self, reply: &mut Reply) {
        if !self.for_zoom_host() {
            return;
        }
        let move_text = |text: &str| text.replace(&self.shared.base_url, "https://us05web.zoom.us");
        if let Content::Bytes(bytes) = &reply.body
            && let Ok(text) = std::str::from_utf8(bytes)
            && text.contains(&self.shared.base_url)
        {
            reply.body = Content::Bytes(Bytes::from(move_text(text)));
        }
        for (name, value) in &mut reply.headers {
            if name == "location"
                && let Ok(text) = value.to_str()
                && let Ok(moved) = move_text(text).parse()
            {
                *value = moved;
            }
        }
    }
}

/// Answers a request.
pub(crate) async fn answer(shared: &Arc<Shared>, call: &Call) -> Reply {
    let site = shared.site();
    let ctx = Ctx {
        shared,
        site: &site,
        call,
        now: shared.clock.now(),
    };
    let first = call
        .raw_path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or("");
    if first == "_sim" {
        return control::answer(ctx).await;
    }
    if first == "v2" {
        rest::count(ctx);
    }
    let mut reply = match upset(ctx).await {
        Some(reply) => reply,
        None => match first {
            "v2" => rest::answer(ctx).await,
            "oauth" | "oauth_device" => oauth::answer(ctx),
            "rec" => downloads::answer(ctx),
            "brevo" => brevo::answer(ctx),
            "google" => calendars::google::answer(ctx),
            "graph" => calendars::graph::answer(ctx).await,
            "zoomapp" => zoomapp::answer(ctx),
            _ => inspector::answer(ctx),
        },
    };
    ctx.relocate(&mut reply);
    // Redirects and empty answers have nothing to cut.
    if reply.has_body()
        && let Some(fault) = ctx.strike(&[FaultKind::Cut])
    {
        reply = cut(reply, fault.after_bytes);
    }
    if let Some(fault) = ctx.strike(&[FaultKind::LateAnswer]) {
        ctx.hold_up(&fault).await;
    }
    if ctx.strike(&[FaultKind::Lost]).is_some() {
        reply = lost(reply);
    }
    // The simulated clock is Zoom's: whoever compares clocks must not see this machine's.
    let date = ctx.now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    reply
        .with("x-zm-trackingid", &shared.tracking_id())
        .with("date", &date)
}

/// Faults that answer instead of the part asked for, or hold it up.
async fn upset(ctx: Ctx<'_>) -> Option<Reply> {
    if let Some(fault) = ctx.strike(&[FaultKind::Slow]) {
        ctx.hold_up(&fault).await;
    }
    let fault = ctx.strike(&[
        FaultKind::RateLimit,
        FaultKind::ServerError,
        FaultKind::Answer,
    ])?;
    let elsewhere = |name: &str| ctx.call.raw_path.starts_with(name);
    let mut reply = if fault.kind == FaultKind::RateLimit && elsewhere("/google/") {
        calendars::google::too_many(fault.status.unwrap_or(429))
    } else if fault.kind == FaultKind::RateLimit && elsewhere("/brevo/") {
        brevo::too_many(fault.status.unwrap_or(429))
    } else if fault.kind == FaultKind::RateLimit && elsewhere("/graph/") {
        calendars::graph::too_many(fault.status.unwrap_or(429))
    } else if fault.kind == FaultKind::RateLimit {
        Reply::from(Refusal::new(
            fault.status.unwrap_or(429),
            429,
            "You have reached the maximum per-second rate limit for this API. Try again later.",
        ))
    } else if fault.kind == FaultKind::Answer {
        let status = StatusCode::from_u16(fault.status.unwrap_or(400));
        let status = status.unwrap_or(StatusCode::BAD_REQUEST);
        // An answer that repeats what was sent, as some of Zoom's do.
        let secret = ctx.call.basic().map(|(_, secret)| secret);
        let said = |text: &str| text.replace("{client_secret}", secret.as_deref().unwrap_or(""));
        match &fault.body {
            Some(serde_json::Value::String(text)) => Reply::html(status, said(text)),
            Some(value) => serde_json::from_str::<serde_json::Value>(&said(&value.to_string()))
                .map_or_else(
                    |_| Reply::json(status, value),
                    |value| Reply::json(status, &value),
                ),
            None => Reply::empty(status),
        }
    } else {
        let status = StatusCode::from_u16(fault.status.unwrap_or(500))
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Reply::html(
            status,
            format!(
                "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
            ),
        )
    };
    if let Some(retry_after) = &fault.retry_after {
        reply = reply.with("retry-after", retry_after);
    }
    Some(reply)
}

/// The same answer, broken off after so many bytes (half of it by default) while its length was promised.
fn cut(reply: Reply, after: Option<u64>) -> Reply {
    let Reply {
        status,
        headers,
        body,
    } = reply;
    let (stream, length) = match body {
        Content::Bytes(bytes) => {
            let length = u64::try_from(bytes.len()).unwrap_or(0);
            let keep = usize::try_from(after.unwrap_or(length / 2).min(length)).unwrap_or(0);
            let part = bytes.slice(..keep);
            let stream = futures_util::stream::once(async move { Ok(part) }).chain(end());
            (Body::from_stream(stream), Some(length))
        }
        Content::Stream(body, length) => {
            let left = after.unwrap_or(length.unwrap_or(1024) / 2);
            let stream = body.into_data_stream().scan(left, |left, chunk| {
                std::future::ready((*left > 0).then(|| {
                    let chunk = chunk.map_err(std::io::Error::other)?;
                    let size = u64::try_from(chunk.len()).unwrap_or(u64::MAX).min(*left);
                    *left -= size;
                    Ok(chunk.slice(..usize::try_from(size).unwrap_or(0)))
                }))
            });
            (Body::from_stream(stream.chain(end())), length)
        }
    };
    Reply {
        status,
        headers,
        body: Content::Stream(stream, length),
    }
}

/// No answer at all: the body breaks before anything of the head was written out.
fn lost(reply: Reply) -> Reply {
    let gone = futures_util::stream::once(async move {
        Err::<Bytes, _>(std::io::Error::new(
            std::io::ErrorKind::ConnectionReset,
            "lost by order",
        ))
    });
    Reply {
        // A 204 has no body that could break, and would arrive.
        status: StatusCode::OK,
        body: Content::Stream(Body::from_stream(gone), Some(1)),
        ..reply
    }
}

/// The break itself, after what came before has been sent.
fn end() -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send {
    futures_util::stream::once(async move {
        // The connection writes out head and pieces only when the body makes it wait.
        tokio::task::yield_now().await;
        Err(std::io::Error::new(
            std::io::ErrorKind::ConnectionReset,
            "cut by order",
        ))
    })
}

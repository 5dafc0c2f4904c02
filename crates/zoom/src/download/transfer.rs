//! One download, attempt by attempt.

use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use http::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE,
};
use http::{HeaderMap, HeaderName, StatusCode};
use secrecy::ExposeSecret as _;
use url::Url;

use super::content::HEAD;
use super::part::{self, Notes, Part};
use super::{Download, DownloadAuth, Downloaded, Progress, hosts};
use crate::auth::AccessToken;
use crate::backoff::Backoff;
use crate::client::{Client, tracking_id};
use crate::error::{Error, ErrorKind, Result};
use crate::limit::RetryAfter;
use crate::transport;

const OPERATION: &str = "download";
const MOST_REDIRECTS: usize = 5;

struct Transfer<'a> {
    client: &'a Client,
    download: &'a Download,
    url: Url,
    started: Duration,
    resumed_from: Option<u64>,
    content_type: Option<String>,
}

pub(super) async fn fetch(
    client: &Client,
    download: &Download,
    target: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Downloaded> {
    let clock = &client.shared.clock;
    let mut transfer = Transfer {
        client,
        download,
        url: address(client, download)?,
        started: clock.monotonic(),
        resumed_from: None,
        content_type: None,
    };
    let mut part = Part::open(target, part::source(&transfer.url), download.resume).await?;
    let backoff = Backoff {
        attempts: download.attempts,
        total: download.deadline,
        ..client.shared.backoff
    };
    let mut token = transfer.token().await?;
    let mut renewed = false;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let error = match transfer.attempt(&mut part, token.as_ref(), progress).await {
            Ok(()) => {
                let bytes = part.len;
                let sha256 = part.finish(target).await?;
                tracing::debug!(bytes, attempts, "a file was downloaded");
                return Ok(Downloaded {
                    path: target.to_owned(),
                    bytes,
                    sha256,
                    content_type: transfer.content_type,
                    resumed_from: transfer.resumed_from,
                    attempts,
                });
            }
            Err(error) => error,
        };
        let elapsed = clock.monotonic().saturating_sub(transfer.started);
        let error = error
            .with_operation(OPERATION)
            .with_effort(attempts, elapsed);
        match error.kind() {
            // Part of it may be kept for the next attempt; of these nothing is worth keeping.
            ErrorKind::NotTheFile
            | ErrorKind::SizeMismatch
            | ErrorKind::TooLarge
            | ErrorKind::Io => {
                part.discard().await;
            }
            _ => {
                // The first error is the one to report.
                let _ = part.flush().await;
            }
        }
        // A bad token is answered with 401 or, just as often, with a sign-in page and 200.
        if let Some(refused) = &token
            && !renewed
            && matches!(
                error.kind(),
                ErrorKind::Unauthorized | ErrorKind::NotTheFile
            )
        {
            renewed = true;
            attempts -= 1;
            token = match client.shared.tokens.renew(refused).await {
                Ok(token) => Some(token),
                Err(_) => return Err(error),
            };
            continue;
        }
        let again = matches!(
            error.kind(),
            ErrorKind::Network | ErrorKind::Server | ErrorKind::Truncated | ErrorKind::RateLimited
        );
        let delay = backoff.delay(attempts, error.retry_after(), &*client.shared.random);
        if !again || attempts >= backoff.attempts || elapsed + delay > backoff.total {
            return Err(error);
        }
        tracing::debug!(attempts, ?delay, have = part.len, error = %error, "a download is tried again");
        clock.sleep_until(clock.monotonic() + delay).await;
    }
}

/// The address with passcode and, where asked for, the token in its query.
fn address(client: &Client, download: &Download) -> Result<Url> {
    let mut url = Url::parse(download.url.expose()).map_err(|_| {
        Error::new(
            ErrorKind::InvalidRequest,
            "the download address is not a URL",
        )
    })?;
    hosts::check_first(&url, &client.shared.download_hosts, local(client))?;
    if let Some(passcode) = &download.passcode {
        url.query_pairs_mut().append_pair("pwd", passcode.expose());
    }
    if let DownloadAuth::Query(token) = &download.auth {
        url.query_pairs_mut()
            .append_pair("access_token", token.expose_secret());
    }
    Ok(url)
}

/// Whether downloads from this machine are in order: only when the client talks to this machine anyway.
fn local(client: &Client) -> bool {
    match &client.shared.api {
        Some(api) => transport::is_loopback(api),
        None => transport::is_loopback(client.shared.tokens.oauth().base()),
    }
}

impl Transfer<'_> {
    async fn token(&self) -> Result<Option<AccessToken>> {
        match self.download.auth {
            DownloadAuth::Client => self.client.shared.tokens.access().await.map(Some),
            _ => Ok(None),
        }
    }

    async fn attempt(
        &mut self,
        part: &mut Part,
        token: Option<&AccessToken>,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<()> {
        if part.len > 0 && part.notes.total == Some(part.len) {
            return self.complete(part);
        }
        let from = part.len;
        let response = self.send(part, token).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let content_type = text(&headers, &CONTENT_TYPE);
        match status {
            StatusCode::PARTIAL_CONTENT if from > 0 && self.goes_on(&headers, from, part) => {
                part.go_on().await?;
                self.resumed_from = Some(from);
            }
            StatusCode::OK => {
                self.content_type.clone_from(&content_type);
                self.resumed_from = None;
            }
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                part.discard().await;
                return Err(Error::new(
                    ErrorKind::Truncated,
                    "the server cannot go on with the download",
                )
                .with_answer(status.as_u16(), None));
            }
            _ => return Err(self.refusal(&response)),
        }
        let fresh = status == StatusCode::OK;
        let whole = response
            .content_length()
            .map(|length| if fresh { length } else { from + length });
        if let Some(whole) = whole.filter(|whole| *whole > self.download.max_bytes) {
            return Err(self.too_large(whole));
        }
        self.receive(response, part, fresh, content_type, whole, progress)
            .await?;
        if let Some(whole) = whole
            && part.len < whole
        {
            return Err(truncated(part.len, Some(whole)));
        }
        part.flush().await?;
        self.complete(part)
    }

    async fn receive(
        &self,
        mut response: reqwest::Response,
        part: &mut Part,
        fresh: bool,
        content_type: Option<String>,
        whole: Option<u64>,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<()> {
        let headers = response.headers();
        let notes = Notes {
            source: part.notes.source.clone(),
            etag: text(headers, &ETAG),
            last_modified: text(headers, &LAST_MODIFIED),
            total: whole,
        };
        let total = whole.or(self.download.size);
        let mut head = fresh.then(BytesMut::new);
        let clock = &self.client.shared.clock;
        loop {
            let chunk = response.chunk().await.map_err(|error| {
                let error = Error::from_transport(error);
                let message = format!("the download broke off: {}", error.message());
                error.with_kind(ErrorKind::Truncated).with_message(message)
            })?;
            if clock.monotonic().saturating_sub(self.started) > self.download.deadline {
                return Err(Error::new(
                    ErrorKind::Deadline,
                    "the download took too long",
                ));
            }
            let ended = chunk.is_none();
            let mut bytes = chunk.unwrap_or_default();
            // Nothing is written before it is known to be the file.
            if let Some(beginning) = &mut head {
                beginning.extend_from_slice(&bytes);
                if beginning.len() < HEAD && !ended {
                    continue;
                }
                self.download
                    .expect
                    .check(content_type.as_deref(), beginning)?;
                if beginning.is_empty() && self.download.size.is_some_and(|size| size > 0) {
                    return Err(truncated(0, self.download.size));
                }
                bytes = head.take().unwrap_or_default().freeze();
                part.restart(notes.clone()).await?;
            }
            if part.len + bytes.len() as u64 > self.download.max_bytes {
                return Err(self.too_large(part.len + bytes.len() as u64));
            }
            part.write(&bytes).await?;
            progress(Progress {
                received: part.len,
                total,
            });
            if ended {
                return Ok(());
            }
        }
    }

    /// Checks the size that Zoom named.
    fn complete(&self, part: &Part) -> Result<()> {
        match self.download.size {
            Some(size) if part.notes.total.is_none() && part.len < size => {
                Err(truncated(part.len, Some(size)))
            }
            Some(size) if part.len != size => Err(Error::new(
                ErrorKind::SizeMismatch,
                format!(
                    "the file has {} bytes, but Zoom's list says {size}",
                    part.len
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Sends the request and follows redirects, showing the token to the first server only.
    async fn send(&self, part: &Part, token: Option<&AccessToken>) -> Result<reqwest::Response> {
        let shared = &self.client.shared;
        let mut url = self.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            hosts::check_redirect(&url, &shared.download_hosts, local(self.client))?;
            let mut request = shared
                .transport
                .files(&url)
                .get(url.clone())
                .header(ACCEPT_ENCODING, "identity");
            if hosts::same_origin(&self.url, &url) {
                request = match (&self.download.auth, token) {
                    (DownloadAuth::Client, Some(token)) => {
                        request.bearer_auth(token.secret().expose_secret())
                    }
                    (DownloadAuth::Bearer(token), _) => request.bearer_auth(token.expose_secret()),
                    _ => request,
                };
            }
            if part.len > 0 {
                request = request.header(RANGE, format!("bytes={}-", part.len));
                if let Some(validator) = part.notes.validator() {
                    request = request.header(IF_RANGE, validator);
                }
            }
            let response = request.send().await.map_err(Error::from_transport)?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED
            {
                return Ok(response);
            }
            let target = text(response.headers(), &LOCATION)
                .and_then(|location| url.join(&location).ok())
                .ok_or_else(|| {
                    Error::new(ErrorKind::HostRefused, "the server redirects to nowhere")
                })?;
            if url.scheme() == "https" && target.scheme() != "https" {
                return Err(Error::new(
                    ErrorKind::HostRefused,
                    "the server redirects to an unencrypted address",
                ));
            }
            url = target;
        }
        Err(Error::new(
            ErrorKind::HostRefused,
            "the server redirects too often",
        ))
    }

    /// Whether a 206 goes on with the file we have a part of.
    fn goes_on(&self, headers: &HeaderMap, from: u64, part: &Part) -> bool {
        let Some((first, total)) =
            text(headers, &CONTENT_RANGE).and_then(|range| content_range(&range))
        else {
            return false;
        };
        let same_total = match (total, part.notes.total) {
            (Some(now), Some(then)) => now == then,
            _ => part.notes.validator().is_some(),
        };
        let same_tag = match (&part.notes.etag, text(headers, &ETAG)) {
            (Some(then), Some(now)) => *then == now,
            _ => true,
        };
        let fits = match (total, self.download.size) {
            (Some(total), Some(size)) => total == size,
            _ => true,
        };
        first == from && same_total && same_tag && fits
    }

    fn refusal(&self, response: &reqwest::Response) -> Error {
        let status = response.status();
        let tracking = tracking_id(response.headers());
        let after = text(response.headers(), &http::header::RETRY_AFTER)
            .and_then(|value| RetryAfter::parse(&value))
            .map(|retry| retry.delay(self.client.shared.clock.now()));
        let (kind, message) = match status.as_u16() {
            401 => (ErrorKind::Unauthorized, "the token was refused"),
            403 => (
                ErrorKind::Forbidden,
                "the download is not allowed (settings of the recording, or the token)",
            ),
            404 | 410 => (ErrorKind::NotFound, "the file is not there"),
            429 => (ErrorKind::RateLimited, "the server asks to slow down"),
            500.. => (ErrorKind::Server, "the server failed"),
            _ => (ErrorKind::NotTheFile, "the server answered something else"),
        };
        Error::new(kind, message)
            .with_answer(status.as_u16(), None)
            .with_tracking_id(tracking)
            .with_retry_after(after)
    }

    fn too_large(&self, bytes: u64) -> Error {
        let most = self.download.max_bytes;
        Error::new(
            ErrorKind::TooLarge,
            format!("the file has at least {bytes} bytes; {most} are allowed"),
        )
    }
}

fn truncated(have: u64, whole: Option<u64>) -> Error {
    let of = whole
        .map(|whole| format!(" of {whole}"))
        .unwrap_or_default();
    Error::new(
        ErrorKind::Truncated,
        format!("the download ended after {have}{of} bytes"),
    )
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.trim().to_owned())
}

/// `bytes 100-199/200` → (100, Some(200)).
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _last) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

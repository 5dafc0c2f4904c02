//! Limiter → token → send → classify → renew or retry.

use std::time::Duration;

use http::StatusCode;
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;

use super::classify::{self, Refused};
use super::{Call, Response, Streamed, tracking_id};
use crate::auth::AccessToken;
use crate::endpoint::Repeat;
use crate::error::{Error, ErrorKind, Result};
use crate::limit::{self, BudgetRequest, LimitError, Permit, RateHeaders, Settlement};
use crate::transport;

struct Failed {
    error: Error,
    renew: Option<AccessToken>,
}

/// What a success is handed on as.
enum Got {
    Whole(Response),
    Arriving(Streamed),
}

/// Largest answer that is looked into before it is handed on: refusals that come as a success are short.
const LOOKED_INTO: usize = 2_000;

pub(super) async fn run(call: &Call) -> Result<Response> {
    match drive(call, false).await? {
        Got::Whole(response) => Ok(response),
        // Only asked for by `stream`.
        Got::Arriving(_) => Err(Error::new(ErrorKind::Decode, "the answer was not read")),
    }
}

pub(super) async fn stream(call: &Call) -> Result<Streamed> {
    Ok(match drive(call, true).await? {
        Got::Whole(response) => Streamed::whole(response),
        Got::Arriving(streamed) => streamed,
    })
}

async fn drive(call: &Call, streaming: bool) -> Result<Got> {
    call.check()?;
    let shared = &call.client.shared;
    let clock = &shared.clock;
    let started = clock.monotonic();
    let mut spent = Duration::ZERO;
    let mut attempts = 0_u32;
    let mut renewed = false;
    loop {
        let permit = acquire(call)
            .await
            .map_err(|error| finish(call, error, attempts, started))?;
        let token = match shared.tokens.access().await {
            Ok(token) => token,
            Err(error) => {
                permit.settle(Settlement::Unused).await;
                return Err(finish(call, error, attempts, started));
            }
        };
        attempts += 1;
        let sent = clock.monotonic();
        let failed = match attempt(call, token, permit, attempts, streaming).await {
            Ok(response) => return Ok(response),
            Err(failed) => failed,
        };
        // An attempt counts for its part of the total at most: it is bounded by the transport's timeout anyway, and a
        // clock that jumps meanwhile must not end the patience.
        let part = shared.backoff.total / shared.backoff.attempts.max(1);
        spent += clock.monotonic().saturating_sub(sent).min(part);
        if let Some(refused) = failed.renew
            && !renewed
        {
            renewed = true;
            tracing::debug!(
                operation = call.operation(),
                "the access token was refused; it is renewed once"
            );
            shared
                .tokens
                .renew(&refused)
                .await
                .map_err(|error| finish(call, error, attempts, started))?;
            continue;
        }
        let error = failed.error;
        let Some(delay) = pause(call, &error, attempts, spent) else {
            return Err(finish(call, give_up(call, error), attempts, started));
        };
        tracing::debug!(operation = call.operation(), attempts, ?delay, error = %error, "the call is repeated");
        spent += delay;
        clock.sleep_until(clock.monotonic() + delay).await;
    }
}

async fn acquire(call: &Call) -> Result<Permit> {
    let shared = &call.client.shared;
    let request = BudgetRequest {
        account: shared.account.clone(),
        label: call.label,
        priority: call.client.options.priority,
        quotas: call.quotas.clone(),
        max_wait: call.client.options.patience,
    };
    shared.budget.acquire(&request).await.map_err(|error| {
        let message = error.to_string();
        let wrapped = match &error {
            LimitError::Daily { until, .. } => {
                Error::new(ErrorKind::DailyLimit, message).with_retry_at(Some(*until))
            }
            LimitError::Quota { until, .. } => {
                Error::new(ErrorKind::Quota, message).with_retry_at(Some(*until))
            }
            LimitError::Patience { retry_after, .. } => {
                Error::new(ErrorKind::RateLimited, message).with_retry_after(*retry_after)
            }
            LimitError::Broken(_) => Error::new(ErrorKind::Store, message),
        };
        wrapped.with_source(error)
    })
}

async fn attempt(
    call: &Call,
    token: AccessToken,
    permit: Permit,
    attempt: u32,
    streaming: bool,
) -> Result<Got, Failed> {
    let shared = &call.client.shared;
    let plain = |error| Failed { error, renew: None };
    let url = match transport::join(&call.client.base(&token), &call.path) {
        Ok(url) => url,
        Err(error) => {
            permit.settle(Settlement::Unused).await;
            return Err(plain(error));
        }
    };
    let mut request = shared
        .transport
        .calls(&url)
        .request(call.method.clone(), url)
        .header(http::header::ACCEPT, "application/json")
        .bearer_auth(token.secret().expose_secret());
    if !call.query.is_empty() {
        request = request.query(&call.query);
    }
    if let Some(body) = &call.body {
        request = request
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body.clone());
    }
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            let error = Error::from_transport(error);
            permit
                .settle(if error.may_have_been_received() {
                    Settlement::Unanswered
                } else {
                    Settlement::Unused
                })
                .await;
            return Err(plain(error));
        }
    };
    let status = response.status();
    let headers = RateHeaders::read(response.headers());
    let tracking = tracking_id(response.headers());
    // The slot is free one window after this moment; only a refusal has to be read first, since its text tells why.
    let permit = if status == StatusCode::TOO_MANY_REQUESTS {
        Some(permit)
    } else {
        permit.settle(answered(status, headers.clone(), None)).await;
        None
    };
    let body = if streaming && status.is_success() {
        let length = response.content_length();
        match transport::opening(response, LOOKED_INTO).await {
            Ok((whole, None)) => Ok(whole),
            Ok((first, Some(rest))) => {
                let streamed = Streamed::arriving(tracking, length, first, rest);
                return Ok(Got::Arriving(streamed));
            }
            Err(error) => Err(error),
        }
    } else {
        transport::bounded_body(response, shared.max_body).await
    };
    tracing::debug!(
        operation = call.operation(),
        status = status.as_u16(),
        attempt,
        tracking_id = tracking.as_deref(),
        "answer from Zoom"
    );
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            if let Some(permit) = permit {
                permit
                    .settle(answered(status, headers, Some(limit::Refusal::PerSecond)))
                    .await;
            }
            // A refused call had no effect, even if its answer broke off.
            let received = status.is_success() || status.is_server_error();
            return Err(plain(
                error.with_received(received).with_tracking_id(tracking),
            ));
        }
    };
    if status.is_success() && !classify::is_refusal_in_disguise(&body) {
        return Ok(Got::Whole(Response::new(status, tracking, body)));
    }
    let Refused {
        error,
        limit,
        renew,
    } = classify::classify(status, &body, &headers, call.endpoint, shared.clock.now());
    if let Some(permit) = permit {
        permit.settle(answered(status, headers, limit)).await;
    }
    let error = error.with_tracking_id(tracking);
    Err(Failed {
        error,
        renew: renew.then_some(token),
    })
}

fn answered(
    status: StatusCode,
    headers: RateHeaders,
    refusal: Option<limit::Refusal>,
) -> Settlement {
    Settlement::Answered(limit::Answer {
        status: status.as_u16(),
        headers,
        refusal,
    })
}

/// How long to wait before the next attempt; `None`: there is none.
fn pause(call: &Call, error: &Error, attempts: u32, spent: Duration) -> Option<Duration> {
    let shared = &call.client.shared;
    let backoff = &shared.backoff;
    if attempts >= backoff.attempts {
        return None;
    }
    let delay = match error.kind() {
        ErrorKind::RateLimited => backoff.delay(attempts, error.retry_after(), &*shared.random),
        ErrorKind::DailyLimit | ErrorKind::Quota => {
            let left = error.retry_at()?.duration_since(shared.clock.now());
            let left = Duration::try_from(left.max(SignedDuration::ZERO)).ok()?;
            // Parked work waits as long as the limiter may let it wait, not longer.
            return (left <= call.client.options.patience)
                .then(|| left + shared.random.up_to(Duration::from_secs(1)));
        }
        ErrorKind::Server | ErrorKind::Network
            if call.repeat == Repeat::Safe || !error.may_have_been_received() =>
        {
            backoff.delay(attempts, error.retry_after(), &*shared.random)
        }
        _ => return None,
    };
    (spent.saturating_add(delay) <= backoff.total).then_some(delay)
}

/// The error of a call that is not tried again.
fn give_up(call: &Call, error: Error) -> Error {
    let lost = matches!(
        error.kind(),
        ErrorKind::Server | ErrorKind::Network | ErrorKind::TooLarge
    ) && error.may_have_been_received()
        && call.repeat == Repeat::Never;
    if lost {
        let message = format!("it is not known whether it happened: {}", error.message());
        return error
            .with_kind(ErrorKind::OutcomeUnknown)
            .with_message(message);
    }
    error
}

fn finish(call: &Call, error: Error, attempts: u32, started: Duration) -> Error {
    let elapsed = call.client.shared.clock.monotonic().saturating_sub(started);
    let error = error
        .with_operation(call.operation())
        .with_effort(attempts, elapsed);
    tracing::debug!(error = %error, kind = ?error.kind(), "the call failed");
    error
}

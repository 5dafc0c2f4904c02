//! Failures as RFC 9457 problems: the only place that knows which status code a failure has.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use parfocal_engine::Kind;
use parfocal_engine::error::Fault;
use schemars::JsonSchema;
use serde::Serialize;

/// A failure, as the caller sees it.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone, Serialize)]
struct Inner {
    /// A stable address for the kind of problem.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "status_number")]
    status: StatusCode,
    /// A stable code for programs.
    code: String,
    /// What happened, to which thing.
    detail: String,
    /// What to do now.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The id of the request, as in the log and in `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// What Zoom said, if Zoom refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    zoom: Option<ZoomRefusal>,
    /// What exactly is wrong with the input, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// A word and a sentence for front ends that were written against a plain proxy.
    #[serde(flatten)]
    plain: Option<Plain>,
    #[serde(skip)]
    retry_after: Option<HeaderValue>,
}

/// What front ends in Zoom's client look for in a refusal.
#[derive(Debug, Clone, Serialize)]
struct Plain {
    error: &'static str,
    message: String,
    /// The scopes of which one is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
}

/// A failure as the API's description shows it; the members of [`Problem`].
#[derive(JsonSchema)]
#[schemars(rename = "Problem")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ProblemShape {
    /// A stable address for the kind of problem.
    #[schemars(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// A stable code for programs.
    code: String,
    /// What happened, to which thing.
    detail: String,
    /// What to do now.
    hint: Option<String>,
    /// The id of the request, as in the log and in `x-request-id`.
    request_id: Option<String>,
    /// What Zoom said, if Zoom refused.
    zoom: Option<ZoomRefusal>,
    /// What exactly is wrong with the input, field by field.
    errors: Option<Vec<Fault>>,
}

/// What Zoom said when it refused.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ZoomRefusal {
    /// Zoom's HTTP status.
    pub status: Option<u16>,
    /// Zoom's error code.
    pub code: Option<i64>,
    /// Zoom's words.
    pub message: String,
    /// The id by which Zoom's support finds the call.
    pub tracking_id: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn status_number<S: serde::Serializer>(
    status: &StatusCode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with a stable code and a sentence that names the thing it happened to.
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        let code = code.into();
        Self(Box::new(Inner {
            kind: format!("urn:parfocal:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            code,
            detail: detail.into(),
            hint: None,
            request_id: None,
            zoom: None,
            errors: Vec::new(),
            plain: None,
            retry_after: None,
        }))
    }

    /// A thing that does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", what)
    }

    /// A request that cannot be understood.
    pub fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Adds what to do now.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds when to come back, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(HeaderValue::from(seconds));
        self
    }

    /// Adds when to come back, as an instant.
    #[must_use]
    pub fn retry_at(mut self, at: Timestamp) -> Self {
        let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        self.0.retry_after = HeaderValue::from_str(&date).ok();
        self
    }

    /// Adds what exactly is wrong with the input.
    #[must_use]
    pub fn errors(mut self, faults: Vec<Fault>) -> Self {
        self.0.errors = faults;
        self
    }

    /// Adds a word and a sentence for front ends in Zoom's client; the sentence is what the person should do.
    #[must_use]
    pub(crate) fn plainly(mut self, error: &'static str, scopes: &[String]) -> Self {
        let message = self.0.hint.clone().unwrap_or_else(|| self.0.detail.clone());
        self.0.plain = Some(Plain {
            error,
            message,
            scopes: scopes.to_vec(),
        });
        self
    }

    /// Adds the id of the request.
    #[must_use]
    pub fn for_request(mut self, id: &str) -> Self {
        self.0.request_id = Some(id.to_owned());
        self
    }

    /// Adds what Zoom said.
    #[must_use]
    pub fn zoom(mut self, refusal: ZoomRefusal) -> Self {
        self.0.zoom = Some(refusal);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// When to come back, as the header says it.
    pub(crate) fn retry_after_text(&self) -> Option<&str> {
        self.0.retry_after.as_ref()?.to_str().ok()
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// What happened.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What to do now.
    pub fn advice(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The problem as `application/problem+json`.
    pub fn to_json_response(&self) -> Response {
        // A structure of texts and numbers always serialises.
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(when) = &self.0.retry_after {
            headers.insert(header::RETRY_AFTER, when.clone());
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"parfocal\""),
            );
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Leaves the problem in the response's extensions; the outermost layer adds the request id and writes the body.
    fn into_response(self) -> Response {
        let mut response = self.to_json_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The HTTP status of a kind of failure.
pub fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Conflict | Kind::NeedsAttention => StatusCode::CONFLICT,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Limited => StatusCode::TOO_MANY_REQUESTS,
        // What Zoom refused cannot be done either; a gateway's fault (5xx) would ask for the same again.
        Kind::Mismatch | Kind::Zoom => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<parfocal_engine::EngineError> for Problem {
    fn from(error: parfocal_engine::EngineError) -> Self {
        let status = status_of(error.kind());
        if status.is_server_error() {
            tracing::warn!(code = error.code().as_str(), error = %error, "a request failed");
        }
        // What happened inside stays in the log; callers get the code, its title and the mend.
        let detail = if error.kind() == Kind::Internal {
            error.code().title()
        } else {
            error.message()
        };
        let mut problem = Self::new(status, error.code().as_str(), detail).hint(error.hint());
        if let Some(zoom) = error.zoom() {
            problem = problem.zoom(ZoomRefusal {
                status: zoom.status,
                code: zoom.code,
                message: zoom.message.clone(),
                tracking_id: zoom.tracking_id.clone(),
            });
        }
        problem = problem.errors(error.faults().to_vec());
        match error.retry_at() {
            Some(at) => problem.retry_at(at),
            None if status == StatusCode::SERVICE_UNAVAILABLE => problem.retry_after(5),
            None => problem,
        }
    }
}

impl From<parfocal_engine::store::StoreError> for Problem {
    fn from(error: parfocal_engine::store::StoreError) -> Self {
        parfocal_engine::EngineError::from(error).into()
    }
}

//! Answers: JSON, empty, HTML, and Zoom's errors.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use serde_json::{Value, json};

/// An answer before the tracking id and the rate headers are put on.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Body.
    pub body: Content,
}

/// The body of an answer.
#[derive(Debug)]
pub enum Content {
    /// All of it at once.
    Bytes(Bytes),
    /// Streamed, with its length if known.
    Stream(Body, Option<u64>),
}

impl Reply {
    /// An empty answer.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Content::Bytes(Bytes::new()),
        }
    }

    /// Zoom's 204.
    pub fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// JSON under a status.
    pub fn json(status: StatusCode, value: &Value) -> Self {
        Self {
            status,
            headers: vec![(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json;charset=UTF-8"),
            )],
            body: Content::Bytes(Bytes::from(value.to_string())),
        }
    }

    /// 200 with JSON.
    pub fn ok(value: &Value) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// 201 with JSON.
    pub fn created(value: &Value) -> Self {
        Self::json(StatusCode::CREATED, value)
    }

    /// An HTML page.
    pub fn html(status: StatusCode, page: String) -> Self {
        Self {
            status,
            headers: vec![
                (
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/html;charset=UTF-8"),
                ),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (
                    header::CONTENT_SECURITY_POLICY,
                    HeaderValue::from_static(
                        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
                    ),
                ),
                (
                    header::X_CONTENT_TYPE_OPTIONS,
                    HeaderValue::from_static("nosniff"),
                ),
                (
                    header::REFERRER_POLICY,
                    HeaderValue::from_static("no-referrer"),
                ),
            ],
            body: Content::Bytes(Bytes::from(page)),
        }
    }

    /// A 302 to another address.
    pub fn redirect(location: &str) -> Self {
        Self::empty(StatusCode::FOUND).with("location", location)
    }

    /// Puts a header on; values that are no header values are left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// Whether there is anything in the body.
    pub fn has_body(&self) -> bool {
        match &self.body {
            Content::Bytes(bytes) => !bytes.is_empty(),
            Content::Stream(..) => true,
        }
    }

    /// The answer for axum.
    pub fn into_response(self) -> Response<Body> {
        let (body, length) = match self.body {
            Content::Bytes(bytes) => {
                let length = u64::try_from(bytes.len()).unwrap_or(0);
                (Body::from(bytes), Some(length))
            }
            Content::Stream(body, length) => (body, length),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        if let Some(length) = length
            && self.status != StatusCode::NO_CONTENT
        {
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }
}

/// A refusal in Zoom's words: HTTP status, `code`, `message`, and `errors[]` for validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Zoom's code.
    pub code: i64,
    /// Zoom's message.
    pub message: String,
    /// Field and message of a validation error.
    pub errors: Vec<(String, String)>,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: u16, code: i64, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            errors: Vec::new(),
        }
    }

    /// 400 code 300 `Validation Failed.` with the fields at fault.
    pub fn validation(errors: Vec<(String, String)>) -> Self {
        Self {
            errors,
            ..Self::new(400, 300, "Validation Failed.")
        }
    }

    /// Validation of one field.
    pub fn field(field: &str, message: &str) -> Self {
        Self::validation(vec![(field.to_owned(), message.to_owned())])
    }

    /// The body.
    pub fn body(&self) -> Value {
        let mut body = json!({ "code": self.code, "message": self.message });
        if !self.errors.is_empty() {
            body["errors"] = self
                .errors
                .iter()
                .map(|(field, message)| json!({ "field": field, "message": message }))
                .collect();
        }
        body
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::json(status, &refusal.body())
    }
}

/// What a handler gives back.
pub type Answer = Result<Reply, Refusal>;

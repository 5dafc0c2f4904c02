//! Answers.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// A successful answer.
#[derive(Clone)]
pub struct Response {
    status: StatusCode,
    tracking_id: Option<String>,
    body: Bytes,
}

impl Response {
    pub(super) fn new(status: StatusCode, tracking_id: Option<String>, body: Bytes) -> Self {
        Self {
            status,
            tracking_id,
            body,
        }
    }

    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Zoom's tracking id.
    #[must_use]
    pub fn tracking_id(&self) -> Option<&str> {
        self.tracking_id.as_deref()
    }

    /// The body as received; empty for 204.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Reads the body as JSON; an empty body reads as `null`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] with the path to the field that does not fit; never with its contents.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let body: &[u8] = if self.body.is_empty() {
            b"null"
        } else {
            &self.body
        };
        let mut reader = serde_json::Deserializer::from_slice(body);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let (path, inner) = (error.path().to_string(), error.inner());
            let place = format!("line {} column {}", inner.line(), inner.column());
            self.decode(&format!("the answer does not fit at {path} ({place})"))
        })
    }

    fn decode(&self, message: &str) -> Error {
        Error::new(ErrorKind::Decode, message)
            .with_answer(self.status.as_u16(), None)
            .with_tracking_id(self.tracking_id.clone())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A successful answer whose body arrives piece by piece; see [`super::Call::stream`].
pub struct Streamed {
    status: StatusCode,
    tracking_id: Option<String>,
    length: Option<u64>,
    first: Option<Bytes>,
    rest: Option<reqwest::Response>,
}

impl Streamed {
    pub(super) fn whole(response: Response) -> Self {
        Self {
            status: response.status,
            tracking_id: response.tracking_id,
            length: u64::try_from(response.body.len()).ok(),
            first: Some(response.body).filter(|body| !body.is_empty()),
            rest: None,
        }
    }

    /// An answer that is there already, for tests and for doubles of Zoom.
    #[must_use]
    pub fn of(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::whole(Response::new(status, None, body.into()))
    }

    pub(super) fn arriving(
        tracking_id: Option<String>,
        length: Option<u64>,
        first: Bytes,
        rest: reqwest::Response,
    ) -> Self {
        Self {
            status: rest.status(),
            tracking_id,
            length,
            first: Some(first),
            rest: Some(rest),
        }
    }

    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Zoom's tracking id.
    #[must_use]
    pub fn tracking_id(&self) -> Option<&str> {
        self.tracking_id.as_deref()
    }

    /// Bytes of the body, when Zoom has said how many there are.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Network`] when it breaks off; what was read before stands.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match &mut self.rest {
            Some(rest) => Ok(rest
                .chunk()
                .await
                .map_err(|error| Error::from_transport(error).with_received(true))?),
            None => Ok(None),
        }
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed")
            .field("status", &self.status)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// A typed view of an object, with the JSON it was read from; behaves like the typed view.
#[derive(Clone, PartialEq)]
pub struct Reply<T> {
    /// The typed view.
    pub value: T,
    /// The object as Zoom sent it.
    pub raw: Value,
}

impl<T: DeserializeOwned> Reply<T> {
    /// Reads an object, keeping it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when it is no object of this type at all; single fields that do not fit count as missing.
    pub fn from_value(raw: Value) -> Result<Self> {
        let value = serde_path_to_error::deserialize(&raw).map_err(|error| {
            Error::new(
                ErrorKind::Decode,
                format!("the answer does not fit at {}", error.path()),
            )
        })?;
        Ok(Self { value, raw })
    }

    pub(super) fn from_response(response: &Response) -> Result<Self> {
        Self::from_value(response.json()?)
            .map_err(|error| error.with_answer(response.status.as_u16(), None))
    }
}

impl<T> Reply<T> {
    /// The typed view alone.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Reply<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The raw JSON holds join addresses and passcodes.
        self.value.fmt(f)
    }
}

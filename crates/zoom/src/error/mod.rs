//! One error for everything this crate does, with questions instead of variants to match.
//!
//! [`Error`] is one word wide. It never holds a token, a secret or a URL with a query: what goes into it is Zoom's own
//! answer (code, message, tracking id), the endpoint's template, and how often and how long it was tried.

mod advice;
pub(crate) mod refusals;
mod scopes;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use advice::Advice;
pub use scopes::MissingScopes;

use crate::id::MeetingNumber;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was; decides what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client was set up wrongly (addresses, credentials missing, unsafe scheme).
    Configuration,
    /// The request was refused here, before anything was sent.
    InvalidRequest,
    /// Zoom refused the contents of the request (code 300 and its relatives).
    Validation,
    /// Zoom does not know the path (code 2300).
    UnknownPath,
    /// The thing asked for does not exist, or no longer.
    NotFound,
    /// The meeting or the user has no recording (code 3301).
    NoRecording,
    /// The meeting has no durable transcript (code 3322).
    NoTranscript,
    /// Older than Zoom keeps it (code 12702).
    BeyondHorizon,
    /// The access token was refused, also after it was renewed.
    Unauthorized,
    /// The token lacks a scope; see [`Error::missing_scopes`].
    MissingScope,
    /// The account's plan, or a licence, does not include it (code 200).
    Plan,
    /// A permission, role or setting forbids it.
    Forbidden,
    /// It collides with the present state.
    Conflict,
    /// The per-second limit was hit more often than patience allowed.
    RateLimited,
    /// The account's daily budget is used up; see [`Error::retry_at`].
    DailyLimit,
    /// The daily quota of one host or registrant is used up; see [`Error::retry_at`].
    Quota,
    /// The grant is dead: the user has to connect again.
    GrantDead,
    /// There is no grant to act with.
    NotConnected,
    /// The app's own credentials or registration are at fault; grants stay valid.
    ClientRejected,
    /// Zoom failed (5xx).
    Server,
    /// The request did not get through, or its answer did not get back.
    Network,
    /// The deadline passed.
    Deadline,
    /// The request may have had an effect, but its answer was lost: it was not repeated.
    OutcomeUnknown,
    /// A lost creation could not be told from others: a person has to decide; see [`Error::candidates`].
    NeedsPerson,
    /// The answer was not what Zoom's reference says.
    Decode,
    /// More bytes than allowed.
    TooLarge,
    /// The page token expired or was refused: start the window again.
    PageTokenExpired,
    /// The pages of a list do not end: a token or a page was repeated, or there were too many.
    EndlessPages,
    /// What was downloaded is not the file (an error page, a sign-in page, another type).
    NotTheFile,
    /// The download ended before all bytes had arrived.
    Truncated,
    /// The downloaded size differs from the size Zoom named.
    SizeMismatch,
    /// A host that is not on the list, or an unsafe scheme.
    HostRefused,
    /// A local file could not be read or written.
    Io,
    /// The token store failed.
    Store,
}

/// A field that Zoom refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field, such as `settings.auto_recording`.
    pub field: String,
    /// Zoom's words.
    pub message: String,
}

/// A meeting that may be the one that a lost creation made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Number of the meeting.
    pub number: MeetingNumber,
    /// Topic of the meeting.
    pub topic: Option<String>,
    /// When it is planned.
    pub start_time: Option<Timestamp>,
    /// When Zoom created it.
    pub created_at: Option<Timestamp>,
}

/// A failure, with what is needed to act on it.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    operation: Option<String>,
    status: Option<u16>,
    code: Option<i64>,
    tracking_id: Option<String>,
    missing_scopes: Option<MissingScopes>,
    fields: Vec<FieldError>,
    candidates: Vec<Candidate>,
    retry_after: Option<Duration>,
    retry_at: Option<Timestamp>,
    attempts: u32,
    elapsed: Duration,
    received: bool,
    refusal: Option<crate::auth::Refusal>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A new error; `message` says what happened, without secrets.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                operation: None,
                status: None,
                code: None,
                tracking_id: None,
                missing_scopes: None,
                fields: Vec::new(),
                candidates: Vec::new(),
                retry_after: None,
                retry_at: None,
                attempts: 0,
                elapsed: Duration::ZERO,
                received: false,
                refusal: None,
                source: None,
            }),
        }
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What happened, in one sentence; Zoom's own words where there are any.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The operation, such as `GET /users/{userId}/meetings`.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.inner.operation.as_deref()
    }

    /// The HTTP status, when there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.inner.status
    }

    /// Zoom's error code; it is independent of the status.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        self.inner.code
    }

    /// Why the token endpoint refused, as far as its words tell.
    #[must_use]
    pub fn refusal(&self) -> Option<crate::auth::Refusal> {
        self.inner.refusal
    }

    /// Zoom's tracking id (`x-zm-trackingid`), to give to Zoom's support.
    #[must_use]
    pub fn tracking_id(&self) -> Option<&str> {
        self.inner.tracking_id.as_deref()
    }

    /// The scopes that would help, for [`ErrorKind::MissingScope`].
    #[must_use]
    pub fn missing_scopes(&self) -> Option<&MissingScopes> {
        self.inner.missing_scopes.as_ref()
    }

    /// The fields that Zoom refused, for [`ErrorKind::Validation`].
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.inner.fields
    }

    /// The meetings to choose from, for [`ErrorKind::NeedsPerson`]; empty when none was found.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.inner.candidates
    }

    /// How often it was tried.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }

    /// How long it was tried, waiting included.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.inner.elapsed
    }

    /// How long to wait before another attempt, when that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// When another attempt makes sense, for limits that reset at a known time.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.inner.retry_at
    }

    /// Whether the same call may succeed later without anybody changing anything.
    ///
    /// False for [`ErrorKind::OutcomeUnknown`]: repeating blindly could do the thing twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::RateLimited
                | ErrorKind::DailyLimit
                | ErrorKind::Quota
                | ErrorKind::Server
                | ErrorKind::Network
                | ErrorKind::Deadline
                | ErrorKind::PageTokenExpired
                | ErrorKind::Truncated
                | ErrorKind::Store
        )
    }

    /// Whether the thing is not there (any of the "does not exist" kinds).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::NotFound | ErrorKind::NoRecording | ErrorKind::NoTranscript
        )
    }

    /// Whether the connection needs its owner before anything else can work.
    #[must_use]
    pub fn needs_reconnect(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::GrantDead | ErrorKind::NotConnected | ErrorKind::Unauthorized
        )
    }

    /// What to do now.
    #[must_use]
    pub fn advice(&self) -> Advice {
        advice::advise(self)
    }

    /// What to do now, in a sentence: that of Zoom's code where it is known, else the advice.
    #[must_use]
    pub fn mend(&self) -> String {
        refusals::mend(self.kind(), self.status(), self.code())
            .map_or_else(|| self.advice().to_string(), str::to_owned)
    }

    /// Whether the request may have reached Zoom.
    pub(crate) fn may_have_been_received(&self) -> bool {
        self.inner.received
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.inner.message = message.into();
        self
    }

    pub(crate) fn with_operation(mut self, operation: impl Into<String>) -> Self {
        self.inner.operation = Some(operation.into());
        self
    }

    pub(crate) fn with_answer(mut self, status: u16, code: Option<i64>) -> Self {
        self.inner.status = Some(status);
        self.inner.code = code;
        self.inner.received = true;
        self
    }

    pub(crate) fn with_refusal(mut self, refusal: Option<crate::auth::Refusal>) -> Self {
        self.inner.refusal = refusal;
        self
    }

    pub(crate) fn with_tracking_id(mut self, id: Option<String>) -> Self {
        self.inner.tracking_id = id;
        self
    }

    pub(crate) fn with_scopes(mut self, scopes: MissingScopes) -> Self {
        self.inner.missing_scopes = Some(scopes);
        self
    }

    pub(crate) fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.inner.fields = fields;
        self
    }

    pub(crate) fn with_candidates(mut self, candidates: Vec<Candidate>) -> Self {
        self.inner.candidates = candidates;
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.inner.retry_after = after;
        self
    }

    pub(crate) fn with_retry_at(mut self, at: Option<Timestamp>) -> Self {
        self.inner.retry_at = at;
        self
    }

    pub(crate) fn with_effort(mut self, attempts: u32, elapsed: Duration) -> Self {
        self.inner.attempts = attempts;
        self.inner.elapsed = elapsed;
        self
    }

    pub(crate) fn with_received(mut self, received: bool) -> Self {
        self.inner.received = received;
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// A failed exchange over the network. Of the address only scheme, host and port are told: path and query may hold
    /// tokens.
    pub(crate) fn from_transport(error: reqwest::Error) -> Self {
        let place = error
            .url()
            .map(|url| format!(" ({})", url.origin().ascii_serialization()))
            .unwrap_or_default();
        let error = error.without_url();
        let system = system_error(&error)
            .map(|said| format!(": {said}"))
            .unwrap_or_default();
        // A failure to connect or to resolve is the only one that surely comes before the request was sent.
        let received = !(error.is_connect() || error.is_builder());
        let message = if error.is_timeout() {
            "no answer in time"
        } else if error.is_connect() {
            "the connection could not be made"
        } else if error.is_body() || error.is_decode() {
            "the answer broke off"
        } else {
            "the request failed on the way"
        };
        Self::new(ErrorKind::Network, format!("{message}{place}{system}"))
            .with_received(received)
            .with_source(error)
    }

    pub(crate) fn io(what: &str, error: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("{what}: {error}")).with_source(error)
    }
}

/// What the system said, at the bottom of a failed exchange.
fn system_error(error: &reqwest::Error) -> Option<String> {
    let mut source = std::error::Error::source(error);
    let mut said = None;
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            said = Some(io.to_string());
        }
        source = inner.source();
    }
    said
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.inner;
        if let Some(operation) = &inner.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&inner.message)?;
        let mut details: Vec<String> = Vec::new();
        if let Some(status) = inner.status {
            details.push(format!("HTTP {status}"));
        }
        if let Some(code) = inner.code {
            details.push(format!("code {code}"));
        }
        if let Some(id) = &inner.tracking_id {
            details.push(format!("tracking id {id}"));
        }
        if inner.attempts > 1 {
            details.push(format!(
                "{} attempts in {:.1} s",
                inner.attempts,
                inner.elapsed.as_secs_f64()
            ));
        }
        if !details.is_empty() {
            write!(f, " ({})", details.join(", "))?;
        }
        for field in &inner.fields {
            write!(f, "; {}: {}", field.field, field.message)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.to_string())
            .field(
                "source",
                &self.inner.source.as_ref().map(ToString::to_string),
            )
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner
            .source
            .as_ref()
            .map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

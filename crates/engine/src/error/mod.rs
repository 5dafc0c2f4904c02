//! The application's one error type: a stable code, what happened, and what to do.
//!
//! It never holds a secret: messages come from our own text, from Zoom's answers, and from the store.

mod codes;
mod fault;

use std::fmt;

use jiff::Timestamp;
use parfocal_store as store;
use parfocal_zoom as zoom;
use serde::Serialize;

pub use codes::{Code, Kind};
pub use fault::Fault;

/// Result with this crate's [`EngineError`].
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// Zoom's own words about a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ZoomAnswer {
    /// The request as method and path template, without ids.
    pub operation: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Zoom's error code.
    pub code: Option<i64>,
    /// Zoom's message.
    pub message: String,
    /// Zoom's tracking id, to give to its support.
    pub tracking_id: Option<String>,
    /// Scopes that would help; any one of them is enough.
    pub missing_scopes: Vec<String>,
}

/// A failure of the application.
pub struct EngineError(Box<Inner>);

struct Inner {
    code: Code,
    message: String,
    hint: Option<String>,
    zoom: Option<ZoomAnswer>,
    retry_at: Option<Timestamp>,
    faults: Vec<Fault>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl EngineError {
    /// A failure with its message; the hint is the code's own.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            hint: None,
            zoom: None,
            retry_at: None,
            faults: Vec::new(),
            source: None,
        }))
    }

    /// Something that is not there: `what` as in "meeting", `which` as it was asked for.
    pub fn not_found(what: &str, which: impl fmt::Display) -> Self {
        let error = Self::new(Code::NotFound, format!("there is no {what} {which}"));
        match what {
            "meeting" => error.with_hint(
                "`parfocal meetings list` shows which there are; our id, Zoom's instance UUID and the meeting number are all understood.",
            ),
            "file" => error.with_hint("`parfocal meetings get MEETING` shows its files."),
            "job" => error.with_hint("`parfocal jobs list` shows which there are."),
            "event" => error.with_hint("`parfocal events list` shows which there are."),
            "backfill" => error.with_hint("`parfocal backfill status` shows which there are."),
            _ => error,
        }
    }

    /// An argument that cannot be used.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidInput, message)
    }

    /// An input with these faults; its message and hint tell the first.
    pub fn faulty(what: &str, faults: Vec<Fault>) -> Self {
        let (first, mend) = faults.first().map_or_else(
            || (String::new(), None),
            |fault| (fault.to_string(), Some(fault.mend.clone())),
        );
        let more = match faults.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let mut error = Self::new(Code::InvalidInput, format!("{what}: {first}{more}"));
        error.0.hint = mend;
        error.0.faults = faults;
        error
    }

    /// Replaces the code's general advice with advice for this case.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says when another try makes sense.
    #[must_use]
    pub fn with_retry_at(mut self, at: Option<Timestamp>) -> Self {
        self.0.retry_at = at;
        self
    }

    /// The same failure under a code that says more.
    #[must_use]
    pub fn recoded(mut self, code: Code) -> Self {
        self.0.code = code;
        self
    }

    /// Keeps what led to it.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same failure under another code and with other words: Zoom's answer and what led to it stay, the advice is
    /// the code's own.
    #[must_use]
    pub(crate) fn retold(mut self, code: Code, message: impl Into<String>) -> Self {
        self.0.code = code;
        self.0.message = message.into();
        self.0.hint = None;
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        self.0.code.kind()
    }

    /// What happened, and to what.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        self.0.hint.as_deref().unwrap_or_else(|| self.0.code.mend())
    }

    /// Zoom's own words, when Zoom refused.
    pub fn zoom(&self) -> Option<&ZoomAnswer> {
        self.0.zoom.as_ref()
    }

    /// What exactly is wrong with the input, field by field.
    pub fn faults(&self) -> &[Fault] {
        &self.0.faults
    }

    /// When another try makes sense, when that is known.
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.0.retry_at
    }

    /// Whether the same may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        self.kind() == Kind::Unavailable
    }

    /// Whether another transaction stood in the way: the same writes may succeed at once.
    pub(crate) fn is_lock_conflict(&self) -> bool {
        self.0
            .source
            .as_ref()
            .and_then(|source| source.downcast_ref::<store::StoreError>())
            .is_some_and(|error| error.kind() == store::ErrorKind::Locked)
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineError")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("zoom", &self.0.zoom)
            .field("source", &self.0.source.as_ref().map(ToString::to_string))
            .finish_non_exhaustive()
    }
}

impl std::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

impl From<store::StoreError> for EngineError {
    fn from(error: store::StoreError) -> Self {
        use store::ErrorKind as K;
        let code = match error.kind() {
            K::Locked | K::Unreachable | K::Overloaded => Code::StoreUnavailable,
            K::DiskFull => Code::StorageFull,
            K::Corrupt | K::Data => Code::StoreCorrupt,
            K::SchemaTooNew => Code::SchemaNewer,
            K::LeaseLost => Code::LeaseLost,
            K::Closed => Code::ShuttingDown,
            K::Invalid => Code::InvalidInput,
            K::Constraint => Code::Conflict,
            _ => Code::Internal,
        };
        let advice = error.advice();
        let built = Self::new(code, error.to_string());
        let built = if advice.is_empty() {
            built
        } else {
            built.with_hint(advice)
        };
        built.with_source(error)
    }
}

impl From<zoom::Error> for EngineError {
    fn from(error: zoom::Error) -> Self {
        use zoom::ErrorKind as K;
        let code = match error.kind() {
            K::Configuration => Code::ConfigInvalid,
            K::InvalidRequest => Code::InvalidInput,
            K::NotFound | K::NoRecording | K::NoTranscript | K::BeyondHorizon => Code::ZoomNotFound,
            K::MissingScope => Code::MissingScope,
            K::Plan => Code::PlanRefused,
            K::RateLimited | K::DailyLimit | K::Quota => Code::RateLimited,
            K::GrantDead | K::Unauthorized => Code::GrantDead,
            K::NotConnected => Code::ConnectionNeedsAttention,
            K::ClientRejected => Code::CredentialsRefused,
            K::Server | K::Network | K::Deadline | K::PageTokenExpired | K::EndlessPages => {
                Code::ZoomUnreachable
            }
            K::OutcomeUnknown | K::NeedsPerson => Code::OutcomeUnknown,
            K::NotTheFile | K::SizeMismatch | K::TooLarge | K::HostRefused => {
                Code::DownloadUnexpected
            }
            K::Truncated => Code::DownloadIncomplete,
            K::Io => Code::FileFailed,
            K::Store => vault_trouble(&error).unwrap_or(Code::StoreUnavailable),
            _ => Code::ZoomRefused,
        };
        let answer = ZoomAnswer {
            operation: error.operation().map(str::to_owned),
            status: error.status(),
            code: error.code(),
            message: error.message().to_owned(),
            tracking_id: error.tracking_id().map(str::to_owned),
            missing_scopes: error
                .missing_scopes()
                .map(|scopes| scopes.scopes().to_vec())
                .unwrap_or_default(),
        };
        let mut built = Self::new(code, error.to_string())
            .with_hint(error.mend())
            .with_retry_at(error.retry_at());
        built.0.zoom = Some(answer);
        built.with_source(error)
    }
}

/// What a failing token store has to say of the vault: trouble that does not pass by itself.
fn vault_trouble(error: &zoom::Error) -> Option<Code> {
    use std::error::Error as _;
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<EngineError>()
            && matches!(inner.code(), Code::VaultKey | Code::VaultForged)
        {
            return Some(inner.code());
        }
        source = inner.source();
    }
    None
}

impl From<crate::vault::KeyError> for EngineError {
    fn from(error: crate::vault::KeyError) -> Self {
        use crate::vault::KeyError as K;
        let code = match &error {
            K::Malformed => Code::ConfigInvalid,
            K::File { .. } | K::FileMalformed { .. } => Code::VaultFile,
            K::UnknownKey { .. } => Code::VaultKey,
            K::Forged => Code::VaultForged,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}

impl From<crate::clock::ClockFileError> for EngineError {
    fn from(error: crate::clock::ClockFileError) -> Self {
        Self::new(Code::ClockFile, error.to_string()).with_source(error)
    }
}

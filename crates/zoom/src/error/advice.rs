//! What a person or a program should do about an error.

use std::fmt;

use jiff::Timestamp;

use super::{Error, ErrorKind};

/// The next step after a failure; `Display` says it in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Add one of these scopes to the app, then connect again (existing tokens do not gain scopes).
    AddScope(Vec<String>),
    /// The owner of the connection has to authorise the app again.
    Reconnect,
    /// The app's credentials or addresses in the configuration are wrong.
    FixConfiguration,
    /// The request itself is wrong.
    FixRequest,
    /// The plan, a licence or an add-on is needed.
    ChangePlan,
    /// An administrator has to change a role or setting.
    AskAdministrator,
    /// Repeat after a pause.
    Retry,
    /// Repeat at this time.
    RetryAt(Timestamp),
    /// Ask for the list again from its beginning.
    RestartWindow,
    /// It is not there; stop asking.
    StopAsking,
    /// It may appear later (Zoom is still processing).
    LookLater,
    /// Look what happened before doing it again.
    CheckOutcome,
    /// A person has to choose.
    Decide,
    /// Fetch the recording's details again and download from the address they give.
    RefreshDownload,
    /// Check disk and permissions.
    CheckDisk,
    /// Report it, with the tracking id.
    Report,
}

pub(super) fn advise(error: &Error) -> Advice {
    match error.kind() {
        ErrorKind::MissingScope => Advice::AddScope(
            error
                .missing_scopes()
                .map(|m| m.scopes().to_vec())
                .unwrap_or_default(),
        ),
        ErrorKind::GrantDead | ErrorKind::NotConnected | ErrorKind::Unauthorized => {
            Advice::Reconnect
        }
        ErrorKind::Configuration | ErrorKind::ClientRejected | ErrorKind::HostRefused => {
            Advice::FixConfiguration
        }
        ErrorKind::InvalidRequest
        | ErrorKind::Validation
        | ErrorKind::Conflict
        | ErrorKind::UnknownPath
        | ErrorKind::TooLarge => Advice::FixRequest,
        ErrorKind::Plan => Advice::ChangePlan,
        ErrorKind::Forbidden => Advice::AskAdministrator,
        ErrorKind::RateLimited | ErrorKind::DailyLimit | ErrorKind::Quota => {
            error.retry_at().map_or(Advice::Retry, Advice::RetryAt)
        }
        ErrorKind::Server
        | ErrorKind::Network
        | ErrorKind::Deadline
        | ErrorKind::Truncated
        | ErrorKind::Store => Advice::Retry,
        ErrorKind::PageTokenExpired => Advice::RestartWindow,
        ErrorKind::NotFound | ErrorKind::BeyondHorizon => Advice::StopAsking,
        ErrorKind::NoRecording | ErrorKind::NoTranscript => Advice::LookLater,
        ErrorKind::OutcomeUnknown => Advice::CheckOutcome,
        ErrorKind::NeedsPerson => Advice::Decide,
        ErrorKind::NotTheFile | ErrorKind::SizeMismatch => Advice::RefreshDownload,
        ErrorKind::Io => Advice::CheckDisk,
        ErrorKind::Decode | ErrorKind::EndlessPages => Advice::Report,
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddScope(scopes) if scopes.is_empty() => f.write_str(
                "a scope is missing and Zoom did not name it: compare the app's scopes with those of the endpoint, add it and connect again",
            ),
            Self::AddScope(scopes) => {
                write!(f, "add one of these scopes to the app and connect again: {}", scopes.join(", "))
            }
            Self::Reconnect => f.write_str("connect the account again"),
            Self::FixConfiguration => f.write_str("check the app's credentials and the addresses in the configuration"),
            Self::FixRequest => f.write_str("change the request"),
            Self::ChangePlan => f.write_str("this needs another Zoom plan, licence or add-on"),
            Self::AskAdministrator => f.write_str("ask the Zoom administrator for the permission or setting"),
            Self::Retry => f.write_str("try again in a while"),
            Self::RetryAt(at) => write!(f, "try again at {at}"),
            Self::RestartWindow => f.write_str("ask for the list again from its beginning"),
            Self::StopAsking => f.write_str("Zoom does not have it; do not ask again"),
            Self::LookLater => f.write_str("Zoom has nothing yet; look again later"),
            Self::CheckOutcome => f.write_str("look in Zoom whether it happened before doing it again"),
            Self::Decide => f.write_str("choose which of the meetings found is the right one, or create it again"),
            Self::RefreshDownload => f.write_str("fetch the recording's details again and download from there"),
            Self::CheckDisk => f.write_str("check free space and permissions"),
            Self::Report => f.write_str("report this with Zoom's tracking id"),
        }
    }
}

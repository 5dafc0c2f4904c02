//! Why a job did not do its work, and what follows from it.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Code, EngineError, Kind};

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after a pause; counts as a try.
    Retry,
    /// Wait until then; does not count as a try, because nothing is wrong with the job.
    Wait(Timestamp),
    /// Put it before a person now: trying again would give the same.
    GiveUp,
}

/// Why a job did not do its work.
#[derive(Debug)]
pub struct Failure {
    /// What follows.
    pub verdict: Verdict,
    /// The request that failed, as method and path template.
    pub request: Option<String>,
    /// HTTP status of the answer.
    pub status: Option<u16>,
    /// Zoom's tracking id.
    pub tracking_id: Option<String>,
    /// What happened.
    pub error: String,
    /// What a person can do.
    pub advice: String,
}

impl Failure {
    /// A failure of our own that another try will not mend.
    pub fn hopeless(error: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::GiveUp,
            request: None,
            status: None,
            tracking_id: None,
            error: error.into(),
            advice: advice.into(),
        }
    }

    /// The job ran longer than its kind may.
    pub fn timeout(seconds: u64) -> Self {
        Self {
            verdict: Verdict::Retry,
            request: None,
            status: None,
            tracking_id: None,
            error: format!("it took longer than {seconds} s"),
            advice:
                "It is tried again; if it stays, look at Zoom's status page and at the network."
                    .into(),
        }
    }

    /// The job used up its tries, and the last ended without a word: its process died, or was too slow.
    pub fn vanished(tries: i64) -> Self {
        Self::hopeless(
            format!(
                "given up after {tries} tries, the last of which ended without a word: its process died, or lost its lease"
            ),
            "Look into the log for why the process ended (out of memory, killed); then `parfocal jobs retry` tries it again.",
        )
    }

    /// The job's code panicked.
    pub fn panic(message: &str) -> Self {
        Self {
            verdict: Verdict::Retry,
            request: None,
            status: None,
            tracking_id: None,
            error: format!("panicked: {message}"),
            advice: Code::Internal.mend().to_owned(),
        }
    }

    /// What follows from an error of the application.
    pub fn of(error: &EngineError, now: Timestamp) -> Self {
        let later = |minutes| {
            now.saturating_add(SignedDuration::from_mins(minutes))
                .unwrap_or(now)
        };
        let verdict = match error.code() {
            // These come back the same however often they are asked.
            _ if is_hopeless(error) => Verdict::GiveUp,
            Code::RateLimited | Code::ModelBudget => Verdict::Wait(
                error
                    .retry_at()
                    .filter(|at| *at > now)
                    .unwrap_or_else(|| later(1)),
            ),
            // The connection has to be mended first; its own record says so. Then the job goes on by itself.
            Code::GrantDead | Code::CredentialsRefused | Code::ConnectionNeedsAttention => {
                Verdict::Wait(later(10))
            }
            Code::StorageFull | Code::ShuttingDown => Verdict::Wait(later(1)),
            Code::DownloadUnexpected | Code::Internal | Code::FileFailed | Code::Conflict => {
                Verdict::Retry
            }
            _ if error.kind() == Kind::Unavailable => Verdict::Retry,
            _ => Verdict::GiveUp,
        };
        let zoom = error.zoom();
        Self {
            verdict,
            request: zoom.and_then(|zoom| zoom.operation.clone()),
            status: zoom.and_then(|zoom| zoom.status),
            tracking_id: zoom.and_then(|zoom| zoom.tracking_id.clone()),
            error: error.to_string(),
            advice: error.hint().to_owned(),
        }
    }
}

/// Whether Zoom's answer shows that asking again gives the same.
fn is_hopeless(error: &EngineError) -> bool {
    use parfocal_zoom::ErrorKind as Zoom;
    let source = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<parfocal_zoom::Error>());
    source.is_some_and(|source| {
        matches!(
            source.kind(),
            Zoom::EndlessPages | Zoom::UnknownPath | Zoom::HostRefused | Zoom::TooLarge
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_wait_weather_retries_refusals_give_up() {
        let now = Timestamp::UNIX_EPOCH;
        let reset = now + SignedDuration::from_hours(3);
        let verdict = |error: EngineError| Failure::of(&error, now).verdict;
        let limited = EngineError::new(Code::RateLimited, "daily").with_retry_at(Some(reset));
        assert_eq!(verdict(limited), Verdict::Wait(reset));
        assert_eq!(
            verdict(EngineError::new(Code::ZoomUnreachable, "x")),
            Verdict::Retry
        );
        assert_eq!(
            verdict(EngineError::new(Code::ZoomNotFound, "x")),
            Verdict::GiveUp
        );
        assert!(matches!(
            verdict(EngineError::new(Code::GrantDead, "x")),
            Verdict::Wait(_)
        ));
    }
}

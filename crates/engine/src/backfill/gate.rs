//! What an account can be asked at all.
//!
//! Plans and scopes refuse whole resources. The first question of a resource is put alone; the others wait for its
//! answer, and if that is a refusal of the resource they are not put. What was learnt is a row, shared by all workers.

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{AccountId, Scope, Store, Tx};
use parfocal_zoom::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::error::{Code, EngineError, Result};
use crate::ingest::artefacts::cause;

/// How long a question may take before another worker puts it again.
const PROBE: SignedDuration = SignedDuration::from_secs(90);
/// How long others wait before they look again.
pub(crate) const WAIT: SignedDuration = SignedDuration::from_millis(200);
/// Why they wait.
pub(crate) const WAITING: &str = "the first answer of its kind is awaited";
/// How long a refusal is believed; plans and scopes change rarely.
const BELIEVED: SignedDuration = SignedDuration::from_hours(24);

/// A kind of thing that Zoom gives or refuses as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The users of the account.
    Users,
    /// The scheduled meetings of a user.
    Meetings,
    /// A series with its settings.
    Meeting,
    /// Held meetings of the whole account.
    History,
    /// Held meetings of one host.
    Reports,
    /// The instances of a number.
    Instances,
    /// Details of an instance.
    PastMeeting,
    /// Who took part in a meeting.
    Participants,
    /// Who took part in a webinar.
    WebinarParticipants,
    /// Cloud recordings of a user.
    Recordings,
    /// The cloud recording of one instance.
    Recording,
    /// Registrations.
    Registrants,
    /// Which meetings Zoom's AI Companion wrote summaries of.
    Summaries,
    /// The summary of one meeting.
    Summary,
    /// Answers in the polls of a meeting.
    Polls,
    /// Questions that were asked in a meeting.
    Questions,
    /// Answers in the polls of a webinar.
    WebinarPolls,
    /// Questions that were asked in a webinar.
    WebinarQuestions,
}

impl Resource {
    /// All resources.
    pub const ALL: [Self; 18] = [
        Self::Users,
        Self::Meetings,
        Self::Meeting,
        Self::History,
        Self::Reports,
        Self::Instances,
        Self::PastMeeting,
        Self::Participants,
        Self::WebinarParticipants,
        Self::Recordings,
        Self::Recording,
        Self::Registrants,
        Self::Summaries,
        Self::Summary,
        Self::Polls,
        Self::Questions,
        Self::WebinarPolls,
        Self::WebinarQuestions,
    ];

    /// The name used in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Meetings => "meetings",
            Self::Meeting => "meeting",
            Self::History => "history",
            Self::Reports => "reports",
            Self::Instances => "instances",
            Self::PastMeeting => "past_meeting",
            Self::Participants => "participants",
            Self::WebinarParticipants => "webinar_participants",
            Self::Recordings => "recordings",
            Self::Recording => "recording",
            Self::Registrants => "registrants",
            Self::Summaries => "summaries",
            Self::Summary => "summary",
            Self::Polls => "polls",
            Self::Questions => "questions",
            Self::WebinarPolls => "webinar_polls",
            Self::WebinarQuestions => "webinar_questions",
        }
    }

    /// The resource of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|resource| resource.as_str() == name)
    }
}

/// Why a resource cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable word: `plan`, `scope`, `forbidden` …
    pub cause: String,
    /// Zoom's words.
    pub detail: String,
}

/// What is known of a resource of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Why it cannot be had; none when it can.
    pub refused: Option<Refusal>,
    /// When that was learnt.
    pub checked: Timestamp,
    /// Whether it has to be learnt anew.
    #[serde(default)]
    pub stale: bool,
}

/// Whether a question may be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Put it.
    Open,
    /// Do not: it would be refused like the one before.
    Closed(Refusal),
    /// Another worker is putting the first one.
    Wait,
}

fn owner(account: AccountId) -> String {
    format!("account:{account}")
}

fn name(resource: Resource) -> String {
    format!("can:{}", resource.as_str())
}

/// What is known of a resource.
pub(crate) async fn known(
    store: &Store,
    scope: Scope,
    account: AccountId,
    resource: Resource,
) -> Result<Option<Capability>> {
    let cursor = store
        .cursor(scope, &owner(account), &name(resource))
        .await?;
    Ok(cursor.and_then(|cursor| serde_json::from_str(&cursor.value).ok()))
}

/// Asks whether a question about a resource may be put now.
pub(crate) async fn ask(
    store: &Store,
    scope: Scope,
    account: AccountId,
    resource: Resource,
    holder: &str,
    now: Timestamp,
) -> Result<Gate> {
    let mut era = 0;
    if let Some(known) = known(store, scope, account, resource).await? {
        era = known.checked.as_microsecond();
        match known.refused {
            _ if known.stale => {}
            None => return Ok(Gate::Open),
            Some(refusal) if now.duration_since(known.checked) < BELIEVED => {
                return Ok(Gate::Closed(refusal));
            }
            Some(_) => {}
        }
    }
    // Each time it has to be learnt anew is a role of its own: the one who learnt it last does not stand in the way.
    let lease = format!("probe/{account}/{}/{era}", resource.as_str());
    let until = now.saturating_add(PROBE).unwrap_or(now);
    match store.acquire_lease(&lease, holder, now, until).await? {
        Some(_) => Ok(Gate::Open),
        None => Ok(Gate::Wait),
    }
}

/// Records that a resource can be had, or why not. In the transaction of the answer.
pub(crate) async fn learn(
    tx: &mut Tx,
    account: AccountId,
    resource: Resource,
    refused: Option<Refusal>,
    now: Timestamp,
) -> Result<()> {
    put(
        tx,
        account,
        resource,
        Capability {
            refused,
            checked: now,
            stale: false,
        },
        now,
    )
    .await
}

/// The resources that were refused.
pub(crate) async fn refused(
    store: &Store,
    scope: Scope,
    account: AccountId,
) -> Result<Vec<(Resource, Refusal)>> {
    let mut refused = Vec::new();
    for resource in Resource::ALL {
        if let Some(refusal) = known(store, scope, account, resource)
            .await?
            .and_then(|known| known.refused)
        {
            refused.push((resource, refusal));
        }
    }
    Ok(refused)
}

/// Has a refused resource asked for once more, because plan or scopes may have changed.
pub(crate) async fn forget(
    tx: &mut Tx,
    account: AccountId,
    resource: Resource,
    refusal: Refusal,
    now: Timestamp,
) -> Result<()> {
    put(
        tx,
        account,
        resource,
        Capability {
            refused: Some(refusal),
            checked: now,
            stale: true,
        },
        now,
    )
    .await
}

async fn put(
    tx: &mut Tx,
    account: AccountId,
    resource: Resource,
    capability: Capability,
    now: Timestamp,
) -> Result<()> {
    let value = serde_json::to_string(&capability).map_err(|error| {
        EngineError::new(
            Code::Internal,
            format!("a capability cannot be written: {error}"),
        )
    })?;
    tx.set_cursor(&owner(account), &name(resource), &value, 0, now)
        .await?;
    Ok(())
}

/// Whether an error refuses the resource as such, for everybody in the account.
pub(crate) fn refuses_resource(error: &Error) -> Option<Refusal> {
    let cause = match error.kind() {
        ErrorKind::MissingScope => cause::SCOPE,
        // Zoom uses code 200 for the account's plan and for the permissions of one user; the words tell them apart.
        ErrorKind::Plan if speaks_of_account(error.message()) => cause::PLAN,
        _ => return None,
    };
    Some(Refusal {
        cause: cause.to_owned(),
        detail: error.message().to_owned(),
    })
}

/// Whether a refusal of one subject stands for all of them: the subject is the account itself, or the account's plan
/// has refused other things already.
pub(crate) async fn stands_for_all(
    store: &Store,
    scope: Scope,
    account: AccountId,
    resource: Resource,
    refusal: &Refusal,
) -> Result<bool> {
    if matches!(
        resource,
        Resource::Users | Resource::History | Resource::Summaries
    ) {
        return Ok(true);
    }
    if refusal.cause != cause::PLAN {
        return Ok(false);
    }
    let refused = refused(store, scope, account).await?;
    Ok(refused
        .iter()
        .any(|(other, known)| *other == Resource::Recordings && known.cause == cause::PLAN))
}

/// Why the thing asked for cannot be had, when that will not change by asking again.
pub(crate) fn refuses_subject(error: &Error) -> Option<Refusal> {
    let cause = match error.kind() {
        ErrorKind::MissingScope => cause::SCOPE,
        ErrorKind::Plan => cause::PLAN,
        // Code 200 is Zoom's answer to what a plan lacks; the same words are said to a role that lacks it.
        ErrorKind::Forbidden if error.code() == Some(200) => cause::PLAN,
        ErrorKind::BeyondHorizon => cause::HORIZON,
        ErrorKind::NoRecording => cause::NOT_RECORDED,
        ErrorKind::NoTranscript => cause::NO_TRANSCRIPT,
        ErrorKind::NotFound => cause::NOT_FOUND,
        // "Cannot access meeting information", the kind does not fit (a webinar on a meeting's path), and the like.
        ErrorKind::Forbidden | ErrorKind::Conflict | ErrorKind::Validation => cause::FORBIDDEN,
        _ => return None,
    };
    Some(Refusal {
        cause: cause.to_owned(),
        detail: error.message().to_owned(),
    })
}

fn speaks_of_account(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("account")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_tell_account_from_user() {
        let error = |message: &str| Error::new(ErrorKind::Plan, message);
        assert!(refuses_resource(&error("Only available for paid account: abc")).is_some());
        assert!(refuses_resource(&error("No permission.")).is_none());
        assert_eq!(
            refuses_subject(&error("No permission.")).unwrap().cause,
            "plan"
        );
        assert!(refuses_subject(&Error::new(ErrorKind::Network, "x")).is_none());
    }

    #[test]
    fn names_are_read_back() {
        for resource in Resource::ALL {
            assert_eq!(Resource::parse(resource.as_str()), Some(resource));
        }
    }
}

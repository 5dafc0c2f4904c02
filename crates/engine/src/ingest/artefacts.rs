//! What an instance should have, has, or cannot have, and why.
//!
//! Nothing that is missing is left unsaid: each kind of thing is expected by some time, present, unavailable with a
//! cause, or failed with a cause. What is here stays here, whatever is said later.

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    Artefact, ArtefactKind, ArtefactState, NewArtefact, OwnerId, Scope, Store, Tx,
};

use crate::error::Result;

/// How long Zoom may take to process a recording or transcript under load.
pub const PROCESSING: SignedDuration = SignedDuration::from_hours(72);

/// Stable causes of what is missing.
pub mod cause {
    /// The account's plan does not include it.
    pub const PLAN: &str = "plan";
    /// The app lacks a scope.
    pub const SCOPE: &str = "scope";
    /// Zoom hides meetings of one person.
    pub const SINGLE_PERSON: &str = "single_person";
    /// The meeting was not recorded.
    pub const NOT_RECORDED: &str = "not_recorded";
    /// The recording has no transcript.
    pub const NO_TRANSCRIPT: &str = "no_transcript";
    /// The recording has no chat.
    pub const NO_CHAT: &str = "no_chat";
    /// Older than Zoom keeps it.
    pub const HORIZON: &str = "horizon";
    /// It was deleted in Zoom.
    pub const DELETED: &str = "deleted";
    /// The download did not give the file.
    pub const DOWNLOAD_FAILED: &str = "download_failed";
    /// Zoom promised it and did not deliver in time.
    pub const LATE: &str = "late";
    /// A setting or role of the account forbids it.
    pub const FORBIDDEN: &str = "forbidden";
    /// Zoom does not know it.
    pub const NOT_FOUND: &str = "not_found";
    /// The file is larger than is fetched by itself.
    pub const TOO_LARGE: &str = "too_large";
    /// The file cannot be read.
    pub const UNREADABLE: &str = "unreadable";
    /// Getting it failed for another reason.
    pub const FAILED: &str = "failed";
}

/// Notes that something should come, unless it is there or known to be impossible.
pub async fn expect(
    tx: &mut Tx,
    owner: impl Into<OwnerId>,
    kind: ArtefactKind,
    by: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let owner = owner.into();
    let known = tx.artefact(owner, kind).await?;
    let open = match &known {
        None => true,
        Some(known) => match known.state {
            ArtefactState::Expected => known.expected_by < by,
            // These were said for want of evidence; now there is some.
            ArtefactState::Unavailable => is_provisional(known.cause.as_deref()),
            _ => false,
        },
    };
    if open {
        let by = match &known {
            Some(known) if known.state == ArtefactState::Expected => known.expected_by.max(by),
            _ => by,
        };
        set(
            tx,
            owner,
            kind,
            ArtefactState::Expected,
            None,
            None,
            by,
            now,
        )
        .await?;
    }
    Ok(())
}

/// Notes that something should come if all goes as usual: said without evidence, so it changes nothing that was
/// learnt.
pub async fn suppose(
    tx: &mut Tx,
    owner: impl Into<OwnerId>,
    kind: ArtefactKind,
    by: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let owner = owner.into();
    match tx.artefact(owner, kind).await? {
        None => {
            set(
                tx,
                owner,
                kind,
                ArtefactState::Expected,
                None,
                None,
                by,
                now,
            )
            .await
        }
        Some(known) if known.state == ArtefactState::Expected && known.expected_by < by => {
            set(
                tx,
                owner,
                kind,
                ArtefactState::Expected,
                None,
                None,
                by,
                now,
            )
            .await
        }
        Some(_) => Ok(()),
    }
}

/// Notes that something is here.
pub async fn present(
    tx: &mut Tx,
    owner: impl Into<OwnerId>,
    kind: ArtefactKind,
    now: Timestamp,
) -> Result<()> {
    set(
        tx,
        owner.into(),
        kind,
        ArtefactState::Present,
        None,
        None,
        None,
        now,
    )
    .await
}

/// Notes why something cannot be had, unless it is here.
pub async fn unavailable(
    tx: &mut Tx,
    owner: impl Into<OwnerId>,
    kind: ArtefactKind,
    cause: &str,
    detail: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    settle(
        tx,
        owner.into(),
        kind,
        ArtefactState::Unavailable,
        cause,
        detail,
        now,
    )
    .await
}

/// Notes that something that was there in Zoom is there no more.
pub async fn gone(
    tx: &mut Tx,
    owner: impl Into<OwnerId>,
    kind: ArtefactKind,
    cause: &str,
    detail: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    set(
        tx,
        owner.into(),
        kind,
        ArtefactState::Unavailable,
        Some(cause),
        detail,
        None,
        now,
    )
    .await
}

/// Notes that something which was gone is there again in Zoom.
pub async fn back(
    tx: &mut Tx,
    owner: impl Into<OwnerId>,
    kind: ArtefactKind,
    now: Timestamp,
) -> Result<()> {
    let owner = owner.into();
    let known = tx.artefact(owner, kind).await?;
    if known.is_some_and(|known| known.cause.as_deref() == Some(cause::DELETED)) {
        set(
            tx,
            owner,
            kind,
            ArtefactState::Present,
            None,
            None,
            None,
            now,
        )
        .await?;
    }
    Ok(())
}

/// Notes that getting something failed for good, unless it is here.
pub async fn failed(
    tx: &mut Tx,
    owner: impl Into<OwnerId>,
    kind: ArtefactKind,
    cause: &str,
    detail: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    settle(
        tx,
        owner.into(),
        kind,
        ArtefactState::Failed,
        cause,
        detail,
        now,
    )
    .await
}

/// The state of one thing.
pub async fn read(
    store: &Store,
    scope: Scope,
    owner: impl Into<OwnerId>,
    kind: ArtefactKind,
) -> Result<Option<Artefact>> {
    Ok(store
        .artefacts(scope, owner.into())
        .await?
        .into_iter()
        .find(|artefact| artefact.kind == kind))
}

/// Whether something has been looked for to the end: it is here, or it is known why not.
pub fn is_settled(artefact: Option<&Artefact>) -> bool {
    artefact.is_some_and(|artefact| match artefact.state {
        ArtefactState::Present => true,
        ArtefactState::Unavailable => {
            !matches!(artefact.cause.as_deref(), Some(cause::PLAN | cause::SCOPE))
        }
        _ => false,
    })
}

/// Whether a cause was concluded from having found nothing, and gives way to evidence.
fn is_provisional(cause: Option<&str>) -> bool {
    matches!(
        cause,
        Some(
            cause::NOT_RECORDED
                | cause::NO_TRANSCRIPT
                | cause::NO_CHAT
                | cause::LATE
                | cause::SINGLE_PERSON
        )
    )
}

async fn settle(
    tx: &mut Tx,
    owner: OwnerId,
    kind: ArtefactKind,
    state: ArtefactState,
    cause: &str,
    detail: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let known = tx.artefact(owner, kind).await?;
    if known.is_some_and(|known| known.state == ArtefactState::Present) {
        return Ok(());
    }
    set(tx, owner, kind, state, Some(cause), detail, None, now).await
}

#[expect(
    clippy::too_many_arguments,
    reason = "one place that writes the row, called with everything it has"
)]
async fn set(
    tx: &mut Tx,
    owner: OwnerId,
    kind: ArtefactKind,
    state: ArtefactState,
    cause: Option<&str>,
    detail: Option<&str>,
    expected_by: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let artefact = NewArtefact {
        owner_id: owner,
        kind,
        state,
        cause: cause.map(str::to_owned),
        detail: detail.map(|detail| detail.chars().take(500).collect()),
        expected_by,
    };
    tx.put_artefact(&artefact, now).await?;
    Ok(())
}

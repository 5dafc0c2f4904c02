//! `recording.refresh`: the recording of one instance, looked for now and then until it and its transcript are there.
//!
//! Events normally tell first; this is for those that were lost, and for transcripts that come late. It never polls
//! tightly.

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{AccountId, ArtefactKind, ArtefactState, Instance, Job, Scope, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::conflicts::Conflicts;
use super::{Outcome, look_again, payload};
use crate::App;
use crate::backfill;
use crate::backfill::gate::{self, Gate, Refusal, Resource};
use crate::backfill::read::Reader;
use crate::error::Result;
use crate::ingest::artefacts::{self, PROCESSING, cause};
use crate::ingest::recordings::{self, Presence};
use crate::ingest::{Origin, Rank, Stamp};

/// Looks for a recording that nobody told of, counted from the end of the meeting.
const LOOKS: [SignedDuration; 4] = [
    RecordingRefresh::FIRST_LOOK,
    SignedDuration::from_hours(4),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(72),
];

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordingRefresh {
    /// The account.
    pub account: AccountId,
    /// The instance's UUID.
    pub uuid: String,
    /// When the meeting ended, or the recording was told of.
    pub since: Timestamp,
    /// When to give up.
    pub deadline: Timestamp,
}

impl RecordingRefresh {
    /// How long after the end a recording is first looked for.
    pub const FIRST_LOOK: SignedDuration = SignedDuration::from_mins(30);

    /// Looks from `since` until `deadline`, or for as long as Zoom may take.
    pub fn new(
        account: AccountId,
        uuid: &str,
        since: Timestamp,
        deadline: Option<Timestamp>,
    ) -> Self {
        let deadline =
            deadline.unwrap_or_else(|| since.saturating_add(PROCESSING).unwrap_or(since));
        Self {
            account,
            uuid: uuid.to_owned(),
            since,
            deadline,
        }
    }

    /// What makes two of them the same.
    pub fn key(&self) -> String {
        format!("{}/{}", self.account, self.uuid)
    }

    /// When to look for a recording again of which there is no sign.
    fn next_look(&self, now: Timestamp) -> Option<Timestamp> {
        LOOKS
            .iter()
            .filter_map(|after| self.since.checked_add(*after).ok())
            .find(|at| *at > now && *at <= self.deadline)
    }
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let wanted: RecordingRefresh = payload(job)?;
    let scope = Scope::of(job.workspace);
    let now = app.clock().now();
    let Some(known) = app
        .store()
        .instance_by_external(scope, wanted.account, &wanted.uuid)
        .await?
    else {
        return Ok(Outcome::nothing());
    };
    if nothing_missing(app, scope, &known).await? {
        return Ok(Outcome::nothing());
    }
    let holder = job.id.to_string();
    match gate::ask(
        app.store(),
        scope,
        wanted.account,
        Resource::Recording,
        &holder,
        now,
    )
    .await?
    {
        Gate::Open => {}
        Gate::Wait => {
            return Ok(Outcome::Snooze(
                None,
                backfill::later(now, gate::WAIT),
                gate::WAITING.into(),
            ));
        }
        Gate::Closed(refusal) => {
            let mut tx = app.store().begin(scope).await?;
            settle(&mut tx, &known, &refusal, now).await?;
            return Ok(Outcome::done(tx));
        }
    }
    let client = backfill::client(app, wanted.account, job.priority).await?;
    let answer = Reader::new(client).recording(&wanted.uuid).await;
    let now = app.clock().now();
    let stamp = Stamp::of_answer(now, Rank::Detail);
    let origin = backfill::answer_origin(
        app,
        scope,
        wanted.account,
        stamp,
        now,
        job.priority,
        job.cause_id.clone(),
    )
    .await?;
    let error = match answer {
        Ok(said) => {
            let mut conflicts = Conflicts::default();
            loop {
                match write(app, scope, &wanted, &origin, &known, &said).await {
                    Ok(outcome) => return Ok(outcome),
                    Err(error) => conflicts.again(app, error).await?,
                }
            }
        }
        Err(error) => error,
    };
    let for_all = gate::refuses_resource(&error);
    let Some(refusal) = for_all.clone().or_else(|| gate::refuses_subject(&error)) else {
        return Err(error.into());
    };
    let mut tx = app.store().begin(scope).await?;
    gate::learn(&mut tx, wanted.account, Resource::Recording, for_all, now).await?;
    if error.is_not_found()
        && let Some(next) = wanted.next_look(now)
    {
        return Ok(Outcome::Snooze(
            Some(tx),
            next,
            "there is no recording yet".into(),
        ));
    }
    let refusal = if error.is_not_found() {
        Refusal {
            cause: cause::NOT_RECORDED.into(),
            detail: error.message().to_owned(),
        }
    } else {
        refusal
    };
    settle(&mut tx, &known, &refusal, now).await?;
    Ok(Outcome::Done(Some(tx), backfill::report(&error)))
}

async fn write(
    app: &App,
    scope: Scope,
    wanted: &RecordingRefresh,
    origin: &Origin,
    known: &Instance,
    said: &Value,
) -> Result<Outcome> {
    let now = origin.now;
    let mut tx = app.store().begin(scope).await?;
    gate::learn(&mut tx, wanted.account, Resource::Recording, None, now).await?;
    recordings::apply(&mut tx, origin, app.config(), said, Presence::There, None).await?;
    let transcript = tx
        .artefact(known.id.into(), ArtefactKind::Transcript)
        .await?;
    let waiting = transcript.is_some_and(|transcript| transcript.state == ArtefactState::Expected);
    if waiting && !lists_transcript(said) {
        if let Some(next) = look_again(wanted.since, now, wanted.deadline) {
            let why = "the transcript is not there yet".to_owned();
            return Ok(Outcome::Snooze(Some(tx), next, why));
        }
        no_transcript(&mut tx, known, now).await?;
    }
    Ok(Outcome::done(tx))
}

/// Whether recording and transcript are there, known to be impossible, or being fetched.
async fn nothing_missing(app: &App, scope: Scope, known: &Instance) -> Result<bool> {
    let recording = artefacts::read(app.store(), scope, known.id, ArtefactKind::Recording).await?;
    let transcript =
        artefacts::read(app.store(), scope, known.id, ArtefactKind::Transcript).await?;
    let open = |artefact: Option<parfocal_store::Artefact>| {
        artefact.is_none_or(|artefact| artefact.state == ArtefactState::Expected)
    };
    if open(recording) {
        return Ok(false);
    }
    if !open(transcript) {
        return Ok(true);
    }
    let files = app.store().files_of_instance(scope, known.id).await?;
    Ok(files
        .iter()
        .any(|file| file.file_type == "TRANSCRIPT" && file.deleted_at.is_none()))
}

fn lists_transcript(said: &Value) -> bool {
    said.get("recording_files")
        .and_then(Value::as_array)
        .is_some_and(|files| {
            files.iter().any(|file| {
                file.get("file_type")
                    .and_then(Value::as_str)
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("TRANSCRIPT"))
            })
        })
}

async fn no_transcript(tx: &mut Tx, known: &Instance, now: Timestamp) -> Result<()> {
    let detail =
        Some("the recording came without a transcript, and none followed in the time Zoom takes");
    artefacts::unavailable(
        tx,
        known.id,
        ArtefactKind::Transcript,
        cause::NO_TRANSCRIPT,
        detail,
        now,
    )
    .await
}

async fn settle(tx: &mut Tx, known: &Instance, refusal: &Refusal, now: Timestamp) -> Result<()> {
    let detail = Some(refusal.detail.as_str());
    for kind in [
        ArtefactKind::Recording,
        ArtefactKind::Transcript,
        ArtefactKind::Chat,
    ] {
        artefacts::unavailable(tx, known.id, kind, &refusal.cause, detail, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_nobody_told_of_is_looked_for_seldom() {
        let since = Timestamp::UNIX_EPOCH;
        let account = AccountId::new(uuid::Uuid::nil());
        let wanted = RecordingRefresh::new(account, "u==", since, None);
        let mut now = since;
        let mut looks = 0;
        while let Some(next) = wanted.next_look(now) {
            assert!(next > now);
            now = next;
            looks += 1;
        }
        assert_eq!(looks, 4);
        assert_eq!(now, wanted.deadline);
    }
}

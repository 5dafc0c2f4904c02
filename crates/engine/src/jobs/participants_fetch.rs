//! `participants.fetch`: who took part in an ended instance.

use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    AccountId, ArtefactKind, ArtefactState, BackfillId, Instance, Job, Scope, Tx,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conflicts::Conflicts;
use super::{Outcome, payload};
use crate::App;
use crate::backfill;
use crate::backfill::gate::{self, Gate, Refusal, Resource};
use crate::backfill::read::Reader;
use crate::error::{Code, EngineError, Result};
use crate::ingest::artefacts::cause;
use crate::ingest::presence::Stay;
use crate::ingest::{Origin, Rank, Stamp, artefacts, attendance, instances, interactions, tell};
use crate::told::{ParticipantsReady, Told};

/// How long after the end the list may still be incomplete.
const SETTLING: SignedDuration = SignedDuration::from_mins(30);
/// How soon it is asked for again meanwhile.
const AGAIN: SignedDuration = SignedDuration::from_mins(3);
/// More stays than any meeting has.
const MOST_ROWS: usize = 500_000;

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ParticipantsFetch {
    /// The account.
    pub account: AccountId,
    /// The instance's UUID.
    pub uuid: String,
    /// Whether it is a webinar.
    pub webinar: bool,
    /// When the instance ended, or when it was wanted; what was learnt before is not new enough.
    pub not_before: Timestamp,
    /// The backfill that wants it.
    pub backfill: Option<BackfillId>,
}

impl ParticipantsFetch {
    /// What makes two of them the same.
    pub fn key(&self) -> String {
        format!("{}/{}", self.account, self.uuid)
    }

    fn resource(&self) -> Resource {
        if self.webinar {
            Resource::WebinarParticipants
        } else {
            Resource::Participants
        }
    }
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let wanted: ParticipantsFetch = payload(job)?;
    let scope = Scope::of(job.workspace);
    let now = app.clock().now();
    if let Some(wait) = backfill::on_hold(app, scope, wanted.backfill, now).await? {
        return Ok(wait);
    }
    let Some(known) = app
        .store()
        .instance_by_external(scope, wanted.account, &wanted.uuid)
        .await?
    else {
        return Ok(Outcome::nothing());
    };
    let artefact =
        artefacts::read(app.store(), scope, known.id, ArtefactKind::Participants).await?;
    let here = artefact.as_ref().is_some_and(|artefact| {
        artefacts::is_settled(Some(artefact))
            && (wanted.backfill.is_some() || artefact.checked_at > wanted.not_before)
    });
    if here {
        return Ok(Outcome::nothing());
    }
    let holder = job.id.to_string();
    match gate::ask(
        app.store(),
        scope,
        wanted.account,
        wanted.resource(),
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
    let answer = read(&Reader::new(client), &wanted).await;
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
    let rows = match answer {
        Ok(rows) => rows,
        Err(error) => return refused(app, scope, &wanted, &known, error, now).await,
    };
    let ended = known.end.unwrap_or(wanted.not_before);
    let settling = wanted.backfill.is_none() && now < backfill::later(ended, SETTLING);
    if rows.len() > MOST_ROWS {
        return Err(EngineError::new(
            Code::ZoomRefused,
            format!("an instance with more than {MOST_ROWS} stays"),
        ));
    }
    if settling && (rows.is_empty() || rows.iter().any(is_unfinished)) {
        let why = "the list of participants is not complete yet".to_owned();
        return Ok(Outcome::Snooze(None, backfill::later(now, AGAIN), why));
    }
    let mut conflicts = Conflicts::default();
    loop {
        match write(app, scope, &wanted, &origin, &known, &rows).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => conflicts.again(app, error).await?,
        }
    }
}

async fn read(reader: &Reader, wanted: &ParticipantsFetch) -> parfocal_zoom::Result<Vec<Value>> {
    let mut pages = reader.participants(&wanted.uuid, wanted.webinar)?;
    let mut rows = Vec::new();
    while let Some(page) = pages.try_next().await? {
        rows.extend(page.items);
        if rows.len() > MOST_ROWS {
            break;
        }
    }
    Ok(rows)
}

/// Zoom lists people with no length of stay until a big meeting is processed.
fn is_unfinished(row: &Value) -> bool {
    let empty = |name: &str| {
        row.get(name)
            .is_none_or(|value| value.is_null() || value.as_str() == Some(""))
    };
    empty("leave_time") || empty("join_time")
}

async fn write(
    app: &App,
    scope: Scope,
    wanted: &ParticipantsFetch,
    origin: &Origin,
    known: &Instance,
    rows: &[Value],
) -> Result<Outcome> {
    let now = origin.now;
    let mut tx = app.store().begin(scope).await?;
    gate::learn(&mut tx, wanted.account, wanted.resource(), None, now).await?;
    let named = origin.stamped(Stamp::new(0, Rank::Derived));
    let applied = instances::apply(
        &mut tx,
        &named,
        &json!({"uuid": wanted.uuid}),
        instances::Stage::Unsaid,
    )
    .await?;
    let Some(applied) = applied else {
        return Ok(Outcome::done(tx));
    };
    attendance::apply(&mut tx, origin, &applied, &Stay::from_answer(rows.iter())).await?;
    if rows.is_empty() {
        let detail = Some(
            "Zoom lists nobody: it hides meetings of one person unless the account shows them",
        );
        artefacts::unavailable(
            &mut tx,
            known.id,
            ArtefactKind::Participants,
            cause::SINGLE_PERSON,
            detail,
            now,
        )
        .await?;
    } else {
        let before = tx
            .artefact(known.id.into(), ArtefactKind::Participants)
            .await?;
        artefacts::present(&mut tx, known.id, ArtefactKind::Participants, now).await?;
        if before.is_none_or(|before| before.state != ArtefactState::Present) {
            let told = ParticipantsReady {
                uuid: wanted.uuid.clone(),
                stays: rows.len() as u64,
            };
            tell(&mut tx, origin, known.id, Told::ParticipantsReady(told)).await?;
            // A backfill learns from the report which runs had polls; nothing tells it of one that has just ended.
            let registered = rows.iter().any(|row| {
                row["registrant_id"]
                    .as_str()
                    .is_some_and(|id| !id.is_empty())
            });
            if wanted.backfill.is_none() && (wanted.webinar || registered) {
                interactions::want(&mut tx, origin, &applied, None).await?;
            }
        }
    }
    // Names of owners become those of attendance.
    crate::talk::tracker::follow(&mut tx, known.id, now).await?;
    Ok(Outcome::done(tx))
}

async fn refused(
    app: &App,
    scope: Scope,
    wanted: &ParticipantsFetch,
    known: &Instance,
    error: parfocal_zoom::Error,
    now: Timestamp,
) -> Result<Outcome> {
    let for_all = gate::refuses_resource(&error);
    let Some(refusal) = for_all.clone().or_else(|| gate::refuses_subject(&error)) else {
        return Err(error.into());
    };
    let ended = known.end.unwrap_or(wanted.not_before);
    if error.is_not_found() && wanted.backfill.is_none() && now < backfill::later(ended, SETTLING) {
        let why = "Zoom does not know the ended instance yet".to_owned();
        return Ok(Outcome::Snooze(None, backfill::later(now, AGAIN), why));
    }
    let mut tx = app.store().begin(scope).await?;
    gate::learn(&mut tx, wanted.account, wanted.resource(), for_all, now).await?;
    settle(&mut tx, known, &refusal, now).await?;
    Ok(Outcome::Done(Some(tx), backfill::report(&error)))
}

async fn settle(tx: &mut Tx, known: &Instance, refusal: &Refusal, now: Timestamp) -> Result<()> {
    let detail = Some(refusal.detail.as_str());
    artefacts::unavailable(
        tx,
        known.id,
        ArtefactKind::Participants,
        &refusal.cause,
        detail,
        now,
    )
    .await
}

/// Notes that it could not be had, when the job was given up.
pub(crate) async fn buried(tx: &mut Tx, job: &Job, error: &str, now: Timestamp) -> Result<()> {
    let wanted: ParticipantsFetch = payload(job)?;
    let Some(known) = tx
        .instance_by_external(wanted.account, &wanted.uuid)
        .await?
    else {
        return Ok(());
    };
    artefacts::failed(
        tx,
        known.id,
        ArtefactKind::Participants,
        artefacts::cause::FAILED,
        Some(error),
        now,
    )
    .await
}

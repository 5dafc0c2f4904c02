//! `instance.refresh`: the real times and the head count of an ended instance.

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{AccountId, ArtefactKind, BackfillId, Instance, Job, Scope, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::conflicts::Conflicts;
use super::{Outcome, payload};
use crate::App;
use crate::backfill;
use crate::backfill::gate::{self, Gate, Refusal, Resource};
use crate::backfill::read::Reader;
use crate::error::Result;
use crate::ingest::{Origin, Rank, Stamp, artefacts, attendance, instances};

/// How long after the end Zoom may say that it does not know the instance.
const SETTLING: SignedDuration = SignedDuration::from_mins(30);
/// How soon it is asked again meanwhile.
const AGAIN: SignedDuration = SignedDuration::from_mins(2);

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceRefresh {
    /// The account.
    pub account: AccountId,
    /// The instance's UUID.
    pub uuid: String,
    /// What was learnt before this is not new enough.
    pub not_before: Timestamp,
    /// The backfill that wants it.
    pub backfill: Option<BackfillId>,
}

impl InstanceRefresh {
    /// What makes two of them the same.
    pub fn key(&self) -> String {
        format!("{}/{}", self.account, self.uuid)
    }
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let wanted: InstanceRefresh = payload(job)?;
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
    let artefact = artefacts::read(app.store(), scope, known.id, ArtefactKind::Details).await?;
    if artefact.is_some_and(|artefact| {
        artefacts::is_settled(Some(&artefact)) && artefact.checked_at > wanted.not_before
    }) {
        return Ok(Outcome::nothing());
    }
    let holder = job.id.to_string();
    let refusal = match gate::ask(
        app.store(),
        scope,
        wanted.account,
        Resource::PastMeeting,
        &holder,
        now,
    )
    .await?
    {
        Gate::Open => None,
        Gate::Wait => {
            return Ok(Outcome::Snooze(
                None,
                backfill::later(now, gate::WAIT),
                gate::WAITING.into(),
            ));
        }
        Gate::Closed(refusal) => Some(refusal),
    };
    if let Some(refusal) = refusal {
        let mut tx = app.store().begin(scope).await?;
        settle(&mut tx, &known, &refusal, now).await?;
        return Ok(Outcome::done(tx));
    }
    let client = backfill::client(app, wanted.account, job.priority).await?;
    let answer = Reader::new(client).past_meeting(&wanted.uuid).await;
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
    let mut conflicts = Conflicts::default();
    match answer {
        Ok(said) => loop {
            match write(app, scope, &wanted, &origin, &known, &said).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => conflicts.again(app, error).await?,
            }
        },
        Err(error) => {
            let for_all = gate::refuses_resource(&error);
            let Some(refusal) = for_all.clone().or_else(|| gate::refuses_subject(&error)) else {
                return Err(error.into());
            };
            if error.is_not_found()
                && now < backfill::later(wanted.not_before, SETTLING)
                && wanted.backfill.is_none()
            {
                let why = "Zoom does not know the ended instance yet".to_owned();
                return Ok(Outcome::Snooze(None, backfill::later(now, AGAIN), why));
            }
            let mut tx = app.store().begin(scope).await?;
            gate::learn(&mut tx, wanted.account, Resource::PastMeeting, for_all, now).await?;
            settle(&mut tx, &known, &refusal, now).await?;
            Ok(Outcome::Done(Some(tx), backfill::report(&error)))
        }
    }
}

async fn write(
    app: &App,
    scope: Scope,
    wanted: &InstanceRefresh,
    origin: &Origin,
    known: &Instance,
    said: &Value,
) -> Result<Outcome> {
    let mut tx = app.store().begin(scope).await?;
    let resource = Resource::PastMeeting;
    gate::learn(&mut tx, wanted.account, resource, None, origin.now).await?;
    let applied = instances::apply(&mut tx, origin, said, instances::Stage::Ended).await?;
    if let Some(applied) = applied {
        attendance::close(&mut tx, origin, &applied).await?;
    }
    artefacts::present(&mut tx, known.id, ArtefactKind::Details, origin.now).await?;
    Ok(Outcome::done(tx))
}

async fn settle(tx: &mut Tx, known: &Instance, refusal: &Refusal, now: Timestamp) -> Result<()> {
    let detail = Some(refusal.detail.as_str());
    artefacts::unavailable(
        tx,
        known.id,
        ArtefactKind::Details,
        &refusal.cause,
        detail,
        now,
    )
    .await
}

/// Notes that it could not be had, when the job was given up.
pub(crate) async fn buried(tx: &mut Tx, job: &Job, error: &str, now: Timestamp) -> Result<()> {
    let wanted: InstanceRefresh = payload(job)?;
    let Some(known) = tx
        .instance_by_external(wanted.account, &wanted.uuid)
        .await?
    else {
        return Ok(());
    };
    artefacts::failed(
        tx,
        known.id,
        ArtefactKind::Details,
        artefacts::cause::FAILED,
        Some(error),
        now,
    )
    .await
}

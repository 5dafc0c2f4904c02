//! `meeting.refresh`: the settings, recurrence and occurrences of a series.

use parfocal_store::{
    AccountId, ArtefactKind, Backfill, BackfillId, BackfillState, Job, MeetingKind, Scope,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::conflicts::Conflicts;
use super::{Outcome, payload};
use crate::App;
use crate::backfill::gate::{self, Gate, Resource};
use crate::backfill::read::Reader;
use crate::backfill::{self, pieces};
use crate::error::Result;
use crate::ingest::meetings::{self, Occurrences};
use crate::ingest::{Origin, Rank, Stamp, artefacts};

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MeetingRefresh {
    /// The account.
    pub account: AccountId,
    /// The meeting number.
    pub number: String,
    /// The backfill that wants it, which then asks for registrants too.
    pub backfill: Option<BackfillId>,
    /// A backfill that also wanted it, besides a live event: it does not hold the job up, and is served if it can be.
    #[serde(default)]
    pub also: Option<BackfillId>,
}

impl MeetingRefresh {
    /// What makes two of them the same.
    pub fn key(&self) -> String {
        format!("{}/{}", self.account, self.number)
    }
}

fn is_open(state: BackfillState) -> bool {
    matches!(
        state,
        BackfillState::Planning | BackfillState::Running | BackfillState::Paused
    )
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let wanted: MeetingRefresh = payload(job)?;
    let scope = Scope::of(job.workspace);
    let now = app.clock().now();
    let backfill = match (wanted.backfill, wanted.also) {
        (Some(id), _) => app.store().backfill(scope, id).await?,
        (None, Some(id)) => app
            .store()
            .backfill(scope, id)
            .await?
            .filter(|backfill| is_open(backfill.state)),
        (None, None) => None,
    };
    if let Some(wait) = backfill::on_hold(app, scope, wanted.backfill, now).await? {
        return Ok(wait);
    }
    match gate::ask(
        app.store(),
        scope,
        wanted.account,
        Resource::Meeting,
        &job.id.to_string(),
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
        Gate::Closed(_) => return Ok(Outcome::nothing()),
    }
    let client = backfill::client(app, wanted.account, job.priority).await?;
    let answer = Reader::new(client).meeting(&wanted.number).await;
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
        Ok(mut said) => {
            if let Value::Object(said) = &mut said {
                said.insert("detailed".into(), true.into());
            }
            loop {
                match write(app, scope, &wanted, &origin, backfill.as_ref(), &said).await {
                    Ok(outcome) => return Ok(outcome),
                    Err(error) => conflicts.again(app, error).await?,
                }
            }
        }
        Err(error) => {
            let for_all = gate::refuses_resource(&error);
            let Some(refusal) = for_all.clone().or_else(|| gate::refuses_subject(&error)) else {
                return Err(error.into());
            };
            let mut tx = app.store().begin(scope).await?;
            gate::learn(&mut tx, wanted.account, Resource::Meeting, for_all, now).await?;
            if let Some(known) = tx
                .meeting_by_external(wanted.account, &wanted.number)
                .await?
            {
                let detail = Some(refusal.detail.as_str());
                artefacts::unavailable(
                    &mut tx,
                    known.id,
                    ArtefactKind::Details,
                    &refusal.cause,
                    detail,
                    now,
                )
                .await?;
            }
            Ok(Outcome::Done(Some(tx), backfill::report(&error)))
        }
    }
}

async fn write(
    app: &App,
    scope: Scope,
    wanted: &MeetingRefresh,
    origin: &Origin,
    backfill: Option<&Backfill>,
    said: &Value,
) -> Result<Outcome> {
    let now = origin.now;
    let mut tx = app.store().begin(scope).await?;
    gate::learn(&mut tx, wanted.account, Resource::Meeting, None, now).await?;
    let kind = Some(MeetingKind::Meeting);
    let number = wanted.number.as_str();
    let applied = meetings::apply(&mut tx, origin, number, kind, said, Occurrences::All).await?;
    artefacts::present(&mut tx, applied.id, ArtefactKind::Details, now).await?;
    let registers = matches!(applied.facts.integer("settings/approval_type"), Some(0 | 1));
    if let Some(backfill) = backfill.filter(|_| registers) {
        artefacts::expect(&mut tx, applied.id, ArtefactKind::Registrants, None, now).await?;
        pieces::add_registrants(&mut tx, backfill, number, origin).await?;
    }
    Ok(Outcome::done(tx))
}

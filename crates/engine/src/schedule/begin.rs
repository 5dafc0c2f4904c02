//! Beginning what is asked for: written down in one transaction, then driven while the caller waits.

use std::time::Duration;

use jiff::Timestamp;
use parfocal_store::{
    Clash, NewJob, NewSaga, SagaId, SagaKind, SagaState, Schedule, ScheduleId, ScheduleState, Tx,
};
use serde_json::json;

use super::conflicts::refuse;
use super::data::Data;
use super::drive::drive;
use super::how::{How, request_key, same};
use super::view::{Conflict, Scheduled};
use super::{MeetingSchedulerOrchestrator, saga};
use crate::audit::{self, Change};
use crate::error::{Code, EngineError, Result};
use crate::jobs::{JobKind, priority};

/// When the saga's job looks whether whoever began it is still at it.
const RESCUE: Duration = Duration::from_secs(20);

/// A request as it is begun.
pub(super) struct Begin<'b> {
    pub(super) kind: SagaKind,
    pub(super) schedule: Option<&'b Schedule>,
    pub(super) data: Data,
    pub(super) hash: String,
    pub(super) allow_conflicts: bool,
    /// When going forward is given up.
    pub(super) deadline: Timestamp,
}

impl MeetingSchedulerOrchestrator<'_> {
    /// The schedule and saga that this key made before.
    pub(super) async fn earlier(
        &self,
        how: &How,
        hash: &str,
    ) -> Result<Option<(ScheduleId, SagaId)>> {
        let Some(key) = request_key(how)? else {
            return Ok(None);
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let found = tx.earlier_request(&key).await?;
        tx.rollback().await?;
        found.map(|found| same(&found, hash)).transpose()
    }

    /// Writes down what is to be done, in one transaction: from here on it is done or taken back, whoever dies.
    pub(super) async fn begin(
        &self,
        begin: Begin<'_>,
        how: &How,
        now: Timestamp,
    ) -> Result<(ScheduleId, SagaId)> {
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let begun = self.begin_in(&mut tx, begin, how, None, now).await?;
        tx.commit().await?;
        Ok(begun)
    }

    /// The same within a transaction, as part of a group.
    pub(super) async fn begin_in(
        &self,
        tx: &mut Tx,
        begin: Begin<'_>,
        how: &How,
        group: Option<SagaId>,
        now: Timestamp,
    ) -> Result<(ScheduleId, SagaId)> {
        let invalid = |error: parfocal_formats::recurrence::SeriesError| {
            EngineError::invalid(error.to_string())
        };
        let key = request_key(how)?;
        let target = &begin.data.target;
        let spans = target.spans().map_err(invalid)?;
        // Asked again within the transaction: of two that came at once, one is first.
        if let Some(key) = &key
            && let Some(found) = tx.earlier_request(key).await?
        {
            return same(&found, &begin.hash);
        }
        let id = if let Some(row) = begin.schedule {
            if tx.running_saga(row.id).await?.is_some() {
                return Err(EngineError::new(
                    Code::InProgress,
                    format!("{:?} is being changed just now", row.title),
                ));
            }
            let still = tx.schedule(row.id).await?;
            if still.is_none_or(|still| {
                still.updated_at != row.updated_at || still.sequence != row.sequence
            }) {
                return Err(EngineError::new(
                    Code::Conflict,
                    format!("{:?} was changed by somebody else just now", row.title),
                )
                .with_hint("Look at it again, and ask again if it is still meant."));
            }
            row.id
        } else {
            let id = tx.new_schedule_id(now);
            let facts = target
                .facts(ScheduleState::Pending, 0, None, None)
                .map_err(invalid)?;
            tx.new_schedule(
                id,
                &format!("{id}@parfocal"),
                &how.caller.actor,
                &facts,
                now,
            )
            .await?;
            id
        };
        let whole_cancel = begin.kind == SagaKind::Cancel && begin.data.occurrence.is_none();
        if !whole_cancel {
            let clashes: Vec<Clash> = tx.book(id, &target.people(), &spans).await?;
            if !begin.allow_conflicts {
                // Dropped with the error, the transaction gives everything back.
                let conflicts: Vec<Conflict> = clashes.iter().map(Conflict::of).collect();
                refuse(&conflicts)?;
            }
        }
        let new = NewSaga {
            schedule_id: id,
            kind: begin.kind,
            step: saga::order(begin.kind)[0].as_str(),
            data: &begin.data.json(),
            deadline: begin.deadline,
            request_key: key.as_deref(),
            request_hash: &begin.hash,
            group,
        };
        let saga = tx.begin_saga(&new, now).await?;
        // Where the caller does it, the job is there in case the caller dies.
        let from = if how.detached {
            now
        } else {
            crate::clock::later(now, RESCUE)
        };
        self.enqueue(tx, id, saga, from).await?;
        let detail = json!({
            "provider": target.provider,
            "start": target.start.to_string(),
            "occurrence": begin.data.occurrence.map(|one| one.to_string()),
            "attendees": target.attendees.len(),
        });
        let action = match begin.kind {
            SagaKind::Reschedule => "schedule.change",
            SagaKind::Cancel => "schedule.cancel",
            _ => "schedule.create",
        };
        self.note(tx, how, action, id, detail, now).await?;
        Ok((id, saga))
    }

    pub(super) async fn enqueue(
        &self,
        tx: &mut Tx,
        id: ScheduleId,
        saga: SagaId,
        run_at: Timestamp,
    ) -> Result<()> {
        let kind = JobKind::ScheduleAdvance;
        let job = NewJob {
            kind: kind.as_str().to_owned(),
            v: kind.version(),
            lane: Some(format!("schedule:{id}")),
            priority: priority::INTERACTIVE,
            dedupe_key: Some(saga.to_string()),
            payload: json!({ "saga": saga }),
            run_at,
            cause_id: Some(id.to_string()),
        };
        tx.enqueue(&job, self.app.clock().now()).await?;
        Ok(())
    }

    pub(super) async fn note(
        &self,
        tx: &mut Tx,
        how: &How,
        action: &str,
        id: ScheduleId,
        detail: serde_json::Value,
        now: Timestamp,
    ) -> Result<()> {
        let change = Change {
            action,
            target: &format!("schedule/{id}"),
            detail,
        };
        audit::append(tx, &how.caller.by(), &change, now).await?;
        Ok(())
    }

    /// Drives the saga for so long; after that it is driven on behind the caller's back.
    pub(super) async fn work(&self, saga: SagaId, wait: Duration) -> Result<()> {
        let app = self.app.clone();
        // A caller who goes away must not stop it halfway.
        let task = tokio::spawn(async move { drive(&app, saga).await });
        match tokio::time::timeout(wait, task).await {
            Ok(Ok(Err(error))) if error.code() != Code::LeaseLost => Err(error),
            Ok(Err(broken)) => Err(EngineError::new(
                Code::Internal,
                format!("scheduling broke off: {broken}"),
            )),
            _ => Ok(()),
        }
    }

    /// Drives the saga, and tells how it ended, or how far it is when that takes longer than is waited for.
    pub(super) async fn finish(
        &self,
        id: ScheduleId,
        saga: SagaId,
        how: &How,
    ) -> Result<Scheduled> {
        if !how.detached {
            self.work(saga, how.wait).await?;
        }
        let row = self
            .app
            .store()
            .saga(self.app.scope(), saga)
            .await?
            .ok_or_else(|| EngineError::not_found("saga", saga))?;
        let data = Data::of(&row)?;
        let what = match row.kind {
            SagaKind::Reschedule => "the meeting could not be changed and stands as before",
            SagaKind::Cancel => "the meeting could not be called off",
            _ => "the meeting could not be made, and nothing of it is left",
        };
        match row.state {
            SagaState::Undone => {
                return Err(data.failure.map_or_else(
                    || EngineError::new(Code::Conflict, what),
                    |failure| failure.error(what),
                ));
            }
            SagaState::Stuck => {
                let why = row.error.unwrap_or_default();
                return Err(EngineError::new(
                    Code::ScheduleStuck,
                    format!("the schedule {id} is half done: {why}"),
                )
                .with_hint(format!(
                    "`parfocal schedule show {id}` lists what is left over; `parfocal schedule retry {id}` tries it again."
                )));
            }
            _ => {}
        }
        Ok(Scheduled {
            meeting: self.get(id).await?,
            finished: row.state != SagaState::Running,
            also: Vec::new(),
        })
    }
}

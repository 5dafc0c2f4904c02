//! The point of no return: what stands from now on, and the reminders of it, in one transaction.

use jiff::Timestamp;
use parfocal_store::{AttendeeRow, NewAttendee, Saga, SagaKind, ScheduleState, Tx};
use serde_json::Value;

use super::data::Data;
use super::spec::Spec;
use super::steps::word;
use crate::calendar::Attendee;
use crate::error::{EngineError, Result};
use crate::notify::reminders::{self, PlannedOccurrence, ReminderPlan};
use crate::told::{self, ScheduleTold, Told};

/// Writes that a schedule stands, or is called off: the point of no return. May run again.
pub(super) async fn commit(tx: &mut Tx, saga: &Saga, data: &Data, now: Timestamp) -> Result<()> {
    let id = saga.schedule_id;
    let whole_cancel = saga.kind == SagaKind::Cancel && data.occurrence.is_none();
    let state = if whole_cancel {
        ScheduleState::Cancelled
    } else {
        ScheduleState::Scheduled
    };
    let note = (!data.warnings.is_empty()).then(|| data.warnings.join("\n"));
    let meeting = data
        .meeting
        .as_ref()
        .map(|one| (one.id.as_str(), one.join_url.as_str()));
    let facts = data
        .target
        .facts(state, data.sequence, meeting, note)
        .map_err(|error| EngineError::invalid(error.to_string()))?;
    tx.set_schedule(id, &facts, now).await?;
    if whole_cancel {
        tx.unbook(id).await?;
        reminders::cancel(tx, id, None).await?;
    } else {
        let people = set_attendees(tx, saga, &data.target, now).await?;
        plan_reminders(tx, saga, data, &people, now).await?;
    }
    if data.committed {
        return Ok(());
    }
    let of = ScheduleTold {
        provider: data.target.provider.clone(),
        meeting: data.meeting.as_ref().map(|one| one.id.clone()),
        sequence: data.sequence,
        occurrence: data.occurrence.map(|one| one.to_string()),
    };
    let event = match saga.kind {
        SagaKind::Cancel => Told::ScheduleCancelled(of),
        SagaKind::Reschedule => Told::ScheduleChanged(of),
        _ => Told::ScheduleCreated(of),
    };
    told::tell(tx, id, event, now).await
}

async fn set_attendees(
    tx: &mut Tx,
    saga: &Saga,
    spec: &Spec,
    now: Timestamp,
) -> Result<Vec<AttendeeRow>> {
    let words: Vec<(String, String)> = spec
        .attendees
        .iter()
        .map(|one| (word(&one.role), word(&one.answer)))
        .collect();
    let rows: Vec<NewAttendee<'_>> = spec
        .attendees
        .iter()
        .zip(&words)
        .map(|(one, (role, answer))| NewAttendee {
            email: &one.email,
            name: one.name.as_deref(),
            role,
            answer,
        })
        .collect();
    Ok(tx.set_attendees(saga.schedule_id, &rows, now).await?)
}

/// Plans the reminders of what stands now, in place of those that were planned.
async fn plan_reminders(
    tx: &mut Tx,
    saga: &Saga,
    data: &Data,
    people: &[AttendeeRow],
    now: Timestamp,
) -> Result<()> {
    let spec = &data.target;
    let occurrences: Vec<PlannedOccurrence> = spec
        .occurrences()
        .map_err(|error| EngineError::invalid(error.to_string()))?
        .into_iter()
        .map(|one| PlannedOccurrence {
            original: one.original,
            start: one.start,
        })
        .collect();
    let mut attendees = Vec::new();
    for row in people {
        if let Some(one) = spec.attendees.iter().find(|one| one.email == row.email) {
            let answer = serde_json::from_value(Value::String(row.answer.clone()));
            let one = Attendee {
                answer: answer.unwrap_or(one.answer),
                ..one.clone()
            };
            attendees.push((row.id, one));
        }
    }
    let plan = ReminderPlan {
        schedule: saga.schedule_id,
        title: &spec.title,
        join_url: data.meeting.as_ref().map(|one| one.join_url.as_str()),
        zone: &spec.zone,
        occurrences: &occurrences,
        attendees: &attendees,
        reminders: &spec.reminders,
    };
    reminders::plan(tx, &plan, now).await
}

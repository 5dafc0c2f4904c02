//! The steps themselves: what is done outside, how it is known again, and how it is taken back.
//!
//! Before anything is done outside, an effect is written under a key of its own. A step that finds one that was only tried does
//! not know what came of it: it looks before it repeats.

use jiff::Timestamp;
use parfocal_store::{CalendarLink, Effect, EffectState, Saga, SagaKind, ScheduleOccurrence, Tx};
use serde_json::{Value, json};

use super::calendar_step;
use super::data::{Data, MeetingOf};
use super::invite;
use super::mirror;
use super::saga::{Direction, Step};
use super::spec::Spec;
use crate::App;
use crate::calendar::{OverrideChange, When};
use crate::clock::later;
use crate::error::{Code, EngineError, Kind, Result};
use crate::provider::{MeetingChange, MeetingProvider};

/// What a step did, to be written together with the saga's move.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What is known of effects now.
    pub(super) settle: Vec<Settled>,
    /// There is more of the same to do.
    pub(super) partly: bool,
    /// What of this step is not done is put on the list.
    pub(super) stick: bool,
    /// What people should know.
    pub(super) warning: Option<String>,
    /// The occurrences as the provider has them.
    pub(super) occurrences: Option<Vec<ScheduleOccurrence>>,
    /// Where it stands in its calendar.
    pub(super) link: Option<CalendarLink>,
    /// The calendar in which it stands no more.
    pub(super) unlink: Option<String>,
    /// The calendar has told those who are invited.
    pub(super) told: bool,
}

/// What is known of an effect.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) key: String,
    pub(super) state: EffectState,
    pub(super) remote: Option<String>,
    pub(super) result: Option<Value>,
    pub(super) error: Option<String>,
}

impl Settled {
    pub(super) fn as_(key: String, state: EffectState) -> Self {
        Self {
            key,
            state,
            remote: None,
            result: None,
            error: None,
        }
    }
}

impl Done {
    pub(super) fn undone(key: String) -> Self {
        Self {
            settle: vec![Settled::as_(key, EffectState::Undone)],
            ..Self::default()
        }
    }

    /// Writes what is not about effects.
    pub(super) async fn write(
        &self,
        tx: &mut Tx,
        saga: &Saga,
        data: &Data,
        now: Timestamp,
    ) -> Result<()> {
        if let Some(rows) = &self.occurrences {
            tx.set_schedule_occurrences(saga.schedule_id, rows).await?;
        }
        if let Some(link) = &self.link {
            tx.set_calendar_link(saga.schedule_id, link, now).await?;
        }
        if let Some(calendar) = &self.unlink {
            tx.forget_calendar_link(saga.schedule_id, calendar).await?;
        }
        if self.told {
            for one in &data.target.attendees {
                tx.told_attendee(saga.schedule_id, &one.email, data.sequence, None, now)
                    .await?;
            }
        }
        Ok(())
    }
}

/// Whether an effect in this state still has to be dealt with by a step in this direction.
pub(super) fn is_open(state: EffectState, direction: Direction) -> bool {
    match direction {
        Direction::Forward => state == EffectState::Tried,
        Direction::Backward => matches!(state, EffectState::Tried | EffectState::Done),
    }
}

pub(super) fn meeting_key(saga: &Saga) -> String {
    format!("{}:meeting", saga.id)
}

pub(super) fn calendar_key(saga: &Saga) -> String {
    format!("{}:calendar", saga.id)
}

/// Does a step.
pub(super) async fn perform(app: &App, saga: &Saga, data: &mut Data, step: Step) -> Result<Done> {
    match step {
        Step::Provider => provider(app, saga, data).await,
        Step::Calendar => calendar_step::write(app, saga, data).await,
        // It is all in the transaction of the move.
        Step::Commit => Ok(Done::default()),
        Step::Invite => invite::run(app, saga, data).await,
    }
}

/// Takes a step back.
pub(super) async fn undo(app: &App, saga: &Saga, data: &mut Data, step: Step) -> Result<Done> {
    match step {
        Step::Provider => undo_provider(app, saga, data).await,
        Step::Calendar => calendar_step::undo(app, saga, data).await,
        // Nothing goes back once it was committed, so neither was done.
        Step::Commit | Step::Invite => Ok(Done::default()),
    }
}

pub(super) async fn known(app: &App, key: &str) -> Result<Option<Effect>> {
    Ok(app.store().effect(app.scope(), key).await?)
}

/// Writes that something is about to be done.
pub(super) async fn begin(app: &App, saga: &Saga, step: Step, key: &str) -> Result<Effect> {
    let mut tx = app.store().begin(app.scope()).await?;
    let effect = tx
        .try_effect(saga, step.as_str(), key, app.clock().now())
        .await?;
    tx.commit().await?;
    Ok(effect)
}

/// Writes that something never came to be.
async fn never(app: &App, key: &str, error: &EngineError) -> Result<()> {
    let mut tx = app.store().begin(app.scope()).await?;
    let why = error.to_string();
    tx.settle_effect(key, EffectState::Undone, None, None, Some(&why))
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a failure shows that nothing was made.
fn is_refusal(error: &EngineError) -> bool {
    !matches!(error.kind(), Kind::Unavailable | Kind::Internal)
        && error.code() != Code::OutcomeUnknown
        || error.code() == Code::RateLimited
}

async fn open_provider(app: &App, spec: &Spec) -> Result<std::sync::Arc<dyn MeetingProvider>> {
    app.providers()
        .open(app, &spec.provider, spec.account.as_deref())
        .await
}

async fn provider(app: &App, saga: &Saga, data: &mut Data) -> Result<Done> {
    let key = meeting_key(saga);
    if known(app, &key)
        .await?
        .is_some_and(|effect| effect.state == EffectState::Done)
    {
        return Ok(Done::default());
    }
    match saga.kind {
        SagaKind::Cancel => cancel_meeting(app, saga, data, key).await,
        SagaKind::Reschedule => change_meeting(app, saga, data, key).await,
        _ => make_meeting(app, saga, data, key).await,
    }
}

async fn make_meeting(app: &App, saga: &Saga, data: &mut Data, key: String) -> Result<Done> {
    let provider = open_provider(app, &data.target).await?;
    let plan = data.target.plan(saga.schedule_id);
    let earlier = known(app, &key).await?;
    let made = match earlier.filter(|effect| effect.state != EffectState::Undone) {
        // It was made and written down; what followed did not come to its end.
        Some(effect) if effect.remote_id.is_some() => {
            let id = effect.remote_id.unwrap_or_default();
            provider.get(&id).await?.ok_or_else(|| {
                EngineError::new(
                    Code::ZoomNotFound,
                    format!("the meeting {id} was deleted while it was being scheduled"),
                )
            })?
        }
        Some(effect) => {
            if let Some(found) = provider.find(&plan, effect.first_tried_at).await? {
                found
            } else {
                settled(app, provider.as_ref(), &effect)?;
                create(app, saga, provider.as_ref(), &plan, &key).await?
            }
        }
        None => create(app, saga, provider.as_ref(), &plan, &key).await?,
    };
    // Written at once: from here on it is known by its id.
    let mut tx = app.store().begin(app.scope()).await?;
    let result = json!({"id": made.id, "join_url": made.join_url});
    tx.settle_effect(
        &key,
        EffectState::Tried,
        Some(&made.id),
        Some(&result),
        None,
    )
    .await?;
    tx.commit().await?;
    data.meeting = Some(MeetingOf {
        id: made.id.clone(),
        join_url: made.join_url.clone(),
    });
    let rows = mirror::align(provider.as_ref(), &made.id, &mut data.target, &[]).await?;
    Ok(Done {
        settle: vec![Settled {
            remote: Some(made.id),
            result: Some(result),
            ..Settled::as_(key, EffectState::Done)
        }],
        occurrences: Some(rows),
        ..Done::default()
    })
}

async fn create(
    app: &App,
    saga: &Saga,
    provider: &dyn MeetingProvider,
    plan: &crate::provider::MeetingPlan,
    key: &str,
) -> Result<crate::provider::ProviderMeeting> {
    begin(app, saga, Step::Provider, key).await?;
    match provider.create(plan).await {
        Ok(made) => Ok(made),
        Err(error) => {
            if is_refusal(&error) {
                never(app, key, &error).await?;
            }
            Err(error)
        }
    }
}

/// Refuses to take "not found" for "not there" as long as a request may still be under way.
fn settled(app: &App, provider: &dyn MeetingProvider, effect: &Effect) -> Result<()> {
    let at = later(effect.last_tried_at, provider.capabilities().settles);
    if at > app.clock().now() {
        return Err(EngineError::new(
            Code::OutcomeUnknown,
            "the answer to the creation was lost, and it may still appear",
        )
        .with_retry_at(Some(at)));
    }
    Ok(())
}

/// What is to become different at the provider, for the series or for one occurrence.
fn change(from: &Spec, to: &Spec, data: &Data, key: String) -> MeetingChange {
    let mut change = MeetingChange {
        host: to.host.clone(),
        ..MeetingChange::default()
    };
    if let Some(original) = data.occurrence {
        let (start, zone, minutes) = place(to, original);
        change.start = Some(start);
        change.zone = Some(zone);
        change.minutes = Some(minutes);
        return change;
    }
    if from.title != to.title {
        change.title = Some(to.title.clone());
    }
    if from.agenda != to.agenda {
        change.agenda.clone_from(&to.agenda);
        change.key = Some(key);
    }
    if !to.open {
        let moved =
            (from.start, &from.zone, &from.recurrence) != (to.start, &to.zone, &to.recurrence);
        if moved {
            change.start = Some(to.start);
            change.zone = Some(to.zone.clone());
            change.recurrence.clone_from(&to.recurrence);
        }
        if moved || from.minutes != to.minutes {
            change.minutes = Some(to.minutes);
        }
    }
    change
}

/// Where one occurrence stands by a spec: its start, its zone, its length.
fn place(spec: &Spec, original: jiff::civil::DateTime) -> (jiff::civil::DateTime, String, u32) {
    let moved = spec
        .overrides
        .iter()
        .find(|one| one.original == original)
        .and_then(|one| match &one.change {
            OverrideChange::Moved {
                when:
                    When::Timed {
                        start,
                        zone,
                        minutes,
                    },
                ..
            } => Some((*start, zone.clone(), *minutes)),
            _ => None,
        });
    moved.unwrap_or_else(|| (original, spec.zone.clone(), spec.minutes))
}

fn nothing_to_send(change: &MeetingChange) -> bool {
    *change
        == MeetingChange {
            host: change.host.clone(),
            ..MeetingChange::default()
        }
}

fn meeting_of(data: &Data) -> Result<&MeetingOf> {
    data.meeting.as_ref().ok_or_else(|| {
        EngineError::new(
            Code::Conflict,
            "the schedule has no meeting at its provider",
        )
    })
}

async fn change_meeting(app: &App, saga: &Saga, data: &mut Data, key: String) -> Result<Done> {
    let Some(before) = data.before.clone() else {
        return Err(EngineError::new(Code::Internal, "a change of nothing"));
    };
    let provider = open_provider(app, &data.target).await?;
    let id = meeting_of(data)?.id.clone();
    let change = change(
        &before.spec,
        &data.target,
        data,
        saga.schedule_id.to_string(),
    );
    let rows = app.store().schedule_occurrences(saga.schedule_id).await?;
    let at_provider = !(data.target.open && data.occurrence.is_some());
    if at_provider && !nothing_to_send(&change) {
        let remote = remote(provider.as_ref(), &id, &data.target, data.occurrence, &rows).await?;
        begin(app, saga, Step::Provider, &key).await?;
        provider.update(&id, remote.as_deref(), &change).await?;
    }
    let rows = mirror::align(provider.as_ref(), &id, &mut data.target, &rows).await?;
    let settle = known(app, &key)
        .await?
        .map(|_| Settled::as_(key, EffectState::Done));
    Ok(Done {
        settle: settle.into_iter().collect(),
        occurrences: Some(rows),
        ..Done::default()
    })
}

/// The provider's id of the occurrence that is meant; none for the whole series. A move may have changed it already.
async fn remote(
    provider: &dyn MeetingProvider,
    id: &str,
    spec: &Spec,
    occurrence: Option<jiff::civil::DateTime>,
    rows: &[ScheduleOccurrence],
) -> Result<Option<String>> {
    let Some(original) = occurrence else {
        return Ok(None);
    };
    let there = provider.occurrences(id).await?;
    mirror::remote_of(&there, spec, original, rows)
        .map(Some)
        .ok_or_else(|| EngineError::not_found("occurrence", original))
}

async fn cancel_meeting(app: &App, saga: &Saga, data: &mut Data, key: String) -> Result<Done> {
    let provider = open_provider(app, &data.target).await?;
    let id = meeting_of(data)?.id.clone();
    let rows = app.store().schedule_occurrences(saga.schedule_id).await?;
    begin(app, saga, Step::Provider, &key).await?;
    match data.occurrence {
        None => provider.delete(&id, None).await?,
        Some(_) if data.target.open => {}
        Some(original) => {
            let there = provider.occurrences(&id).await?;
            if let Some(remote) = mirror::remote_of(&there, &data.target, original, &rows) {
                provider.delete(&id, Some(&remote)).await?;
            }
        }
    }
    let occurrences = match data.occurrence {
        None => None,
        Some(_) => Some(mirror::align(provider.as_ref(), &id, &mut data.target, &rows).await?),
    };
    Ok(Done {
        settle: vec![Settled::as_(key, EffectState::Done)],
        occurrences,
        ..Done::default()
    })
}

async fn undo_provider(app: &App, saga: &Saga, data: &mut Data) -> Result<Done> {
    let key = meeting_key(saga);
    let Some(effect) = known(app, &key)
        .await?
        .filter(|effect| effect.state != EffectState::Undone)
    else {
        return Ok(Done::default());
    };
    let provider = open_provider(app, &data.target).await?;
    if saga.kind == SagaKind::Schedule {
        let id = if let Some(id) = effect.remote_id.clone() {
            Some(id)
        } else {
            let plan = data.target.plan(saga.schedule_id);
            let found = provider.find(&plan, effect.first_tried_at).await?;
            if found.is_none() {
                settled(app, provider.as_ref(), &effect)?;
            }
            found.map(|found| found.id)
        };
        if let Some(id) = id {
            provider.delete(&id, None).await?;
        }
        data.meeting = None;
        return Ok(Done {
            occurrences: Some(Vec::new()),
            ..Done::undone(key)
        });
    }
    let Some(before) = data.before.clone() else {
        return Err(EngineError::new(Code::Internal, "a change of nothing"));
    };
    let id = meeting_of(data)?.id.clone();
    let back = change(
        &data.target,
        &before.spec,
        data,
        saga.schedule_id.to_string(),
    );
    let rows = app.store().schedule_occurrences(saga.schedule_id).await?;
    if !nothing_to_send(&back) {
        let remote = remote(provider.as_ref(), &id, &data.target, data.occurrence, &rows).await?;
        provider.update(&id, remote.as_deref(), &back).await?;
    }
    let mut spec = before.spec;
    let rows = mirror::align(provider.as_ref(), &id, &mut spec, &rows).await?;
    Ok(Done {
        occurrences: Some(rows),
        ..Done::undone(key)
    })
}

/// The word that stands for a value in JSON.
pub(super) fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

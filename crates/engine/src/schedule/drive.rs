//! Driving a saga: take it, do its next step, write what came of it, until it ends or has to wait.
//!
//! Whoever holds the lease drives; a process that dies leaves everything as a step found it, and the next driver reads from the
//! effects what may be there. The job `schedule.advance` is that next driver.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    EffectState, Job, Saga, SagaClaim, SagaId, SagaKind, SagaMove, SagaState, ScheduleState, Tx,
};
use serde::{Deserialize, Serialize};

use super::commit;
use super::data::{Data, Failure};
use super::group::{self, Gate};
use super::saga::{Came, Direction, Next, Position, Step, next};
use super::steps::{self, Done, Settled};
use crate::App;
use crate::clock::later;
use crate::error::{Code, EngineError, Kind, Result};
use crate::jobs::{Outcome, Policy};
use crate::told::{self, ScheduleFailed, Told, Why};

/// How long a driver may be at one step before others take it for dead.
const LEASE: Duration = Duration::from_mins(4);
/// How long one step may take.
const STEP: Duration = Duration::from_mins(3);
/// How long going on is tried after the point of no return, and taking back before it.
const PATIENCE: Duration = Duration::from_hours(72);
/// Longest pause between two tries.
const PAUSE: Duration = Duration::from_mins(10);

/// What a saga's job is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Advance {
    /// The saga.
    pub saga: SagaId,
}

/// Where a saga stands after it was driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It has ended.
    Over,
    /// It moved and goes on at once.
    Moved,
    /// It waits until then.
    Waits(Timestamp),
    /// Somebody else drives it, at the latest until then.
    Held(Timestamp),
}

/// The job `schedule.advance`.
pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let payload: Advance = crate::jobs::payload(job)?;
    match drive(app, payload.saga).await? {
        Progress::Over | Progress::Moved => Ok(Outcome::nothing()),
        Progress::Waits(at) => Ok(Outcome::Snooze(None, at, "the saga waits".to_owned())),
        Progress::Held(at) => Ok(Outcome::Snooze(
            None,
            at,
            "another worker is at the saga".to_owned(),
        )),
    }
}

/// Drives a saga until it ends or has to wait.
///
/// # Errors
/// Those of the database, and `lease_lost` when another driver took over.
///
/// # Cancellation
/// Dropping it is like a crash: the next driver goes on when the lease ends.
pub async fn drive(app: &App, id: SagaId) -> Result<Progress> {
    let token = hex::encode(app.chance().bytes::<16>());
    loop {
        let progress = advance(app, id, &token).await?;
        match progress {
            Progress::Moved => {}
            Progress::Waits(_) => {
                app.store().release_saga(app.scope(), id, &token).await?;
                return Ok(progress);
            }
            Progress::Over | Progress::Held(_) => return Ok(progress),
        }
    }
}

/// Does one step of a saga and writes what came of it.
async fn advance(app: &App, id: SagaId, token: &str) -> Result<Progress> {
    let now = app.clock().now();
    let until = later(now, LEASE);
    let claim = app
        .store()
        .claim_saga(app.scope(), id, token, until, now)
        .await?;
    let saga = match claim {
        SagaClaim::Over => return Ok(Progress::Over),
        SagaClaim::Held(until) => return Ok(Progress::Held(until)),
        SagaClaim::Ours(saga) => saga,
    };
    if saga.next_at > now {
        return Ok(Progress::Waits(saga.next_at));
    }
    let mut data = Data::of(&saga)?;
    let unreadable = || {
        EngineError::new(
            Code::Internal,
            format!("the saga {id} stands at a step that is not known here"),
        )
    };
    let step = Step::parse(&saga.step).ok_or_else(unreadable)?;
    let direction = Direction::parse(&saga.direction).ok_or_else(unreadable)?;
    let gate = if direction == Direction::Forward && !data.committed {
        group::gate(app, &saga, step, now).await
    } else {
        Ok(Gate::Open)
    };
    let shut = match gate {
        Ok(Gate::Open) => None,
        Ok(Gate::Shut(until)) => return Ok(Progress::Waits(until)),
        Err(error) if error.code() == Code::Conflict => Some(error),
        Err(error) => return Err(error),
    };
    let work = async {
        match (shut, direction) {
            (Some(error), _) => Err(error),
            (None, Direction::Forward) => steps::perform(app, &saga, &mut data, step).await,
            (None, Direction::Backward) => steps::undo(app, &saga, &mut data, step).await,
        }
    };
    let result = match tokio::time::timeout(STEP, work).await {
        Ok(result) => result,
        Err(_elapsed) => Err(EngineError::new(
            Code::CalendarUnavailable,
            format!(
                "the step {} took longer than {} s",
                step.as_str(),
                STEP.as_secs()
            ),
        )),
    };
    let now = app.clock().now();
    let (came, done, error) = judge(app, &saga, &data, step, direction, result, now);
    record(
        app,
        &saga,
        token,
        data,
        Conclusion {
            step,
            direction,
            came,
            done,
            error,
        },
        now,
    )
    .await
}

struct Conclusion {
    step: Step,
    direction: Direction,
    came: Came,
    done: Done,
    error: Option<EngineError>,
}

/// What a step's result means for the saga.
fn judge(
    app: &App,
    saga: &Saga,
    data: &Data,
    step: Step,
    direction: Direction,
    result: Result<Done>,
    now: Timestamp,
) -> (Came, Done, Option<EngineError>) {
    let error = match result {
        Ok(done) => {
            let came = if done.partly {
                Came::Partly
            } else {
                Came::Done
            };
            return (came, done, None);
        }
        Err(error) => error,
    };
    let pause = pause(app, saga, now);
    let at = error.retry_at().map_or(pause, |at| at.max(now));
    let may_mend = match error.kind() {
        // After a fault of ours what is there is found out at the next try.
        Kind::Unavailable | Kind::Limited | Kind::Internal => true,
        // What a person can mend is waited for once there is something to lose.
        Kind::NeedsAttention => {
            error.code() == Code::OutcomeUnknown
                || data.committed
                || direction == Direction::Backward
        }
        _ => false,
    };
    let came = if may_mend && at < saga.deadline {
        Came::Later
    } else {
        Came::Never
    };
    let done = match (came, direction) {
        (Came::Never, _) if data.committed || direction == Direction::Backward => Done {
            // Those of the step that are not done are the list that a person gets.
            stick: true,
            ..Done::default()
        },
        (Came::Never, Direction::Forward)
            if step == Step::Calendar && !data.target.calendar_required =>
        {
            let mut done = Done::default();
            done.settle.push(Settled {
                key: steps::calendar_key(saga),
                state: EffectState::Refused,
                remote: None,
                result: None,
                error: Some(error.to_string()),
            });
            done.warning = Some(format!(
                "it stands in no calendar: {error}; `parfocal schedule retry` tries it again"
            ));
            return (Came::Done, done, Some(error));
        }
        _ => Done::default(),
    };
    (came, done, Some(error))
}

fn pause(app: &App, saga: &Saga, now: Timestamp) -> Timestamp {
    let policy = Policy {
        max_attempts: u32::MAX,
        first: Duration::from_secs(2),
    };
    let attempt = u32::try_from(saga.tries).unwrap_or(0).saturating_add(1);
    let at = policy.next(attempt, now, app.chance().fraction());
    at.unwrap_or(now).min(later(now, PAUSE))
}

/// Writes what came of a step together with where the saga goes.
async fn record(
    app: &App,
    saga: &Saga,
    token: &str,
    mut data: Data,
    of: Conclusion,
    now: Timestamp,
) -> Result<Progress> {
    let effects = app.store().effects(app.scope(), saga.id).await?;
    let mut tx = app.store().begin(app.scope()).await?;
    for settled in &of.done.settle {
        tx.settle_effect(
            &settled.key,
            settled.state,
            settled.remote.as_deref(),
            settled.result.as_ref(),
            settled.error.as_deref(),
        )
        .await?;
    }
    let why = of.error.as_ref().map(ToString::to_string);
    if of.done.stick {
        for effect in effects
            .iter()
            .filter(|effect| effect.step == of.step.as_str())
            .filter(|effect| steps::is_open(effect.state, of.direction))
        {
            tx.settle_effect(&effect.key, EffectState::Stuck, None, None, why.as_deref())
                .await?;
        }
    }
    if let Some(warning) = &of.done.warning {
        data.warnings.push(warning.clone());
    }
    if of.came == Came::Never
        && of.direction == Direction::Forward
        && !data.committed
        && let Some(error) = &of.error
    {
        data.failure = Some(Failure::of(of.step.as_str(), error));
    }
    of.done.write(&mut tx, saga, &data, now).await?;
    let first_commit = of.step == Step::Commit && of.came == Came::Done && !data.committed;
    if of.step == Step::Commit && of.came == Came::Done {
        commit::commit(&mut tx, saga, &data, now).await?;
        data.committed = true;
    }
    let stuck_before = effects.iter().any(|effect| {
        effect.state == EffectState::Stuck
            && !of
                .done
                .settle
                .iter()
                .any(|settled| settled.key == effect.key)
    });
    let at = Position {
        kind: saga.kind,
        step: of.step,
        direction: of.direction,
        // The commit itself is past its point once it is done.
        committed: data.committed,
        blemished: stuck_before || of.done.stick,
    };
    let next = next(at, of.came);
    let (state, step, direction, tries, next_at, deadline, progress);
    match next {
        Next::Again => {
            (state, step, direction) = (SagaState::Running, of.step, of.direction);
            deadline = saga.deadline;
            if of.came == Came::Partly {
                (tries, next_at, progress) = (0, now, Progress::Moved);
            } else {
                tries = u32::try_from(saga.tries).unwrap_or(0).saturating_add(1);
                let asked = of.error.as_ref().and_then(EngineError::retry_at);
                next_at = asked.map_or_else(|| pause(app, saga, now), |at| at.max(now));
                progress = Progress::Waits(next_at);
            }
        }
        Next::Go(to, way) => {
            if let (Some(group), Direction::Backward) = (saga.group, way) {
                tx.decide_saga_group(group, false).await?;
            }
            (state, step, direction) = (SagaState::Running, to, way);
            (tries, next_at, progress) = (0, now, Progress::Moved);
            let turned = way != of.direction || first_commit;
            deadline = if turned {
                later(now, PATIENCE)
            } else {
                saga.deadline
            };
        }
        Next::End(end) => {
            // A saga that is opened again begins with its first step: what is done already is not done twice.
            let first = match of.direction {
                Direction::Forward => super::saga::order(saga.kind)[0],
                Direction::Backward => of.step_to_undo_first(saga.kind, &effects),
            };
            (state, step, direction) = (end, first, of.direction);
            (tries, next_at, progress) = (0, now, Progress::Over);
            deadline = saga.deadline;
            end_of(&mut tx, saga, &data, end, now).await?;
        }
    }
    let json = data.json();
    let to = SagaMove {
        state,
        step: step.as_str(),
        direction: direction.as_str(),
        data: &json,
        error: why.as_deref(),
        tries,
        next_at,
        deadline,
    };
    let until = if state == SagaState::Running {
        later(now, LEASE)
    } else {
        now
    };
    tx.move_saga(saga.id, token, &to, until, now).await?;
    tx.commit().await?;
    if let Some(error) = &of.error {
        tracing::warn!(saga = %saga.id, step = of.step.as_str(), direction = of.direction.as_str(), came = ?of.came, %error, "a step of scheduling did not come to its end");
    }
    Ok(progress)
}

impl Conclusion {
    /// The last step that had an effect: where taking back begins anew.
    fn step_to_undo_first(&self, kind: SagaKind, effects: &[parfocal_store::Effect]) -> Step {
        super::saga::order(kind)
            .into_iter()
            .rev()
            .find(|step| effects.iter().any(|effect| effect.step == step.as_str()))
            .unwrap_or(self.step)
    }
}

/// Writes with a schedule how its saga ended.
async fn end_of(
    tx: &mut Tx,
    saga: &Saga,
    data: &Data,
    end: SagaState,
    now: Timestamp,
) -> Result<()> {
    let id = saga.schedule_id;
    let Some(row) = tx.schedule(id).await? else {
        return Ok(());
    };
    let spec = |value: &serde_json::Value| serde_json::from_value::<super::Spec>(value.clone());
    let whole_cancel = saga.kind == SagaKind::Cancel && data.occurrence.is_none();
    let state = match (end, saga.kind) {
        (SagaState::Stuck, _) => ScheduleState::Stuck,
        (SagaState::Undone, SagaKind::Schedule) => ScheduleState::Failed,
        (SagaState::Undone, _) => data
            .before
            .as_ref()
            .map_or(ScheduleState::Scheduled, |before| before.state),
        _ if whole_cancel => ScheduleState::Cancelled,
        _ => ScheduleState::Scheduled,
    };
    let current = spec(&row.spec).map_err(|error| {
        EngineError::new(
            Code::Internal,
            format!("the spec of {id} cannot be read: {error}"),
        )
    })?;
    let mut notes = data.warnings.clone();
    if let Some(failure) = &data.failure {
        notes.insert(0, format!("{} ({})", failure.message, failure.step));
    }
    let note = (!notes.is_empty()).then(|| notes.join("\n"));
    let undone = end == SagaState::Undone;
    // A calendar may have seen the change and its undoing: what comes next has to be newer than both.
    let sequence = if undone && saga.kind == SagaKind::Reschedule {
        data.sequence.saturating_add(1)
    } else {
        u32::try_from(row.sequence).unwrap_or(0)
    };
    let meeting = row.meeting_id.as_deref().zip(row.join_url.as_deref());
    let meeting = meeting.filter(|_| state != ScheduleState::Failed);
    let facts = current
        .facts(state, sequence, meeting, note)
        .map_err(|error| EngineError::invalid(error.to_string()))?;
    tx.set_schedule(id, &facts, now).await?;
    let gone = matches!(state, ScheduleState::Failed | ScheduleState::Cancelled)
        || (state == ScheduleState::Stuck && saga.kind == SagaKind::Schedule && !data.committed);
    if gone {
        tx.unbook(id).await?;
    } else if undone || (end == SagaState::Stuck && !data.committed) {
        // The times of the change are given back, and the former ones taken again.
        let spans = current
            .spans()
            .map_err(|error| EngineError::invalid(error.to_string()))?;
        tx.book(id, &current.people(), &spans).await?;
    }
    let failed = ScheduleFailed {
        kind: saga.kind.as_str().to_owned(),
        failure: data.failure.as_ref().map(|failure| Why {
            step: failure.step.clone(),
            code: failure.code.clone(),
            message: failure.message.clone(),
            hint: failure.hint.clone(),
        }),
    };
    let event = match end {
        SagaState::Undone => Told::ScheduleFailed(failed),
        SagaState::Stuck => Told::ScheduleStuck(failed),
        _ => return Ok(()),
    };
    told::tell(tx, id, event, now).await
}

/// How long making or changing is tried before it is taken back.
pub(super) fn deadline(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_mins(10))
        .unwrap_or(now)
}

/// How long going on after the point of no return is tried.
pub(super) fn patience(now: Timestamp) -> Timestamp {
    later(now, PATIENCE)
}

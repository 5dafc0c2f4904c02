//! What somebody changed at the provider itself: the provider is right, and calendar, guests and reminders follow.
//!
//! An event of the provider's says only that there is something to look at. What is found is compared with what stands here; our own
//! echo is the same. A single meeting is followed in title, time and length, a series also occurrence by occurrence, or as a whole
//! when all of it was moved. What cannot be followed, such as another rule, is said and left alone.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parfocal_store::{NewJob, Schedule, ScheduleId, ScheduleOccurrence, ScheduleState, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::spec::Spec;
use super::{CancelRequest, ChangeRequest, How, MeetingSchedulerOrchestrator, spec_of};
use crate::App;
use crate::error::{Code, EngineError, Result};
use crate::jobs::{JobKind, Outcome, payload, priority};
use crate::keys::{Caller, Surface};
use crate::provider::{OccurrenceState, ProviderOccurrence};

/// What became of a look at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Followed {
    /// Both sides say the same.
    Same,
    /// So many changes were taken over.
    Changed(usize),
    /// The meeting is gone there and was called off here.
    CalledOff,
    /// It was changed in a way that cannot be taken over.
    Cannot(String),
}

/// What a look at a schedule's meeting is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScheduleFollow {
    /// The schedule.
    pub schedule: ScheduleId,
}

/// What is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The meeting itself.
    Meeting,
    /// Who registered for it.
    Registrants,
}

/// Takes that something happened to a meeting at its provider, and has its schedule looked at, when there is one that stands.
pub(crate) async fn told(
    tx: &mut Tx,
    provider: &str,
    meeting: &str,
    look: Look,
    now: Timestamp,
) -> Result<()> {
    let Some(row) = tx.schedule_of_meeting(provider, meeting).await? else {
        return Ok(());
    };
    let registers = look == Look::Meeting || spec_of(&row)?.registration.is_some();
    if row.state != ScheduleState::Scheduled || !registers {
        return Ok(());
    }
    let kind = match look {
        Look::Meeting => JobKind::ScheduleFollow,
        Look::Registrants => JobKind::RegistrantsSync,
    };
    let job = NewJob {
        kind: kind.as_str().to_owned(),
        v: kind.version(),
        lane: Some(format!("schedule:{}", row.id)),
        priority: priority::LIVE,
        dedupe_key: Some(row.id.to_string()),
        payload: json!(ScheduleFollow { schedule: row.id }),
        run_at: now,
        cause_id: Some(row.id.to_string()),
    };
    tx.enqueue(&job, now).await?;
    Ok(())
}

/// The job `schedule.follow`.
pub(crate) async fn run(app: &App, job: &parfocal_store::Job) -> Result<Outcome> {
    let ScheduleFollow { schedule } = payload(job)?;
    let how = How::new(Caller::local(Surface::System));
    match app.scheduling().follow(schedule, &how).await {
        Ok(Followed::Cannot(why)) => {
            tracing::warn!(%schedule, %why, "a change at the provider could not be followed");
            Ok(Outcome::nothing())
        }
        Ok(found) => {
            tracing::debug!(%schedule, ?found, "the provider was looked at");
            Ok(Outcome::nothing())
        }
        Err(error) if error.code() == Code::InProgress => Ok(Outcome::Snooze(
            None,
            crate::clock::later(app.clock().now(), std::time::Duration::from_mins(1)),
            error.message().to_owned(),
        )),
        // It is over or called off by now.
        Err(error) if matches!(error.code(), Code::NotFound | Code::Conflict) => {
            Ok(Outcome::nothing())
        }
        Err(error) => Err(error),
    }
}

impl MeetingSchedulerOrchestrator<'_> {
    /// Looks at the provider's meeting and takes over here what somebody changed there.
    ///
    /// # Errors
    /// `not_found`, `conflict` when it does not stand, `in_progress` while it is being changed, and as for
    /// [`MeetingSchedulerOrchestrator::reschedule`] and `cancel`.
    pub async fn follow(&self, id: ScheduleId, how: &How) -> Result<Followed> {
        how.caller.may(crate::keys::Role::Operate)?;
        self.app.components().require("scheduling").await?;
        let now = self.app.clock().now();
        let row = self.standing(id, now).await?;
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let running = tx.running_saga(id).await?;
        tx.rollback().await?;
        if running.is_some() {
            return Err(EngineError::new(
                Code::InProgress,
                format!("{:?} is being changed just now", row.title),
            ));
        }
        let spec = spec_of(&row)?;
        let Some(meeting) = row.meeting_id.clone() else {
            return Ok(Followed::Same);
        };
        let provider = self.provider(&spec).await?;
        let how = How {
            key: None,
            ..how.clone()
        };
        let Some(there) = provider.get(&meeting).await? else {
            self.cancel(id, &CancelRequest::default(), &how).await?;
            return Ok(Followed::CalledOff);
        };
        let mut change = ChangeRequest {
            allow_conflicts: true,
            ..ChangeRequest::default()
        };
        let title = there.title.trim();
        if !title.is_empty() && title != spec.title {
            change.title = Some(title.to_owned());
        }
        let mut steps = Vec::new();
        if spec.recurrence.is_none() && !spec.open {
            if let Some(start) = there
                .start
                .filter(|at| at.as_second() != row.start_at.as_second())
            {
                change.start = Some(local(&spec, start));
            }
            change.minutes = there.minutes.filter(|minutes| *minutes != spec.minutes);
        } else if spec.recurrence.is_some() && !spec.open {
            let list = provider.occurrences(&meeting).await?;
            let rows = self.app.store().schedule_occurrences(id).await?;
            match compare(&spec, &row, &rows, &list, now) {
                Ok(Series::Same) => {}
                Ok(Series::Moved(start)) => change.start = Some(start),
                Ok(Series::Some(some)) => steps = some,
                Err(why) => return Ok(Followed::Cannot(why)),
            }
        }
        if change.title.is_some() || change.start.is_some() || change.minutes.is_some() {
            steps.insert(0, Step::Change(change));
        }
        let count = steps.len();
        for step in steps {
            match step {
                Step::Change(change) => drop(self.reschedule(id, &change, &how).await?),
                Step::Cancel(cancel) => drop(self.cancel(id, &cancel, &how).await?),
            }
        }
        Ok(if count == 0 {
            Followed::Same
        } else {
            Followed::Changed(count)
        })
    }
}

enum Step {
    Change(ChangeRequest),
    Cancel(CancelRequest),
}

/// How a series differs from how it stands here.
enum Series {
    Same,
    /// All of it was moved: where it begins now.
    Moved(String),
    /// Some of its occurrences are others.
    Some(Vec<Step>),
}

fn local(spec: &Spec, at: Timestamp) -> String {
    let zone = TimeZone::get(&spec.zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).datetime().to_string()
}

/// Compares the occurrences to come.
fn compare(
    spec: &Spec,
    row: &Schedule,
    rows: &[ScheduleOccurrence],
    list: &[ProviderOccurrence],
    now: Timestamp,
) -> std::result::Result<Series, String> {
    let takes_place = |one: &&ProviderOccurrence| one.state == OccurrenceState::Available;
    let ours: Vec<&ScheduleOccurrence> = rows
        .iter()
        .filter(|one| one.state == "available" && one.start_at > now)
        .collect();
    let there: Vec<&ProviderOccurrence> = list
        .iter()
        .filter(takes_place)
        .filter(|one| one.start > now)
        .collect();
    let mut gone = Vec::new();
    let mut known = Vec::new();
    let mut steps = Vec::new();
    for own in &ours {
        let same = there.iter().find(|one| {
            own.remote_id.as_deref() == Some(one.id.as_str()) || one.start == own.start_at
        });
        let Some(same) = same else {
            gone.push(*own);
            continue;
        };
        known.push(same.id.clone());
        let minutes = i64::from(same.minutes) != own.minutes && same.minutes > 0;
        if same.start != own.start_at || minutes {
            steps.push(moved(spec, own, same));
        }
    }
    let beside: Vec<&ProviderOccurrence> = there
        .into_iter()
        .filter(|one| !known.contains(&one.id))
        .collect();
    let cancelled = |own: &ScheduleOccurrence| {
        Step::Cancel(CancelRequest {
            occurrence: Some(own.original.clone()),
            tell: None,
        })
    };
    match (gone.as_slice(), beside.as_slice()) {
        ([], []) => {}
        // Called off one by one; a list without anything is no list of a series.
        (gone, []) if !list.is_empty() => steps.extend(gone.iter().map(|own| cancelled(own))),
        ([own], [one]) => steps.push(moved(spec, own, one)),
        (gone, beside)
            if gone.len() == beside.len() && gone.len() == ours.len() && row.start_at > now =>
        {
            let first = beside.iter().map(|one| one.start).min();
            let first = first.ok_or("it has no occurrences any more")?;
            return Ok(Series::Moved(local(spec, first)));
        }
        _ => return Err("it repeats otherwise there".to_owned()),
    }
    Ok(if steps.is_empty() {
        Series::Same
    } else {
        Series::Some(steps)
    })
}

fn moved(spec: &Spec, own: &ScheduleOccurrence, to: &ProviderOccurrence) -> Step {
    Step::Change(ChangeRequest {
        occurrence: Some(own.original.clone()),
        start: Some(local(spec, to.start)),
        minutes: (to.minutes > 0).then_some(to.minutes),
        allow_conflicts: true,
        ..ChangeRequest::default()
    })
}

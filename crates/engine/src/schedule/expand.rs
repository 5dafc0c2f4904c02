//! A rule that the provider cannot hold, made as single meetings: each with its own address to join, all of them or none.

use std::time::Duration;

use jiff::Timestamp;
use parfocal_store::{SagaId, SagaKind, SagaState, ScheduleId};
use sha2::{Digest as _, Sha256};

use super::begin::Begin;
use super::conflicts::refuse;
use super::data::{Data, Failure};
use super::how::hash;
use super::request::ScheduleRequest;
use super::saga::Direction;
use super::spec::Spec;
use super::view::{Preview, Scheduled};
use super::words::faulty;
use super::{FEED, How, MeetingSchedulerOrchestrator, Unrepeatable, drive, group, nobody};
use crate::clock::later;
use crate::error::{Code, EngineError, Result};

/// Most meetings that a rule is expanded into.
pub const MOST_SINGLES: usize = 60;
/// What is waited longer for each of them.
const PER_PART: Duration = Duration::from_secs(2);

/// A rule in its parts.
pub(super) struct Expanded {
    /// The whole, as it was asked for.
    pub(super) whole: Spec,
    parts: Vec<ScheduleRequest>,
}

impl MeetingSchedulerOrchestrator<'_> {
    /// What a request would come to: the occurrences, and who is busy at them. Nothing is begun.
    pub async fn preview(&self, request: &ScheduleRequest) -> Result<Preview> {
        self.app.components().require("scheduling").await?;
        let now = self.app.clock().now();
        let expanded = self.expanded(request, now).await?;
        let singles = expanded.is_some();
        let spec = match expanded {
            Some(expanded) => expanded.whole,
            None => self.spec(request, now).await?,
        };
        let (mut conflicts, unknown) = self.busy(&spec, None).await?;
        conflicts.extend(self.taken(&spec, None).await?);
        let mut preview = Preview::of(&spec, conflicts, unknown)?;
        preview.singles = singles;
        Ok(preview)
    }

    /// The single meetings that a request comes to, when it allows that and the provider cannot hold its rule.
    pub(super) async fn expanded(
        &self,
        request: &ScheduleRequest,
        now: Timestamp,
    ) -> Result<Option<Expanded>> {
        if request.unrepeatable != Unrepeatable::Singles || request.every.is_none() {
            return Ok(None);
        }
        let feed = self.app.calendars().has(FEED).then_some(FEED);
        let whole = request.spec(feed, now)?;
        let provider = self.provider(&whole).await?;
        if provider.check(&whole.plan(nobody())).is_ok() {
            return Ok(None);
        }
        let rows = whole
            .occurrences()
            .map_err(|error| EngineError::invalid(error.to_string()))?;
        if rows.len() > MOST_SINGLES {
            return Err(faulty(
                "count",
                &rows.len().to_string(),
                format!(
                    "it would be {} single meetings, and {MOST_SINGLES} are the most",
                    rows.len()
                ),
                "End it earlier, or let one room without a fixed time be made (unrepeatable: room).",
            ));
        }
        let parts = rows
            .iter()
            .map(|row| ScheduleRequest {
                start: row.original.to_string(),
                timezone: Some(whole.zone.clone()),
                every: None,
                count: None,
                until: None,
                except: Vec::new(),
                unrepeatable: Unrepeatable::Refuse,
                ..request.clone()
            })
            .collect();
        Ok(Some(Expanded { whole, parts }))
    }

    /// Schedules the parts: all are written down at once, come as far as the point of no return one after the other, and pass it
    /// together, so that nobody is invited to one before all are made.
    pub(super) async fn each(
        &self,
        request: &ScheduleRequest,
        expanded: Expanded,
        how: &How,
    ) -> Result<Scheduled> {
        let begun = match self.begun_before(&expanded, how).await? {
            Some(begun) => begun,
            None => self.begin_all(request, &expanded, how).await?,
        };
        if !how.detached {
            let began = self.app.clock().monotonic();
            // First each as far as it gets, then all beyond the point of no return, or back.
            for beyond in [false, true] {
                for (_, saga) in &begun {
                    let spent = self.app.clock().monotonic().saturating_sub(began);
                    let most = how
                        .wait
                        .max(PER_PART * u32::try_from(begun.len()).unwrap_or(1));
                    self.work(*saga, most.saturating_sub(spent)).await?;
                    if !beyond && self.goes_back(*saga).await? {
                        break;
                    }
                }
            }
        }
        self.together(&begun).await
    }

    /// The parts that a request under this key made before; none when it comes for the first time.
    async fn begun_before(
        &self,
        expanded: &Expanded,
        how: &How,
    ) -> Result<Option<Vec<(ScheduleId, SagaId)>>> {
        let mut begun = Vec::new();
        for (number, part) in expanded.parts.iter().enumerate() {
            let hash = hash("schedule", None, part);
            match self.earlier(&of_part(how, number), &hash).await? {
                Some(earlier) => begun.push(earlier),
                // They are written down in one transaction: all, or none.
                None => return Ok(None),
            }
        }
        Ok(Some(begun))
    }

    async fn begin_all(
        &self,
        request: &ScheduleRequest,
        expanded: &Expanded,
        how: &How,
    ) -> Result<Vec<(ScheduleId, SagaId)>> {
        let now = self.app.clock().now();
        if !request.allow_conflicts {
            refuse(&self.busy(&expanded.whole, None).await?.0)?;
        }
        let mut specs = Vec::with_capacity(expanded.parts.len());
        for part in &expanded.parts {
            specs.push(self.spec(part, now).await?);
        }
        let more = PER_PART * u32::try_from(specs.len()).unwrap_or(1);
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let group = tx.begin_saga_group(now).await?;
        let mut begun = Vec::with_capacity(specs.len());
        for (number, (spec, part)) in specs.into_iter().zip(&expanded.parts).enumerate() {
            let begin = Begin {
                kind: SagaKind::Schedule,
                schedule: None,
                data: Data::new(spec),
                hash: hash("schedule", None, part),
                allow_conflicts: request.allow_conflicts,
                deadline: later(drive::deadline(now), more),
            };
            let how = of_part(how, number);
            begun.push(
                self.begin_in(&mut tx, begin, &how, Some(group), now)
                    .await?,
            );
        }
        tx.commit().await?;
        Ok(begun)
    }

    async fn goes_back(&self, saga: SagaId) -> Result<bool> {
        let row = self.app.store().saga(self.app.scope(), saga).await?;
        Ok(row.is_some_and(|row| {
            row.direction == Direction::Backward.as_str() || row.state == SagaState::Undone
        }))
    }

    /// What became of all parts.
    async fn together(&self, begun: &[(ScheduleId, SagaId)]) -> Result<Scheduled> {
        let mut finished = true;
        let mut failed: Option<(usize, Failure)> = None;
        let mut left = Vec::new();
        for (number, (id, saga)) in begun.iter().enumerate() {
            let row = self
                .app
                .store()
                .saga(self.app.scope(), *saga)
                .await?
                .ok_or_else(|| EngineError::not_found("saga", *saga))?;
            finished &= row.state != SagaState::Running;
            if row.state == SagaState::Stuck {
                left.push(id.to_string());
            }
            if let Some(failure) = Data::of(&row)?.failure {
                let own = !group::is_of_others(&failure);
                if failed.is_none() || own {
                    failed = Some((number, failure));
                }
            }
        }
        let hint = if left.is_empty() {
            "Nothing of the series is left.".to_owned()
        } else {
            format!(
                "These are half done: {}; `parfocal schedule retry ID` tries them again.",
                left.join(", ")
            )
        };
        if let Some((number, failure)) = failed {
            let what = format!(
                "meeting {} of {} could not be made",
                number + 1,
                begun.len()
            );
            return Err(failure.error(&what).with_hint(hint));
        }
        if !left.is_empty() {
            return Err(EngineError::new(
                Code::ScheduleStuck,
                "the series is made, but not all of it is told",
            )
            .with_hint(hint));
        }
        let mut ids = begun.iter().map(|(id, _)| *id);
        let first = ids
            .next()
            .ok_or_else(|| EngineError::invalid("the rule gives no meeting"))?;
        Ok(Scheduled {
            meeting: self.get(first).await?,
            finished,
            also: ids.collect(),
        })
    }
}

/// How a part is asked for: under a key of its own.
fn of_part(how: &How, number: usize) -> How {
    How {
        key: how.key.as_ref().map(|key| part_key(key, number)),
        ..how.clone()
    }
}

/// The key of a part: the same for the same part of the same request.
fn part_key(key: &str, number: usize) -> String {
    hex::encode(Sha256::digest(format!("{key}\n{number}")))
}

//! A rule that the provider cannot hold, made as single meetings: each with its own address to join, all of them or none.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::conflicts::refuse;
use super::request::ScheduleRequest;
use super::spec::Spec;
use super::view::{Preview, Scheduled};
use super::words::faulty;
use super::{CancelRequest, FEED, How, MeetingSchedulerOrchestrator, Unrepeatable, nobody};
use crate::error::{EngineError, Result};

/// Most meetings that a rule is expanded into.
pub const MOST_SINGLES: usize = 60;

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

    /// Schedules the parts one after the other. When one cannot be made, those before it are called off again.
    pub(super) async fn each(
        &self,
        request: &ScheduleRequest,
        expanded: Expanded,
        how: &How,
    ) -> Result<Scheduled> {
        if !request.allow_conflicts && how.key.is_none() {
            // All of them before the first is made; under a key they may be our own, of an earlier try.
            let mut conflicts = self.busy(&expanded.whole, None).await?.0;
            conflicts.extend(self.taken(&expanded.whole, None).await?);
            refuse(&conflicts)?;
        }
        let all = expanded.parts.len();
        let mut made: Vec<Scheduled> = Vec::with_capacity(all);
        for (number, part) in expanded.parts.iter().enumerate() {
            let how = How {
                key: how.key.as_ref().map(|key| part_key(key, number)),
                ..how.clone()
            };
            match Box::pin(self.schedule(part, &how)).await {
                Ok(one) => made.push(one),
                Err(error) => {
                    let left = self.call_off(&made, &how).await;
                    let mut hint = "Nothing of the series is left.".to_owned();
                    if !left.is_empty() {
                        hint = format!(
                            "These could not be called off again: {}; `parfocal cancel ID` does it.",
                            left.join(", ")
                        );
                    }
                    return Err(EngineError::new(
                        error.code(),
                        format!(
                            "meeting {} of {all} could not be made: {}",
                            number + 1,
                            error.message()
                        ),
                    )
                    .with_hint(hint));
                }
            }
        }
        let finished = made.iter().all(|one| one.finished);
        let mut made = made.into_iter();
        let first = made
            .next()
            .ok_or_else(|| EngineError::invalid("the rule gives no meeting"))?;
        Ok(Scheduled {
            meeting: first.meeting,
            finished,
            also: made.map(|one| one.meeting.id).collect(),
        })
    }

    /// Calls off what was made; the ids of what could not be.
    async fn call_off(&self, made: &[Scheduled], how: &How) -> Vec<String> {
        let how = How {
            key: None,
            ..how.clone()
        };
        let mut left = Vec::new();
        for one in made {
            let id = one.meeting.id;
            if let Err(error) = self.cancel(id, &CancelRequest::default(), &how).await {
                tracing::warn!(schedule = %id, %error, "a part of a series could not be called off");
                left.push(id.to_string());
            }
        }
        left
    }
}

/// The key of a part: the same for the same part of the same request.
fn part_key(key: &str, number: usize) -> String {
    hex::encode(Sha256::digest(format!("{key}\n{number}")))
}

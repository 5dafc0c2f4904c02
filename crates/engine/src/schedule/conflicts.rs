//! Who is taken at the times of a meeting: by calendars, and by what was scheduled here.

use std::time::Duration;

use parfocal_store::ScheduleId;

use super::MeetingSchedulerOrchestrator;
use super::availability::gather;
use super::spec::Spec;
use super::view::Conflict;
use crate::calendar::{Busy, TimeSpan};
use crate::error::{Code, EngineError, Result};

/// How long calendars may take while somebody waits for a meeting to be scheduled.
const PATIENCE: Duration = Duration::from_secs(10);

impl MeetingSchedulerOrchestrator<'_> {
    /// Who is busy by the calendar, and of whom it is not known.
    pub(super) async fn busy(
        &self,
        spec: &Spec,
        own: Option<&Spec>,
    ) -> Result<(Vec<Conflict>, Vec<String>)> {
        let invalid = |error: parfocal_formats::recurrence::SeriesError| {
            EngineError::invalid(error.to_string())
        };
        let spans = spec.spans().map_err(invalid)?;
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
            return Ok((Vec::new(), Vec::new()));
        };
        let window = TimeSpan {
            from: first.0,
            to: last.1,
        };
        let people: Vec<String> = spec
            .people()
            .into_iter()
            .filter(|one| one.contains('@'))
            .collect();
        let own = own
            .map(Spec::spans)
            .transpose()
            .map_err(invalid)?
            .unwrap_or_default();
        let (name, answers) = match &spec.calendar {
            Some(name) if name != super::FEED => {
                let account = spec.calendar_account.as_deref();
                let calendar = self.app.calendars().open(self.app, name, account).await?;
                match calendar.busy(window, &people).await {
                    Ok(answers) => (name.as_str(), answers),
                    Err(error) => {
                        tracing::warn!(calendar = %name, %error, "nobody's free time is known");
                        return Ok((Vec::new(), people));
                    }
                }
            }
            // The feed knows of nobody's time: whoever does is asked, as for availability.
            calendar => {
                let gathered = gather(self.app, window, &people, PATIENCE).await?;
                let nobody = gathered.values().all(|one| one.asked.is_empty());
                if calendar.is_none() && nobody {
                    return Ok((Vec::new(), Vec::new()));
                }
                let answers = gathered.into_iter().map(|(who, one)| (who, one.busy));
                ("of theirs", answers.collect())
            }
        };
        let mut conflicts = Vec::new();
        let mut unknown = Vec::new();
        for person in people {
            match answers.get(&person) {
                Some(Busy::Known(taken)) => {
                    for span in taken
                        .iter()
                        .filter(|span| !own.contains(&(span.from, span.to)))
                    {
                        let met = spans.iter().any(|one| {
                            span.meets(TimeSpan {
                                from: one.0,
                                to: one.1,
                            })
                        });
                        if met {
                            conflicts.push(Conflict::busy(&person, *span, name));
                        }
                    }
                }
                _ => unknown.push(person),
            }
        }
        Ok((conflicts, unknown))
    }

    /// Who is taken by what we scheduled.
    pub(super) async fn taken(
        &self,
        spec: &Spec,
        except: Option<ScheduleId>,
    ) -> Result<Vec<Conflict>> {
        let spans = spec
            .spans()
            .map_err(|error| EngineError::invalid(error.to_string()))?;
        let found = self
            .app
            .store()
            .clashes(self.app.scope(), &spec.people(), &spans, except)
            .await?;
        Ok(found.iter().map(Conflict::of).collect())
    }
}

/// Refuses what meets others.
pub(super) fn refuse(conflicts: &[Conflict]) -> Result<()> {
    let Some(first) = conflicts.first() else {
        return Ok(());
    };
    let more = match conflicts.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    Err(EngineError::new(
        Code::ScheduleConflict,
        format!("{first}{more}"),
    ))
}

//! When people can be met: busy times of their calendars and of what was scheduled here, their working hours, and the slots
//! that are left; `formats::availability` does the sums.

mod gather;
mod request;
mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use parfocal_formats::availability::{self as sums, Hours, Person, Span, Spans};

pub use request::AvailabilityRequest;
pub use view::{Available, PersonView, Points, Slot, Suggested, Suggestions};

pub(crate) use gather::gather;

use crate::App;
use crate::calendar::{Busy, TimeSpan};
use crate::error::{Code, EngineError, Result};
use gather::Gathered;
use request::Asked;

/// How long one calendar may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// When people can be met; from [`App::availability`].
#[derive(Debug, Clone, Copy)]
pub struct Availability<'a> {
    pub(crate) app: &'a App,
}

/// Everything that is known of the people of a question.
struct Known {
    asked: Asked,
    gathered: BTreeMap<String, Gathered>,
    hours: BTreeMap<String, Hours>,
}

impl Availability<'_> {
    /// The slots in which everybody who has to come is free, works and keeps the buffers.
    ///
    /// # Errors
    /// `invalid_input`, and `component_off` when scheduling is off. That a calendar cannot be read is part of the answer.
    pub async fn find_available_slots(&self, request: &AvailabilityRequest) -> Result<Available> {
        let known = self.look(request).await?;
        let found = sums::find_available_slots(&known.asked.sum, &known.persons());
        let most = known.asked.limit.unwrap_or(request::SLOTS);
        let (from, to) = (known.asked.sum.window.from, known.asked.sum.window.to);
        Ok(Available {
            from,
            to,
            timezone: known.asked.zone_name.clone(),
            minutes: known.asked.sum.minutes,
            more: found.slots.len() > most,
            slots: found
                .slots
                .iter()
                .take(most)
                .map(|slot| Slot::of(*slot, &known.asked.zone))
                .collect(),
            people: known.views(),
        })
    }

    /// The times that suit best, each with what its score is made of. Who is unknown is not taken for free: such times
    /// are marked and rank last.
    ///
    /// # Errors
    /// As for [`Availability::find_available_slots`].
    pub async fn suggest_meeting_times(
        &self,
        request: &AvailabilityRequest,
    ) -> Result<Suggestions> {
        let known = self.look(request).await?;
        let most = known.asked.limit.unwrap_or(request::SUGGESTIONS);
        let found = sums::suggest_meeting_times(&known.asked.sum, &known.persons(), most);
        Ok(Suggestions {
            from: known.asked.sum.window.from,
            to: known.asked.sum.window.to,
            timezone: known.asked.zone_name.clone(),
            minutes: known.asked.sum.minutes,
            suggestions: found
                .into_iter()
                .map(|one| Suggested {
                    slot: Slot::of(one.slot, &known.asked.zone),
                    score: one.score,
                    certain: one.certain,
                    reasons: one
                        .reasons
                        .into_iter()
                        .map(|reason| Points {
                            points: reason.points,
                            text: reason.text,
                        })
                        .collect(),
                })
                .collect(),
            people: known.views(),
        })
    }

    async fn look(&self, request: &AvailabilityRequest) -> Result<Known> {
        self.app.components().require("scheduling").await?;
        let config = &self.app.config().availability;
        let asked = request.read(config, self.app.clock().now())?;
        // Meetings beside the window count for its buffers.
        let wide = jiff::SignedDuration::from_mins(i64::from(
            asked.sum.buffer_before.max(asked.sum.buffer_after).max(30),
        ));
        let window = TimeSpan {
            from: asked
                .sum
                .window
                .from
                .saturating_sub(wide)
                .unwrap_or(asked.sum.window.from),
            to: asked
                .sum
                .window
                .to
                .saturating_add(wide)
                .unwrap_or(asked.sum.window.to),
        };
        let people: Vec<String> = asked.people.iter().map(|(who, _)| who.clone()).collect();
        let gathered = gather(self.app, window, &people, PATIENCE).await?;
        let mut hours = BTreeMap::new();
        if !asked.any_hour {
            for person in &people {
                hours.insert(person.clone(), self.hours(person).await?);
            }
        }
        Ok(Known {
            asked,
            gathered,
            hours,
        })
    }

    /// When somebody works: by configuration, in the zone that it, or Zoom, knows of them.
    pub(crate) async fn hours(&self, who: &str) -> Result<Hours> {
        let config = &self.app.config().availability;
        let working = config.working(who);
        let zone = if let Some(zone) = working.zone {
            zone
        } else {
            let known = self.app.store().user_habits(self.app.scope(), who).await?;
            let (own, raw) = known.unwrap_or_default();
            let raw: serde_json::Value = serde_json::from_str(&raw).unwrap_or_default();
            [own.as_deref(), raw["timezone"].as_str()]
                .into_iter()
                .flatten()
                .find(|name| TimeZone::get(name).is_ok())
                .unwrap_or(&config.timezone)
                .to_owned()
        };
        let unusable = |error: sums::HoursError| {
            EngineError::new(
                Code::ConfigInvalid,
                format!("the working hours of {who} cannot be used: {error}"),
            )
        };
        let mut hours = Hours::in_zone(&zone)
            .map_err(unusable)?
            .without(config.closed());
        for day in working.days.unwrap_or_default() {
            for (from, to) in working.times.iter().flatten() {
                hours = hours.on(day, *from, *to).map_err(unusable)?;
            }
        }
        Ok(hours)
    }
}

/// A span in the words of the sums.
pub(crate) fn span(one: TimeSpan) -> Span {
    Span::new(one.from, one.to)
}

impl Gathered {
    /// When they are taken, by whomever.
    pub(crate) fn taken(&self) -> Spans {
        self.elsewhere()
            .or(&Spans::of(self.ours.iter().copied().map(span)))
    }

    /// When their calendars say that they are busy.
    fn elsewhere(&self) -> Spans {
        Spans::of(self.told().iter().copied().map(span))
    }

    /// The same, as the calendars told it.
    pub(crate) fn told(&self) -> &[TimeSpan] {
        match &self.busy {
            Busy::Known(spans) => spans,
            Busy::Unknown { .. } => &[],
        }
    }

    /// Why it is not known when they are busy.
    pub(crate) fn unknown(&self) -> Option<&str> {
        match &self.busy {
            Busy::Known(_) => None,
            Busy::Unknown { reason } => Some(reason),
        }
    }
}

impl Known {
    fn persons(&self) -> Vec<Person> {
        let mut persons = Vec::new();
        for (who, required) in &self.asked.people {
            let Some(gathered) = self.gathered.get(who) else {
                continue;
            };
            let person = |busy, hours| Person {
                who: who.clone(),
                busy,
                hours,
                required: *required,
            };
            let hours = self.hours.get(who).cloned();
            match gathered.unknown() {
                None => persons.push(person(sums::Busy::Known(gathered.taken()), hours)),
                Some(reason) => {
                    persons.push(person(sums::Busy::Unknown(reason.to_owned()), hours));
                    // Nobody knows when they are free, but it is known when they are not.
                    if !gathered.ours.is_empty() {
                        persons.push(person(sums::Busy::Known(gathered.taken()), None));
                    }
                }
            }
        }
        persons
    }

    fn views(&self) -> Vec<PersonView> {
        let window = self.asked.sum.window;
        self.asked
            .people
            .iter()
            .filter_map(|(who, required)| {
                let gathered = self.gathered.get(who)?;
                let taken = gathered.taken().and(&Spans::of([window]));
                Some(PersonView {
                    person: who.clone(),
                    required: *required,
                    known: gathered.unknown().is_none(),
                    reason: gathered.unknown().map(str::to_owned),
                    calendars: gathered.asked.clone(),
                    timezone: self
                        .hours
                        .get(who)
                        .and_then(|hours| hours.zone().iana_name().map(str::to_owned)),
                    busy: taken
                        .as_slice()
                        .iter()
                        .map(|one| TimeSpan {
                            from: one.from,
                            to: one.to,
                        })
                        .collect(),
                })
            })
            .collect()
    }
}

//! Everyone's week: who works when, who is busy, what was scheduled, and where it meets something else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use parfocal_formats::availability::{Span, Spans};
use parfocal_store::{ScheduleFilter, ScheduleId, ScheduleState};
use schemars::JsonSchema;
use serde::Serialize;

use super::availability::{Availability, gather};
use super::view::{Conflict, ScheduledMeeting};
use crate::calendar::TimeSpan;
use crate::error::{EngineError, Result};

/// Most people of a week.
const PEOPLE: usize = 30;
/// Most schedules of a week.
const MEETINGS: u32 = 300;
/// How long a calendar may take while somebody waits for a page.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everyone's week.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Week {
    /// Its first day, a Monday.
    pub monday: String,
    /// The zone by whose clocks its days begin.
    pub timezone: String,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// Who takes part in something, and who was asked for.
    pub people: Vec<WeekPerson>,
    /// What takes place, by its starts.
    pub meetings: Vec<WeekMeeting>,
    /// Where somebody is at two places at once.
    pub conflicts: Vec<Conflict>,
    /// Whether there are more people than are shown.
    pub more: bool,
}

/// Somebody's week.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WeekPerson {
    /// Who.
    pub person: String,
    /// Why it is not known when they are busy; none when it is.
    pub unknown: Option<String>,
    /// The zone of their hours.
    pub timezone: String,
    /// When they work.
    pub hours: Vec<TimeSpan>,
    /// When their calendars say that they are busy.
    pub busy: Vec<TimeSpan>,
    /// What was scheduled here for them, by places in [`Week::meetings`].
    pub meetings: Vec<usize>,
}

/// One meeting of the week.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WeekMeeting {
    /// The schedule.
    pub schedule: ScheduleId,
    /// What it is about.
    pub title: String,
    /// Where the schedule stands.
    pub state: ScheduleState,
    /// What the occurrence is named by.
    pub occurrence: String,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Whether it repeats.
    pub repeats: bool,
    /// Who accepted.
    pub accepted: usize,
    /// Who declined.
    pub declined: usize,
    /// Who perhaps comes.
    pub tentative: usize,
    /// Who has not answered.
    pub pending: usize,
    /// Whether it meets something else of somebody's.
    pub conflict: bool,
}

fn spans(of: &Spans) -> Vec<TimeSpan> {
    let span = |one: &Span| TimeSpan {
        from: one.from,
        to: one.to,
    };
    of.as_slice().iter().map(span).collect()
}

impl Availability<'_> {
    /// Everyone's week from the Monday of a day on, by the clocks of a zone; `with` are further people.
    ///
    /// # Errors
    /// `invalid_input` for an unknown zone, `component_off` when scheduling is off. That a calendar cannot be read is part of the
    /// answer.
    pub async fn week(&self, day: Date, zone: &str, with: &[String]) -> Result<Week> {
        let app = self.app;
        app.components().require("scheduling").await?;
        let unusable = || {
            EngineError::invalid(format!("the week of {day} in {zone} cannot be shown"))
                .with_hint("Give a day such as 2030-01-07 and a zone such as Europe/Berlin.")
        };
        let tz = TimeZone::get(zone).map_err(|_| unusable())?;
        let back = i64::from(day.weekday().to_monday_zero_offset());
        let monday = day.checked_sub(back.days()).map_err(|_| unusable())?;
        let instant = |day: Date| day.to_zoned(tz.clone()).map(|at| at.timestamp());
        let next = monday.checked_add(7.days()).map_err(|_| unusable())?;
        let from = instant(monday).map_err(|_| unusable())?;
        let to = instant(next).map_err(|_| unusable())?;
        let filter = ScheduleFilter {
            from: Some(from),
            to: Some(to),
            ..ScheduleFilter::default()
        };
        let mut meetings = Vec::new();
        let mut takes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut asked: BTreeSet<String> = with.iter().map(|one| one.to_lowercase()).collect();
        let mut found: Vec<(WeekMeeting, Vec<String>)> = Vec::new();
        for one in app.scheduling().list(&filter, MEETINGS).await? {
            if matches!(one.state, ScheduleState::Cancelled | ScheduleState::Failed) {
                continue;
            }
            let people = people(&one);
            for at in one
                .occurrences
                .iter()
                .filter(|at| at.start < to && at.end > from)
            {
                let place = (
                    meeting(&one, &at.occurrence, at.start, at.end),
                    people.clone(),
                );
                found.push(place);
            }
        }
        found.sort_by_key(|(one, _)| (one.start, one.schedule));
        for (number, (one, people)) in found.into_iter().enumerate() {
            for person in people {
                asked.insert(person.clone());
                takes.entry(person).or_default().push(number);
            }
            meetings.push(one);
        }
        let more = asked.len() > PEOPLE;
        let everybody: Vec<String> = asked.into_iter().take(PEOPLE).collect();
        let window = TimeSpan { from, to };
        let gathered = gather(app, window, &everybody, PATIENCE).await?;
        let mut people = Vec::new();
        let mut conflicts = Vec::new();
        for person in everybody {
            let Some(known) = gathered.get(&person) else {
                continue;
            };
            let hours = self.hours(&person).await?;
            let theirs = takes.remove(&person).unwrap_or_default();
            // As it was told: what touches one of our meetings is not one with it.
            let told = known.told().iter().copied();
            let busy: Vec<TimeSpan> = told.filter(|one| one.meets(window)).collect();
            meet(&person, &theirs, &busy, &mut meetings, &mut conflicts);
            people.push(WeekPerson {
                unknown: known.unknown().map(str::to_owned),
                timezone: hours.zone().iana_name().unwrap_or("UTC").to_owned(),
                hours: spans(&hours.within(Span::new(from, to))),
                busy,
                meetings: theirs,
                person,
            });
        }
        Ok(Week {
            monday: monday.to_string(),
            timezone: zone.to_owned(),
            from,
            to,
            people,
            meetings,
            conflicts,
            more,
        })
    }
}

/// Who takes part, in lower case.
fn people(one: &ScheduledMeeting) -> Vec<String> {
    let host = one.host.iter().filter(|host| host.contains('@'));
    let mut all: Vec<String> = one
        .attendees
        .iter()
        .filter(|guest| guest.answer != "declined" && guest.role != "resource")
        .map(|guest| guest.email.to_lowercase())
        .chain(host.map(|host| host.to_lowercase()))
        .collect();
    all.sort();
    all.dedup();
    all
}

fn meeting(
    one: &ScheduledMeeting,
    occurrence: &str,
    start: Timestamp,
    end: Timestamp,
) -> WeekMeeting {
    let count = |answer: &str| {
        one.attendees
            .iter()
            .filter(|guest| guest.answer == answer)
            .count()
    };
    WeekMeeting {
        schedule: one.id,
        title: one.title.clone(),
        state: one.state,
        occurrence: occurrence.to_owned(),
        start,
        end,
        repeats: one.recurrence.is_some(),
        accepted: count("accepted"),
        declined: count("declined"),
        tentative: count("tentative"),
        pending: count("pending"),
        conflict: false,
    }
}

/// Where a person's meetings meet each other or what their calendar says. A busy time that is just one of the meetings is that
/// meeting, as it stands in the calendar.
fn meet(
    person: &str,
    theirs: &[usize],
    busy: &[TimeSpan],
    meetings: &mut [WeekMeeting],
    conflicts: &mut Vec<Conflict>,
) {
    let span = |one: &WeekMeeting| TimeSpan {
        from: one.start,
        to: one.end,
    };
    let own: BTreeSet<TimeSpan> = theirs.iter().map(|at| span(&meetings[*at])).collect();
    for (place, at) in theirs.iter().enumerate() {
        let mine = span(&meetings[*at]);
        for other in &theirs[place + 1..] {
            if mine.meets(span(&meetings[*other])) {
                let second = &meetings[*other];
                conflicts.push(Conflict {
                    person: person.to_owned(),
                    start: second.start,
                    end: second.end,
                    by: format!("{}, and {}", meetings[*at].title, second.title),
                    schedule: Some(second.schedule),
                });
                meetings[*at].conflict = true;
                meetings[*other].conflict = true;
            }
        }
        for taken in busy.iter().filter(|taken| !own.contains(taken)) {
            if mine.meets(*taken) {
                conflicts.push(Conflict {
                    person: person.to_owned(),
                    start: taken.from,
                    end: taken.to,
                    by: format!("their calendar, during {}", meetings[*at].title),
                    schedule: Some(meetings[*at].schedule),
                });
                meetings[*at].conflict = true;
            }
        }
    }
}

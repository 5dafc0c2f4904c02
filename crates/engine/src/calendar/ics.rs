//! Events of ours as iCalendar's, and back: one mapping for mails, the feed and CalDAV.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use parfocal_formats::ical::{self, Agent, Alarm, Moment, Person, Status};

use crate::error::{EngineError, Result};

use super::{
    Answer, Attendee, CalendarEvent, Override, OverrideChange, Recurrence, Reminder,
    ReminderMethod, Role, When,
};

/// Start and end.
fn moments(when: &When) -> Option<(Moment, Moment)> {
    Some(match when {
        When::Timed {
            start,
            zone,
            minutes,
        } => {
            let tz = TimeZone::get(zone).ok()?;
            let begins = tz.to_ambiguous_timestamp(*start).compatible().ok()?;
            let ends = begins
                .checked_add(SignedDuration::from_mins(i64::from(*minutes)))
                .ok()?;
            if zone == "UTC" {
                (Moment::Utc(begins), Moment::Utc(ends))
            } else {
                (
                    Moment::in_zone(*start, zone.as_str()),
                    Moment::in_zone(tz.to_datetime(ends), zone.as_str()),
                )
            }
        }
        When::AllDay { first, last } => (
            Moment::Day(*first),
            Moment::Day(last.checked_add(Span::new().days(1)).ok()?),
        ),
    })
}

fn person(one: &Attendee) -> Person {
    Person::new(one.email.as_str(), one.name.as_deref().unwrap_or(""))
}

fn attendee(one: &Attendee, agent: Agent) -> ical::Attendee {
    ical::Attendee {
        person: person(one),
        role: match one.role {
            Role::Required | Role::Resource => ical::Role::Required,
            Role::Optional => ical::Role::Optional,
            Role::Chair => ical::Role::Chair,
        },
        answer: match one.answer {
            Answer::Pending => ical::Answer::Pending,
            Answer::Accepted => ical::Answer::Accepted,
            Answer::Declined => ical::Answer::Declined,
            Answer::Tentative => ical::Answer::Tentative,
        },
        // A mail asks again: whoever agreed to the former time has not agreed to the new one.
        rsvp: agent == Agent::Server || one.answer == Answer::Pending,
        agent,
    }
}

/// The event and its occurrences that differ; nothing when a time cannot be placed. Occurrences that were called off are `EXDATE`s.
///
/// `agent` is whoever tells the attendees: [`Agent::Client`] where the event is stored at a server that must not do so again,
/// [`Agent::Server`] in a mail.
pub(crate) fn write(
    event: &CalendarEvent,
    stamp: Timestamp,
    agent: Agent,
) -> Option<Vec<ical::Event>> {
    let (start, end) = moments(&event.when)?;
    let mut main = ical::Event::new(event.ical_uid.as_str(), stamp, start.clone());
    main.end = Some(end);
    main.sequence = event.sequence;
    main.modified = Some(stamp);
    event.title.clone_into(&mut main.summary);
    main.description = event.body.clone().unwrap_or_default();
    main.location = event.location.clone().unwrap_or_default();
    main.url.clone_from(&event.join_url);
    main.conference.clone_from(&event.join_url);
    main.organizer = event.organizer.as_ref().map(person);
    main.attendees = event
        .attendees
        .iter()
        .map(|one| attendee(one, agent))
        .collect();
    let mut minutes: Vec<u32> = event.reminders.iter().map(|one| one.minutes).collect();
    minutes.sort_unstable();
    minutes.dedup();
    main.alarms = minutes
        .into_iter()
        .map(|minutes_before| Alarm {
            minutes_before,
            text: event.title.clone(),
        })
        .collect();
    if event.cancelled {
        main.status = Status::Cancelled;
    }
    let mut differing = Vec::new();
    if let Some(recurrence) = &event.recurrence {
        let series = recurrence.series(event.when.start().ok()?).ok()?;
        main.rule = Some(series.with_strict_end());
        let mut excluded: Vec<DateTime> = recurrence.excluded.clone();
        for one in &event.overrides {
            match &one.change {
                OverrideChange::Cancelled => excluded.push(one.original),
                OverrideChange::Moved { when, title } => {
                    let (own, end) = moments(when)?;
                    let mut other = main.clone();
                    other.start = Some(own);
                    other.end = Some(end);
                    other.of = Some(start.at_local(one.original));
                    if let Some(title) = title {
                        title.clone_into(&mut other.summary);
                    }
                    differing.push(other);
                }
            }
        }
        excluded.sort_unstable();
        excluded.dedup();
        main.excluded = excluded.into_iter().map(|at| start.at_local(at)).collect();
        main.added = recurrence
            .added
            .iter()
            .map(|at| start.at_local(*at))
            .collect();
        for other in &mut differing {
            // They are copies of the series, from before its exceptions were known.
            other.rule = None;
        }
    }
    let mut all = vec![main];
    all.extend(differing);
    Some(all)
}

/// One occurrence alone, by the start that the rule gives it; nothing when a time cannot be placed.
pub(crate) fn occurrence(
    event: &CalendarEvent,
    original: DateTime,
    stamp: Timestamp,
    agent: Agent,
) -> Option<ical::Event> {
    let mut all = write(event, stamp, agent)?;
    let id = all.first()?.start.as_ref()?.at_local(original);
    if let Some(place) = all.iter().position(|one| one.of.as_ref() == Some(&id)) {
        return Some(all.swap_remove(place));
    }
    let mut part = all.swap_remove(0);
    let (start, end) = moments(&match &event.when {
        When::Timed { zone, minutes, .. } => When::Timed {
            start: original,
            zone: zone.clone(),
            minutes: *minutes,
        },
        When::AllDay { first, last } => {
            let days = first.until(*last).ok()?;
            When::AllDay {
                first: original.date(),
                last: original.date().checked_add(days).ok()?,
            }
        }
    })?;
    part.rule = None;
    part.excluded.clear();
    part.added.clear();
    part.of = Some(id);
    part.start = Some(start);
    part.end = Some(end);
    Some(part)
}

/// Refuses an event that iCalendar cannot hold.
pub(super) fn check(event: &CalendarEvent, now: Timestamp) -> Result<()> {
    match write(event, now, Agent::Client) {
        Some(_) => Ok(()),
        None => Err(EngineError::invalid(
            "the event's time cannot be placed: its zone is unknown, or its rule makes no sense",
        )),
    }
}

fn when(event: &ical::Event) -> Option<When> {
    let start = event.start.as_ref()?;
    if let Moment::Day(first) = start {
        let last = match &event.end {
            Some(Moment::Day(after)) => after.checked_sub(Span::new().days(1)).ok()?,
            _ => *first,
        };
        return Some(When::AllDay {
            first: *first,
            last: last.max(*first),
        });
    }
    let zone = match start {
        Moment::Zoned { zone, .. } if TimeZone::get(zone).is_ok() => zone.clone(),
        _ => "UTC".to_owned(),
    };
    let tz = TimeZone::get(&zone).ok()?;
    let begins = start.instant_for(&tz)?;
    let ends = event
        .end
        .as_ref()
        .and_then(|end| end.instant_for(&tz))
        .unwrap_or(begins);
    Some(When::Timed {
        start: tz.to_datetime(begins),
        zone,
        minutes: u32::try_from(ends.duration_since(begins).as_mins()).ok()?,
    })
}

/// The wall clock of an exception, in the series' zone.
fn local(moment: &Moment, series: &When) -> DateTime {
    match (moment.instant(), series) {
        (Some(at), When::Timed { zone, .. }) => {
            TimeZone::get(zone).map_or_else(|_| moment.local(), |tz| tz.to_datetime(at))
        }
        _ => moment.local(),
    }
}

/// The event of one resource: its main part with the occurrences that differ.
pub(super) fn read(events: &[ical::Event]) -> Option<CalendarEvent> {
    let main = events.iter().find(|event| event.of.is_none())?;
    let series = when(main)?;
    let recurrence = main.rule.clone().map(|rule| Recurrence {
        rule,
        excluded: main.excluded.iter().map(|at| local(at, &series)).collect(),
        added: main.added.iter().map(|at| local(at, &series)).collect(),
    });
    let overrides = events
        .iter()
        .filter(|event| event.uid == main.uid)
        .filter_map(|event| {
            let original = local(event.of.as_ref()?, &series);
            let change = if event.status == Status::Cancelled {
                OverrideChange::Cancelled
            } else {
                OverrideChange::Moved {
                    when: when(event)?,
                    title: (event.summary != main.summary).then(|| event.summary.clone()),
                }
            };
            Some(Override { original, change })
        })
        .collect();
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(CalendarEvent {
        key: String::new(),
        ical_uid: main.uid.clone(),
        sequence: main.sequence,
        title: main.summary.clone(),
        body: some(&main.description),
        location: some(&main.location),
        join_url: main.conference.clone().or_else(|| main.url.clone()),
        when: series,
        recurrence,
        overrides,
        organizer: main.organizer.as_ref().map(|one| Attendee {
            email: one.email.clone(),
            name: some(&one.name),
            role: Role::Chair,
            answer: Answer::Accepted,
        }),
        attendees: main
            .attendees
            .iter()
            .map(|one| Attendee {
                email: one.person.email.clone(),
                name: some(&one.person.name),
                role: match one.role {
                    ical::Role::Chair => Role::Chair,
                    ical::Role::Required => Role::Required,
                    ical::Role::Optional | ical::Role::Informed => Role::Optional,
                },
                answer: match one.answer {
                    ical::Answer::Accepted => Answer::Accepted,
                    ical::Answer::Declined => Answer::Declined,
                    ical::Answer::Tentative => Answer::Tentative,
                    ical::Answer::Pending | ical::Answer::Delegated => Answer::Pending,
                },
            })
            .collect(),
        reminders: main
            .alarms
            .iter()
            .map(|alarm| Reminder {
                minutes: alarm.minutes_before,
                method: ReminderMethod::Push,
            })
            .collect(),
        cancelled: main.status == Status::Cancelled,
    })
}

//! Our events as iCalendar: one mapping for mails, CalDAV and the feed.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use parfocal_formats::ical;

use crate::calendar::{Answer, Attendee, CalendarEvent, OverrideChange, Role, When};

/// The event as a series with its changed occurrences after it, written at `stamp`.
///
/// Occurrences that were called off are `EXDATE`s of the series.
pub fn events(event: &CalendarEvent, stamp: Timestamp) -> Vec<ical::Event> {
    let (start, end) = span(&event.when);
    let mut series = ical::Event::new(event.ical_uid.clone(), stamp, start.clone());
    series.end = Some(end);
    series.sequence = event.sequence;
    series.modified = Some(stamp);
    series.summary.clone_from(&event.title);
    series.description = event.body.clone().unwrap_or_default();
    series.location = event
        .location
        .clone()
        .or_else(|| event.join_url.clone())
        .unwrap_or_default();
    series.url.clone_from(&event.join_url);
    series.conference.clone_from(&event.join_url);
    if event.cancelled {
        series.status = ical::Status::Cancelled;
    }
    series.organizer = event.organizer.as_ref().map(person);
    series.attendees = event.attendees.iter().map(attendee).collect();
    series.alarms = event
        .reminders
        .iter()
        .map(|one| ical::Alarm {
            minutes_before: one.minutes,
            text: event.title.clone(),
        })
        .collect();
    // An alarm in each client once: two reminders of one time by two ways are one there.
    series.alarms.dedup();
    if let Some(recurrence) = &event.recurrence {
        series.rule = Some(recurrence.rule.clone());
        series.excluded = recurrence
            .excluded
            .iter()
            .map(|local| start.at_local(*local))
            .collect();
        series.added = recurrence
            .added
            .iter()
            .map(|local| start.at_local(*local))
            .collect();
    }
    let mut changed = Vec::new();
    for one in &event.overrides {
        let original = start.at_local(one.original);
        match &one.change {
            OverrideChange::Cancelled => series.excluded.push(original),
            OverrideChange::Moved { when, title } => {
                let (start, end) = span(when);
                let mut part = series.clone();
                part.rule = None;
                part.excluded.clear();
                part.added.clear();
                part.of = Some(original);
                part.start = Some(start);
                part.end = Some(end);
                if let Some(title) = title {
                    part.summary.clone_from(title);
                }
                changed.push(part);
            }
        }
    }
    series.excluded.dedup();
    let mut out = vec![series];
    out.extend(changed);
    out
}

/// One occurrence alone, by the start that the rule gives it.
pub fn occurrence(event: &CalendarEvent, original: DateTime, stamp: Timestamp) -> ical::Event {
    let all = events(event, stamp);
    let series = &all[0];
    let id = series.start.as_ref().map(|start| start.at_local(original));
    if let Some(changed) = all.iter().skip(1).find(|one| one.of == id) {
        return changed.clone();
    }
    let mut part = series.clone();
    part.rule = None;
    part.excluded.clear();
    part.added.clear();
    part.of.clone_from(&id);
    let length = series
        .start
        .as_ref()
        .zip(series.end.as_ref())
        .map_or(SignedDuration::ZERO, |(from, to)| {
            from.local().duration_until(to.local())
        });
    part.end = id
        .as_ref()
        .map(|start| start.at_local(start.local().checked_add(length).unwrap_or(start.local())));
    part.start = id;
    part
}

fn span(when: &When) -> (ical::Moment, ical::Moment) {
    match when {
        When::Timed {
            start,
            zone,
            minutes,
        } => {
            let begin = ical::Moment::in_zone(*start, zone.clone());
            // The length is time that passes: across a change of clocks the wall clock shows another.
            let end = begin.instant().and_then(|at| {
                let at = at + SignedDuration::from_mins(i64::from(*minutes));
                let zone = jiff::tz::TimeZone::get(zone).ok()?;
                Some(at.to_zoned(zone).datetime())
            });
            let end = end.unwrap_or_else(|| {
                start
                    .checked_add(i64::from(*minutes).minutes())
                    .unwrap_or(*start)
            });
            (begin.clone(), begin.at_local(end))
        }
        When::AllDay { first, last } => (
            ical::Moment::Day(*first),
            ical::Moment::Day(last.checked_add(1.day()).unwrap_or(*last)),
        ),
    }
}

fn person(one: &Attendee) -> ical::Person {
    ical::Person::new(one.email.clone(), one.name.clone().unwrap_or_default())
}

fn attendee(one: &Attendee) -> ical::Attendee {
    ical::Attendee {
        person: person(one),
        role: match one.role {
            Role::Required => ical::Role::Required,
            Role::Optional => ical::Role::Optional,
            Role::Chair => ical::Role::Chair,
            Role::Resource => ical::Role::Informed,
        },
        answer: match one.answer {
            Answer::Pending => ical::Answer::Pending,
            Answer::Accepted => ical::Answer::Accepted,
            Answer::Declined => ical::Answer::Declined,
            Answer::Tentative => ical::Answer::Tentative,
        },
        rsvp: true,
        agent: ical::Agent::Server,
    }
}

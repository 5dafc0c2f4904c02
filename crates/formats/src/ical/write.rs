//! Writing: events as the library's components.

use std::collections::BTreeSet;
use std::fmt;

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendar, ICalendarAction, ICalendarComponent, ICalendarComponentType as Type,
    ICalendarDuration, ICalendarEntry, ICalendarParameter, ICalendarParameterName as Name,
    ICalendarParticipationRole, ICalendarParticipationStatus, ICalendarProperty as Property,
    ICalendarScheduleAgentValue, ICalendarStatus, ICalendarTransparency, ICalendarValue as Value,
    ICalendarValueType, Uri,
};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Agent, Alarm, Answer, Attendee, Calendar, Event, Moment, Person, Role, Status, zone};

/// Who wrote it.
const PRODUCT: &str = "-//Parfocal//Parfocal//EN";

impl fmt::Display for Calendar {
    /// The file, lines folded at 75 octets and ended by CRLF; zones that are used are described in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = ICalendar {
            components: vec![ICalendarComponent::new(Type::VCalendar)],
        };
        let mut head = Vec::new();
        text(&mut head, Property::Version, "2.0");
        text(&mut head, Property::Prodid, PRODUCT);
        text(&mut head, Property::Calscale, "GREGORIAN");
        if let Some(method) = self.method {
            text(&mut head, Property::Method, method.as_str());
        }
        if !self.name.is_empty() {
            text(&mut head, Property::Name, &self.name);
            text(
                &mut head,
                Property::Other("X-WR-CALNAME".to_owned()),
                &self.name,
            );
        }
        all.components[0].entries = head;
        for name in zones(&self.events) {
            zone::describe(&mut all, &name, &self.events);
        }
        for event in &self.events {
            put(&mut all, event);
        }
        fmt::Display::fmt(&all, f)
    }
}

/// Appends a component below another; answers with its place.
pub(super) fn add(all: &mut ICalendar, parent: usize, component: ICalendarComponent) -> usize {
    let place = all.components.len();
    all.components.push(component);
    if let (Some(parent), Ok(id)) = (all.components.get_mut(parent), u32::try_from(place)) {
        parent.component_ids.push(id);
    }
    place
}

/// The zones that the events name.
fn zones(events: &[Event]) -> BTreeSet<String> {
    let of = |moment: &Moment| match moment {
        Moment::Zoned { zone, .. } => Some(zone.clone()),
        _ => None,
    };
    events
        .iter()
        .flat_map(|event| {
            let ends = [&event.start, &event.end, &event.of];
            let lists = event.excluded.iter().chain(&event.added);
            ends.into_iter().flatten().chain(lists).filter_map(of)
        })
        .collect()
}

fn put(all: &mut ICalendar, event: &Event) {
    let mut out = ICalendarComponent::new(Type::VEvent);
    let entries = &mut out.entries;
    text(entries, Property::Uid, &event.uid);
    entries.push(instant(Property::Dtstamp, event.stamp));
    if let Some(modified) = event.modified {
        entries.push(instant(Property::LastModified, modified));
    }
    entries.push(
        ICalendarEntry::new(Property::Sequence)
            .with_value(Value::Integer(i64::from(event.sequence))),
    );
    for (name, value) in [
        (Property::Dtstart, &event.start),
        (Property::Dtend, &event.end),
        (Property::RecurrenceId, &event.of),
    ] {
        if let Some(value) = value {
            entries.push(moments(name, std::slice::from_ref(value)));
        }
    }
    if let Some(rule) = &event.rule {
        // As text: the library leaves the commas and semicolons of rules alone.
        entries
            .push(ICalendarEntry::new(Property::Rrule).with_value(Value::Text(rule.to_string())));
    }
    for (name, list) in [
        (Property::Exdate, &event.excluded),
        (Property::Rdate, &event.added),
    ] {
        // One line each: a list may mix zones, and Outlook reads only the first of several on a line.
        for one in list {
            entries.push(moments(name.clone(), std::slice::from_ref(one)));
        }
    }
    text(entries, Property::Summary, &event.summary);
    text(entries, Property::Description, &event.description);
    text(entries, Property::Location, &event.location);
    if let Some(url) = &event.url {
        entries.push(ICalendarEntry::new(Property::Url).with_value(uri(url)));
    }
    if let Some(link) = &event.conference {
        entries.push(
            ICalendarEntry::new(Property::Conference)
                .with_param(ICalendarParameter::value(ICalendarValueType::Uri))
                .with_param(ICalendarParameter::new(Name::Feature, "VIDEO".to_owned()))
                .with_value(uri(link)),
        );
    }
    entries.push(
        ICalendarEntry::new(Property::Status).with_value(Value::Status(match event.status {
            Status::Confirmed => ICalendarStatus::Confirmed,
            Status::Tentative => ICalendarStatus::Tentative,
            Status::Cancelled => ICalendarStatus::Cancelled,
        })),
    );
    entries.push(
        ICalendarEntry::new(Property::Transp).with_value(Value::Transparency(if event.free {
            ICalendarTransparency::Transparent
        } else {
            ICalendarTransparency::Opaque
        })),
    );
    if let Some(organizer) = &event.organizer {
        entries.push(person(Property::Organizer, organizer));
    }
    entries.extend(event.attendees.iter().map(attendee));
    text(entries, Property::Comment, &event.comment);
    let place = add(all, 0, out);
    for one in &event.alarms {
        add(all, place, alarm(one));
    }
}

/// A text, without what no calendar can hold; nothing when it is empty.
fn text(entries: &mut Vec<ICalendarEntry>, name: Property, value: &str) {
    let value = clean(value);
    if !value.is_empty() {
        entries.push(ICalendarEntry::new(name).with_value(Value::Text(value)));
    }
}

/// Line ends as line feeds, and no control characters beside them and tabs.
pub(super) fn clean(value: &str) -> String {
    value
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// A parameter's text: quotes, carets and line ends in RFC 6868's way; no backslashes, which parameters cannot escape
/// and the library would double.
fn parameter(value: &str) -> String {
    let mut out = String::new();
    for c in clean(value).trim().chars() {
        match c {
            '"' => out.push_str("^'"),
            '^' => out.push_str("^^"),
            '\n' => out.push_str("^n"),
            '\\' => out.push('/'),
            other => out.push(other),
        }
    }
    out
}

/// An address; commas and semicolons, which the library would escape as in texts, are percent-encoded.
fn uri(value: &str) -> Value {
    let value: String = clean(value).split_whitespace().collect();
    let value = value
        .replace('\\', "%5C")
        .replace(',', "%2C")
        .replace(';', "%3B");
    Value::Uri(Uri::Location(value))
}

fn person(name: Property, person: &Person) -> ICalendarEntry {
    let mut entry = ICalendarEntry::new(name);
    let shown = parameter(&person.name);
    if !shown.is_empty() {
        entry.add_param(ICalendarParameter::new(Name::Cn, shown));
    }
    entry.with_value(uri(&format!("mailto:{}", person.email.trim())))
}

fn attendee(one: &Attendee) -> ICalendarEntry {
    let mut entry = person(Property::Attendee, &one.person);
    entry.add_param(ICalendarParameter::role(match one.role {
        Role::Chair => ICalendarParticipationRole::Chair,
        Role::Required => ICalendarParticipationRole::ReqParticipant,
        Role::Optional => ICalendarParticipationRole::OptParticipant,
        Role::Informed => ICalendarParticipationRole::NonParticipant,
    }));
    entry.add_param(ICalendarParameter::partstat(match one.answer {
        Answer::Pending => ICalendarParticipationStatus::NeedsAction,
        Answer::Accepted => ICalendarParticipationStatus::Accepted,
        Answer::Declined => ICalendarParticipationStatus::Declined,
        Answer::Tentative => ICalendarParticipationStatus::Tentative,
        Answer::Delegated => ICalendarParticipationStatus::Delegated,
    }));
    if one.rsvp {
        entry.add_param(ICalendarParameter::rsvp(true));
    }
    match one.agent {
        Agent::Server => {}
        Agent::Client => entry.add_param(ICalendarParameter::schedule_agent(
            ICalendarScheduleAgentValue::Client,
        )),
        Agent::Nobody => entry.add_param(ICalendarParameter::schedule_agent(
            ICalendarScheduleAgentValue::None,
        )),
    }
    entry
}

fn alarm(alarm: &Alarm) -> ICalendarComponent {
    let mut out = ICalendarComponent::new(Type::VAlarm);
    out.entries.push(
        ICalendarEntry::new(Property::Action).with_value(Value::Action(ICalendarAction::Display)),
    );
    let shown = if alarm.text.is_empty() {
        "Reminder"
    } else {
        alarm.text.as_str()
    };
    text(&mut out.entries, Property::Description, shown);
    let before = ICalendarDuration::from_seconds(-60 * i64::from(alarm.minutes_before));
    out.entries
        .push(ICalendarEntry::new(Property::Trigger).with_value(Value::Duration(before)));
    out
}

fn instant(name: Property, at: Timestamp) -> ICalendarEntry {
    moments(name, &[Moment::Utc(at)])
}

/// A date property with moments of one kind.
fn moments(name: Property, list: &[Moment]) -> ICalendarEntry {
    let mut entry = ICalendarEntry::new(name);
    match list.first() {
        Some(Moment::Day(_)) => {
            entry.add_param(ICalendarParameter::value(ICalendarValueType::Date));
        }
        Some(Moment::Zoned { zone, .. }) => {
            entry.add_param(ICalendarParameter::tzid(zone.clone()));
        }
        _ => {}
    }
    for moment in list {
        entry = entry.with_value(match moment {
            Moment::Utc(at) => partial(at.to_zoned(TimeZone::UTC).datetime(), true),
            other => partial(other.local(), false),
        });
    }
    entry
}

/// The library's form of a wall clock's time.
pub(super) fn partial(local: DateTime, utc: bool) -> PartialDateTime {
    let small = |number: i8| u8::try_from(number).ok();
    PartialDateTime {
        year: u16::try_from(local.year()).ok(),
        month: small(local.month()),
        day: small(local.day()),
        hour: small(local.hour()),
        minute: small(local.minute()),
        second: small(local.second()),
        tz_hour: utc.then_some(0),
        tz_minute: utc.then_some(0),
        tz_minus: false,
    }
}

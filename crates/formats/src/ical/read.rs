//! Reading: whatever calendars write, taken as far as it makes sense.

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz;
use calcard::icalendar::{
    ICalendar, ICalendarAction, ICalendarComponent, ICalendarComponentType as Type, ICalendarEntry,
    ICalendarFreeBusyType, ICalendarParameterName as Name, ICalendarParameterValue as Parameter,
    ICalendarParticipationRole, ICalendarParticipationStatus as Said, ICalendarPeriod,
    ICalendarProperty as Property, ICalendarScheduleAgentValue, ICalendarStatus,
    ICalendarTransparency, ICalendarValue as Value,
};
use calcard::{Entry, Parser};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::write::clean;
use super::{
    Agent, Alarm, Answer, Attendee, BusyKind, Calendar, Event, FreeBusy, IcalError, MAX_BYTES,
    Method, Moment, Person, Role, Status,
};

/// Components that are read of one file at most; what is beyond is named in the warnings.
const MOST_COMPONENTS: usize = 20_000;
/// Warnings that are kept.
const MOST_WARNINGS: usize = 50;

impl Calendar {
    /// Reads a calendar, or several that follow each other.
    ///
    /// What cannot be read is left out and named in `warnings`: an event without a UID, a rule that makes no sense.
    ///
    /// # Errors
    /// There is no calendar in the text, or it is too large.
    pub fn parse(text: &str) -> Result<Self, IcalError> {
        if text.len() > MAX_BYTES {
            return Err(IcalError::TooLarge);
        }
        let mut parser = Parser::new(text);
        let mut out = Self::default();
        let mut found = false;
        loop {
            match parser.entry() {
                Entry::ICalendar(one) => {
                    let is_calendar = one
                        .components
                        .first()
                        .is_some_and(|top| top.component_type == Type::VCalendar);
                    found |= is_calendar;
                    if is_calendar {
                        out.take(&one);
                    }
                }
                Entry::Eof => break,
                Entry::InvalidLine(_) => {}
                _ => out.warn("a component was not ended as it began".to_owned()),
            }
        }
        if found {
            Ok(out)
        } else {
            Err(IcalError::NotACalendar)
        }
    }

    fn warn(&mut self, warning: String) {
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(warning);
        }
    }

    fn take(&mut self, all: &ICalendar) {
        let Some(top) = all.components.first() else {
            return;
        };
        for entry in &top.entries {
            match &entry.name {
                Property::Method => {
                    let said = words(entry).to_ascii_uppercase();
                    let known = Method::ALL.iter().find(|(_, name)| *name == said);
                    self.method = known.map(|(method, _)| *method);
                }
                Property::Name => self.name = words(entry),
                Property::Other(name)
                    if self.name.is_empty() && name.eq_ignore_ascii_case("X-WR-CALNAME") =>
                {
                    self.name = words(entry);
                }
                _ => {}
            }
        }
        if all.components.len() > MOST_COMPONENTS {
            self.warn(format!(
                "only {MOST_COMPONENTS} of {} components were read",
                all.components.len()
            ));
        }
        for component in all.components.iter().take(MOST_COMPONENTS) {
            match component.component_type {
                Type::VEvent => match event(all, component, &mut self.warnings) {
                    Some(event) => self.events.push(event),
                    None => self.warn("an event without a UID was left out".to_owned()),
                },
                Type::VFreebusy => self.busy.push(free_busy(component)),
                _ => {}
            }
        }
        self.warnings.truncate(MOST_WARNINGS);
    }
}

/// The first value as text.
fn words(entry: &ICalendarEntry) -> String {
    let value = entry.values.first();
    let text = match value {
        Some(Value::Method(method)) => {
            use calcard::common::IanaString as _;
            method.as_str().to_owned()
        }
        Some(Value::Integer(number)) => number.to_string(),
        Some(value) => value.as_text().unwrap_or_default().to_owned(),
        None => String::new(),
    };
    clean(&text)
}

fn parameter<'a>(entry: &'a ICalendarEntry, name: &Name) -> Option<&'a Parameter> {
    entry
        .params
        .iter()
        .find(|one| one.name == *name)
        .map(|one| &one.value)
}

/// A parameter's text with RFC 6868's signs read.
fn parameter_text(entry: &ICalendarEntry, name: &Name) -> String {
    let text = parameter(entry, name).and_then(|value| value.as_text());
    let text = text.unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(c) = signs.next() {
        let read = match (c, signs.peek()) {
            ('^', Some('\'')) => '"',
            ('^', Some('^')) => '^',
            ('^', Some('n' | 'N')) => '\n',
            _ => {
                out.push(c);
                continue;
            }
        };
        signs.next();
        out.push(read);
    }
    clean(&out)
}

fn event(
    all: &ICalendar,
    component: &ICalendarComponent,
    warnings: &mut Vec<String>,
) -> Option<Event> {
    let uid = component
        .entries
        .iter()
        .find(|entry| entry.name == Property::Uid)
        .map(words)
        .filter(|uid| !uid.is_empty())?;
    let mut out = Event::bare(uid, Timestamp::UNIX_EPOCH);
    let mut length = None;
    for entry in &component.entries {
        match &entry.name {
            Property::Dtstamp => {
                out.stamp = first(entry)
                    .and_then(|at| at.instant_for(&TimeZone::UTC))
                    .unwrap_or(Timestamp::UNIX_EPOCH);
            }
            Property::LastModified => {
                out.modified = first(entry).and_then(|at| at.instant_for(&TimeZone::UTC));
            }
            Property::Sequence => {
                out.sequence = entry
                    .values
                    .first()
                    .and_then(Value::as_integer)
                    .and_then(|number| u32::try_from(number).ok())
                    .unwrap_or(0);
            }
            Property::Dtstart => out.start = first(entry),
            Property::Dtend => out.end = first(entry),
            Property::Duration => {
                if let Some(Value::Duration(span)) = entry.values.first() {
                    length = Some(SignedDuration::from_secs(span.as_seconds()));
                }
            }
            Property::RecurrenceId => out.of = first(entry),
            Property::Rrule => match rule(entry) {
                Ok(rule) => out.rule = rule,
                Err(error) => {
                    warnings.push(format!("the rule of {} was left out: {error}", out.uid));
                }
            },
            Property::Exdate => out.excluded.extend(moments(entry)),
            Property::Rdate => out.added.extend(moments(entry)),
            Property::Summary => out.summary = words(entry),
            Property::Description => out.description = words(entry),
            Property::Location => out.location = words(entry),
            Property::Comment => out.comment = words(entry),
            Property::Url => out.url = Some(words(entry)).filter(|url| !url.is_empty()),
            Property::Conference => {
                out.conference = Some(words(entry)).filter(|link| !link.is_empty());
            }
            Property::Status => {
                out.status = match entry.values.first() {
                    Some(Value::Status(ICalendarStatus::Cancelled)) => Status::Cancelled,
                    Some(Value::Status(ICalendarStatus::Tentative)) => Status::Tentative,
                    _ => Status::Confirmed,
                };
            }
            Property::Transp => {
                out.free = matches!(
                    entry.values.first(),
                    Some(Value::Transparency(ICalendarTransparency::Transparent))
                );
            }
            Property::Organizer => out.organizer = person(entry),
            Property::Attendee => out.attendees.extend(attendee(entry)),
            _ => {}
        }
    }
    if out.end.is_none()
        && let (Some(start), Some(length)) = (&out.start, length)
    {
        out.end = start.later(length);
    }
    for id in &component.component_ids {
        let one = usize::try_from(*id)
            .ok()
            .and_then(|id| all.components.get(id));
        out.alarms.extend(one.and_then(alarm));
    }
    Some(out)
}

fn rule(
    entry: &ICalendarEntry,
) -> Result<Option<crate::recurrence::Rule>, crate::recurrence::RuleError> {
    let text = match entry.values.first() {
        Some(Value::RecurrenceRule(rule)) => rule.to_string(),
        Some(Value::Text(text)) => text.clone(),
        _ => return Ok(None),
    };
    text.parse().map(Some)
}

fn first(entry: &ICalendarEntry) -> Option<Moment> {
    moments(entry).into_iter().next()
}

/// A date property's values.
fn moments(entry: &ICalendarEntry) -> Vec<Moment> {
    let tzid = parameter(entry, &Name::Tzid).and_then(|value| value.as_text());
    let zone = tzid.and_then(zone_name);
    entry
        .values
        .iter()
        .filter_map(|value| match value {
            Value::PartialDateTime(value) => moment(value, zone.as_deref()),
            Value::Period(
                ICalendarPeriod::Range { start, .. } | ICalendarPeriod::Duration { start, .. },
            ) => moment(start, zone.as_deref()),
            _ => None,
        })
        .collect()
}

/// The IANA name of a `TZID`: such a name itself, one with a prefix, or what Windows and Outlook call it.
fn zone_name(tzid: &str) -> Option<String> {
    let tzid = tzid.trim();
    if TimeZone::get(tzid).is_ok() {
        return Some(tzid.to_owned());
    }
    let tail = tzid.rsplitn(3, '/').collect::<Vec<_>>();
    if let [city, area, ..] = tail.as_slice() {
        let name = format!("{area}/{city}");
        if TimeZone::get(&name).is_ok() {
            return Some(name);
        }
    }
    let known = tzid.parse::<Tz>().ok()?.name()?;
    TimeZone::get(&known).ok().map(|_| known.into_owned())
}

fn moment(value: &PartialDateTime, zone: Option<&str>) -> Option<Moment> {
    let small = |number: Option<u8>| number.and_then(|number| i8::try_from(number).ok());
    let day = Date::new(
        i16::try_from(value.year?).ok()?,
        small(value.month)?,
        small(value.day)?,
    )
    .ok()?;
    let Some(hour) = small(value.hour) else {
        return Some(Moment::Day(day));
    };
    let local: DateTime = day.to_datetime(
        jiff::civil::Time::new(
            hour,
            small(value.minute).unwrap_or(0),
            // A leap second is the one before.
            small(value.second).unwrap_or(0).min(59),
            0,
        )
        .ok()?,
    );
    if let Some(hours) = small(value.tz_hour) {
        let seconds = i32::from(hours) * 3600 + i32::from(small(value.tz_minute).unwrap_or(0)) * 60;
        let offset =
            jiff::tz::Offset::from_seconds(if value.tz_minus { -seconds } else { seconds });
        return offset.ok()?.to_timestamp(local).ok().map(Moment::Utc);
    }
    Some(match zone {
        Some("UTC" | "Etc/UTC") => Moment::Utc(TimeZone::UTC.to_timestamp(local).ok()?),
        Some(zone) => Moment::in_zone(local, zone),
        None => Moment::Floating(local),
    })
}

fn person(entry: &ICalendarEntry) -> Option<Person> {
    let address = entry.calendar_address()?.trim();
    let address = decoded(address);
    // Exchange writes X.500 addresses, and the mail's in a parameter.
    let email = if address.contains('@') {
        address
    } else {
        parameter_text(entry, &Name::Email)
    };
    if email.is_empty() {
        return None;
    }
    Some(Person {
        email: clean(&email),
        name: parameter_text(entry, &Name::Cn).trim().to_owned(),
    })
}

/// What [`super::write`] percent-encodes.
fn decoded(address: &str) -> String {
    address
        .replace("%2C", ",")
        .replace("%3B", ";")
        .replace("%5C", "\\")
}

fn attendee(entry: &ICalendarEntry) -> Option<Attendee> {
    let person = person(entry)?;
    let role = match parameter(entry, &Name::Role) {
        Some(Parameter::Role(ICalendarParticipationRole::Chair)) => Role::Chair,
        Some(Parameter::Role(ICalendarParticipationRole::OptParticipant)) => Role::Optional,
        Some(Parameter::Role(ICalendarParticipationRole::NonParticipant)) => Role::Informed,
        _ => Role::Required,
    };
    let answer = match parameter(entry, &Name::Partstat) {
        Some(Parameter::Partstat(Said::Accepted)) => Answer::Accepted,
        Some(Parameter::Partstat(Said::Declined)) => Answer::Declined,
        Some(Parameter::Partstat(Said::Tentative)) => Answer::Tentative,
        Some(Parameter::Partstat(Said::Delegated)) => Answer::Delegated,
        _ => Answer::Pending,
    };
    let agent = match parameter(entry, &Name::ScheduleAgent) {
        Some(Parameter::ScheduleAgent(ICalendarScheduleAgentValue::Client)) => Agent::Client,
        Some(Parameter::ScheduleAgent(ICalendarScheduleAgentValue::None)) => Agent::Nobody,
        _ => Agent::Server,
    };
    Some(Attendee {
        person,
        role,
        answer,
        rsvp: matches!(parameter(entry, &Name::Rsvp), Some(Parameter::Bool(true))),
        agent,
    })
}

/// An alarm so many minutes before the start; none of another kind.
fn alarm(component: &ICalendarComponent) -> Option<Alarm> {
    if component.component_type != Type::VAlarm {
        return None;
    }
    let value = |name: Property| component.entries.iter().find(move |one| one.name == name);
    if let Some(Value::Action(ICalendarAction::Procedure)) =
        value(Property::Action).and_then(|one| one.values.first())
    {
        return None;
    }
    let Some(Value::Duration(before)) = value(Property::Trigger).and_then(|one| one.values.first())
    else {
        return None;
    };
    Some(Alarm {
        minutes_before: u32::try_from(-before.as_seconds() / 60).ok()?,
        text: value(Property::Description).map(words).unwrap_or_default(),
    })
}

fn free_busy(component: &ICalendarComponent) -> FreeBusy {
    let mut out = FreeBusy {
        attendee: None,
        periods: Vec::new(),
    };
    for entry in &component.entries {
        match entry.name {
            Property::Attendee => out.attendee = person(entry).map(|person| person.email),
            Property::Freebusy => {
                use ICalendarFreeBusyType as Kind;
                let kind = match parameter(entry, &Name::Fbtype) {
                    Some(Parameter::Fbtype(Kind::Free)) => BusyKind::Free,
                    Some(Parameter::Fbtype(Kind::BusyUnavailable)) => BusyKind::Unavailable,
                    Some(Parameter::Fbtype(Kind::BusyTentative)) => BusyKind::Tentative,
                    _ => BusyKind::Busy,
                };
                for value in &entry.values {
                    let Value::Period(period) = value else {
                        continue;
                    };
                    let at = |value: &PartialDateTime| {
                        moment(value, None).and_then(|at| at.instant_for(&TimeZone::UTC))
                    };
                    let (start, end) = match period {
                        ICalendarPeriod::Range { start, end } => (at(start), at(end)),
                        ICalendarPeriod::Duration { start, duration } => {
                            let start = at(start);
                            let span = SignedDuration::from_secs(duration.as_seconds());
                            (start, start.and_then(|at| at.checked_add(span).ok()))
                        }
                    };
                    if let (Some(start), Some(end)) = (start, end)
                        && start < end
                    {
                        out.periods.push((start, end, kind));
                    }
                }
            }
            _ => {}
        }
    }
    out
}

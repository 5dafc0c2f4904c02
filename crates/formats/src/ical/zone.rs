//! Describing zones (`VTIMEZONE`): from the zone database, for the years that the events cover.

use std::collections::BTreeMap;

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType as Type, ICalendarEntry,
    ICalendarProperty as Property, ICalendarValue as Value,
};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Dst, Offset, TimeZone};

use super::write::{add, partial};
use super::{Event, Moment};

/// Years that are described beyond the last start that is known, for series that go on.
const YEARS_AHEAD: i16 = 6;
/// Changes of the clock that are looked at for one zone at most.
const MOST_CHANGES: usize = 400;

/// One change of a zone's clocks.
#[derive(Debug, Clone)]
struct Change {
    /// The wall clock before, at the change.
    local: DateTime,
    at: Timestamp,
    from: Offset,
    to: Offset,
    summer: bool,
    name: String,
}

/// Appends a zone's description to a calendar; nothing when the zone is unknown.
pub(super) fn describe(all: &mut ICalendar, name: &str, events: &[Event]) {
    let Ok(zone) = TimeZone::get(name) else {
        return;
    };
    let mut out = ICalendarComponent::new(Type::VTimezone);
    out.entries
        .push(ICalendarEntry::new(Property::Tzid).with_value(Value::Text(name.to_owned())));
    let place = add(all, 0, out);
    let (first, last) = years(events);
    let changes = changes(&zone, first, last);
    // What holds before the first change, or always.
    let begin = Date::new(first, 1, 1).unwrap_or(Date::MIN).at(0, 0, 0, 0);
    if let Ok(at) = zone.to_ambiguous_timestamp(begin).compatible() {
        let info = zone.to_offset_info(at);
        let base = Change {
            local: jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0),
            at,
            from: info.offset(),
            to: info.offset(),
            summer: info.dst() == Dst::Yes,
            name: info.abbreviation().to_owned(),
        };
        add(all, place, observance(&base, None));
    }
    // Changes of one kind repeat by a yearly rule for as long as they fall on the same weekday of the same month.
    let mut kinds: BTreeMap<(Offset, Offset, bool, String), Vec<Change>> = BTreeMap::new();
    for change in changes {
        let kind = (change.from, change.to, change.summer, change.name.clone());
        kinds.entry(kind).or_default().push(change);
    }
    for list in kinds.into_values() {
        let mut rest = list.as_slice();
        while let Some(one) = rest.first() {
            let (length, day) = run(rest);
            let end = rest.get(length - 1).unwrap_or(one);
            let open = length == rest.len() && end.local.year() >= last;
            let rule = (length > 1).then(|| {
                let until = if open {
                    String::new()
                } else {
                    format!(";UNTIL={}", end.at.strftime("%Y%m%dT%H%M%SZ"))
                };
                format!(
                    "FREQ=YEARLY;BYMONTH={};BYDAY={day}{until}",
                    one.local.month()
                )
            });
            add(all, place, observance(one, rule));
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

/// The years that the description has to cover.
fn years(events: &[Event]) -> (i16, i16) {
    let starts: Vec<i16> = events
        .iter()
        .flat_map(|event| [&event.start, &event.of, &event.end])
        .flatten()
        .map(|moment: &Moment| moment.local().year())
        .collect();
    let first = starts.iter().min().copied().unwrap_or(1970).max(1);
    let last = starts.iter().max().copied().unwrap_or(1970);
    (first, last.saturating_add(YEARS_AHEAD).min(9000))
}

fn changes(zone: &TimeZone, first: i16, last: i16) -> Vec<Change> {
    let Ok(begin) = Date::new(first, 1, 1)
        .map(|day| day.at(0, 0, 0, 0))
        .and_then(|local| zone.to_ambiguous_timestamp(local).compatible())
    else {
        return Vec::new();
    };
    let mut from = zone.to_offset_info(begin).offset();
    let mut out = Vec::new();
    for transition in zone.following(begin).take(MOST_CHANGES) {
        let at = transition.timestamp();
        let local = from.to_datetime(at);
        if local.year() > last {
            break;
        }
        out.push(Change {
            local,
            at,
            from,
            to: transition.offset(),
            summer: transition.dst() == Dst::Yes,
            name: transition.abbreviation().to_owned(),
        });
        from = transition.offset();
    }
    out
}

/// How many of the first changes follow one yearly rule, and its `BYDAY`.
fn run(list: &[Change]) -> (usize, String) {
    let Some(first) = list.first() else {
        return (0, String::new());
    };
    let days = |change: &Change| -> Vec<i8> {
        let day = change.local.date();
        let nth = (day.day() - 1) / 7 + 1;
        if day.day() + 7 > day.days_in_month() {
            vec![-1, nth]
        } else {
            vec![nth]
        }
    };
    let mut possible = days(first);
    let mut length = 1;
    for pair in list.windows(2) {
        let (before, change) = (&pair[0], &pair[1]);
        let now = days(change);
        let both: Vec<i8> = possible
            .iter()
            .copied()
            .filter(|n| now.contains(n))
            .collect();
        let same = change.local.year() == before.local.year() + 1
            && change.local.month() == first.local.month()
            && change.local.time() == first.local.time()
            && change.local.date().weekday() == first.local.date().weekday();
        if !same || both.is_empty() {
            break;
        }
        possible = both;
        length += 1;
    }
    let names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let at = first.local.date().weekday().to_monday_zero_offset();
    let name = usize::try_from(at).ok().and_then(|at| names.get(at));
    let nth = possible.first().copied().unwrap_or(1);
    (length, format!("{nth}{}", name.unwrap_or(&"SU")))
}

fn observance(change: &Change, rule: Option<String>) -> ICalendarComponent {
    let mut out = ICalendarComponent::new(if change.summer {
        Type::Daylight
    } else {
        Type::Standard
    });
    out.entries
        .push(ICalendarEntry::new(Property::Dtstart).with_value(partial(change.local, false)));
    for (name, offset) in [
        (Property::Tzoffsetfrom, change.from),
        (Property::Tzoffsetto, change.to),
    ] {
        out.entries
            .push(ICalendarEntry::new(name).with_value(offset_value(offset)));
    }
    out.entries
        .push(ICalendarEntry::new(Property::Tzname).with_value(Value::Text(change.name.clone())));
    if let Some(rule) = rule {
        out.entries
            .push(ICalendarEntry::new(Property::Rrule).with_value(Value::Text(rule)));
    }
    out
}

fn offset_value(offset: Offset) -> PartialDateTime {
    let minutes = offset.seconds() / 60;
    PartialDateTime {
        tz_hour: u8::try_from(minutes.abs() / 60).ok(),
        tz_minute: u8::try_from(minutes.abs() % 60).ok(),
        tz_minus: minutes < 0,
        ..PartialDateTime::default()
    }
}

//! What Zoom would refuse, misread or silently change, found before it is asked.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use parfocal_zoom::limit::Quota;

use super::shape::{Cadence, RecurrenceInput, Weekday};
use crate::error::{EngineError, Fault};

/// How far in the past a start may lie and still be meant: clocks differ, and people are slow.
const GRACE: SignedDuration = SignedDuration::from_mins(5);
/// Zoom's longest meeting, in minutes.
const LONGEST: i64 = 1_440;
/// Most occurrences of a series at Zoom.
const OCCURRENCES: i64 = 60;

/// Faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Ends the check.
    pub(super) fn done(self, what: &str) -> crate::Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(EngineError::faulty(what, self.0))
        }
    }
}

/// A start as Zoom takes it, and as an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    /// UTC with a `Z`, or local to the zone.
    pub(super) sent: String,
    /// When it is.
    pub(super) at: Timestamp,
}

/// Reads a zone.
pub(super) fn zone(name: Option<&str>, faults: &mut Faults) -> Option<TimeZone> {
    let name = name?;
    let found = TimeZone::get(name).ok();
    if found.is_none() {
        faults.add(Fault::new(
            "timezone",
            name,
            "there is no such time zone",
            zone_mend(name),
        ));
    }
    found
}

/// A zone of the same city or area, for who knows only its name.
fn zone_mend(name: &str) -> String {
    let wanted = name.trim().to_lowercase().replace(' ', "_");
    let near = jiff::tz::db()
        .available()
        .map(|known| known.as_str().to_owned())
        .find(|known| {
            let lower = known.to_lowercase();
            lower == wanted
                || (wanted.len() > 2 && lower.rsplit('/').next() == Some(wanted.as_str()))
        });
    match near {
        Some(near) => format!("Did you mean {near}?"),
        None => "Write a name of the IANA database, such as Europe/Berlin or America/New_York."
            .to_owned(),
    }
}

/// Reads a start: with an offset, or local in a zone. It has to lie ahead.
pub(super) fn start(
    field: &str,
    text: &str,
    zone: Option<&TimeZone>,
    zone_named: bool,
    now: Timestamp,
    faults: &mut Faults,
) -> Option<Start> {
    let found = instant(field, text, zone, zone_named, faults)?;
    if found.at < now.saturating_sub(GRACE).unwrap_or(Timestamp::MIN) {
        faults.add(Fault::new(
            field,
            text,
            format!(
                "it is in the past (now it is {})",
                now.strftime("%Y-%m-%dT%H:%M:%SZ")
            ),
            "Give a start that lies ahead.",
        ));
        return None;
    }
    Some(found)
}

/// Reads an instant: with an offset, or local in a zone.
pub(super) fn instant(
    field: &str,
    text: &str,
    zone: Option<&TimeZone>,
    zone_named: bool,
    faults: &mut Faults,
) -> Option<Start> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Start {
            sent: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            at,
        });
    }
    let civil: DateTime = match text.parse() {
        Ok(civil) if text.len() > 10 => civil,
        _ => {
            faults.add(Fault::new(
                field,
                text,
                "it is neither an instant nor a local time",
                "Write 2026-12-01T09:00:00+01:00, or 2026-12-01T09:00:00 together with a timezone.",
            ));
            return None;
        }
    };
    let Some(zone) = zone else {
        if !zone_named {
            faults.add(Fault::missing(
                "timezone",
                format!("{field} is a local time, and it is not said where"),
                "Add a timezone such as Europe/Berlin, or write the time with its offset.",
            ));
        }
        return None;
    };
    let ambiguous = zone.to_ambiguous_zoned(civil);
    if let AmbiguousOffset::Gap { .. } = ambiguous.offset() {
        faults.add(Fault::new(
            field,
            text,
            "this time does not exist there: clocks are put forward over it",
            "Choose a time before or after the change.",
        ));
        return None;
    }
    let at = ambiguous.compatible().ok()?.timestamp();
    Some(Start {
        sent: civil.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        at,
    })
}

/// The length in minutes, from a duration or an end.
pub(super) fn minutes(
    duration: Option<i64>,
    end: Option<&Start>,
    end_text: Option<&str>,
    start: Option<&Start>,
    faults: &mut Faults,
) -> Option<i64> {
    let Some(end_text) = end_text else {
        return duration;
    };
    let Some(start) = start else {
        return duration;
    };
    let end = end?;
    let length = end.at.duration_since(start.at).as_mins();
    if length <= 0 {
        faults.add(Fault::new(
            "end",
            end_text,
            "the meeting would end before it begins",
            "Give an end after the start, or a duration instead.",
        ));
        return None;
    }
    if length > LONGEST {
        faults.add(Fault::new(
            "end",
            end_text,
            format!("the meeting would last {length} minutes"),
            format!("Zoom's meetings last {LONGEST} minutes at most."),
        ));
        return None;
    }
    if duration.is_some_and(|duration| duration != length) {
        faults.add(Fault::new(
            "end",
            end_text,
            format!("the end makes {length} minutes, and the duration says otherwise"),
            "Give an end or a duration, not both.",
        ));
        return None;
    }
    Some(length)
}

/// What Zoom cannot repeat.
pub(super) fn recurrence(
    rule: &RecurrenceInput,
    start: Option<&Start>,
    zone: Option<&TimeZone>,
    faults: &mut Faults,
) {
    let (most, unit) = match rule.every {
        Cadence::Day => (99, "days"),
        Cadence::Week => (50, "weeks"),
        Cadence::Month => (10, "months"),
    };
    let interval = rule.interval.unwrap_or(1);
    if !(1..=most).contains(&interval) {
        faults.add(Fault::new(
            "recurrence.interval",
            interval,
            format!("Zoom repeats every {most} {unit} at most"),
            format!("Write 1 to {most}."),
        ));
    }
    if !rule.weekdays.is_empty() && rule.every != Cadence::Week {
        faults.add(Fault::missing(
            "recurrence.weekdays",
            "only what repeats by the week has days of the week",
            "Set every to week, or use month_week and month_weekday.",
        ));
    }
    let by_day = rule.month_day.is_some();
    let by_week = rule.month_week.is_some() || rule.month_weekday.is_some();
    if (by_day || by_week) && rule.every != Cadence::Month {
        faults.add(Fault::missing(
            "recurrence",
            "only what repeats by the month has a day or week of the month",
            "Set every to month, or leave month_day, month_week and month_weekday out.",
        ));
    }
    if by_day && by_week {
        faults.add(Fault::missing(
            "recurrence",
            "a day of the month and a week of the month exclude each other",
            "Give month_day, or month_week together with month_weekday.",
        ));
    }
    if rule.month_week.is_some() != rule.month_weekday.is_some() {
        faults.add(Fault::missing(
            "recurrence",
            "a week of the month needs its day",
            "Give month_week together with month_weekday.",
        ));
    }
    if rule.month_week == Some(0) {
        faults.add(Fault::new(
            "recurrence.month_week",
            0,
            "there is no such week",
            "Write 1 to 4, or -1 for the last.",
        ));
    }
    if rule.count.is_none() && rule.until.is_none() {
        faults.add(Fault::missing(
            "recurrence",
            "it is not said when the series ends",
            format!("Give count (at most {OCCURRENCES}) or until."),
        ));
    }
    match (start, zone) {
        (Some(_), None) => faults.add(Fault::missing(
            "timezone",
            "a series keeps its time of day in a zone, and it is not said which",
            "Add a timezone such as Europe/Berlin.",
        )),
        (None, _) if rule.every == Cadence::Week && rule.weekdays.is_empty() => {
            faults.add(Fault::missing(
                "recurrence.weekdays",
                "it is not said on which day of the week",
                "Give weekdays, or the start, whose day is taken.",
            ));
        }
        (None, _) if rule.every == Cadence::Month && !by_day && !by_week => {
            faults.add(Fault::missing(
                "recurrence.month_day",
                "it is not said on which day of the month",
                "Give month_day, or the start, whose day is taken.",
            ));
        }
        _ => {}
    }
    if rule.count.is_some() && rule.until.is_some() {
        faults.add(Fault::missing(
            "recurrence",
            "it would end twice",
            "Give count or until, not both.",
        ));
    }
    let (Some(until), Some(start)) = (&rule.until, start) else {
        return;
    };
    let named = zone.is_some();
    let Some(until_at) = instant("recurrence.until", until, zone, named, faults) else {
        return;
    };
    if until_at.at < start.at {
        faults.add(Fault::new(
            "recurrence.until",
            until.as_str(),
            "the series would end before it begins",
            "Give a time after the start.",
        ));
        return;
    }
    let days = until_at.at.duration_since(start.at).as_hours() / 24;
    let often = match rule.every {
        Cadence::Day => days / interval.max(1) + 1,
        Cadence::Week => {
            let per_week = i64::try_from(rule.weekdays.len().max(1)).unwrap_or(7);
            (days / (7 * interval.max(1))) * per_week + 1
        }
        Cadence::Month => days / (31 * interval.max(1)) + 1,
    };
    if often > OCCURRENCES {
        faults.add(Fault::new(
            "recurrence.until",
            until.as_str(),
            format!("the series would have about {often} occurrences"),
            format!("Zoom makes {OCCURRENCES} at most: end it earlier, or repeat it more seldom."),
        ));
    }
}

/// What to do when a quota of a day is used up.
pub(super) fn quota_mend(quota: &Quota) -> String {
    match quota {
        Quota::HostWrites { host } => format!(
            "host {host}: Zoom lets a host create and update {} meetings and webinars a day. Ask again after 00:00 UTC, or \
             name another host.",
            quota.per_day()
        ),
        Quota::RegistrantAdd { email, .. } => format!(
            "email {email}: Zoom takes the same registrant {} times a day for a meeting. Ask again after 00:00 UTC.",
            quota.per_day()
        ),
        Quota::RegistrantStatus { registrant, .. } => format!(
            "registrant {registrant}: Zoom changes a registration {} times a day. Ask again after 00:00 UTC.",
            quota.per_day()
        ),
    }
}

/// Zoom's number of a day of the week, 1 (Sunday) to 7.
pub(super) fn zoom_day(day: Weekday) -> i64 {
    match day {
        Weekday::Sunday => 1,
        Weekday::Monday => 2,
        Weekday::Tuesday => 3,
        Weekday::Wednesday => 4,
        Weekday::Thursday => 5,
        Weekday::Friday => 6,
        Weekday::Saturday => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn start_of(text: &str, zone_name: Option<&str>) -> Result<Start, Vec<Fault>> {
        let mut faults = Faults::default();
        let zone = zone(zone_name, &mut faults);
        let found = start(
            "start",
            text,
            zone.as_ref(),
            zone_name.is_some(),
            now(),
            &mut faults,
        );
        found.filter(|_| faults.0.is_empty()).ok_or(faults.0)
    }

    #[test]
    fn starts_are_read_as_people_and_programs_write_them() {
        assert_eq!(
            start_of("2026-12-01T09:00:00+01:00", None).unwrap().sent,
            "2026-12-01T08:00:00Z"
        );
        let local = start_of("2026-12-01T09:00", Some("Europe/Berlin")).unwrap();
        assert_eq!(local.sent, "2026-12-01T09:00:00");
        assert_eq!(local.at, "2026-12-01T08:00:00Z".parse().unwrap());
    }

    #[test]
    fn each_wrong_start_says_what_is_wrong_and_how_to_mend_it() {
        for (text, zone, field, words) in [
            ("2026-11-22T09:00:00Z", None, "start", "in the past"),
            ("2026-12-01T09:00:00", None, "timezone", "local time"),
            (
                "2026-12-01T09:00:00",
                Some("Europe/Bärlin"),
                "timezone",
                "no such time zone",
            ),
            (
                "2026-12-01T09:00:00",
                Some("Berlin"),
                "timezone",
                "no such time zone",
            ),
            ("next week", Some("Europe/Berlin"), "start", "neither"),
            ("2026-12-01", Some("Europe/Berlin"), "start", "neither"),
            (
                "2027-03-28T02:30:00",
                Some("Europe/Berlin"),
                "start",
                "does not exist",
            ),
        ] {
            let faults = start_of(text, zone).unwrap_err();
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert_eq!(faults[0].field, field, "{text}");
            assert!(faults[0].problem.contains(words), "{text}: {faults:?}");
            assert!(!faults[0].mend.is_empty());
        }
        let faults = start_of("2026-12-01T09:00:00", Some("Berlin")).unwrap_err();
        assert_eq!(faults[0].mend, "Did you mean Europe/Berlin?");
    }

    #[test]
    fn rules_beyond_zoom_are_refused() {
        let begin = Start {
            sent: String::new(),
            at: now(),
        };
        let check = |rule: RecurrenceInput| {
            let mut faults = Faults::default();
            recurrence(&rule, Some(&begin), Some(&TimeZone::UTC), &mut faults);
            faults.0
        };
        let daily = RecurrenceInput::every(Cadence::Day);
        assert!(
            check(RecurrenceInput {
                count: Some(60),
                ..daily.clone()
            })
            .is_empty()
        );
        assert_eq!(
            check(RecurrenceInput {
                interval: Some(100),
                ..daily.clone()
            })[0]
                .field,
            "recurrence.interval"
        );
        for (every, interval) in [(Cadence::Week, 51), (Cadence::Month, 11)] {
            let faults = check(RecurrenceInput {
                interval: Some(interval),
                count: Some(2),
                ..RecurrenceInput::every(every)
            });
            assert_eq!(faults.len(), 1, "{faults:?}");
        }
        assert!(
            check(daily.clone())[0]
                .problem
                .contains("when the series ends")
        );
        let mut faults = Faults::default();
        let endless = RecurrenceInput {
            count: Some(2),
            ..RecurrenceInput::every(Cadence::Week)
        };
        recurrence(&endless, Some(&begin), None, &mut faults);
        recurrence(&endless, None, None, &mut faults);
        let fields: Vec<&str> = faults.0.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["timezone", "recurrence.weekdays"]);
        let until = |text: &str| RecurrenceInput {
            until: Some(text.into()),
            ..daily.clone()
        };
        assert!(check(until("2026-12-22T00:00:00Z")).is_empty());
        assert!(
            check(until("2027-03-22T00:00:00Z"))[0]
                .problem
                .contains("occurrences")
        );
        assert!(
            check(until("2026-11-01T00:00:00Z"))[0]
                .problem
                .contains("before it begins")
        );
        let twice = RecurrenceInput {
            count: Some(3),
            ..until("2026-12-22T00:00:00Z")
        };
        assert!(check(twice)[0].problem.contains("twice"));
        let week = RecurrenceInput {
            month_week: Some(1),
            count: Some(2),
            ..RecurrenceInput::every(Cadence::Month)
        };
        assert_eq!(check(week).len(), 1);
    }
}

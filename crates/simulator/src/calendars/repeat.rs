//! When repeating events happen: the `rrule` crate on the bare wall clock, each time then placed in its zone.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// How many instances of one series are looked through.
const MOST: usize = 3_000;

/// One time at which a repeating event happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Happens {
    /// Wall clock in the event's zone.
    pub(super) local: DateTime,
    /// The instant; midnight in UTC for whole days.
    pub(super) at: Timestamp,
}

/// The instant of a wall-clock time; a time skipped in spring moves forward by the gap.
pub(super) fn place(local: DateTime, zone: &TimeZone) -> Timestamp {
    zone.to_ambiguous_zoned(local)
        .compatible()
        .map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// The instances of `RRULE:`, `RDATE` and `EXDATE` lines from `start` on; why not, when the lines make no sense.
pub(super) fn instances(
    lines: &[String],
    start: DateTime,
    zone: &TimeZone,
) -> Result<Vec<Happens>, String> {
    let mut times = Vec::new();
    let (mut excluded, mut added) = (Vec::new(), Vec::new());
    let mut ruled = false;
    for line in lines {
        let (head, value) = line
            .split_once(':')
            .ok_or_else(|| format!("not a recurrence line: {line}"))?;
        let mut head = head.split(';');
        let name = head.next().unwrap_or("").to_ascii_uppercase();
        let own = head.find_map(|part| part.strip_prefix("TZID="));
        let own = own.and_then(|name| TimeZone::get(name).ok());
        match name.as_str() {
            "RRULE" => {
                ruled = true;
                times.extend(of_rule(value, start, zone)?);
            }
            "EXDATE" | "RDATE" => {
                for text in value.split(',') {
                    let local = wall(text, own.as_ref().unwrap_or(zone), zone)
                        .ok_or_else(|| format!("not a date or time: {text}"))?;
                    if name == "EXDATE" {
                        excluded.push(local);
                    } else {
                        added.push(local);
                    }
                }
            }
            other => return Err(format!("unknown recurrence line {other}")),
        }
    }
    if !ruled && times.is_empty() {
        times.push(start);
    }
    times.extend(added);
    times.retain(|time| !excluded.contains(time));
    times.sort_unstable();
    times.dedup();
    times.truncate(MOST);
    Ok(times
        .into_iter()
        .map(|local| Happens {
            local,
            at: place(local, zone),
        })
        .collect())
}

/// A date or time of a line as wall clock in `zone`.
fn wall(text: &str, own: &TimeZone, zone: &TimeZone) -> Option<DateTime> {
    if let Some(utc) = text.strip_suffix('Z') {
        let utc = DateTime::strptime("%Y%m%dT%H%M%S", utc).ok()?;
        return Some(zone.to_datetime(place(utc, &TimeZone::UTC)));
    }
    if let Ok(day) = Date::strptime("%Y%m%d", text) {
        return Some(day.at(0, 0, 0, 0));
    }
    let local = DateTime::strptime("%Y%m%dT%H%M%S", text).ok()?;
    Some(zone.to_datetime(place(local, own)))
}

fn of_rule(rule: &str, start: DateTime, zone: &TimeZone) -> Result<Vec<DateTime>, String> {
    let mut parts: Vec<String> = Vec::new();
    let mut until = None;
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| format!("not a part of a rule: {part}"))?;
        match name.to_ascii_uppercase().as_str() {
            "UNTIL" => {
                let last = wall(value, zone, zone).ok_or_else(|| format!("bad UNTIL {value}"))?;
                // A day is inclusive.
                until = Some(if value.contains('T') {
                    last
                } else {
                    last.date().at(23, 59, 59, 0)
                });
            }
            "FREQ" if matches!(value, "SECONDLY" | "MINUTELY" | "HOURLY") => {
                return Err(format!("{value} is not supported"));
            }
            _ => parts.push(part.to_owned()),
        }
    }
    let text = format!(
        "DTSTART:{}\nRRULE:{}",
        start.strftime("%Y%m%dT%H%M%SZ"),
        parts.join(";")
    );
    let set: rrule::RRuleSet = text
        .parse()
        .map_err(|error: rrule::RRuleError| error.to_string())?;
    Ok(set
        .limit()
        .into_iter()
        .map_while(|at| Timestamp::from_second(at.timestamp()).ok())
        .map(|at| TimeZone::UTC.to_datetime(at))
        .take_while(|local| until.is_none_or(|until| *local <= until))
        .take(MOST)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(lines: &[&str], start: &str, zone: &str) -> Vec<String> {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let zone = TimeZone::get(zone).unwrap();
        instances(&lines, start.parse().unwrap(), &zone)
            .unwrap()
            .iter()
            .map(|one| one.at.to_string())
            .collect()
    }

    #[test]
    fn wall_time_stays_across_daylight_saving_and_exceptions_count() {
        let lines = [
            "RRULE:FREQ=WEEKLY;COUNT=4;BYDAY=MO",
            "EXDATE;TZID=Europe/Berlin:20260330T090000",
            "RDATE;TZID=Europe/Berlin:20260331T090000",
        ];
        assert_eq!(
            starts(&lines, "2026-03-23T09:00", "Europe/Berlin"),
            [
                "2026-03-23T08:00:00Z",
                "2026-03-31T07:00:00Z",
                "2026-04-06T07:00:00Z",
                "2026-04-13T07:00:00Z"
            ]
        );
    }

    #[test]
    fn an_end_in_utc_includes_the_last_instance() {
        let lines = ["RRULE:FREQ=DAILY;UNTIL=20261203T140000Z"];
        assert_eq!(
            starts(&lines, "2026-12-01T09:00", "America/New_York").len(),
            3
        );
        let lines = ["RRULE:FREQ=DAILY;UNTIL=20261203T135959Z"];
        assert_eq!(
            starts(&lines, "2026-12-01T09:00", "America/New_York").len(),
            2
        );
    }

    #[test]
    fn what_no_calendar_takes_is_refused() {
        let zone = TimeZone::UTC;
        let start = "2026-12-01T09:00".parse().unwrap();
        for line in ["RRULE:FREQ=HOURLY", "DTSTART:20261201", "RRULE:FREQ", "x"] {
            assert!(
                instances(&[line.to_owned()], start, &zone).is_err(),
                "{line}"
            );
        }
    }
}

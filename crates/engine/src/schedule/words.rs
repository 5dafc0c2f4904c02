//! Starts and repetitions as people write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use parfocal_formats::recurrence::{ByDay, Frequency, Rule};

use crate::error::{EngineError, Fault, Result};

/// A refusal that names the field, its value and the mend.
pub(super) fn faulty(
    field: &str,
    value: &str,
    problem: impl Into<String>,
    mend: &str,
) -> EngineError {
    EngineError::faulty(
        "the meeting cannot be scheduled like this",
        vec![Fault::new(field, value, problem, mend)],
    )
}

/// A local start in a zone.
pub(super) fn start(text: &str, zone: Option<&str>) -> Result<(DateTime, String)> {
    let text = text.trim();
    let known = |name: &str| {
        TimeZone::get(name).map_err(|_| {
            faulty(
                "timezone",
                name,
                "there is no such time zone",
                "Write a name of the IANA database, such as Europe/Berlin.",
            )
        })
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        let name = zone.unwrap_or("UTC");
        return Ok((at.to_zoned(known(name)?).datetime(), name.to_owned()));
    }
    let local = text.parse::<DateTime>().ok().filter(|_| text.len() > 10);
    match (local, zone) {
        (Some(local), Some(zone)) => {
            known(zone)?;
            Ok((local, zone.to_owned()))
        }
        (Some(_), None) => Err(faulty(
            "timezone",
            "",
            "the start is a local time, and it is not said where",
            "Add a timezone such as Europe/Berlin, or write the time with its offset.",
        )),
        (None, _) => Err(faulty(
            "start",
            text,
            "it is neither an instant nor a local time",
            "Write 2030-01-07T09:00:00+01:00, or 2030-01-07T09:00:00 together with a timezone.",
        )),
    }
}

fn day(word: &str) -> Option<jiff::civil::Weekday> {
    use jiff::civil::Weekday as W;
    let of = |name: &str| word.len() >= 2 && name.starts_with(word);
    [
        ("monday", W::Monday),
        ("tuesday", W::Tuesday),
        ("wednesday", W::Wednesday),
        ("thursday", W::Thursday),
        ("friday", W::Friday),
        ("saturday", W::Saturday),
        ("sunday", W::Sunday),
    ]
    .into_iter()
    .find(|(name, _)| of(name))
    .map(|(_, day)| day)
}

/// The rule that a text says: words, days of the week, or RFC 5545.
pub(super) fn rule(text: &str) -> Result<Rule> {
    let lower = text.trim().to_lowercase();
    if lower.contains('=') {
        return text.trim().parse().map_err(|error| {
            faulty(
                "every",
                text,
                format!("{error}"),
                "Write a rule such as FREQ=WEEKLY;BYDAY=MO.",
            )
        });
    }
    let (number, unit) = match lower.split_once(' ') {
        Some((number, unit)) => (number.parse::<u16>().ok().filter(|n| *n > 0), unit.trim()),
        None => (Some(1), lower.as_str()),
    };
    let frequency = match unit.strip_suffix('s').unwrap_or(unit) {
        "day" => Some(Frequency::Daily),
        "week" => Some(Frequency::Weekly),
        "month" => Some(Frequency::Monthly),
        "year" => Some(Frequency::Yearly),
        _ => None,
    };
    if let (Some(interval), Some(frequency)) = (number, frequency) {
        return Ok(Rule {
            interval,
            ..Rule::every(frequency)
        });
    }
    let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"].map(str::to_owned);
    let words: Vec<String> = if lower == "weekday" || lower == "weekdays" {
        weekdays.to_vec()
    } else {
        lower
            .split([',', ' '])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let days: Option<Vec<ByDay>> = words
        .iter()
        .map(|word| day(word).map(ByDay::every))
        .collect();
    match days.filter(|days| !days.is_empty()) {
        Some(by_day) => Ok(Rule {
            by_day,
            ..Rule::every(Frequency::Weekly)
        }),
        None => Err(faulty(
            "every",
            text,
            "it is no way of repeating",
            "Write day, weekday, week, \"2 weeks\", month, days such as mon,wed, or a rule such as FREQ=MONTHLY;BYDAY=-1FR.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_read_as_people_write_them() {
        for (text, written) in [
            ("day", "FREQ=DAILY"),
            ("Weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
            ("2 weeks", "FREQ=WEEKLY;INTERVAL=2"),
            ("mon,wed", "FREQ=WEEKLY;BYDAY=MO,WE"),
            ("friday", "FREQ=WEEKLY;BYDAY=FR"),
            ("month", "FREQ=MONTHLY"),
            ("FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=-1FR"),
        ] {
            assert_eq!(rule(text).unwrap().to_string(), written, "{text}");
        }
        for wrong in ["", "often", "0 days", "m", "FREQ=OFTEN"] {
            assert!(rule(wrong).is_err(), "{wrong}");
        }
    }
}

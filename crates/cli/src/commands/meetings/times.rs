//! Times and lengths as people write them.

use interim::{Dialect, parse_date_string};
use jiff::tz::TimeZone;
use jiff::{RoundMode, Span, SpanRelativeTo, SpanRound, Unit, Zoned, ZonedRound};
use parfocal_engine::App;

use crate::failure::Failure;

/// A start in a zone, as the API takes it: a local time with the zone's name, or an instant where the zone has none.
pub(crate) fn local(
    text: &str,
    name: Option<&str>,
    app: &App,
) -> Result<(String, Option<String>), Failure> {
    let now = app.clock().now().to_zoned(zone(name)?);
    let start = exact(text, &now)?;
    Ok(match start.time_zone().iana_name() {
        // A time of day belongs to a place: it stays there when clocks change.
        Some(name) => {
            let local = start.datetime().strftime("%Y-%m-%dT%H:%M:%S");
            (local.to_string(), Some(name.to_owned()))
        }
        None => (start.timestamp().to_string(), None),
    })
}

/// The zone of a name; this machine's without one.
pub(crate) fn zone(name: Option<&str>) -> Result<TimeZone, Failure> {
    match name {
        None => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name).map_err(|_| {
            Failure::usage("usage", format!("there is no time zone {name}"))
                .hint("Write a name of the IANA database, such as Europe/Berlin.")
        }),
    }
}

/// A start as people write it: a day and an hour, both, or so long from now. Without an hour it is that of `interim`: now for
/// today and tomorrow, midnight for a date.
pub(crate) fn start(text: &str, now: &Zoned) -> Result<Zoned, Failure> {
    let text = text.trim();
    let wrong = |why: &str| {
        Failure::usage("usage", format!("the time {text:?} cannot be read: {why}")).hint(
            "Write 'tomorrow 9:00', 'friday 14:30', 'in 2 hours', '2030-01-07 09:00' or RFC 3339.",
        )
    };
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.to_zoned(now.time_zone().clone()));
    }
    if let Some(later) = text.strip_prefix("in ") {
        let span: Span = later
            .trim()
            .parse()
            .map_err(|_| wrong("after \"in\" comes a length"))?;
        let at = now
            .checked_add(span)
            .map_err(|_| wrong("that is too far away"))?;
        let minute = ZonedRound::new()
            .smallest(Unit::Minute)
            .mode(RoundMode::Ceil);
        return at.round(minute).map_err(|_| wrong("that is too far away"));
    }
    if text.matches('/').count() == 2 {
        return Err(wrong(
            "day and month stand in another order in every country",
        ));
    }
    let plain = plain(text);
    let hour = hour(&plain);
    if hour.is_some_and(|(hour, minute)| hour > 23 || minute > 59) {
        return Err(wrong("no day has such an hour"));
    }
    let civil = plain.replacen(' ', "T", 1).parse::<jiff::civil::DateTime>();
    let found = match civil {
        Ok(local) if plain.len() > 10 => local
            .to_zoned(now.time_zone().clone())
            .map_err(|error| wrong(&error.to_string()))?,
        _ => parse_date_string(&plain, now.clone(), Dialect::Uk)
            .map_err(|error| wrong(&error.to_string()))?,
    };
    let read = (
        u32::from(found.hour().unsigned_abs()),
        u32::from(found.minute().unsigned_abs()),
    );
    if hour.is_some_and(|written| written != read) && !twelve_hours(&plain) {
        return Err(wrong(
            "this time does not exist there: clocks are put forward over it",
        ));
    }
    Ok(found)
}

/// A start with its time of day, as a meeting needs it.
fn exact(text: &str, now: &Zoned) -> Result<Zoned, Failure> {
    let at = start(text, now)?;
    let plain = plain(text.trim());
    let said = hour(&plain).is_some()
        || twelve_hours(&plain)
        || text.trim().starts_with("in ")
        || text.trim().parse::<jiff::Timestamp>().is_ok()
        || ["hour", "minute"].iter().any(|word| plain.contains(word));
    if said {
        return Ok(at);
    }
    Err(Failure::usage(
        "usage",
        format!("the time {text:?} names a day and no hour"),
    )
    .hint(format!("Write '{} 9:00'.", text.trim())))
}

/// The same in the words that the parser knows: `noon`, `at`, and a bare hour after a day.
fn plain(text: &str) -> String {
    let mut words: Vec<String> = text
        .split_whitespace()
        .filter(|word| !word.eq_ignore_ascii_case("at"))
        .map(|word| match word.to_lowercase().as_str() {
            "noon" => "12:00".to_owned(),
            "midnight" => "0:00".to_owned(),
            _ => word.to_owned(),
        })
        .collect();
    // "Dec 3 2030" is "3 Dec 2030".
    if let [month, day, ..] = words.as_mut_slice()
        && is_month(month)
        && day.trim_end_matches(',').parse::<u8>().is_ok()
    {
        std::mem::swap(month, day);
        month.truncate(month.trim_end_matches(',').len());
    }
    if let [.., day, last] = words.as_mut_slice()
        && last.len() <= 2
        && last.bytes().all(|byte| byte.is_ascii_digit())
        && is_day(day)
    {
        last.push_str(":00");
    }
    words.join(" ")
}

fn is_month(word: &str) -> bool {
    let word = word.to_lowercase();
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ]
    .iter()
    .any(|month| *month == word || month.get(..3) == Some(word.as_str()))
}

fn is_day(word: &str) -> bool {
    let word = word.to_lowercase();
    let short = word.get(..3).unwrap_or_default();
    matches!(word.as_str(), "today" | "tomorrow")
        || (word.ends_with("day") || word.len() == 3)
            && ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].contains(&short)
        || word.parse::<jiff::civil::Date>().is_ok()
}

/// Hour and minute, where a text has them with a colon.
fn hour(text: &str) -> Option<(u32, u32)> {
    let (before, after) = text.split_once(':')?;
    let digits = |text: &str| -> String { text.chars().take_while(char::is_ascii_digit).collect() };
    let before: String = before.chars().rev().collect();
    let hour: String = digits(&before).chars().rev().collect();
    Some((hour.parse().ok()?, digits(after).parse().ok()?))
}

/// Whether the hour is one of twelve.
fn twelve_hours(text: &str) -> bool {
    let text = text.to_lowercase();
    text.split_whitespace().any(|word| {
        let number = word.strip_suffix("am").or_else(|| word.strip_suffix("pm"));
        number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit() || c == ':'))
    })
}

/// A length as people write it, in whole minutes.
pub(crate) fn minutes(text: &str) -> Result<i64, Failure> {
    let wrong = || {
        Failure::usage("usage", format!("{text:?} is not a length")).hint("Write 30m, 1h or 1h30m.")
    };
    let text = text.trim();
    if let Ok(minutes) = text.parse() {
        return Ok(minutes);
    }
    let span: Span = text.parse().map_err(|_| wrong())?;
    let seconds = span
        .total((Unit::Second, SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| wrong())?;
    if seconds % 60.0 != 0.0 {
        return Err(wrong());
    }
    let rounded = span
        .round(
            SpanRound::new()
                .largest(Unit::Minute)
                .smallest(Unit::Minute),
        )
        .map_err(|_| wrong())?;
    Ok(rounded.get_minutes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_and_lengths_are_read_as_people_write_them() {
        let now: Zoned = "2026-11-22T10:00:00[Europe/Berlin]".parse().unwrap();
        for (text, expected) in [
            ("tomorrow 9:00", "2026-11-23T09:00:00"),
            ("mon 9:00", "2026-11-23T09:00:00"),
            ("friday 14:30", "2026-11-27T14:30:00"),
            ("2030-01-07 09:00", "2030-01-07T09:00:00"),
            ("2030-01-07T09:00:00", "2030-01-07T09:00:00"),
            ("2030-01-07T08:00:00Z", "2030-01-07T09:00:00"),
            ("7 January 2030 9am", "2030-01-07T09:00:00"),
            ("Jan 7 2030 3pm", "2030-01-07T15:00:00"),
            ("tomorrow at 9", "2026-11-23T09:00:00"),
            ("friday noon", "2026-11-27T12:00:00"),
            ("in 2 hours", "2026-11-22T12:00:00"),
        ] {
            let at = start(text, &now).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(at.datetime().to_string(), expected, "{text}");
            assert_eq!(at.time_zone().iana_name(), Some("Europe/Berlin"));
        }
        for text in [
            "when pigs fly",
            "tomorrow 25:00",
            "tomorrow 9:75",
            "11/12/2026 9:00",
            "2027-03-28 02:30",
        ] {
            assert!(start(text, &now).is_err(), "{text}");
        }
        for (text, said) in [
            ("tomorrow", false),
            ("2026-12-25", false),
            ("friday", false),
            ("friday 9:00", true),
            ("tomorrow 3pm", true),
            ("in 90 minutes", true),
            ("2030-01-07T08:00:00Z", true),
        ] {
            assert_eq!(exact(text, &now).is_ok(), said, "{text}");
        }
        for (text, expected) in [
            ("30m", 30),
            ("1h", 60),
            ("1h30m", 90),
            ("45", 45),
            ("90 minutes", 90),
        ] {
            assert_eq!(minutes(text).unwrap(), expected, "{text}");
        }
        for text in ["long", "90s", ""] {
            assert!(minutes(text).is_err(), "{text}");
        }
    }
}

//! Times and lengths as people write them.

use interim::{Dialect, parse_date_string};
use jiff::tz::TimeZone;
use jiff::{Span, SpanRound, Unit, Zoned};
use parfocal_engine::App;

use crate::failure::Failure;

/// A start in a zone, as the API takes it: a local time with the zone's name, or an instant where the zone has none.
pub(crate) fn local(
    text: &str,
    name: Option<&str>,
    app: &App,
) -> Result<(String, Option<String>), Failure> {
    let now = app.clock().now().to_zoned(zone(name)?);
    let start = start(text, &now)?;
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

/// A start as people write it.
pub(crate) fn start(text: &str, now: &Zoned) -> Result<Zoned, Failure> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.to_zoned(now.time_zone().clone()));
    }
    let civil = text.replacen(' ', "T", 1).parse::<jiff::civil::DateTime>();
    if let Ok(local) = civil
        && text.len() > 10
        && let Ok(at) = local.to_zoned(now.time_zone().clone())
    {
        return Ok(at);
    }
    parse_date_string(text, now.clone(), Dialect::Uk).map_err(|error| {
        Failure::usage(
            "usage",
            format!("the time {text:?} cannot be read: {error}"),
        )
        .hint("Write 'tomorrow 9:00', 'friday 14:30', '2030-01-07 09:00' or RFC 3339.")
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
        ] {
            let at = start(text, &now).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(at.datetime().to_string(), expected, "{text}");
            assert_eq!(at.time_zone().iana_name(), Some("Europe/Berlin"));
        }
        assert!(start("when pigs fly", &now).is_err());
        for (text, expected) in [
            ("30m", 30),
            ("1h", 60),
            ("1h30m", 90),
            ("45", 45),
            ("90 minutes", 90),
        ] {
            assert_eq!(minutes(text).unwrap(), expected, "{text}");
        }
        assert!(minutes("long").is_err());
    }
}

//! Times as Graph writes them: wall clock without offset beside the name of a zone.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::super::{repeat, text};

/// Windows' names for some zones, each with an IANA name (from CLDR's `windowsZones`).
const WINDOWS: [(&str, &str); 10] = [
    ("UTC", "UTC"),
    ("GMT Standard Time", "Europe/London"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Eastern Standard Time", "America/New_York"),
    ("Central Standard Time", "America/Chicago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
];

/// The zone of a Windows or IANA name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    let iana = WINDOWS
        .iter()
        .find(|(windows, _)| *windows == name)
        .map_or(name, |(_, iana)| iana);
    TimeZone::get(iana).ok()
}

/// The instant of a time with an offset, or of a wall-clock time in a zone.
pub(super) fn instant(said: &str, zone_name: &str) -> Option<Timestamp> {
    if let Ok(at) = said.parse() {
        return Some(at);
    }
    let local: DateTime = said.parse().ok()?;
    Some(repeat::place(local, &zone(zone_name)?))
}

/// Wall clock, zone and instant of a `dateTimeTimeZone`.
pub(super) fn read(value: &Value) -> Option<(DateTime, TimeZone, Timestamp)> {
    let zone = zone(text(value, "timeZone")?)?;
    let local: DateTime = text(value, "dateTime")?
        .trim_end_matches('Z')
        .parse()
        .ok()?;
    let at = repeat::place(local, &zone);
    Some((local, zone, at))
}

/// An instant as a `dateTimeTimeZone` in a zone.
pub(super) fn told(at: Timestamp, name: &str) -> Value {
    let zone = zone(name).unwrap_or(TimeZone::UTC);
    let local = zone.to_datetime(at);
    json!({ "dateTime": local.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string(), "timeZone": name })
}

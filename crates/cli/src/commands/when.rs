//! Instants as people write them on the command line.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Unit, Zoned};

/// What is accepted, for the help of options.
pub(crate) const ACCEPTED: &str =
    "2026-11-01, \"2026-11-01 14:30\", today, yesterday, \"3 days ago\", or RFC 3339";

/// An instant as it was written; days begin at midnight UTC, as times are shown.
#[derive(Clone, Debug)]
pub(crate) enum When {
    /// That instant.
    At(Timestamp),
    /// So long before now; when counted in days or more, the beginning of that day.
    Ago(Span),
}

impl When {
    /// The instant it means at `now`.
    pub(crate) fn resolve(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => *at,
            Self::Ago(span) => {
                let today = now.to_zoned(TimeZone::UTC);
                let then = today.checked_sub(*span).unwrap_or(today);
                let day = |then: &Zoned| then.start_of_day().ok();
                if smallest(*span) >= Unit::Day {
                    day(&then).unwrap_or(then).timestamp()
                } else {
                    then.timestamp()
                }
            }
        }
    }
}

/// The smallest unit that a span counts in.
fn smallest(span: Span) -> Unit {
    let fine = span.get_hours() != 0
        || span.get_minutes() != 0
        || span.get_seconds() != 0
        || span.get_milliseconds() != 0;
    if fine { Unit::Hour } else { Unit::Day }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "today" => return Ok(Self::Ago(Span::new())),
            "yesterday" => return Ok(Self::Ago(Span::new().days(1))),
            _ => {}
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self::At(at));
        }
        let civil = text.parse::<DateTime>().ok().filter(|_| text.len() > 10);
        let day = || text.parse::<Date>().ok().map(|day| day.at(0, 0, 0, 0));
        if let Some(at) = civil.or_else(day) {
            let at = at.to_zoned(TimeZone::UTC).map_err(|_| not_an_instant())?;
            return Ok(Self::At(at.timestamp()));
        }
        if let Some(length) = lower.strip_suffix("ago")
            && let Ok(span) = length.trim().parse::<Span>()
            && !span.is_negative()
        {
            return Ok(Self::Ago(span));
        }
        Err(not_an_instant())
    }
}

fn not_an_instant() -> String {
    format!("write {ACCEPTED}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-22T09:30:00Z".parse().unwrap();
        for (written, meant) in [
            ("today", "2026-11-22T00:00:00Z"),
            ("Yesterday", "2026-11-21T00:00:00Z"),
            ("3 days ago", "2026-11-19T00:00:00Z"),
            ("2 weeks ago", "2026-11-08T00:00:00Z"),
            ("1 month ago", "2026-10-22T00:00:00Z"),
            ("2 hours ago", "2026-11-22T07:30:00Z"),
            ("90 minutes ago", "2026-11-22T08:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01 14:30", "2026-11-01T14:30:00Z"),
            ("2026-11-01T14:30:00", "2026-11-01T14:30:00Z"),
            ("2026-11-01T14:30:00+02:00", "2026-11-01T12:30:00Z"),
        ] {
            let when: When = written.parse().unwrap_or_else(|e| panic!("{written}: {e}"));
            assert_eq!(when.resolve(now).to_string(), meant, "{written}");
        }
        for wrong in ["", "soon", "yesterdy", "01.11.2026", "ago", "-3 days ago"] {
            let said = wrong.parse::<When>().unwrap_err();
            assert!(said.contains("3 days ago"), "{wrong}: {said}");
        }
    }
}

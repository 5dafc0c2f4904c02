//! Spans of time as places on the line of a day.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_engine::calendar::TimeSpan;
use serde::Serialize;

/// Minutes of a day's line.
const DAY: i64 = 24 * 60;

/// A piece of a day's line, in minutes of the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Piece {
    pub(super) x: i64,
    pub(super) w: i64,
}

/// What of a span lies on a day, by the wall clock of a zone; none when nothing does.
pub(super) fn piece(span: TimeSpan, day: Date, zone: &TimeZone) -> Option<Piece> {
    let place = |at: Timestamp| -> i64 {
        let local = at.to_zoned(zone.clone()).datetime();
        match local.date().cmp(&day) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Greater => DAY,
            std::cmp::Ordering::Equal => i64::from(local.hour()) * 60 + i64::from(local.minute()),
        }
    };
    let (x, end) = (place(span.from), place(span.to));
    // Within the hour that comes twice, a span may seem to end before it begins.
    (end > x).then_some(Piece { x, w: end - x })
}

/// A time of day as a clock there shows it.
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: &str, to: &str) -> TimeSpan {
        TimeSpan {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        }
    }

    #[test]
    fn a_span_lies_on_the_days_it_touches_by_the_wall_clock() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let day: Date = "2026-10-25".parse().unwrap();
        let night = span("2026-10-24T22:30:00Z", "2026-10-25T08:00:00Z");
        // Clocks are set back that night: nine o'clock is nine o'clock.
        assert_eq!(piece(night, day, &berlin), Some(Piece { x: 30, w: 510 }));
        let before = day.yesterday().unwrap();
        assert_eq!(piece(night, before, &berlin), None);
        let long = span("2026-10-20T00:00:00Z", "2026-10-30T00:00:00Z");
        assert_eq!(piece(long, day, &berlin), Some(Piece { x: 0, w: 1440 }));
        assert_eq!(clock(night.to, &berlin), "09:00");
    }
}

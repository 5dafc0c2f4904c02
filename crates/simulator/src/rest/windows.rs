//! Date windows: read, checked against Zoom's month, turned into instants.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::request::Req;
use crate::http::reply::Refusal;

/// An inclusive window of UTC days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// First day.
    pub(crate) from: Date,
    /// Last day.
    pub(crate) to: Date,
}

/// The UTC day of an instant.
pub(crate) fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// 00:00 UTC of a day.
pub(crate) fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC)
        .map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// A day out of `yyyy-mm-dd` or a date-time.
pub(crate) fn parse(text: &str) -> Option<Date> {
    text.parse::<Date>()
        .ok()
        .or_else(|| text.parse::<Timestamp>().ok().map(day))
}

impl Window {
    /// Instants `from..to` that the window covers.
    pub(crate) fn instants(self) -> (Timestamp, Timestamp) {
        let end = self.to.tomorrow().map_or(Timestamp::MAX, midnight);
        (midnight(self.from), end)
    }

    /// Reads `from` and `to`; `default` is used for what is missing, or the field is demanded when there is none.
    pub(crate) fn read(request: &Req<'_>, default: Option<Self>) -> Result<Self, Refusal> {
        let one = |name: &str, default: Option<Date>| match request.param(name) {
            Some(text) => parse(text).ok_or_else(|| Refusal::field(name, "Invalid field.")),
            None => default.ok_or_else(|| Refusal::field(name, "This field is required.")),
        };
        let window = Self {
            from: one("from", default.map(|window| window.from))?,
            to: one("to", default.map(|window| window.to))?,
        };
        if window.to < window.from {
            return Err(Refusal::new(
                400,
                300,
                "The \"to\" date should be later than the \"from\" date.",
            ));
        }
        Ok(window)
    }

    /// Refuses more than a month, which Zoom does not define in days: 31 pass.
    pub(crate) fn at_most_a_month(self) -> Result<Self, Refusal> {
        let days = self
            .from
            .until(self.to)
            .map_or(i32::MAX, |span| span.get_days());
        if days > 31 {
            return Err(Refusal::new(
                400,
                300,
                "The date range should not exceed one month.",
            ));
        }
        Ok(self)
    }
}

/// The instant so many months ago.
pub(crate) fn months_ago(now: Timestamp, months: i32) -> Timestamp {
    now.to_zoned(TimeZone::UTC)
        .checked_sub(months.months())
        .map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// The instant so many days ago.
pub(crate) fn days_ago(now: Timestamp, days: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * days))
        .unwrap_or(Timestamp::MIN)
}

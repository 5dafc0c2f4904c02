//! Working hours: what the wall clock shows when somebody can be met.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};

use super::{Span, Spans};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// When somebody works, by the wall clock of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    zone: TimeZone,
    /// Of each weekday from Monday: from and to, in minutes after midnight.
    week: [Vec<(u16, u16)>; 7],
    holidays: BTreeSet<Date>,
}

/// Why working hours make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// No such zone.
    #[error("{0:?} is not the name of a time zone; write for example Europe/Berlin")]
    UnknownZone(String),
    /// A part of a day that ends before it begins, or after midnight.
    #[error("working hours from minute {0} to minute {1} of a day are not possible")]
    Backwards(u16, u16),
}

impl Hours {
    /// No hours at all, in a zone.
    ///
    /// # Errors
    /// The zone is unknown.
    pub fn in_zone(zone: &str) -> Result<Self, HoursError> {
        Ok(Self {
            zone: TimeZone::get(zone).map_err(|_| HoursError::UnknownZone(zone.to_owned()))?,
            week: Default::default(),
            holidays: BTreeSet::new(),
        })
    }

    /// The same hours from Monday to Friday, in minutes after midnight.
    ///
    /// # Errors
    /// An unknown zone, or hours that end before they begin.
    pub fn weekdays(zone: &str, from: u16, to: u16) -> Result<Self, HoursError> {
        let mut hours = Self::in_zone(zone)?;
        for day in [
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
        ] {
            hours = hours.on(day, from, to)?;
        }
        Ok(hours)
    }

    /// Adds hours of one weekday, in minutes after midnight; 1440 is the end of the day.
    ///
    /// # Errors
    /// They end before they begin, or after the day.
    pub fn on(mut self, day: Weekday, from: u16, to: u16) -> Result<Self, HoursError> {
        if from >= to || to > DAY {
            return Err(HoursError::Backwards(from, to));
        }
        self.week[place(day)].push((from, to));
        Ok(self)
    }

    /// Takes days out.
    #[must_use]
    pub fn without(mut self, days: impl IntoIterator<Item = Date>) -> Self {
        self.holidays.extend(days);
        self
    }

    /// The zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The hours of each weekday from Monday, in minutes after midnight.
    pub fn week(&self) -> &[Vec<(u16, u16)>; 7] {
        &self.week
    }

    /// Whether a day is taken out.
    pub fn is_holiday(&self, day: Date) -> bool {
        self.holidays.contains(&day)
    }

    /// The hours within a window, as instants.
    ///
    /// An hour that comes twice when clocks are set back counts both times, one that is skipped does not come.
    pub fn within(&self, window: Span) -> Spans {
        let mut out = Vec::new();
        let mut at = window.from;
        // Between two changes of the clock, wall clock and instants run alike.
        while at < window.to {
            let offset = self.zone.to_offset_info(at).offset();
            let change = self
                .zone
                .following(at)
                .next()
                .map_or(window.to, |next| next.timestamp());
            let end = change.min(window.to);
            let last = offset.to_datetime(end).date();
            let mut day = offset.to_datetime(at).date();
            while day <= last {
                if let Ok(midnight) = offset.to_timestamp(day.at(0, 0, 0, 0))
                    && !self.is_holiday(day)
                {
                    for (from, to) in &self.week[place(day.weekday())] {
                        let minute =
                            |number: u16| midnight + SignedDuration::from_mins(i64::from(number));
                        out.push(Span::new(minute(*from).max(at), minute(*to).min(end)));
                    }
                }
                let Ok(next) = day.checked_add(1.day()) else {
                    break;
                };
                day = next;
            }
            at = end;
        }
        Spans::of(out)
    }
}

fn place(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

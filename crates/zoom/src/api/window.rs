//! Windows of dates, which Zoom limits to a month.

use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};

use crate::error::{Error, ErrorKind, Result};

/// Days in a window: Zoom says "one month" without defining it, 30 days (both ends included) fit every month but
/// February, whose month ends with the 28th or 29th of the next.
const DAYS: i64 = 30;

/// A span of UTC dates, both ends included.
///
/// ```
/// use parfocal_zoom::api::DateWindow;
/// let window = DateWindow::new("2026-01-01".parse().unwrap(), "2026-03-01".parse().unwrap()).unwrap();
/// let parts = window.split();
/// assert_eq!(parts.len(), 2);
/// assert_eq!((parts[0].to.to_string(), parts[1].from.to_string()), ("2026-01-30".into(), "2026-01-31".into()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateWindow {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

impl DateWindow {
    /// A window.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] when it ends before it begins.
    pub fn new(from: Date, to: Date) -> Result<Self> {
        if to < from {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "the window ends before it begins",
            ));
        }
        Ok(Self { from, to })
    }

    /// The window of UTC dates that holds both times.
    pub fn of(from: Timestamp, to: Timestamp) -> Result<Self> {
        let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        Self::new(date(from), date(to))
    }

    /// The window in parts of at most 30 days, oldest first, without overlap.
    #[must_use]
    pub fn split(self) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut from = self.from;
        loop {
            let last = from.saturating_add(Span::new().days(DAYS - 1));
            if last >= self.to {
                parts.push(Self { from, to: self.to });
                return parts;
            }
            parts.push(Self { from, to: last });
            from = last.saturating_add(Span::new().days(1));
        }
    }

    /// How many days the window has.
    #[must_use]
    pub fn days(self) -> i64 {
        self.from.duration_until(self.to).as_hours() / 24 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_cover_the_window_once(start in 0_i64..40_000, length in 0_i64..1_000) {
            let from = Date::constant(1970, 1, 1).saturating_add(Span::new().days(start));
            let to = from.saturating_add(Span::new().days(length));
            let window = DateWindow::new(from, to).unwrap();
            let parts = window.split();
            prop_assert_eq!(parts.first().unwrap().from, from);
            prop_assert_eq!(parts.last().unwrap().to, to);
            prop_assert_eq!(parts.iter().map(|part| part.days()).sum::<i64>(), window.days());
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].to.saturating_add(Span::new().days(1)), pair[1].from);
            }
            prop_assert!(parts.iter().all(|part| part.days() <= DAYS && part.days() >= 1));
        }
    }

    #[test]
    fn a_window_has_an_order() {
        let (a, b): (Date, Date) = ("2026-02-01".parse().unwrap(), "2026-01-01".parse().unwrap());
        assert!(DateWindow::new(a, b).is_err());
        assert_eq!(DateWindow::new(a, a).unwrap().split().len(), 1);
        let last = DateWindow::new(Date::MAX, Date::MAX).unwrap();
        assert_eq!(last.split(), [last]);
    }
}

//! Date windows small enough for Zoom, and how they are kept in rows.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
pub use parfocal_zoom::api::DateWindow as Window;

/// Windows that cover the days from `since` to `until`, both included, youngest first.
///
/// Zoom's dates include both ends, so nothing falls between two windows; what is said twice nevertheless is
/// recognised by its key.
pub fn cover(since: Date, until: Date) -> Vec<Window> {
    let mut windows = Window::new(since, until)
        .map(Window::split)
        .unwrap_or_default();
    windows.reverse();
    windows
}

/// The UTC day of an instant.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The first instant of a UTC day.
pub fn start_of(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC)
        .map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// A window as the half-open span of instants that rows keep.
pub(crate) fn span(window: Window) -> (Timestamp, Timestamp) {
    let end = window.to.tomorrow().map_or(Timestamp::MAX, start_of);
    (start_of(window.from), end)
}

/// The window of such a span.
pub(crate) fn of_span(from: Timestamp, to: Timestamp) -> Option<Window> {
    let last = to.checked_sub(jiff::SignedDuration::from_secs(1)).ok()?;
    Window::new(day(from), day(last)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_day_once_and_survive_their_rows() {
        let (since, until): (Date, Date) =
            ("2026-05-26".parse().unwrap(), "2026-11-22".parse().unwrap());
        let windows = cover(since, until);
        assert_eq!(windows.len(), 7);
        assert_eq!((windows[6].from, windows[0].to), (since, until));
        for window in windows {
            let (from, to) = span(window);
            assert_eq!(of_span(from, to), Some(window));
        }
        assert!(cover(until, since).is_empty());
    }
}

//! From a recurrence to its occurrences, at the same wall-clock time in the meeting's zone across daylight saving.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};

use super::model::{Occurrence, Recurrence};

/// The most occurrences Zoom materialises.
pub const MAX_OCCURRENCES: usize = 60;

/// The zone of an IANA name; UTC when unknown.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Occurrences of a series that starts at `start`: at most [`MAX_OCCURRENCES`], ended by `end_times` or `end_date_time`.
///
/// A wall-clock time that a change to summer time skips moves forward by the gap; days a month does not have are left out.
#[must_use]
pub fn expand(
    recurrence: &Recurrence,
    start: Timestamp,
    timezone: &str,
    duration: u32,
) -> Vec<Occurrence> {
    let zone = zone(timezone);
    let first = start.to_zoned(zone.clone());
    let wall = first.time();
    let limit = match recurrence.end_times {
        Some(0) => MAX_OCCURRENCES,
        Some(times) => usize::try_from(times)
            .unwrap_or(MAX_OCCURRENCES)
            .min(MAX_OCCURRENCES),
        None if recurrence.end_date_time.is_some() => MAX_OCCURRENCES,
        None => 1,
    };
    let mut out = Vec::new();
    for date in days(recurrence, first.date()) {
        let Ok(zoned) = zone.to_ambiguous_zoned(date.to_datetime(wall)).compatible() else {
            break;
        };
        let at = zoned.timestamp();
        if at < start {
            continue;
        }
        if out.len() >= limit || recurrence.end_date_time.is_some_and(|end| at > end) {
            break;
        }
        out.push(Occurrence {
            id: at.as_millisecond().to_string(),
            start: at,
            duration,
            deleted: false,
        });
    }
    out
}

/// Candidate days in order, from the first day's period on; a bounded number of them.
fn days(recurrence: &Recurrence, first: Date) -> impl Iterator<Item = Date> {
    let every = i32::try_from(recurrence.repeat_interval.clamp(1, 99)).unwrap_or(1);
    let kind = recurrence.kind;
    let recurrence = recurrence.clone();
    (0..1_200_i32).flat_map(move |step| -> Vec<Date> {
        match kind {
            2 => {
                let back = i32::from(first.weekday().to_sunday_zero_offset());
                let sunday = add(first, (-back).days());
                let Some(week) = sunday.and_then(|day| add(day, (step * every).weeks())) else {
                    return Vec::new();
                };
                weekdays(recurrence.weekly_days.as_deref(), first)
                    .into_iter()
                    .filter_map(|offset| add(week, offset.days()))
                    .collect()
            }
            3 => {
                let month = add(first.first_of_month(), (step * every).months());
                month
                    .and_then(|month| day_of_month(&recurrence, month, first))
                    .into_iter()
                    .collect()
            }
            _ => add(first, (step * every).days()).into_iter().collect(),
        }
    })
}

fn add(date: Date, span: Span) -> Option<Date> {
    date.checked_add(span).ok()
}

/// Offsets from Sunday, sorted; the first day's own weekday when none are given.
fn weekdays(text: Option<&str>, first: Date) -> Vec<i32> {
    let mut out: Vec<i32> = text
        .unwrap_or("")
        .split(',')
        .filter_map(|day| day.trim().parse::<i32>().ok())
        .filter(|day| (1..=7).contains(day))
        .map(|day| day - 1)
        .collect();
    if out.is_empty() {
        out.push(i32::from(first.weekday().to_sunday_zero_offset()));
    }
    out.sort_unstable();
    out.dedup();
    out
}

fn day_of_month(recurrence: &Recurrence, month: Date, first: Date) -> Option<Date> {
    if let Some(week) = recurrence.monthly_week {
        let offset = recurrence.monthly_week_day.unwrap_or(1).clamp(1, 7) - 1;
        let weekday = Weekday::from_sunday_zero_offset(offset).ok()?;
        let nth = if week < 0 { -1 } else { week.clamp(1, 4) };
        return month.nth_weekday_of_month(nth, weekday).ok();
    }
    let day = recurrence.monthly_day.unwrap_or_else(|| first.day());
    month.with().day(day).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn starts(recurrence: &Recurrence, start: &str, zone: &str) -> Vec<String> {
        expand(recurrence, at(start), zone, 30)
            .iter()
            .map(|one| one.start.to_string())
            .collect()
    }

    #[test]
    fn weekly_keeps_wall_clock_across_the_end_of_summer_time() {
        let weekly = Recurrence {
            kind: 2,
            repeat_interval: 1,
            weekly_days: Some("3".to_owned()),
            end_times: Some(4),
            ..Recurrence::default()
        };
        // 15:00 in Berlin: 13:00 UTC in summer, 14:00 from 25 October 2026 on.
        assert_eq!(
            starts(&weekly, "2026-10-13T13:00:00Z", "Europe/Berlin"),
            [
                "2026-10-13T13:00:00Z",
                "2026-10-20T13:00:00Z",
                "2026-10-27T14:00:00Z",
                "2026-11-03T14:00:00Z"
            ]
        );
    }

    #[test]
    fn weekly_with_several_days_starts_in_the_week_of_the_first() {
        let weekly = Recurrence {
            kind: 2,
            repeat_interval: 2,
            weekly_days: Some("2,4,6".to_owned()),
            end_times: Some(5),
            ..Recurrence::default()
        };
        let days = starts(&weekly, "2026-07-01T09:00:00Z", "UTC");
        assert_eq!(
            days,
            [
                "2026-07-01T09:00:00Z",
                "2026-07-03T09:00:00Z",
                "2026-07-13T09:00:00Z",
                "2026-07-15T09:00:00Z",
                "2026-07-17T09:00:00Z"
            ]
        );
    }

    #[test]
    fn daily_into_a_gap_moves_forward_once() {
        let daily = Recurrence {
            kind: 1,
            repeat_interval: 1,
            end_times: Some(3),
            ..Recurrence::default()
        };
        // New York, 8 March 2026: 02:30 does not exist.
        assert_eq!(
            starts(&daily, "2026-03-07T07:30:00Z", "America/New_York"),
            [
                "2026-03-07T07:30:00Z",
                "2026-03-08T07:30:00Z",
                "2026-03-09T06:30:00Z"
            ]
        );
    }

    #[test]
    fn monthly_by_day_and_by_week() {
        let by_day = Recurrence {
            kind: 3,
            repeat_interval: 1,
            monthly_day: Some(31),
            end_times: Some(3),
            ..Recurrence::default()
        };
        assert_eq!(
            starts(&by_day, "2026-07-31T10:00:00Z", "UTC"),
            [
                "2026-07-31T10:00:00Z",
                "2026-08-31T10:00:00Z",
                "2026-10-31T10:00:00Z"
            ]
        );
        let last_friday = Recurrence {
            kind: 3,
            repeat_interval: 1,
            monthly_week: Some(-1),
            monthly_week_day: Some(6),
            end_date_time: Some(at("2026-09-30T00:00:00Z")),
            ..Recurrence::default()
        };
        assert_eq!(
            starts(&last_friday, "2026-07-01T10:00:00Z", "UTC"),
            [
                "2026-07-31T10:00:00Z",
                "2026-08-28T10:00:00Z",
                "2026-09-25T10:00:00Z"
            ]
        );
    }

    #[test]
    fn ends_are_kept() {
        let endless = Recurrence {
            kind: 1,
            repeat_interval: 1,
            end_times: Some(0),
            ..Recurrence::default()
        };
        assert_eq!(
            starts(&endless, "2026-07-01T10:00:00Z", "UTC").len(),
            MAX_OCCURRENCES
        );
        let once = Recurrence {
            kind: 1,
            repeat_interval: 1,
            ..Recurrence::default()
        };
        assert_eq!(starts(&once, "2026-07-01T10:00:00Z", "UTC").len(), 1);
    }
}

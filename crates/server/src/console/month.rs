//! The meetings of a month, day by day.

use axum::response::Response;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_engine::store::{InstanceFilter, InstanceSummary, PageRequest};
use serde::Serialize;

use crate::problem::Problem;
use crate::state::AppState;

/// Meetings of a day that are named; the others are a link away.
const NAMED: usize = 4;
/// Meetings of a month that are read, in pages of so many.
const READ: (usize, u32) = (5, 200);

#[derive(Serialize)]
struct Page {
    name: String,
    zone: String,
    /// Whether nobody has said which zone: then the reader's own is taken.
    any_zone: bool,
    before: String,
    after: String,
    list: String,
    weeks: Vec<Vec<Day>>,
    total: usize,
    /// There are more than are read.
    more: bool,
}

#[derive(Serialize)]
struct Day {
    number: i8,
    name: String,
    /// Another month's.
    outside: bool,
    today: bool,
    meetings: Vec<One>,
    more: usize,
    href: String,
}

#[derive(Serialize)]
struct One {
    at: String,
    topic: Option<String>,
    href: String,
    live: bool,
}

/// The first day of a month as `2026-11`; none when it is no month.
fn first_of(month: &str) -> Option<Date> {
    let (year, month) = month.trim().split_once('-')?;
    Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()
}

/// The page of a month; `link` makes the addresses of others.
pub(super) async fn page(
    state: &AppState,
    mut filter: InstanceFilter,
    asked: (Option<&str>, Option<&str>),
    link: impl Fn(&[(&'static str, Option<&str>)]) -> String,
) -> Result<Response, Problem> {
    let app = state.app();
    let (month, zone) = asked;
    let named = zone.and_then(|name| TimeZone::get(name).ok());
    let fallback = || TimeZone::get(&app.config().availability.timezone).unwrap_or(TimeZone::UTC);
    let any_zone = named.is_none();
    let zone = named.unwrap_or_else(fallback);
    let zone_name = zone.iana_name().unwrap_or("UTC").to_owned();
    let today = app.clock().now().to_zoned(zone.clone()).date();
    let first = month
        .and_then(first_of)
        .unwrap_or_else(|| today.first_of_month());
    let (begin, end) = (first, first.saturating_add(1.month()));
    let instant = |day: Date| day.to_zoned(zone.clone()).map(|at| at.timestamp()).ok();
    filter.from = instant(begin);
    filter.before = instant(end);
    let (mut found, mut request) = (Vec::new(), PageRequest::first(READ.1));
    let mut more = false;
    for _ in 0..READ.0 {
        let read = app
            .store()
            .instances(app.scope(), &filter, &request)
            .await?;
        found.extend(read.items);
        more = read.next.is_some();
        match read.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    let of_month = |day: Date| format!("{:04}-{:02}", day.year(), day.month());
    let there = |day: Date| {
        link(&[
            ("view", Some("month")),
            ("month", Some(&of_month(day))),
            ("zone", Some(&zone_name)),
        ])
    };
    let page = Page {
        name: first.strftime("%B %Y").to_string(),
        before: there(begin.saturating_sub(1.month())),
        after: there(end),
        list: link(&[]),
        total: found.len(),
        weeks: weeks(first, today, &found, &zone, &link),
        zone: zone_name,
        any_zone,
        more,
    };
    state
        .pages()
        .render("meetings_month.html", "meetings", "Meetings", &page)
}

/// Whole weeks from Monday on, with the days of the months beside where a week is cut.
fn weeks(
    first: Date,
    today: Date,
    found: &[InstanceSummary],
    zone: &TimeZone,
    link: &impl Fn(&[(&'static str, Option<&str>)]) -> String,
) -> Vec<Vec<Day>> {
    let begin = first.saturating_sub(i64::from(first.weekday().to_monday_zero_offset()).days());
    let mut weeks = Vec::new();
    let mut monday = begin;
    while monday < first.saturating_add(1.month()) {
        let days = (0..7).map(|offset| {
            let day = monday.saturating_add(i64::from(offset).days());
            let mut meetings: Vec<_> = found
                .iter()
                .filter_map(|one| Some((one.instance.start?.to_zoned(zone.clone()), one)))
                .filter(|(at, _)| at.date() == day)
                .collect();
            meetings.sort_by(|(a, _), (b, _)| a.cmp(b));
            let next = day.saturating_add(1.day()).to_string();
            Day {
                number: day.day(),
                name: day.strftime("%A, %-d %B").to_string(),
                outside: day.month() != first.month(),
                today: day == today,
                more: meetings.len().saturating_sub(NAMED),
                href: link(&[("from", Some(&day.to_string())), ("before", Some(&next))]),
                meetings: meetings
                    .into_iter()
                    .take(NAMED)
                    .map(|(at, one)| One {
                        at: at.strftime("%H:%M").to_string(),
                        topic: one.instance.topic.clone(),
                        href: format!("/meetings/{}", one.instance.id),
                        live: one.instance.end.is_none(),
                    })
                    .collect(),
            }
        });
        weeks.push(days.collect());
        monday = monday.saturating_add(7.days());
    }
    weeks
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn months_are_whole_weeks_from_monday_on() {
        let none = |_: &[(&'static str, Option<&str>)]| String::new();
        let days = |first: Date| weeks(first, first, &[], &TimeZone::UTC, &none);
        let november = days(date(2026, 11, 1));
        assert_eq!(november.len(), 6);
        assert_eq!((november[0][0].number, november[0][0].outside), (26, true));
        assert_eq!((november[0][6].number, november[0][6].outside), (1, false));
        assert!(november[0][6].today);
        assert_eq!(november[5][0].name, "Monday, 30 November");
        // A February that fills four weeks.
        assert_eq!(days(date(2027, 2, 1)).len(), 4);
        assert_eq!(first_of("2026-11"), Some(date(2026, 11, 1)));
        for bad in ["", "2026", "2026-13", "x-1", "99999-01"] {
            assert_eq!(first_of(bad), None, "{bad}");
        }
    }
}

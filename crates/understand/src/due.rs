//! Due dates: from "by Friday" and the day of the meeting to a date.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use crate::words::words;

/// A date with no year may lie this many months ahead; else it is taken for one that is past.
const MONTHS_AHEAD: i8 = 10;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The first date that a text in lower case names as still to come, and the words it stands in.
///
/// Weekdays are the next such day after the meeting; "next" in front of one means the week after; a week ends on its
/// Friday, a month on its last day. Without the day of the meeting only the words are known.
pub fn due_in(lower: &str, meeting: Option<Date>) -> Option<(Option<Date>, String)> {
    let words: Vec<&str> = words(lower).collect();
    (0..words.len()).find_map(|at| {
        let (rule, length) = rule(&words, at)?;
        let date = match meeting {
            // A date that cannot be, such as 30 February, is none.
            Some(day) => Some(resolve(rule, day)?),
            None => None,
        };
        // "by", "before", "on" and the like belong to the phrase.
        let from = if at > 0
            && matches!(
                words[at - 1],
                "by" | "before" | "on" | "until" | "till" | "in" | "within"
            ) {
            at - 1
        } else {
            at
        };
        Some((date, words[from..at + length].join(" ")))
    })
}

/// What a phrase says.
#[derive(Clone, Copy)]
enum Rule {
    Days(i32),
    Months(i32),
    Weekday(Weekday, bool),
    EndOfWeek(i32),
    EndOfMonth(i32),
    EndOfQuarter,
    EndOfYear,
    Day(i8),
    MonthDay(i8, i8),
    EndOfNamed(i8),
    StartOfNamed(i8),
    Exact(Date),
}

/// The rule that begins at a word, and how many words it takes.
fn rule(words: &[&str], at: usize) -> Option<(Rule, usize)> {
    let word = |ahead: usize| words.get(at + ahead).copied().unwrap_or_default();
    let before = at.checked_sub(1).map_or("", |at| words[at]);
    // What is past is not due.
    if matches!(
        before,
        "last" | "since" | "past" | "previous" | "every" | "each"
    ) {
        return None;
    }
    match word(0) {
        "today" | "tonight" | "eod" => return Some((Rule::Days(0), 1)),
        "tomorrow" => return Some((Rule::Days(1), 1)),
        "eow" => return Some((Rule::EndOfWeek(0), 1)),
        "end" if word(1) == "of" => {
            let skip = usize::from(matches!(word(2), "the" | "this"));
            let next = word(2) == "next";
            let unit = word(2 + skip + usize::from(next));
            let length = 3 + skip + usize::from(next);
            let ahead = i32::from(next);
            let rule = match unit {
                "day" => Rule::Days(0),
                "week" => Rule::EndOfWeek(ahead),
                "month" => Rule::EndOfMonth(ahead),
                "quarter" => Rule::EndOfQuarter,
                "year" => Rule::EndOfYear,
                name => Rule::EndOfNamed(month(name)?),
            };
            return Some((rule, length));
        }
        "day" if word(1) == "after" && word(2) == "tomorrow" => return Some((Rule::Days(2), 3)),
        "this" | "next" | "coming" => {
            let next = word(0) == "next";
            let rule = match word(1) {
                "week" => Rule::EndOfWeek(i32::from(next)),
                "month" => Rule::EndOfMonth(i32::from(next)),
                "quarter" if !next => Rule::EndOfQuarter,
                "year" if !next => Rule::EndOfYear,
                name => Rule::Weekday(weekday(name)?, next),
            };
            return Some((rule, 2));
        }
        "in" | "within" => {
            if let Some(found) = in_some_time(words, at) {
                return Some(found);
            }
        }
        _ => {}
    }
    if let Some(day) = weekday(word(0)) {
        return Some((Rule::Weekday(day, false), 1));
    }
    if let Some(month) = month(word(0)) {
        if let Some(day) = day_of_month(word(1)) {
            return Some((Rule::MonthDay(month, day), 2));
        }
        // "May" and "March" alone are mostly no months.
        return matches!(before, "by" | "before" | "until" | "till")
            .then_some((Rule::StartOfNamed(month), 1));
    }
    if let Some(day) = day_of_month(word(0)) {
        let of = usize::from(word(1) == "of");
        if let Some(month) = month(word(1 + of)) {
            return Some((Rule::MonthDay(month, day), 2 + of));
        }
        if word(0).ends_with(char::is_alphabetic) && before == "the" {
            return Some((Rule::Day(day), 1));
        }
    }
    let exact: Option<Date> = (word(0).len() == 10)
        .then(|| word(0).parse().ok())
        .flatten();
    exact.map(|date| (Rule::Exact(date), 1))
}

/// "in two weeks", "within a couple of days".
fn in_some_time(words: &[&str], at: usize) -> Option<(Rule, usize)> {
    let word = |ahead: usize| words.get(at + ahead).copied().unwrap_or_default();
    let (count, length) = match (word(1), word(2), word(3)) {
        ("a" | "the next", "couple", "of") => (2, 4),
        ("a", "couple", _) => (2, 3),
        ("a", "few", _) => (3, 3),
        ("a" | "one", ..) => (1, 2),
        (number, ..) => (small(number)?, 2),
    };
    let rule = match word(length) {
        "day" | "days" => Rule::Days(count),
        "week" | "weeks" => Rule::Days(count.checked_mul(7)?),
        "month" | "months" => Rule::Months(count),
        _ => return None,
    };
    Some((rule, length + 1))
}

fn small(word: &str) -> Option<i32> {
    const NUMBERS: [&str; 11] = [
        "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    ];
    (2..)
        .zip(NUMBERS)
        .find_map(|(number, name)| (name == word).then_some(number))
        .or_else(|| word.parse().ok().filter(|number| (1..=60).contains(number)))
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

fn month(word: &str) -> Option<i8> {
    (1..).zip(MONTHS).find_map(|(number, name)| {
        let short = word.len() >= 3
            && name.len() > 4
            && (word == &name[..3] || word == "sept" && number == 9);
        (word == name || short).then_some(number)
    })
}

fn day_of_month(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let ending = &word[digits.len()..];
    if !matches!(ending, "" | "st" | "nd" | "rd" | "th") {
        return None;
    }
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

fn resolve(rule: Rule, day: Date) -> Option<Date> {
    let ahead = |days: i32| day.checked_add(days.days()).ok();
    match rule {
        Rule::Days(days) => ahead(days),
        Rule::Months(months) => day.checked_add(months.months()).ok(),
        Rule::Weekday(wanted, next) => {
            let days = i32::from(day.weekday().until(wanted));
            let days = if days == 0 { 7 } else { days };
            // "Next Friday" said on a Monday is the Friday of the week after; said on a Saturday it is the coming one.
            let same_week = days <= i32::from(7 - day.weekday().to_monday_one_offset());
            ahead(if next && same_week { days + 7 } else { days })
        }
        Rule::EndOfWeek(weeks) => {
            let to_friday = 5 - i32::from(day.weekday().to_monday_one_offset());
            let to_friday = if to_friday < 0 {
                to_friday + 7
            } else {
                to_friday
            };
            ahead(to_friday + 7 * weeks)
        }
        Rule::EndOfMonth(months) => Some(
            day.first_of_month()
                .checked_add(months.months())
                .ok()?
                .last_of_month(),
        ),
        Rule::EndOfQuarter => {
            let last = (day.month() - 1) / 3 * 3 + 3;
            Some(Date::new(day.year(), last, 1).ok()?.last_of_month())
        }
        Rule::EndOfYear => Date::new(day.year(), 12, 31).ok(),
        Rule::Day(wanted) => {
            let month = if wanted >= day.day() {
                day
            } else {
                day.first_of_month().checked_add(1.month()).ok()?
            };
            Date::new(month.year(), month.month(), wanted).ok()
        }
        Rule::MonthDay(month, wanted) => coming(day, |year| Date::new(year, month, wanted).ok()),
        Rule::EndOfNamed(month) => coming(day, |year| {
            Some(Date::new(year, month, 1).ok()?.last_of_month())
        }),
        Rule::StartOfNamed(month) => coming(day, |year| Date::new(year, month, 1).ok()),
        Rule::Exact(date) => (date >= day).then_some(date),
    }
}

/// This year's date, or next year's when this year's is past and next year's is near.
fn coming(day: Date, date: impl Fn(i16) -> Option<Date>) -> Option<Date> {
    let this = date(day.year());
    if let Some(this) = this
        && this >= day
    {
        return Some(this);
    }
    let next = date(day.year().checked_add(1)?)?;
    (next <= day.checked_add(MONTHS_AHEAD.months()).ok()?).then_some(next)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn phrases_become_dates() {
        // A Wednesday.
        let day = date(2026, 11, 4);
        for (said, found) in [
            ("i'll send it by friday", Some((2026, 11, 6, "by friday"))),
            ("on wednesday we meet", Some((2026, 11, 11, "on wednesday"))),
            ("next friday is fine", Some((2026, 11, 13, "next friday"))),
            ("next monday is fine", Some((2026, 11, 9, "next monday"))),
            (
                "by the end of the week please",
                Some((2026, 11, 6, "end of the week")),
            ),
            ("let us do it next week", Some((2026, 11, 13, "next week"))),
            (
                "by the end of next month",
                Some((2026, 12, 31, "end of next month")),
            ),
            ("tomorrow", Some((2026, 11, 5, "tomorrow"))),
            (
                "in a couple of weeks",
                Some((2026, 11, 18, "in a couple of weeks")),
            ),
            ("within 10 days", Some((2026, 11, 14, "within 10 days"))),
            (
                "before december 24th",
                Some((2026, 12, 24, "before december 24th")),
            ),
            ("the 3rd of february", Some((2027, 2, 3, "3rd of february"))),
            ("by february", Some((2027, 2, 1, "by february"))),
            ("on the 2nd", Some((2026, 12, 2, "2nd"))),
            ("by 2026-12-01", Some((2026, 12, 1, "by 2026-12-01"))),
            ("last friday we met", None),
            ("on october 30 we met", None),
            ("i may come", None),
            ("30 february", None),
            ("we have 3 boats", None),
            ("", None),
        ] {
            let wanted = found.map(|(y, m, d, text)| (Some(date(y, m, d)), text.to_owned()));
            assert_eq!(due_in(said, Some(day)), wanted, "{said}");
        }
        assert_eq!(
            due_in("by friday", None),
            Some((None, "by friday".to_owned()))
        );
    }
}

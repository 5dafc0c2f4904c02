//! A rule as a person says it.

use jiff::civil::Weekday;

use super::rule::{ByDay, End, Frequency, Rule, Until};

impl Rule {
    /// The rule in English: "every 2 weeks on Monday and Wednesday, until 5 March 2027".
    ///
    /// An end that is an instant is told as its day in UTC, since a rule alone has no zone.
    pub fn in_words(&self) -> String {
        let mut phrases = vec![self.rhythm()];
        if !self.by_set_pos.is_empty() {
            let which: Vec<String> = self.by_set_pos.iter().map(|one| ordinal(*one)).collect();
            phrases.push(format!("only the {} of these", listed(&which)));
        }
        match self.end {
            End::Never => {}
            End::Count(1) => phrases.push("once".into()),
            End::Count(count) => phrases.push(format!("{count} times")),
            End::Until(until) => {
                let day = match until {
                    Until::Day(day) => day,
                    Until::Local(at) => at.date(),
                    Until::At(at) => at.to_zoned(jiff::tz::TimeZone::UTC).date(),
                };
                phrases.push(format!("until {}", day.strftime("%-d %B %Y")));
            }
        }
        phrases.join(", ")
    }

    fn rhythm(&self) -> String {
        let unit = match self.frequency {
            Frequency::Secondly => "second",
            Frequency::Minutely => "minute",
            Frequency::Hourly => "hour",
            Frequency::Daily => "day",
            Frequency::Weekly => "week",
            Frequency::Monthly => "month",
            Frequency::Yearly => "year",
        };
        let weekdays = self.interval == 1 && self.is_every_weekday();
        let mut words = vec![match self.interval {
            _ if weekdays => "every weekday".to_owned(),
            1 => format!("every {unit}"),
            number => format!("every {number} {unit}s"),
        }];
        let mut say = |before: &str, items: Vec<String>, after: &str| {
            if !items.is_empty() {
                words.push(format!("{before} {}{after}", listed(&items)));
            }
        };
        say("in", texts(&self.by_month, month_name), "");
        say(
            "in week",
            texts(&self.by_week_no, |week| week.to_string()),
            "",
        );
        say(
            "on the",
            texts(&self.by_year_day, ordinal),
            " day of the year",
        );
        say("on the", texts(&self.by_month_day, month_day), "");
        if !weekdays {
            let narrows = !self.by_month_day.is_empty();
            say(
                if narrows { "if it is" } else { "on" },
                texts(&self.by_day, day_words),
                "",
            );
        }
        for (unit, list) in [
            ("at hour", &self.by_hour),
            ("at minute", &self.by_minute),
            ("at second", &self.by_second),
        ] {
            say(unit, texts(list, |number| number.to_string()), "");
        }
        words.join(" ")
    }

    /// Monday to Friday, said by a daily or weekly rule.
    fn is_every_weekday(&self) -> bool {
        let days = self.plain_days().unwrap_or_default();
        matches!(self.frequency, Frequency::Daily | Frequency::Weekly)
            && days.len() == 5
            && [1, 2, 3, 4, 5]
                .iter()
                .all(|number| days.iter().any(|day| day.to_monday_one_offset() == *number))
    }
}

fn texts<T: Copy>(list: &[T], text: impl Fn(T) -> String) -> Vec<String> {
    list.iter().map(|one| text(*one)).collect()
}

/// `a`, `a and b`, `a, b and c`.
fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn ordinal(number: i16) -> String {
    let size = number.unsigned_abs();
    let nth = match (size % 10, size % 100) {
        (1, rest) if rest != 11 => format!("{size}st"),
        (2, rest) if rest != 12 => format!("{size}nd"),
        (3, rest) if rest != 13 => format!("{size}rd"),
        _ => format!("{size}th"),
    };
    match number {
        -1 => "last".to_owned(),
        number if number < 0 => format!("{nth} to last"),
        _ => nth,
    }
}

fn month_day(day: i8) -> String {
    match day {
        -1 => "last day".to_owned(),
        day if day < 0 => format!("{} day", ordinal(i16::from(day))),
        day => ordinal(i16::from(day)),
    }
}

fn day_words(day: ByDay) -> String {
    let name = day_name(day.weekday);
    match day.ordinal {
        None => name.to_owned(),
        Some(number) => format!("the {} {name}", ordinal(i16::from(number))),
    }
}

/// The English name of a day.
pub(super) fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn month_name(month: i8) -> String {
    jiff::civil::Date::new(2024, month, 1)
        .map_or_else(|_| month.to_string(), |day| day.strftime("%B").to_string())
}

//! Rules as Microsoft Graph's `patternedRecurrence`.

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::Unsupported;
use super::rule::{ByDay, End, Frequency, Rule, Until};
use super::series::Series;
use super::words::day_name;

/// Graph's `patternedRecurrence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphRecurrence {
    /// How it repeats.
    pub pattern: GraphPattern,
    /// From when to when.
    pub range: GraphRange,
}

/// Graph's `recurrencePattern`; only the fields of the chosen type are sent, since others are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphPattern {
    /// `daily`, `weekly`, `absoluteMonthly`, `relativeMonthly`, `absoluteYearly` or `relativeYearly`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Every so many.
    pub interval: u16,
    /// Days of the week in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days_of_week: Vec<String>,
    /// Day of the month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_of_month: Option<i8>,
    /// Month of the year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<i8>,
    /// `first`, `second`, `third`, `fourth` or `last`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The day weeks begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_day_of_week: Option<String>,
}

/// Graph's `recurrenceRange`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphRange {
    /// `endDate`, `noEnd` or `numbered`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The day of the first start.
    pub start_date: Date,
    /// The day of the last instance in the zone, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Date>,
    /// How many instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_of_occurrences: Option<u32>,
    /// The zone in which days are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence_time_zone: Option<String>,
}

const INDEXES: [(&str, i8); 5] = [
    ("first", 1),
    ("second", 2),
    ("third", 3),
    ("fourth", 4),
    ("last", -1),
];

fn no(part: &'static str, reason: &str) -> Unsupported {
    Unsupported {
        system: "Microsoft 365",
        part,
        reason: reason.into(),
    }
}

fn low(day: Weekday) -> String {
    day_name(day).to_ascii_lowercase()
}

impl Series {
    /// Graph's object for this series. Exceptions are cancelled or changed occurrences there, not part of the rule.
    ///
    /// # Errors
    /// The first part that Graph does not have, with the reason.
    pub fn to_graph(&self) -> Result<GraphRecurrence, Unsupported> {
        let rule = self.rule();
        let start = self.start().local().date();
        let mut pattern = GraphPattern {
            kind: String::new(),
            interval: rule.interval,
            days_of_week: Vec::new(),
            day_of_month: None,
            month: None,
            index: None,
            first_day_of_week: None,
        };
        match rule.frequency {
            Frequency::Daily if rule.by_day.is_empty() => {
                known(rule, &[])?;
                pattern.kind = "daily".into();
            }
            Frequency::Daily | Frequency::Weekly => {
                known(rule, &["BYDAY"])?;
                if rule.frequency == Frequency::Daily && rule.interval != 1 {
                    return Err(no("BYDAY", "it cannot skip days and keep to some weekdays"));
                }
                let days = rule.plain_days().unwrap_or_default();
                let days = if days.is_empty() {
                    vec![start.weekday()]
                } else {
                    days
                };
                pattern.kind = "weekly".into();
                pattern.days_of_week = days.into_iter().map(low).collect();
                pattern.first_day_of_week = Some(low(rule.week_start));
            }
            Frequency::Monthly => {
                known(rule, &["BYDAY", "BYMONTHDAY", "BYSETPOS"])?;
                in_month(rule, start.day(), "Monthly", &mut pattern)?;
            }
            Frequency::Yearly => {
                known(rule, &["BYDAY", "BYMONTHDAY", "BYSETPOS", "BYMONTH"])?;
                pattern.month = Some(match rule.by_month[..] {
                    [] if !rule.by_day.is_empty() => {
                        return Err(no(
                            "BYDAY",
                            "it counts weekdays in a month, not in the year",
                        ));
                    }
                    [] if !rule.by_month_day.is_empty() => {
                        return Err(no(
                            "BYMONTHDAY",
                            "without a month it is that day of every month; repeat monthly instead",
                        ));
                    }
                    [] => start.month(),
                    [month] => month,
                    _ => return Err(no("BYMONTH", "it takes one month; make a series for each")),
                });
                in_month(rule, start.day(), "Yearly", &mut pattern)?;
            }
            _ => return Err(no("FREQ", "it repeats at most once a day")),
        }
        Ok(GraphRecurrence {
            pattern,
            range: self.graph_range()?,
        })
    }

    fn graph_range(&self) -> Result<GraphRange, Unsupported> {
        let zone = self.start().zone().and_then(|zone| zone.iana_name());
        let mut range = GraphRange {
            kind: "noEnd".into(),
            start_date: self.start().local().date(),
            end_date: None,
            number_of_occurrences: None,
            recurrence_time_zone: zone.map(str::to_owned),
        };
        match self.rule().end {
            End::Never => {}
            End::Count(count) => {
                range.kind = "numbered".into();
                range.number_of_occurrences = Some(count);
            }
            End::Until(_) => {
                let ruled = Self::new(self.start().clone(), self.rule().clone());
                let last = ruled.ok().and_then(|ruled| ruled.last(MOST));
                let last = last.ok_or_else(|| {
                    no(
                        "UNTIL",
                        "there are no, or far too many, instances up to then",
                    )
                })?;
                range.kind = "endDate".into();
                range.end_date = Some(last.local.date());
            }
        }
        Ok(range)
    }
}

/// How many instances are looked through for the last one.
const MOST: usize = 20_000;

fn known(rule: &Rule, parts: &[&'static str]) -> Result<(), Unsupported> {
    match rule.part_beyond(parts) {
        Some(part) => Err(no(part, "its rules do not have this part")),
        None => Ok(()),
    }
}

/// A day of a month, by its number or by its place among the weekdays.
fn in_month(
    rule: &Rule,
    start_day: i8,
    of: &str,
    pattern: &mut GraphPattern,
) -> Result<(), Unsupported> {
    let relative = |pattern: &mut GraphPattern, nth: i16, days: Vec<String>| {
        let index = INDEXES.iter().find(|(_, number)| i16::from(*number) == nth);
        let (name, _) =
            index.ok_or_else(|| no("BYDAY", "it counts the first to fourth, and the last"))?;
        pattern.kind = format!("relative{of}");
        pattern.index = Some((*name).into());
        pattern.days_of_week = days;
        Ok(())
    };
    match (
        &rule.by_month_day[..],
        &rule.by_day[..],
        &rule.by_set_pos[..],
    ) {
        (
            [],
            [
                ByDay {
                    ordinal: Some(nth),
                    weekday,
                },
            ],
            [],
        ) => relative(pattern, i16::from(*nth), vec![low(*weekday)]),
        ([], [_, ..], [nth]) => match rule.plain_days() {
            Some(days) => relative(pattern, *nth, days.into_iter().map(low).collect()),
            None => Err(no("BYSETPOS", "it chooses among weekdays without numbers")),
        },
        ([], [_, ..], _) => Err(no(
            "BYDAY",
            "one such day of the month has to be chosen: the first to fourth, or the last",
        )),
        (days, [], []) if days.len() <= 1 => {
            let day = days.first().copied().unwrap_or(start_day);
            if day < 0 {
                return Err(no(
                    "BYMONTHDAY",
                    "it does not count days from the end of the month",
                ));
            }
            if day > 28 {
                return Err(no(
                    "BYMONTHDAY",
                    "in shorter months it takes the last day instead of none; take a day up to 28",
                ));
            }
            pattern.kind = format!("absolute{of}");
            pattern.day_of_month = Some(day);
            Ok(())
        }
        (_, [], _) => Err(no(
            "BYMONTHDAY",
            "it takes one day of the month; make a series for each",
        )),
        _ => Err(no(
            "BYDAY",
            "it takes a day of the month or a weekday, not both",
        )),
    }
}

impl GraphRecurrence {
    /// The rule that Graph's object says; none when it says nothing that can be understood.
    pub fn to_rule(&self) -> Option<Rule> {
        let pattern = &self.pattern;
        let days: Vec<Weekday> = pattern
            .days_of_week
            .iter()
            .map(|name| weekday(name))
            .collect::<Option<_>>()?;
        let nth = || {
            let name = pattern.index.as_deref().unwrap_or("first");
            INDEXES
                .iter()
                .find(|(one, _)| *one == name)
                .map(|(_, number)| *number)
        };
        let mut rule = Rule::every(match pattern.kind.as_str() {
            "daily" => Frequency::Daily,
            "weekly" => Frequency::Weekly,
            "absoluteMonthly" | "relativeMonthly" => Frequency::Monthly,
            "absoluteYearly" | "relativeYearly" => Frequency::Yearly,
            _ => return None,
        });
        if rule.frequency == Frequency::Yearly {
            rule.by_month.push(pattern.month?);
        }
        match pattern.kind.as_str() {
            "weekly" => {
                rule.by_day = days.into_iter().map(ByDay::every).collect();
                let first = pattern.first_day_of_week.as_deref().unwrap_or("sunday");
                rule.week_start = weekday(first)?;
            }
            "absoluteMonthly" | "absoluteYearly" => rule.by_month_day.push(pattern.day_of_month?),
            "relativeMonthly" | "relativeYearly" => match days[..] {
                [] => return None,
                [day] => rule.by_day.push(ByDay::nth(nth()?, day)),
                _ => {
                    rule.by_set_pos.push(i16::from(nth()?));
                    rule.by_day = days.into_iter().map(ByDay::every).collect();
                }
            },
            _ => {}
        }
        rule.interval = pattern.interval.max(1);
        rule.end = match (
            self.range.kind.as_str(),
            self.range.end_date,
            self.range.number_of_occurrences,
        ) {
            ("endDate", Some(day), _) => End::Until(Until::Day(day)),
            ("numbered", _, Some(count)) if count > 0 => End::Count(count),
            _ => End::Never,
        };
        Some(rule)
    }
}

fn weekday(name: &str) -> Option<Weekday> {
    [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ]
    .into_iter()
    .find(|day| day_name(*day).eq_ignore_ascii_case(name))
}

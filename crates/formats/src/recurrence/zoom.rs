//! Rules as Zoom's `recurrence` object (reference: meetings, recurrence; type 8 meetings and type 9 webinars).

use jiff::Timestamp;
use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

use super::Unsupported;
use super::rule::{ByDay, End, Frequency, Rule, Until};
use super::series::Series;

/// What Zoom accepts at most. Older and newer pages of its reference differ, so these can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoomLimits {
    /// Days between two instances.
    pub days: u16,
    /// Weeks between two.
    pub weeks: u16,
    /// Months between two.
    pub months: u16,
    /// Instances of a series.
    pub times: u16,
}

impl Default for ZoomLimits {
    fn default() -> Self {
        Self {
            days: 99,
            weeks: 50,
            months: 10,
            times: 60,
        }
    }
}

/// Zoom's `recurrence` object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoomRecurrence {
    /// 1 daily, 2 weekly, 3 monthly.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Every so many days, weeks or months.
    #[serde(default = "one")]
    pub repeat_interval: u16,
    /// Days of the week with commas, 1 being Sunday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekly_days: Option<String>,
    /// Day of the month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_day: Option<i8>,
    /// Which week of the month: 1 to 4, -1 for the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_week: Option<i8>,
    /// Which day of that week, 1 being Sunday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_week_day: Option<i8>,
    /// How many instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_times: Option<u16>,
    /// The last instant, in UTC to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date_time: Option<Timestamp>,
}

const fn one() -> u16 {
    1
}

fn no(part: &'static str, reason: impl Into<String>) -> Unsupported {
    Unsupported {
        system: "Zoom",
        part,
        reason: reason.into(),
    }
}

impl Series {
    /// Zoom's object for this series; start and zone are fields of the meeting itself.
    ///
    /// Exceptions are not part of it: at Zoom they are occurrences deleted or changed afterwards. Zoom does not say with
    /// which day its weeks begin, nor what it does with times that clocks skip: compare the `occurrences` it answers.
    ///
    /// # Errors
    /// The first part that Zoom does not have, with the reason.
    pub fn to_zoom(&self, limits: ZoomLimits) -> Result<ZoomRecurrence, Unsupported> {
        let rule = self.rule();
        if self.start().zone().is_none() {
            return Err(no("DTSTART", "its meetings have a time; give the day one"));
        }
        let mut out = ZoomRecurrence {
            kind: 1,
            repeat_interval: rule.interval,
            weekly_days: None,
            monthly_day: None,
            monthly_week: None,
            monthly_week_day: None,
            end_times: None,
            end_date_time: None,
        };
        let start = self.start().local();
        let most = match rule.frequency {
            Frequency::Daily if rule.by_day.is_empty() => {
                known(rule, &[])?;
                limits.days
            }
            // Every weekday is a list of days of the week.
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
                out.kind = 2;
                out.weekly_days = Some(weekly(&days));
                limits.weeks
            }
            Frequency::Monthly => {
                known(rule, &["BYDAY", "BYMONTHDAY"])?;
                out.kind = 3;
                monthly(rule, start.day(), &mut out)?;
                limits.months
            }
            Frequency::Yearly => {
                return Err(no(
                    "FREQ",
                    "it has no yearly repetition; make single meetings, or a series without a fixed time",
                ));
            }
            Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => {
                return Err(no("FREQ", "it repeats at most once a day"));
            }
        };
        if rule.interval > most {
            return Err(no("INTERVAL", format!("the pause may be {most} at most")));
        }
        let times = usize::from(limits.times);
        let too_many = || no("COUNT", format!("a series has {times} meetings at most"));
        match rule.end {
            End::Never => {
                return Err(no(
                    "COUNT",
                    format!(
                        "a series needs an end there: a number of times up to {times}, or a day"
                    ),
                ));
            }
            End::Count(count) => {
                let fits = u16::try_from(count)
                    .ok()
                    .filter(|count| *count <= limits.times);
                out.end_times = Some(fits.ok_or_else(too_many)?);
            }
            End::Until(_) => {
                let ruled = Self::new(self.start().clone(), rule.clone());
                let last = ruled.ok().and_then(|ruled| ruled.last(times));
                // The end is the last real instance: cutting the day's end off in UTC loses or adds one.
                let last = last.ok_or_else(too_many)?;
                out.end_date_time = self.start().instant(last.local);
            }
        }
        Ok(out)
    }
}

fn known(rule: &Rule, parts: &[&'static str]) -> Result<(), Unsupported> {
    match rule.part_beyond(parts) {
        Some(part) => Err(no(part, "its rules do not have this part")),
        None => Ok(()),
    }
}

fn monthly(rule: &Rule, start_day: i8, out: &mut ZoomRecurrence) -> Result<(), Unsupported> {
    match (&rule.by_month_day[..], &rule.by_day[..]) {
        (
            [],
            [
                ByDay {
                    ordinal: Some(week),
                    weekday,
                },
            ],
        ) if matches!(week, -1 | 1..=4) => {
            out.monthly_week = Some(*week);
            out.monthly_week_day = Some(number(*weekday));
            Ok(())
        }
        (
            [],
            [
                ByDay {
                    ordinal: Some(5), ..
                },
            ],
        ) => Err(no(
            "BYDAY",
            "it counts four of a weekday in a month, and the last; the fifth is not always the last",
        )),
        ([], [ByDay { .. }]) => Err(no(
            "BYDAY",
            "one such day of the month has to be chosen: the first to fourth, or the last",
        )),
        ([], [_, _, ..]) => Err(no(
            "BYDAY",
            "it takes one day of the month; make a series for each",
        )),
        (days, []) if days.len() <= 1 => {
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
                    format!(
                        "what it does with a day {day} in shorter months is not known; take a day up to 28, or single meetings"
                    ),
                ));
            }
            out.monthly_day = Some(day);
            Ok(())
        }
        (_, []) => Err(no(
            "BYMONTHDAY",
            "it takes one day of the month; make a series for each",
        )),
        _ => Err(no(
            "BYDAY",
            "it takes a day of the month or a weekday, not both",
        )),
    }
}

/// Zoom's number of a day.
fn number(day: Weekday) -> i8 {
    day.to_sunday_one_offset()
}

fn weekly(days: &[Weekday]) -> String {
    let mut numbers: Vec<i8> = days.iter().map(|day| number(*day)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    texts.join(",")
}

impl ZoomRecurrence {
    /// The rule that Zoom's object says; none when it says nothing that can be understood, as Zoom may send anything.
    pub fn to_rule(&self) -> Option<Rule> {
        let day = |number: i8| Weekday::from_sunday_one_offset(number).ok();
        let mut rule = match self.kind {
            1 => Rule::every(Frequency::Daily),
            2 => {
                let mut rule = Rule::every(Frequency::Weekly);
                rule.week_start = Weekday::Sunday;
                for item in self.weekly_days.as_deref().unwrap_or_default().split(',') {
                    if item.trim().is_empty() {
                        continue;
                    }
                    rule.by_day
                        .push(ByDay::every(day(item.trim().parse().ok()?)?));
                }
                rule
            }
            3 => {
                let mut rule = Rule::every(Frequency::Monthly);
                match (self.monthly_week, self.monthly_week_day, self.monthly_day) {
                    (Some(week), Some(weekday), _) if matches!(week, -1 | 1..=4) => {
                        rule.by_day.push(ByDay::nth(week, day(weekday)?));
                    }
                    (_, _, Some(day)) if (1..=31).contains(&day) => rule.by_month_day.push(day),
                    _ => return None,
                }
                rule
            }
            _ => return None,
        };
        rule.interval = self.repeat_interval.max(1);
        rule.end = match (self.end_date_time, self.end_times) {
            (Some(at), _) => End::Until(Until::At(at)),
            (None, Some(times)) if times > 0 => End::Count(u32::from(times)),
            _ => End::Never,
        };
        Some(rule)
    }
}

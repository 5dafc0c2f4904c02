//! The rule itself, and its text in RFC 5545.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};

/// How often a rule repeats, before its other parts narrow or widen it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// `SECONDLY`.
    Secondly,
    /// `MINUTELY`.
    Minutely,
    /// `HOURLY`.
    Hourly,
    /// `DAILY`.
    Daily,
    /// `WEEKLY`.
    Weekly,
    /// `MONTHLY`.
    Monthly,
    /// `YEARLY`.
    Yearly,
}

impl Frequency {
    const NAMES: [(Self, &'static str); 7] = [
        (Self::Secondly, "SECONDLY"),
        (Self::Minutely, "MINUTELY"),
        (Self::Hourly, "HOURLY"),
        (Self::Daily, "DAILY"),
        (Self::Weekly, "WEEKLY"),
        (Self::Monthly, "MONTHLY"),
        (Self::Yearly, "YEARLY"),
    ];

    /// The name in RFC 5545.
    pub fn as_str(self) -> &'static str {
        let at = Self::NAMES.iter().find(|(one, _)| *one == self);
        at.map_or("DAILY", |(_, name)| name)
    }
}

/// A day of the week, or the so many-eth of it in the month or year: `MO`, `2TU`, `-1FR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByDay {
    /// Which one, from 1, or from -1 backwards; none for every one.
    pub ordinal: Option<i8>,
    /// The day.
    pub weekday: Weekday,
}

impl ByDay {
    /// Every such day.
    pub const fn every(weekday: Weekday) -> Self {
        Self {
            ordinal: None,
            weekday,
        }
    }

    /// The so many-eth such day of the month or year.
    pub const fn nth(ordinal: i8, weekday: Weekday) -> Self {
        Self {
            ordinal: Some(ordinal),
            weekday,
        }
    }
}

/// The last moment at which an instance may start, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// A day; for timed events all of it, in the event's zone.
    Day(Date),
    /// A local time in the event's zone.
    Local(DateTime),
    /// An instant: the form RFC 5545 asks for with events that have a zone.
    At(Timestamp),
}

/// Where a rule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// Nowhere.
    #[default]
    Never,
    /// After so many instances, the first start included and excluded dates counted.
    Count(u32),
    /// At a moment.
    Until(Until),
}

/// A recurrence rule; the fields are the parts of RFC 5545 §3.3.10, empty lists being absent parts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each list is the part of RFC 5545 with the same name"
)]
pub struct Rule {
    /// `FREQ`.
    pub frequency: Frequency,
    /// `INTERVAL`, at least 1.
    pub interval: u16,
    /// `COUNT` or `UNTIL`.
    pub end: End,
    /// `WKST`: the day weeks begin with, which matters when every second week is meant.
    pub week_start: Weekday,
    pub by_second: Vec<u8>,
    pub by_minute: Vec<u8>,
    pub by_hour: Vec<u8>,
    pub by_day: Vec<ByDay>,
    pub by_month_day: Vec<i8>,
    pub by_year_day: Vec<i16>,
    pub by_week_no: Vec<i8>,
    pub by_month: Vec<i8>,
    pub by_set_pos: Vec<i16>,
}

/// What is wrong with the text of a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// There is no `FREQ`.
    #[error("the rule has no FREQ part; write for example FREQ=WEEKLY;BYDAY=MO")]
    NoFrequency,
    /// A part that RFC 5545 does not know.
    #[error("the rule's part {0:?} is not one of RFC 5545's")]
    UnknownPart(String),
    /// A part that stands there twice.
    #[error("the rule has more than one {0} part")]
    Twice(String),
    /// A value that the part cannot have.
    #[error("{part}={value} is not possible: {why}")]
    Value {
        /// The part.
        part: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there.
        why: &'static str,
    },
    /// Both ways of ending.
    #[error("the rule has COUNT and UNTIL; it may have one of them")]
    TwoEnds,
    /// Parts that RFC 5545 does not allow together.
    #[error("{part} cannot be used with FREQ={}", frequency.as_str())]
    NotTogether {
        /// The part.
        part: &'static str,
        /// The rule's frequency.
        frequency: Frequency,
    },
    /// `BYSETPOS` alone.
    #[error("BYSETPOS chooses among what another BY… part gives, and there is none")]
    NothingToChoose,
}

const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

impl Rule {
    /// A rule with nothing but a frequency.
    pub const fn every(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            end: End::Never,
            week_start: Weekday::Monday,
            by_second: Vec::new(),
            by_minute: Vec::new(),
            by_hour: Vec::new(),
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            by_year_day: Vec::new(),
            by_week_no: Vec::new(),
            by_month: Vec::new(),
            by_set_pos: Vec::new(),
        }
    }

    /// The same pattern with another end.
    #[must_use]
    pub fn ending(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// The first part beyond those named that the rule has.
    pub(super) fn part_beyond(&self, known: &[&'static str]) -> Option<&'static str> {
        [
            ("BYSECOND", self.by_second.is_empty()),
            ("BYMINUTE", self.by_minute.is_empty()),
            ("BYHOUR", self.by_hour.is_empty()),
            ("BYDAY", self.by_day.is_empty()),
            ("BYMONTHDAY", self.by_month_day.is_empty()),
            ("BYYEARDAY", self.by_year_day.is_empty()),
            ("BYWEEKNO", self.by_week_no.is_empty()),
            ("BYMONTH", self.by_month.is_empty()),
            ("BYSETPOS", self.by_set_pos.is_empty()),
        ]
        .into_iter()
        .find(|(name, empty)| !empty && !known.contains(name))
        .map(|(name, _)| name)
    }

    /// The weekdays of `BYDAY`, when all are without an ordinal.
    pub(super) fn plain_days(&self) -> Option<Vec<Weekday>> {
        self.by_day
            .iter()
            .map(|day| day.ordinal.is_none().then_some(day.weekday))
            .collect()
    }

    /// Whether the parts may stand together (RFC 5545 §3.3.10).
    ///
    /// # Errors
    /// The first pair of parts that may not.
    pub fn check(&self) -> Result<(), RuleError> {
        use Frequency as F;
        let frequency = self.frequency;
        let apart = |part, wrong: bool| {
            if wrong {
                Err(RuleError::NotTogether { part, frequency })
            } else {
                Ok(())
            }
        };
        let ordinals = self.by_day.iter().any(|day| day.ordinal.is_some());
        apart(
            "BYDAY with a number",
            ordinals
                && (!matches!(frequency, F::Monthly | F::Yearly) || !self.by_week_no.is_empty()),
        )?;
        apart(
            "BYMONTHDAY",
            frequency == F::Weekly && !self.by_month_day.is_empty(),
        )?;
        apart(
            "BYYEARDAY",
            matches!(frequency, F::Daily | F::Weekly | F::Monthly) && !self.by_year_day.is_empty(),
        )?;
        apart(
            "BYWEEKNO",
            frequency != F::Yearly && !self.by_week_no.is_empty(),
        )?;
        if !self.by_set_pos.is_empty() && self.part_beyond(&["BYSETPOS"]).is_none() {
            return Err(RuleError::NothingToChoose);
        }
        if self.interval == 0 {
            return Err(value("INTERVAL", "0", "a number from 1 to 65535"));
        }
        if self.end == End::Count(0) {
            return Err(value("COUNT", "0", "a number from 1 up"));
        }
        Ok(())
    }

    /// The pattern without its end.
    pub(super) fn pattern(&self) -> String {
        let mut out = format!("FREQ={}", self.frequency.as_str());
        let mut add = |name: &str, text: String| {
            out.push(';');
            out.push_str(name);
            out.push('=');
            out.push_str(&text);
        };
        if self.interval != 1 {
            add("INTERVAL", self.interval.to_string());
        }
        if self.week_start != Weekday::Monday {
            add("WKST", day_name(self.week_start).to_owned());
        }
        let mut numbers = |name: &str, list: Option<String>| {
            if let Some(text) = list {
                add(name, text);
            }
        };
        numbers("BYMONTH", joined(&self.by_month));
        numbers("BYWEEKNO", joined(&self.by_week_no));
        numbers("BYYEARDAY", joined(&self.by_year_day));
        numbers("BYMONTHDAY", joined(&self.by_month_day));
        numbers("BYDAY", joined(&self.by_day));
        numbers("BYHOUR", joined(&self.by_hour));
        numbers("BYMINUTE", joined(&self.by_minute));
        numbers("BYSECOND", joined(&self.by_second));
        numbers("BYSETPOS", joined(&self.by_set_pos));
        out
    }
}

fn joined<T: fmt::Display>(list: &[T]) -> Option<String> {
    let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

fn day_name(day: Weekday) -> &'static str {
    DAYS.iter()
        .find(|(_, one)| *one == day)
        .map_or("MO", |(name, _)| name)
}

impl fmt::Display for ByDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ordinal) = self.ordinal {
            write!(f, "{ordinal}")?;
        }
        f.write_str(day_name(self.weekday))
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{}", day.strftime("%Y%m%d")),
            Self::Local(at) => write!(f, "{}", at.strftime("%Y%m%dT%H%M%S")),
            Self::At(at) => write!(f, "{}", at.strftime("%Y%m%dT%H%M%SZ")),
        }
    }
}

impl fmt::Display for Rule {
    /// The value of an `RRULE` property.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern())?;
        match self.end {
            End::Never => Ok(()),
            End::Count(count) => write!(f, ";COUNT={count}"),
            End::Until(until) => write!(f, ";UNTIL={until}"),
        }
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Reads the value of an `RRULE` property, with or without `RRULE:` before it, in whatever case.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        let mut seen: Vec<&str> = Vec::new();
        let mut rule = Self::every(Frequency::Daily);
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if seen.contains(&name) {
                return Err(RuleError::Twice(name.to_owned()));
            }
            seen.push(name);
            rule.read(name, value)?;
        }
        if !seen.contains(&"FREQ") {
            return Err(RuleError::NoFrequency);
        }
        if seen.contains(&"COUNT") && seen.contains(&"UNTIL") {
            return Err(RuleError::TwoEnds);
        }
        rule.check()?;
        Ok(rule)
    }
}

impl Rule {
    fn read(&mut self, name: &str, text: &str) -> Result<(), RuleError> {
        match name {
            "FREQ" => {
                self.frequency = Frequency::NAMES
                    .iter()
                    .find(|(_, name)| *name == text)
                    .map(|(one, _)| *one)
                    .ok_or_else(|| value("FREQ", text, "DAILY, WEEKLY, MONTHLY, YEARLY, …"))?;
            }
            "INTERVAL" => {
                self.interval = text
                    .parse()
                    .ok()
                    .filter(|number| *number > 0)
                    .ok_or_else(|| value("INTERVAL", text, "a number from 1 to 65535"))?;
            }
            "COUNT" => {
                let count = text.parse().ok().filter(|number| *number > 0);
                self.end =
                    End::Count(count.ok_or_else(|| value("COUNT", text, "a number from 1 up"))?);
            }
            "UNTIL" => self.end = End::Until(until(text)?),
            "WKST" => self.week_start = weekday("WKST", text)?,
            "BYSECOND" => self.by_second = list("BYSECOND", text, 0, 60, true)?,
            "BYMINUTE" => self.by_minute = list("BYMINUTE", text, 0, 59, true)?,
            "BYHOUR" => self.by_hour = list("BYHOUR", text, 0, 23, true)?,
            "BYDAY" => self.by_day = text.split(',').map(by_day).collect::<Result<_, _>>()?,
            "BYMONTHDAY" => self.by_month_day = list("BYMONTHDAY", text, -31, 31, false)?,
            "BYYEARDAY" => self.by_year_day = list("BYYEARDAY", text, -366, 366, false)?,
            "BYWEEKNO" => self.by_week_no = list("BYWEEKNO", text, -53, 53, false)?,
            "BYMONTH" => self.by_month = list("BYMONTH", text, 1, 12, false)?,
            "BYSETPOS" => self.by_set_pos = list("BYSETPOS", text, -366, 366, false)?,
            other => return Err(RuleError::UnknownPart(other.to_owned())),
        }
        Ok(())
    }
}

fn value(part: &'static str, text: &str, why: &'static str) -> RuleError {
    RuleError::Value {
        part,
        value: text.to_owned(),
        why,
    }
}

fn list<T: TryFrom<i32>>(
    part: &'static str,
    text: &str,
    low: i32,
    high: i32,
    zero: bool,
) -> Result<Vec<T>, RuleError> {
    let one = |item: &str| {
        let number: i32 = item.parse().ok()?;
        let fits = (low..=high).contains(&number) && (zero || number != 0);
        fits.then(|| T::try_from(number).ok()).flatten()
    };
    text.split(',')
        .map(|item| {
            one(item).ok_or_else(|| value(part, text, "numbers in the part's range, with commas"))
        })
        .collect()
}

fn weekday(part: &'static str, text: &str) -> Result<Weekday, RuleError> {
    DAYS.iter()
        .find(|(name, _)| *name == text)
        .map(|(_, day)| *day)
        .ok_or_else(|| value(part, text, "MO, TU, WE, TH, FR, SA or SU"))
}

fn by_day(text: &str) -> Result<ByDay, RuleError> {
    let wrong = || value("BYDAY", text, "days such as MO, 2TU or -1FR, with commas");
    let split = text
        .len()
        .checked_sub(2)
        .filter(|at| text.is_char_boundary(*at));
    let (number, name) = text.split_at(split.ok_or_else(wrong)?);
    let day = weekday("BYDAY", name)?;
    if number.is_empty() {
        return Ok(ByDay::every(day));
    }
    let ordinal: i8 = number.parse().map_err(|_| wrong())?;
    if ordinal == 0 || ordinal.abs() > 53 {
        return Err(wrong());
    }
    Ok(ByDay::nth(ordinal, day))
}

fn until(text: &str) -> Result<Until, RuleError> {
    let wrong = || {
        value(
            "UNTIL",
            text,
            "a day such as 20271231 or an instant such as 20271231T090000Z",
        )
    };
    // `%Y` would take any number of digits.
    match text.len() {
        8 => Date::strptime("%Y%m%d", text)
            .map(Until::Day)
            .map_err(|_| wrong()),
        15 => DateTime::strptime("%Y%m%dT%H%M%S", text)
            .map(Until::Local)
            .map_err(|_| wrong()),
        16 => text
            .strip_suffix('Z')
            .and_then(|local| DateTime::strptime("%Y%m%dT%H%M%S", local).ok())
            .and_then(|local| local.to_zoned(jiff::tz::TimeZone::UTC).ok())
            .map(|at| Until::At(at.timestamp()))
            .ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

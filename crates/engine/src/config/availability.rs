//! The section `availability`: when people can be met, and whose calendar tells when they are busy.
//!
//! Rules are lines of words, so that a list of them fits into YAML and into one environment variable:
//! `ann@example.com Europe/Berlin mon-thu 08:00-12:00+13:00-16:00`, `@example.com google/work`.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::sections::texts;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
const WEEK: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// When people can be met, and who tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Availability {
    /// The zone of people of whom neither this configuration nor Zoom knows one.
    pub timezone: String,
    /// Working hours: days, then times of day.
    pub hours: String,
    /// Days on which nobody is met.
    #[serde(deserialize_with = "texts")]
    pub holidays: Vec<String>,
    /// Zones and hours of people or domains who keep others.
    #[serde(deserialize_with = "texts")]
    pub people: Vec<String>,
    /// Which calendar tells when people are busy.
    #[serde(deserialize_with = "texts")]
    pub calendars: Vec<String>,
    /// Minutes that stay free before and after other meetings.
    pub buffer_minutes: u32,
    /// Minutes from now within which nothing is proposed.
    pub notice_minutes: u32,
}

impl Default for Availability {
    fn default() -> Self {
        Self {
            timezone: "UTC".to_owned(),
            hours: "mon-fri 09:00-17:00".to_owned(),
            holidays: Vec::new(),
            people: Vec::new(),
            calendars: Vec::new(),
            buffer_minutes: 0,
            notice_minutes: 60,
        }
    }
}

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Address(String),
    Domain(String),
    Everybody,
}

impl Who {
    fn read(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        if word == "*" {
            return Some(Self::Everybody);
        }
        match word.split_once('@')? {
            ("", domain) if !domain.is_empty() => Some(Self::Domain(domain.to_owned())),
            (name, domain) if !name.is_empty() && !domain.is_empty() => Some(Self::Address(word)),
            _ => None,
        }
    }

    /// How closely it names somebody; none when it does not.
    fn names(&self, person: &str) -> Option<u8> {
        let person = person.to_lowercase();
        match self {
            Self::Address(address) => (*address == person).then_some(3),
            Self::Domain(domain) => person
                .rsplit_once('@')
                .is_some_and(|(_, of)| of == domain)
                .then_some(2),
            Self::Everybody => Some(1),
        }
    }
}

/// Days and times of day; what is not said is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Working {
    pub(crate) zone: Option<String>,
    pub(crate) days: Option<Vec<Weekday>>,
    /// From and to, in minutes after midnight.
    pub(crate) times: Option<Vec<(u16, u16)>>,
}

/// One calendar that tells when somebody is busy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Route {
    /// Its name in the registry of calendars.
    pub(crate) calendar: String,
    /// Its account.
    pub(crate) account: Option<String>,
}

fn day(word: &str) -> Option<usize> {
    WEEK.iter().position(|(name, _)| *name == word)
}

/// `mon-fri`, `mon+wed`, `sat`.
fn days(word: &str) -> Option<Vec<Weekday>> {
    let mut all = Vec::new();
    for part in word.to_lowercase().split('+') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        let mut at = first;
        loop {
            if !all.contains(&WEEK[at].1) {
                all.push(WEEK[at].1);
            }
            if at == last {
                break;
            }
            at = (at + 1) % WEEK.len();
        }
    }
    Some(all)
}

/// `09:00-17:00`, `09:00-12:00+13:00-17:00`.
fn times(word: &str) -> Option<Vec<(u16, u16)>> {
    let minute = |text: &str| -> Option<u16> {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        let all = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && all <= DAY).then_some(all)
    };
    word.split('+')
        .map(|part| {
            let (from, to) = part.split_once('-')?;
            let (from, to) = (minute(from)?, minute(to)?);
            (from < to).then_some((from, to))
        })
        .collect()
}

fn working(words: &[&str]) -> Option<Working> {
    let mut out = Working::default();
    for word in words {
        if let Some(days) = days(word).filter(|_| out.days.is_none()) {
            out.days = Some(days);
        } else if let Some(times) = times(word).filter(|_| out.times.is_none()) {
            out.times = Some(times);
        } else if TimeZone::get(word).is_ok() && out.zone.is_none() {
            out.zone = Some((*word).to_owned());
        } else {
            return None;
        }
    }
    Some(out)
}

fn person(line: &str) -> Option<(Who, Working)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (who, rest) = words.split_first()?;
    if rest.is_empty() {
        return None;
    }
    Some((Who::read(who)?, working(rest)?))
}

fn route(line: &str) -> Option<(Who, Route)> {
    let (who, place) = line.split_once(char::is_whitespace)?;
    let (calendar, account) = match place.trim().split_once('/') {
        Some((calendar, account)) => (calendar, Some(account.trim().to_owned())),
        None => (place.trim(), None),
    };
    let sound = !calendar.is_empty() && account.as_deref() != Some("");
    sound.then_some(())?;
    let calendar = calendar.to_owned();
    Some((Who::read(who.trim())?, Route { calendar, account }))
}

impl Availability {
    /// What cannot be read: the key, what is wrong, the mend.
    pub(super) fn faults(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut found = Vec::new();
        if TimeZone::get(&self.timezone).is_err() {
            found.push((
                "availability.timezone",
                format!("there is no time zone {:?}", self.timezone),
                "Write a name of the IANA database, such as Europe/Berlin.",
            ));
        }
        let words: Vec<&str> = self.hours.split_whitespace().collect();
        if !working(&words).is_some_and(|one| one.times.is_some() && one.zone.is_none()) {
            found.push((
                "availability.hours",
                format!("{:?} are no working hours", self.hours),
                "Write days and times: mon-fri 09:00-12:00+13:00-17:00.",
            ));
        }
        for text in &self.holidays {
            if text.parse::<Date>().is_err() {
                found.push((
                    "availability.holidays",
                    format!("{text:?} is no day"),
                    "Write days as 2026-12-25.",
                ));
            }
        }
        for line in &self.people {
            if person(line).is_none() {
                found.push((
                    "availability.people",
                    format!("{line:?} cannot be read"),
                    "Write an address or @domain, then zone, days and times: ann@example.com Europe/Berlin mon-thu 08:00-16:00.",
                ));
            }
        }
        for line in &self.calendars {
            if route(line).is_none() {
                found.push((
                    "availability.calendars",
                    format!("{line:?} cannot be read"),
                    "Write an address, @domain or *, then the calendar: @example.com google/work.",
                ));
            }
        }
        if self.buffer_minutes > u32::from(DAY) {
            found.push((
                "availability.buffer_minutes",
                "is more than a day".to_owned(),
                "Write minutes, such as 10.",
            ));
        }
        found
    }

    /// The holidays.
    pub(crate) fn closed(&self) -> Vec<Date> {
        self.holidays
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect()
    }

    /// When somebody works: what their own line says, then their domain's, then everybody's. The zone is only theirs if one of
    /// their lines names it.
    pub(crate) fn working(&self, who: &str) -> Working {
        let mut lines: Vec<(u8, Working)> = self
            .people
            .iter()
            .filter_map(|line| person(line))
            .filter_map(|(rule, working)| Some((rule.names(who)?, working)))
            .collect();
        lines.sort_by_key(|(closeness, _)| std::cmp::Reverse(*closeness));
        let words: Vec<&str> = self.hours.split_whitespace().collect();
        let general = working(&words).unwrap_or_default();
        let mut out = Working::default();
        for one in lines.into_iter().map(|(_, one)| one).chain([general]) {
            out.zone = out.zone.or(one.zone);
            out.days = out.days.or(one.days);
            out.times = out.times.or(one.times);
        }
        out
    }

    /// The calendars that tell when somebody is busy: those of the closest lines that name them. None: nobody said.
    pub(crate) fn routes(&self, who: &str) -> Vec<Route> {
        let fitting: Vec<(u8, Route)> = self
            .calendars
            .iter()
            .filter_map(|line| route(line))
            .filter_map(|(rule, route)| Some((rule.names(who)?, route)))
            .collect();
        let closest = fitting.iter().map(|(closeness, _)| *closeness).max();
        let mut routes: Vec<Route> = fitting
            .into_iter()
            .filter(|(closeness, _)| Some(*closeness) == closest)
            .map(|(_, route)| route)
            .collect();
        routes.sort();
        routes.dedup();
        routes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_the_closest_counts() {
        let config = Availability {
            people: vec![
                "* Europe/Paris".into(),
                "@example.com mon-thu 08:00-16:00".into(),
                "Ann@Example.com America/New_York fri-sun+tue".into(),
            ],
            calendars: vec![
                "* feed".into(),
                "@example.com google/work".into(),
                "@example.com caldav".into(),
            ],
            ..Availability::default()
        };
        assert_eq!(config.faults(), []);
        let ann = config.working("ann@example.com");
        assert_eq!(ann.zone.as_deref(), Some("America/New_York"));
        assert_eq!(
            ann.days.unwrap(),
            [
                Weekday::Friday,
                Weekday::Saturday,
                Weekday::Sunday,
                Weekday::Tuesday
            ]
        );
        assert_eq!(ann.times.unwrap(), [(480, 960)]);
        let bob = config.working("bob@elsewhere.org");
        assert_eq!(bob.zone.as_deref(), Some("Europe/Paris"));
        assert_eq!(bob.times.unwrap(), [(540, 1020)]);
        let names = |who: &str| -> Vec<String> {
            let routes = config.routes(who);
            routes.into_iter().map(|one| one.calendar).collect()
        };
        assert_eq!(names("ann@example.com"), ["caldav", "google"]);
        assert_eq!(names("bob@elsewhere.org"), ["feed"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_key() {
        let config = Availability {
            timezone: "Mars/Olympus".into(),
            hours: "mon-fri 17:00-09:00".into(),
            holidays: vec!["christmas".into()],
            people: vec!["ann@example.com".into(), "nobody 08:00-16:00".into()],
            calendars: vec!["ann@example.com".into(), "@ google".into()],
            buffer_minutes: 5_000,
            ..Availability::default()
        };
        let keys: Vec<&str> = config.faults().into_iter().map(|fault| fault.0).collect();
        assert_eq!(
            keys,
            [
                "availability.timezone",
                "availability.hours",
                "availability.holidays",
                "availability.people",
                "availability.people",
                "availability.calendars",
                "availability.calendars",
                "availability.buffer_minutes"
            ]
        );
    }
}

//! Rules for Google Calendar, which takes RFC 5545's lines as they are (`recurrence` of an event).

use super::Unsupported;
use super::rule::{End, Frequency, Rule, Until};
use super::series::{Series, Start};

impl Series {
    /// The lines of Google's `recurrence` array: the rule, and its exceptions.
    ///
    /// The end is written as RFC 5545 wants it: an instant in UTC for timed events, a day for whole days.
    ///
    /// # Errors
    /// The rule repeats more often than daily.
    pub fn to_google(&self) -> Result<Vec<String>, Unsupported> {
        let rule = self.rule();
        if rule.frequency < Frequency::Daily {
            return Err(Unsupported {
                system: "Google Calendar",
                part: "FREQ",
                reason: "it repeats at most once a day".into(),
            });
        }
        let mut lines = vec![format!("RRULE:{}", self.with_strict_end())];
        lines.extend(self.date_lines("EXDATE", &self.excluded_starts()));
        lines.extend(self.date_lines("RDATE", &self.added_starts()));
        Ok(lines)
    }

    /// The rule with its end in the form that RFC 5545 asks for with this start.
    pub fn with_strict_end(&self) -> Rule {
        let mut rule = self.rule().clone();
        if let End::Until(until) = rule.end {
            let strict = match (self.start(), until) {
                (Start::Day(_), Until::Local(at)) => Until::Day(at.date()),
                (Start::Day(_), Until::At(at)) => {
                    Until::Day(at.to_zoned(jiff::tz::TimeZone::UTC).date())
                }
                (Start::Timed { zone, .. }, Until::Day(day)) => day
                    .at(23, 59, 59, 0)
                    .to_zoned(zone.clone())
                    .map_or(until, |end| Until::At(end.timestamp())),
                (Start::Timed { zone, .. }, Until::Local(at)) => at
                    .to_zoned(zone.clone())
                    .map_or(until, |end| Until::At(end.timestamp())),
                _ => until,
            };
            rule.end = End::Until(strict);
        }
        rule
    }

    fn date_lines(&self, name: &str, starts: &[jiff::civil::DateTime]) -> Option<String> {
        if starts.is_empty() {
            return None;
        }
        let (head, pattern) = match self.start() {
            Start::Day(_) => (format!("{name};VALUE=DATE"), "%Y%m%d"),
            Start::Timed { zone, .. } => match zone.iana_name() {
                Some(zone) => (format!("{name};TZID={zone}"), "%Y%m%dT%H%M%S"),
                None => (name.to_owned(), "%Y%m%dT%H%M%S"),
            },
        };
        let texts: Vec<String> = starts
            .iter()
            .map(|start| start.strftime(pattern).to_string())
            .collect();
        Some(format!("{head}:{}", texts.join(",")))
    }
}

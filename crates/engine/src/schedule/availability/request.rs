//! What is asked for, and how it becomes a question for the sums.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parfocal_formats::availability::{Request, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Availability;
use crate::error::{EngineError, Fault, Result};

/// Most people in one question.
const PEOPLE: usize = 50;
/// Longest window.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 62);
/// The window when no end is given.
const WEEK: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Slots of an answer when nothing is said.
pub(super) const SLOTS: usize = 50;
/// Suggestions of an answer when nothing is said.
pub(super) const SUGGESTIONS: usize = 5;
/// Most of either.
const MOST: u32 = 500;

/// For whom, when and how long times are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilityRequest {
    /// Who has to come: e-mail addresses.
    #[schemars(length(min = 1, max = 50))]
    pub people: Vec<String>,
    /// Who may come: e-mail addresses.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub optional: Vec<String>,
    /// How long it lasts, in minutes, 1 to 1440. Default 30.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1440))]
    pub minutes: Option<u32>,
    /// From when on: an instant, a local time or a day. Default: now.
    #[serde(default)]
    pub from: Option<String>,
    /// Until when: an instant, a local time, or a day, which counts whole. At most 62 days after the beginning. Default: 7 days after it.
    #[serde(default)]
    pub to: Option<String>,
    /// The time zone of local times, in the question and in the answer. Default: UTC.
    #[serde(default)]
    pub timezone: Option<String>,
    /// Starts are at multiples of so many minutes after the full hour. Default 15.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1440))]
    pub step_minutes: Option<u32>,
    /// Minutes that stay free before and after other meetings. Default: as configured.
    #[serde(default)]
    #[schemars(range(max = 1440))]
    pub buffer_minutes: Option<u32>,
    /// Nothing begins within so many minutes from now. Default: as configured.
    #[serde(default)]
    #[schemars(range(max = 525_600))]
    pub notice_minutes: Option<u32>,
    /// Outside of working hours too.
    #[serde(default)]
    pub any_hour: bool,
    /// How many slots or suggestions at most, 1 to 500.
    #[serde(default)]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u32>,
}

/// The question.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) sum: Request,
    /// Addresses in lower case, and whether they have to come.
    pub(super) people: Vec<(String, bool)>,
    pub(super) zone: TimeZone,
    pub(super) zone_name: String,
    pub(super) any_hour: bool,
    pub(super) limit: Option<usize>,
}

fn faulty(field: &str, value: &str, problem: impl Into<String>, mend: &str) -> EngineError {
    EngineError::faulty(
        "times cannot be looked for like this",
        vec![Fault::new(field, value, problem, mend)],
    )
}

/// An address in lower case, if it is one.
pub(crate) fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let (name, host) = text.split_once('@')?;
    let sound = !name.is_empty()
        && !host.is_empty()
        && !host.contains('@')
        && text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    sound.then(|| text.to_lowercase())
}

fn instant(field: &str, text: &str, zone: &TimeZone, end: bool) -> Result<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let local = if text.len() > 10 {
        text.parse::<DateTime>().ok()
    } else {
        let day = text.parse::<Date>().ok();
        let day = if end {
            day.and_then(|day| day.tomorrow().ok())
        } else {
            day
        };
        day.map(|day| day.at(0, 0, 0, 0))
    };
    local
        .and_then(|local| local.to_zoned(zone.clone()).ok())
        .map(|at| at.timestamp())
        .ok_or_else(|| {
            faulty(
                field,
                text,
                "it is neither an instant nor a local time nor a day",
                "Write 2030-01-07T09:00:00Z, 2030-01-07T09:00:00 or 2030-01-07.",
            )
        })
}

fn within(field: &str, value: u32, least: u32, most: u32) -> Result<u32> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(faulty(
        field,
        &value.to_string(),
        format!("it is not between {least} and {most}"),
        "Write a number within these bounds.",
    ))
}

impl AvailabilityRequest {
    pub(super) fn read(&self, config: &Availability, now: Timestamp) -> Result<Asked> {
        let mut people: Vec<(String, bool)> = Vec::new();
        for (text, required) in self
            .people
            .iter()
            .map(|one| (one, true))
            .chain(self.optional.iter().map(|one| (one, false)))
        {
            let who = address(text).ok_or_else(|| {
                faulty(
                    if required { "people" } else { "optional" },
                    text,
                    "it is not an e-mail address",
                    "Write it as ann@example.com.",
                )
            })?;
            if !people.iter().any(|(known, _)| *known == who) {
                people.push((who, required));
            }
        }
        if self.people.is_empty() || people.len() > PEOPLE {
            return Err(faulty(
                "people",
                &people.len().to_string(),
                "1 to 50 people can be met, one of whom at least has to come",
                "Name whoever has to come.",
            ));
        }
        let zone_name = self.timezone.clone().unwrap_or_else(|| "UTC".to_owned());
        let zone = TimeZone::get(&zone_name).map_err(|_| {
            faulty(
                "timezone",
                &zone_name,
                "there is no such time zone",
                "Write a name of the IANA database, such as Europe/Berlin.",
            )
        })?;
        let from = match &self.from {
            Some(text) => instant("from", text, &zone, false)?,
            None => now,
        };
        let to = match &self.to {
            Some(text) => instant("to", text, &zone, true)?,
            None => from.saturating_add(WEEK).unwrap_or(Timestamp::MAX),
        };
        if to <= from || from.duration_until(to) > LONGEST {
            return Err(faulty(
                "to",
                self.to.as_deref().unwrap_or_default(),
                "the time to look at ends before it begins, or is longer than 62 days",
                "Give an end that lies up to 62 days after the beginning.",
            ));
        }
        let minutes = within("minutes", self.minutes.unwrap_or(30), 1, 1440)?;
        let buffer = within(
            "buffer_minutes",
            self.buffer_minutes.unwrap_or(config.buffer_minutes),
            0,
            1440,
        )?;
        let notice = within(
            "notice_minutes",
            self.notice_minutes.unwrap_or(config.notice_minutes),
            0,
            525_600,
        )?;
        let limit = self
            .limit
            .map(|limit| within("limit", limit, 1, MOST))
            .transpose()?;
        let earliest = now
            .saturating_add(SignedDuration::from_mins(i64::from(notice)))
            .unwrap_or(Timestamp::MAX);
        Ok(Asked {
            sum: Request {
                step: within("step_minutes", self.step_minutes.unwrap_or(15), 1, 1440)?,
                earliest: Some(earliest),
                buffer_before: buffer,
                buffer_after: buffer,
                ..Request::new(Span::new(from, to), minutes)
            },
            people,
            zone,
            zone_name,
            any_hour: self.any_hour,
            limit: limit.map(|limit| limit as usize),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<Asked> {
        let request: AvailabilityRequest = serde_json::from_str(text).unwrap();
        request.read(
            &Availability::default(),
            "2026-11-20T12:00:00Z".parse().unwrap(),
        )
    }

    #[test]
    fn days_count_whole_in_their_zone_and_people_once() {
        let asked = asked(
            r#"{"people": ["Ann@Example.com", "ann@example.com"], "optional": ["ann@example.com", "bo@example.com"],
                "from": "2026-11-23", "to": "2026-11-24", "timezone": "Europe/Berlin"}"#,
        )
        .unwrap();
        assert_eq!(
            asked.people,
            [
                ("ann@example.com".to_owned(), true),
                ("bo@example.com".to_owned(), false)
            ]
        );
        assert_eq!(asked.sum.window.from.to_string(), "2026-11-22T23:00:00Z");
        assert_eq!(asked.sum.window.to.to_string(), "2026-11-24T23:00:00Z");
        assert_eq!(
            asked.sum.earliest.unwrap().to_string(),
            "2026-11-20T13:00:00Z"
        );
    }

    #[test]
    fn what_cannot_be_names_its_field() {
        for (text, field) in [
            (r#"{"people": []}"#, "people"),
            (r#"{"people": ["ann"]}"#, "people"),
            (r#"{"people": ["a@b"], "optional": ["b b@c"]}"#, "optional"),
            (r#"{"people": ["a@b"], "minutes": 0}"#, "minutes"),
            (r#"{"people": ["a@b"], "from": "soon"}"#, "from"),
            (r#"{"people": ["a@b"], "to": "2026-11-01"}"#, "to"),
            (r#"{"people": ["a@b"], "to": "2027-11-01"}"#, "to"),
            (r#"{"people": ["a@b"], "timezone": "Mars"}"#, "timezone"),
            (r#"{"people": ["a@b"], "limit": 501}"#, "limit"),
            (r#"{"people": ["a@b"], "step_minutes": 0}"#, "step_minutes"),
        ] {
            let error = asked(text).unwrap_err();
            assert_eq!(error.faults()[0].field, field, "{text}");
        }
    }
}

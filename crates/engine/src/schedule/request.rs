//! What people ask for, and how it becomes a [`Spec`]: everything is checked before anything outside is touched.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parfocal_formats::recurrence::{End, SeriesError, Start, Until};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::spec::{MOST_OCCURRENCES, Spec};
use super::words::{faulty, rule, start};
use crate::calendar::{Answer, Attendee, Recurrence, Reminder, Role};
use crate::error::{EngineError, Result};
use crate::provider::Registration;

/// How far in the past a start may lie and still be meant.
const GRACE: SignedDuration = SignedDuration::from_mins(5);

/// Somebody to invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// The address.
    pub email: String,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether they have to come; who does not have to keeps nobody from the time.
    #[serde(default)]
    pub role: Role,
}

/// What to do with a rule that the provider cannot hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unrepeatable {
    /// Refuse it, with the reason.
    #[default]
    Refuse,
    /// Make one room without a fixed time; the calendar and the invitations carry the rule.
    Room,
    /// Make each time a meeting of its own, 60 at most; all of them or none.
    Singles,
}

/// A meeting to schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRequest {
    /// What it is about, 200 characters at most.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// Its description, 1900 characters at most.
    #[serde(default)]
    #[schemars(length(max = 1900))]
    pub agenda: Option<String>,
    /// When it begins: an instant such as 2030-01-07T09:00:00+01:00, or a local time together with a timezone.
    pub start: String,
    /// A time zone of the IANA database, such as Europe/Berlin. Needed for a local start and for a series.
    #[serde(default)]
    pub timezone: Option<String>,
    /// How long it lasts, in minutes, 1 to 1440. Default 30.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1440))]
    pub minutes: Option<u32>,
    /// How it repeats: day, weekday, week, "2 weeks", month, year, days such as "mon,wed", or a rule of RFC 5545 such as
    /// FREQ=MONTHLY;BYDAY=-1FR.
    #[serde(default)]
    pub every: Option<String>,
    /// After how many times it ends.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub count: Option<u32>,
    /// The last day on which it may take place.
    #[serde(default)]
    pub until: Option<Date>,
    /// Days of the series on which it does not take place.
    #[serde(default)]
    pub except: Vec<Date>,
    /// Who is invited.
    #[serde(default)]
    pub attendees: Vec<Guest>,
    /// Whether people register at the provider before they may come: `automatic` lets in whoever registers, `manual` whom the
    /// host lets in. Who is invited is registered and let in. Nobody has to if left out.
    #[serde(default)]
    pub registration: Option<Registration>,
    /// Reminders before each occurrence.
    #[serde(default)]
    pub reminders: Vec<Reminder>,
    /// Who holds it: an e-mail address or an id of the provider's. Whoever authorised the connection if left out.
    #[serde(default)]
    pub host: Option<String>,
    /// The meeting provider. Default: zoom.
    #[serde(default)]
    pub provider: Option<String>,
    /// The provider's account: a connection, by name or id; only needed when there are several.
    #[serde(default)]
    pub connection: Option<String>,
    /// The calendar that it is to stand in, by name; `none` for none. Default: the built-in feed, where there is one.
    #[serde(default)]
    pub calendar: Option<String>,
    /// The calendar's account.
    #[serde(default)]
    pub calendar_account: Option<String>,
    /// Without the calendar there is no meeting; otherwise a calendar that refuses is a warning. Default: true.
    #[serde(default)]
    pub calendar_required: Option<bool>,
    /// Schedule it even if somebody is busy then.
    #[serde(default)]
    pub allow_conflicts: bool,
    /// What to do with a rule that the provider cannot hold.
    #[serde(default)]
    pub unrepeatable: Unrepeatable,
}

/// What is to become different; what is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRequest {
    /// Only this occurrence of a series: the start that the rule gives it, as 2030-01-07T09:00:00 in the meeting's zone, or its
    /// day.
    #[serde(default)]
    pub occurrence: Option<String>,
    /// What it is about.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pub title: Option<String>,
    /// Its description.
    #[serde(default)]
    #[schemars(length(max = 1900))]
    pub agenda: Option<String>,
    /// When it begins: an instant, or a local time in its timezone.
    #[serde(default)]
    pub start: Option<String>,
    /// A time zone of the IANA database; goes with a start.
    #[serde(default)]
    pub timezone: Option<String>,
    /// How long it lasts, in minutes.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1440))]
    pub minutes: Option<u32>,
    /// Who is invited from now on, in place of those before.
    #[serde(default)]
    pub attendees: Option<Vec<Guest>>,
    /// The reminders from now on.
    #[serde(default)]
    pub reminders: Option<Vec<Reminder>>,
    /// Move it even if somebody is busy then.
    #[serde(default)]
    pub allow_conflicts: bool,
}

/// What is to be called off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {
    /// Only this occurrence of a series: the start that the rule gives it, or its day.
    #[serde(default)]
    pub occurrence: Option<String>,
    /// Whether those who are invited are told. Default: true.
    #[serde(default)]
    pub tell: Option<bool>,
}

fn guests(list: &[Guest]) -> Result<Vec<Attendee>> {
    let mut out: Vec<Attendee> = Vec::new();
    for guest in list {
        let email = guest.email.trim();
        let sound = email.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@')
        }) && email.len() <= 254
            && !email.chars().any(|c| c.is_whitespace() || c.is_control());
        if !sound {
            return Err(faulty(
                "attendees",
                &guest.email,
                "it is not an e-mail address",
                "Write it as ann@example.com.",
            ));
        }
        if !out.iter().any(|one| one.email.eq_ignore_ascii_case(email)) {
            out.push(Attendee {
                email: email.to_lowercase(),
                name: guest.name.clone(),
                role: guest.role,
                answer: Answer::Pending,
            });
        }
    }
    Ok(out)
}

impl ScheduleRequest {
    /// What it asks for, checked; `feed` is the calendar when none is named.
    ///
    /// # Errors
    /// `invalid_input` with what cannot be, such as a start that lies in the past or a rule that gives no meeting.
    pub(super) fn spec(&self, feed: Option<&str>, now: Timestamp) -> Result<Spec> {
        if self.title.trim().is_empty() || self.title.chars().count() > 200 {
            return Err(faulty(
                "title",
                &self.title,
                "it has to have 1 to 200 characters",
                "Say in a few words what it is about.",
            ));
        }
        if self
            .agenda
            .as_ref()
            .is_some_and(|text| text.chars().count() > 1900)
        {
            return Err(faulty(
                "agenda",
                "",
                "it is longer than 1900 characters",
                "Shorten it, or put a link into it.",
            ));
        }
        let minutes = self.minutes.unwrap_or(30);
        if !(1..=1440).contains(&minutes) {
            return Err(faulty(
                "minutes",
                &minutes.to_string(),
                "a meeting lasts 1 to 1440 minutes",
                "Write a number of minutes up to a day.",
            ));
        }
        let (mut start, zone) = start(&self.start, self.timezone.as_deref())?;
        let mut recurrence = None;
        if let Some(every) = &self.every {
            let mut rule = rule(every)?;
            match (self.count, self.until) {
                (Some(_), Some(_)) => {
                    return Err(faulty(
                        "count",
                        "",
                        "it would end twice",
                        "Give count or until, not both.",
                    ));
                }
                (Some(count), None) => rule.end = End::Count(count),
                (None, Some(day)) => rule.end = End::Until(Until::Day(day)),
                (None, None) => {}
            }
            let place = Start::in_zone(start, &zone)
                .map_err(|error| EngineError::invalid(error.to_string()))?;
            let series = Recurrence::of(rule.clone())
                .series(place)
                .map_err(|error| {
                    faulty(
                        "every",
                        every,
                        error.to_string(),
                        "Choose another rule or start.",
                    )
                })?
                .aligned()
                .ok_or_else(|| nothing(every))?;
            // A series begins with a start of its rule: "every weekday" from a Saturday on begins on Monday.
            start = series.start().local();
            let mut of = Recurrence::of(rule);
            let off: BTreeSet<Date> = self.except.iter().copied().collect();
            of.excluded = days_off(&of, start, &zone, &off)?;
            recurrence = Some(of);
        } else if self.count.is_some() || self.until.is_some() || !self.except.is_empty() {
            return Err(faulty(
                "every",
                "",
                "only what repeats has an end and exceptions",
                "Say how it repeats, such as week.",
            ));
        }
        let calendar = match self.calendar.as_deref() {
            Some("none") => None,
            Some(name) => Some(name.to_owned()),
            None => feed.map(str::to_owned),
        };
        let spec = Spec {
            provider: self.provider.clone().unwrap_or_else(|| "zoom".to_owned()),
            account: self.connection.clone(),
            host: self.host.clone(),
            title: self.title.trim().to_owned(),
            agenda: self.agenda.clone(),
            start,
            zone,
            minutes,
            recurrence,
            overrides: Vec::new(),
            open: false,
            registration: self.registration,
            attendees: guests(&self.attendees)?,
            reminders: reminders(&self.reminders),
            calendar,
            calendar_account: self.calendar_account.clone(),
            calendar_required: self.calendar_required.unwrap_or(true),
        };
        check(&spec, now)?;
        Ok(spec)
    }
}

/// The starts of a rule that fall on days on which it is not to take place.
fn days_off(
    recurrence: &Recurrence,
    start: DateTime,
    zone: &str,
    off: &BTreeSet<Date>,
) -> Result<Vec<DateTime>> {
    let invalid = |error: SeriesError| EngineError::invalid(error.to_string());
    let start = Start::in_zone(start, zone).map_err(invalid)?;
    let series = recurrence.series(start).map_err(invalid)?;
    Ok(series
        .instances()
        .take(MOST_OCCURRENCES)
        .map(|one| one.local)
        .filter(|local| off.contains(&local.date()))
        .collect())
}

fn nothing(every: &str) -> EngineError {
    faulty(
        "every",
        every,
        "the rule gives no meeting",
        "Look at its end and its exceptions.",
    )
}

fn reminders(list: &[Reminder]) -> Vec<Reminder> {
    let mut out = list.to_vec();
    out.sort_unstable();
    out.dedup();
    out
}

/// What no provider could hold.
pub(super) fn check(spec: &Spec, now: Timestamp) -> Result<()> {
    let text = spec.start.to_string();
    let rows = spec
        .occurrences()
        .map_err(|error| faulty("start", &text, error.to_string(), "Choose another time."))?;
    let Some(first) = rows.first() else {
        return Err(nothing(""));
    };
    if spec.endless() || rows.len() > MOST_OCCURRENCES {
        return Err(faulty(
            "count",
            "",
            "the series has no end, or more than 1000 meetings",
            "Give it a number of times, or a last day.",
        ));
    }
    if first.start < now.saturating_sub(GRACE).unwrap_or(Timestamp::MIN) {
        return Err(faulty(
            "start",
            &text,
            format!(
                "it is in the past (now it is {})",
                now.strftime("%Y-%m-%dT%H:%M:%SZ")
            ),
            "Give a start that lies ahead.",
        ));
    }
    Ok(())
}

/// The occurrence that a text means, by the start that the rule gives it.
pub(super) fn occurrence(spec: &Spec, text: &str) -> Result<DateTime> {
    let rows = spec
        .occurrences()
        .map_err(|error| EngineError::invalid(error.to_string()))?;
    let unknown = || {
        EngineError::not_found("occurrence", text)
            .with_hint("`parfocal schedule show` lists the occurrences.")
    };
    if spec.recurrence.is_none() {
        return Err(EngineError::invalid(
            "the meeting is a single one and has no occurrences",
        ));
    }
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return rows
            .iter()
            .find(|row| row.start == at)
            .map(|row| row.original)
            .ok_or_else(unknown);
    }
    if let Some(local) = text.parse::<DateTime>().ok().filter(|_| text.len() > 10) {
        return rows
            .iter()
            .find(|row| row.original == local)
            .map(|row| row.original)
            .ok_or_else(unknown);
    }
    let day: Date = text.parse().map_err(|_| unknown())?;
    let mut of_day = rows.iter().filter(|row| row.original.date() == day);
    match (of_day.next(), of_day.next()) {
        (Some(row), None) => Ok(row.original),
        _ => Err(unknown()),
    }
}

impl ChangeRequest {
    /// The spec that it makes of one; with the occurrence that is meant.
    pub(super) fn apply(&self, spec: &Spec, now: Timestamp) -> Result<(Spec, Option<DateTime>)> {
        use crate::calendar::{Override, OverrideChange, When};
        let mut to = spec.clone();
        let zone = self.timezone.as_deref().unwrap_or(&spec.zone);
        let moved = self
            .start
            .as_deref()
            .map(|text| start(text, Some(zone)))
            .transpose()?;
        if self.timezone.is_some() && moved.is_none() {
            return Err(faulty(
                "start",
                "",
                "a timezone goes with a start",
                "Give the new start too.",
            ));
        }
        if let Some(text) = &self.occurrence {
            let original = occurrence(spec, text)?;
            if self.attendees.is_some() || self.reminders.is_some() || self.agenda.is_some() {
                return Err(faulty(
                    "occurrence",
                    text,
                    "one occurrence has its own time, length and title, and nothing else",
                    "Leave attendees, reminders and agenda out, or change the whole series.",
                ));
            }
            let rows = spec
                .occurrences()
                .map_err(|error| EngineError::invalid(error.to_string()))?;
            let row = rows.iter().find(|row| row.original == original);
            let zone_of = TimeZone::get(&spec.zone).unwrap_or(TimeZone::UTC);
            let (local, zone) = moved.unwrap_or_else(|| {
                let at = row.map_or(original, |row| row.start.to_zoned(zone_of).datetime());
                (at, spec.zone.clone())
            });
            let when = When::Timed {
                start: local,
                zone,
                minutes: self
                    .minutes
                    .or(row.map(|row| row.minutes))
                    .unwrap_or(spec.minutes),
            };
            let Some(span) = when.span() else {
                return Err(faulty(
                    "start",
                    &local.to_string(),
                    "this time does not exist there: clocks are put forward over it",
                    "Choose a time before or after the change.",
                ));
            };
            if span.from < now {
                return Err(faulty(
                    "start",
                    &local.to_string(),
                    "it is in the past",
                    "Give a start that lies ahead.",
                ));
            }
            to.overrides.retain(|one| one.original != original);
            to.overrides.push(Override {
                original,
                change: OverrideChange::Moved {
                    when,
                    title: self.title.clone(),
                },
            });
            return Ok((to, Some(original)));
        }
        if let Some(title) = &self.title {
            title.trim().clone_into(&mut to.title);
        }
        if self.agenda.is_some() {
            to.agenda.clone_from(&self.agenda);
        }
        if let Some(minutes) = self.minutes {
            to.minutes = minutes;
        }
        if let Some((local, zone)) = moved {
            to.start = local;
            to.zone = zone;
            if let Some(recurrence) = &mut to.recurrence {
                // The series stands anew, but on days that were left out nobody is expected at another hour either.
                let off: BTreeSet<Date> =
                    recurrence.excluded.iter().map(|one| one.date()).collect();
                recurrence.excluded.clear();
                recurrence.added.clear();
                to.overrides.clear();
                if !off.is_empty() {
                    recurrence.excluded = days_off(recurrence, local, &to.zone, &off)?;
                }
            }
        }
        if let Some(list) = &self.attendees {
            to.attendees = guests(list)?;
        }
        if let Some(list) = &self.reminders {
            to.reminders = reminders(list);
        }
        if to == *spec {
            return Err(EngineError::invalid("nothing is to be changed"));
        }
        if to.start != spec.start || to.zone != spec.zone {
            check(&to, now)?;
        }
        Ok((to, None))
    }
}

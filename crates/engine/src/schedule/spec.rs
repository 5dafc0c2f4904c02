//! What a schedule is to be: everything that was asked for, checked, in one value that is stored with it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use parfocal_formats::recurrence::{End, SeriesError, Start};
use parfocal_store::{ScheduleFacts, ScheduleId, ScheduleState};
use serde::{Deserialize, Serialize};

use crate::calendar::{
    Attendee, CalendarEvent, Override, OverrideChange, Recurrence, Reminder, Role, When,
};
use crate::provider::{MeetingPlan, Registration};

/// Most occurrences of one schedule.
pub const MOST_OCCURRENCES: usize = 1_000;

/// What a schedule is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The meeting provider's name.
    pub provider: String,
    /// The provider's account: a connection, by name or id.
    pub account: Option<String>,
    /// Who holds it.
    pub host: Option<String>,
    /// What it is about.
    pub title: String,
    /// Its description.
    pub agenda: Option<String>,
    /// The first start, on the wall clock of the zone.
    pub start: DateTime,
    /// IANA zone.
    pub zone: String,
    /// Length in minutes.
    pub minutes: u32,
    /// How it repeats.
    pub recurrence: Option<Recurrence>,
    /// Occurrences that differ.
    pub overrides: Vec<Override>,
    /// The provider's meeting is a room without a fixed time, since it cannot repeat like this.
    pub open: bool,
    /// Who registers at the provider before they may come; none: nobody has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// Who is invited.
    pub attendees: Vec<Attendee>,
    /// Reminders before each occurrence.
    pub reminders: Vec<Reminder>,
    /// The calendar that it stands in, by name.
    pub calendar: Option<String>,
    /// The calendar's account.
    pub calendar_account: Option<String>,
    /// Without the calendar there is no meeting; otherwise only a warning.
    pub calendar_required: bool,
}

/// One time at which a schedule takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// The start that the rule gives it, on the wall clock of the zone.
    pub original: DateTime,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Length in minutes.
    pub minutes: u32,
}

impl Spec {
    /// When it takes place, moved occurrences at their new times, cancelled ones left out; in order of their starts.
    ///
    /// # Errors
    /// An unknown zone, a start that clocks skip, a rule that cannot be expanded.
    pub fn occurrences(&self) -> Result<Vec<Occurrence>, SeriesError> {
        let start = Start::in_zone(self.start, &self.zone)?;
        let one = |original, start: Timestamp, minutes: u32| Occurrence {
            original,
            start,
            end: start
                .saturating_add(SignedDuration::from_mins(i64::from(minutes)))
                .unwrap_or(Timestamp::MAX),
            minutes,
        };
        let mut all: BTreeMap<DateTime, Occurrence> = match &self.recurrence {
            None => {
                // Refuses a start that is skipped with the words of the series.
                let probe = Recurrence::of("FREQ=DAILY;COUNT=1".parse()?).series(start.clone())?;
                probe
                    .instances()
                    .filter_map(|at| Some((at.local, one(at.local, at.at?, self.minutes))))
                    .collect()
            }
            Some(recurrence) => recurrence
                .series(start.clone())?
                .instances()
                .take(MOST_OCCURRENCES + 1)
                .filter_map(|at| Some((at.local, one(at.local, at.at?, self.minutes))))
                .collect(),
        };
        for other in &self.overrides {
            match &other.change {
                OverrideChange::Cancelled => {
                    all.remove(&other.original);
                }
                OverrideChange::Moved { when, .. } => {
                    if let (Some(span), When::Timed { minutes, .. }) = (when.span(), when)
                        && let Some(row) = all.get_mut(&other.original)
                    {
                        *row = one(other.original, span.from, *minutes);
                    }
                }
            }
        }
        let mut rows: Vec<Occurrence> = all.into_values().collect();
        rows.sort_by_key(|row| row.start);
        Ok(rows)
    }

    /// Whether the rule goes on for ever.
    pub fn endless(&self) -> bool {
        self.recurrence
            .as_ref()
            .is_some_and(|recurrence| recurrence.rule.end == End::Never)
    }

    /// The times it takes, in order and apart: occurrences that meet are one.
    pub fn spans(&self) -> Result<Vec<(Timestamp, Timestamp)>, SeriesError> {
        let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
        for row in self.occurrences()? {
            match spans.last_mut() {
                Some(last) if row.start < last.1 => last.1 = last.1.max(row.end),
                _ => spans.push((row.start, row.end)),
            }
        }
        Ok(spans)
    }

    /// Whose time it takes: who has to come, and who holds it; in lower case.
    pub fn people(&self) -> Vec<String> {
        let mut people: BTreeSet<String> = self
            .attendees
            .iter()
            .filter(|one| one.role != Role::Optional)
            .map(|one| one.email.to_lowercase())
            .collect();
        people.insert(match &self.host {
            Some(host) => host.to_lowercase(),
            // Whoever the account belongs to has a time too, though no address is known.
            None => format!(
                "{}:{}",
                self.provider,
                self.account.as_deref().unwrap_or("own")
            ),
        });
        people.into_iter().collect()
    }

    /// The provider's meeting. Occurrences that were cancelled or moved are changed one by one afterwards.
    pub fn plan(&self, id: ScheduleId) -> MeetingPlan {
        MeetingPlan {
            key: id.to_string(),
            host: self.host.clone(),
            title: self.title.clone(),
            agenda: self.agenda.clone(),
            start: self.start,
            zone: self.zone.clone(),
            minutes: self.minutes,
            recurrence: self.recurrence.clone(),
            open: self.open,
            registration: self.registration,
        }
    }

    /// The calendar's event.
    pub fn event(
        &self,
        id: ScheduleId,
        ics_uid: &str,
        sequence: u32,
        join_url: Option<&str>,
        cancelled: bool,
    ) -> CalendarEvent {
        let mut body = self.agenda.clone().unwrap_or_default();
        if let Some(url) = join_url {
            if !body.is_empty() {
                body.push_str("\n\n");
            }
            body.push_str("Join: ");
            body.push_str(url);
        }
        CalendarEvent {
            key: id.to_string(),
            ical_uid: ics_uid.to_owned(),
            sequence,
            title: self.title.clone(),
            body: (!body.is_empty()).then_some(body),
            location: join_url.map(str::to_owned),
            join_url: join_url.map(str::to_owned),
            when: When::Timed {
                start: self.start,
                zone: self.zone.clone(),
                minutes: self.minutes,
            },
            recurrence: self.recurrence.clone(),
            overrides: self.overrides.clone(),
            organizer: self
                .host
                .as_deref()
                .filter(|host| host.contains('@'))
                .map(|host| Attendee {
                    email: host.to_owned(),
                    name: None,
                    role: Role::Chair,
                    answer: crate::calendar::Answer::Accepted,
                }),
            attendees: self.attendees.clone(),
            reminders: self.reminders.clone(),
            cancelled,
        }
    }

    /// The row of a schedule that is so.
    pub fn facts(
        &self,
        state: ScheduleState,
        sequence: u32,
        meeting: Option<(&str, &str)>,
        note: Option<String>,
    ) -> Result<ScheduleFacts, SeriesError> {
        let rows = self.occurrences()?;
        let first = Start::in_zone(self.start, &self.zone)?
            .instant(self.start)
            .unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(ScheduleFacts {
            provider: self.provider.clone(),
            account: self.account.clone(),
            meeting_id: meeting.map(|(id, _)| id.to_owned()),
            join_url: meeting.map(|(_, url)| url.to_owned()),
            title: self.title.clone(),
            tz: self.zone.clone(),
            start_at: rows.first().map_or(first, |row| row.start),
            ends_at: rows.iter().map(|row| row.end).max().unwrap_or(first),
            minutes: self.minutes,
            rrule: self.recurrence.as_ref().map(|one| one.rule.to_string()),
            sequence,
            state,
            note,
            spec: serde_json::to_value(self).unwrap_or_default(),
        })
    }
}

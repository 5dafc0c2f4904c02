//! `/meetings`

use http::Method;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::types::{Invitation, Meeting, MeetingSettings, Recurrence, TrackingField};
use crate::client::{Client, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MeetingNumber, OccurrenceId, UserId};
use crate::page::Pages;

/// Which meetings of a host to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MeetingList {
    /// All scheduled ones that have not expired; never instant ones.
    #[default]
    Scheduled,
    /// Running now.
    Live,
    /// To come, occurrence by occurrence, six months at most.
    Upcoming,
    /// To come, meeting by meeting.
    UpcomingMeetings,
    /// Past, six months at most.
    Previous,
}

impl MeetingList {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Live => "live",
            Self::Upcoming => "upcoming",
            Self::UpcomingMeetings => "upcoming_meetings",
            Self::Previous => "previous_meetings",
        }
    }
}

/// What to list; see [`Meetings::list`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ListMeetings {
    /// Which ones.
    pub kind: MeetingList,
    /// First day, for upcoming and previous ones.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
}

/// Options of [`Meetings::get_with`].
#[derive(Debug, Clone, Default)]
pub struct GetMeeting {
    /// One occurrence of the series.
    pub occurrence: Option<OccurrenceId>,
    /// Past occurrences too.
    pub previous_occurrences: bool,
}

/// Options of [`Meetings::update`].
#[derive(Debug, Clone, Default)]
pub struct UpdateMeeting {
    /// One occurrence of the series; then only agenda, start, duration and a few settings may change.
    pub occurrence: Option<OccurrenceId>,
    /// The host, to count the call against the host's daily quota.
    pub host: Option<UserId>,
}

/// Options of [`Meetings::delete`].
#[derive(Debug, Clone, Default)]
pub struct DeleteMeeting {
    /// One occurrence of the series; otherwise all of it goes.
    pub occurrence: Option<OccurrenceId>,
    /// Zoom mails host and alternative hosts.
    pub notify_hosts: Option<bool>,
    /// Zoom mails registrants.
    pub notify_registrants: Option<bool>,
}

/// A meeting to create, or changes to one; what is `None` is not sent.
///
/// `start_time` is either UTC with a `Z`, or a local time without offset in `timezone`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NewMeeting {
    /// Topic, 200 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Zoom's type number; see [`super::meeting_type`].
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<i64>,
    /// Start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// Length in minutes, 1 to 1440.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// IANA time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Description, 2,000 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agenda: Option<String>,
    /// Passcode, 10 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<crate::Hidden>,
    /// Rule, for a series at fixed times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// Settings; Zoom silently drops those that are not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<MeetingSettings>,
    /// Tracking fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracking_fields: Vec<TrackingField>,
    /// Further fields.
    #[serde(flatten)]
    pub further: Map<String, Value>,
}

impl NewMeeting {
    /// A meeting with a topic.
    pub fn new(topic: impl Into<String>) -> Self {
        Self {
            topic: Some(topic.into()),
            ..Self::default()
        }
    }

    /// Refuses what Zoom is known to refuse, before a call is spent on it.
    pub fn check(&self) -> Result<()> {
        let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidRequest, why));
        if self
            .topic
            .as_ref()
            .is_some_and(|topic| topic.chars().count() > 200)
        {
            return refuse("a topic has at most 200 characters");
        }
        if self
            .agenda
            .as_ref()
            .is_some_and(|agenda| agenda.chars().count() > 2_000)
        {
            return refuse("an agenda has at most 2,000 characters");
        }
        if self
            .duration
            .is_some_and(|minutes| !(1..=1_440).contains(&minutes))
        {
            return refuse("a meeting lasts 1 to 1,440 minutes");
        }
        if let Some(start) = &self.start_time
            && !start.ends_with('Z')
            && start.parse::<jiff::civil::DateTime>().is_err()
        {
            return refuse("a start time is UTC with a Z, or local without an offset");
        }
        if let Some(start) = &self.start_time
            && !start.ends_with('Z')
            && start
                .get(10..)
                .is_some_and(|time| time.contains(['+', '-']))
        {
            return refuse("a start time is UTC with a Z, or local without an offset");
        }
        if let Some(recurrence) = &self.recurrence {
            let most = match recurrence.kind {
                Some(1) => 99,
                Some(2) => 50,
                Some(3) => 10,
                _ => return refuse("a recurrence is daily (1), weekly (2) or monthly (3)"),
            };
            if recurrence
                .repeat_interval
                .is_some_and(|every| !(1..=most).contains(&every))
            {
                return refuse("the interval is at most 99 days, 50 weeks or 10 months");
            }
            if recurrence
                .end_times
                .is_some_and(|times| !(0..=60).contains(&times))
            {
                return refuse("a series has at most 60 occurrences");
            }
            if recurrence.end_times.is_some() && recurrence.end_date_time.is_some() {
                return refuse("a series ends after a number of times or at a date, not both");
            }
        }
        Ok(())
    }
}

/// Calls about scheduled meetings; see [`Client::meetings`].
#[derive(Debug)]
pub struct Meetings<'a> {
    pub(super) client: &'a Client,
}

impl<'a> Meetings<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// A host's meetings (medium).
    pub fn list(&self, user: &UserId, what: ListMeetings) -> Pages<Meeting> {
        self.client
            .get(format!("/users/{}/meetings", user.path_segment()))
            .query("type", what.kind.as_str())
            .query_opt("from", what.from)
            .query_opt("to", what.to)
            .pages("meetings")
    }

    /// One meeting with settings and coming occurrences (light).
    pub async fn get(&self, meeting: MeetingNumber) -> Result<Reply<Meeting>> {
        self.get_with(meeting, GetMeeting::default()).await
    }

    /// One meeting, one occurrence, or with past occurrences (light).
    pub async fn get_with(
        &self,
        meeting: MeetingNumber,
        options: GetMeeting,
    ) -> Result<Reply<Meeting>> {
        self.client
            .get(format!("/meetings/{meeting}"))
            .query_opt("occurrence_id", options.occurrence)
            .query_opt(
                "show_previous_occurrences",
                options.previous_occurrences.then_some(true),
            )
            .reply()
            .await
    }

    /// Schedules a meeting (light; counts against the host's 100 creates and updates per day).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutcomeUnknown`] when the answer was lost: it may exist. See [`Meetings::create_or_adopt`].
    pub async fn create(&self, host: &UserId, meeting: &NewMeeting) -> Result<Reply<Meeting>> {
        meeting.check()?;
        self.client
            .call(
                Method::POST,
                format!("/users/{}/meetings", host.path_segment()),
            )
            .body(meeting)
            .host(host)
            .reply()
            .await
    }

    /// Changes a meeting (light; counts against the host's quota); Zoom answers nothing.
    pub async fn update(
        &self,
        meeting: MeetingNumber,
        changes: &NewMeeting,
        options: UpdateMeeting,
    ) -> Result<()> {
        changes.check()?;
        let call = self
            .client
            .call(Method::PATCH, format!("/meetings/{meeting}"))
            .query_opt("occurrence_id", options.occurrence)
            .body(changes);
        let call = match &options.host {
            Some(host) => call.host(host),
            None => call,
        };
        call.done().await
    }

    /// Cancels a meeting, or one occurrence (light).
    pub async fn delete(&self, meeting: MeetingNumber, options: DeleteMeeting) -> Result<()> {
        self.client
            .call(Method::DELETE, format!("/meetings/{meeting}"))
            .query_opt("occurrence_id", options.occurrence)
            .query_opt("schedule_for_reminder", options.notify_hosts)
            .query_opt("cancel_meeting_reminder", options.notify_registrants)
            .done()
            .await
    }

    /// Ends a running meeting (light).
    pub async fn end(&self, meeting: MeetingNumber) -> Result<()> {
        self.status(meeting, "end").await
    }

    /// Brings back a deleted meeting (light).
    pub async fn recover(&self, meeting: MeetingNumber) -> Result<()> {
        self.status(meeting, "recover").await
    }

    async fn status(&self, meeting: MeetingNumber, action: &str) -> Result<()> {
        self.client
            .call(Method::PUT, format!("/meetings/{meeting}/status"))
            .body(&json!({ "action": action }))
            .done()
            .await
    }

    /// The text to invite people with (light).
    pub async fn invitation(&self, meeting: MeetingNumber) -> Result<Reply<Invitation>> {
        self.client
            .get(format!("/meetings/{meeting}/invitation"))
            .reply()
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_zoom_refuses_is_refused_here() {
        let good = NewMeeting {
            start_time: Some("2026-12-01T10:00:00".into()),
            duration: Some(30),
            ..NewMeeting::new("x")
        };
        assert!(good.check().is_ok());
        assert!(
            NewMeeting {
                start_time: Some("2026-12-01T10:00:00Z".into()),
                ..good.clone()
            }
            .check()
            .is_ok()
        );
        for bad in [
            NewMeeting {
                start_time: Some("2026-12-01T10:00:00+02:00".into()),
                ..good.clone()
            },
            NewMeeting {
                start_time: Some("tomorrow".into()),
                ..good.clone()
            },
            NewMeeting {
                duration: Some(0),
                ..good.clone()
            },
            NewMeeting {
                topic: Some("é".repeat(201)),
                ..good.clone()
            },
            NewMeeting {
                recurrence: Some(Recurrence {
                    kind: Some(3),
                    repeat_interval: Some(11),
                    ..Recurrence::default()
                }),
                ..good.clone()
            },
            NewMeeting {
                recurrence: Some(Recurrence::default()),
                ..good.clone()
            },
        ] {
            assert_eq!(
                bad.check().unwrap_err().kind(),
                ErrorKind::InvalidRequest,
                "{bad:?}"
            );
        }
    }

    #[test]
    fn only_what_is_set_is_sent() {
        let sent = serde_json::to_value(NewMeeting::new("Topic")).unwrap();
        assert_eq!(sent, json!({ "topic": "Topic" }));
    }
}

//! Creating a meeting although its answer may get lost.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};

use super::meetings::{ListMeetings, Meetings, NewMeeting};
use super::types::Meeting;
use crate::client::Reply;
use crate::error::{Candidate, Error, ErrorKind, Result};
use crate::id::UserId;

/// How to look for a meeting whose creation was not answered.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// A text that no other meeting holds; it is written into the agenda, so that the meeting can be known again.
    pub marker: Option<String>,
    /// How often the list is read; Zoom may show a new meeting a little late.
    pub looks: u32,
    /// Pause between looks.
    pub pause: Duration,
    /// How far Zoom's clock may differ from ours.
    pub clock_skew: Duration,
}

impl Default for Adoption {
    fn default() -> Self {
        Self {
            marker: None,
            looks: 3,
            pause: Duration::from_secs(2),
            clock_skew: Duration::from_mins(5),
        }
    }
}

/// A meeting that exists now.
#[derive(Debug, Clone)]
pub enum Created {
    /// Zoom answered the creation.
    Answered(Box<Reply<Meeting>>),
    /// The answer was lost, and this is the one meeting that fits.
    Adopted(Box<Reply<Meeting>>),
}

impl Created {
    /// The meeting.
    #[must_use]
    pub fn into_meeting(self) -> Reply<Meeting> {
        match self {
            Self::Answered(meeting) | Self::Adopted(meeting) => *meeting,
        }
    }
}

impl Meetings<'_> {
    /// Schedules a meeting; when the answer is lost, looks for the meeting and takes it if it is the only one that fits.
    ///
    /// It fits when topic, start and time of creation fit, and the marker, if there is one. It is never created twice.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NeedsPerson`] with the [`Error::candidates`] when none or several fit.
    pub async fn create_or_adopt(
        &self,
        host: &UserId,
        meeting: &NewMeeting,
        how: &Adoption,
    ) -> Result<Created> {
        let clock = &self.client.shared.clock;
        let marked = with_marker(meeting, how.marker.as_deref());
        let asked = clock.now();
        let lost = match self.create(host, &marked).await {
            Ok(created) => return Ok(Created::Answered(Box::new(created))),
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => error,
            Err(error) => return Err(error),
        };
        tracing::warn!(error = %lost, "the answer to a creation was lost; looking for the meeting");
        match self.find_created(host, &marked, how, asked).await {
            Ok(found) => Ok(Created::Adopted(Box::new(found))),
            Err(error) if error.kind() == ErrorKind::NeedsPerson => Err(error
                .with_effort(lost.attempts(), lost.elapsed())
                .with_source(lost)),
            Err(error) => Err(error),
        }
    }

    /// Looks for a meeting whose creation was not answered, as it was sent: the only one that fits is it.
    ///
    /// It fits when topic and start fit, when it was created after `asked`, and when it holds the marker, if there is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NeedsPerson`] with the [`Error::candidates`] when none or several fit.
    pub async fn find_created(
        &self,
        host: &UserId,
        sent: &NewMeeting,
        how: &Adoption,
        asked: Timestamp,
    ) -> Result<Reply<Meeting>> {
        let clock = &self.client.shared.clock;
        let mut fitting = Vec::new();
        for look in 0..how.looks.max(1) {
            if look > 0 {
                clock.sleep_until(clock.monotonic() + how.pause).await;
            }
            fitting = self.fitting(host, sent, how, asked).await?;
            if !fitting.is_empty() {
                break;
            }
        }
        if let [only] = fitting.as_slice()
            && let Some(number) = only.id
        {
            let whole = self.get(number).await?;
            tracing::info!(meeting = %number, "the meeting was found and is taken over");
            return Ok(whole);
        }
        let message = match fitting.len() {
            0 => {
                "the answer to the creation was lost, and no meeting that fits is listed".to_owned()
            }
            count => format!("the answer to the creation was lost, and {count} meetings fit"),
        };
        let candidates = fitting.iter().filter_map(|meeting| {
            Some(Candidate {
                number: meeting.id?,
                topic: meeting.topic.clone(),
                start_time: meeting.start_time,
                created_at: meeting.created_at,
            })
        });
        Err(Error::new(ErrorKind::NeedsPerson, message)
            .with_operation("POST /users/{userId}/meetings")
            .with_candidates(candidates.collect()))
    }

    async fn fitting(
        &self,
        host: &UserId,
        sent: &NewMeeting,
        how: &Adoption,
        asked: Timestamp,
    ) -> Result<Vec<Meeting>> {
        let skew = SignedDuration::try_from(how.clock_skew).unwrap_or(SignedDuration::ZERO);
        let earliest = asked.saturating_sub(skew).unwrap_or(Timestamp::MIN);
        let mut found = Vec::new();
        let mut list = self.list(host, ListMeetings::default()).items();
        while let Some(meeting) = list.try_next().await? {
            if meeting.topic == sent.topic
                && starts_as_asked(sent, meeting.start_time)
                && meeting.created_at.is_some_and(|at| at >= earliest)
            {
                found.push(meeting.into_value());
            }
        }
        let Some(marker) = &how.marker else {
            return Ok(found);
        };
        let mut marked = Vec::new();
        for meeting in found {
            let listed = meeting
                .agenda
                .as_ref()
                .is_some_and(|agenda| agenda.contains(marker));
            let holds = match meeting.id {
                // Lists cut the agenda: the whole meeting has to be read.
                Some(number) if !listed => {
                    let whole = self.get(number).await?;
                    whole
                        .agenda
                        .as_ref()
                        .is_some_and(|agenda| agenda.contains(marker))
                }
                _ => listed,
            };
            if holds {
                marked.push(meeting);
            }
        }
        Ok(marked)
    }
}

/// Writes the marker at the head of the agenda, where lists show it.
fn with_marker(meeting: &NewMeeting, marker: Option<&str>) -> NewMeeting {
    let mut marked = meeting.clone();
    if let Some(marker) = marker {
        marked.agenda = Some(match &meeting.agenda {
            Some(agenda) if agenda.contains(marker) => agenda.clone(),
            Some(agenda) => format!("{marker}\n{agenda}"),
            None => marker.to_owned(),
        });
    }
    marked
}

/// Whether a listed start is the one that was asked for; without a start any is.
fn starts_as_asked(sent: &NewMeeting, listed: Option<Timestamp>) -> bool {
    let Some(asked) = &sent.start_time else {
        return true;
    };
    let at = asked.parse::<Timestamp>().ok().or_else(|| {
        let civil: jiff::civil::DateTime = asked.parse().ok()?;
        civil
            .in_tz(sent.timezone.as_deref()?)
            .ok()
            .map(|at| at.timestamp())
    });
    match (at, listed) {
        (Some(asked), Some(listed)) => {
            asked.duration_since(listed).abs() < SignedDuration::from_secs(60)
        }
        // A local time in the host's own zone cannot be compared; the other signs have to do.
        (None, _) => true,
        (Some(_), None) => false,
    }
}

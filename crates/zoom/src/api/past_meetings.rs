//! `/past_meetings` and summaries.

use http::Method;
use jiff::civil::Date;

use super::types::{MeetingSummary, Participant, PastInstance, PastMeeting};
use super::window::DateWindow;
use crate::client::{Client, Reply};
use crate::error::Result;
use crate::id::{MeetingKey, MeetingNumber, MeetingUuid};
use crate::lenient::records;
use crate::page::Pages;

/// Calls about held instances; see [`Client::past_meetings`]. Needs a paid plan.
#[derive(Debug)]
pub struct PastMeetings<'a> {
    client: &'a Client,
}

/// What people were asked, or asked, during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    /// Polls.
    Polls,
    /// Questions to the panel.
    Questions,
}

impl Asked {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Polls => "polls",
            Self::Questions => "qa",
        }
    }
}

records! {
    /// Answers in polls, or questions to the panel, by person.
    pub struct AnswerList {
        /// The run.
        uuid: Option<MeetingUuid>,
        /// By person.
        questions: Vec<PersonAnswers>,
    }

    /// What one person answered or asked.
    pub struct PersonAnswers {
        /// E-mail; empty for people whom Zoom does not show.
        email: Option<String>,
        /// Name as it was in the meeting.
        name: Option<String>,
        /// What.
        question_details: Vec<Answered>,
    }

    /// A question with its answer.
    pub struct Answered {
        /// The question.
        question: Option<String>,
        /// The answer; several are put together with semicolons.
        answer: Option<String>,
        /// The poll; none for questions to the panel.
        polling_id: Option<String>,
        /// When.
        date_time: Option<String>,
    }

    /// The list of instances.
    pub struct InstanceList {
        /// Instances of a meeting.
        meetings: Vec<PastInstance>,
        /// Instances of a webinar.
        webinars: Vec<PastInstance>,
    }
}

impl<'a> PastMeetings<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Actual times and head count of an instance (light); a year back.
    pub async fn get(&self, instance: impl Into<MeetingKey>) -> Result<Reply<PastMeeting>> {
        self.client
            .get(format!("/past_meetings/{}", instance.into().path_segment()))
            .reply()
            .await
    }

    /// The held instances of a meeting (medium); 15 months back, not paged.
    pub async fn instances(&self, meeting: MeetingNumber) -> Result<Vec<PastInstance>> {
        self.instances_between(meeting, None, None).await
    }

    /// The held instances of a meeting within dates (medium).
    pub async fn instances_between(
        &self,
        meeting: MeetingNumber,
        from: Option<Date>,
        to: Option<Date>,
    ) -> Result<Vec<PastInstance>> {
        let list: InstanceList = self
            .client
            .get(format!("/past_meetings/{meeting}/instances"))
            .query_opt("from", from)
            .query_opt("to", to)
            .json()
            .await?;
        Ok(list.meetings)
    }

    /// What people answered in polls or asked during an instance (medium), not paged.
    pub async fn answers(&self, instance: &MeetingUuid, asked: Asked) -> Result<Reply<AnswerList>> {
        self.client
            .get(format!(
                "/past_meetings/{}/{}",
                instance.path_segment(),
                asked.path()
            ))
            .reply()
            .await
    }

    /// Who attended an instance (medium); 15 months back. Meetings of one person have none.
    pub fn participants(&self, instance: &MeetingUuid) -> Pages<Participant> {
        self.client
            .get(format!(
                "/past_meetings/{}/participants",
                instance.path_segment()
            ))
            .pages("participants")
    }
}

/// Calls about AI Companion summaries; see [`Client::summaries`].
#[derive(Debug)]
pub struct Summaries<'a> {
    client: &'a Client,
}

impl<'a> Summaries<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Summaries of the whole account without their texts (medium); by when what they sum up began.
    pub fn list(&self, window: DateWindow) -> Pages<MeetingSummary> {
        let parts = window.split().into_iter().map(|part| {
            self.client
                .get("/meetings/meeting_summaries")
                .query("from", format!("{}T00:00:00Z", part.from))
                .query("to", format!("{}T23:59:59Z", part.to))
                .query("time_filter_field", "summary_start_time")
                .pages("summaries")
        });
        Pages::chain(parts.collect())
    }

    /// Deletes the summary of an instance for good (light).
    pub async fn remove(&self, instance: &MeetingUuid) -> Result<()> {
        let path = format!("/meetings/{}/meeting_summary", instance.path_segment());
        self.client.call(Method::DELETE, path).done().await
    }

    /// The summary of an instance (light).
    pub async fn get(&self, instance: &MeetingUuid) -> Result<Reply<MeetingSummary>> {
        self.client
            .get(format!(
                "/meetings/{}/meeting_summary",
                instance.path_segment()
            ))
            .reply()
            .await
    }
}

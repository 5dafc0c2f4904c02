//! `/report`: heavy calls that need admin scopes and a paid plan.

use super::types::{HistoryMeeting, Participant, ReportMeeting};
use super::window::DateWindow;
use crate::client::Client;
use crate::id::{MeetingUuid, UserId};
use crate::page::Pages;

/// What the account-wide report lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HistoryKind {
    /// Meetings and webinars.
    #[default]
    All,
    /// Meetings.
    Meetings,
    /// Webinars.
    Webinars,
}

impl HistoryKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Meetings => "meeting",
            Self::Webinars => "webinar",
        }
    }
}

/// Calls for reports; see [`Client::reports`].
#[derive(Debug)]
pub struct Reports<'a> {
    client: &'a Client,
}

impl<'a> Reports<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Ended meetings of one host (heavy, per 30 days and page); six months back, meetings of one person are missing.
    pub fn user_meetings(&self, user: &UserId, window: DateWindow) -> Pages<ReportMeeting> {
        let path = format!("/report/users/{}/meetings", user.path_segment());
        let parts = window.split().into_iter().map(|part| {
            self.client
                .get(path.clone())
                .query("from", part.from)
                .query("to", part.to)
                .query("type", "past")
                .pages("meetings")
        });
        Pages::chain(parts.collect())
    }

    /// Ended meetings and webinars of the whole account (heavy, per 30 days and page); six months back.
    pub fn history_meetings(&self, window: DateWindow, kind: HistoryKind) -> Pages<HistoryMeeting> {
        let parts = window.split().into_iter().map(|part| {
            self.client
                .get("/report/history_meetings")
                .query("from", part.from)
                .query("to", part.to)
                .query("date_type", "start_time")
                .query("meeting_type", kind.as_str())
                .pages("history_meetings")
        });
        Pages::chain(parts.collect())
    }

    /// Who attended an instance, with registrations (heavy); needs two participants. The medium call
    /// [`super::PastMeetings::participants`] tells nearly the same.
    pub fn meeting_participants(&self, instance: &MeetingUuid) -> Pages<Participant> {
        self.client
            .get(format!(
                "/report/meetings/{}/participants",
                instance.path_segment()
            ))
            .query("include_fields", "registrant_id")
            .pages("participants")
    }
}

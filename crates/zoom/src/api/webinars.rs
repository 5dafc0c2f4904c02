//! `/webinars` and `/past_webinars`

use super::past_meetings::{AnswerList, Asked, InstanceList};
use super::registrants::RegistrantStatus;
use super::types::{Meeting, Participant, PastInstance, Registrant};
use crate::client::{Client, Reply};
use crate::error::Result;
use crate::id::{MeetingNumber, MeetingUuid, UserId};
use crate::page::Pages;

/// Calls about webinars; see [`Client::webinars`]. Needs the webinar add-on.
#[derive(Debug)]
pub struct Webinars<'a> {
    client: &'a Client,
}

impl<'a> Webinars<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// A host's webinars (medium).
    pub fn list(&self, user: &UserId) -> Pages<Meeting> {
        self.client
            .get(format!("/users/{}/webinars", user.path_segment()))
            .pages("webinars")
    }

    /// One webinar (light).
    pub async fn get(&self, webinar: MeetingNumber) -> Result<Reply<Meeting>> {
        self.client
            .get(format!("/webinars/{webinar}"))
            .reply()
            .await
    }

    /// The held instances of a webinar.
    pub async fn past_instances(&self, webinar: MeetingNumber) -> Result<Vec<PastInstance>> {
        let list: InstanceList = self
            .client
            .get(format!("/past_webinars/{webinar}/instances"))
            .json()
            .await?;
        Ok(list.webinars)
    }

    /// Who attended an instance (medium).
    pub fn past_participants(&self, instance: &MeetingUuid) -> Pages<Participant> {
        self.client
            .get(format!(
                "/past_webinars/{}/participants",
                instance.path_segment()
            ))
            .pages("participants")
    }

    /// What people answered in polls or asked during an instance (medium), not paged.
    pub async fn answers(&self, instance: &MeetingUuid, asked: Asked) -> Result<Reply<AnswerList>> {
        self.client
            .get(format!(
                "/past_webinars/{}/{}",
                instance.path_segment(),
                asked.path()
            ))
            .reply()
            .await
    }

    /// Registrants of a webinar (medium).
    pub fn registrants(
        &self,
        webinar: MeetingNumber,
        status: RegistrantStatus,
    ) -> Pages<Registrant> {
        self.client
            .get(format!("/webinars/{webinar}/registrants"))
            .query("status", status.as_str())
            .pages("registrants")
    }
}

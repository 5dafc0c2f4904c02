//! `/meetings/{meetingId}/registrants`

use http::Method;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::types::{NewRegistration, Registrant};
use crate::client::{Client, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MeetingNumber, OccurrenceId, RegistrantId};
use crate::limit::Quota;
use crate::page::Pages;

/// Which registrants to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RegistrantStatus {
    /// May come.
    #[default]
    Approved,
    /// Waits for approval.
    Pending,
    /// May not come.
    Denied,
}

impl RegistrantStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Approved, Self::Pending, Self::Denied];

    /// The status as Zoom writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Denied => "denied",
        }
    }
}

/// What to do with registrants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegistrantAction {
    /// Let them come.
    Approve,
    /// Take the registration back.
    Cancel,
    /// Do not let them come.
    Deny,
}

/// A person to register.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NewRegistrant {
    /// E-mail.
    pub email: String,
    /// Given name, 64 characters at most.
    pub first_name: String,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Further fields of the form.
    #[serde(flatten)]
    pub further: Map<String, Value>,
}

/// Calls about registrations; see [`Client::registrants`]. Needs a licensed host.
#[derive(Debug)]
pub struct Registrants<'a> {
    client: &'a Client,
}

impl<'a> Registrants<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Registrants of a meeting (medium).
    pub fn list(&self, meeting: MeetingNumber, status: RegistrantStatus) -> Pages<Registrant> {
        self.client
            .get(format!("/meetings/{meeting}/registrants"))
            .query("status", status.as_str())
            .pages("registrants")
    }

    /// Registers a person (light; three times per person, meeting and day).
    pub async fn add(
        &self,
        meeting: MeetingNumber,
        person: &NewRegistrant,
        occurrences: &[OccurrenceId],
    ) -> Result<Reply<NewRegistration>> {
        if person.email.is_empty() || person.first_name.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "a registrant needs an e-mail and a first name",
            ));
        }
        let occurrences: Vec<&str> = occurrences.iter().map(OccurrenceId::as_str).collect();
        self.client
            .call(Method::POST, format!("/meetings/{meeting}/registrants"))
            .query_opt(
                "occurrence_ids",
                (!occurrences.is_empty()).then(|| occurrences.join(",")),
            )
            .body(person)
            .quota(Quota::RegistrantAdd {
                meeting: meeting.get(),
                email: person.email.to_lowercase(),
            })
            .reply()
            .await
    }

    /// Approves, cancels or denies registrations, 30 per call (medium; ten times per registrant and day).
    ///
    /// # Errors
    ///
    /// The first failure; calls before it had their effect.
    pub async fn set_status(
        &self,
        meeting: MeetingNumber,
        action: RegistrantAction,
        registrants: &[(RegistrantId, Option<String>)],
        occurrence: Option<&OccurrenceId>,
    ) -> Result<()> {
        const PER_CALL: usize = 30;
        let action = match action {
            RegistrantAction::Approve => "approve",
            RegistrantAction::Cancel => "cancel",
            RegistrantAction::Deny => "deny",
        };
        for part in registrants.chunks(PER_CALL) {
            let people: Vec<Value> = part
                .iter()
                .map(|(id, email)| match email {
                    Some(email) => json!({ "id": id, "email": email }),
                    None => json!({ "id": id }),
                })
                .collect();
            let mut call = self
                .client
                .call(
                    Method::PUT,
                    format!("/meetings/{meeting}/registrants/status"),
                )
                .query_opt("occurrence_id", occurrence)
                .body(&json!({ "action": action, "registrants": people }));
            for (id, _) in part {
                call = call.quota(Quota::RegistrantStatus {
                    meeting: meeting.get(),
                    registrant: id.as_str().to_owned(),
                });
            }
            call.done().await?;
        }
        Ok(())
    }
}

//! Registrants of Zoom's meetings. Zoom takes three registrations and ten decisions of a person, meeting and day; the client counts
//! them.

use parfocal_zoom::ErrorKind;
use parfocal_zoom::api::{NewRegistrant, RegistrantAction, RegistrantStatus};
use parfocal_zoom::id::RegistrantId;
use serde_json::{Value, json};

use super::super::{ProviderRegistrant, RegistrantState, Registration};
use super::{PARTICIPANTS, ZoomProvider, failure, number};
use crate::error::{Code, EngineError, Result};

/// The settings of a meeting for which people register. Zoom's own mails are off: exactly one side writes to people.
pub(super) fn settings(registration: Registration) -> Value {
    json!({
        "approval_type": match registration {
            Registration::Automatic => 0,
            Registration::Manual => 1,
        },
        "registration_type": 1,
        "registrants_confirmation_email": false,
        "registrants_email_notification": false,
    })
}

fn registrant(
    of: parfocal_zoom::api::Registrant,
    status: RegistrantStatus,
) -> Option<ProviderRegistrant> {
    let name = [of.first_name, of.last_name]
        .into_iter()
        .flatten()
        .filter(|part| !part.trim().is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    Some(ProviderRegistrant {
        id: of.id?.as_str().to_owned(),
        email: of.email?,
        name: (!name.is_empty()).then_some(name),
        state: match status {
            RegistrantStatus::Approved => RegistrantState::Approved,
            RegistrantStatus::Pending => RegistrantState::Pending,
            RegistrantStatus::Denied => RegistrantState::Denied,
        },
        join_url: of.join_url.map(parfocal_zoom::Hidden::into_exposed),
    })
}

impl ZoomProvider {
    /// Everybody who registered, by whether they may come.
    pub(super) async fn registered(&self, id: &str) -> Result<Vec<ProviderRegistrant>> {
        let mut all = Vec::new();
        for status in RegistrantStatus::ALL {
            all.extend(self.of_status(id, status).await?);
        }
        Ok(all)
    }

    async fn of_status(
        &self,
        id: &str,
        status: RegistrantStatus,
    ) -> Result<Vec<ProviderRegistrant>> {
        let pages = self.client.registrants().list(number(id)?, status);
        match pages.all(PARTICIPANTS).await {
            Ok(found) => Ok(found
                .into_iter()
                .filter_map(|one| registrant(one.into_value(), status))
                .collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failure(error)),
        }
    }

    /// Registers somebody and lets them in.
    pub(super) async fn let_in(
        &self,
        id: &str,
        email: &str,
        name: Option<&str>,
    ) -> Result<ProviderRegistrant> {
        let (first_name, last_name) = names(email, name);
        let mut person = NewRegistrant {
            email: email.to_owned(),
            first_name,
            last_name,
            ..NewRegistrant::default()
        };
        person
            .further
            .insert("auto_approve".to_owned(), json!(true));
        let meeting = number(id)?;
        let registrants = self.client.registrants();
        let made = registrants
            .add(meeting, &person, &[])
            .await
            .map_err(failure)?;
        let made = made.into_value();
        let unsaid = || {
            EngineError::new(
                Code::ZoomRefused,
                format!("Zoom took the registration of {email} and gave it no id"),
            )
        };
        let there = ProviderRegistrant {
            id: made.registrant_id.ok_or_else(unsaid)?.as_str().to_owned(),
            email: email.to_owned(),
            name: name.map(str::to_owned),
            state: RegistrantState::Approved,
            join_url: made.join_url.map(parfocal_zoom::Hidden::into_exposed),
        };
        if there.join_url.is_some() {
            return Ok(there);
        }
        // It waits all the same: the host's own settings ask for it.
        let who = [(
            RegistrantId::new(there.id.as_str()),
            Some(there.email.clone()),
        )];
        registrants
            .set_status(meeting, RegistrantAction::Approve, &who, None)
            .await
            .map_err(failure)?;
        let listed = self.of_status(id, RegistrantStatus::Approved).await?;
        Ok(listed
            .into_iter()
            .find(|one| one.email.eq_ignore_ascii_case(email))
            .unwrap_or(there))
    }

    /// Takes a registration back.
    pub(super) async fn take_back(&self, id: &str, registrant: &ProviderRegistrant) -> Result<()> {
        let who = [(
            RegistrantId::new(registrant.id.as_str()),
            Some(registrant.email.clone()),
        )];
        self.client
            .registrants()
            .set_status(number(id)?, RegistrantAction::Cancel, &who, None)
            .await
            .map_err(failure)
    }
}

/// Given and family name as Zoom wants them; without a name the address stands in.
fn names(email: &str, name: Option<&str>) -> (String, Option<String>) {
    let short = |text: &str| text.trim().chars().take(64).collect::<String>();
    let own = email.split('@').next().unwrap_or(email);
    let name = name
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .unwrap_or(own);
    match name.split_once(' ') {
        Some((first, last)) => (short(first), Some(short(last))),
        None => (short(name), None),
    }
}

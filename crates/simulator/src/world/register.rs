//! Registration: people ask to come, the host decides.

use serde_json::{Map, Value};

use super::change::whole_second;
use super::ids::short_id;
use super::model::{Meeting, Registrant, RegistrantStatus};
use super::{World, WorldError};
use crate::webhooks::payload;

/// What a registrant says; validated by the caller.
#[derive(Clone, Debug, Default)]
pub struct RegistrantDraft {
    /// Address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Other answers in Zoom's field names.
    pub answers: Map<String, Value>,
    /// Occurrences (empty: all).
    pub occurrences: Vec<String>,
    /// Approve whatever the meeting says.
    pub auto_approve: bool,
}

/// What a host decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrantAction {
    /// May come.
    Approve,
    /// Takes an approval back.
    Cancel,
    /// Refuses.
    Deny,
}

impl World {
    /// Registers somebody and announces it; the same address again changes the registration that is there.
    ///
    /// # Errors
    /// When there is no such meeting, or it takes no registrations.
    pub fn register(&self, number: u64, draft: RegistrantDraft) -> Result<Registrant, WorldError> {
        self.meeting(number)
            .ok_or(WorldError::UnknownMeeting(number))?;
        let now = whole_second(self.clock.now());
        let (meeting, registrant) = {
            let mut state = self.write();
            let old = self
                .meeting_in(&state, number)
                .ok_or(WorldError::UnknownMeeting(number))?;
            let approval = old.approval_type();
            if approval > 1 {
                return Err(WorldError::RegistrationOff(number));
            }
            let mut chance = self.next_chance(&mut state);
            let mut meeting = Meeting::clone(&old);
            let known = meeting
                .registrants
                .iter()
                .position(|other| other.email.eq_ignore_ascii_case(&draft.email));
            let approved = approval == 0 || draft.auto_approve;
            let registrant = Registrant {
                id: known.map_or_else(
                    || short_id(&mut chance),
                    |at| meeting.registrants[at].id.clone(),
                ),
                email: draft.email,
                first_name: draft.first_name,
                last_name: draft.last_name,
                status: if approved {
                    RegistrantStatus::Approved
                } else {
                    RegistrantStatus::Pending
                },
                created_at: now,
                join_key: short_id(&mut chance),
                pin: 100_000 + u32::try_from(chance.below(900_000)).unwrap_or(0),
                answers: draft.answers,
                occurrences: draft.occurrences,
            };
            match known {
                Some(at) => meeting.registrants[at] = registrant.clone(),
                None => meeting.registrants.push(registrant.clone()),
            }
            (state.put_meeting(meeting), registrant)
        };
        self.announce_registration(&meeting, &registrant, "created", None);
        Ok(registrant)
    }

    /// Approves, cancels or denies a registration and announces it.
    ///
    /// # Errors
    /// When there is no such meeting or registrant.
    pub fn set_registrant_status(
        &self,
        number: u64,
        registrant_id: &str,
        action: RegistrantAction,
        operator_id: &str,
    ) -> Result<Registrant, WorldError> {
        let (meeting, registrant) = {
            let mut state = self.write();
            let old = self
                .meeting_in(&state, number)
                .ok_or(WorldError::UnknownMeeting(number))?;
            let mut meeting = Meeting::clone(&old);
            let registrant = meeting
                .registrants
                .iter_mut()
                .find(|other| other.id == registrant_id)
                .ok_or_else(|| WorldError::UnknownRegistrant(registrant_id.to_owned()))?;
            registrant.status = match action {
                RegistrantAction::Approve => RegistrantStatus::Approved,
                RegistrantAction::Cancel | RegistrantAction::Deny => RegistrantStatus::Denied,
            };
            let registrant = registrant.clone();
            (state.put_meeting(meeting), registrant)
        };
        let step = match action {
            RegistrantAction::Approve => "approved",
            RegistrantAction::Cancel => "cancelled",
            RegistrantAction::Deny => "denied",
        };
        self.announce_registration(&meeting, &registrant, step, Some(operator_id));
        Ok(registrant)
    }

    /// Removes a registration altogether.
    ///
    /// # Errors
    /// When there is no such meeting or registrant.
    pub fn delete_registrant(&self, number: u64, registrant_id: &str) -> Result<(), WorldError> {
        let mut state = self.write();
        let old = self
            .meeting_in(&state, number)
            .ok_or(WorldError::UnknownMeeting(number))?;
        let mut meeting = Meeting::clone(&old);
        meeting
            .registrants
            .retain(|other| other.id != registrant_id);
        if meeting.registrants.len() == old.registrants.len() {
            return Err(WorldError::UnknownRegistrant(registrant_id.to_owned()));
        }
        state.put_meeting(meeting);
        Ok(())
    }

    fn announce_registration(
        &self,
        meeting: &Meeting,
        registrant: &Registrant,
        step: &str,
        operator: Option<&str>,
    ) {
        let event = match (meeting.is_webinar(), step) {
            (false, "created") => "meeting.registration_created",
            (false, "approved") => "meeting.registration_approved",
            (false, "cancelled") => "meeting.registration_cancelled",
            (false, _) => "meeting.registration_denied",
            (true, "created") => "webinar.registration_created",
            (true, "approved") => "webinar.registration_approved",
            (true, "cancelled") => "webinar.registration_cancelled",
            (true, _) => "webinar.registration_denied",
        };
        let object = payload::registration(meeting, registrant, event, &self.urls());
        let body = match operator {
            Some(operator) => self.operated(operator, object),
            None => self.plain(object),
        };
        self.announce(event, Some(&meeting.host_id), body, None);
    }
}

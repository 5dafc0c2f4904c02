//! Users come, change and go.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ids::{personal_number, short_id};
use super::model::{User, UserSettings, UserStatus};
use super::{World, WorldError};
use crate::webhooks::payload;

/// What a caller says when a user is created; validated by the caller.
#[derive(Clone, Debug, Default)]
pub struct UserDraft {
    /// Address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Name shown; first and last name when empty.
    pub display_name: String,
    /// Type; see [`User::kind`].
    pub kind: u8,
    /// Whether the user still has to accept (action `create`).
    pub pending: bool,
    /// `create`, `autoCreate`, `custCreate` or `ssoCreate`.
    pub action: String,
}

impl World {
    /// Adds a user and announces `user.created`.
    ///
    /// # Errors
    /// When the address is taken.
    pub fn create_user(
        &self,
        draft: UserDraft,
        operator_id: &str,
    ) -> Result<Arc<User>, WorldError> {
        let now = self.clock.now();
        let user = {
            let mut state = self.write();
            if state.user(&draft.email).is_some() {
                return Err(WorldError::EmailTaken(draft.email));
            }
            let mut chance = self.next_chance(&mut state);
            let display_name = if draft.display_name.is_empty() {
                format!("{} {}", draft.first_name, draft.last_name)
                    .trim()
                    .to_owned()
            } else {
                draft.display_name
            };
            let licensed = draft.kind == 2;
            state.put_user(User {
                id: short_id(&mut chance),
                email: draft.email,
                first_name: draft.first_name,
                last_name: draft.last_name,
                display_name,
                kind: draft.kind,
                status: if draft.pending {
                    UserStatus::Pending
                } else {
                    UserStatus::Active
                },
                role_id: "2".to_owned(),
                pmi: personal_number(&mut chance),
                timezone: "UTC".to_owned(),
                dept: String::new(),
                job_title: String::new(),
                language: "en-US".to_owned(),
                created_at: now,
                last_login: now,
                settings: UserSettings {
                    cloud_recording: licensed,
                    auto_recording: "none".to_owned(),
                    audio_transcript: licensed,
                    auto_delete_days: None,
                    meeting_summary: false,
                    waiting_room: true,
                    meeting_capacity: 100,
                    webinar: false,
                },
            })
        };
        let mut body = self.operated(operator_id, payload::user(&user));
        body["creation_type"] = draft.action.into();
        body["object"]["display_name"] = user.display_name.clone().into();
        self.announce("user.created", Some(&user.id), body, None);
        Ok(user)
    }

    /// Changes a user and announces `user.updated` (and `user.activated` or `user.deactivated` when the state changed).
    ///
    /// # Errors
    /// When there is no such user, or the new address is taken.
    pub fn update_user(
        &self,
        id_or_email: &str,
        operator_id: &str,
        change: impl FnOnce(&mut User),
    ) -> Result<Arc<User>, WorldError> {
        let (old, new) = {
            let mut state = self.write();
            let old = state
                .user(id_or_email)
                .cloned()
                .ok_or_else(|| WorldError::UnknownUser(id_or_email.to_owned()))?;
            let mut new = User::clone(&old);
            change(&mut new);
            new.id.clone_from(&old.id);
            if state
                .user(&new.email)
                .is_some_and(|other| other.id != new.id)
            {
                return Err(WorldError::EmailTaken(new.email));
            }
            (old, state.put_user(new))
        };
        if let Some((after, before)) = differences(&user_fields(&old), &user_fields(&new), &new.id)
        {
            let mut body = self.operated(operator_id, after);
            body["old_object"] = before;
            body["time_stamp"] = self.clock.now().as_millisecond().into();
            self.announce("user.updated", Some(&new.id), body, None);
        }
        let event = match (old.status, new.status) {
            (was, is) if was == is => None,
            (_, UserStatus::Active) => Some("user.activated"),
            (_, UserStatus::Inactive) => Some("user.deactivated"),
            (_, UserStatus::Pending) => None,
        };
        if let Some(event) = event {
            self.announce(
                event,
                Some(&new.id),
                self.operated(operator_id, payload::user(&new)),
                None,
            );
        }
        Ok(new)
    }

    /// Removes a user from the account (`disassociate`) or altogether, and announces it.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn remove_user(
        &self,
        id_or_email: &str,
        disassociate: bool,
        operator_id: &str,
    ) -> Result<(), WorldError> {
        let gone = {
            let mut state = self.write();
            let id = state.user(id_or_email).map(|user| user.id.clone());
            id.and_then(|id| state.remove_user(&id))
                .ok_or_else(|| WorldError::UnknownUser(id_or_email.to_owned()))?
        };
        let event = if disassociate {
            "user.disassociated"
        } else {
            "user.deleted"
        };
        self.announce(
            event,
            Some(&gone.id),
            self.operated(operator_id, payload::user(&gone)),
            None,
        );
        Ok(())
    }

    /// Announces that the user (or the account) removed the app: `app_deauthorized`.
    pub fn announce_deauthorized(&self, user_id: &str, client_id: &str) -> usize {
        let now = self.clock.now();
        let body = json!({
            "account_id": self.account().id,
            "user_id": user_id,
            "client_id": client_id,
            "deauthorization_time": payload::time(now),
            "signature": "",
        });
        self.announce("app_deauthorized", Some(user_id), body, None)
    }
}

fn user_fields(user: &User) -> Value {
    json!({
        "first_name": user.first_name,
        "last_name": user.last_name,
        "display_name": user.display_name,
        "email": user.email,
        "type": user.kind,
        "pmi": user.pmi,
        "timezone": user.timezone,
        "dept": user.dept,
        "language": user.language,
    })
}

/// The fields that differ, after and before, each with the id.
fn differences(old: &Value, new: &Value, id: &str) -> Option<(Value, Value)> {
    let mut after = json!({});
    let mut before = json!({});
    let mut changed = false;
    for (name, is) in new.as_object()? {
        if old[name] != *is {
            after[name] = is.clone();
            before[name] = old[name].clone();
            changed = true;
        }
    }
    after["id"] = id.into();
    before["id"] = id.into();
    changed.then_some((after, before))
}

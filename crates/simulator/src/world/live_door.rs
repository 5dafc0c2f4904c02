//! The door of a running meeting: it starts, people come in through the waiting room or straight, and leave.

use std::sync::Arc;

use jiff::Timestamp;

use super::World;
use super::attend::{Person, row};
use super::chance::Chance;
use super::change::whole_second;
use super::ids::InstanceUuid;
use super::model::{Instance, Meeting, Participant, Presence};
use crate::webhooks::payload::{self, Step};

impl World {
    /// Starts an instance under the meeting's announced UUID; the host is in.
    pub(super) fn start_instance(
        &self,
        meeting: &Meeting,
        host: &Person,
        chance: &mut Chance,
    ) -> Arc<Instance> {
        let now = whole_second(self.clock.now());
        let instance = {
            let mut state = self.write();
            let key = state.next_key();
            let uuid = if state.key_of(&meeting.uuid).is_some() {
                InstanceUuid::draw(chance, 0)
            } else {
                meeting.uuid
            };
            state.add_stored(Instance {
                key,
                uuid,
                number: meeting.number,
                kind: meeting.kind,
                topic: meeting.topic.clone(),
                host_id: meeting.host_id.clone(),
                timezone: meeting.timezone.clone(),
                scheduled_duration: meeting.duration,
                start: now,
                end: None,
                participants: vec![row(host, false, now, 0, chance)],
                recording: None,
                summary: None,
            })
        };
        let object = payload::instance_started(&instance, &self.email_of(&instance.host_id));
        self.announce(
            if instance.is_webinar() {
                "webinar.started"
            } else {
                "meeting.started"
            },
            Some(&instance.host_id),
            self.plain(object),
            None,
        );
        if let Some(row) = instance.participants.first() {
            self.announce_step(
                "meeting.participant_joined",
                &instance,
                row,
                Step::Joined,
                now,
            );
        }
        instance
    }

    fn announce_step(
        &self,
        event: &'static str,
        instance: &Instance,
        row: &Participant,
        step: Step,
        at: Timestamp,
    ) {
        let event = match (instance.is_webinar(), event) {
            (true, "meeting.participant_joined") => "webinar.participant_joined",
            (true, "meeting.participant_left") => "webinar.participant_left",
            _ => event,
        };
        let object = payload::participant(instance, row, step, at);
        self.announce(event, Some(&instance.host_id), self.plain(object), None);
    }

    /// Somebody comes to the waiting room, or into the meeting (out of the waiting room if they were there).
    pub(super) fn enter(
        &self,
        running: &Arc<Instance>,
        person: &Person,
        presence: Presence,
        chance: &mut Chance,
    ) -> Arc<Instance> {
        let now = whole_second(self.clock.now());
        let Some((instance, waited, came)) = self.change_running(running, |next| {
            let mut waited = None;
            if presence == Presence::InMeeting {
                for row in &mut next.participants {
                    if row.presence == Presence::InWaitingRoom
                        && row.leave.is_none()
                        && row.name == person.name
                    {
                        row.leave = Some(now);
                        "Joined the meeting from the waiting room."
                            .clone_into(&mut row.leave_reason);
                        waited = Some(row.clone());
                    }
                }
            }
            let mut came = row(person, false, now, next.participants.len(), chance);
            came.presence = presence;
            next.participants.push(came.clone());
            (waited, came)
        }) else {
            return running.clone();
        };
        if presence == Presence::InWaitingRoom {
            self.announce_step(
                "meeting.participant_joined_waiting_room",
                &instance,
                &came,
                Step::Waiting,
                now,
            );
            return instance;
        }
        if let Some(waited) = waited {
            self.announce_step(
                "meeting.participant_admitted",
                &instance,
                &waited,
                Step::Waiting,
                now,
            );
            self.announce_step(
                "meeting.participant_left_waiting_room",
                &instance,
                &waited,
                Step::Waiting,
                now,
            );
        }
        self.announce_step(
            "meeting.participant_joined",
            &instance,
            &came,
            Step::Joined,
            now,
        );
        instance
    }

    pub(super) fn leave(&self, running: &Arc<Instance>, person: &Person) -> Arc<Instance> {
        let now = whole_second(self.clock.now());
        let Some((instance, left, ())) = self.change_running(running, |next| {
            let row = next.participants.iter_mut().find(|row| {
                row.leave.is_none()
                    && row.name == person.name
                    && row.presence == Presence::InMeeting
            });
            let left = row.map(|row| {
                row.leave = Some(now);
                "Left the meeting.".clone_into(&mut row.leave_reason);
                row.clone()
            });
            (left, ())
        }) else {
            return running.clone();
        };
        if let Some(left) = left {
            self.announce_step(
                "meeting.participant_left",
                &instance,
                &left,
                Step::Left,
                now,
            );
        }
        instance
    }

    /// Changes an instance that still runs; none when it has ended meanwhile.
    fn change_running<A, B>(
        &self,
        running: &Instance,
        change: impl FnOnce(&mut Instance) -> (A, B),
    ) -> Option<(Arc<Instance>, A, B)> {
        let mut state = self.write();
        let old = self.instance_in(&state, running.key)?;
        if old.end.is_some() {
            return None;
        }
        let mut next = Instance::clone(&old);
        let (a, b) = change(&mut next);
        Some((state.replace(next), a, b))
    }
}

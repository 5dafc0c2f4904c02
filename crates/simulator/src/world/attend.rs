//! Attendance: who came when, through which door, and how they left.

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::ids::dashed_uuid;
use super::model::{Participant, Presence, User};
use crate::content::Role;

/// Somebody who comes to a meeting.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) name: String,
    /// Name after the middle, for those who rename themselves.
    pub(super) renamed: Option<String>,
    /// What they are called in talk.
    pub(super) called: String,
    pub(super) email: Option<String>,
    pub(super) account_user_id: Option<String>,
    pub(super) registrant_id: Option<String>,
    /// Invited through a calendar or authenticated: the address shows although they are external.
    pub(super) known: bool,
    pub(super) phone: Option<String>,
    /// Leaves and comes back.
    pub(super) rejoins: bool,
}

impl Person {
    /// A user of the account, signed in.
    pub(super) fn of_user(user: &User, called: &str) -> Self {
        Self {
            name: user.display_name.clone(),
            called: called.to_owned(),
            email: Some(user.email.clone()),
            account_user_id: Some(user.id.clone()),
            ..Self::default()
        }
    }

    /// The role this person plays in a script.
    pub(super) fn role(&self) -> Role {
        Role {
            shown: self.name.clone(),
            called: self.called.clone(),
            renamed: self.renamed.clone(),
        }
    }
}

/// The numbers Zoom gives to joins begin here and go up in steps of 1024.
const FIRST_JOIN: u64 = 16_778_240;

/// A row for one stay.
pub(super) fn row(
    person: &Person,
    late: bool,
    join: Timestamp,
    count: usize,
    chance: &mut Chance,
) -> Participant {
    let internal = person.account_user_id.is_some();
    let name = match &person.renamed {
        Some(renamed) if late => renamed,
        _ => &person.name,
    };
    Participant {
        user_id: FIRST_JOIN + 1_024 * count as u64,
        participant_uuid: dashed_uuid(chance).to_uppercase(),
        account_user_id: person.account_user_id.clone(),
        name: name.clone(),
        email: person.email.clone(),
        email_visible: internal || person.registrant_id.is_some() || person.known,
        internal,
        guest: !internal,
        registrant_id: person.registrant_id.clone(),
        phone_number: person.phone.clone(),
        join,
        leave: None,
        presence: Presence::InMeeting,
        leave_reason: String::new(),
    }
}

/// The rows of an ended instance; the first person is the host, who comes first and leaves last.
///
/// With `waiting_room`, everybody from outside has a row of waiting before the meeting. Those who rename themselves or
/// reconnect have two rows.
pub(super) fn attend(
    people: &[Person],
    start: Timestamp,
    end: Timestamp,
    waiting_room: bool,
    chance: &mut Chance,
) -> Vec<Participant> {
    let plus = |at: Timestamp, seconds: i64| {
        at.checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(at)
            .min(end)
    };
    let length = (end.as_second() - start.as_second()).max(1);
    let mut rows = Vec::new();
    for (place, person) in people.iter().enumerate() {
        let host = place == 0;
        let join = if host {
            start
        } else {
            plus(start, chance.between(4, (length / 6).clamp(5, 150)))
        };
        let last = if host {
            end
        } else {
            plus(end, -chance.between(0, (length / 10).clamp(1, 45))).max(join)
        };
        if waiting_room && !host && person.account_user_id.is_none() {
            let mut wait = row(
                person,
                false,
                plus(join, -chance.between(3, 90)).max(start),
                rows.len(),
                chance,
            );
            wait.presence = Presence::InWaitingRoom;
            wait.leave = Some(join);
            "Joined the meeting from the waiting room.".clone_into(&mut wait.leave_reason);
            rows.push(wait);
        }
        let mut stay = row(person, false, join, rows.len(), chance);
        let why = if host {
            "Host ended the meeting."
        } else {
            "Left the meeting."
        };
        if person.rejoins || person.renamed.is_some() {
            let out = plus(join, (last.as_second() - join.as_second()) / 2);
            let back = plus(out, chance.between(8, 75)).min(last);
            stay.leave = Some(out);
            "Network connection lost.".clone_into(&mut stay.leave_reason);
            rows.push(stay);
            stay = row(person, true, back, rows.len(), chance);
        }
        stay.leave = Some(last);
        why.clone_into(&mut stay.leave_reason);
        rows.push(stay);
    }
    rows.sort_by_key(|row| (row.join, row.user_id));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_inside_the_meeting_and_doors_have_rows() {
        let start: Timestamp = "2026-10-01T10:00:00Z".parse().unwrap();
        let end = start + SignedDuration::from_mins(20);
        let people = [
            Person {
                name: "Host".into(),
                account_user_id: Some("a".into()),
                ..Person::default()
            },
            Person {
                name: "Guest".into(),
                email: Some("g@else.example".into()),
                rejoins: true,
                ..Person::default()
            },
        ];
        let rows = attend(&people, start, end, true, &mut Chance::of(1, "attend", 0));
        assert_eq!(rows.len(), 4);
        assert_eq!(
            rows.iter()
                .filter(|row| row.presence == Presence::InWaitingRoom)
                .count(),
            1
        );
        for row in &rows {
            assert!(
                row.join >= start && row.leave.unwrap() <= end && row.leave.unwrap() >= row.join
            );
        }
        assert_eq!(rows[1].visible_email(), "");
        assert_eq!(rows[0].leave, Some(end));
    }
}

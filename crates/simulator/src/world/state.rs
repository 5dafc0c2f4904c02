//! What the world keeps: users, meetings and instances with the indexes that lists need.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::model::{Account, Instance, InstanceHead, InstanceKey, InstanceUuid, Meeting, User};

/// A meeting that is held, or one that the generator derives from its index.
#[derive(Debug)]
pub(super) enum MeetingSlot {
    Stored(Arc<Meeting>),
    Derived(u32),
}

/// An instance that is held, or one that the generator derives from its index.
#[derive(Debug)]
pub(super) enum Body {
    Stored(Arc<Instance>),
    Derived(u32),
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) head: InstanceHead,
    pub(super) body: Body,
}

/// Everything that changes, behind one lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) account: Account,
    pub(super) users: Vec<Arc<User>>,
    user_by_id: HashMap<String, usize>,
    user_by_email: HashMap<String, usize>,
    pub(super) meetings: BTreeMap<u64, MeetingSlot>,
    numbers_of_host: HashMap<String, Vec<u64>>,
    pub(super) slots: Vec<Slot>,
    by_uuid: HashMap<InstanceUuid, u32>,
    by_number: HashMap<u64, Vec<u32>>,
    by_start: BTreeSet<(Timestamp, u32)>,
    by_host: HashMap<String, BTreeSet<(Timestamp, u32)>>,
    /// Names the next thing that is made at run time.
    pub(super) made: u64,
}

impl State {
    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            users: Vec::new(),
            user_by_id: HashMap::new(),
            user_by_email: HashMap::new(),
            meetings: BTreeMap::new(),
            numbers_of_host: HashMap::new(),
            slots: Vec::new(),
            by_uuid: HashMap::new(),
            by_number: HashMap::new(),
            by_start: BTreeSet::new(),
            by_host: HashMap::new(),
            made: 0,
        }
    }

    pub(super) fn put_user(&mut self, user: User) -> Arc<User> {
        let user = Arc::new(user);
        let index = if let Some(index) = self.user_by_id.get(&user.id) {
            let old = self.users[*index].email.to_lowercase();
            self.user_by_email.remove(&old);
            self.users[*index] = user.clone();
            *index
        } else {
            self.users.push(user.clone());
            self.users.len() - 1
        };
        self.user_by_id.insert(user.id.clone(), index);
        self.user_by_email.insert(user.email.to_lowercase(), index);
        user
    }

    pub(super) fn user(&self, id_or_email: &str) -> Option<&Arc<User>> {
        let index = self
            .user_by_id
            .get(id_or_email)
            .or_else(|| self.user_by_email.get(&id_or_email.to_lowercase()))?;
        self.users.get(*index)
    }

    pub(super) fn remove_user(&mut self, id: &str) -> Option<Arc<User>> {
        let index = *self.user_by_id.get(id)?;
        let gone = self.users.remove(index);
        self.user_by_id.clear();
        self.user_by_email.clear();
        for (index, user) in self.users.iter().enumerate() {
            self.user_by_id.insert(user.id.clone(), index);
            self.user_by_email.insert(user.email.to_lowercase(), index);
        }
        Some(gone)
    }

    pub(super) fn put_meeting(&mut self, meeting: Meeting) -> Arc<Meeting> {
        let meeting = Arc::new(meeting);
        self.put_slot(
            meeting.number,
            &meeting.host_id,
            MeetingSlot::Stored(meeting.clone()),
        );
        meeting
    }

    pub(super) fn put_slot(&mut self, number: u64, host_id: &str, slot: MeetingSlot) {
        if self.meetings.insert(number, slot).is_none() {
            self.numbers_of_host
                .entry(host_id.to_owned())
                .or_default()
                .push(number);
        }
    }

    pub(super) fn remove_meeting(&mut self, number: u64, host_id: &str) {
        self.meetings.remove(&number);
        if let Some(numbers) = self.numbers_of_host.get_mut(host_id) {
            numbers.retain(|other| *other != number);
        }
    }

    pub(super) fn numbers_of(&self, host_id: &str) -> &[u64] {
        self.numbers_of_host.get(host_id).map_or(&[], Vec::as_slice)
    }

    /// The key the next instance gets.
    pub(super) fn next_key(&self) -> InstanceKey {
        InstanceKey(u32::try_from(self.slots.len()).unwrap_or(u32::MAX))
    }

    /// Adds an instance; `head.key` must be [`Self::next_key`].
    pub(super) fn add_instance(&mut self, head: InstanceHead, host_id: &str, body: Body) {
        let key = head.key.0;
        self.by_uuid.insert(head.uuid, key);
        let numbers = self.by_number.entry(head.number).or_default();
        let slots = &self.slots;
        let place = numbers.partition_point(|other| {
            slots
                .get(*other as usize)
                .is_some_and(|slot| slot.head.start <= head.start)
        });
        numbers.insert(place, key);
        self.by_start.insert((head.start, key));
        match self.by_host.get_mut(host_id) {
            Some(set) => {
                set.insert((head.start, key));
            }
            None => {
                self.by_host
                    .insert(host_id.to_owned(), BTreeSet::from([(head.start, key)]));
            }
        }
        self.slots.push(Slot { head, body });
    }

    pub(super) fn add_stored(&mut self, instance: Instance) -> Arc<Instance> {
        let head = head_of(&instance);
        let instance = Arc::new(instance);
        self.add_instance(head, &instance.host_id, Body::Stored(instance.clone()));
        instance
    }

    /// Replaces a held or derived instance by a changed one; start, number and host stay.
    pub(super) fn replace(&mut self, instance: Instance) -> Arc<Instance> {
        let instance = Arc::new(instance);
        if let Some(slot) = self.slots.get_mut(instance.key.0 as usize) {
            slot.head = head_of(&instance);
            slot.body = Body::Stored(instance.clone());
        }
        instance
    }

    pub(super) fn key_of(&self, uuid: &InstanceUuid) -> Option<InstanceKey> {
        self.by_uuid.get(uuid).copied().map(InstanceKey)
    }

    /// Heads of a meeting number, oldest first.
    pub(super) fn heads_of(
        &self,
        number: u64,
    ) -> impl DoubleEndedIterator<Item = InstanceHead> + '_ {
        self.by_number
            .get(&number)
            .into_iter()
            .flatten()
            .filter_map(|key| self.slots.get(*key as usize).map(|slot| slot.head))
    }

    pub(super) fn heads_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        host_id: Option<&str>,
    ) -> Vec<InstanceHead> {
        let set = match host_id {
            Some(host) => self.by_host.get(host),
            None => Some(&self.by_start),
        };
        if from >= to {
            return Vec::new();
        }
        set.into_iter()
            .flat_map(|set| set.range((from, 0)..(to, 0)))
            .filter_map(|(_, key)| self.slots.get(*key as usize).map(|slot| slot.head))
            .collect()
    }
}

/// The head of a full instance.
pub(super) fn head_of(instance: &Instance) -> InstanceHead {
    InstanceHead {
        key: instance.key,
        uuid: instance.uuid,
        number: instance.number,
        kind: instance.kind,
        start: instance.start,
        end: instance.end,
        recorded: instance.recording.is_some(),
        people: u32::try_from(instance.people()).unwrap_or(u32::MAX),
    }
}

/// When a number stops answering: one-off meetings 30 days after their last use, series 365, personal rooms never.
pub(super) fn expires_at(meeting: &Meeting, last_end: Option<Timestamp>) -> Option<Timestamp> {
    let planned = match meeting.occurrences.last() {
        Some(last) => Some(last.start),
        None => meeting.start,
    };
    let planned = planned
        .and_then(|start| {
            start
                .checked_add(SignedDuration::from_mins(i64::from(meeting.duration)))
                .ok()
        })
        .unwrap_or(meeting.created_at);
    let last_use = last_end
        .map_or(planned, |end| end.max(planned))
        .max(meeting.created_at);
    let days = match meeting.kind {
        4 => return None,
        3 | 6 | 8 | 9 => 365,
        _ => 30,
    };
    last_use
        .checked_add(SignedDuration::from_hours(24 * days))
        .ok()
}

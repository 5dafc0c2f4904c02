//! What the hub keeps: subscriptions, the log of deliveries, and the order in which they are due.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;

use super::types::{Delivery, DeliveryState, Knobs, Subscription};
use crate::world::chance::Chance;

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) deliveries: BTreeMap<u64, Delivery>,
    /// Order of sending: (due, turn) → delivery.
    pub(super) queue: BTreeMap<(Timestamp, u64), u64>,
    /// Deliveries that wait for the next event of their subscription.
    pub(super) held: BTreeMap<String, (Timestamp, u64)>,
    /// Finished deliveries, oldest first.
    pub(super) finished: VecDeque<u64>,
    pub(super) signed_at: BTreeMap<u64, Timestamp>,
    pub(super) busy: BTreeSet<String>,
    pub(super) knobs: Knobs,
    pub(super) chance: Chance,
    pub(super) next: u64,
    pub(super) turn: u64,
    pub(super) overflow: u64,
}

impl Inner {
    /// Nothing subscribed, nothing queued.
    pub(super) fn new(chance: Chance) -> Self {
        Self {
            subscriptions: Vec::new(),
            deliveries: BTreeMap::new(),
            queue: BTreeMap::new(),
            held: BTreeMap::new(),
            finished: VecDeque::new(),
            signed_at: BTreeMap::new(),
            busy: BTreeSet::new(),
            knobs: Knobs::default(),
            chance,
            next: 1,
            turn: 0,
            overflow: 0,
        }
    }

    pub(super) fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.chance.happens(share)
    }

    /// The first due delivery of each subscription that is free, and those whose subscription is gone.
    pub(super) fn due(&self, now: Timestamp) -> Vec<((Timestamp, u64), u64)> {
        let mut taken: BTreeSet<&str> = self.busy.iter().map(String::as_str).collect();
        let mut out = Vec::new();
        for (place, id) in self.queue.range(..=(now, u64::MAX)) {
            if taken.len() >= self.subscriptions.len() && !self.subscriptions.is_empty() {
                break;
            }
            let Some(delivery) = self.deliveries.get(id) else {
                out.push((*place, *id));
                continue;
            };
            let known = self
                .subscriptions
                .iter()
                .any(|sub| sub.id == delivery.subscription);
            if !known || taken.insert(&delivery.subscription) {
                out.push((*place, *id));
            }
        }
        out
    }

    pub(super) fn enqueue(&mut self, id: u64, due: Timestamp) {
        self.turn += 1;
        self.queue.insert((due, self.turn), id);
    }

    pub(super) fn finish(&mut self, id: u64, state: DeliveryState) {
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            delivery.state = state;
            delivery.next_attempt = None;
        }
        self.signed_at.remove(&id);
        self.finished.push_back(id);
    }

    /// Forgets the oldest finished delivery when full; false when all are pending.
    pub(super) fn make_room(&mut self, capacity: usize) -> bool {
        while self.deliveries.len() >= capacity {
            let Some(oldest) = self.finished.pop_front() else {
                return false;
            };
            self.deliveries.remove(&oldest);
        }
        true
    }

    /// When something is due next, busy subscriptions apart (their end wakes the loop).
    pub(super) fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        let queued = self
            .queue
            .keys()
            .map(|(due, _)| *due)
            .find(|due| *due > now);
        let held = self.held.values().map(|(latest, _)| *latest).min();
        let challenge = self
            .subscriptions
            .iter()
            .filter(|sub| sub.validated && !sub.disabled)
            .map(|sub| sub.next_validation)
            .min();
        [queued, held, challenge].into_iter().flatten().min()
    }
}

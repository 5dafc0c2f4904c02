//! Who asks next, within this process: by priority, then in order of arrival.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use parfocal_zoom::limit::{Label, Priority};
use tokio::sync::Notify;

type Place = (Priority, u64);

#[derive(Debug, Default)]
struct Line {
    waiting: BTreeMap<Place, Arc<Notify>>,
}

#[derive(Debug, Default)]
struct Lines {
    next: u64,
    lines: HashMap<(String, Label), Line>,
}

/// The lines before each label of each account.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: Mutex<Lines>,
}

/// A place in a line; leaves it when dropped.
#[derive(Debug)]
pub(super) struct Ticket<'q> {
    queue: &'q Queue,
    line: (String, Label),
    place: Place,
    wake: Arc<Notify>,
}

impl Queue {
    /// Joins a line at its end among those of the same priority.
    pub(super) fn join(&self, account: &str, label: Label, priority: Priority) -> Ticket<'_> {
        let wake = Arc::new(Notify::new());
        let line = (account.to_owned(), label);
        let mut lines = self.lock();
        lines.next += 1;
        let place = (priority, lines.next);
        lines
            .lines
            .entry(line.clone())
            .or_default()
            .waiting
            .insert(place, Arc::clone(&wake));
        drop(lines);
        Ticket {
            queue: self,
            line,
            place,
            wake,
        }
    }

    /// Wakes the first of a line, since something may have become free.
    pub(super) fn wake_first(&self, account: &str, label: Label) {
        let lines = self.lock();
        if let Some(first) = lines
            .lines
            .get(&(account.to_owned(), label))
            .and_then(|line| line.waiting.first_key_value())
        {
            first.1.notify_one();
        }
    }

    /// How many wait in a line.
    pub(super) fn waiting(&self, account: &str, label: Label) -> usize {
        self.lock()
            .lines
            .get(&(account.to_owned(), label))
            .map_or(0, |line| line.waiting.len())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<'_> {
    /// Whether nobody stands before us.
    pub(super) fn is_first(&self) -> bool {
        let lines = self.queue.lock();
        lines
            .lines
            .get(&self.line)
            .and_then(|line| line.waiting.first_key_value())
            .is_some_and(|(place, _)| *place == self.place)
    }

    /// Waits until somebody left, or something became free.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut lines = self.queue.lock();
        if let Some(line) = lines.lines.get_mut(&self.line) {
            line.waiting.remove(&self.place);
            match line.waiting.first_key_value() {
                Some((_, next)) => next.notify_one(),
                None => {
                    lines.lines.remove(&self.line);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_comes_before_arrival() {
        let queue = Queue::default();
        let backfill = queue.join("a", Label::Light, Priority::Backfill);
        let live = queue.join("a", Label::Light, Priority::Live);
        let other = queue.join("b", Label::Light, Priority::Backfill);
        let later = queue.join("a", Label::Light, Priority::Live);
        assert!(live.is_first() && other.is_first());
        assert!(!backfill.is_first() && !later.is_first());
        drop(live);
        assert!(later.is_first());
        drop(later);
        assert!(backfill.is_first());
        assert_eq!(queue.waiting("a", Label::Light), 1);
        drop(backfill);
        assert_eq!(queue.waiting("a", Label::Light), 0);
    }
}

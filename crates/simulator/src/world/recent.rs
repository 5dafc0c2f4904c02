//! Derived instances that were just asked for: lists, attendance and downloads ask for the same one several times.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::model::{Instance, InstanceKey};

/// How many are kept; each takes a few kilobytes.
const KEPT: usize = 1_024;

/// The latest derived instances.
#[derive(Debug, Default)]
pub(super) struct Recent {
    inner: Mutex<Kept>,
}

/// By key, and the keys from the oldest on.
#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<InstanceKey, Arc<Instance>>,
    order: VecDeque<InstanceKey>,
}

impl Recent {
    /// The instance, made by `make` when it is not kept.
    pub(super) fn get(&self, key: InstanceKey, make: impl FnOnce() -> Instance) -> Arc<Instance> {
        let lock = || self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().by_key.get(&key) {
            return found.clone();
        }
        // Made without the lock: others need not wait for it.
        let made = Arc::new(make());
        let mut inner = lock();
        if inner.by_key.insert(key, made.clone()).is_none() {
            inner.order.push_back(key);
        }
        while inner.order.len() > KEPT {
            if let Some(oldest) = inner.order.pop_front() {
                inner.by_key.remove(&oldest);
            }
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Generate;
    use crate::generate::Generator;

    #[test]
    fn keeps_the_latest_only() {
        let base = "2026-11-20T12:00:00Z".parse().unwrap();
        let generator = Generator::new(
            1,
            base,
            Generate {
                users: 2,
                meetings: 2,
            },
        );
        let one = generator.instance(0, InstanceKey(0));
        let recent = Recent::default();
        let mut made = 0;
        for _ in 0..2 {
            recent.get(InstanceKey(0), || {
                made += 1;
                one.clone()
            });
        }
        assert_eq!(made, 1);
        for key in 1..=1_024 {
            recent.get(InstanceKey(key), || one.clone());
        }
        recent.get(InstanceKey(0), || {
            made += 1;
            one.clone()
        });
        assert_eq!(made, 2);
        assert_eq!(recent.inner.lock().unwrap().by_key.len(), KEPT);
    }
}

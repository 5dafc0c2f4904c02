//! What is on at this moment, kept in memory: asked for with each request and each look at the jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::{ALL, Component, Components, find};
use crate::error::Result;
use crate::jobs::JobKind;

/// Switches of other processes are seen after this at the latest.
const TTL: Duration = Duration::from_secs(1);

/// What is on, with its settings; two are equal when the same is on.
#[derive(Debug, Clone, Default)]
pub struct Active {
    on: Arc<BTreeSet<&'static str>>,
    settings: Arc<BTreeMap<String, Value>>,
}

impl PartialEq for Active {
    fn eq(&self, other: &Self) -> bool {
        self.on == other.on
    }
}

impl Eq for Active {}

impl Active {
    pub(super) fn new(on: BTreeSet<&'static str>, settings: BTreeMap<String, Value>) -> Self {
        Self {
            on: Arc::new(on),
            settings: Arc::new(settings),
        }
    }

    /// Everything on: for what is described and not served.
    pub fn everything() -> Self {
        Self::new(ALL.iter().map(|one| one.name).collect(), BTreeMap::new())
    }

    /// The same without a component.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut on = (*self.on).clone();
        on.retain(|known| *known != name);
        Self {
            on: Arc::new(on),
            settings: Arc::clone(&self.settings),
        }
    }

    /// Whether a component is on.
    pub fn has(&self, name: &str) -> bool {
        self.on.contains(name)
    }

    /// Whether what serves a path is on; what belongs to no component always is.
    pub fn serves(&self, path: &str) -> bool {
        super::of_path(path).is_none_or(|component| self.has(component.name))
    }

    /// Whether jobs of a kind are done: those of components that are on, and those that belong to none.
    pub fn does(&self, kind: JobKind) -> bool {
        ALL.iter()
            .find(|component| component.jobs.contains(&kind))
            .is_none_or(|component| self.has(component.name))
    }

    /// The value of a component's setting: what somebody set, else the default.
    pub fn setting(&self, component: &str, key: &str) -> Option<String> {
        let set = self.settings.get(component).and_then(|all| all.get(key));
        set.and_then(Value::as_str).map(str::to_owned).or_else(|| {
            let known: &Component = find(component).ok()?;
            let setting = known.settings.iter().find(|one| one.key == key)?;
            setting.default().map(str::to_owned)
        })
    }
}

/// The memory of one process.
#[derive(Debug, Default)]
pub(crate) struct Switchboard {
    known: RwLock<Option<(Duration, Active)>>,
    reading: AtomicBool,
    /// Counts the switches made here: what was read before one is not kept.
    switches: AtomicU64,
    switched: Notify,
}

impl Switchboard {
    /// Forgets what was known, because something was switched here.
    pub(super) fn forget(&self) {
        self.switches.fetch_add(1, Ordering::AcqRel);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.switched.notify_waiters();
    }

    /// Ends with the next switch in this process after this was called.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.switched.notified()
    }

    fn get(&self) -> Option<(Duration, Active)> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Components<'_> {
    /// What is on, at most a second old.
    ///
    /// # Errors
    /// The database cannot be read and nothing is known from before.
    pub async fn active(&self) -> Result<Active> {
        let board = self.app.switchboard();
        let now = self.app.clock().monotonic();
        let known = board.get();
        if let Some((at, active)) = &known {
            let young = now.saturating_sub(*at) < TTL;
            // One looks, the others go on with what was known a moment ago.
            if young || board.reading.swap(true, Ordering::AcqRel) {
                return Ok(active.clone());
            }
        }
        let before = board.switches.load(Ordering::Acquire);
        let read = self.read().await;
        board.reading.store(false, Ordering::Release);
        match (read, known) {
            (Ok(active), _) => {
                let mut kept = board.known.write().unwrap_or_else(PoisonError::into_inner);
                if board.switches.load(Ordering::Acquire) == before {
                    *kept = Some((now, active.clone()));
                }
                Ok(active)
            }
            // A store that cannot be asked must not close the webhook door: what it says is told there.
            (Err(error), Some((_, active))) => {
                tracing::debug!(%error, "the components could not be looked up");
                Ok(active)
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn read(&self) -> Result<Active> {
        let rows = self.rows().await?;
        let on = ALL
            .iter()
            .filter(|one| super::is_on(self.app.config(), one, rows.get(one.name)))
            .map(|one| one.name)
            .collect();
        let settings = rows
            .into_iter()
            .map(|(name, row)| (name, row.settings))
            .collect();
        Ok(Active::new(on, settings))
    }
}

//! Answers kept for a while: for reads that Zoom serves slowly or counts dearly.
//!
//! One caller asks, the others wait for the same answer. What is kept ends with its time, with a webhook that tells of a
//! change, and with every change made through this process.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex as Turn;

use super::context::Halt;
use super::request::ZoomCall;
use crate::App;

/// Most answers that are kept; the ones that end first go first.
const MOST: usize = 2_000;
/// Most events that are looked through one by one; with more, everything is forgotten.
const MOST_NEWS: u32 = 500;

/// How long an answer may be kept, and what ends it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Freshness {
    /// How long.
    pub(super) lasts: Duration,
    /// Beginnings of the webhooks' names that end it, such as `meeting.`.
    pub(super) ended_by: &'static [&'static str],
}

/// An answer with the calls that it took.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) output: Arc<Value>,
    pub(super) calls: Vec<ZoomCall>,
}

#[derive(Debug)]
struct Entry {
    kept: Kept,
    until: Duration,
    freshness: Freshness,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<String, Entry>,
    /// Whoever asks holds the turn of its key; the others wait for it.
    turns: HashMap<String, Arc<Turn<()>>>,
    /// How often something was emptied: what was asked before that is not kept.
    emptied: u64,
    /// The place in the inbox up to which events were seen.
    seen: Option<i64>,
}

/// The memory of one process.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    state: Mutex<State>,
}

impl Cache {
    /// The answer of a key: kept, or asked for now by one caller for all. The second value tells whether it was kept.
    pub(super) async fn get<F, Fut>(
        &self,
        app: &App,
        key: &str,
        freshness: Freshness,
        ask: F,
    ) -> Result<(Kept, bool), Halt>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Kept, Halt>>,
    {
        self.hear(app).await?;
        if let Some(kept) = self.find(app, key) {
            return Ok((kept, true));
        }
        let turn = self.turn(key);
        let held = turn.lock().await;
        if let Some(kept) = self.find(app, key) {
            return Ok((kept, true));
        }
        let before = self.state().emptied;
        let outcome = ask().await;
        if let Ok(kept) = &outcome {
            let until = app.clock().monotonic() + freshness.lasts;
            self.keep(key, kept, until, freshness, before);
        }
        drop(held);
        self.state().turns.remove(key);
        outcome.map(|kept| (kept, false))
    }

    /// Asks whatever is kept, and keeps the answer in its place.
    pub(super) async fn renew<Fut>(
        &self,
        app: &App,
        key: &str,
        freshness: Freshness,
        ask: Fut,
    ) -> Result<Kept, Halt>
    where
        Fut: Future<Output = Result<Kept, Halt>>,
    {
        self.hear(app).await?;
        let before = self.state().emptied;
        let kept = ask.await?;
        let until = app.clock().monotonic() + freshness.lasts;
        self.keep(key, &kept, until, freshness, before);
        Ok(kept)
    }

    /// Forgets what webhooks of this name end.
    pub(super) fn end(&self, event: &str) {
        let mut state = self.state();
        state.emptied += 1;
        state.entries.retain(|_, entry| {
            !entry
                .freshness
                .ended_by
                .iter()
                .any(|begin| event.starts_with(begin))
        });
    }

    /// Looks for webhooks that arrived since, through whichever process.
    async fn hear(&self, app: &App) -> crate::Result<()> {
        let seen = self.state().seen;
        let Some(seen) = seen else {
            let head = app.store().inbox_head().await?;
            self.state().seen.get_or_insert(head);
            return Ok(());
        };
        let news = app.store().inbox_news(app.scope(), seen, MOST_NEWS).await?;
        let Some((last, _)) = news.last() else {
            return Ok(());
        };
        let last = *last;
        if news.len() >= MOST_NEWS as usize {
            let head = app.store().inbox_head().await?;
            let mut state = self.state();
            state.entries.clear();
            state.emptied += 1;
            state.seen = Some(head);
            return Ok(());
        }
        for (_, event) in &news {
            self.end(event);
        }
        let mut state = self.state();
        state.seen = state.seen.max(Some(last));
        Ok(())
    }

    fn find(&self, app: &App, key: &str) -> Option<Kept> {
        let now = app.clock().monotonic();
        let state = self.state();
        let entry = state.entries.get(key)?;
        (now < entry.until).then(|| entry.kept.clone())
    }

    fn keep(&self, key: &str, kept: &Kept, until: Duration, freshness: Freshness, before: u64) {
        let mut state = self.state();
        if state.emptied != before {
            return;
        }
        if state.entries.len() >= MOST
            && let Some(first) = state
                .entries
                .iter()
                .min_by_key(|(_, entry)| entry.until)
                .map(|(key, _)| key.clone())
        {
            state.entries.remove(&first);
        }
        let entry = Entry {
            kept: kept.clone(),
            until,
            freshness,
        };
        state.entries.insert(key.to_owned(), entry);
    }

    fn turn(&self, key: &str) -> Arc<Turn<()>> {
        Arc::clone(self.state().turns.entry(key.to_owned()).or_default())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

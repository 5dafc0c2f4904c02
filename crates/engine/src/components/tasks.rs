//! What components do by themselves, beside jobs and requests: runs while its component is on, and only then.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parfocal_store::NewJob;
use serde_json::json;
use tokio::task::JoinHandle;

use super::{ALL, Component};
use crate::App;
use crate::error::Result;
use crate::jobs::{JobKind, TranscriptAnalyze, priority};
use crate::understand::kinds::MEETING;

/// How often it is looked whether another process switched something.
const LOOK: Duration = Duration::from_secs(1);
/// How often transcripts that nobody has analysed are looked for.
const CATCH_UP_EVERY: Duration = Duration::from_mins(10);
/// Transcripts taken up at once.
const CATCH_UP_PIECE: u32 = 200;

/// Something that a component does by itself.
#[derive(Clone, Copy)]
pub struct Task {
    /// Its name.
    pub name: &'static str,
    /// Runs until it is dropped.
    pub run: fn(App) -> BoxFuture<'static, ()>,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The tasks under way in this process.
#[derive(Debug, Default)]
pub(crate) struct Running {
    tasks: Mutex<BTreeMap<&'static str, JoinHandle<()>>>,
}

impl Running {
    /// Their names.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.lock().keys().copied().collect()
    }

    /// Ends those of a component that was switched off here, without waiting for the next look.
    pub(super) fn end(&self, component: &Component) {
        let mut running = self.lock();
        for task in component.tasks {
            if let Some(task) = running.remove(task.name) {
                task.abort();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, JoinHandle<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all of them.
    pub(crate) fn stop(&self) {
        for (_, task) in std::mem::take(&mut *self.lock()) {
            task.abort();
        }
    }
}

/// Starts the tasks of what is on and ends those of what is off, until it is dropped.
pub(crate) async fn supervise(app: App) {
    loop {
        let changed = app.switchboard().changed();
        match app.components().active().await {
            Ok(active) => {
                let mut running = app.component_tasks().lock();
                for component in ALL {
                    for task in component.tasks {
                        if !active.has(component.name) {
                            if let Some(ended) = running.remove(task.name) {
                                ended.abort();
                            }
                        } else if running.get(task.name).is_none_or(JoinHandle::is_finished) {
                            running.insert(task.name, tokio::spawn((task.run)(app.clone())));
                        }
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "the components could not be looked up"),
        }
        tokio::select! {
            () = changed => {}
            () = app.clock().sleep(LOOK) => {}
        }
    }
}

/// Has transcripts analysed that came in while understanding was off.
pub(super) const CATCH_UP: Task = Task {
    name: "understanding.catch-up",
    run: |app| {
        Box::pin(async move {
            loop {
                if let Err(error) = catch_up(&app).await {
                    tracing::warn!(%error, "transcripts without an analysis could not be looked for");
                }
                if let Err(error) = crate::search::want_vectors(&app).await {
                    tracing::warn!(%error, "transcripts without vectors could not be looked for");
                }
                app.clock().sleep(CATCH_UP_EVERY).await;
            }
        })
    },
};

async fn catch_up(app: &App) -> Result<()> {
    let (scope, now) = (app.scope(), app.clock().now());
    let waiting = app
        .store()
        .transcripts_without_analysis(
            scope,
            MEETING,
            parfocal_understand::VERSION,
            JobKind::TranscriptAnalyze.as_str(),
            CATCH_UP_PIECE,
        )
        .await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let mut tx = app.store().begin(scope).await?;
    for transcript in waiting {
        let job = NewJob {
            kind: JobKind::TranscriptAnalyze.as_str().to_owned(),
            v: JobKind::TranscriptAnalyze.version(),
            lane: None,
            priority: priority::BACKFILL_DETAIL,
            dedupe_key: Some(transcript.to_string()),
            payload: json!(TranscriptAnalyze { transcript }),
            run_at: now,
            cause_id: None,
        };
        tx.enqueue(&job, now).await?;
    }
    Ok(tx.commit().await?)
}

//! The inbox: an event is durable before it is answered, and many at once share one flush of the disk.

mod read;
mod writer;

use std::sync::{Arc, Weak};

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::error::{ErrorKind, Result, StoreError};
use crate::model::{Appended, NewEvent};
use crate::store::Inner;

#[cfg(test)]
pub(crate) use read::STATEMENTS as READ_STATEMENTS;
#[cfg(test)]
pub(crate) use writer::statements as writer_statements;

/// [`ROUTE_JOB`] for texts that are put together when the program is built.
macro_rules! route_job {
    () => {
        "event.route"
    };
}
use route_job;

/// The kind of the job that routes an event.
pub const ROUTE_JOB: &str = route_job!();

/// The way in for webhook events.
///
/// Concurrent calls of [`Inbox::append`] are written together by one background task: one transaction,
/// one flush, for as many events as are waiting.
pub struct Inbox {
    queue: mpsc::Sender<Waiting>,
    task: Mutex<Option<JoinHandle<()>>>,
    stop: tokio::sync::watch::Sender<bool>,
}

/// An event on its way to the writer.
pub(crate) struct Waiting {
    pub(crate) event: NewEvent,
    pub(crate) answer: oneshot::Sender<Result<Appended>>,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox")
            .field("room", &self.queue.capacity())
            .finish_non_exhaustive()
    }
}

impl Inbox {
    pub(crate) fn new(room: usize) -> (Self, mpsc::Receiver<Waiting>) {
        let (queue, waiting) = mpsc::channel(room.max(1));
        let (stop, _) = tokio::sync::watch::channel(false);
        let inbox = Self {
            queue,
            task: Mutex::new(None),
            stop,
        };
        (inbox, waiting)
    }

    /// Starts the writer. It holds the store weakly, so that a store that is dropped ends it, too.
    pub(crate) fn start(&self, waiting: mpsc::Receiver<Waiting>, store: &Arc<Inner>) {
        let store: Weak<Inner> = Arc::downgrade(store);
        let task = tokio::spawn(writer::run(waiting, store, self.stop.subscribe()));
        if let Ok(mut slot) = self.task.try_lock() {
            *slot = Some(task);
        }
    }

    /// Accepts an event. When this returns, the event survives a power cut, and so does that it is to be routed: by a job
    /// that is there already, or by one that is written when fewer events come.
    ///
    /// # Errors
    /// `Overloaded` at once when too many are waiting; `Closed` after [`Store::close`](crate::Store::close); whatever the
    /// database says. After an error the sender should send again: a repetition is recognised.
    ///
    /// # Cancellation
    /// Dropping the future does not take the event back: it may or may not be written.
    pub async fn append(&self, event: NewEvent) -> Result<Appended> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .try_send(Waiting { event, answer })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::new(
                    ErrorKind::Overloaded,
                    "too many events are waiting to be written",
                ),
                mpsc::error::TrySendError::Closed(_) => closed(),
            })?;
        answered.await.map_err(|_| closed())?
    }

    /// How many events are waiting for the writer.
    pub fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Lets the writer finish what was handed in, and ends it.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the inbox writer did not end cleanly");
        }
    }
}

fn closed() -> StoreError {
    StoreError::new(ErrorKind::Closed, "the store is closed")
}

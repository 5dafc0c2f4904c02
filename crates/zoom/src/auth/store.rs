//! Where grants are kept.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Grant;

/// A store failed; the text must hold no secrets.
#[derive(Debug, thiserror::Error)]
#[error("token store: {message}")]
pub struct StoreError {
    message: String,
    superseded: bool,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// A failure described in words.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            superseded: false,
            source: None,
        }
    }

    /// The pair that was to be stored is not wanted any more: a newer one is there, or the grant was taken back.
    pub fn superseded(message: impl Into<String>) -> Self {
        Self {
            superseded: true,
            ..Self::new(message)
        }
    }

    /// Whether the pair that was to be stored is not wanted any more.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.superseded
    }

    /// A failure with its cause.
    pub fn with_source(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            message: message.into(),
            superseded: false,
            source: Some(source.into()),
        }
    }
}

/// Whether this process may refresh now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshLease {
    /// Yes, and the ask is counted; [`TokenStore::end_refresh`] follows.
    Granted,
    /// Somebody else is at it: look again after this time.
    Busy {
        /// How long to wait.
        retry_in: Duration,
    },
    /// Refreshes failed, here or elsewhere: nobody asks again before this time.
    Paused {
        /// How long that is.
        retry_in: Duration,
    },
    /// Never again: the grant is dead, such as after two asks that got no answer.
    Dead {
        /// Why.
        reason: String,
    },
}

/// What came of the right to refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshEnd {
    /// A new pair was handed to [`TokenStore::save`], or the grant to [`TokenStore::mark_dead`].
    Settled,
    /// Zoom was not asked.
    NotAsked,
    /// Zoom answered with a failure that made nothing, or the request surely did not get there.
    Failed,
    /// No answer came: Zoom may have made a pair.
    Unanswered,
}

/// What has become of a grant that a process has in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is the newest.
    Current,
    /// There is a newer pair.
    Newer,
    /// It is dead, or gone.
    Dead,
}

/// Keeps the one live grant of an app and a Zoom user or account.
///
/// Zoom kills the old refresh token with each refresh, so a store has to be careful in one respect: when
/// [`TokenStore::save`] returns, the grant must survive a crash, and never may a reader see half of it. The new pair
/// is used only after that.
///
/// [`TokenStore::begin_refresh`] keeps several processes from refreshing at the same time. The default is for stores
/// of one process, where [`super::TokenSource`] already sees to it.
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The stored grant, if any.
    fn load(&self) -> BoxFuture<'_, Result<Option<Grant>, StoreError>>;

    /// Replaces the stored grant, atomically and durably.
    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The grant of this generation is dead (revoked, expired, or replaced elsewhere); `reason` is Zoom's word.
    ///
    /// A store that holds a newer generation by now leaves it alone.
    fn mark_dead<'a>(
        &'a self,
        generation: u64,
        reason: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Zoom refuses the app itself when a token is asked for: its credentials are wrong, or it was switched off. What is
    /// stored stays, but a person has to be told; `reason` is Zoom's word.
    fn mark_refused<'a>(&'a self, _reason: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Asks for the right to refresh.
    fn begin_refresh(&self) -> BoxFuture<'_, Result<RefreshLease, StoreError>> {
        Box::pin(std::future::ready(Ok(RefreshLease::Granted)))
    }

    /// Gives the right back; called after every [`RefreshLease::Granted`].
    ///
    /// A store for several processes counts, durably, how often the token of a generation was shown to Zoom without an
    /// answer, and keeps to [`super::protocol`].
    fn end_refresh(&self, _end: RefreshEnd) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// What has become of this generation elsewhere; asked now and then while a token is used from memory.
    fn standing(&self, _generation: u64) -> BoxFuture<'_, Result<Standing, StoreError>> {
        Box::pin(std::future::ready(Ok(Standing::Current)))
    }
}

/// A store that forgets everything with the process.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    grant: Arc<Mutex<Option<Grant>>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that holds a grant already.
    #[must_use]
    pub fn with(grant: Grant) -> Self {
        Self {
            grant: Arc::new(Mutex::new(Some(grant))),
        }
    }

    /// The grant at this moment.
    #[must_use]
    pub fn current(&self) -> Option<Grant> {
        self.grant
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl TokenStore for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Option<Grant>, StoreError>> {
        Box::pin(std::future::ready(Ok(self.current())))
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<(), StoreError>> {
        *self.grant.lock().unwrap_or_else(PoisonError::into_inner) = Some(grant.clone());
        Box::pin(std::future::ready(Ok(())))
    }

    fn mark_dead<'a>(
        &'a self,
        generation: u64,
        _reason: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut grant = self.grant.lock().unwrap_or_else(PoisonError::into_inner);
        if grant
            .as_ref()
            .is_some_and(|grant| grant.generation <= generation)
        {
            *grant = None;
        }
        drop(grant);
        Box::pin(std::future::ready(Ok(())))
    }
}

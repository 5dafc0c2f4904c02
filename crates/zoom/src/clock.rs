//! Time and chance as arguments.
//!
//! Nothing in this crate reads a clock or draws a random number by itself: both come in through [`Clock`] and
//! [`Random`], so that tests and the simulator can move time and repeat chance. [`SystemClock`] and [`OsRandom`]
//! are what a program uses.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::watch;

/// Source of time: the wall clock, a clock that never goes back, and sleeping.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock, which may jump in either direction.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary start, which never goes back.
    fn monotonic(&self) -> Duration;

    /// Waits until [`Clock::monotonic`] has reached `at`; returns at once when it has.
    ///
    /// An implementation whose time can be moved wakes sleepers when it was moved past them.
    fn sleep_until(&self, at: Duration) -> BoxFuture<'_, ()>;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    origin: tokio::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the implementation of the clock"
    )]
    pub fn new() -> Self {
        Self {
            origin: tokio::time::Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the implementation of the clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the implementation of the clock"
    )]
    fn sleep_until(&self, at: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep_until(self.origin + at))
    }
}

/// A clock that stands still until it is moved; for tests.
///
/// ```
/// use parfocal_zoom::clock::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
/// clock.advance(Duration::from_secs(90));
/// assert_eq!(clock.now().to_string(), "2026-11-22T08:01:30Z");
/// assert_eq!(clock.monotonic(), Duration::from_secs(90));
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    state: Arc<watch::Sender<ManualState>>,
}

#[derive(Debug, Clone, Copy)]
struct ManualState {
    now: Timestamp,
    monotonic: Duration,
}

impl ManualClock {
    /// A clock that shows `now`, with a monotonic time of zero.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            state: Arc::new(watch::Sender::new(ManualState {
                now,
                monotonic: Duration::ZERO,
            })),
        }
    }

    /// Moves both times forward and wakes the sleepers that were passed.
    pub fn advance(&self, by: Duration) {
        self.state.send_modify(|state| {
            state.monotonic = state.monotonic.saturating_add(by);
            let step = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
            state.now = state.now.saturating_add(step).unwrap_or(Timestamp::MAX);
        });
    }

    /// Makes the wall clock jump, forward or back, while the monotonic time stays.
    pub fn jump_to(&self, now: Timestamp) {
        self.state.send_modify(|state| state.now = now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.borrow().now
    }

    fn monotonic(&self) -> Duration {
        self.state.borrow().monotonic
    }

    fn sleep_until(&self, at: Duration) -> BoxFuture<'_, ()> {
        let mut changes = self.state.subscribe();
        Box::pin(async move {
            // The sender lives in `self`, which this future borrows: waiting cannot fail.
            let _ = changes.wait_for(|state| state.monotonic >= at).await;
        })
    }
}

/// Source of random bytes, for jitter, OAuth states and nonces.
///
/// What is used for secrets must be unpredictable: [`OsRandom`] is; [`SeededRandom`] is for tests.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A random number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A random duration from zero up to and including `limit`, to the microsecond.
    fn up_to(&self, limit: Duration) -> Duration {
        let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        match micros.checked_add(1) {
            Some(range) => Duration::from_micros(self.next_u64() % range),
            None => Duration::from_micros(self.next_u64()),
        }
    }
}

/// The random source of the operating system.
///
/// What is short, as ids are, comes from a store of bytes that is asked for at once: a busy server would ask the system twice
/// for every event. Keys and other secrets come from the system each time.
#[derive(Default)]
pub struct OsRandom {
    kept: Mutex<Vec<u8>>,
}

/// The most bytes that are taken from what is kept.
const SHORT: usize = 10;
/// How many bytes are asked for at once.
const KEPT: usize = 4_000;

impl std::fmt::Debug for OsRandom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OsRandom").finish_non_exhaustive()
    }
}

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > SHORT {
            return from_the_system(bytes);
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < bytes.len() {
            kept.resize(KEPT, 0);
            from_the_system(&mut kept);
        }
        let rest = kept.len() - bytes.len();
        bytes.copy_from_slice(&kept[rest..]);
        kept.truncate(rest);
    }
}

fn from_the_system(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has a working random source");
}

/// A repeatable random source; for tests, never for secrets.
#[derive(Debug)]
pub struct SeededRandom {
    generator: Mutex<StdRng>,
}

impl SeededRandom {
    /// A source that gives the same bytes for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            generator: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.generator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(bytes);
    }
}

//! The one clock of the simulated account: real time from an anchor at a speed, movable by hand.

use jiff::{SignedDuration, Timestamp};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// The fastest the clock may run.
pub const MAX_SPEED: f64 = 20.0;

/// A failure of the clock.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The speed is negative, not a number, or above [`MAX_SPEED`].
    #[error("speed {0} is not between 0 and {MAX_SPEED}")]
    Speed(f64),
    /// The instant is outside what timestamps can hold.
    #[error("the clock cannot be moved that far")]
    OutOfRange,
    /// The clock file could not be written.
    #[error("cannot write the clock file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What the clock shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The simulated instant.
    pub now: Timestamp,
    /// Simulated seconds in a real second (0: stands still).
    pub speed: f64,
}

/// Readers of the clock file look every 20 ms: so long after a jump they may still show the time before it.
const SETTLE_US: i64 = 45_000;

#[derive(Clone, Copy)]
struct Anchor {
    real_us: i64,
    sim_us: i64,
    speed: f64,
}

/// A clock that can be moved: `sim = anchor_sim + (real - anchor_real) × speed`.
///
/// With speed 0 it is driven by hand only, which makes tests deterministic. Every change is written to the clock file (if
/// there is one) and wakes all sleepers.
pub struct Clock {
    anchor: Mutex<Anchor>,
    moved: Notify,
    file: Option<PathBuf>,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock")
            .field("reading", &self.read())
            .finish_non_exhaustive()
    }
}

impl Clock {
    /// A clock that shows `start` (none: the real time) and runs at `speed`; writes `file` at once when given.
    pub fn new(
        start: Option<Timestamp>,
        speed: f64,
        file: Option<PathBuf>,
    ) -> Result<Self, ClockError> {
        check_speed(speed)?;
        let real_us = real_now_us();
        let clock = Self {
            anchor: Mutex::new(Anchor {
                real_us,
                sim_us: start.map_or(real_us, Timestamp::as_microsecond),
                speed,
            }),
            moved: Notify::new(),
            file,
        };
        clock.write_file(*clock.lock())?;
        Ok(clock)
    }

    /// A clock that stands at `start` and moves by hand only.
    ///
    /// # Panics
    /// Never: speed 0 without a file cannot fail.
    #[must_use]
    pub fn by_hand(start: Timestamp) -> Self {
        Self::new(Some(start), 0.0, None).expect("speed 0 is allowed and no file is written")
    }

    /// The simulated instant.
    pub fn now(&self) -> Timestamp {
        self.read().now
    }

    /// The simulated instant and the speed.
    pub fn read(&self) -> Reading {
        let anchor = *self.lock();
        Reading {
            now: at(anchor),
            speed: anchor.speed,
        }
    }

    /// Moves the clock to `instant`, forwards or backwards.
    pub fn set(&self, instant: Timestamp) -> Result<Reading, ClockError> {
        self.change(|_| Ok((instant, None)))
    }

    /// Moves the clock by `by`.
    pub fn advance(&self, by: SignedDuration) -> Result<Reading, ClockError> {
        self.change(|now| {
            Ok((
                now.checked_add(by).map_err(|_| ClockError::OutOfRange)?,
                None,
            ))
        })
    }

    /// Changes the speed from here on.
    pub fn set_speed(&self, speed: f64) -> Result<Reading, ClockError> {
        check_speed(speed)?;
        self.change(|now| Ok((now, Some(speed))))
    }

    /// Sleeps until the clock shows `until` or later; jumps wake it.
    pub async fn sleep_until(&self, until: Timestamp) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Register before looking, so that a jump between the look and the wait is not missed.
            moved.as_mut().enable();
            let Reading { now, speed } = self.read();
            if now >= until {
                return;
            }
            if speed <= 0.0 {
                moved.await;
                continue;
            }
            let sim_us = until.as_microsecond().saturating_sub(now.as_microsecond());
            #[expect(
                clippy::cast_precision_loss,
                reason = "a wait may be off by microseconds"
            )]
            let real = Duration::try_from_secs_f64(sim_us as f64 / 1e6 / speed)
                .unwrap_or(Duration::from_hours(1))
                .min(Duration::from_hours(1));
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the clock the others sleep on"
            )]
            let sleep = tokio::time::sleep(real.max(Duration::from_micros(200)));
            tokio::select! {
                () = sleep => {}
                () = &mut moved => {}
            }
        }
    }

    /// Sleeps for `by` of simulated time.
    pub async fn sleep(&self, by: SignedDuration) {
        let until = self.now().saturating_add(by).unwrap_or(Timestamp::MAX);
        self.sleep_until(until).await;
    }

    /// Waits, in real time, until readers of the clock file have seen the last change (at once without a file).
    ///
    /// What is sent to such a reader before that would look as if it came from the future.
    pub async fn settle(&self) {
        if self.file.is_none() {
            return;
        }
        loop {
            let left = self.lock().real_us.saturating_add(SETTLE_US) - real_now_us();
            if !(1..=SETTLE_US).contains(&left) {
                return;
            }
            #[expect(clippy::disallowed_methods, reason = "readers look in real time")]
            tokio::time::sleep(Duration::from_micros(left.unsigned_abs())).await;
        }
    }

    fn change(
        &self,
        how: impl FnOnce(Timestamp) -> Result<(Timestamp, Option<f64>), ClockError>,
    ) -> Result<Reading, ClockError> {
        let mut anchor = self.lock();
        // Both instants from one look at the real clock, so that a change of speed alone moves nothing.
        let real_us = real_now_us();
        let (now, speed) = how(at_real(*anchor, real_us))?;
        let next = Anchor {
            real_us,
            sim_us: now.as_microsecond(),
            speed: speed.unwrap_or(anchor.speed),
        };
        self.write_file(next)?;
        *anchor = next;
        drop(anchor);
        self.moved.notify_waiters();
        Ok(Reading {
            now,
            speed: next.speed,
        })
    }

    fn write_file(&self, anchor: Anchor) -> Result<(), ClockError> {
        let Some(path) = &self.file else {
            return Ok(());
        };
        write_atomically(path, anchor).map_err(|source| ClockError::File {
            path: path.clone(),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Anchor> {
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_speed(speed: f64) -> Result<(), ClockError> {
    if (0.0..=MAX_SPEED).contains(&speed) {
        Ok(())
    } else {
        Err(ClockError::Speed(speed))
    }
}

fn at(anchor: Anchor) -> Timestamp {
    if anchor.speed <= 0.0 {
        return at_real(anchor, anchor.real_us);
    }
    at_real(anchor, real_now_us())
}

fn at_real(anchor: Anchor, real_us: i64) -> Timestamp {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the same formula as readers of the clock file use; exact for runs of centuries"
    )]
    let passed = ((real_us - anchor.real_us) as f64 * anchor.speed) as i64;
    Timestamp::from_microsecond(anchor.sim_us.saturating_add(passed)).unwrap_or(Timestamp::MAX)
}

/// Microseconds of the machine's clock.
fn real_now_us() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock the others take"
    )]
    let now = Timestamp::now();
    now.as_microsecond()
}

fn write_atomically(path: &Path, anchor: Anchor) -> std::io::Result<()> {
    let text = serde_json::json!({
        "v": 1,
        "anchor_real_us": anchor.real_us,
        "anchor_sim_us": anchor.sim_us,
        "speed": anchor.speed,
    })
    .to_string();
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let temporary = PathBuf::from(name);
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn start() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn by_hand_it_stands_still_and_moves_exactly() {
        let clock = Clock::by_hand(start());
        assert_eq!(clock.now(), start());
        clock.advance(SignedDuration::from_mins(5)).unwrap();
        assert_eq!(clock.now(), start() + SignedDuration::from_mins(5));
        clock.set(start()).unwrap();
        assert_eq!(clock.now(), start());
    }

    #[test]
    fn speeds_outside_the_range_are_refused() {
        assert!(Clock::new(None, 21.0, None).is_err());
        assert!(Clock::new(None, f64::NAN, None).is_err());
        assert!(Clock::by_hand(start()).set_speed(-1.0).is_err());
    }

    #[test]
    fn the_file_says_what_the_clock_shows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock.json");
        let clock = Clock::new(Some(start()), 0.0, Some(path.clone())).unwrap();
        clock.set_speed(2.0).unwrap();
        clock.set_speed(0.0).unwrap();
        clock.set(start()).unwrap();
        let value: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(value["v"], 1);
        assert_eq!(value["anchor_sim_us"], start().as_microsecond());
        assert!(value["anchor_real_us"].is_i64());
        assert!(!folder.path().join("clock.json.new").exists());
    }

    #[tokio::test]
    async fn settling_waits_for_readers_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock.json");
        let clock = Clock::new(Some(start()), 0.0, Some(path)).unwrap();
        clock.advance(SignedDuration::from_hours(1)).unwrap();
        let before = real_now_us();
        clock.settle().await;
        assert!(real_now_us() - before >= 20_000);
    }

    #[tokio::test]
    async fn a_jump_wakes_a_sleeper() {
        let clock = Arc::new(Clock::by_hand(start()));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(SignedDuration::from_hours(2)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(SignedDuration::from_hours(1)).unwrap();
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(SignedDuration::from_hours(1)).unwrap();
        tokio::time::timeout(Duration::from_secs(5), sleeper)
            .await
            .unwrap()
            .unwrap();
    }

    #[tokio::test]
    async fn speed_shortens_sleep() {
        let clock = Clock::new(Some(start()), 20.0, None).unwrap();
        let wait = clock.sleep(SignedDuration::from_secs(2));
        tokio::time::timeout(Duration::from_secs(1), wait)
            .await
            .unwrap();
        assert!(clock.now() >= start() + SignedDuration::from_secs(2));
    }
}

//! Time and chance for the whole application: handed in once, passed on everywhere.
//!
//! [`Clock`] is the machine's clock, or follows a simulator's clock file so that server and simulator share a time that can be moved.
//! [`Chance`] makes random bytes and ids.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use parfocal_zoom::clock::{Clock as ZoomClock, OsRandom, Random, SeededRandom, SystemClock};
use serde::Deserialize;
use uuid::{Builder, Uuid};

/// How long a reading of a clock file may be used, and how long a sleeper under one sleeps in one go, both in real time.
const FILE_TICK: Duration = Duration::from_millis(20);
/// A sleeper until a wall-clock instant looks again at least this often, since the wall clock may be set.
const WALL_TICK: Duration = Duration::from_secs(30);
/// Steps back up to this are a clock being disciplined, not one being set.
const SET_BACK_US: i64 = 60 * 1_000_000;

/// The application's clock; cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Arc<dyn ZoomClock>,
    file: Option<Arc<FileClock>>,
    readings: Arc<Readings>,
}

/// What was handed out by a clock and its clones.
#[derive(Debug)]
struct Readings {
    latest_us: AtomicI64,
    steps_back: AtomicU64,
}

impl Readings {
    fn none() -> Arc<Self> {
        Arc::new(Self {
            latest_us: AtomicI64::new(i64::MIN),
            steps_back: AtomicU64::new(0),
        })
    }

    fn took(&self, us: i64) {
        let latest = self.latest_us.fetch_max(us, Ordering::AcqRel);
        if us < latest.saturating_sub(SET_BACK_US) {
            self.steps_back.fetch_add(1, Ordering::AcqRel);
            self.latest_us.store(us, Ordering::Release);
        }
    }
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::custom(Arc::new(SystemClock::new()))
    }

    /// A clock that follows a simulator's clock file.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, ClockFileError> {
        let file = Arc::new(FileClock::open(path)?);
        Ok(Self {
            source: Arc::clone(&file) as Arc<dyn ZoomClock>,
            file: Some(file),
            readings: Readings::none(),
        })
    }

    /// Any other clock, such as `parfocal_zoom`'s manual one in tests.
    pub fn custom(clock: Arc<dyn ZoomClock>) -> Self {
        Self {
            source: clock,
            file: None,
            readings: Readings::none(),
        }
    }

    /// The wall clock, in whole microseconds as the store keeps them.
    pub fn now(&self) -> Timestamp {
        let now = self.source.now();
        self.readings.took(now.as_microsecond());
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// How often a reading of this clock or a clone lay more than a minute before an earlier one.
    ///
    /// Whoever works out an instant from one reading and uses it after another compares this number before and after:
    /// when it has changed, the instant may lie hours too late.
    pub fn steps_back(&self) -> u64 {
        self.readings.steps_back.load(Ordering::Acquire)
    }

    /// The wall clock, where being milliseconds late counts: a clock file is read again first.
    pub fn fresh(&self) -> Timestamp {
        if let Some(file) = &self.file {
            file.read_again();
        }
        self.now()
    }

    /// Time since an arbitrary start; never goes back.
    pub fn monotonic(&self) -> Duration {
        self.source.monotonic()
    }

    /// Waits for a duration of this clock's time.
    pub async fn sleep(&self, duration: Duration) {
        let at = self.source.monotonic().saturating_add(duration);
        self.source.sleep_until(at).await;
    }

    /// Waits until the wall clock shows `at`, even if it is set meanwhile.
    pub async fn wait_until(&self, at: Timestamp) {
        loop {
            let Ok(left) = Duration::try_from(self.source.now().duration_until(at)) else {
                return;
            };
            if left.is_zero() {
                return;
            }
            self.sleep(left.min(WALL_TICK)).await;
        }
    }

    /// The clock as `parfocal_zoom` takes it.
    pub fn as_zoom(&self) -> Arc<dyn ZoomClock> {
        Arc::clone(&self.source)
    }
}

/// Why a clock file cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ClockFileError {
    /// It cannot be read.
    #[error("the clock file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("the clock file {path} does not hold a clock: {detail}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

/// What a clock file says: from `real_us` on, time runs from `sim_us` at `speed`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct Anchor {
    v: u32,
    #[serde(rename = "anchor_real_us")]
    real_us: i64,
    #[serde(rename = "anchor_sim_us")]
    sim_us: i64,
    speed: f64,
}

impl Anchor {
    fn parse(text: &str) -> Result<Self, String> {
        let anchor: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if anchor.v != 1 {
            return Err(format!("version {} is not known", anchor.v));
        }
        if !anchor.speed.is_finite() || anchor.speed < 0.0 {
            return Err(format!("speed {} makes no sense", anchor.speed));
        }
        Ok(anchor)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "spans of a run, far below 2^52 microseconds"
    )]
    fn at(&self, real_us: i64) -> i64 {
        let passed = real_us.saturating_sub(self.real_us) as f64 * self.speed;
        self.sim_us.saturating_add(passed as i64)
    }
}

#[derive(Debug)]
struct FileState {
    anchor: Anchor,
    checked_real_us: i64,
    last_sim_us: i64,
    passed_us: u64,
}

/// A clock that follows a file which a simulator rewrites whenever its time is moved.
#[derive(Debug)]
struct FileClock {
    path: PathBuf,
    state: Mutex<FileState>,
}

impl FileClock {
    fn open(path: &Path) -> Result<Self, ClockFileError> {
        let unreadable = |source| ClockFileError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let anchor = Anchor::parse(&text).map_err(|detail| ClockFileError::Malformed {
            path: path.to_owned(),
            detail,
        })?;
        let real = real_us();
        let state = FileState {
            anchor,
            checked_real_us: real,
            last_sim_us: anchor.at(real),
            passed_us: 0,
        };
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        })
    }

    /// Current simulated time and the time passed since the start, both in microseconds.
    fn read(&self) -> (i64, u64) {
        let real = real_us();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let tick = i64::try_from(FILE_TICK.as_micros()).unwrap_or(i64::MAX);
        if (real - state.checked_real_us).abs() >= tick {
            state.checked_real_us = real;
            self.refresh(&mut state);
        }
        let sim = state.anchor.at(real);
        // A step back does not count, so the passed time only grows.
        state.passed_us += u64::try_from(sim.saturating_sub(state.last_sim_us)).unwrap_or(0);
        state.last_sim_us = sim;
        (sim, state.passed_us)
    }

    /// Takes a change of the file in at once.
    fn read_again(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.checked_real_us = real_us();
        self.refresh(&mut state);
    }

    /// Reads the file again; it is small, and its date is too coarse to tell two changes in a row apart.
    /// One that cannot be read right now leaves the time as it was.
    fn refresh(&self, state: &mut FileState) {
        let anchor = fs::read_to_string(&self.path)
            .map_err(|error| error.to_string())
            .and_then(|text| Anchor::parse(&text));
        match anchor {
            Ok(anchor) => state.anchor = anchor,
            Err(error) => {
                tracing::warn!(path = %self.path.display(), error, "the clock file cannot be read");
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the implementation of the clock"
)]
fn real_us() -> i64 {
    Timestamp::now().as_microsecond()
}

impl ZoomClock for FileClock {
    fn now(&self) -> Timestamp {
        let (sim, _) = self.read();
        Timestamp::from_microsecond(sim).unwrap_or(if sim < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.read().1)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the implementation of the clock"
    )]
    fn sleep_until(&self, at: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let (_, passed) = self.read();
                let Some(left) = at
                    .checked_sub(Duration::from_micros(passed))
                    .filter(|left| !left.is_zero())
                else {
                    return;
                };
                let speed = self
                    .state
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .anchor
                    .speed;
                let real = if speed > 0.0 {
                    left.div_f64(speed.max(1e-6))
                } else {
                    FILE_TICK
                };
                tokio::time::sleep(real.clamp(Duration::from_micros(500), FILE_TICK)).await;
            }
        })
    }
}

/// Random bytes and ids; cheap to clone.
#[derive(Debug, Clone)]
pub struct Chance(Arc<dyn Random>);

impl Chance {
    /// The operating system's random source.
    pub fn system() -> Self {
        Self(Arc::new(OsRandom::default()))
    }

    /// A repeatable source, for tests only: nothing secret may come from it.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(SeededRandom::new(seed)))
    }

    /// Fills a slice with random bytes.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    /// Some random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// A random duration from zero up to and including `limit`.
    pub fn up_to(&self, limit: Duration) -> Duration {
        self.0.up_to(limit)
    }

    /// A random part of a whole: from 0 up to but not including 1.
    pub fn fraction(&self) -> f64 {
        // 53 random bits are exact in an f64.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        {
            (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// A new UUIDv7 whose time part is `now` to the quarter of a microsecond, so ids made in one millisecond sort too.
    pub fn uuid(&self, now: Timestamp) -> Uuid {
        let micros = u64::try_from(now.as_microsecond()).unwrap_or(0);
        let mut bytes: [u8; 10] = self.bytes();
        let fraction = (micros % 1000) * 4096 / 1000;
        bytes[..2].copy_from_slice(&u16::try_from(fraction).unwrap_or(0).to_be_bytes());
        Builder::from_unix_timestamp_millis(micros / 1000, &bytes).into_uuid()
    }

    /// The source as `parfocal_zoom` takes it.
    pub fn as_zoom(&self) -> Arc<dyn Random> {
        Arc::clone(&self.0)
    }
}

impl parfocal_store::IdSource for Chance {
    fn entropy(&self) -> [u8; 10] {
        self.bytes()
    }
}

/// The span between two instants, zero when `to` is not later.
pub fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(from.duration_until(to)).unwrap_or(Duration::ZERO)
}

/// The instant `by` after `at`, or the last one there is.
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The instant `by` before `at`, or the first one there is.
pub fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, sim: &str, speed: f64) {
        let sim: Timestamp = sim.parse().unwrap();
        let text = format!(
            r#"{{"v":1,"anchor_real_us":{},"anchor_sim_us":{},"speed":{speed}}}"#,
            real_us(),
            sim.as_microsecond()
        );
        let temporary = path.with_extension("tmp");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, path).unwrap();
    }

    #[tokio::test]
    async fn a_clock_file_is_followed_through_jumps() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock.json");
        assert!(matches!(
            Clock::from_file(&path),
            Err(ClockFileError::Unreadable { .. })
        ));
        write(&path, "2026-11-22T08:00:00Z", 0.0);
        let clock = Clock::from_file(&path).unwrap();
        assert_eq!(clock.now().to_string(), "2026-11-22T08:00:00Z");
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep(Duration::from_hours(1)).await })
        };
        let deadline = {
            let clock = clock.clone();
            tokio::spawn(async move {
                clock
                    .wait_until("2026-11-22T10:00:00Z".parse().unwrap())
                    .await;
            })
        };
        // Let both go to sleep before time jumps.
        tokio::task::yield_now().await;
        write(&path, "2026-11-22T10:30:00.5Z", 0.0);
        sleeper.await.unwrap();
        deadline.await.unwrap();
        let passed = clock.monotonic();
        assert_eq!(clock.now().to_string(), "2026-11-22T10:30:00.5Z");
        write(&path, "2026-11-21T00:00:00Z", 0.0);
        Clock::system().sleep(FILE_TICK * 2).await;
        assert_eq!(clock.now().to_string(), "2026-11-21T00:00:00Z");
        assert_eq!(
            clock.monotonic(),
            passed,
            "a step back does not take passed time away"
        );
        fs::write(&path, "rubbish of another length").unwrap();
        Clock::system().sleep(FILE_TICK * 2).await;
        assert_eq!(clock.now().to_string(), "2026-11-21T00:00:00Z");
    }

    #[tokio::test]
    async fn a_fast_clock_shortens_sleep() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock.json");
        write(&path, "2026-11-22T08:00:00Z", 20.0);
        let clock = Clock::from_file(&path).unwrap();
        let system = Clock::system();
        clock.sleep(Duration::from_secs(4)).await;
        let real = system.monotonic();
        assert!(
            real >= Duration::from_millis(190) && real < Duration::from_secs(3),
            "{real:?}"
        );
    }

    #[test]
    fn ids_sort_by_time_and_differ() {
        let chance = Chance::seeded(7);
        let at: Timestamp = "2026-11-22T08:00:00.000001Z".parse().unwrap();
        let ids: Vec<Uuid> = (0..200)
            .map(|n| chance.uuid(later(at, Duration::from_micros(n))))
            .collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(ids[0].get_version_num(), 7);
        assert_ne!(chance.uuid(at), chance.uuid(at));
    }
}

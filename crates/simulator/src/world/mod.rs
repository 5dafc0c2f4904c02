//! The simulated account's contents and everything that can happen to them.

mod agenda;
mod attend;
mod build;
pub mod chance;
mod change;
mod ended;
pub mod ids;
mod import;
mod live;
mod live_door;
pub mod model;
mod organisation;
pub(crate) mod parts;
mod people;
mod recent;
mod record;
mod recordings;
pub mod recurrence;
mod register;
mod settings;
mod state;
pub mod urls;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;

use self::chance::Chance;
use self::model::{
    Account, Instance, InstanceHead, InstanceKey, InstanceUuid, Meeting, Plan, User,
};
use self::recent::Recent;
use self::state::{Body, MeetingSlot, State};
use crate::clock::Clock;
use crate::config::Generate;
use crate::files::{FolderError, Tokens};
use crate::generate::Generator;
use crate::webhooks::Hub;

pub use self::live::{LiveReport, LiveRequest};
pub use self::people::UserDraft;
pub use self::recordings::Removal;
pub use self::register::{RegistrantAction, RegistrantDraft};

/// How the world begins.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// Names the account: the same seed and base time give the same account.
    pub seed: u64,
    /// What the account pays for.
    pub plan: Plan,
    /// The "now" the past is built before.
    pub base_time: Timestamp,
    /// A generated organisation instead of the built-in one.
    pub generate: Option<Generate>,
    /// Folder of transcripts that becomes the past instead of the built-in one.
    pub transcripts_dir: Option<PathBuf>,
    /// Account id of 22 characters; drawn from the seed when none is given.
    pub account_id: Option<String>,
}

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// No such user.
    #[error("no such user: {0}")]
    UnknownUser(String),
    /// The address is taken.
    #[error("a user with the address {0} exists")]
    EmailTaken(String),
    /// No such meeting (or expired).
    #[error("no such meeting: {0}")]
    UnknownMeeting(u64),
    /// The series has no such occurrence.
    #[error("no such occurrence: {0}")]
    UnknownOccurrence(String),
    /// Personal rooms stay.
    #[error("a personal meeting room cannot be deleted")]
    PersonalRoom,
    /// Nothing runs under this number.
    #[error("meeting {0} is not running")]
    NotStarted(u64),
    /// The meeting takes no registrations.
    #[error("registration is off for meeting {0}")]
    RegistrationOff(u64),
    /// No such registrant.
    #[error("no such registrant: {0}")]
    UnknownRegistrant(String),
    /// No such instance.
    #[error("no such instance: {0}")]
    UnknownInstance(InstanceUuid),
    /// The instance has no recording in the asked state.
    #[error("no recording of {0}")]
    NoRecording(InstanceUuid),
    /// The recording has no such file.
    #[error("no such recording file: {0}")]
    UnknownFile(String),
    /// The transcripts folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The clock refused to move.
    #[error(transparent)]
    Clock(#[from] crate::clock::ClockError),
}

/// The account: what it holds, and what happens to it. Cheap to share behind an `Arc`; every method takes `&self`.
#[derive(Debug)]
pub struct World {
    options: WorldOptions,
    clock: Arc<Clock>,
    hub: Arc<Hub>,
    tokens: Tokens,
    base_url: OnceLock<String>,
    generator: Option<Generator>,
    recent: Recent,
    state: RwLock<State>,
}

impl World {
    /// Builds the account as of `options.base_time`.
    ///
    /// # Errors
    /// When the transcripts folder cannot be read or holds none.
    pub fn new(
        options: WorldOptions,
        clock: Arc<Clock>,
        hub: Arc<Hub>,
    ) -> Result<Self, WorldError> {
        let key = [0, 1].map(|part| Chance::of(options.seed, "download tokens", part).bytes16());
        let generator = options
            .generate
            .map(|size| Generator::new(options.seed, options.base_time, size));
        let state = build::build(&options, generator.as_ref())?;
        Ok(Self {
            options,
            clock,
            hub,
            tokens: Tokens::new(key.concat().try_into().unwrap_or([0; 32])),
            base_url: OnceLock::new(),
            generator,
            recent: Recent::default(),
            state: RwLock::new(state),
        })
    }

    /// Says under which address (`http://127.0.0.1:PORT`) the account is served; only the first call counts.
    pub fn set_base_url(&self, url: &str) {
        let _ = self.base_url.set(url.trim_end_matches('/').to_owned());
    }

    /// The plan.
    pub fn plan(&self) -> Plan {
        self.options.plan
    }

    /// The instant the past was built before.
    pub fn base_time(&self) -> Timestamp {
        self.options.base_time
    }

    /// The account itself.
    pub fn account(&self) -> Account {
        self.read().account.clone()
    }

    /// All users, in order of creation; pending and inactive ones too.
    pub fn users(&self) -> Vec<Arc<User>> {
        self.read().users.clone()
    }

    /// A user by id or address.
    pub fn user(&self, id_or_email: &str) -> Option<Arc<User>> {
        self.read().user(id_or_email).cloned()
    }

    /// A meeting or webinar by number; none when deleted or expired.
    pub fn meeting(&self, number: u64) -> Option<Arc<Meeting>> {
        self.meeting_alive(number, self.clock.now())
    }

    /// A meeting or webinar by number that has not expired at that time.
    fn meeting_alive(&self, number: u64, at: Timestamp) -> Option<Arc<Meeting>> {
        let state = self.read();
        let meeting = self.meeting_in(&state, number)?;
        let last_end = state.heads_of(number).filter_map(|head| head.end).max();
        let running = state.heads_of(number).any(|head| head.end.is_none());
        let expired = state::expires_at(&meeting, last_end).is_some_and(|end| end < at);
        (running || !expired).then_some(meeting)
    }

    /// What a host has scheduled (types 2, 3, 8 and webinars 5, 6, 9), by creation; expired ones left out.
    pub fn meetings_of(&self, host_id: &str) -> Vec<Arc<Meeting>> {
        self.meetings_alive(host_id, self.clock.now())
    }

    /// What a host has scheduled, those left out that had expired by then.
    pub fn meetings_alive(&self, host_id: &str, at: Timestamp) -> Vec<Arc<Meeting>> {
        let numbers = self.read().numbers_of(host_id).to_vec();
        let mut out: Vec<Arc<Meeting>> = numbers
            .into_iter()
            .filter_map(|number| self.meeting_alive(number, at))
            .filter(|meeting| !matches!(meeting.kind, 0 | 1 | 4))
            .collect();
        out.sort_by_key(|meeting| (meeting.created_at, meeting.number));
        out
    }

    /// Every meeting number the account has, expired ones left out.
    pub fn numbers(&self) -> Vec<u64> {
        let numbers: Vec<u64> = self.read().meetings.keys().copied().collect();
        numbers
            .into_iter()
            .filter(|number| self.meeting(*number).is_some())
            .collect()
    }

    /// Whether an instance of the number is running.
    pub fn is_started(&self, number: u64) -> bool {
        self.read().heads_of(number).any(|head| head.end.is_none())
    }

    /// An instance by UUID, ended or running.
    pub fn instance(&self, uuid: &InstanceUuid) -> Option<Arc<Instance>> {
        let state = self.read();
        let key = state.key_of(uuid)?;
        self.instance_in(&state, key)
    }

    /// An instance by key.
    ///
    /// # Panics
    /// When the key is of another world.
    pub fn instance_at(&self, key: InstanceKey) -> Arc<Instance> {
        self.instance_in(&self.read(), key)
            .expect("keys are only given for instances that stay")
    }

    /// The latest instance of a number, running or ended.
    pub fn latest_instance(&self, number: u64) -> Option<Arc<Instance>> {
        let state = self.read();
        let head = state.heads_of(number).next_back()?;
        self.instance_in(&state, head.key)
    }

    /// Instances of a number, oldest first, running ones included.
    pub fn instances_of(&self, number: u64) -> Vec<InstanceHead> {
        self.read().heads_of(number).collect()
    }

    /// Instances that started in `from..to`, oldest first, of one host or all; running ones included.
    pub fn instances_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        host_id: Option<&str>,
    ) -> Vec<InstanceHead> {
        self.read().heads_between(from, to, host_id)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The meeting of a number, expired or not.
    fn meeting_in(&self, state: &State, number: u64) -> Option<Arc<Meeting>> {
        match state.meetings.get(&number)? {
            MeetingSlot::Stored(meeting) => Some(meeting.clone()),
            MeetingSlot::Derived(index) => {
                let generator = self.generator.as_ref()?;
                Some(Arc::new(generator.meeting(*index)))
            }
        }
    }

    fn instance_in(&self, state: &State, key: InstanceKey) -> Option<Arc<Instance>> {
        let slot = state.slots.get(key.0 as usize)?;
        match &slot.body {
            Body::Stored(instance) => Some(instance.clone()),
            Body::Derived(index) => {
                let generator = self.generator.as_ref()?;
                let make = || generator.instance(*index, slot.head.key);
                Some(self.recent.get(slot.head.key, make))
            }
        }
    }

    /// A stream for the next thing made at run time.
    fn next_chance(&self, state: &mut State) -> Chance {
        state.made += 1;
        Chance::of(self.options.seed, "made at run time", state.made)
    }
}

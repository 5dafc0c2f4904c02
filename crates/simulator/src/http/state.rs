//! What all handlers share: the account, its tokens, its budget, its faults.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::server::StartError;
use crate::brevo::Brevo;
use crate::calendars::Calendars;
use crate::clock::Clock;
use crate::config::{App, AppKind, Config};
use crate::faults::{FaultKind, Faults};
use crate::knowable::Hashes;
use crate::limits::Limiter;
use crate::limits::ledger::Ledger;
use crate::oauth::grants::{Grants, Knobs};
use crate::rest::paging::PageKey;
use crate::webhooks::{Hub, HubOptions, NewSubscription};
use crate::world::chance::Chance;
use crate::world::model::{TranscriptFate, User};
use crate::world::{World, WorldOptions};

/// The simulator: settings that last, and the account that a reset replaces.
#[derive(Debug)]
pub struct Shared {
    /// Settings.
    pub config: Config,
    /// `http://127.0.0.1:PORT`, or the public address.
    pub base_url: String,
    /// The clock.
    pub clock: Arc<Clock>,
    /// Simulated time at start; a reset goes back to it.
    pub started: Timestamp,
    site: RwLock<Arc<Site>>,
    homes: Mutex<crate::zoomapp::Homes>,
    stop: CancellationToken,
    tracking: AtomicU64,
}

/// One life of the account, from start or reset to the next reset.
#[derive(Debug)]
pub struct Site {
    /// Contents.
    pub world: Arc<World>,
    /// Webhooks.
    pub hub: Arc<Hub>,
    /// Tokens sealed into page tokens.
    pub page_key: PageKey,
    /// Device authorisations.
    devices: Mutex<crate::oauth::device::Devices>,
    /// Ids of subscriptions made by API.
    by_api: Mutex<HashSet<String>>,
    /// SHA-256 of files that `/_sim/knowable` has named, by file id.
    pub(crate) hashes: Hashes,
    grants: Mutex<Grants>,
    limiter: Mutex<Limiter>,
    ledger: Mutex<Ledger>,
    faults: Mutex<Faults>,
    calendars: Mutex<Calendars>,
    brevo: Mutex<Brevo>,
    stop: CancellationToken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Subscriptions that name no app are those of the first app.
fn hub_options(config: &Config) -> HubOptions {
    let mut options = HubOptions::new(config.seed, config.plan);
    if let Some(app) = config
        .apps
        .iter()
        .find(|app| app.kind == AppKind::ServerToServer)
        .or(config.apps.first())
    {
        options.client_id.clone_from(&app.client_id);
        options.secret_token.clone_from(&app.secret_token);
    }
    options
}

impl Site {
    fn new(
        config: &Config,
        base_url: &str,
        clock: &Arc<Clock>,
        now: Timestamp,
        stop: CancellationToken,
    ) -> Result<Self, StartError> {
        let hub = Arc::new(Hub::new(clock.clone(), hub_options(config))?);
        let world = World::new(
            WorldOptions {
                seed: config.seed,
                plan: config.plan,
                base_time: now,
                generate: config.generate,
                transcripts_dir: config.transcripts_dir.clone(),
                account_id: None,
            },
            clock.clone(),
            hub.clone(),
        )?;
        world.set_base_url(base_url);
        let mut faults = Faults::default();
        for fault in &config.faults {
            faults.add(fault.clone());
        }
        Ok(Self {
            world: Arc::new(world),
            hub,
            page_key: PageKey::new(config.seed),
            devices: Mutex::default(),
            by_api: Mutex::default(),
            hashes: Hashes::default(),
            grants: Mutex::new(Grants::new(
                config.seed,
                now,
                Knobs {
                    refresh_grace_secs: config.refresh_grace_secs,
                    access_life_secs: config.access_life_secs,
                    api_url: config.api_url.clone(),
                },
            )),
            limiter: Mutex::new(Limiter::new(config.limits.plan(config.plan), now)),
            ledger: Mutex::default(),
            faults: Mutex::new(faults),
            calendars: Mutex::new(Calendars::new(config.seed)),
            brevo: Mutex::new(Brevo::new(config.limits.plan(config.plan).is_some())),
            stop,
        })
    }

    /// Tokens.
    pub fn grants(&self) -> MutexGuard<'_, Grants> {
        lock(&self.grants)
    }

    /// Rate budget.
    pub fn limiter(&self) -> MutexGuard<'_, Limiter> {
        lock(&self.limiter)
    }

    /// Counts.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Faults.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    /// Calendars of Google and Microsoft.
    pub(crate) fn calendars(&self) -> MutexGuard<'_, Calendars> {
        lock(&self.calendars)
    }

    /// Brevo.
    pub(crate) fn brevo(&self) -> MutexGuard<'_, Brevo> {
        lock(&self.brevo)
    }

    /// Device authorisations.
    pub fn devices(&self) -> MutexGuard<'_, crate::oauth::device::Devices> {
        lock(&self.devices)
    }

    /// Ids of subscriptions made by API.
    pub(crate) fn by_api(&self) -> MutexGuard<'_, HashSet<String>> {
        lock(&self.by_api)
    }

    /// What the standing faults make of transcripts.
    pub fn transcript_fate(&self) -> TranscriptFate {
        let faults = self.faults();
        if faults.standing(FaultKind::TranscriptNever).is_some() {
            TranscriptFate::Never
        } else if faults.standing(FaultKind::TranscriptLate).is_some() {
            TranscriptFate::Late
        } else {
            TranscriptFate::OnTime
        }
    }

    /// The account's owner.
    pub fn owner(&self) -> Option<Arc<User>> {
        self.world.user(&self.world.account().owner_id)
    }
}

impl Shared {
    /// Builds the account of a configuration.
    pub(super) fn new(
        config: Config,
        base_url: String,
        stop: CancellationToken,
    ) -> Result<Arc<Self>, StartError> {
        let clock = Arc::new(Clock::new(
            config.base_time,
            config.speed,
            config.clock_file.clone(),
        )?);
        let started = clock.now();
        let site = Arc::new(Site::new(
            &config,
            &base_url,
            &clock,
            started,
            stop.child_token(),
        )?);
        Ok(Arc::new(Self {
            config,
            base_url,
            clock,
            started,
            site: RwLock::new(site),
            homes: Mutex::default(),
            stop,
            tracking: AtomicU64::new(0),
        }))
    }

    /// Home addresses of apps inside Zoom's client.
    pub(crate) fn homes(&self) -> MutexGuard<'_, crate::zoomapp::Homes> {
        lock(&self.homes)
    }

    /// The account as it is.
    pub fn site(&self) -> Arc<Site> {
        self.site
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Starts the deliveries of the present account and subscribes the configured targets.
    pub(crate) async fn wake(&self) {
        let site = self.site();
        tokio::spawn(site.hub.clone().run(site.stop.clone()));
        for target in &self.config.webhooks {
            let new = NewSubscription {
                url: target.url.clone(),
                events: target.events.clone(),
                secret_token: target.secret_token.clone(),
                client_id: None,
                name: "configured".to_owned(),
                user_ids: Vec::new(),
            };
            match site.hub.subscribe(new).await {
                Ok(made) if made.validated => {
                    tracing::info!(url = made.url, "webhook endpoint validated");
                }
                Ok(made) => tracing::warn!(
                    url = made.url,
                    reason = made.reason,
                    "webhook endpoint not validated"
                ),
                Err(error) => tracing::warn!(%error, "webhook subscription refused"),
            }
        }
    }

    /// Forgets everything and begins again with the same seed, at the same instant.
    pub async fn reset(&self) -> Result<(), StartError> {
        self.site().stop.cancel();
        self.clock.set(self.started)?;
        let fresh = Site::new(
            &self.config,
            &self.base_url,
            &self.clock,
            self.started,
            self.stop.child_token(),
        )?;
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        self.wake().await;
        Ok(())
    }

    /// The next tracking id, in the form Zoom's have.
    pub fn tracking_id(&self) -> String {
        let n = self.tracking.fetch_add(1, Ordering::Relaxed);
        let bytes = Chance::of(self.config.seed, "tracking", n).bytes16();
        format!("v=2.0;clid=us05;rid=WEB_{}", hex::encode(bytes))
    }

    /// The app of a confidential or public client id.
    pub fn app(&self, client_id: &str) -> Option<&App> {
        self.config.apps.iter().find(|app| {
            app.client_id == client_id || app.public_client_id.as_deref() == Some(client_id)
        })
    }

    /// The app that stands for the account in `/_sim` answers when none is named.
    pub fn default_app(&self) -> Option<&App> {
        self.config
            .apps
            .iter()
            .find(|app| app.kind == AppKind::ServerToServer)
            .or(self.config.apps.first())
    }
}

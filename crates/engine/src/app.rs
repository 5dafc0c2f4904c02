//! The application: what lives as long as the process, and the ways in.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parfocal_store::{DatabaseUrl, OpenOptions, Scope, Store};
use parfocal_zoom::Transport;
use parfocal_zoom::auth::OAuth;
use parfocal_zoom::limit::Plan as ZoomPlan;

use crate::budget::{AccountLimits, SharedBudget};
use crate::calendar::Calendar;
use crate::clock::{Chance, Clock};
use crate::config::{Config, Plan};
use crate::connections::{Clients, Connections};
use crate::error::{Code, EngineError, Result};
use crate::folder;
use crate::jobs::Runner;
use crate::notify::Invitations;
use crate::provider::MeetingProvider;
use crate::registry::Registry;
use crate::vault::{KeyRing, Vault};
use crate::webhooks::{self, DoorState, RouteCache, Webhooks};

/// The application; clones share everything.
#[derive(Debug, Clone)]
pub struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    parts: Parts,
    clients: Clients,
    door: DoorState,
    actions: crate::actions::Cache,
    keys: crate::keys::KeyCache,
    zoomapp: crate::zoomapp::Cache,
    identity: crate::signin::Provider,
    switchboard: crate::components::Switchboard,
    component_tasks: crate::components::tasks::Running,
    models: crate::models::Servers,
    providers: Registry<dyn MeetingProvider>,
    calendars: Registry<dyn Calendar>,
    invitations: Registry<dyn Invitations>,
    figures: tokio::sync::Mutex<Option<crate::status::Figures>>,
    work: Mutex<Option<Work>>,
    notices: Vec<String>,
}

/// What runs in the background.
#[derive(Debug)]
struct Work {
    runner: Runner,
    trying: tokio::task::JoinHandle<()>,
    sequencer: tokio::task::JoinHandle<()>,
    components: tokio::task::JoinHandle<()>,
}

/// What everything is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    pub(crate) budget: SharedBudget,
    pub(crate) oauth: OAuth,
    pub(crate) transport: Transport,
}

impl App {
    /// Opens the application: database, vault, connections of the environment. Starts no work.
    ///
    /// # Errors
    /// A setting that cannot be used, a database that cannot be opened, a vault key that is malformed.
    pub async fn open(config: Config) -> Result<Self> {
        let clock = match &config.clock.file {
            Some(path) => Clock::from_file(path)?,
            None => Clock::system(),
        };
        Self::open_with(config, clock, Chance::system()).await
    }

    /// Opens the application with a clock and a random source of the caller's.
    pub async fn open_with(config: Config, clock: Clock, chance: Chance) -> Result<Self> {
        config.validate().map_err(|invalid| {
            let all: Vec<String> = invalid.iter().map(ToString::to_string).collect();
            EngineError::new(Code::ConfigInvalid, all.join("\n"))
        })?;
        let url: DatabaseUrl = config.database_url().expose().parse()?;
        let blobs = config.blobs_dir();
        let database = url.path().and_then(Path::parent);
        let mut folders = vec![config.data.dir.as_path()];
        folders.extend(database.filter(|folder| !folder.as_os_str().is_empty()));
        folders.push(&blobs);
        folders.dedup();
        let mut notices = Vec::new();
        for folder in folders {
            folder::make(folder)?;
            // What lies in the data folder is as closed as that is.
            if folder == config.data.dir || !folder.starts_with(&config.data.dir) {
                notices.extend(folder::complaint(folder));
            }
        }
        let (ring, notice) = KeyRing::from_config(&config, &chance)?;
        notices.extend(notice);
        let options = OpenOptions {
            connections: config.database.max_connections,
            ..OpenOptions::new(Arc::new(chance.clone()))
        };
        let store = Store::open(&url, options, clock.now()).await?;
        let vault = Vault::new(store.clone(), ring, clock.clone(), chance.clone());
        let timeout = Duration::from_secs(config.zoom.timeout_seconds);
        let transport = Transport::builder()
            .user_agent(concat!("parfocal/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .idle_timeout(timeout)
            .build()?;
        let oauth = OAuth::new(transport.clone(), clock.as_zoom(), chance.as_zoom())?
            .with_url(config.zoom.oauth_url.as_str())?
            // Shorter than the client's own: a lease has to outlast it.
            .with_backoff(parfocal_zoom::Backoff {
                total: crate::connections::EXCHANGE,
                ..parfocal_zoom::Backoff::default()
            });
        let share = config.limits.share;
        let default = match config.limits.plan {
            Plan::Off => AccountLimits::Off,
            Plan::Business => AccountLimits::Paced {
                plan: ZoomPlan::Business,
                share,
            },
            Plan::Pro => AccountLimits::Paced {
                plan: ZoomPlan::Pro,
                share,
            },
            Plan::Free | Plan::Auto => AccountLimits::Paced {
                plan: ZoomPlan::Free,
                share,
            },
        };
        let budget = SharedBudget::new(store.clone(), clock.clone(), default, timeout);
        let models = crate::models::Servers::of(&config)?;
        let identity = crate::signin::Provider::of(&config.oidc)?;
        let app = Self {
            inner: Arc::new(Inner {
                config,
                parts: Parts {
                    store,
                    vault,
                    clock,
                    chance,
                    budget,
                    oauth,
                    transport,
                },
                clients: Clients::default(),
                door: DoorState::default(),
                actions: crate::actions::Cache::default(),
                keys: crate::keys::KeyCache::default(),
                zoomapp: crate::zoomapp::Cache::default(),
                identity,
                switchboard: crate::components::Switchboard::default(),
                component_tasks: crate::components::tasks::Running::default(),
                models,
                providers: Registry::new("meeting provider"),
                calendars: Registry::new("calendar"),
                invitations: Registry::new("way of sending invitations"),
                figures: tokio::sync::Mutex::default(),
                work: Mutex::new(None),
                notices,
            }),
        };
        crate::provider::register(&app);
        crate::notify::register(&app);
        crate::calendar::register(&app);
        app.vault().end_handover(false).await?;
        webhooks::sync_apps(&app).await?;
        app.connections().sync_apps().await?;
        app.connections().sync_env().await?;
        app.components().seed().await?;
        Ok(app)
    }

    /// Starts the work in the background; a second call does nothing.
    ///
    /// Must be called within a tokio runtime.
    pub fn start(&self) {
        let mut work = self.work();
        if work.is_none() {
            let app = self.clone();
            let trying = tokio::spawn(async move { app.connections().try_untried().await });
            *work = Some(Work {
                runner: Runner::start(self.clone()),
                trying,
                sequencer: tokio::spawn(crate::sequencer::run(self.clone())),
                components: tokio::spawn(crate::components::tasks::supervise(self.clone())),
            });
        }
    }

    /// Takes no new job from now on, while everything else goes on; the first half of [`App::stop`].
    pub fn drain(&self) {
        if let Some(work) = &*self.work() {
            work.runner.drain();
        }
    }

    /// Stops the work and closes the database: running jobs may finish for the configured time, the rest is given up, so
    /// that another process can begin it anew at once.
    pub async fn stop(&self) {
        let work = self.work().take();
        if let Some(Work {
            runner,
            trying,
            sequencer,
            components,
        }) = work
        {
            components.abort();
            self.component_tasks().stop();
            trying.abort();
            sequencer.abort();
            let grace = Duration::from_secs(self.config().server.shutdown_seconds);
            runner.shutdown(grace).await;
        }
        self.inner.parts.store.close().await;
    }

    /// Whether it can work: the database answers.
    pub async fn ready(&self) -> Result<()> {
        Ok(self.inner.parts.store.ping().await?)
    }

    /// Messages for the operator from the start, such as that a vault key was made.
    pub fn notices(&self) -> &[String] {
        &self.inner.notices
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    /// The workspace everything happens in.
    pub fn scope(&self) -> Scope {
        Scope::DEFAULT
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.parts.clock
    }

    /// The random source.
    pub fn chance(&self) -> &Chance {
        &self.inner.parts.chance
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.inner.parts.vault
    }

    /// The rate budget of Zoom's accounts.
    pub fn budget(&self) -> &SharedBudget {
        &self.inner.parts.budget
    }

    /// The HTTP clients for Zoom, downloads among them.
    pub fn transport(&self) -> &Transport {
        &self.inner.parts.transport
    }

    /// Connections: list, connect, check, remove; and a client for each.
    pub fn connections(&self) -> Connections<'_> {
        Connections { app: self }
    }

    /// The webhook door.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { app: self }
    }
    /// The audit log.
    pub fn audit(&self) -> crate::audit::Audit<'_> {
        crate::audit::Audit { app: self }
    }

    /// Actions: everything that can be asked for by name.
    pub fn actions(&self) -> crate::actions::Actions<'_> {
        crate::actions::Actions { app: self }
    }

    /// Components: which capabilities are on.
    pub fn components(&self) -> crate::components::Components<'_> {
        crate::components::Components { app: self }
    }

    /// API keys: make, list, revoke, authenticate.
    pub fn keys(&self) -> crate::keys::Keys<'_> {
        crate::keys::Keys { app: self }
    }

    /// The Zoom App: who has it open, and what they may do.
    pub fn zoomapp(&self) -> crate::zoomapp::ZoomApp<'_> {
        crate::zoomapp::ZoomApp { app: self }
    }

    /// Signing in to the console at an identity provider.
    pub fn sign_in(&self) -> crate::signin::SignIn<'_> {
        crate::signin::SignIn { app: self }
    }

    pub(crate) fn identity_provider(&self) -> &crate::signin::Provider {
        &self.inner.identity
    }

    pub(crate) fn zoomapp_cache(&self) -> &crate::zoomapp::Cache {
        &self.inner.zoomapp
    }

    /// Scheduling: meetings with everything that belongs to them.
    pub fn scheduling(&self) -> crate::schedule::MeetingSchedulerOrchestrator<'_> {
        crate::schedule::MeetingSchedulerOrchestrator { app: self }
    }

    /// Who is invited: what they answered, and whether the provider lets them in.
    pub fn attendees(&self) -> crate::schedule::AttendeeManager<'_> {
        crate::schedule::AttendeeManager { app: self }
    }

    /// When people can be met.
    pub fn availability(&self) -> crate::schedule::availability::Availability<'_> {
        crate::schedule::availability::Availability { app: self }
    }

    /// Meeting providers, by name; the account is a connection, by name or id.
    pub fn providers(&self) -> &Registry<dyn MeetingProvider> {
        &self.inner.providers
    }

    /// Calendars, by name.
    pub fn calendars(&self) -> &Registry<dyn Calendar> {
        &self.inner.calendars
    }

    /// Calendar accounts: add, list, check, remove.
    pub fn calendar_accounts(&self) -> crate::calendar::CalendarAccounts<'_> {
        crate::calendar::CalendarAccounts { app: self }
    }

    /// Ways of sending invitations, by name.
    pub fn invitations(&self) -> &Registry<dyn Invitations> {
        &self.inner.invitations
    }

    pub(crate) fn switchboard(&self) -> &crate::components::Switchboard {
        &self.inner.switchboard
    }

    pub(crate) fn component_tasks(&self) -> &crate::components::tasks::Running {
        &self.inner.component_tasks
    }

    pub(crate) fn action_cache(&self) -> &crate::actions::Cache {
        &self.inner.actions
    }

    pub(crate) fn kept_figures(&self) -> &tokio::sync::Mutex<Option<crate::status::Figures>> {
        &self.inner.figures
    }

    pub(crate) fn key_cache(&self) -> &crate::keys::KeyCache {
        &self.inner.keys
    }

    pub(crate) fn model_servers(&self) -> &crate::models::Servers {
        &self.inner.models
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.inner.clients
    }

    pub(crate) fn door(&self) -> &DoorState {
        &self.inner.door
    }

    pub(crate) fn routes(&self) -> &RouteCache {
        &self.inner.door.routes
    }

    fn work(&self) -> std::sync::MutexGuard<'_, Option<Work>> {
        self.inner
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

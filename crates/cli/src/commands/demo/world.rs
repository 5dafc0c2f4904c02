//! The demo's world: a simulated account, an application with a data directory of its own, and its server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Instant;

use parfocal_engine::App;
use parfocal_engine::components::Activation;
use parfocal_engine::config::{Config, Plan as LimitPlan, Secret};
use parfocal_engine::keys::{Caller, Surface};
use parfocal_server::{Metrics, Server};
use parfocal_simulator::{Plan, Simulator};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Demo;
use super::control::Control;
use crate::context::Context;
use crate::failure::{Context as _, Failure};

/// The simulated app that people sign in with; its secret opens what the simulated client says.
const CLIENT: &str = "simulator-user";
const CLIENT_SECRET: &str = "simulator-user-secret";

/// Everything that runs during the demo.
pub(super) struct World {
    /// The application.
    pub(super) app: App,
    /// The simulator's control calls.
    pub(super) control: Control,
    /// `http://127.0.0.1:PORT` of the simulator.
    pub(super) simulator_url: String,
    /// `http://127.0.0.1:PORT` of the server.
    pub(super) server_url: String,
    /// The account's plan and whose limits it enforces.
    pub(super) plan: (Plan, &'static str),
    /// Where data lies, and whether it stays.
    pub(super) data: PathBuf,
    pub(super) keeps_data: bool,
    simulator: Simulator,
    server: JoinHandle<()>,
    stop: CancellationToken,
    _temporary: Option<tempfile::TempDir>,
}

impl World {
    /// Starts the simulator, the application and its server on free loopback ports.
    pub(super) async fn start(command: &Demo, context: &Context) -> Result<Self, Failure> {
        let (data, temporary) = if let Some(path) = context.data_flag() {
            std::fs::create_dir_all(path).map_err(|error| Failure::file("making", path, &error))?;
            (path.to_owned(), None)
        } else {
            let directory = tempfile::Builder::new()
                .prefix("parfocal-demo-")
                .tempdir()
                .doing("file", "a directory for the demo could not be made")?;
            (directory.path().to_owned(), Some(directory))
        };
        let clock_file = data.join("clock.json");
        let simulator = Simulator::start(parfocal_simulator::Config {
            plan: command.plan,
            limits: command.limits,
            transcripts_dir: command.transcripts.clone(),
            clock_file: Some(clock_file.clone()),
            ..parfocal_simulator::Config::default()
        })
        .await
        .map_err(|error| {
            Failure::failed(
                "simulator",
                format!("the simulated Zoom account could not start: {error}"),
            )
            .hint("With --transcripts: does the folder hold .vtt files?")
        })?;
        let simulator_url = simulator.base_url().to_owned();
        let limits = command.limits.plan(command.plan);
        let url = |text: String| {
            text.parse()
                .doing("address", format!("{text} is not an address"))
        };
        let mut config = Config::default();
        config.data.dir.clone_from(&data);
        config.database.url = command.database.as_deref().map(Secret::new);
        config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.server.shutdown_seconds = 2;
        config.zoom.api_url = Some(url(format!("{simulator_url}/v2"))?);
        config.zoom.oauth_url = url(simulator_url.clone())?;
        config.zoom.download_hosts = vec!["127.0.0.1".to_owned()];
        config.zoom.client_id = Some(CLIENT.to_owned());
        config.zoom.client_secret = Some(Secret::new(CLIENT_SECRET));
        config.limits.share = 1.0;
        config.limits.plan = match limits {
            Some(Plan::Free) => LimitPlan::Free,
            Some(Plan::Pro) => LimitPlan::Pro,
            Some(Plan::Business) => LimitPlan::Business,
            None => LimitPlan::Off,
        };
        config.clock.file = Some(clock_file);

        let app = App::open(config).await?;
        let server = Server::bind(app.clone(), Some(Metrics::install())).await?;
        let server_url = format!("http://{}", server.address());
        app.start();
        let stop = CancellationToken::new();
        let serving = tokio::spawn({
            let stop = stop.clone();
            async move {
                if let Err(error) = server.run(stop).await {
                    tracing::error!(%error, "the demo's server stopped");
                }
            }
        });
        Ok(Self {
            app,
            control: Control::new(&simulator_url)?,
            simulator_url,
            server_url,
            plan: (command.plan, limits.map_or("off", Plan::name)),
            data,
            keeps_data: temporary.is_none(),
            simulator,
            server: serving,
            stop,
            _temporary: temporary,
        })
    }

    /// Puts the panel into the simulated client; the address of the client's window.
    pub(super) async fn open_panel(&self) -> Result<String, Failure> {
        let caller = Caller::local(Surface::Cli);
        self.app
            .components()
            .activate("zoomapp", &Activation::default(), &caller)
            .await?;
        let home = format!("{}/zoomapp", self.server_url);
        self.control.open_app(CLIENT, &home).await
    }

    /// Stops everything; a temporary directory goes with it.
    pub(super) async fn shutdown(self) {
        self.stop.cancel();
        let _ = self.server.await;
        self.app.stop().await;
        self.simulator.shutdown().await;
    }
}

/// Measures real time, whatever the simulated clock does.
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "people want to know how long they really waited"
    )]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start.
    pub(super) fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

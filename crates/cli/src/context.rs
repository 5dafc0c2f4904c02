//! What every command starts from: the flags that hold everywhere, the output, the configuration, the application.

use std::path::Path;

use parfocal_engine::App;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::output::Out;
use crate::settings::{self, Settings, Sources};
use crate::telemetry;

/// The surroundings of one run of the program.
pub(crate) struct Context {
    global: Global,
    /// Where the command speaks.
    pub(crate) out: Out,
}

impl Context {
    /// Makes the context from the flags.
    pub(crate) fn new(global: Global) -> Self {
        let out = Out::new(global.json);
        Self { global, out }
    }

    /// The data directory that was named on the command line.
    pub(crate) fn data_flag(&self) -> Option<&Path> {
        self.global.data.as_deref()
    }

    /// Reads the configuration and says what it warns about.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        self.settings_with(Vec::new())
    }

    /// Reads the configuration with further flags on top: key, value, flag.
    pub(crate) fn settings_with(
        &self,
        mut flags: Vec<(&'static str, String, &'static str)>,
    ) -> Result<Settings, Failure> {
        let directory = std::env::current_dir().map_err(|error| {
            Failure::failed(
                "directory",
                format!("the working directory cannot be read: {error}"),
            )
        })?;
        if let Some(data) = &self.global.data {
            flags.push(("data.dir", data.display().to_string(), "--data"));
        }
        let settings = settings::load(&Sources {
            file: self.global.config.as_deref(),
            directory: &directory,
            environment: environment(),
            flags,
        })?;
        for warning in &settings.warnings {
            self.out.warn(warning);
        }
        Ok(settings)
    }

    /// Starts logging for a server: as configured, more with -v.
    pub(crate) fn server_logs(&self, settings: &Settings) -> Result<(), Failure> {
        self.logs(settings, &settings.config.log.filter)
    }

    /// Starts logging for the demo, which has no configuration: errors only, more with -v.
    pub(crate) fn demo_logs(&self) -> Result<(), Failure> {
        self.start_logs("error", false)
    }

    /// Starts logging with the given filter, unless -v asks for more.
    pub(crate) fn logs(&self, settings: &Settings, filter: &str) -> Result<(), Failure> {
        self.start_logs(filter, settings.config.log.json)
    }

    fn start_logs(&self, filter: &str, json: bool) -> Result<(), Failure> {
        let filter = match self.global.verbose {
            0 => filter,
            1 => {
                "warn,parfocal=info,parfocal_engine=info,parfocal_server=info,parfocal_simulator=info,parfocal_store=info,parfocal_zoom=info"
            }
            2 => {
                "info,parfocal=debug,parfocal_engine=debug,parfocal_server=debug,parfocal_simulator=debug,parfocal_store=debug,parfocal_zoom=debug"
            }
            _ => {
                "debug,parfocal=trace,parfocal_engine=trace,parfocal_server=trace,parfocal_simulator=trace,parfocal_store=trace,parfocal_zoom=trace"
            }
        };
        // The SDK of MCP tells three things of every request; who wants to read them names it.
        let talkative = ["info", "debug", "trace"]
            .iter()
            .any(|level| filter.contains(level));
        let filter = if talkative && self.global.verbose < 3 && !filter.contains("rmcp") {
            format!("{filter},rmcp=warn")
        } else {
            filter.to_owned()
        };
        let format = if json {
            telemetry::LogFormat::Json
        } else {
            telemetry::LogFormat::Text
        };
        telemetry::start_logs(&filter, format, self.out.bars())
    }

    /// Reads the configuration, starts quiet logging and opens the application on its store.
    pub(crate) async fn app(&self) -> Result<App, Failure> {
        self.app_saying("warn").await
    }

    /// The same for a command that tells by itself what it finds: a log line about it would say it twice.
    pub(crate) async fn telling_app(&self) -> Result<App, Failure> {
        self.app_saying("error").await
    }

    async fn app_saying(&self, filter: &str) -> Result<App, Failure> {
        let settings = self.settings()?;
        self.logs(&settings, filter)?;
        let app = App::open(settings.config).await?;
        for notice in app.notices() {
            self.out.note(notice);
        }
        Ok(app)
    }
}

/// The process's environment, without values that are not text.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// One variable of the process's environment, if it has a value.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The exit code of a command that found something a person has to look at.
pub(crate) fn attention(needed: bool) -> Exit {
    if needed {
        Exit::NeedsAttention
    } else {
        Exit::Done
    }
}

//! Logs on standard error and the recorder behind `/metrics`.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::failure::Failure;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. `directives` are tracing's (`info`, `parfocal=debug,warn`); log lines are written around the bars.
pub(crate) fn start_logs(
    directives: &str,
    format: LogFormat,
    bars: &MultiProgress,
) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        Failure::usage(
            "log_level",
            format!("log.level {directives:?} is not a filter: {error}"),
        )
        .hint("Use error, warn, info, debug or trace, or a list such as parfocal=debug,warn.")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(AroundBars(bars.clone()))
        .with_ansi(anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never)
        .with_target(true);
    let started = match format {
        LogFormat::Text => builder.compact().try_init(),
        LogFormat::Json => builder
            .json()
            .with_ansi(false)
            .flatten_event(true)
            .try_init(),
    };
    started.map_err(|error| Failure::internal(format!("logging could not be started: {error}")))
}

/// A writer that takes the bars off the screen while it writes a line.
#[derive(Clone)]
struct AroundBars(MultiProgress);

impl Write for AroundBars {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write_all(buffer))?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for AroundBars {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

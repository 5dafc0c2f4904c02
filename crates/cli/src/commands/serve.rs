//! `serve`: the server and its background work, until somebody asks it to stop.

use clap::Args;
use parfocal_engine::App;
use parfocal_server::{Metrics, Server};
use serde_json::json;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::stop;

/// Run the server: webhooks, background work, API and pages
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port, instead of the configured one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(command: Serve, context: &Context) -> Result<Exit, Failure> {
    let stop = stop::on_signal();
    let flags = command
        .listen
        .map(|listen| ("server.listen", listen, "--listen"))
        .into_iter()
        .collect();
    let settings = context.settings_with(flags)?;
    context.server_logs(&settings)?;
    let metrics = Metrics::install();
    let app = App::open(settings.config).await?;
    for notice in app.notices() {
        tracing::warn!("{notice}");
    }
    let server = Server::bind(app.clone(), Some(metrics)).await?;
    let address = format!("http://{}", server.address());
    app.start();
    if context.out.is_json() {
        context.out.json(&json!({"listening": address}))?;
    } else {
        context.out.line(format!(
            "{} Parfocal serves at {}",
            paint(style::OK, "✓"),
            paint(style::ACCENT, &address)
        ))?;
        let hint = format!(
            "Webhooks: {}/webhooks/zoom · Ctrl-C stops it.",
            app.config().public_url()
        );
        context.out.line(paint(style::DIM, hint))?;
    }
    tracing::info!(%address, "serving");
    // No new job while requests still finish: what is begun now would only be cut off.
    let draining = tokio::spawn({
        let (app, stop) = (app.clone(), stop.clone());
        async move {
            stop.cancelled().await;
            app.drain();
        }
    });
    let served = server.run(stop).await;
    draining.abort();
    app.stop().await;
    served?;
    tracing::info!("stopped");
    Ok(Exit::Done)
}

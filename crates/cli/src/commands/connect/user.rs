//! `connect user`: a person agrees on Zoom's page, in a browser of this machine or with a code on any other.

use std::time::Duration;

use clap::Args;
use parfocal_engine::App;
use parfocal_engine::audit::{By, Surface};
use parfocal_engine::connections::{
    BeginUser, ConnectionView, DevicePoll, Finished, FinishedPurpose, Purpose,
};
use parfocal_server::{Loopback, LoopbackError};
use serde_json::json;

use super::super::connections::{needs_attention, present};
use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;
use crate::output::style::{self, paint};

/// How long the command waits for somebody to agree, in seconds.
const PATIENCE: u64 = 300;

pub(super) const AFTER_HELP: &str = "\
The app is made at https://marketplace.zoom.us → Develop → Build App → General App. Its public client id (ZOOM_PUBLIC_CLIENT_ID)
needs no secret; register http://127.0.0.1/oauth/zoom/callback as its redirect address, Zoom ignores the port.
Without a browser on this machine, --device shows a code that is typed in on any other.";

/// Through a person's consent on Zoom's page
#[derive(Debug, Args)]
pub(crate) struct User {
    /// Through this app: its name or client id [default: the public client of the configuration]
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    #[command(flatten)]
    how: How,
}

/// How the person gets to Zoom's page.
#[derive(Debug, Args)]
pub(crate) struct How {
    /// Only print the address, open nothing
    #[arg(long)]
    no_browser: bool,
    /// Show a code to type in on another machine, instead of opening a browser here
    #[arg(long)]
    device: bool,
    /// How long to wait for the consent
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// Runs the command.
pub(super) async fn run(command: User, context: &Context) -> Result<Exit, Failure> {
    let app = context.telling_app().await?;
    app.vault().check_keys().await?;
    let finished = consent(&app, command.app, Purpose::Install, &command.how, context).await?;
    tell(&finished, context)
}

/// The operator at the terminal, for the audit log.
pub(crate) fn operator() -> By {
    parfocal_engine::keys::Caller::local(Surface::Cli).by()
}

/// Has somebody agree, and waits for it.
pub(crate) async fn consent(
    app: &App,
    through: Option<String>,
    purpose: Purpose,
    how: &How,
    context: &Context,
) -> Result<Finished, Failure> {
    let limit = Duration::from_secs(how.timeout);
    if how.device {
        by_code(app, through.as_deref(), purpose, limit, context).await
    } else {
        by_browser(app, through, purpose, how, limit, context).await
    }
}

async fn by_browser(
    app: &App,
    through: Option<String>,
    purpose: Purpose,
    how: &How,
    limit: Duration,
    context: &Context,
) -> Result<Finished, Failure> {
    let listener = Loopback::bind().await.map_err(|error| {
        Failure::failed(
            "listen",
            format!("no port of 127.0.0.1 could be listened on: {error}"),
        )
        .hint("Use --device: it needs no port.")
    })?;
    let consent = app
        .connections()
        .begin_user(BeginUser {
            app: through,
            redirect_uri: Some(listener.redirect_uri()),
            purpose,
            scopes: Vec::new(),
            begun_by: None,
        })
        .await?;
    let url = consent.url.to_string();
    let opened = !how.no_browser && open::that_detached(&url).is_ok();
    if context.out.is_json() {
        context.out.ask(json!({"open": url}));
    } else {
        let words = if opened {
            "A browser shows Zoom's page. If not, open this address in one on this machine:"
        } else {
            "Open this address in a browser on this machine:"
        };
        context.out.ask(words);
        context.out.ask(format!("  {}", paint(style::ACCENT, &url)));
    }
    let waiting = Progress::start(&context.out, "Waiting for consent at Zoom");
    let outcome = listener.wait(app, consent, operator(), limit).await;
    drop(waiting);
    outcome.map_err(|error| match error {
        LoopbackError::Login(error) => (*error).into(),
        LoopbackError::TimedOut(limit) => nobody_agreed(limit),
        other => Failure::failed("listen", other.to_string())
            .hint("Try again, or use --device: it needs no port."),
    })
}

async fn by_code(
    app: &App,
    through: Option<&str>,
    purpose: Purpose,
    limit: Duration,
    context: &Context,
) -> Result<Finished, Failure> {
    let connections = app.connections();
    let prompt = connections.begin_device(through, purpose).await?;
    if context.out.is_json() {
        context.out.ask(json!({
            "user_code": prompt.user_code,
            "verification_uri": prompt.verification_uri,
            "verification_uri_complete": prompt.verification_uri_complete,
            "expires": prompt.expires,
        }));
    } else {
        context.out.ask(format!(
            "Open {} on any machine and type in the code {}",
            paint(style::ACCENT, &prompt.verification_uri),
            paint(style::STRONG, &prompt.user_code)
        ));
        if let Some(complete) = &prompt.verification_uri_complete {
            context.out.ask(paint(
                style::DIM,
                format!("  or open {complete}, which holds it already"),
            ));
        }
    }
    let waiting = Progress::start(&context.out, "Waiting for consent at Zoom");
    let ends = app.clock().now() + jiff::SignedDuration::try_from(limit).unwrap_or_default();
    let mut wait = prompt.interval;
    loop {
        app.clock().sleep(wait).await;
        match connections.poll_device(&prompt.id, &operator()).await? {
            DevicePoll::Done(finished) => return Ok(*finished),
            DevicePoll::Pending { wait: longer } => wait = longer,
        }
        if app.clock().now() >= ends {
            drop(waiting);
            return Err(nobody_agreed(limit));
        }
    }
}

fn nobody_agreed(limit: Duration) -> Failure {
    Failure::new(
        Exit::NeedsAttention,
        "consent_missing",
        format!("nobody agreed at Zoom within {} seconds", limit.as_secs()),
    )
    .hint("Run it again, with a longer --timeout if somebody else has to agree; or send a link: `parfocal connect link create`.")
}

/// Says what came of it.
pub(crate) fn tell(finished: &Finished, context: &Context) -> Result<Exit, Failure> {
    let view: &ConnectionView = &finished.connection;
    if !context.out.is_json() {
        let what = match finished.purpose {
            FinishedPurpose::Installed | FinishedPurpose::Linked => "connected",
            FinishedPurpose::Relinked => "connected again; it was known and kept everything",
            FinishedPurpose::Reconnected => "connected again; it kept everything",
        };
        context
            .out
            .line(format!("{} {what}", paint(style::OK, "✓")))?;
    }
    present(view, &context.out)?;
    Ok(attention(needs_attention(view)))
}

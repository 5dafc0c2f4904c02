//! `connect s2s|user|app|link`: every way into a Zoom account.

mod app;
mod link;
mod user;

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use parfocal_engine::config::{Plan, Secret};
use parfocal_engine::connections::{Cloud, NewServerToServer};
use parfocal_engine::keys::{Caller, Surface};

pub(crate) use self::user::{How, consent, operator, tell};
use super::connections::{needs_attention, present};
use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;
use crate::output::style::{self, paint};

const AFTER_HELP: &str = "\
The app is made at https://marketplace.zoom.us → Develop → Build App → Server to Server OAuth App; activate it there.
Secrets are read from files or from standard input, never from the command line, where other users could see them.
Without flags, ZOOM_ACCOUNT_ID, ZOOM_S2S_CLIENT_ID and ZOOM_S2S_CLIENT_SECRET of the configuration are used (the connection `env`).";

/// Connect a Zoom account
#[derive(Debug, Subcommand)]
pub(crate) enum Connect {
    /// Through a server-to-server app: the whole account, without anybody's consent page
    #[command(name = "s2s", after_help = AFTER_HELP)]
    ServerToServer(ServerToServer),
    /// Through a person's consent on Zoom's page, in a browser here or by a code typed in elsewhere
    #[command(after_help = user::AFTER_HELP)]
    User(user::User),
    /// Make an app known through which people can agree, without the configuration
    App(app::NewApp),
    /// Links to send to a person who shall connect
    #[command(subcommand)]
    Link(link::Link),
}

/// Through a server-to-server app
#[derive(Debug, Args)]
pub(crate) struct ServerToServer {
    /// A name for the connection [default: the account's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Account id, from the app's credentials page
    #[arg(long, value_name = "ID", requires = "client_id")]
    account_id: Option<String>,
    /// Client id, from the app's credentials page
    #[arg(long, value_name = "ID", requires = "account_id")]
    client_id: Option<String>,
    /// File that holds the client secret; - reads standard input
    #[arg(long, value_name = "FILE", requires = "account_id")]
    client_secret_file: Option<PathBuf>,
    /// File that holds the app's webhook secret token
    #[arg(long, value_name = "FILE", requires = "account_id")]
    webhook_secret_file: Option<PathBuf>,
    /// The account's plan, if it shall not be found out: free, pro or business
    #[arg(long, value_name = "PLAN", value_parser = plan, requires = "account_id")]
    plan: Option<Plan>,
    /// Whose Zoom: commercial or gov
    #[arg(long, value_name = "CLOUD", default_value = "commercial")]
    cloud: Cloud,
    /// Part of the account's rate budget that may be used, above 0 up to 1
    #[arg(long, value_name = "SHARE", requires = "account_id")]
    share: Option<f64>,
}

/// Runs the command.
pub(crate) async fn run(command: Connect, context: &Context) -> Result<Exit, Failure> {
    match command {
        Connect::ServerToServer(command) => server_to_server(command, context).await,
        Connect::User(command) => user::run(command, context).await,
        Connect::App(command) => app::run(command, context).await,
        Connect::Link(command) => link::run(command, context).await,
    }
}

async fn server_to_server(command: ServerToServer, context: &Context) -> Result<Exit, Failure> {
    let app = context.telling_app().await?;
    app.vault().check_keys().await?;
    let view = match (command.account_id, command.client_id) {
        (Some(account_id), Some(client_id)) => {
            let client_secret = match &command.client_secret_file {
                Some(path) => secret(path)?,
                None => from_terminal()?,
            };
            let webhook_secrets = command
                .webhook_secret_file
                .as_ref()
                .map(secret)
                .transpose()?
                .into_iter()
                .collect();
            let step = Progress::start(&context.out, "Asking Zoom");
            let new = NewServerToServer {
                name: command.name,
                account_id,
                client_id,
                client_secret,
                webhook_secrets,
                plan: command.plan,
                share: command.share,
                cloud: command.cloud,
            };
            let view = app
                .connections()
                .connect_s2s(new, &Caller::local(Surface::Cli).by())
                .await?;
            drop(step);
            view
        }
        _ => from_configuration(&app, context).await?,
    };
    let works = !needs_attention(&view);
    if !context.out.is_json() {
        let (mark, what) = if works {
            (paint(style::OK, "✓"), "connected")
        } else {
            (paint(style::BAD, "✗"), "not connected")
        };
        context.out.line(format!("{mark} {what}"))?;
    }
    present(&view, &context.out)?;
    if works {
        context.out.note(paint(style::DIM, "Next: `parfocal backfill start` takes in the past, `parfocal serve` what happens from now on."));
    } else {
        context
            .out
            .note(format!("{} {}", paint(style::ACCENT, "→"), MEND_ENV));
    }
    Ok(attention(!works))
}

/// What to mend when Zoom refuses the credentials of the configuration.
pub(crate) const MEND_ENV: &str = "Compare ZOOM_ACCOUNT_ID, ZOOM_S2S_CLIENT_ID and ZOOM_S2S_CLIENT_SECRET with the app's page: \
https://marketplace.zoom.us → Manage → the app → App Credentials. The app must be activated (Activation). \
Then run `parfocal connect s2s` again.";

/// The connection whose credentials the configuration holds, checked.
async fn from_configuration(
    app: &parfocal_engine::App,
    context: &Context,
) -> Result<parfocal_engine::connections::ConnectionView, Failure> {
    if app.config().zoom.s2s_client_id.is_none() {
        return Err(Failure::usage("usage", "no credentials are given").hint(
            "Use --account-id, --client-id and --client-secret-file, or set ZOOM_ACCOUNT_ID, ZOOM_S2S_CLIENT_ID and \
             ZOOM_S2S_CLIENT_SECRET.",
        ));
    }
    let _step = Progress::start(&context.out, "Asking Zoom");
    Ok(app
        .connections()
        .check(parfocal_engine::connections::ENV_NAME)
        .await?)
}

pub(crate) fn secret(path: &PathBuf) -> Result<Secret, Failure> {
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .take(64 * 1024)
            .read_to_string(&mut text)
            .map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let secret = Secret::new(&text.map_err(|error| Failure::file("reading", path, &error))?);
    if secret.is_empty() {
        return Err(Failure::usage(
            "usage",
            format!("{} holds no secret", path.display()),
        ));
    }
    Ok(secret)
}

pub(crate) fn from_terminal() -> Result<Secret, Failure> {
    if std::io::stdin().is_terminal() {
        return Err(Failure::usage("usage", "the client secret is missing")
            .hint("Give a file with --client-secret-file, or pipe it in: `parfocal connect s2s … < secret.txt`."));
    }
    secret(&PathBuf::from("-"))
}

fn plan(text: &str) -> Result<Plan, String> {
    match text {
        "free" => Ok(Plan::Free),
        "pro" => Ok(Plan::Pro),
        "business" => Ok(Plan::Business),
        _ => Err("use free, pro or business".to_owned()),
    }
}

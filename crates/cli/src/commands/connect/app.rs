//! `connect app`: makes an app known through which people can agree, without the configuration.

use std::path::PathBuf;

use clap::Args;
use parfocal_engine::connections::{Cloud, NewUserApp};

use super::user::operator;
use super::{from_terminal, secret};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::style::{self, paint};

/// Make an app known through which people can agree
#[derive(Debug, Args)]
pub(crate) struct NewApp {
    /// Client id, from the app's credentials page
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// File that holds the client secret; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "public")]
    client_secret_file: Option<PathBuf>,
    /// It is a public client: it has no secret, PKCE stands in for it
    #[arg(long)]
    public: bool,
    /// A name for it [default: its client id]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// File that holds the app's webhook secret token
    #[arg(long, value_name = "FILE")]
    webhook_secret_file: Option<PathBuf>,
    /// Client id of the confidential client that this public client belongs to
    #[arg(long, value_name = "ID", requires = "public")]
    belongs_to: Option<String>,
    /// Whose Zoom: commercial or gov
    #[arg(long, value_name = "CLOUD", default_value = "commercial")]
    cloud: Cloud,
}

/// Runs the command.
pub(super) async fn run(command: NewApp, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    app.vault().check_keys().await?;
    let client_secret = match (&command.client_secret_file, command.public) {
        (_, true) => None,
        (Some(path), false) => Some(secret(path)?),
        (None, false) => Some(from_terminal()?),
    };
    let new = NewUserApp {
        name: command.name,
        client_id: command.client_id,
        client_secret,
        webhook_secrets: command
            .webhook_secret_file
            .as_ref()
            .map(secret)
            .transpose()?
            .into_iter()
            .collect(),
        cloud: command.cloud,
        family: command.belongs_to,
    };
    let view = app.connections().add_app(new, &operator()).await?;
    if context.out.is_json() {
        context.out.json(&view)?;
        return Ok(Exit::Done);
    }
    context.out.line(format!(
        "{} the app {} is known",
        paint(style::OK, "✓"),
        paint(style::STRONG, clean(&view.name))
    ))?;
    if let Some(problem) = &view.problem {
        context.out.warn(clean(problem));
    }
    context.out.note(paint(
        style::DIM,
        format!(
            "Register {} as its redirect address at Zoom, then `parfocal connect user --app {}`.",
            app.connections().redirect_uri(),
            clean(&view.name)
        ),
    ));
    Ok(Exit::Done)
}

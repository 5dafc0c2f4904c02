//! `keys create|list|revoke`: who may ask this server.

use clap::{Args, Subcommand};
use parfocal_engine::keys::{Caller, NewKey, Role, Surface};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::when::When;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};

/// Make, list and revoke keys of the API
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key; it is shown once
    Create(Create),
    /// List keys, never the keys themselves
    List,
    /// End a key and the sessions it opened
    Revoke(Revoke),
}

/// Make a key; it is shown once
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// A name, such as the program that will use it
    name: String,
    /// What it may do: read, operate (change things at Zoom, run work) or admin (keys, connections, components)
    #[arg(long, value_name = "ROLE", default_value = "read")]
    role: Role,
    /// Only these connections, by name or id
    #[arg(long, value_name = "NAME")]
    connection: Vec<String>,
    /// When it ends: 2027-01-01, "2027-01-01 14:30", or RFC 3339
    #[arg(long, value_name = "TIME")]
    expires: Option<When>,
}

/// End a key and the sessions it opened
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its name, id or prefix
    key: String,
}

/// Runs the command.
pub(crate) async fn run(command: Keys, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let out = &context.out;
    let caller = Caller::local(Surface::Cli);
    match command {
        Keys::Create(command) => {
            let new = NewKey {
                name: command.name,
                role: command.role,
                connections: command.connection,
                expires: command.expires.map(|when| when.resolve(app.clock().now())),
            };
            let made = app.keys().create(&new, &caller).await?;
            let key = made.secret.expose_secret();
            if out.is_json() {
                out.json(&json!({"key": key, "view": made.view}))?;
            } else {
                out.line(key)?;
                out.note(format!(
                    "The key {} may {}; it is not shown again. Send it as `Authorization: Bearer KEY`.",
                    made.view.name, made.view.role
                ));
            }
        }
        Keys::List => {
            let keys = app.keys().list().await?;
            if out.is_json() {
                out.json(&keys)?;
                return Ok(Exit::Done);
            }
            let mut table = Table::new(
                &[
                    ("NAME", Align::Left),
                    ("ROLE", Align::Left),
                    ("STATE", Align::Left),
                    ("BEGINS WITH", Align::Left),
                    ("LAST USED", Align::Left),
                    ("ENDS", Align::Left),
                ],
                "There is no key yet: make one with `parfocal keys create NAME --role read`.",
            );
            let day = |at: Option<jiff::Timestamp>| {
                at.map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())
                    .unwrap_or_default()
            };
            for key in &keys {
                table.row([
                    Field::from(&key.name),
                    Field::from(key.role.as_str()),
                    Field::state(key.state),
                    Field::styled(style::DIM, &key.prefix),
                    Field::from(day(key.last_used_at)),
                    Field::from(day(key.expires_at)),
                ]);
            }
            table.print(out)?;
        }
        Keys::Revoke(command) => {
            let view = app.keys().revoke(&command.key, &caller).await?;
            if out.is_json() {
                out.json(&view)?;
            } else {
                out.line(format!(
                    "{} {} opens nothing any more",
                    paint(style::OK, "✓"),
                    view.name
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}

//! `connect link create|list|revoke`: links to send to a person who shall connect.

use std::time::Duration;

use clap::{Args, Subcommand};
use parfocal_engine::connections::{LinkState, LinkView, NewLink};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::user::operator;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{Out, clean};

/// Links to send to a person who shall connect: who asks and for what, and a button to Zoom
#[derive(Debug, Subcommand)]
pub(crate) enum Link {
    /// Make a link that works once; it is shown here only now
    Create(Create),
    /// List links: open, used, expired, revoked
    List,
    /// Withdraw a link
    Revoke(Revoke),
}

/// Make a link that works once
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Whom it is for, as it shall stand on the page and in the list
    #[arg(long = "for", value_name = "WHO")]
    for_whom: Option<String>,
    /// Through this app: its name or client id [default: the one that fits the redirect address]
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Days for which it works
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=90))]
    days: u16,
}

/// Withdraw a link
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its id, from `parfocal connect link list`
    id: String,
}

/// Runs the command.
pub(super) async fn run(command: Link, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let connections = app.connections();
    match command {
        Link::Create(create) => {
            let new = NewLink {
                app: create.app,
                name: create.for_whom,
                lives: Duration::from_secs(u64::from(create.days) * 24 * 60 * 60),
                scopes: Vec::new(),
            };
            let made = connections.create_link(new, &operator()).await?;
            if context.out.is_json() {
                context.out.json(&json!({
                    "link": made.view,
                    "url": made.url.expose_secret(),
                    "token": made.token.expose_secret(),
                }))?;
            } else {
                context.out.line(made.url.expose_secret())?;
                context.out.note(paint(
                    style::DIM,
                    format!(
                        "It works once, until {}. It is shown only now.",
                        made.view.expires.strftime("%Y-%m-%d %H:%M UTC")
                    ),
                ));
                if app.config().server.public_url.is_none() {
                    context.out.note(format!(
                        "{} Only browsers on this machine can open it: set server.public_url to the address under which others reach the server.",
                        paint(style::WARN, "!")
                    ));
                }
            }
        }
        Link::List => {
            let links = connections.links().await?;
            if context.out.is_json() {
                context.out.json(&json!({"items": links, "next": null}))?;
            } else {
                table(&links, &context.out)?;
            }
        }
        Link::Revoke(revoke) => {
            let view = connections.revoke_link(&revoke.id, &operator()).await?;
            if context.out.is_json() {
                context.out.json(&view)?;
            } else {
                context.out.line(format!(
                    "{} the link{} is withdrawn",
                    paint(style::OK, "✓"),
                    view.name
                        .as_deref()
                        .map(|name| format!(" for {}", clean(name)))
                        .unwrap_or_default()
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn table(links: &[LinkView], out: &Out) -> Result<(), Failure> {
    let columns = [
        ("FOR", Align::Left),
        ("STATE", Align::Left),
        ("APP", Align::Left),
        ("MADE", Align::Left),
        ("ENDS", Align::Left),
        ("ID", Align::Left),
    ];
    let mut table = Table::new(
        &columns,
        "No link was made. `parfocal connect link create` makes one.",
    );
    for link in links {
        table.row([
            Field::styled(style::STRONG, link.name.as_deref().unwrap_or("somebody")),
            Field::from(match link.state {
                LinkState::Open => "open",
                LinkState::Used => "used",
                LinkState::Expired => "expired",
                LinkState::Revoked => "revoked",
            }),
            Field::from(&link.app),
            Field::from(link.created_at.strftime("%Y-%m-%d %H:%M").to_string()),
            Field::from(link.expires.strftime("%Y-%m-%d %H:%M").to_string()),
            Field::from(link.id.to_string()),
        ]);
    }
    table.print(out)
}

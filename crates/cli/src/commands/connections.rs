//! `connections list|show|check|reconnect|rename|remove`: the ways into Zoom accounts.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use parfocal_engine::App;
use parfocal_engine::connections::{
    Cloud, ConnectionView, NewServerToServer, Purpose, Remove as Wish, Removed, Revoked, Weight,
};
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{AppKind, ConnectionOrigin, ConnectionState};
use serde_json::json;

use super::connect::{self, How, operator};
use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{Out, clean, grouped};

/// List, check, mend and remove connections
#[derive(Debug, Subcommand)]
pub(crate) enum Connections {
    /// List connections
    List,
    /// Show a connection: account, scopes, health
    Show(One),
    /// Call Zoom and see whether a connection works, and what its account gives
    Check(One),
    /// Make a connection work again; it keeps its id and all that hangs on it
    Reconnect(Reconnect),
    /// Give a connection another name
    Rename(Rename),
    /// Withdraw a connection's grant and erase its secrets; what it took in stays
    Remove(Remove),
}

/// One connection
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its name or id
    name: String,
}

/// Make a connection work again
#[derive(Debug, Args)]
pub(crate) struct Reconnect {
    /// Its name or id
    name: String,
    #[command(flatten)]
    how: How,
    /// Of a server-to-server app: file that holds the new client secret; - reads standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
}

/// Give a connection another name
#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// Its name or id
    name: String,
    /// The new name
    new_name: String,
}

/// Withdraw a connection's grant and erase its secrets
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Its name or id
    name: String,
    /// Erase what it took in too: meetings, people, transcripts, chats, files
    #[arg(long)]
    erase_data: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
pub(crate) async fn run(command: Connections, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    match command {
        Connections::List => {
            let all = app.connections().list().await?;
            if context.out.is_json() {
                context.out.json(&json!({"items": all, "next": null}))?;
            } else {
                table(&all, &context.out)?;
            }
            Ok(Exit::Done)
        }
        Connections::Show(one) => {
            let view = app.connections().show(&one.name).await?;
            present(&view, &context.out)?;
            Ok(attention(needs_attention(&view)))
        }
        Connections::Check(one) => {
            let view = app.connections().check(&one.name).await?;
            present(&view, &context.out)?;
            Ok(attention(needs_attention(&view)))
        }
        Connections::Reconnect(command) => reconnect(&app, command, context).await,
        Connections::Rename(command) => {
            let view = app
                .connections()
                .rename(&command.name, &command.new_name, &operator())
                .await?;
            present(&view, &context.out)?;
            Ok(Exit::Done)
        }
        Connections::Remove(command) => remove(&app, command, context).await,
    }
}

async fn reconnect(app: &App, command: Reconnect, context: &Context) -> Result<Exit, Failure> {
    let view = app.connections().show(&command.name).await?;
    match (view.kind, view.origin) {
        (AppKind::ServerToServer, ConnectionOrigin::Env) => {
            let view = app.connections().check(&view.id.to_string()).await?;
            present(&view, &context.out)?;
            if needs_attention(&view) {
                context.out.note(format!(
                    "{} {}",
                    paint(style::ACCENT, "→"),
                    connect::MEND_ENV
                ));
            }
            Ok(attention(needs_attention(&view)))
        }
        (AppKind::ServerToServer, _) => {
            let client_secret = match &command.client_secret_file {
                Some(path) => connect::secret(path)?,
                None => connect::from_terminal()?,
            };
            let new = NewServerToServer {
                name: Some(view.name),
                account_id: view.subject,
                client_id: view.client_id,
                client_secret,
                webhook_secrets: Vec::new(),
                plan: None,
                share: None,
                cloud: cloud(&view.cloud)?,
            };
            let view = app
                .connections()
                .connect_s2s(new, &Caller::local(Surface::Cli).by())
                .await?;
            present(&view, &context.out)?;
            Ok(attention(needs_attention(&view)))
        }
        _ => {
            let purpose = Purpose::Reconnect {
                connection: view.id,
            };
            let finished =
                connect::consent(app, Some(view.client_id), purpose, &command.how, context).await?;
            connect::tell(&finished, context)
        }
    }
}

fn cloud(name: &str) -> Result<Cloud, Failure> {
    name.parse()
        .map_err(|_| Failure::internal(format!("the cloud {name} cannot be named")))
}

async fn remove(app: &App, command: Remove, context: &Context) -> Result<Exit, Failure> {
    let view = app.connections().show(&command.name).await?;
    if !command.yes {
        confirm(&view, command.erase_data, context)?;
    }
    let wish = Wish {
        erase_data: command.erase_data,
    };
    let removed = app
        .connections()
        .remove(&view.id.to_string(), wish, &operator())
        .await?;
    if context.out.is_json() {
        context.out.json(&removed)?;
    } else {
        receipt(&removed, &context.out)?;
    }
    Ok(Exit::Done)
}

/// Asks at a terminal; without one, erasing data needs `--yes`.
fn confirm(view: &ConnectionView, erase: bool, context: &Context) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return if erase {
            Err(
                Failure::usage("usage", "erasing data has to be confirmed").hint(format!(
                    "Add --yes if everything taken in from {} shall be erased.",
                    clean(&view.name)
                )),
            )
        } else {
            Ok(())
        };
    }
    let what = if erase {
        "Its grant is withdrawn, its secrets and everything it took in are erased."
    } else {
        "Its grant is withdrawn and its secrets are erased; what it took in stays."
    };
    context.out.ask(format!(
        "Remove the connection {}? {what} Type its name to go on:",
        paint(style::STRONG, clean(&view.name))
    ));
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if read.is_ok() && line.trim() == view.name {
        return Ok(());
    }
    Err(Failure::failed(
        "not_confirmed",
        format!("{} was not removed: its name was not typed", view.name),
    ))
}

fn receipt(removed: &Removed, out: &Out) -> Result<(), Failure> {
    out.line(format!(
        "{} {} is removed",
        paint(style::OK, "✓"),
        clean(&removed.name)
    ))?;
    let grant = match &removed.revoked {
        Revoked::Yes => "withdrawn at Zoom".to_owned(),
        Revoked::AlreadyDead => "had ended before".to_owned(),
        Revoked::NotPossible { why } => format!("could not be withdrawn at Zoom: {}", clean(why)),
    };
    let data = match &removed.erased {
        None => "stays".to_owned(),
        Some(erased) => {
            let kept = erased
                .kept
                .as_deref()
                .map(|kept| format!("; kept: {}", clean(kept)))
                .unwrap_or_default();
            format!(
                "{} records and {} files erased{kept}",
                grouped(erased.rows),
                grouped(erased.files)
            )
        }
    };
    for (label, value) in [
        ("grant", grant),
        ("secrets", "erased".to_owned()),
        ("data", data),
    ] {
        out.line(format!(
            "  {} {value}",
            paint(style::DIM, format!("{label:10}"))
        ))?;
    }
    Ok(())
}

/// Whether a person has to act on a connection.
pub(crate) fn needs_attention(view: &ConnectionView) -> bool {
    matches!(
        view.state,
        ConnectionState::NeedsReconnect | ConnectionState::Disconnected
    )
}

fn table(all: &[ConnectionView], out: &Out) -> Result<(), Failure> {
    let columns = [
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("ACCOUNT", Align::Left),
        ("PLAN", Align::Left),
        ("KIND", Align::Left),
        ("LAST OK", Align::Left),
        ("ID", Align::Left),
        ("REASON", Align::Left),
    ];
    let mut table = Table::new(
        &columns,
        "No account is connected. `parfocal connect s2s` connects one; `parfocal demo` needs none.",
    );
    for view in all {
        table.row([
            Field::styled(style::STRONG, &view.name),
            Field::state(view.state.as_str()),
            Field::from(
                view.account
                    .name
                    .as_deref()
                    .unwrap_or(&view.account.external_id),
            ),
            Field::from(view.account.plan),
            Field::from(view.kind.as_str()),
            Field::from(
                view.last_ok
                    .map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())
                    .unwrap_or_default(),
            ),
            Field::from(view.id.to_string()),
            Field::from(view.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table.print(out)
}

/// Prints one connection.
pub(crate) fn present(view: &ConnectionView, out: &Out) -> Result<(), Failure> {
    if out.is_json() {
        return out.json(view);
    }
    let state = view.state.as_str();
    out.line(format!(
        "{} {}",
        paint(style::STRONG, clean(&view.name)),
        paint(style::of_state(state), state)
    ))?;
    let account = match &view.account.name {
        Some(name) => format!("{} ({name})", view.account.external_id),
        None => view.account.external_id.clone(),
    };
    // A licensed user was seen, which says no more than that it is not free.
    let plan = match (view.account.plan, view.account.plan_source) {
        ("pro", "seen") => "pro or higher (set limits.plan to name it)".to_owned(),
        (plan, source) => format!("{plan} ({source})"),
    };
    let plan = format!("{plan}, share {}", view.account.share);
    for (label, value) in [
        ("id", view.id.to_string()),
        ("reason", view.reason.clone().unwrap_or_default()),
        ("account", account),
        ("plan", plan),
        (
            "app",
            format!(
                "{} ({}, credentials in {})",
                view.app, view.kind, view.origin
            ),
        ),
        ("client id", view.client_id.clone()),
        (
            "webhooks",
            view.webhook_path
                .clone()
                .unwrap_or_else(|| "no secret token is known".to_owned()),
        ),
        ("scopes", format!("{} granted", view.scopes.len())),
        (
            "last ok",
            view.last_ok.map(|at| at.to_string()).unwrap_or_default(),
        ),
        ("last error", view.last_error.clone().unwrap_or_default()),
    ] {
        if !value.is_empty() {
            out.line(format!(
                "  {} {}",
                paint(style::DIM, format!("{label:10}")),
                clean(&value)
            ))?;
        }
    }
    for health in view.features.iter().filter(|health| !health.works) {
        let adds: Vec<String> = health
            .missing
            .iter()
            .map(|missing| clean(&missing.any_of.join(" or ")))
            .collect();
        out.line(format!(
            "  {} {}: add {}",
            paint(style::DIM, format!("{:10}", "lacks")),
            health.feature.as_str(),
            adds.join(", ")
        ))?;
    }
    for finding in &view.findings {
        let (mark, mend) = match finding.weight {
            Weight::Info => (style::DIM, ""),
            Weight::Warning => (style::WARN, finding.mend.as_str()),
            Weight::Blocking => (style::BAD, finding.mend.as_str()),
        };
        out.line(format!(
            "  {} {} {}",
            paint(mark, format!("{:10}", clean(finding.about))),
            clean(&finding.says),
            paint(style::ACCENT, clean(mend))
        ))?;
    }
    Ok(())
}

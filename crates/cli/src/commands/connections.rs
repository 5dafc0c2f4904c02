//! `connections list|show|check|remove`: the ways into Zoom accounts.

use clap::{Args, Subcommand};
use parfocal_engine::connections::ConnectionView;
use parfocal_engine::store::ConnectionState;
use serde_json::json;

use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{Out, clean};

/// List, check and remove connections
#[derive(Debug, Subcommand)]
pub(crate) enum Connections {
    /// List connections
    List,
    /// Show a connection: account, scopes, health
    Show(One),
    /// Call Zoom and see whether a connection works
    Check(One),
    /// Forget a connection; what it took in stays
    Remove(One),
}

/// One connection
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its name or id
    name: String,
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
        Connections::Remove(one) => {
            let by = parfocal_engine::audit::By::new("operator", parfocal_engine::audit::Surface::Cli);
            let how = parfocal_engine::connections::Remove::default();
            app.connections().remove(&one.name, how, &by).await?;
            if context.out.is_json() {
                context.out.json(&json!({"removed": one.name}))?;
            } else {
                context.out.line(format!(
                    "{} {} is forgotten; what it took in stays",
                    paint(style::OK, "✓"),
                    clean(&one.name)
                ))?;
            }
            Ok(Exit::Done)
        }
    }
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
    let plan = format!(
        "{} ({}), share {}",
        view.account.plan, view.account.plan_source, view.account.share
    );
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
    for missing in &view.missing_scopes {
        out.line(format!(
            "  {} {}: add one of {}",
            paint(style::WARN, "missing"),
            clean(&missing.feature),
            clean(&missing.any_of.join(", "))
        ))?;
    }
    for (resource, capability) in &view.account.capabilities.resources {
        if let Some(detail) = capability.detail.as_ref().or(capability.cause.as_ref()) {
            out.line(format!(
                "  {} {}: {}",
                paint(style::DIM, "not given"),
                clean(resource),
                clean(detail)
            ))?;
        }
    }
    Ok(())
}

//! `doctor`: looks at what an installation stands on, and says what to do about what it finds.

use clap::Args;
use parfocal_engine::{App, Kind};
use serde::Serialize;

use super::connections::needs_attention;
use super::status::engine_name;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::{bytes, clean};
use crate::settings::Settings;

/// Free space below which a disk is reported, in bytes.
const LOW_DISK: u64 = 500_000_000;

/// Look for what is wrong with this installation
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Do not call Zoom
    #[arg(long)]
    offline: bool,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Attention,
    Failed,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            detail: detail.into(),
            hint: None,
        }
    }

    fn attention(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Attention,
            detail: detail.into(),
            hint: Some(hint.into()),
        }
    }

    fn failed(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Failed,
            detail: detail.into(),
            hint: Some(hint.into()),
        }
    }
}

/// Runs the command.
pub(crate) async fn run(command: Doctor, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    context.logs(&settings, "off")?;
    let mut checks = vec![configuration(&settings)];
    let data = settings.config.data.dir.clone();
    match App::open(settings.config).await {
        Ok(app) => {
            checks.push(Check::ok(
                "database",
                format!(
                    "{}, schema {}",
                    engine_name(app.store().engine()),
                    app.store().schema_version()
                ),
            ));
            checks.push(vault(&app).await);
            checks.push(connections(&app, command.offline).await);
            checks.push(webhook_secret(&app).await);
            checks.push(work(&app).await);
        }
        Err(error) => {
            let name = match error.code() {
                parfocal_engine::Code::VaultKey | parfocal_engine::Code::VaultFile => "vault",
                parfocal_engine::Code::ClockFile | parfocal_engine::Code::ConfigInvalid => {
                    "configuration"
                }
                _ => "database",
            };
            checks.push(Check::failed(name, error.message(), error.hint()));
        }
    }
    checks.push(disk(&data));
    report(&checks, context)?;
    Ok(if checks.iter().any(|check| check.state == State::Failed) {
        Exit::Failed
    } else if checks.iter().any(|check| check.state == State::Attention) {
        Exit::NeedsAttention
    } else {
        Exit::Done
    })
}

fn report(checks: &[Check], context: &Context) -> Result<(), Failure> {
    if context.out.is_json() {
        return context.out.json(&serde_json::json!({"checks": checks}));
    }
    for check in checks {
        let mark = match check.state {
            State::Ok => paint(style::OK, "✓"),
            State::Attention => paint(style::WARN, "!"),
            State::Failed => paint(style::BAD, "✗"),
        };
        context.out.line(format!(
            "{mark} {} {}",
            paint(style::STRONG, format!("{:15}", check.name)),
            clean(&check.detail)
        ))?;
        if let Some(hint) = &check.hint {
            context.out.line(format!(
                "  {:15} {} {}",
                "",
                paint(style::ACCENT, "→"),
                clean(hint)
            ))?;
        }
    }
    Ok(())
}

fn configuration(settings: &Settings) -> Check {
    let source = settings
        .file
        .as_ref()
        .map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    Check::ok(
        "configuration",
        format!("{source}, {} values given", settings.origins.len()),
    )
}

async fn vault(app: &App) -> Check {
    match app.vault().keys().await {
        Ok(keys) => {
            let old: u64 = keys
                .iter()
                .filter(|key| key.readable && !key.current)
                .map(|key| key.secrets)
                .sum();
            if let Err(error) = parfocal_engine::vault::readable(&keys) {
                Check::failed("vault", error.message(), error.hint())
            } else if old > 0 {
                Check::attention(
                    "vault",
                    format!("{old} secrets lie under the former key"),
                    "Run `parfocal vault rotate`.",
                )
            } else {
                let secrets: u64 = keys.iter().map(|key| key.secrets).sum();
                Check::ok(
                    "vault",
                    format!("{secrets} secrets, all under the present key"),
                )
            }
        }
        Err(error) => Check::failed("vault", error.message(), error.hint()),
    }
}

async fn connections(app: &App, offline: bool) -> Check {
    let all = match app.connections().list().await {
        Ok(all) => all,
        Err(error) => return Check::failed("connections", error.message(), error.hint()),
    };
    if all.is_empty() {
        return Check::attention(
            "connections",
            "no account is connected",
            "Run `parfocal connect s2s`.",
        );
    }
    let mut names = Vec::new();
    for view in all {
        let view = if offline {
            view
        } else {
            match app.connections().check(&view.id.to_string()).await {
                Ok(view) => view,
                Err(error) => {
                    let detail = format!("{}: {}", view.name, error.message());
                    return if error.kind() == Kind::NeedsAttention {
                        Check::attention("connections", detail, error.hint())
                    } else {
                        Check::failed("connections", detail, error.hint())
                    };
                }
            }
        };
        if needs_attention(&view) {
            let reason = view
                .reason
                .clone()
                .or_else(|| view.last_error.clone())
                .unwrap_or_default();
            return Check::attention(
                "connections",
                format!("{}: {reason}", view.name),
                format!("`parfocal connections show {}` says more.", view.name),
            );
        }
        names.push(format!("{} ({})", view.name, view.state));
    }
    Check::ok("connections", names.join(", "))
}

async fn webhook_secret(app: &App) -> Check {
    let configured = !app.config().zoom.webhook_secret_token.is_empty()
        || app
            .config()
            .zoom
            .apps
            .values()
            .any(|app| !app.webhook_secret_token.is_empty());
    let connected = app
        .connections()
        .list()
        .await
        .is_ok_and(|all| all.iter().any(|view| view.webhook_path.is_some()));
    if configured || connected {
        Check::ok(
            "webhook secret",
            format!(
                "webhooks are taken in at {}/webhooks/zoom",
                app.config().public_url()
            ),
        )
    } else {
        Check::attention(
            "webhook secret",
            "no secret token is known, so no webhook can be verified",
            "Set ZOOM_WEBHOOK_SECRET_TOKEN to the secret token of the app's Feature page.",
        )
    }
}

async fn work(app: &App) -> Check {
    match app.status().await {
        Ok(status) if !status.failures.is_empty() => Check::attention(
            "work",
            format!("{} or more jobs were given up", status.failures.len()),
            "`parfocal jobs list --state dead` shows them, `parfocal jobs retry --all-dead` tries again.",
        ),
        Ok(status) if status.ingest_lag_seconds > 60.0 => Check::attention(
            "work",
            format!(
                "the oldest webhook has been waiting for {:.0} s",
                status.ingest_lag_seconds
            ),
            "Is `parfocal serve` running on this data?",
        ),
        Ok(_) => Check::ok("work", "nothing is given up, nothing waits"),
        Err(error) => Check::failed("work", error.message(), error.hint()),
    }
}

fn disk(data: &std::path::Path) -> Check {
    match free_space(data) {
        Some(free) if free < LOW_DISK => Check::attention(
            "disk",
            format!("{} free for {}", bytes(free), data.display()),
            "Make room before the database cannot grow any more.",
        ),
        Some(free) => Check::ok(
            "disk",
            format!("{} free for {}", bytes(free), data.display()),
        ),
        None => Check::attention(
            "disk",
            format!("the free space for {} cannot be told", data.display()),
            "Check with `df`.",
        ),
    }
}

/// Bytes that this user may still write where the directory lies.
#[cfg(unix)]
fn free_space(path: &std::path::Path) -> Option<u64> {
    let existing = path
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or_else(|| std::path::Path::new("."));
    let existing = if existing.as_os_str().is_empty() {
        std::path::Path::new(".")
    } else {
        existing
    };
    let stat = rustix::fs::statvfs(existing).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

#[cfg(not(unix))]
fn free_space(_: &std::path::Path) -> Option<u64> {
    None
}

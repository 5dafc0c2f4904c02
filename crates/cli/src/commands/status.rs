//! `status`: connections, work under way, what needs attention.

use clap::Args;
use parfocal_engine::status::Status as Standing;
use parfocal_engine::store::{Engine, JobState};
use parfocal_engine::vault::readable;

use super::connections::needs_attention;
use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{Out, clean, grouped};

/// Show connections, work under way and what needs attention
#[derive(Debug, Args)]
pub(crate) struct Status {}

/// Runs the command.
pub(crate) async fn run(_: Status, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let status = app.status().await?;
    if context.out.is_json() {
        context.out.json(&status)?;
    } else {
        present(&status, &context.out)?;
    }
    let dead = count(&status, &[JobState::Dead]);
    Ok(attention(
        dead > 0
            || readable(&status.vault_keys).is_err()
            || status.connections.iter().any(needs_attention),
    ))
}

/// The database's name, for people.
pub(crate) fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}

fn count(status: &Standing, states: &[JobState]) -> u64 {
    status
        .store
        .jobs
        .iter()
        .filter(|count| states.contains(&count.state))
        .map(|count| count.count)
        .sum()
}

fn present(status: &Standing, out: &Out) -> Result<(), Failure> {
    let store = &status.store;
    let label = |text: &str| paint(style::DIM, format!("{text:13}"));
    out.line(format!(
        "{} Parfocal {} on {}",
        label("program"),
        status.version,
        engine_name(store.engine)
    ))?;
    if status.connections.is_empty() {
        out.line(format!(
            "{} {}",
            label("connections"),
            paint(
                style::WARN,
                "none: `parfocal connect s2s` connects an account"
            )
        ))?;
    }
    for view in &status.connections {
        let state = paint(style::of_state(view.state.as_str()), view.state);
        let reason = view
            .reason
            .as_deref()
            .map(|reason| format!(": {}", clean(reason)))
            .unwrap_or_default();
        out.line(format!(
            "{} {} {state}{reason}",
            label("connection"),
            clean(&view.name)
        ))?;
    }
    if let Err(error) = readable(&status.vault_keys) {
        out.line(format!(
            "{} {}",
            label("vault"),
            paint(style::BAD, error.message())
        ))?;
        out.line(format!(
            "{} {} {}",
            label(""),
            paint(style::ACCENT, "→"),
            error.hint()
        ))?;
    }
    out.line(format!(
        "{} {} users{}, {} series, {} meetings held, {} visits",
        label("taken in"),
        grouped(store.users),
        not_active(store.users_inactive, store.users_pending),
        grouped(store.meetings),
        grouped(store.instances),
        grouped(store.attendance)
    ))?;
    out.line(format!(
        "{} {} recordings, {} files ({} here), {} transcripts with {} cues, {} chat messages",
        label(""),
        grouped(store.recordings),
        grouped(store.files),
        grouped(store.files_stored),
        grouped(store.transcripts),
        grouped(store.cues),
        grouped(store.chat_messages)
    ))?;
    let last = store
        .inbox
        .last_received
        .map(|at| format!(", the last at {at}"))
        .unwrap_or_default();
    out.line(format!(
        "{} {} received{last}, {} waiting, lag {:.1} s",
        label("webhooks"),
        grouped(store.inbox.events),
        grouped(store.inbox.waiting),
        status.ingest_lag_seconds
    ))?;
    let open = count(
        status,
        &[JobState::Waiting, JobState::Ready, JobState::Running],
    );
    let dead = count(status, &[JobState::Dead]);
    let given_up = if dead > 0 {
        paint(style::WARN, format!(", {} given up", grouped(dead)))
    } else {
        String::new()
    };
    out.line(format!(
        "{} {} jobs open{given_up}",
        label("work"),
        grouped(open)
    ))?;
    for failure in &status.failures {
        let report = failure.last.as_ref().map(|attempt| &attempt.report);
        let error = report
            .and_then(|report| report.error.as_deref())
            .map(clean)
            .unwrap_or_default();
        out.line(format!(
            "{} {} {} {error}",
            label(""),
            failure.kind,
            paint(style::DIM, failure.job)
        ))?;
        if let Some(advice) = report.and_then(|report| report.advice.as_deref()) {
            out.line(format!(
                "{} {} {}",
                label(""),
                paint(style::ACCENT, "→"),
                clean(advice)
            ))?;
        }
    }
    budgets(status, out)
}

/// Those of the users whom Zoom does not count as active, since plans and calls are about the active ones.
fn not_active(inactive: u64, pending: u64) -> String {
    match (inactive, pending) {
        (0, 0) => String::new(),
        (inactive, 0) => format!(" ({} of them inactive)", grouped(inactive)),
        (0, pending) => format!(" ({} of them invited)", grouped(pending)),
        (inactive, pending) => format!(
            " ({} of them inactive, {} invited)",
            grouped(inactive),
            grouped(pending)
        ),
    }
}

fn budgets(status: &Standing, out: &Out) -> Result<(), Failure> {
    let columns = [
        ("RATE BUDGET", Align::Left),
        ("LABEL", Align::Left),
        ("PACE", Align::Right),
        ("WAITING", Align::Right),
        ("TODAY", Align::Right),
        ("PARKED UNTIL", Align::Left),
    ];
    let mut table = Table::new(&columns, "");
    let mut any = false;
    for budget in &status.budgets {
        for (at, label) in budget.labels.iter().enumerate() {
            any = true;
            let shared = budget.labels[..at]
                .iter()
                .find(|other| other.pool == label.pool);
            let today = match (shared, label.per_day) {
                // One number for both would be read as two.
                (Some(other), _) => format!("with {}", other.label),
                (None, Some(day)) => format!("{} of {}", grouped(label.used_today), grouped(day)),
                (None, None) => grouped(label.used_today),
            };
            table.row([
                Field::from(budget.name.as_deref().unwrap_or(&budget.account)),
                Field::from(label.label),
                Field::from(format!("{} / {} s", label.per_window, label.window_seconds)),
                Field::from(grouped(u64::try_from(label.waiting).unwrap_or_default())),
                Field::from(today),
                Field::styled(
                    style::WARN,
                    label
                        .parked_until
                        .map(|at| at.to_string())
                        .unwrap_or_default(),
                ),
            ]);
        }
    }
    if any {
        out.line("")?;
        table.print(out)?;
    }
    Ok(())
}

//! The few colours of the terminal output; `anstream` takes them off where they are not wanted.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Headings and the figure that matters.
pub(crate) const STRONG: Style = Style::new().bold();
/// Labels, units, things beside the point.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Done, healthy.
pub(crate) const OK: Style = AnsiColor::Green.on_default();
/// Needs a look.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// Went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Addresses, commands, what was searched for.
pub(crate) const ACCENT: Style = AnsiColor::Cyan.on_default();

/// Wraps a value in a style.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a state's name, as connections, jobs, backfills and artefacts use them.
pub(crate) fn of_state(state: &str) -> Style {
    match state {
        "active" | "ok" | "done" | "present" | "processed" | "delivered" | "ended" => OK,
        "failed" | "dead" | "lost" | "revoked" | "disabled" | "error" => BAD,
        "needs_reconnect" | "needs_attention" | "paused" | "retrying" | "parked" | "attention" => {
            WARN
        }
        "unavailable" | "ignored" | "cancelled" | "dropped" => DIM,
        _ => Style::new(),
    }
}

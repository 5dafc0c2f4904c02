//! How values are written on pages.

use minijinja::Environment;

/// Makes the filters known to the templates.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_filter("tone", |state: String| tone(&state));
    environment.add_filter("words", |text: String| words(&text));
    environment.add_filter("utc", |at: String| utc(&at));
    environment.add_filter("grouped", grouped);
    environment.add_filter("position", position);
    environment.add_filter("bytes", bytes);
}

/// The badge's tone for a state's name, as connections, instances, artefacts, jobs and backfills use them.
pub(crate) fn tone(state: &str) -> &'static str {
    match state {
        "healthy" | "present" | "done" | "ended" | "routed" | "delivered" | "working" => "ok",
        "degraded" | "expected" | "paused" | "waiting" | "retry" | "lease_lost" | "carried"
        | "failing" => "warn",
        "needs_reconnect" | "failed" | "dead" | "disconnected" | "stopped" | "mend" | "halt"
        | "refused" => "bad",
        "running" | "started" | "ready" | "received" | "planning" | "snooze" | "open"
        | "pending" | "sending" | "taken" => "busy",
        _ => "",
    }
}

/// `needs_reconnect` → `needs reconnect`.
fn words(text: &str) -> String {
    text.replace('_', " ")
}

/// An RFC 3339 instant for readers without script: `2026-11-22 06:30 UTC`.
fn utc(at: &str) -> String {
    match at.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => at.to_owned(),
    }
}

/// A number in groups of three, separated by narrow spaces.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Milliseconds as a position in a recording, always with hours so that nobody takes it for a time of day: `0:02:03`.
fn position(ms: u64) -> String {
    let seconds = ms / 1000;
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{h}:{m:02}:{s:02}")
}

/// A size as people read it, in powers of ten.
fn bytes(n: u64) -> String {
    match n {
        0..=999 => format!("{n} B"),
        1_000..=999_999 => format!("{}.{} kB", n / 1000, n % 1000 / 100),
        1_000_000..=999_999_999 => format!("{}.{} MB", n / 1_000_000, n % 1_000_000 / 100_000),
        _ => format!(
            "{}.{} GB",
            n / 1_000_000_000,
            n % 1_000_000_000 / 100_000_000
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_for_readers() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(position(3_723_000), "1:02:03");
        assert_eq!(position(62_003), "0:01:02");
        assert_eq!(bytes(1_234_567), "1.2 MB");
        assert_eq!(utc("2026-11-22T06:30:00Z"), "2026-11-22 06:30 UTC");
        assert_eq!(words("single_person"), "single person");
        assert_eq!(tone("unheard of"), "");
    }
}

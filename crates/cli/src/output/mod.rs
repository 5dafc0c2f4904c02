//! What people and programs see: data on standard output, everything else on standard error.
//!
//! Colour goes through `anstream`, which drops it for pipes, `NO_COLOR`, `TERM=dumb` and `--color never`; text that came
//! from outside (topics, names, talk) passes [`clean`] first, so that it cannot move the cursor or repaint the screen.

pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod table;

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::failure::Failure;

/// How a command speaks: for a person or for a program, and where progress may be drawn.
#[derive(Clone)]
pub(crate) struct Out {
    json: bool,
    stdout_terminal: bool,
    bars: indicatif::MultiProgress,
    show_progress: bool,
}

impl Out {
    /// Makes the output for one run of the program.
    pub(crate) fn new(json: bool) -> Self {
        let show_progress = !json && io::stderr().is_terminal();
        let target = if show_progress {
            indicatif::ProgressDrawTarget::stderr()
        } else {
            indicatif::ProgressDrawTarget::hidden()
        };
        Self {
            json,
            stdout_terminal: io::stdout().is_terminal(),
            bars: indicatif::MultiProgress::with_draw_target(target),
            show_progress,
        }
    }

    /// Whether a program reads the output.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether bars may be drawn: standard error is a terminal and nobody asked for JSON.
    pub(crate) fn shows_progress(&self) -> bool {
        self.show_progress
    }

    /// The bars of this run; log lines are written around them.
    pub(crate) fn bars(&self) -> &indicatif::MultiProgress {
        &self.bars
    }

    /// Prints a value as JSON: indented on a terminal, one line otherwise.
    pub(crate) fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Failure> {
        let text = if self.stdout_terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        }
        .map_err(|error| {
            Failure::internal(format!("the answer could not be written as JSON: {error}"))
        })?;
        self.line(text)
    }

    #[expect(clippy::unused_self, reason = "whoever prints data holds the output")]
    /// Prints one line of data; a closed pipe ends the program quietly.
    pub(crate) fn line(&self, text: impl Display) -> Result<(), Failure> {
        let mut stdout = anstream::stdout().lock();
        writeln!(stdout, "{text}")
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::stdout(&error))
    }

    #[expect(clippy::unused_self, reason = "whoever prints data holds the output")]
    /// Prints bytes as they are (a file's content, a completion script).
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::stdout(&error))
    }

    /// Says something beside the data, on standard error; nothing in JSON mode.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.json {
            self.bars.suspend(|| {
                // A reader who closed standard error does not want notes.
                let _ = writeln!(anstream::stderr().lock(), "{text}");
            });
        }
    }

    /// Asks for something that a person or a program has to do now, on standard error, in both modes.
    pub(crate) fn ask(&self, text: impl Display) {
        self.bars.suspend(|| {
            // A reader who closed standard error cannot be asked.
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        });
    }

    /// Warns on standard error, in both modes.
    pub(crate) fn warn(&self, text: impl Display) {
        let warn = style::WARN;
        self.bars.suspend(|| {
            let _ = writeln!(anstream::stderr().lock(), "{warn}warning:{warn:#} {text}");
        });
    }
}

/// Makes text from outside safe for a terminal: control and direction-changing characters become `\u{fffd}`, line breaks a space.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() || is_direction_control(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

/// Writes a number with thin groups of three: `12 345`.
pub(crate) fn grouped(n: impl TryInto<i128>) -> String {
    let n: i128 = n.try_into().unwrap_or_default();
    let digits = n.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        text.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Writes a size in bytes as people read it: `1.4 MB` (powers of ten).
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let (mut whole, mut unit) = (n, 0);
    while whole >= 1_000_000 && unit + 1 < UNITS.len() {
        whole /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", whole / 1000, whole % 1000 / 100, UNITS[unit])
}

/// Writes milliseconds as a position in a recording, always with hours so that nobody takes it for a time of day: `0:02:03`.
pub(crate) fn position(ms: u64) -> String {
    let seconds = ms / 1000;
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{h}:{m:02}:{s:02}")
}

/// Writes a length of time as people say it: `1 h 5 min`, `42 s`.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=3599 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_cannot_steer_the_terminal() {
        assert_eq!(
            clean("a\u{1b}[2Jb\u{9b}c\u{202e}d\ne"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d e"
        );
        assert_eq!(clean("会議 – Übersicht 🎉"), "会議 – Übersicht 🎉");
    }

    #[test]
    fn numbers_read_easily() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1 000");
        assert_eq!(grouped(1_234_567_u64), "1 234 567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1000), "1.0 kB");
        assert_eq!(bytes(1_449_999), "1.4 MB");
        assert_eq!(bytes(2_000_000_000), "2.0 GB");
        assert_eq!(position(62_003), "0:01:02");
        assert_eq!(position(3_723_000), "1:02:03");
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(3900), "1 h 5 min");
    }
}

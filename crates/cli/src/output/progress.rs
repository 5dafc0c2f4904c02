//! Progress on standard error, only where a person watches.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Out;

/// A step that is under way: a spinner, or a bar once its total is known.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts a spinner with a message.
    pub(crate) fn start(out: &Out, message: impl Into<String>) -> Self {
        let bar = out.bars().add(ProgressBar::new_spinner());
        bar.set_style(spinner());
        bar.set_message(message.into());
        if out.shows_progress() {
            bar.enable_steady_tick(Duration::from_millis(90));
        }
        Self { bar }
    }

    /// Shows how far the step is; the total may grow while it runs.
    pub(crate) fn at(&self, done: u64, total: u64, message: impl Into<String>) {
        if self.bar.length() != Some(total) {
            self.bar.set_style(bar());
            self.bar.set_length(total);
        }
        self.bar.set_position(done.min(total));
        self.bar.set_message(message.into());
    }

    /// Changes what the step says.
    pub(crate) fn say(&self, message: impl Into<String>) {
        self.bar.set_message(message.into());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn spinner() -> ProgressStyle {
    template(
        "  {spinner} {msg} {elapsed:.dim}",
        "  {spinner} {msg} {elapsed}",
    )
}

fn bar() -> ProgressStyle {
    template(
        "  {spinner} {bar:28.cyan/dim} {pos:>5}/{len} {msg} {elapsed:.dim}",
        "  {spinner} {bar:28} {pos:>5}/{len} {msg} {elapsed}",
    )
}

fn template(coloured: &str, plain: &str) -> ProgressStyle {
    let text = if indicatif_colours() { coloured } else { plain };
    ProgressStyle::with_template(text)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
        .progress_chars("━╸─")
}

fn indicatif_colours() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

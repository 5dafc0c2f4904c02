//! Steps with a name, a duration and a verdict.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// The steps of one task; failures are collected so that one run shows all of them.
pub(crate) struct Steps {
    task: &'static str,
    began: Instant,
    done: Vec<Done>,
}

struct Done {
    name: String,
    took: Duration,
    failure: Option<String>,
    /// It failed at first and not the second time: a fault to find.
    flaky: bool,
}

impl Steps {
    pub(crate) fn new(task: &'static str) -> Self {
        Self {
            task,
            began: now(),
            done: Vec::new(),
        }
    }

    /// Runs a step and goes on, whatever comes of it; whether it succeeded.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        println!("── {}: {name}", self.task);
        let began = now();
        let failure = step().err().map(|error| format!("{error:#}"));
        let took = began.elapsed();
        match &failure {
            None => println!("   {name}: done in {}", show(took)),
            Some(failure) => println!("   {name}: FAILED after {}\n{failure}", show(took)),
        }
        let fine = failure.is_none();
        self.done.push(Done {
            name: name.to_owned(),
            took,
            failure,
            flaky: false,
        });
        fine
    }

    /// Runs a step with other people's programs in it, on a CI machine a second time when it fails: a browser or a server
    /// of theirs may have been starved there. What passes only then is shown as flaky.
    pub(crate) fn run_again_in_ci(&mut self, name: &str, step: impl Fn() -> Result<()>) -> bool {
        if self.run(name, &step) || std::env::var_os("CI").is_none() {
            return self.done.last().is_some_and(|done| done.failure.is_none());
        }
        println!("   {name}: once more");
        let fine = self.run(name, &step);
        if fine {
            // The first try is told in the second one's line.
            self.done
                .retain(|done| done.name != name || done.failure.is_none());
            if let Some(done) = self.done.last_mut() {
                done.flaky = true;
            }
        }
        fine
    }

    /// Prints the table of steps; an error if one failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!("\n{:<28} {:>9}", self.task, "took");
        for done in &self.done {
            let verdict = match (&done.failure, done.flaky) {
                (Some(_), _) => "  FAILED",
                (None, true) => "  FLAKY",
                (None, false) => "",
            };
            println!("{:<28} {:>9}{verdict}", done.name, show(done.took));
        }
        println!("{:<28} {:>9}", "all", show(self.began.elapsed()));
        let failed: Vec<&str> = self
            .done
            .iter()
            .filter(|done| done.failure.is_some())
            .map(|done| done.name.as_str())
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            bail!("{} failed: {}", self.task, failed.join(", "))
        }
    }
}

/// The clock of tasks; nothing that is tested depends on it.
#[expect(
    clippy::disallowed_methods,
    reason = "durations of tasks are shown to people and decide nothing"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits between two looks at something another program does.
#[expect(
    clippy::disallowed_methods,
    reason = "tasks wait for programs that have no clock of ours"
)]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}

fn show(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!(
            "{:.0} m {:02.0} s",
            (seconds / 60.0).floor(),
            seconds % 60.0
        )
    }
}

/// Runs a program with its output shown; an error unless it ends well.
pub(crate) fn sh(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    println!("   $ {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot start: {line}"))?;
    if status.success() {
        Ok(())
    } else {
        bail!("{line}: {status}")
    }
}

/// Runs a program and gives its standard output; its standard error is shown only when it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    let output = command
        .output()
        .with_context(|| format!("cannot start: {line}"))?;
    if !output.status.success() {
        bail!(
            "{line}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("{line}: output is not UTF-8"))
}

/// Whether a program can be started and ends well.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Whether this runs as root.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn line_of(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

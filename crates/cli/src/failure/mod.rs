//! How a command fails: what happened, to which thing, what to do now, and with which exit code.

pub(crate) mod codes;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::output::{clean, style};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was done.
    Done,
    /// It could not be done.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// A person has to act (reconnect an account, give a scope, look at dead letters).
    NeedsAttention,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NeedsAttention => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// A failure as a person and a program can use it.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    exit: Exit,
    code: String,
    what: String,
    details: Vec<String>,
    hint: Option<String>,
    extra: Map<String, Value>,
}

impl Failure {
    /// A failure with a stable code and one sentence that names the thing it happened to.
    pub(crate) fn new(exit: Exit, code: impl Into<String>, what: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            exit,
            code: code.into(),
            what: what.into(),
            details: Vec::new(),
            hint: None,
            extra: Map::new(),
        }))
    }

    /// Something could not be done.
    pub(crate) fn failed(code: &str, what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, code, what)
    }

    /// The command line or configuration is wrong.
    pub(crate) fn usage(code: &str, what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, what)
    }

    /// A thing asked for by name or id does not exist.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "not_found", what)
    }

    /// Something that should not happen did.
    pub(crate) fn internal(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "internal", what)
            .hint("This is a fault in Parfocal; run again with -vv and report what it says.")
    }

    /// A file could not be read or written.
    pub(crate) fn file(doing: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(
            Exit::Failed,
            "file",
            format!("{doing} {} failed: {error}", path.display()),
        )
        .hint("Check that the path exists and that this user may use it.")
    }

    /// Standard output could not be written; a reader that went away ends the program quietly.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::new(Exit::Done, "broken_pipe", "")
        } else {
            Self::new(
                Exit::Failed,
                "output",
                format!("standard output could not be written: {error}"),
            )
        }
    }

    /// The same failure, ending the program otherwise.
    pub(crate) fn ending(mut self, exit: Exit) -> Self {
        self.0.exit = exit;
        self
    }

    /// Adds what to do now.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds a line that says more.
    #[must_use]
    pub(crate) fn detail(mut self, line: impl Into<String>) -> Self {
        self.0.details.push(line.into());
        self
    }

    /// Adds a member to the problem that `--json` prints.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(key.to_owned(), value.into());
        self
    }

    /// How the program ends after this failure.
    pub(crate) fn exit(&self) -> Exit {
        self.0.exit
    }

    /// The failure as an RFC 9457-like problem.
    fn problem(&self) -> Value {
        let mut detail = self.0.what.clone();
        for line in &self.0.details {
            detail.push('\n');
            detail.push_str(line);
        }
        let mut problem = json!({
            "type": format!("urn:parfocal:problem:{}", self.0.code),
            "title": title(self.0.exit),
            "code": self.0.code,
            "detail": detail,
        });
        if let Some(object) = problem.as_object_mut() {
            if let Some(hint) = &self.0.hint {
                object.insert("hint".to_owned(), Value::from(hint.as_str()));
            }
            object.extend(self.0.extra.clone());
        }
        problem
    }

    /// Prints the failure on standard error.
    pub(crate) fn print(&self, as_json: bool) {
        if self.0.exit == Exit::Done {
            return;
        }
        let mut stderr = anstream::stderr().lock();
        // Nothing is left to do when standard error itself fails.
        let _ = if as_json {
            writeln!(stderr, "{}", self.problem())
        } else {
            writeln!(stderr, "{}", self.text())
        };
    }

    fn text(&self) -> String {
        let (bad, dim, accent) = (style::BAD, style::DIM, style::ACCENT);
        let mut text = format!("{bad}error:{bad:#} {}", clean(&self.0.what));
        for line in &self.0.details {
            text.push_str("\n  ");
            text.push_str(&clean(line));
        }
        if let Some(hint) = &self.0.hint {
            text.push_str("\n  ");
            text.push_str(&style::paint(accent, "→"));
            text.push(' ');
            text.push_str(&clean(hint));
        }
        if let Some(id) = self
            .0
            .extra
            .get("zoom")
            .and_then(|zoom| zoom.get("tracking_id"))
            .and_then(Value::as_str)
        {
            text.push_str("\n  ");
            text.push_str(&style::paint(
                dim,
                format!("Zoom's tracking id: {}", clean(id)),
            ));
        }
        text
    }
}

fn title(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "Done",
        Exit::Failed => "The command failed",
        Exit::Usage => "The command line or configuration is wrong",
        Exit::NeedsAttention => "Somebody has to act",
    }
}

/// Adds a sentence about the thing that was being done to an error of any library.
pub(crate) trait Context<T> {
    /// Turns an error into a failure that says what was being done.
    fn doing(self, code: &str, doing: impl Display) -> Result<T, Failure>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn doing(self, code: &str, doing: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::failed(code, format!("{doing}: {error}")))
    }
}

impl From<parfocal_engine::EngineError> for Failure {
    fn from(error: parfocal_engine::EngineError) -> Self {
        let exit = codes::exit_of(error.kind());
        let mut failure =
            Self::new(exit, error.code().as_str(), error.message()).hint(error.hint());
        for fault in error.faults().iter().skip(1) {
            failure = failure.detail(format!("{fault}. {}", fault.mend));
        }
        if !error.faults().is_empty() {
            let errors = serde_json::to_value(error.faults()).unwrap_or_default();
            failure = failure.with("errors", errors);
        }
        if let Some(zoom) = error.zoom() {
            failure = failure.with("zoom", serde_json::to_value(zoom).unwrap_or_default());
        }
        failure
    }
}

impl From<parfocal_engine::store::StoreError> for Failure {
    fn from(error: parfocal_engine::store::StoreError) -> Self {
        parfocal_engine::EngineError::from(error).into()
    }
}

impl From<parfocal_server::mcp::StdioError> for Failure {
    fn from(error: parfocal_server::mcp::StdioError) -> Self {
        let hint = error.hint();
        Self::failed("mcp", error.to_string()).hint(hint)
    }
}

impl From<parfocal_server::ServerError> for Failure {
    fn from(error: parfocal_server::ServerError) -> Self {
        let hint = error.hint();
        Self::failed("server", error.to_string()).hint(hint)
    }
}

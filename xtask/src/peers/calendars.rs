//! Calendars of others: Radicale and Python's caldav beside our CalDAV adapter.

use std::process::Command;

use anyhow::Result;

use super::python;
use crate::steps::sh;
use crate::workspace::{cargo, metadata, root};

pub(crate) fn calendars() -> Result<()> {
    let Some(python) = python("calendars")? else {
        return Ok(());
    };
    let scripts = root().join("peers/calendars");
    // With the whole workspace's features, as the tests have built it already.
    sh(cargo().args(["build", "--quiet", "--workspace", "--example", "caldav"]))?;
    let adapter = metadata()?.target_directory.join("debug/examples/caldav");
    sh(Command::new(python)
        .arg(scripts.join("radicale_server.py"))
        .arg(adapter))
}
